"""What is due, read in pages: each feed once, whatever is booked between two of them."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlite_utils import Database

from aggregator.model import DueFeed, Subscription
from aggregator.store import due, feeds, open_store
from aggregator.times import to_text

NOW = datetime(2026, 11, 24, 6, 0, tzinfo=UTC)


@pytest.fixture
def db(tmp_path: Path) -> Iterator[Database]:
    store = open_store(tmp_path / "store.sqlite")
    yield store
    store.close()


def follow(db: Database, *names: str, at: datetime = NOW) -> None:
    known = [feed["listed_url"] for feed in feeds.ends(db)]
    urls = [*known, *(f"https://{name}.example/" for name in names)]
    feeds.sync(db, [Subscription(url=url) for url in urls], at)


def read(pages: Iterator[list[DueFeed]]) -> list[list[str]]:
    return [[feed.domain.partition(".")[0] for feed in page] for page in pages]


def test_pages_go_on_where_the_last_one_ended_also_within_one_second(db: Database):
    follow(db, "c", "b", at=NOW - timedelta(hours=1))
    follow(db, *"defgh")
    assert read(due.pages(db, NOW, 3)) == [["c", "b", "d"], ["e", "f", "g"], ["h"]]
    assert read(due.pages(db, NOW - timedelta(minutes=1), 3)) == [["c", "b"]]
    assert read(due.pages(db, NOW - timedelta(hours=2), 3)) == []


def test_a_feed_that_was_booked_meanwhile_is_not_read_twice(db: Database):
    follow(db, *"abcdef")
    found = due.pages(db, NOW, 2)
    first = next(found)
    for feed in first:
        db.table("feeds").update(feed.feed_id, {"next_poll_at": to_text(NOW + timedelta(minutes=15))})
    assert read(found) == [["c", "d"], ["e", "f"]]


def test_a_feed_that_stays_due_is_read_once_and_first_the_next_time(db: Database):
    follow(db, *"abcd", at=NOW - timedelta(minutes=1))
    assert read(due.pages(db, NOW, 2)) == [["a", "b"], ["c", "d"]]
    db.execute("UPDATE feeds SET next_poll_at = ? WHERE feed_id != 3", [to_text(NOW)])
    assert read(due.pages(db, NOW, 9)) == [["c", "a", "b", "d"]]


def test_a_domain_that_is_named_between_two_pages_is_left_out_of_the_next(db: Database):
    urls = [f"https://{n}.{'big' if n % 2 else f'n{n}'}.example.com/" for n in range(8)]
    feeds.sync(db, [Subscription(url=url) for url in urls], NOW)
    db.execute("UPDATE feeds SET domain = iif(feed_id % 2, 'small', 'big')")
    without: set[str] = set()
    found = due.pages(db, NOW, 2, without)
    assert [feed.domain for feed in next(found)] == ["small", "big"]
    without.add("big")
    assert [[feed.domain for feed in page] for page in found] == [["small"] * 2, ["small"]]


@pytest.mark.parametrize("sql", due._AFTER)
def test_each_page_is_sought_in_the_index(db: Database, sql: str):
    values = {"now": "", "at": "", "feed_id": 0, "without": "[]", "limit": 9}
    plan = " ".join(str(row) for row in db.query(f"EXPLAIN QUERY PLAN {sql}", values))
    assert "USING INDEX feeds_due (next_poll_at" in plan
    assert "SCAN feeds" not in plan
    assert "TEMP B-TREE FOR ORDER" not in plan
