"""Entries, stories and the feeds' own comment counts in a real store."""

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlite_utils import Database

from aggregator.model import DueFeed, Enclosure, FeedSettings, ParsedEntry, ParsedFeed
from aggregator.poll.clean import fingerprint
from aggregator.store import entries, open_store
from aggregator.store.entries import EntryCounts
from aggregator.times import to_text

NOW = datetime(2026, 11, 24, 6, 0, tzinfo=UTC)
HOUR = timedelta(hours=1)


@pytest.fixture
def db(tmp_path: Path) -> Iterator[Database]:
    store = open_store(tmp_path / "store.sqlite")
    for feed_id in (1, 2):
        url = f"https://feed{feed_id}.example/rss"
        known = {
            "listed_url": url,
            "fetch_url": url,
            "host": "h",
            "domain": "d",
            "next_poll_at": to_text(NOW),
        }
        store.table("feeds").insert({"feed_id": feed_id, **known})
    yield store
    store.close()


def _feed(feed_id: int = 1, *, first_poll: bool = False, language: str | None = None) -> DueFeed:
    url = f"https://feed{feed_id}.example/rss"
    settings = FeedSettings(language=language)
    return DueFeed(
        feed_id=feed_id, listed_url=url, fetch_url=url, domain="d", first_poll=first_poll, settings=settings
    )


def _entry(n: int, **fields: object) -> ParsedEntry:
    entry = ParsedEntry(
        guid=f"g{n}",
        permalink=f"https://q.example/{n}",
        title=f"Title {n}",
        summary_html="",
        content_html=f"<p>Text {n}.</p>",
    )
    entry = replace(entry, **fields)
    return replace(entry, fingerprint=fingerprint(entry))


def _parsed(*found: ParsedEntry, language: str | None = "en") -> ParsedFeed:
    return ParsedFeed(title="Q", site_url="https://q.example/", language=language, entries=found)


def _record(
    db: Database, parsed: ParsedFeed, now: datetime = NOW, feed: DueFeed | None = None
) -> EntryCounts:
    with db.atomic():
        return entries.record(db, feed or _feed(), parsed, now)


def _rows(db: Database, columns: str = "*", table: str = "entries") -> list[dict[str, object]]:
    return list(db.query(f"SELECT {columns} FROM {table} ORDER BY 1"))


def test_a_new_entry_is_stored_whole(db: Database):
    entry = _entry(
        1,
        summary_html="<p>Short</p>",
        authors=("Ada Quill",),
        tags=("チップ",),
        enclosures=(Enclosure(url="https://q.example/a.mp3", media_type="audio/mpeg", length=5),),
        image_url="https://q.example/i.png",
        comments_url="https://q.example/1#c",
        comments_feed_url="https://q.example/1/feed",
        published_at=NOW - HOUR,
    )
    assert _record(db, _parsed(entry)) == EntryCounts(added=1, changed=0)
    (row,) = _rows(db)
    assert len(str(row.pop("fingerprint"))) == 64
    assert json.loads(str(row.pop("enclosures"))) == [
        {"url": "https://q.example/a.mp3", "media_type": "audio/mpeg", "length": 5}
    ]
    assert row == {
        "entry_id": 1,
        "feed_id": 1,
        "story_id": 1,
        "guid": "g1",
        "permalink": "https://q.example/1",
        "canonical_url": "https://q.example/1",
        "title": "Title 1",
        "authors": '["Ada Quill"]',
        "tags": '["チップ"]',
        "summary_html": "<p>Short</p>",
        "content_html": "<p>Text 1.</p>",
        "image_url": "https://q.example/i.png",
        "language": "en",
        "comments_url": "https://q.example/1#c",
        "comments_feed_url": "https://q.example/1/feed",
        "published_at": "2026-11-24T05:00:00Z",
        "updated_at": None,
        "first_seen_at": "2026-11-24T06:00:00Z",
        "sort_at": "2026-11-24T06:00:00Z",
        "unlisted_at": None,
        "revisions": 0,
        "excluded": None,
    }
    assert _rows(db, table="stories") == [{"story_id": 1, "lead_entry_id": None}]


