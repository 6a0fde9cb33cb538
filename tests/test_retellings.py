"""The command `story`: what an operator sees of a merge, and how it is undone."""

import json

import pytest

from aggregator import retellings
from aggregator.errors import AggregatorError
from tests.conftest import Aggregator
from tests.publishing import NOON, Newsroom
from tests.test_store_stories import ACQUIRES, BUYS, entry, poll

PERMALINK = "https://b.example/story"


@pytest.fixture
def room(tmp_path):
    room = Newsroom(tmp_path)
    for name in ("alpha", "beta", "gamma"):
        room.feed(name)
    poll(room.db, 1, entry("a", BUYS), now=NOON)
    poll(room.db, 2, entry("b", ACQUIRES), now=NOON)
    poll(
        room.db, 3, entry("c", "The head of Brindle speaks", permalink=f"{PERMALINK}?utm_source=c"), now=NOON
    )
    yield room
    room.db.conn.close()


def whys(room, named):
    return [(row["entry"], row["why"]) for row in retellings.rows(room.db, named)]


def test_each_entry_of_a_story_says_why_it_is_one(room):
    expected = [(1, "was here first"), (2, f"tells what 1 tells: {BUYS}"), (3, "has the address of 2")]
    assert whys(room, "2") == whys(room, PERMALINK) == expected
    room.summarise(1)
    room.publish()
    [row] = room.rows()
    assert whys(room, f"https://news.example/entries/{row['slug']}.html") == [
        (1, "is what the story is published from"),
        *expected[1:],
    ]


def test_without_an_entry_those_that_joined_last_are_named(room):
    assert [row["entry"] for row in retellings.latest(room.db)] == [3, 2]


def test_a_parted_entry_is_a_story_and_the_others_stay_one(room):
    retellings.part(room.db, "2", NOON)
    assert whys(room, "2") == [(2, "parted at 2026-11-24T03:00:00Z")]
    assert [number for number, _ in whys(room, "1")] == [1, 3]


@pytest.mark.parametrize("named", ["99", "9" * 30, "https://nobody.example/", "nonsense"])
def test_what_is_not_there_is_said(room, named):
    with pytest.raises(AggregatorError, match="no entry has"):
        retellings.rows(room.db, named)


def test_what_is_parted_is_named_by_its_number(room):
    with pytest.raises(AggregatorError, match="give the number"):
        retellings.part(room.db, PERMALINK, NOON)


def test_what_a_story_is_published_from_stays(room):
    room.summarise(1)
    room.publish()
    with pytest.raises(AggregatorError, match="entry 1 stays"):
        retellings.part(room.db, "1", NOON)


def test_the_command_shows_and_parts(room, aggregator: Aggregator):
    room.db.conn.close()
    done = aggregator("story", "3", "--json")
    assert [row["why"] for row in json.loads(done.stdout)][2] == "has the address of 2"
    parted = aggregator("story", "3", "--part")
    assert parted.returncode == 0, parted.stderr
    assert "parted at" in parted.stdout.splitlines()[1]
    assert len(aggregator("story").stdout.splitlines()) == 3
    refused = aggregator("story", "3", "--part")
    assert refused.returncode == 1
    assert "entry 3 stays" in refused.stderr
