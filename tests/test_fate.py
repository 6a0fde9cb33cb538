"""What became of an entry, as an operator is told."""

from datetime import timedelta
from pathlib import Path

import pytest

from aggregator import fate
from aggregator.errors import AggregatorError
from aggregator.times import to_text
from tests.conftest import Aggregator
from tests.publishing import NOON, Newsroom


@pytest.fixture
def room(tmp_path: Path) -> Newsroom:
    return Newsroom(tmp_path, hold_time=timedelta(hours=6))


def told(room: Newsroom, text: object) -> dict[str, str]:
    return dict(fate.lines(fate.collect(room.db, room.config, str(text)), room.config))


def test_an_entry_waits_then_is_held_then_published(room: Newsroom):
    entry = room.entry(room.feed(), "1", canonical_url="https://alpha.example/1")
    assert told(room, entry)["state"] == "waits for its text"
    room.publish()
    held = told(room, entry)
    assert held["state"] == (
        f"held since {to_text(NOON)} for its translation, until {to_text(NOON + timedelta(hours=6))} at the latest"
    )
    assert (held["translation"], "page" in held) == ("none yet", False)
    room.translate(entry, "見出し")
    room.publish()
    shown = told(room, entry)
    assert shown["state"] == f"published {to_text(NOON)}"
    assert shown["page"].startswith("https://news.example/entries/2026/11/")
    assert told(room, shown["page"]) == told(room, "https://alpha.example/1") == shown


def test_why_a_translation_was_refused_is_told_with_what_follows(room: Newsroom):
    entry = room.entry(room.feed(), "1")
    row = {"entry_id": entry, "language": "ja", "failure": "title: no Japanese", "attempts": 2}
    room.db.table("translations").insert(row | {"retry_at": "2026-11-24T04:00:00Z"})
    assert told(room, entry)["translation"] == (
        "title: no Japanese (2 attempts, again at 2026-11-24T04:00:00Z)"
    )
    room.db.execute("UPDATE translations SET retry_at = NULL, attempts = 5")
    assert told(room, entry)["translation"] == "title: no Japanese (5 attempts, not again by itself)"


@pytest.mark.parametrize(
    ("reason", "said"),
    [("mute: sponsored", "mute: sponsored"), ("first fill", "older than what a new feed brings"),
     ("dropped", "its texts went with its age")],
)  # fmt: skip
def test_what_keeps_an_entry_out_is_told(room: Newsroom, reason: str, said: str):
    assert told(room, room.entry(room.feed(), "1", excluded=reason))["state"] == f"kept out: {said}"


def test_a_source_of_a_story_names_the_entry_it_is_published_from(room: Newsroom):
    lead = room.entry(room.feed(), "1")
    room.publish()
    [story] = [row["story_id"] for row in room.db.query("SELECT story_id FROM entries")]
    other = room.entry(room.feed("beta"), "2", story=story)
    assert told(room, other)["state"] == (f"one of its story's sources; that is published from entry {lead}")
    assert told(room, lead)["same story"] == str(other)


def test_an_entry_of_a_feed_that_was_removed_says_so(room: Newsroom):
    entry = room.entry(room.feed(listed=0), "1")
    found = told(room, entry)
    assert found["feed"].endswith("not listed any more")
    assert found["state"] == "not published: its feed is not listed"


def test_what_no_entry_has_is_one_line(room: Newsroom, aggregator: Aggregator):
    with pytest.raises(AggregatorError, match="no entry has"):
        fate.collect(room.db, room.config, "77")
    done = aggregator("entry", "77")
    assert (done.returncode, len(done.stderr.splitlines())) == (1, 1)


def test_the_command_tells_it_in_lines(room: Newsroom, aggregator: Aggregator):
    entry = room.entry(room.feed(), "1")
    room.db.close()
    done = aggregator("entry", str(entry))
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[0].split(maxsplit=1) == ["entry", f"{entry} Story 1"]
