"""Leases with hubs in a real store."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlite_utils import Database

from aggregator.errors import StoreError
from aggregator.model import Failure, HubLease, HubNotice, ParsedFeed, Subscription
from aggregator.store import feeds, open_store, websub

NOW = datetime(2026, 11, 24, 6, 0, tzinfo=UTC)
HOUR = timedelta(hours=1)
BASE = "https://news.example.jp/websub/"


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "a #1?" / "store.sqlite"


@pytest.fixture
def db(path: Path) -> Iterator[Database]:
    store = open_store(path)
    feeds.sync(store, [Subscription(url=f"https://{name}.example/feed") for name in "ab"], NOW)
    yield store
    store.close()


def note(
    db: Database, hub: str | None, topic: str | None = "https://a.example/feed", feed_id: int = 1
) -> None:
    parsed = ParsedFeed(title="", site_url=None, language=None, entries=(), hub_url=hub, self_url=topic)
    websub.note_links(db, feed_id, parsed, NOW)


def rows(db: Database) -> list[dict[str, Any]]:
    return list(db.query("SELECT * FROM websub ORDER BY lease_id"))


def ask(db: Database, failure: Failure | None = None, now: datetime = NOW) -> None:
    for request in websub.due_requests(db, BASE, now, 100):
        websub.asked(db, request, failure, now)


def test_the_same_links_are_the_same_lease(db: Database):
    note(db, "https://h.example/")
    before = rows(db)
    note(db, "https://h.example/")
    assert rows(db) == before


@pytest.mark.parametrize(
    ("hub", "topic"), [(None, None), ("https://h.example/", None), (None, "https://a.example/")]
)
def test_a_feed_without_hub_or_self_link_has_no_lease(db: Database, hub: str | None, topic: str | None):
    note(db, hub, topic)
    assert rows(db) == []


def test_every_lease_has_a_token_and_a_secret_of_its_own(db: Database):
    note(db, "https://h.example/")
    note(db, "https://h.example/", feed_id=2)
    one, two = rows(db)
    assert one["token"] != two["token"]
    assert one["secret"] != two["secret"]
    assert len(one["secret"]) < 200


def test_a_lease_the_hub_never_heard_of_ends_at_once(db: Database):
    note(db, "https://h.example/")
    note(db, None)
    assert rows(db) == []


def test_a_lease_the_hub_heard_of_is_unsubscribed_under_the_address_it_was_asked_for(db: Database):
    note(db, "https://h.example/")
    ask(db)
    note(db, None)
    (request,) = websub.due_requests(db, "https://other.example/", NOW, 100)
    assert (request.mode, request.callback_url) == ("unsubscribe", BASE + rows(db)[0]["token"])


def test_a_request_that_was_not_made_is_made_an_hour_later(db: Database):
    note(db, "https://h.example/")
    ask(db, Failure(kind="Skipped", detail="", url=""))
    assert rows(db)[0]["failures"] == 0
    assert websub.due_requests(db, BASE, NOW + HOUR - timedelta(seconds=1), 100) == []
    assert len(websub.due_requests(db, BASE, NOW + HOUR, 100)) == 1


def test_a_lease_of_minutes_is_asked_for_no_oftener_than_hourly(db: Database):
    note(db, "https://h.example/")
    ask(db)
    websub.note(db, HubNotice(lease_id=1, mode="subscribe", lasts=timedelta(minutes=1)), NOW)
    assert (rows(db)[0]["expires_at"], rows(db)[0]["ask_at"]) == (
        "2026-11-24T06:01:00Z",
        "2026-11-24T07:00:00Z",
    )


def test_a_notice_of_a_lease_that_ended_is_nothing(db: Database):
    websub.note(db, HubNotice(lease_id=99, mode="subscribe"), NOW)
    assert rows(db) == []


def test_the_callback_sees_a_lease_and_not_the_others(db: Database, path: Path):
    note(db, "https://h.example/")
    row = rows(db)[0]
    known = HubLease(lease_id=1, mode="subscribe", topic_url="https://a.example/feed", secret=row["secret"])
    assert websub.lease_of(path, row["token"]) == known
    assert websub.lease_of(path, "") is None
    assert websub.lease_of(path, "%") is None
    assert row["secret"] not in repr(known)


def test_the_callback_sees_a_lease_while_a_round_writes(db: Database, path: Path):
    note(db, "https://h.example/")
    with db.atomic():
        db.execute("UPDATE websub SET failures = 5")
        assert websub.lease_of(path, rows(db)[0]["token"]) is not None


def test_no_store_is_made_where_there_is_none(tmp_path: Path):
    with pytest.raises(StoreError):
        websub.lease_of(tmp_path / "none.sqlite", "token")
    assert list(tmp_path.iterdir()) == []


def test_the_summary_counts_feeds_by_what_their_hub_is_worth(db: Database):
    assert websub.summary(db, NOW) is None
    note(db, "https://h.example/")
    note(db, "https://h.example/", feed_id=2)
    websub.note(db, HubNotice(lease_id=1, mode="subscribe", lasts=HOUR), NOW)
    websub.note(db, HubNotice(lease_id=2, mode="denied"), NOW)
    assert websub.summary(db, NOW) == "2 feeds name one; 1 verified, 0 relied on, 1 denied"
