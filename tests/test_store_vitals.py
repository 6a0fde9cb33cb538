"""What is said at a glance, of a store with one of everything."""

from collections.abc import Iterator
from datetime import UTC, date, datetime
from pathlib import Path

import pytest
from sqlite_utils import Database

from aggregator.store import open_store, vitals

NOW = datetime(2026, 11, 24, 6, 0, tzinfo=UTC)
STORIES = {
    "held": None,
    "untranslated": "2026-11-24T05:00:00Z",
    "translated": "2026-11-23T05:00:00Z",
    "withdrawn": "2026-11-23T23:59:59Z",
}


@pytest.fixture
def db(tmp_path: Path) -> Iterator[Database]:
    store = open_store(tmp_path / "store.sqlite")
    yield store
    store.close()


def publish(db: Database, number: int, state: str, published_at: str | None) -> None:
    db.execute("INSERT INTO stories (story_id) VALUES (?)", [number])
    usual = {"public_id": str(number), "slug": str(number), "held_at": "2026-11-22T00:00:00Z"}
    row = {"story_id": number, "state": state, "first_published_at": published_at}
    db.table("publications").insert(usual | row)


def feed(db: Database, number: int, **columns: object) -> None:
    usual = {"feed_id": number, "listed_url": f"u{number}", "fetch_url": "u", "host": f"h{number}", "domain": "d",
             "next_poll_at": "2026-11-24T05:00:00Z", "last_poll_at": "2026-11-24T04:00:00Z"}  # fmt: skip
    db.table("feeds").insert(usual | columns)


def test_stories_are_counted_by_state(db: Database):
    assert set(vitals.stories(db).values()) == {0}
    for number, (state, at) in enumerate([*STORIES.items(), ("translated", "2026-11-24T01:00:00Z")]):
        publish(db, number, state, at)
    assert vitals.stories(db) == {"held": 1, "untranslated": 1, "translated": 2, "withdrawn": 1}
    assert vitals.waiting(db) == (1, datetime(2026, 11, 22, tzinfo=UTC))
    assert vitals.newest_published_at(db) == datetime(2026, 11, 24, 5, tzinfo=UTC)


def test_what_came_out_is_counted_by_days_of_utc_whatever_became_of_it(db: Database):
    for number, (state, at) in enumerate(STORIES.items()):
        publish(db, number, state, at)
    publish(db, 9, "translated", "2026-11-21T23:59:59Z")
    assert vitals.published_days(db, date(2026, 11, 24), 3) == [0, 2, 1]


def test_feeds_are_counted_by_state_and_the_worst_comes_first(db: Database):
    feed(db, 1, title="A")
    feed(db, 2, title="B", failures=1)
    feed(db, 3, failures=9, failure="BadStatus: 500")
    feed(db, 4, settings='{"paused": "true"}')
    feed(db, 5, gone=1)
    feed(db, 6, last_poll_at=None)
    feed(db, 7, failures=99, listed=0)
    assert vitals.states(db) == {"ok": 1, "new": 1, "failing": 2, "paused": 1, "gone": 1}
    assert [(each.title, each.failures) for each in vitals.troubled(db, 2)] == [("h3", 9), ("B", 1)]


def test_the_oldest_due_feed_is_one_that_may_be_asked(db: Database):
    assert vitals.oldest_due(db, NOW) is None
    feed(db, 1, next_poll_at="2026-11-24T03:00:00Z", gone=1)
    feed(db, 2, next_poll_at="2026-11-24T04:00:00Z", retry_after_at="2026-11-24T07:00:00Z")
    feed(db, 3, next_poll_at="2026-11-24T06:00:01Z")
    assert vitals.oldest_due(db, NOW) is None
    feed(db, 4, next_poll_at="2026-11-24T05:30:00Z")
    assert vitals.oldest_due(db, NOW) == datetime(2026, 11, 24, 5, 30, tzinfo=UTC)