def test_the_same_entries_write_nothing(db: Database):
    parsed = _parsed(_entry(1, comment_count=3), _entry(2))
    _record(db, parsed)
    before = db.conn.total_changes
    assert _record(db, parsed, NOW + HOUR) == EntryCounts(added=0, changed=0)
    assert db.conn.total_changes == before


def test_a_revised_entry_replaces_its_content_and_keeps_its_identity(db: Database):
    _record(db, _parsed(_entry(1, published_at=NOW - HOUR)))
    changed = _entry(1, title="Better", published_at=NOW - HOUR, updated_at=NOW)
    assert _record(db, _parsed(changed), NOW + HOUR) == EntryCounts(added=0, changed=1)
    (row,) = _rows(
        db, "entry_id, story_id, title, revisions, updated_at, first_seen_at, sort_at, published_at"
    )
    assert row == {
        "entry_id": 1,
        "story_id": 1,
        "title": "Better",
        "revisions": 1,
        "updated_at": "2026-11-24T06:00:00Z",
        "first_seen_at": "2026-11-24T06:00:00Z",
        "sort_at": "2026-11-24T06:00:00Z",
        "published_at": "2026-11-24T05:00:00Z",
    }


def test_a_feed_that_prints_the_time_is_revised_24_times(db: Database):
    for n in range(30):
        _record(db, _parsed(_entry(1, title=f"It is {n}")), NOW + n * HOUR)
    assert _rows(db, "title, revisions") == [{"title": "It is 24", "revisions": 24}]


def test_a_first_poll_keeps_all_and_excludes_what_is_beyond_the_ten_newest(db: Database):
    found = [_entry(n, published_at=NOW - n * HOUR) for n in range(12)]
    assert _record(db, _parsed(*found), feed=_feed(first_poll=True)).added == 12
    excluded = db.query("SELECT guid FROM entries WHERE excluded = 'first fill' ORDER BY sort_at")
    assert [row["guid"] for row in excluded] == ["g11", "g10"]
    newest = db.query("SELECT guid, sort_at FROM entries WHERE excluded IS NULL ORDER BY sort_at DESC")
    assert list(newest)[1] == {"guid": "g1", "sort_at": "2026-11-24T05:00:00Z"}


def test_later_polls_exclude_nothing(db: Database):
    _record(db, _parsed(*(_entry(n) for n in range(12))))
    assert entries.counts(db) == {"entries": 12, "excluded": 0, "unlisted": 0, "stories": 12}


def test_of_entries_first_seen_together_the_documents_first_is_the_newest(db: Database):
    _record(db, _parsed(_entry(3), _entry(2), _entry(1)))
    newest = db.query("SELECT guid FROM entries ORDER BY sort_at DESC, entry_id DESC")
    assert [row["guid"] for row in newest] == ["g3", "g2", "g1"]


def test_entries_of_two_feeds_with_one_canonical_url_are_one_story(db: Database):
    _record(db, _parsed(_entry(1)))
    other = _entry(7, permalink="http://www.q.example/1/?utm_source=rss")
    _record(db, _parsed(other, _entry(8)), feed=_feed(2))
    assert _rows(db, "guid, story_id") == [
        {"guid": "g1", "story_id": 1},
        {"guid": "g7", "story_id": 1},
        {"guid": "g8", "story_id": 2},
    ]


def test_an_entry_whose_guid_changed_under_its_link_joins_its_story(db: Database):
    _record(db, _parsed(_entry(1)))
    _record(db, _parsed(_entry(1, guid="g1-again")), NOW + HOUR)
    assert {row["story_id"] for row in _rows(db, "story_id")} == {1}


def test_entries_with_one_link_for_all_are_stories_of_their_own(db: Database):
    _record(db, _parsed(*(_entry(n, permalink="https://q.example/status") for n in range(3))))
    assert entries.counts(db)["stories"] == 3


def test_entries_that_leave_the_document_are_marked_and_unmarked_when_back(db: Database):
    _record(db, _parsed(_entry(1), _entry(2)))
    _record(db, _parsed(_entry(2)), NOW + HOUR)
    assert [row["unlisted_at"] for row in _rows(db, "guid, unlisted_at")] == ["2026-11-24T07:00:00Z", None]
    _record(db, _parsed(_entry(2)), NOW + 2 * HOUR)
    assert _rows(db, "guid, unlisted_at")[0]["unlisted_at"] == "2026-11-24T07:00:00Z"
    assert _record(db, _parsed(_entry(1), _entry(2)), NOW + 3 * HOUR) == EntryCounts()
    assert entries.counts(db)["unlisted"] == 0


