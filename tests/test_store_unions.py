"""Stories found to be one by what is counted of them, in a real store; and entries parted again."""

import pytest
from sqlite_utils import Database

from aggregator.store import joins, publications, unions
from aggregator.times import to_text
from tests.publishing import NOON, Newsroom
from tests.test_store_discussions import HOUR, opened, published, record, story_of, thread


@pytest.fixture
def room(tmp_path):
    room = Newsroom(tmp_path)
    yield room
    room.db.conn.close()


def held(room, guid, age=0.0, *providers):
    """Return a story that waits for its translation."""
    story = opened(room, guid, age, *providers)
    values = {"state": "held", "first_published_at": None, "held_at": to_text(NOON - age * HOUR)}
    room.db.table("publications").update(f"urn:uuid:{story:032x}", values)
    return story


def stories(room):
    return [
        (row["guid"], row["story_id"]) for row in room.db.query("SELECT * FROM entries ORDER BY entry_id")
    ]


def numbers(room):
    found = publications.facts(room.db, [story for _, story in stories(room)], "ja")
    return [(count.source, count.count) for facts in found for count in facts.counts]


def same_for_both(room, one, other, key="7", count=5, provider="hackernews"):
    record(room, NOON + HOUR, [(one, key, count), (other, key, count)], provider=provider)


def test_what_nobody_has_seen_goes_into_the_published_story_and_its_thread_is_counted_once(room):
    waits, seen = held(room, "1", 0, "hackernews", "lobsters"), published(room, "2", age=3)
    record(room, NOON, [(waits, "x", 4)], provider="lobsters")
    same_for_both(room, waits, seen)
    assert stories(room) == [("1", seen), ("2", seen)]
    assert sorted(numbers(room)) == [("hackernews", 5), ("lobsters", 4)]
    assert [row["story_id"] for row in room.rows()] == [seen]
    assert [row["story_id"] for row in room.db.table("stories").rows] == [seen]
    assert room.db.execute("PRAGMA foreign_key_check").fetchall() == []
    [member] = [row for row in joins.members(room.db, "1") if row["reason"]]
    assert (member["entry"], member["joined"], member["detail"]) == (1, 2, "hackernews 7")


def test_an_answer_about_a_story_that_another_answer_made_one_with_its_like_leaves_it_out(room):
    """Jobs for several providers are in flight together: the second one asked while both stories were there."""
    both = ("hackernews", "lobsters")
    waits, seen = held(room, "1", 0, *both), published(room, "2", age=3)
    other = opened(room, "3", 0, *both)
    same_for_both(room, waits, seen)
    record(
        room, NOON + HOUR, [(waits, "x", 4), (other, "y", 2)], provider="lobsters",
        named=[(waits, thread("o/r/issues/1", "github")), (other, thread("o/r/issues/2", "github"))],
    )  # fmt: skip
    assert stories(room) == [("1", seen), ("2", seen), ("3", other)]
    assert sorted(numbers(room)) == [("hackernews", 5), ("lobsters", 2)]
    named = room.db.execute("SELECT story_id, thread_key FROM discussions WHERE provider = 'github'")
    assert named.fetchall() == [(other, "o/r/issues/2")]
    assert room.db.execute("PRAGMA foreign_key_check").fetchall() == []


def test_of_two_that_nobody_has_seen_the_one_held_first_stays(room):
    late, early = held(room, "1", 1), held(room, "2", 2)
    same_for_both(room, late, early)
    assert stories(room) == [("1", early), ("2", early)]


def test_a_story_that_has_no_publication_yet_joins_by_the_discussion_it_names(room):
    seen, entry = opened(room, "1"), room.entry(room.feed("other"), "2")
    room.db.table("story_keys").insert(
        {"key": "discussion hackernews 7", "entry_id": entry, "at": to_text(NOON)}
    )
    record(room, NOON + HOUR, [(seen, "7", 5)])
    assert stories(room) == [("1", seen), ("2", seen)]


def test_of_two_that_were_published_neither_is_taken_back_and_each_names_the_other(room):
    one, other = opened(room, "1"), opened(room, "2")
    before = room.rows()
    for _ in range(2):
        same_for_both(room, one, other)
    assert room.rows() == before
    assert stories(room) == [("1", one), ("2", other)]
    related = joins.related(room.db, [one, other])
    assert [[each.slug for each in related[story]] for story in (one, other)] == [
        [f"{other:032x}"],
        [f"{one:032x}"],
    ]
    assert numbers(room) == [("hackernews", 5), ("hackernews", 5)]


