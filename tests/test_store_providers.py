"""Tables provider_requests and provider_states."""

from datetime import UTC, datetime, timedelta

import pytest

from aggregator.discuss import schedule
from aggregator.model import Quota, Used
from aggregator.store import open_store, providers
from aggregator.store.providers import Coverage

NOW = datetime(2026, 11, 24, 6, 30, 40, tzinfo=UTC)
MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)


@pytest.fixture
def db(tmp_path):
    db = open_store(tmp_path / "store.sqlite")
    yield db
    db.conn.close()


def test_requests_count_for_sixty_minutes_and_for_a_day(db):
    providers.reserve(db, "github", 30, NOW)
    providers.reserve(db, "github", 5, NOW + 59 * MINUTE)
    assert providers.used(db, "github", NOW + 60 * MINUTE) == Used(hour=35, day=35)
    assert providers.used(db, "github", NOW + 62 * MINUTE) == Used(hour=5, day=35)
    assert providers.used(db, "github", NOW + 25 * HOUR) == Used(hour=0, day=0)
    assert providers.used(db, "hatena", NOW) == Used(hour=0, day=0)


def test_requests_that_were_not_made_are_given_back_where_they_were_booked(db):
    providers.reserve(db, "github", 20, NOW)
    providers.reserve(db, "github", 4, NOW + MINUTE)
    providers.settle(db, "github", 10, NOW + 3 * MINUTE)
    assert providers.used(db, "github", NOW + 4 * MINUTE).hour == 14
    assert providers.used(db, "github", NOW + 62 * MINUTE).hour == 0  # no credit is left behind
    providers.settle(db, "github", 999, NOW + 5 * MINUTE)
    assert providers.used(db, "github", NOW + 6 * MINUTE) == Used(hour=0, day=0)


def test_who_takes_all_that_is_allowed_never_exceeds_a_quota(db):
    quota, made = Quota(hourly=40, daily=300), []
    for minutes in range(0, 3 * 24 * 60, 7):
        now = NOW + minutes * MINUTE
        allowed = schedule.allowed(quota, providers.used(db, "github", now))
        providers.reserve(db, "github", allowed, now)
        providers.settle(db, "github", allowed // 3, now + MINUTE)
        made.append((now, allowed - allowed // 3))
    for length, most in ((HOUR, 40), (24 * HOUR, 300)):
        sums = [sum(n for at, n in made if end - length < at <= end) for end, _ in made]
        assert max(sums) <= most
    assert sum(n for _, n in made) >= 600


def test_nothing_to_give_back_changes_nothing(db):
    providers.reserve(db, "github", 20, NOW)
    providers.settle(db, "github", 0, NOW)
    assert providers.used(db, "github", NOW).hour == 20


def test_a_reservation_says_when_a_provider_was_asked_last(db):
    assert providers.asked_at(db) == {}
    providers.rest(db, "reddit", NOW, "answered 429")
    providers.reserve(db, "hatena", 1, NOW)
    providers.reserve(db, "hatena", 1, NOW + MINUTE)
    assert providers.asked_at(db) == {"hatena": NOW + MINUTE}


def test_a_provider_rests_until_its_time_is_over(db):
    providers.rest(db, "lobsters", NOW + HOUR, "answered 500")
    assert providers.resting(db, NOW) == {"lobsters": "answered 500"}
    assert providers.resting(db, NOW + HOUR) == {}


def test_failures_in_a_row_add_up_until_a_provider_answers(db):
    assert providers.failures(db, "lobsters") == 0
    for _ in range(3):
        providers.rest(db, "lobsters", NOW + HOUR, "answered 500")
    providers.reserve(db, "lobsters", 1, NOW)
    assert providers.failures(db, "lobsters") == 3
    providers.recover(db, "lobsters")
    assert providers.failures(db, "lobsters") == 0
    assert providers.resting(db, NOW) == {}
    assert providers.asked_at(db) == {"lobsters": NOW}


def test_coverage_is_of_the_last_day(db):
    providers.note(db, "hatena", 99, 99, NOW - 25 * HOUR)
    providers.reserve(db, "hatena", 2, NOW)
    providers.note(db, "hatena", 70, 4, NOW)
    providers.note(db, "hatena", 30, 0, NOW + MINUTE)
    providers.rest(db, "reddit", NOW + HOUR, "answered 403")
    assert providers.coverage(db, NOW + 2 * MINUTE) == [
        Coverage(provider="hatena", counted=100, dropped=4, requests=2, rests_until=None, failure=None),
        Coverage(provider="reddit", counted=0, dropped=0, requests=0,
                 rests_until=NOW + HOUR, failure="answered 403"),
    ]  # fmt: skip
    assert providers.coverage(db, NOW + 2 * HOUR)[1].failure is None


def test_what_no_quota_looks_at_is_forgotten(db):
    providers.reserve(db, "hatena", 1, NOW)
    providers.reserve(db, "reddit", 1, NOW + 3 * 24 * HOUR)
    assert db.table("provider_requests").count == 1
