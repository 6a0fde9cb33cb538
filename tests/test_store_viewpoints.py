"""Machines' comments in the store: one for each persona, from the article as it is, never made again without cause."""

from datetime import timedelta

import pytest

from aggregator.model import EngineChoice, ViewpointJob, ViewpointOutcome
from aggregator.store import stale_pages, viewpoints
from aggregator.times import to_text
from tests.publishing import NOON, Newsroom

HOUR = timedelta(hours=1)
ENGINE = EngineChoice(name="openai", model="m-1", writes=True)
TEXT = "Fastmillの速さに期待しています。"


@pytest.fixture
def room(tmp_path):
    return Newsroom(tmp_path)


def story(room, guid="1", *, rights=None) -> int:
    entry = room.entry(room.feed(f"feed{guid}", rights=rights), guid)
    room.translate(entry)
    room.publish()
    return room.db.execute("SELECT story_id FROM entries WHERE entry_id = ?", [entry]).fetchone()[0]


def due(room, after=timedelta()):
    return viewpoints.due(room.db, NOON + after)


def write(room, order, outcome=None, after=timedelta()):
    job = ViewpointJob(order=order, engine=ENGINE)
    viewpoints.write(room.db, job, outcome or ViewpointOutcome(text=TEXT), NOON + after)


def shown(room, story_id):
    return viewpoints.shown(room.db, [story_id]).get(story_id, ())


def test_a_new_entry_waits_for_one_comment_of_each_persona(room):
    story(room)
    assert [(order.persona, order.title, order.text) for order in due(room)] == [
        ("hopeful", "Story 1", "x"), ("critical", "Story 1", "x"),
    ]  # fmt: skip


def test_what_was_written_is_shown_and_never_asked_for_again(room):
    one = story(room)
    for order in due(room):
        write(room, order)
    assert due(room, 40 * HOUR) == []
    hopeful, critical = shown(room, one)
    assert (hopeful.persona, critical.persona) == ("hopeful", "critical")
    assert (hopeful.text, hopeful.engine, hopeful.model, hopeful.written_at) == (TEXT, "openai", "m-1", NOON)


def test_another_text_of_the_article_takes_the_comments_away_and_asks_for_new_ones(room):
    one = story(room)
    for order in due(room):
        write(room, order)
    room.db.execute("UPDATE articles SET fingerprint = 'another', text = 'y'")
    assert shown(room, one) == ()
    assert [order.text for order in due(room)] == ["y", "y"]


def test_what_was_refused_waits_for_another_text(room):
    one = story(room)
    for order in due(room):
        write(room, order, ViewpointOutcome(failure="it speaks of crime: police"))
    assert due(room, 40 * HOUR) == []
    assert shown(room, one) == ()


def test_a_writer_that_failed_is_asked_again_after_a_quarter_of_an_hour(room):
    story(room)
    for order in due(room):
        write(room, order, ViewpointOutcome(trouble="openai: down"))
    assert due(room) == []
    assert len(due(room, HOUR / 4)) == 2


@pytest.mark.parametrize("rights", ["titles"])
def test_a_feed_that_allows_titles_alone_gets_none(room, rights):
    story(room, rights=rights)
    assert due(room) == []


def test_a_site_that_objects_to_machines_gets_none_and_loses_those_there_are(room):
    one = story(room)
    for order in due(room):
        write(room, order)
    room.db.execute(
        """INSERT INTO pages (entry_id, fingerprint, url, host, domain, wanted, queued_at, signal, effect)
        SELECT entry_id, '', '', '', '', 0, ?, 'robots.txt: Content-Signal ai-input=no', 'titles' FROM entries""",
        [to_text(NOON)])  # fmt: skip
    assert shown(room, one) == ()
    room.db.execute("DELETE FROM viewpoints")
    assert due(room) == []


def test_an_entry_that_is_held_untranslated_or_two_days_old_gets_none(room):
    room.entry(room.feed())
    room.publish()
    room.publish(hours=7)
    assert due(room) == []
    story(room, "2")
    assert len(due(room, 7 * HOUR)) == 2
    assert due(room, 56 * HOUR) == []


def test_switched_off_all_are_deleted_and_their_pages_written_again(room):
    one = story(room)
    write(room, due(room)[0])
    stale_pages.done(room.db, stale_pages.newest(room.db, 9))
    viewpoints.forget(room.db)
    assert list(stale_pages.newest(room.db, 9)) == [one]
    assert room.db["viewpoints"].count == 0
