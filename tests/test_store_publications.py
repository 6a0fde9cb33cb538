"""Rows of publications and of what they are made from."""

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from aggregator.model import CommentCount, Enclosure
from aggregator.publish.promote import Hold
from aggregator.store import publications
from aggregator.store.publications import Published
from tests.publishing import NOON, Newsroom


@pytest.fixture
def room(tmp_path: Path) -> Newsroom:
    return Newsroom(tmp_path)


def held(room: Newsroom, story_id: int, lead: int, name: str = "a" * 32) -> None:
    slugs = tuple(f"2026/11/{name[:n]}" for n in (8, 12, 32))
    hold = Hold(story_id=story_id, lead_entry_id=lead, public_id=f"urn:uuid:{name}", slugs=slugs)
    publications.hold(room.db, hold, NOON)


def story_of(room: Newsroom, entry: int) -> int:
    return int(room.db.execute("SELECT story_id FROM entries WHERE entry_id = ?", [entry]).fetchone()[0])


def test_a_story_is_a_candidate_until_it_is_held(room: Newsroom):
    entry = room.entry(room.feed())
    assert [c.entry_id for c in publications.candidates(room.db, 10)] == [entry]
    held(room, story_of(room, entry), entry)
    assert publications.candidates(room.db, 10) == []


def test_a_stale_summary_makes_no_candidate_and_holds_up_no_other(room: Newsroom):
    stale, good = (room.entry(room.feed(name), "1") for name in ("a", "b"))
    room.db.execute("UPDATE articles SET fingerprint = 'newer' WHERE entry_id = ?", [stale])
    assert [c.entry_id for c in publications.candidates(room.db, 1)] == [good]


def test_an_article_that_was_postponed_makes_no_candidate(room: Newsroom):
    room.db.execute("UPDATE articles SET fingerprint = '' WHERE entry_id = ?", [room.entry(room.feed())])
    assert publications.candidates(room.db, 10) == []


def test_the_limit_counts_stories_and_never_splits_one(room: Newsroom):
    first = room.entry(room.feed("a"), "1")
    room.entry(room.feed("b"), "1", story=story_of(room, first))
    room.entry(room.feed("c"), "1")
    assert len(publications.candidates(room.db, 1)) == 2


def test_a_taken_path_gives_way_to_a_longer_one(room: Newsroom):
    entries = [room.entry(room.feed(name)) for name in ("a", "b")]
    held(room, story_of(room, entries[0]), entries[0], "a" * 32)
    held(room, story_of(room, entries[1]), entries[1], "a" * 8 + "b" * 24)
    assert [row["slug"] for row in room.rows()] == ["2026/11/aaaaaaaa", "2026/11/aaaaaaaabbbb"]


def test_a_guid_that_a_feed_uses_again_is_another_publication_and_stops_nobody(room: Newsroom):
    """Its first entry was narrowed to x#…, as identities.recognised does where a document repeats the guid."""
    feed = room.feed()
    first = room.entry(feed, "x", permalink="https://alpha.example/1")
    room.publish()
    for number in (2, 3):
        room.db.execute("UPDATE entries SET guid = 'x#' || entry_id WHERE guid = 'x'")
        room.entry(feed, "x", permalink="https://alpha.example/2", age=1 / number)
        room.publish()
    assert [story for story, _ in publications_of(room)] == [story_of(room, first), 2, 3]
    assert len({name for _, name in publications_of(room)}) == 3


def publications_of(room: Newsroom) -> list[tuple[int, str]]:
    return sorted((int(str(row["story_id"])), str(row["slug"])) for row in room.rows())


def test_due_are_the_translated_and_those_held_too_long(room: Newsroom):
    feed = room.feed()
    translated, old = room.entry(feed, "1"), room.entry(feed, "2")
    room.translate(translated)
    for number, entry in enumerate((translated, old)):
        held(room, story_of(room, entry), entry, str(number) * 32)

    def due(held_before: timedelta, language: str = "ja") -> list[int]:
        return publications.due(room.db, NOON - held_before, language, 10)

    assert due(timedelta(hours=1)) == [story_of(room, translated)]
    assert due(timedelta()) == [story_of(room, translated), story_of(room, old)]
    assert due(timedelta(hours=1), "pt") == []


