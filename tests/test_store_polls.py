"""The tables polls and hosts, and what a poll writes about its feed."""

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlite_utils import Database

from aggregator.model import Hints, ParsedFeed, Subscription
from aggregator.poll.decide import RECENT, FeedWrite, Later, Pace
from aggregator.store import due, feeds, open_store, polls
from aggregator.store.polls import Polled
from aggregator.times import to_text
from tests.polling import due_feeds

NOW = datetime(2026, 11, 24, 6, 0, tzinfo=UTC)
HOUR = timedelta(hours=1)
URL = "https://a.example/feed"
WRITE = FeedWrite(
    feed_id=1,
    fetch_url="https://blog.moved.example/feed",
    moved_to="https://b.example/",
    moved_seen=1,
    led_to="https://c.example/",
    gone=False,
    gone_seen=1,
    etag='"caf\xe9"',
    last_modified="then",
    body_fingerprint="f",
    entry_marks=b"",
    refused_fingerprint=None,
    hints=Hints(ttl=HOUR, skip_days=(6,)),
    next_poll_at=NOW + HOUR,
    retry_after_at=None,
    next_poll_reasons=(("base", 3600), ("winner", "base")),
    last_change_at=NOW,
    failures=2,
    failure="BadStatus: 404 Not Found",
    outcome="failed",
    status=404,
    wire_bytes=12,
    seconds=0.25,
)


@pytest.fixture
def db(tmp_path: Path) -> Iterator[Database]:
    store = open_store(tmp_path / "store.sqlite")
    feeds.sync(store, [Subscription(url=URL)], NOW)
    yield store
    store.close()


def test_nothing_is_due_within_the_second_in_which_its_time_comes(db: Database):
    moment = NOW + timedelta(microseconds=300_000)
    polls.write(db, [Polled(write=replace(WRITE, next_poll_at=moment))], NOW)
    assert not due_feeds(db, moment - timedelta(microseconds=1), 10)
    assert len(due_feeds(db, NOW + timedelta(seconds=1), 10)) == 1


def test_a_rest_and_a_spacing_end_no_sooner_than_they_were_wanted(db: Database):
    moment = NOW + timedelta(microseconds=300_000)
    polls.write_rest(db, "a.example", moment)
    polls.write_host(db, "b.example", moment, moment, "Retry-After")
    assert {rest.lasts for rest in polls.rests(db, NOW)} == {timedelta(seconds=1)}
    assert polls.next_fetches(db, ["b.example"])["b.example"] >= moment


def test_what_was_decided_is_what_is_due_next(db: Database):
    polls.write(db, [Polled(write=WRITE, added=3, changed=1, moved=True)], NOW)
    (feed,) = due_feeds(db, NOW + HOUR, 10)
    assert (feed.fetch_url, feed.domain, feed.listed_url) == (WRITE.fetch_url, "moved.example", URL)
    assert (feed.etag, feed.last_modified, feed.body_fingerprint) == ('"caf\xe9"', "then", "f")
    assert (feed.moved_to, feed.moved_seen, feed.gone_seen, feed.failures) == ("https://b.example/", 1, 1, 2)
    assert feed.hints == WRITE.hints
    assert feed.last_change_at == NOW
    assert not feed.first_poll


def test_a_poll_leaves_its_row(db: Database):
    polls.write(db, [Polled(write=WRITE, added=3, changed=1)], NOW)
    (row,) = db.query("SELECT * FROM polls")
    assert row == {
        "poll_id": 1, "feed_id": 1, "polled_at": "2026-11-24T06:00:00Z", "outcome": "failed", "status": 404,
        "bytes": 12, "seconds": 0.25, "added": 3, "changed": 1, "detail": "BadStatus: 404 Not Found",
    }  # fmt: skip
    (reasons, last) = db.execute("SELECT next_poll_reasons, last_poll_at FROM feeds").fetchone()
    assert json.loads(reasons) == [["base", 3600], ["winner", "base"]]
    assert last == "2026-11-24T06:00:00Z"


def test_a_gone_feed_is_never_due_again(db: Database):
    polls.write(db, [Polled(write=replace(WRITE, gone=True, outcome="gone"))], NOW)
    assert due_feeds(db, NOW + timedelta(days=999), 10) == []


