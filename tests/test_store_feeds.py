"""The table feeds: what is listed, what is due, how each one does."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlite_utils import Database

from aggregator.errors import AggregatorError
from aggregator.model import FeedSettings, Hints, ParsedFeed, Subscription
from aggregator.store import due, feeds, open_store, polls
from aggregator.store.feeds import Synced
from aggregator.times import to_text
from tests.polling import due_feeds

NOW = datetime(2026, 11, 24, 6, 0, tzinfo=UTC)
LATER = NOW + timedelta(hours=1)
A, B, C = (Subscription(url=f"https://{name}.example/feed", title=name.upper()) for name in "abc")


@pytest.fixture
def db(tmp_path: Path) -> Iterator[Database]:
    store = open_store(tmp_path / "store.sqlite")
    yield store
    store.close()


def rows(db: Database) -> dict[str, dict[str, Any]]:
    return {row["listed_url"]: row for row in db.query("SELECT * FROM feeds ORDER BY feed_id")}


def change(db: Database, subscription: Subscription, **columns: Any) -> None:
    db.table("feeds").update(rows(db)[subscription.url]["feed_id"], columns)


def due_urls(db: Database, now: datetime) -> list[str]:
    return [feed.listed_url for feed in due_feeds(db, now, 100)]


# --- sync ---------------------------------------------------------------------------------------------------


def test_a_listed_feed_gets_a_row_and_is_due_at_once(db: Database):
    settings = FeedSettings(rights="full", rights_note="ours", language="en")
    subscription = Subscription(
        url="https://Blog.example.co.uk/feed", title="Blog", site_url="https://blog.example.co.uk/",
        category="news/ai", settings=settings,
    )  # fmt: skip
    assert feeds.sync(db, [subscription], NOW) == Synced(added=1)
    row = rows(db)[subscription.url]
    assert row["fetch_url"] == subscription.url
    assert (row["host"], row["domain"]) == ("blog.example.co.uk", "example.co.uk")
    assert (row["title"], row["site_url"], row["category"], row["language"]) == (
        "Blog", "https://blog.example.co.uk/", "news/ai", "en",
    )  # fmt: skip
    (feed,) = due_feeds(db, NOW, 10)
    assert feed.settings == settings
    assert feed.first_poll


def test_feeds_keep_the_order_of_the_list(db: Database):
    feeds.sync(db, [B, A, C, B], NOW)
    assert list(rows(db)) == [B.url, A.url, C.url]


def test_an_unchanged_list_writes_nothing(db: Database):
    feeds.sync(db, [A, B], NOW)
    before = db.conn.total_changes
    assert feeds.sync(db, [B, A], LATER) == Synced()
    assert db.conn.total_changes == before


def test_a_changed_outline_changes_its_row_alone(db: Database):
    feeds.sync(db, [A, B], NOW)
    moved = Subscription(url=A.url, title="A", category="ai", settings=FeedSettings(paused=True))
    assert feeds.sync(db, [moved, B], LATER) == Synced(changed=1)
    assert rows(db)[A.url]["category"] == "ai"
    assert due_urls(db, LATER) == [B.url]


def test_a_feed_taken_off_the_list_keeps_its_row_and_comes_back(db: Database):
    feeds.sync(db, [A, B], NOW)
    change(db, A, gone=1, next_poll_at="2027-01-01T00:00:00Z", etag='"1"')
    assert feeds.sync(db, [B], LATER) == Synced(removed=1)
    assert rows(db)[A.url]["listed"] == 0
    assert [row["listed_url"] for row in feeds.overview(db)] == [B.url]
    assert feeds.sync(db, [B], LATER) == Synced()
    assert feeds.sync(db, [A, B], LATER) == Synced(changed=1)
    assert A.url in due_urls(db, LATER)
    assert rows(db)[A.url]["etag"] == '"1"'


def test_a_new_address_changes_where_a_feed_is_fetched_and_not_what_it_is(db: Database):
    feeds.sync(db, [A], NOW)
    known = {"etag": '"1"', "last_modified": "x", "moved_to": "https://b.example/", "moved_seen": 1}
    change(db, A, next_poll_at=to_text(LATER), **known)
    moved = replace(A, settings=FeedSettings(address="https://new.example/feed"))
    assert feeds.sync(db, [moved], NOW) == Synced(changed=1)
    row = rows(db)[A.url]
    assert (row["feed_id"], row["fetch_url"], row["domain"]) == (1, "https://new.example/feed", "new.example")
    assert {name: row[name] for name in known} == dict.fromkeys(known) | {"moved_seen": 0}
    assert due_urls(db, NOW) == [A.url]
    # Where a redirect led since then is not taken back by an edit of something else.
    change(db, A, fetch_url="https://newer.example/feed")
    feeds.sync(db, [replace(moved, title="Renamed")], NOW)
    assert rows(db)[A.url]["fetch_url"] == "https://newer.example/feed"


def test_an_address_that_polls_found_already_keeps_its_validators(db: Database):
    feeds.sync(db, [A], NOW)
    change(db, A, fetch_url="https://new.example/feed", etag='"1"')
    feeds.sync(db, [replace(A, settings=FeedSettings(address="https://new.example/feed"))], NOW)
    assert rows(db)[A.url]["etag"] == '"1"'


def test_a_feed_listed_first_at_its_new_address_is_known_by_its_old_one(db: Database):
    feeds.sync(db, [replace(A, settings=FeedSettings(address="https://new.example/feed"))], NOW)
    assert rows(db)[A.url]["fetch_url"] == "https://new.example/feed"


def test_a_title_that_turns_the_direction_of_text_is_kept_without_that(db: Database):
    """It stands in every document, among the words of others."""
    feeds.sync(db, [replace(A, title="Safe \u202eeriW"), replace(B, title="")], NOW)
    said = ParsedFeed(title="Ann\u2066 Wire", site_url=None, language=None, entries=())
    polls.fill_in(db, rows(db)[B.url]["feed_id"], said)
    assert {row["title"] for row in rows(db).values()} == {"Safe eriW", "Ann Wire"}
    assert feeds.sync(db, [replace(A, title="Safe \u202eeriW"), replace(B, title="")], LATER) == Synced()


def test_what_the_feed_said_of_itself_outlives_a_list_that_says_nothing(db: Database):
    bare = Subscription(url=A.url)
    feeds.sync(db, [bare], NOW)
    change(db, bare, title="From the feed", site_url="https://a.example/", language="en")
    assert feeds.sync(db, [bare], LATER) == Synced()
    assert rows(db)[A.url]["title"] == "From the feed"


@given(
    st.builds(
        FeedSettings,
        rights=st.sampled_from(["titles", "excerpt", "full"]),
        rights_note=st.text(),
        paused=st.booleans(),
        language=st.none() | st.text(min_size=1),
        identity=st.sampled_from([None, "guid", "permalink", "title"]),
        mute=st.none() | st.text(min_size=1),
        max_per_day=st.none() | st.integers(0, 10**6),
        address=st.none() | st.just("https://a.example/"),
    )
)
def test_settings_come_back_as_they_were(settings: FeedSettings):
    assert feeds.read_settings(feeds.settings_text(settings)) == settings


@given(
    st.builds(
        Hints,
        ttl=st.none() | st.integers(0, 10**7).map(lambda seconds: timedelta(seconds=seconds)),
        update_every=st.none() | st.integers(0, 10**7).map(lambda seconds: timedelta(seconds=seconds)),
        skip_hours=st.lists(st.integers(0, 23)).map(tuple),
        skip_days=st.lists(st.integers(0, 6)).map(tuple),
    )
)
def test_hints_come_back_as_they_were(hints: Hints):
    assert feeds.read_hints(feeds.hints_text(hints)) == hints


# --- due ----------------------------------------------------------------------------------------------------


def test_due_is_ordered_by_how_long_and_limited(db: Database):
    feeds.sync(db, [A, B, C], NOW)
    change(db, C, next_poll_at="2026-11-24T05:00:00Z")
    change(db, A, next_poll_at="2026-11-24T06:00:01Z")
    assert due_urls(db, NOW) == [C.url, B.url]
    assert [feed.listed_url for feed in due_feeds(db, NOW, 1)] == [C.url]
    assert due.count(db, NOW) == 2


@pytest.mark.parametrize(
    "columns",
    [
        {"listed": 0},
        {"gone": 1},
        {"settings": '{"paused": "true"}'},
        {"next_poll_at": "2026-11-24T06:00:01Z"},
        {"retry_after_at": "2026-11-24T06:00:01Z"},
    ],
)
def test_what_is_not_due(db: Database, columns: dict[str, Any]):
    feeds.sync(db, [A, B], NOW)
    change(db, A, **columns)
    assert due_urls(db, NOW) == [B.url]


def test_a_domain_that_asked_for_quiet_is_not_due_until_it_is_over(db: Database):
    feeds.sync(db, [A, B], NOW)
    db.table("hosts").insert({"domain": "a.example", "retry_after_at": "2026-11-24T07:00:00Z"})
    assert due_urls(db, NOW) == [B.url]
    assert set(due_urls(db, LATER)) == {A.url, B.url}


def test_choosing_what_is_due_uses_the_index(db: Database):
    plan = " ".join(
        str(row) for row in db.query(f"EXPLAIN QUERY PLAN SELECT feeds.* {due.DUE} LIMIT 9", {"now": ""})
    )
    assert "feeds_due" in plan


def test_make_due_spares_gone_paused_unlisted_and_told_to_wait(db: Database):
    spared = {
        "gone": {"gone": 1},
        "paused": {"settings": '{"paused": "true"}'},
        "unlisted": {"listed": 0},
        "waiting": {"retry_after_at": "2026-11-24T09:00:00Z"},
    }
    subscriptions = {name: Subscription(url=f"https://{name}.example/") for name in (*spared, "fine")}
    feeds.sync(db, list(subscriptions.values()), LATER)
    for name, columns in spared.items():
        change(db, subscriptions[name], **columns)
    assert feeds.make_due(db, NOW) == 1
    assert due_urls(db, NOW) == ["https://fine.example/"]


def test_make_due_takes_chosen_feeds_only(db: Database):
    feeds.sync(db, [A, B], LATER)
    feeds.make_due(db, NOW, [rows(db)[B.url]["feed_id"]])
    assert due_urls(db, NOW) == [B.url]


def test_a_gone_feed_is_revived_by_hand(db: Database):
    feeds.sync(db, [A], NOW)
    change(db, A, gone=1, gone_seen=2)
    feeds.revive(db, rows(db)[A.url]["feed_id"], LATER)
    assert due_urls(db, LATER) == [A.url]


def test_an_unlisted_url_is_no_due_feed(db: Database):
    feeds.sync(db, [A], LATER)
    assert feeds.due_feed(db, A.url).listed_url == A.url
    with pytest.raises(AggregatorError, match="not listed"):
        feeds.due_feed(db, B.url)


# --- health -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("columns", "state"),
    [
        ({}, "new"),
        ({"last_poll_at": "2026-11-24T06:00:00Z"}, "ok"),
        ({"last_poll_at": "2026-11-24T06:00:00Z", "failures": 1}, "failing"),
        ({"settings": '{"paused": "true"}', "failures": 1}, "paused"),
        ({"gone": 1, "failures": 2}, "gone"),
    ],
)
def test_states(db: Database, columns: dict[str, Any], state: str):
    feeds.sync(db, [A], NOW)
    change(db, A, **columns)
    (row,) = feeds.overview(db)
    assert (row["state"], row["entries"]) == (state, 0)


def test_a_feed_is_found_by_id_url_or_part_of_its_title(db: Database):
    feeds.sync(db, [A, B, Subscription(url="https://long.example/", title="The Long Story")], NOW)
    assert feeds.find(db, "2")["listed_url"] == B.url
    assert feeds.find(db, A.url)["listed_url"] == A.url
    assert feeds.find(db, "long st")["listed_url"] == "https://long.example/"


def test_no_feed_and_several_are_said_so(db: Database):
    feeds.sync(db, [A, B], NOW)
    with pytest.raises(AggregatorError, match="no such feed"):
        feeds.find(db, "nothing")
    with pytest.raises(AggregatorError, match=r"fits 2 feeds \(1 A, 2 B\)"):
        feeds.find(db, ".example")


def test_whether_every_poll_failed(db: Database):
    feeds.sync(db, [A, B], NOW)
    start = feeds.last_poll_id(db)
    assert start == 0
    assert not feeds.all_failed_since(db, start)

    def poll(outcome: str) -> None:
        db.table("polls").insert({"feed_id": 1, "polled_at": "2026-11-24T06:00:00Z", "outcome": outcome})

    poll("failed")
    poll("gone")
    assert feeds.all_failed_since(db, start)
    poll("not_modified")
    assert not feeds.all_failed_since(db, start)
    assert not feeds.all_failed_since(db, feeds.last_poll_id(db))