def test_the_newest_are_as_many_as_asked_for_and_two_days_more(room: Newsroom):
    feed = room.feed()
    for number, hours in enumerate((0, 47, 48, 49, 100)):
        entry = room.entry(feed, str(number))
        room.translate(entry)
        held(room, story_of(room, entry), entry, str(number) * 32)
        [facts] = publications.facts(room.db, [story_of(room, entry)], "ja")
        at = NOON - timedelta(hours=hours)
        row = replace(facts.publication, state="translated", first_published_at=at, updated_at=at)
        publications.promote(room.db, row)
    assert len(publications.newest(room.db, "translated", 1)) == 3
    assert len(publications.newest(room.db, "translated", 4)) == 4
    assert len(publications.newest(room.db, "translated", 99)) == 5
    assert publications.newest(room.db, "untranslated", 4) == []


def test_the_newest_are_found_by_index(room: Newsroom):
    plan = room.db.query(
        "EXPLAIN QUERY PLAN "
        "SELECT first_published_at AS t FROM publications WHERE state = ? ORDER BY t DESC LIMIT 1",
        ["translated"],
    )
    assert "publications_newest" in " ".join(row["detail"] for row in plan)


def test_candidates_are_found_without_a_look_at_published_stories(room: Newsroom):
    plan = room.db.query(f"EXPLAIN QUERY PLAN {publications._CANDIDATES}", {"limit": 1})
    assert "stories_unpublished" in " ".join(row["detail"] for row in plan)


def test_facts_hold_the_lead_its_translation_its_sources_and_counts(room: Newsroom):
    lead = room.entry(
        room.feed("alpha", "full", language="en"), "1", age=2, authors='["Ida Voss"]', tags='["chips"]',
        enclosures='[{"url": "https://c.example/a.mp3", "media_type": null, "length": 7}]',
        comments_url="https://talk.example/1",
    )  # fmt: skip
    room.translate(lead)
    other = room.entry(room.feed("beta", title=""), "2", story=story_of(room, lead))
    room.count(other, 5, "https://talk.example/1")
    held(room, story_of(room, lead), lead)
    [facts] = publications.facts(room.db, [story_of(room, lead)], "ja")
    assert (facts.title, facts.rights, facts.language, facts.authors) == (
        "Story 1",
        "full",
        "en",
        ("Ida Voss",),
    )
    assert facts.enclosures == (Enclosure(url="https://c.example/a.mp3", media_type=None, length=7),)
    assert [source.feed_title for source in facts.sources] == ["Alpha Wire", "beta.example"]
    assert facts.counts == (
        CommentCount(source="feed", count=5, url="https://talk.example/1", counted_at=NOON),
    )
    assert facts.translated is not None
    assert (facts.translated.title, facts.translated.current) == ("日本語の見出し", True)


@pytest.mark.parametrize("table", ["entries", "articles", "summaries"])
def test_a_translation_is_current_only_while_nothing_before_it_changed(room: Newsroom, table: str):
    entry = room.entry(room.feed())
    room.translate(entry)
    held(room, story_of(room, entry), entry)
    room.db.execute(f"UPDATE {table} SET fingerprint = 'newer' WHERE entry_id = ?", [entry])
    [facts] = publications.facts(room.db, [story_of(room, entry)], "ja")
    assert facts.translated is not None
    assert facts.translated.current is False


def test_an_attempt_that_failed_is_no_translation(room: Newsroom):
    entry = room.entry(room.feed())
    room.translate(entry, title=None, failure="no script")
    held(room, story_of(room, entry), entry)
    assert publications.facts(room.db, [story_of(room, entry)], "ja")[0].translated is None
    assert publications.waiting(room.db) == 1


def test_what_was_published_is_remembered_and_can_be_forgotten_but_for_its_folder(room: Newsroom):
    assert publications.published(room.db) == Published()
    publications.note(room.db, Published("token", "form", "digest"))
    assert publications.published(room.db) == Published("token", "form", "digest")
    publications.forget(room.db)
    assert publications.published(room.db) == Published("token", "", "")


def test_the_private_path_stands_until_it_is_rotated(room: Newsroom):
    first = publications.private_path(room.db)
    assert publications.private_path(room.db) == first
    second = publications.private_path(room.db, rotate=True)
    assert second != first
    assert publications.private_path(room.db) == second


def test_a_feed_that_carries_a_story_twice_is_one_source(room: Newsroom):
    alpha, beta = room.feed("alpha"), room.feed("beta")
    story = room.db.table("stories").insert({"lead_entry_id": None}).last_pk
    room.entry(alpha, "1", story=story, age=3)
    room.entry(alpha, "2", story=story, age=2, permalink="https://alpha.example/1?utm_source=rss")
    room.entry(beta, "3", story=story, age=1)
    room.publish()
    [facts] = publications.facts(room.db, [story], "ja")
    assert [source.feed_title for source in facts.sources] == ["Alpha Wire", "Beta Wire"]
    assert facts.sources[0].permalink == "https://alpha.example/1"