def test_a_feed_that_was_not_asked_leaves_no_poll(db: Database):
    polls.put_off(db, Later(feed_id=1, next_poll_at=NOW + HOUR, next_poll_reasons=(("floor", 900),)))
    assert due_feeds(db, NOW, 10) == []
    assert len(due_feeds(db, NOW + HOUR, 10)) == 1
    assert db.table("polls").count == 0


def test_a_feed_fills_only_what_the_list_leaves_open(db: Database):
    named = Subscription(url="https://b.example/", title="Mine")
    feeds.sync(db, [Subscription(url=URL), named], NOW)
    parsed = ParsedFeed(title="Theirs", site_url="https://site.example/", language="en", entries=())
    polls.fill_in(db, 1, parsed)
    polls.fill_in(db, 2, parsed)
    rows = db.execute("SELECT title, site_url, language FROM feeds ORDER BY feed_id").fetchall()
    assert rows == [("Theirs", "https://site.example/", "en"), ("Mine", "https://site.example/", "en")]


def test_a_host_remembers_when_it_may_be_asked(db: Database):
    polls.write_host(db, "a.example", NOW, NOW + HOUR, "Retry-After")
    assert polls.next_fetches(db, ["a.example", "b.example"]) == {"a.example": NOW}
    assert due_feeds(db, NOW, 10) == []
    polls.write_host(db, "a.example", NOW + HOUR, None, None)
    assert polls.next_fetches(db, ["a.example"]) == {"a.example": NOW + HOUR}
    assert len(due_feeds(db, NOW, 10)) == 1


def test_a_request_in_flight_ends_no_rest(db: Database):
    polls.write_host(db, "a.example", NOW, NOW + HOUR, "Retry-After")
    polls.write_host(db, "a.example", NOW + timedelta(seconds=5), None, None)
    assert due_feeds(db, NOW + HOUR / 2, 10) == []
    assert len(due_feeds(db, NOW + HOUR, 10)) == 1


def test_a_host_that_rests_stalls_its_own_feeds_alone(db: Database):
    urls = ["https://a.shared.example/", "https://b.shared.example/", "https://shared.example/"]
    feeds.sync(db, [Subscription(url=url) for url in urls], NOW)
    polls.write_rest(db, "a.shared.example", NOW + HOUR)
    assert [feed.listed_url for feed in due_feeds(db, NOW, 10)] == urls[1:]
    assert due.count(db, NOW) == 2
    assert len(due_feeds(db, NOW + HOUR, 10)) == 3
    polls.write_rest(db, "a.shared.example", NOW + 2 * HOUR)
    assert len(due_feeds(db, NOW + HOUR, 10)) == 2


def test_rests_that_are_over_are_forgotten(db: Database):
    polls.write_rest(db, "a.example", NOW + HOUR)
    polls.forget_old(db, NOW + HOUR)
    assert db.table("host_rests").count == 1
    polls.forget_old(db, NOW + 2 * HOUR)
    assert db.table("host_rests").count == 0


def test_polls_are_kept_for_thirty_days(db: Database):
    polls.write(db, [Polled(write=WRITE)], NOW)
    polls.forget_old(db, NOW + timedelta(days=30))
    assert db.table("polls").count == 1
    polls.forget_old(db, NOW + timedelta(days=30, seconds=1))
    assert db.table("polls").count == 0


AGES = st.lists(st.integers(-3, 40).map(lambda hours: hours * HOUR), max_size=2 * RECENT)


@given(AGES)
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_a_pace_is_that_of_the_newest_entries_that_are_out(db: Database, ages: list[timedelta]):
    times = [NOW - age for age in ages]
    db.execute("DELETE FROM entries")
    db.table("stories").insert({"story_id": 1}, ignore=True)
    for number, moment in enumerate(times):
        at = to_text(moment)
        entry = {"feed_id": 1, "story_id": 1, "guid": str(number), "title": "", "fingerprint": ""}
        db.table("entries").insert(entry | {"first_seen_at": at, "sort_at": at})
    newest = sorted((moment for moment in times if moment <= NOW), reverse=True)[:RECENT]
    later = sum(moment > newest[-1] for moment in newest)
    assert polls.paces(db, [1, 2], NOW) == ({1: Pace(newest[-1], later)} if newest else {})
