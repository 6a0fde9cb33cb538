"""Rules on titles in Japanese: looked at once there is one, before anybody is given it."""

import json
from pathlib import Path

import pytest

from aggregator.poll import filters
from aggregator.store import admission
from tests.publishing import Newsroom

SALE = "スマートフォンが最大40％引きのセール"


@pytest.fixture
def room(tmp_path: Path) -> Newsroom:
    return Newsroom(tmp_path)


def excluded(room: Newsroom) -> list[object]:
    return [row["excluded"] for row in room.db.query("SELECT excluded FROM entries ORDER BY entry_id")]


def test_a_muted_title_is_never_published_and_says_why(room: Newsroom):
    admission.take_up(room.db, filters.of_rules(["translated: セール"]))
    feed = room.feed()
    room.translate(room.entry(feed, "1"), SALE)
    room.translate(room.entry(feed, "2"), "新しい CPU が登場")
    room.publish()
    room.publish(hours=9)
    assert excluded(room) == ["mute translated: セール", None]
    assert not [name for name, data in room.outputs().items() if SALE in data.decode(errors="replace")]
    assert sorted(str(row["state"]) for row in room.rows()) == ["translated", "withdrawn"]


def test_a_feeds_own_rules_hold_for_it_alone_and_keep_saves(room: Newsroom):
    rules = json.dumps({"mute": "translated: セール", "keep": "title: Story 2"})
    own, other = room.feed("alpha", settings=rules), room.feed("beta")
    for number, feed in enumerate([own, own, other], 1):
        room.translate(room.entry(feed, str(number)), SALE)
    room.publish()
    assert excluded(room) == ["mute translated: セール", None, None]


def test_a_story_that_one_feed_alone_mutes_is_told_by_another(room: Newsroom):
    rules = json.dumps({"mute": "translated: セール"})
    first = room.entry(room.feed("alpha", settings=rules), "1")
    [story] = (row["story_id"] for row in room.db.table("stories").rows)
    second = room.entry(room.feed("beta"), "2", story=story, age=0.5)
    room.translate(first, SALE)
    room.publish()
    assert excluded(room) == ["mute translated: セール", None]
    assert [row["state"] for row in room.rows()] == ["held"]
    room.translate(second, SALE)
    room.publish(hours=1)
    assert [(row["state"], row["title"]) for row in room.rows()] == [("translated", SALE)]
    page = room.path(f"entries/{room.rows()[0]['slug']}.html").read_text()
    assert "Beta Wire" in page
    assert "Alpha Wire" not in page


@pytest.mark.parametrize("everywhere", [True, False])
def test_a_story_is_published_by_nobody_where_a_rule_is_of_all_feeds_or_each_feed_has_it(
    room: Newsroom, *, everywhere: bool
):
    if everywhere:
        admission.take_up(room.db, filters.of_rules(["translated: セール"]))
    rules = json.dumps({} if everywhere else {"mute": "translated: セール"})
    first = room.entry(room.feed("alpha", settings=rules), "1")
    [story] = (row["story_id"] for row in room.db.table("stories").rows)
    second = room.entry(room.feed("beta", settings=rules), "2", story=story, age=0.5)
    for entry in (first, second):
        room.translate(entry, SALE)
    room.publish()
    assert [row["state"] for row in room.rows()] == ["withdrawn"]


def test_what_readers_have_stays_when_a_rule_comes_later(room: Newsroom):
    room.translate(room.entry(room.feed()), SALE)
    room.publish()
    before = room.outputs()
    admission.take_up(room.db, filters.of_rules(["translated: セール"]))
    room.publish(hours=1)
    assert excluded(room) == [None]
    assert room.outputs() == before


def test_what_was_shown_untranslated_is_shown_translated_too(room: Newsroom):
    admission.take_up(room.db, filters.of_rules(["translated: セール"]))
    entry = room.entry(room.feed())
    room.publish()
    room.publish(hours=7)
    assert [row["state"] for row in room.rows()] == ["untranslated"]
    room.translate(entry, SALE)
    room.publish(hours=1)
    assert [row["state"] for row in room.rows()] == ["translated"]
