"""Which story a new entry belongs to, in a real store."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlite_utils import Database

from aggregator.model import DueFeed, FeedSettings, ParsedEntry, ParsedFeed
from aggregator.poll.clean import fingerprint
from aggregator.store import entries, open_store, stories
from aggregator.times import to_text

NOW = datetime(2026, 11, 24, 6, 0, tzinfo=UTC)
HOUR = timedelta(hours=1)
BUYS, ACQUIRES = "Brindle buys rival Oakfen for $2.5 billion", "Brindle acquires Oakfen for $2.5bn"
THREAD = "https://news.ycombinator.com/item?id=4242"


@pytest.fixture
def db(tmp_path: Path) -> Iterator[Database]:
    store = open_store(tmp_path / "store.sqlite")
    for feed_id in (1, 2, 3):
        url = f"https://feed{feed_id}.example/rss"
        store.table("feeds").insert({
            "feed_id": feed_id, "listed_url": url, "fetch_url": url, "host": "h", "domain": "d",
            "next_poll_at": to_text(NOW),
        })  # fmt: skip
    yield store
    store.close()


def poll(
    db: Database,
    feed_id: int,
    *found: ParsedEntry,
    now: datetime = NOW,
    language: str | None = "en",
    **settings: object,
) -> None:
    url = f"https://feed{feed_id}.example/rss"
    due = DueFeed(
        feed_id=feed_id, listed_url=url, fetch_url=url, domain="d", first_poll=False,
        settings=FeedSettings(**settings),
    )  # fmt: skip
    document = tuple(replace(entry, fingerprint=fingerprint(entry)) for entry in found)
    parsed = ParsedFeed(title="", site_url=None, language=language, entries=document)
    with db.atomic():
        entries.record(db, due, parsed, now)


def entry(guid: str, title: str, **fields: object) -> ParsedEntry:
    link = f"https://{guid}.example/story"
    return replace(
        ParsedEntry(guid=guid, permalink=link, title=title, summary_html="", content_html=f"<p>{guid}</p>"),
        **fields,
    )


def told(db: Database) -> list[tuple[str, int]]:
    """Return each entry's guid and story."""
    return [(row["guid"], row["story_id"]) for row in db.query("SELECT * FROM entries ORDER BY entry_id")]


def joins(db: Database) -> list[tuple[object, ...]]:
    return db.execute("SELECT entry_id, other_id, reason, detail, joined_at FROM joins").fetchall()


def test_one_event_told_by_two_feeds_is_one_story_and_the_reason_is_kept(db: Database):
    poll(db, 1, entry("a", BUYS))
    poll(db, 2, entry("b", ACQUIRES), now=NOW + HOUR)
    assert told(db) == [("a", 1), ("b", 1)]
    assert joins(db) == [(2, 1, "title", BUYS, "2026-11-24T07:00:00Z")]


def test_another_number_is_another_story(db: Database):
    poll(db, 1, entry("a", BUYS))
    poll(db, 2, entry("b", ACQUIRES.replace("2.5", "3.5")))
    assert told(db) == [("a", 1), ("b", 2)]
    assert joins(db) == []


@pytest.mark.parametrize(("hours", "story"), [(48, 1), (49, 2)])
def test_titles_are_compared_within_48_hours_of_when_they_came_out(db: Database, hours: int, story: int):
    poll(db, 1, entry("a", BUYS, published_at=NOW - hours * HOUR), now=NOW - hours * HOUR)
    poll(db, 2, entry("b", ACQUIRES, published_at=NOW), now=NOW)
    assert told(db) == [("a", 1), ("b", story)]


def test_what_came_out_long_ago_joins_nothing_by_its_title_though_it_is_seen_now(db: Database):
    poll(db, 1, entry("a", BUYS))
    poll(db, 2, entry("b", ACQUIRES, published_at=NOW - 72 * HOUR))
    assert told(db) == [("a", 1), ("b", 2)]


def test_a_feed_never_joins_itself_by_title(db: Database):
    poll(db, 1, entry("a", BUYS))
    poll(db, 1, entry("b", ACQUIRES))
    poll(db, 1, entry("c", BUYS), entry("d", ACQUIRES))
    assert len({story for _, story in told(db)}) == 4


def test_a_feed_never_joins_itself_by_way_of_another_feed(db: Database):
    poll(db, 1, entry("a", BUYS))
    poll(db, 2, entry("b", ACQUIRES))
    poll(db, 1, entry("c", BUYS))
    assert told(db) == [("a", 1), ("b", 1), ("c", 2)]


def test_a_title_that_a_feed_has_several_times_is_a_series_that_no_feed_joins(db: Database):
    poll(db, 1, entry("a", BUYS))
    poll(db, 1, entry("b", BUYS))
    poll(db, 2, entry("c", BUYS))
    assert len({story for _, story in told(db)}) == 3