def test_pages_are_written_again_once_for_what_is_related(room):
    one, other = opened(room, "1"), opened(room, "2")
    same_for_both(room, one, other)
    assert [row["story_id"] for row in room.db.table("stale_pages").rows] == [one, other]
    room.db.execute("DELETE FROM stale_pages")
    same_for_both(room, one, other, count=6)
    assert room.db.table("stale_pages").count == 0


def test_a_story_whose_feed_was_removed_before_it_was_translated_takes_nobody_along(room):
    one, other = opened(room, "1"), held(room, "2")
    room.db.execute("UPDATE publications SET state = 'untranslated' WHERE story_id = ?", [one])
    room.db.execute("UPDATE feeds SET listed = 0 WHERE feed_id = 1")
    same_for_both(room, one, other)
    assert stories(room) == [("1", one), ("2", other)]


@pytest.mark.parametrize("provider", ["hatena", "comment-feeds"])
def test_what_is_said_of_an_address_makes_no_story(room, provider):
    one, other = held(room, "1", 0, provider), held(room, "2", 0, provider)
    same_for_both(room, one, other, provider=provider)
    assert stories(room) == [("1", one), ("2", other)]


def test_a_discussion_of_several_stories_of_one_feed_joins_none(room):
    feed = room.feed()
    entries = [room.entry(feed, guid) for guid in ("1", "2")] + [room.entry(room.feed("other"), "3")]
    keys = [{"key": "discussion hackernews 7", "entry_id": entry, "at": to_text(NOON)} for entry in entries]
    room.db.table("story_keys").insert_all(keys)
    assert unions.by_discussions(room.db, [thread("7")], NOON) == set()
    assert len({story for _, story in stories(room)}) == 3


@pytest.mark.parametrize(
    "change",
    [
        'UPDATE feeds SET settings = \'{"merge": "address"}\' WHERE feed_id = 2',
        "UPDATE feeds SET listed = 0 WHERE feed_id = 2",
        "UPDATE publications SET state = 'withdrawn', first_published_at = held_at WHERE story_id = 2",
        "UPDATE discussions SET gone = 1 WHERE story_id = 2",
    ],
)
def test_what_is_kept_apart_stays_apart(room, change):
    one, other = held(room, "1"), held(room, "2")
    record(room, NOON, [(other, "7", 5)])
    room.db.execute(change)
    record(room, NOON + HOUR, [(one, "7", 5)])
    assert stories(room) == [("1", one), ("2", other)]


def test_an_entry_that_is_parted_is_published_for_itself_and_stays_parted(room):
    seen = opened(room, "1")
    entry = room.entry(room.feed("other"), "2", story=seen)
    record(room, NOON, [(seen, "7", 5)])
    assert unions.part(room.db, entry, NOON)
    own = story_of(room, entry)
    assert own != seen
    assert [each.entry_id for each in publications.candidates(room.db, 9)] == [entry]
    assert room.db.execute("SELECT thread_key, next_count_at FROM discussions").fetchall() == [
        ("", to_text(NOON))
    ]
    room.db.table("story_keys").insert(
        {"key": "discussion hackernews 7", "entry_id": entry, "at": to_text(NOON)}
    )
    record(room, NOON + HOUR, [(seen, "7", 5)])
    assert story_of(room, entry) == own


def test_the_entry_a_story_is_published_from_and_a_storys_only_one_stay(room):
    story = published(room, "1")
    alone = room.entry(room.feed("other"), "2")
    room.entry(room.feed("third"), "3", story=story)
    assert not unions.part(room.db, 1, NOON)
    assert not unions.part(room.db, alone, NOON)
    assert not unions.part(room.db, 99, NOON)


def test_every_table_that_refers_to_a_story_is_thought_of(room):
    """A row left behind would fail the whole job; what only published stories have needs no thought."""
    of_published = {
        "comments",
        "comment_looks",
        "viewpoints",
        "search_due",
        "digest_entries",
        "related_stories",
        "pictures",
    }
    moved = {"entries", "publications", "discussions", "stale_pages"}
    assert _referring(room.db, "stories") - of_published == moved
    assert _referring(room.db, "publications") <= {"searchable"}


def _referring(db: Database, to: str) -> set[str]:
    return {
        table for table in db.table_names() for key in db.execute(f"PRAGMA foreign_key_list({table})").fetchall()
        if key[2] == to
    }  # fmt: skip