def test_another_feeds_entries_are_left_alone(db: Database):
    _record(db, _parsed(_entry(1)))
    _record(db, _parsed(_entry(1, permalink="https://other.example/1")), feed=_feed(2))
    stored = db.execute("SELECT feed_id, count(*) FROM entries GROUP BY feed_id").fetchall()
    assert dict(stored) == {1: 1, 2: 1}
    assert entries.counts(db)["unlisted"] == 0


def test_a_comment_count_is_kept_when_it_changes_also_for_a_same_entry(db: Database):
    for hour, count in enumerate((3, 3, 5, None)):
        _record(
            db, _parsed(_entry(1, comment_count=count, comments_url="https://q.example/c")), NOW + hour * HOUR
        )
    assert _rows(db, table="comment_counts") == [
        {
            "entry_id": 1,
            "source": "feed",
            "url": "https://q.example/c",
            "count": 5,
            "counted_at": "2026-11-24T08:00:00Z",
        }
    ]
    assert [row["count"] for row in _rows(db, "counted_at, count", "count_history")] == [3, 5]
    assert _rows(db, "revisions") == [{"revisions": 0}]


def test_a_count_of_none_at_all_is_a_count(db: Database):
    _record(db, _parsed(_entry(1, comment_count=0), _entry(2)))
    assert [row["count"] for row in _rows(db, "entry_id, count", "comment_counts")] == [0]


def test_another_sources_count_does_not_hide_an_entry(db: Database):
    _record(db, _parsed(_entry(1)))
    counted = {"entry_id": 1, "source": "hackernews", "count": 9, "counted_at": to_text(NOW)}
    db.table("comment_counts").insert(counted)
    assert _record(db, _parsed(_entry(1)), NOW + HOUR) == EntryCounts()


@pytest.mark.parametrize(
    ("entry", "setting", "feed", "stored"),
    [("de", "ja", "en", "de"), (None, "ja", "en", "ja"), (None, None, "en", "en"), (None, None, None, None)],
)
def test_language_is_the_entrys_then_the_operators_then_the_feeds(db: Database, entry, setting, feed, stored):
    _record(db, _parsed(_entry(1, language=entry), language=feed), feed=_feed(language=setting))
    assert _rows(db, "language") == [{"language": stored}]


def test_a_feed_without_entries_is_no_trouble(db: Database):
    assert _record(db, _parsed()) == EntryCounts()
    assert entries.counts(db)["entries"] == 0


def test_a_failed_record_leaves_nothing(db: Database):
    def fail() -> None:
        with db.atomic():
            entries.record(db, _feed(), _parsed(_entry(1)), NOW)
            raise KeyError

    with pytest.raises(KeyError):
        fail()
    assert entries.counts(db) == {"entries": 0, "excluded": 0, "unlisted": 0, "stories": 0}


def test_what_a_poll_reads_does_not_grow_with_the_feeds_past(db: Database):
    for day in range(20):
        _record(db, _parsed(*(_entry(day * 100 + n) for n in range(100))), NOW + day * HOUR)
    plan = db.execute(f"EXPLAIN QUERY PLAN {entries._KNOWN}", {"feed_id": 1, "guids": "[]"}).fetchall()
    steps = [row[3] for row in plan]
    assert any("entries_listed" in step for step in steps)
    assert not any(step.startswith("SCAN entries") for step in steps)


def test_what_a_delivery_leaves_out_is_still_listed(db: Database):
    entries.record(db, _feed(), _parsed(_entry(1), _entry(2)), NOW)
    counts = entries.record(db, _feed(), _parsed(_entry(3), _entry(1, title="New")), NOW + HOUR, whole=False)
    assert counts == EntryCounts(added=1, changed=1)
    assert db.execute("SELECT count(*) FROM entries WHERE unlisted_at IS NULL").fetchone() == (3,)