def test_two_titles_that_tell_two_events_are_not_one_by_way_of_a_third(db: Database):
    poll(db, 1, entry("a", "Kestrel maintainers remove popular Hexley plugin"))
    poll(db, 2, entry("b", "Kestrel maintainers remove Hexley plugin"))
    poll(db, 3, entry("c", "Kestrel maintainers remove broken Hexley plugin"))
    assert told(db) == [("a", 1), ("b", 1), ("c", 2)]


def test_a_title_has_to_fit_what_joined_by_its_address_too(db: Database):
    poll(db, 1, entry("a", "Hexley sues Oakfen over stolen code"))
    poll(db, 2, entry("b", BUYS, permalink="https://a.example/story"))
    poll(db, 3, entry("c", ACQUIRES))
    assert told(db) == [("a", 1), ("b", 1), ("c", 2)]


def test_a_members_title_that_tells_nothing_is_in_nobodys_way(db: Database):
    poll(db, 1, entry("a", BUYS))
    poll(db, 2, entry("b", "A deal", permalink="https://a.example/story"))
    poll(db, 3, entry("c", ACQUIRES))
    assert told(db) == [("a", 1), ("b", 1), ("c", 1)]


def test_titles_are_compared_where_both_are_english(db: Database):
    poll(db, 1, entry("a", "Brindle kauft Oakfen für 2,5 Milliarden Dollar"), language="de")
    poll(db, 2, entry("b", "Brindle kauft Oakfen für 2,5 Milliarden Dollar"), language="de")
    poll(db, 3, entry("c", "Brindle kauft den Oakfen nicht für das Geld und die Macht"), language=None)
    poll(db, 1, entry("d", "Brindle kauft den Oakfen nicht für das Geld und die Macht"), language=None)
    assert len({story for _, story in told(db)}) == 4


def test_one_discussion_makes_one_story_of_entries_with_other_titles_and_links(db: Database):
    poll(db, 1, entry("a", "An essay", comments_url=THREAD))
    poll(db, 2, entry("b", "What others say of it", permalink=f"{THREAD}&utm_source=rss"))
    assert told(db) == [("a", 1), ("b", 1)]
    assert joins(db)[0][:4] == (2, 1, "discussion", "hackernews 4242")


def test_a_discussion_that_was_counted_of_a_story_is_known_for_it(db: Database):
    poll(db, 1, entry("a", "An essay"))
    db.table("stories").update(1, {"lead_entry_id": 1})
    db.table("discussions").insert(
        {"story_id": 1, "provider": "hackernews", "thread_key": "4242", "url": THREAD, "count": 3}
    )
    poll(db, 2, entry("b", "What others say of it", comments_url=THREAD))
    assert told(db) == [("a", 1), ("b", 1)]


def test_a_discussion_that_several_entries_of_a_feed_name_is_about_none(db: Database):
    poll(db, 1, entry("a", "Day one", comments_url=THREAD), entry("b", "Day two", comments_url=THREAD))
    poll(db, 2, entry("c", "Another", comments_url=THREAD))
    poll(db, 3, entry("d", "Day three", comments_url=THREAD))
    poll(db, 3, entry("e", "Day four", comments_url=THREAD))
    poll(db, 1, entry("f", "Day five", comments_url=THREAD))
    by_guid = dict(told(db))
    assert by_guid["c"] == by_guid["d"]
    assert len(set(by_guid.values())) == 5


def test_an_address_says_more_than_a_title(db: Database):
    poll(db, 1, entry("a", BUYS))
    poll(db, 2, entry("b", "An interview with the head of Brindle"))
    poll(db, 3, entry("c", ACQUIRES, permalink="https://b.example/story?utm_source=c"))
    assert told(db)[2] == ("c", told(db)[1][1])
    assert joins(db) == [(3, 2, "address", "https://b.example/story", to_text(NOW))]


def test_a_link_that_a_feed_uses_again_brings_a_new_entry_where_the_title_is_another(db: Database):
    status = {"permalink": "https://foo.example/status"}
    poll(db, 1, entry("a", "All systems operational on Monday", **status))
    poll(db, 1, entry("b", "Outage of the database on Tuesday", **status), now=NOW + HOUR)
    poll(db, 1, entry("c", "OUTAGE of the database on Tuesday", **status), now=NOW + 2 * HOUR)
    assert told(db) == [("a", 1), ("b", 2), ("c", 2)]


def test_parts_of_one_page_in_documents_of_one_entry_are_entries_each(db: Database):
    for number in (1, 2, 3):
        link = f"https://foo.example/changelog#v{number}"
        poll(db, 1, entry(f"v{number}", f"Version {number} of Foo is out", permalink=link))
    assert told(db) == [("v1", 1), ("v2", 2), ("v3", 3)]


def test_an_entry_whose_guid_alone_changed_is_shown_once(db: Database):
    for guid in ("a", "b"):
        poll(db, 1, entry(guid, "Version 1 of Foo is out", permalink="https://foo.example/changelog"))
    assert told(db) == [("a", 1), ("b", 1)]


def test_another_feed_joins_by_address_the_entry_of_its_title_or_else_the_newest(db: Database):
    link = {"permalink": "https://foo.example/changelog"}
    for number in (1, 2, 3):
        poll(db, 1, entry(f"v{number}", f"Version {number} of Foo is out", **link))
    poll(db, 2, entry("same", "Version 2 of Foo is out", **link))
    poll(db, 3, entry("else", "What is new in Foo", **link))
    assert told(db)[3:] == [("same", 2), ("else", 3)]


def test_what_was_taken_down_comes_back_under_no_other_title_of_its_feed(db: Database):
    poll(db, 1, entry("a", "An article that was taken down", permalink="https://foo.example/article"))
    db.table("stories").update(1, {"lead_entry_id": 1})
    db.table("publications").insert(
        {"public_id": "a", "story_id": 1, "slug": "a", "state": "withdrawn", "held_at": to_text(NOW)}
    )
    poll(db, 1, entry("b", "The same article, corrected", permalink="https://foo.example/article"))
    assert told(db) == [("a", 1), ("b", 1)]


def test_a_feed_may_be_told_to_join_by_addresses_alone(db: Database):
    poll(db, 1, entry("a", BUYS, comments_url=THREAD), merge="address")
    poll(db, 2, entry("b", ACQUIRES, comments_url=THREAD))
    poll(db, 1, entry("c", ACQUIRES, comments_url=THREAD), merge="address")
    poll(db, 1, entry("d", "Else", permalink="https://b.example/story"), merge="address")
    assert told(db) == [("a", 1), ("b", 2), ("c", 3), ("d", 2)]


def test_what_is_muted_or_of_a_feed_that_was_removed_is_joined_by_nobody(db: Database):
    poll(db, 1, entry("a", BUYS), mute="Brindle")
    poll(db, 2, entry("b", BUYS))
    db.execute("UPDATE feeds SET listed = 0 WHERE feed_id = 2")
    poll(db, 3, entry("c", BUYS))
    assert told(db) == [("a", 1), ("b", 2), ("c", 3)]


@pytest.mark.parametrize(
    ("state", "listed", "by_address", "by_title"),
    [
        ("held", 0, False, False),
        ("untranslated", 0, False, False),
        ("translated", 0, True, True),
        ("withdrawn", 1, True, False),
        ("held", 1, True, True),
    ],
)
def test_nobody_joins_what_will_never_be_shown(
    db: Database, state: str, listed: int, *, by_address: bool, by_title: bool
):
    """A story taken down keeps who has its address; another publisher's own article is another's word."""
    poll(db, 1, entry("a", BUYS))
    poll(db, 2, entry("b", ACQUIRES))
    with db.atomic():
        db.table("stories").update(1, {"lead_entry_id": 1})
        db.table("publications").insert(
            {"public_id": "a", "story_id": 1, "slug": "a", "state": state, "held_at": to_text(NOW)}
        )
        db.table("feeds").update(1, {"listed": listed})
    poll(db, 3, entry("c", BUYS))
    poll(db, 3, entry("d", "Else", permalink="https://b.example/story"))
    found = dict(told(db))
    assert (found["d"] == 1, found["c"] == 1) == (by_address, by_title)


def test_keys_are_kept_for_a_week(db: Database):
    poll(db, 1, entry("a", BUYS, comments_url=THREAD))
    assert db.table("story_keys").count == 2
    poll(db, 2, entry("b", "Kestrel 4.0 released by Hexley"), now=NOW + stories.KEPT + HOUR)
    assert [row["entry_id"] for row in db.table("story_keys").rows] == [2]


def test_what_joins_a_published_story_has_its_page_written_again(db: Database):
    poll(db, 1, entry("a", BUYS), entry("b", "Kestrel 4.0 released by Hexley"))
    by_guid = dict(told(db))
    for guid, state in (("a", "translated"), ("b", "held")):
        db.table("publications").insert({
            "public_id": guid, "story_id": by_guid[guid], "slug": guid, "state": state, "held_at": to_text(NOW)
        })  # fmt: skip
    poll(db, 2, entry("c", ACQUIRES), entry("d", "Kestrel 4 released by Hexley"))
    assert dict(told(db))["d"] == by_guid["b"]
    assert [row["story_id"] for row in db.table("stale_pages").rows] == [by_guid["a"]]
