"""What one poll means for its feed, and when to look again."""

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aggregator.model import (
    Changed,
    DueFeed,
    Failure,
    Hints,
    NotModified,
    ParsedFeed,
    PollOutcome,
    Unchanged,
)
from aggregator.poll.decide import RECENT, FeedWrite, Later, Pace, crashed, decide, fingerprint, next_poll

NOW = datetime(2026, 11, 24, 6, 30, tzinfo=UTC)  # a Tuesday
HOUR = timedelta(hours=1)
MINUTE = timedelta(minutes=1)
OLD = "https://example.com/feed"
NEW = "https://example.org/feed"
NONE = Hints()


def feed(**columns: Any) -> DueFeed:
    known = {"feed_id": 7, "listed_url": OLD, "fetch_url": OLD, "domain": "example.com"}
    return DueFeed(**known | {"etag": '"1"', "last_modified": "then", "body_fingerprint": "f"} | columns)


def parsed(**hints: Any) -> ParsedFeed:
    return ParsedFeed(title="t", site_url=None, language=None, entries=(), **hints)


def changed(document: ParsedFeed | None = None, **columns: Any) -> Changed:
    known: dict[str, Any] = {
        "fetched_url": OLD, "feed": document or parsed(), "etag": '"2"', "last_modified": "now",
        "body_fingerprint": "g", "fresh_for": None, "moved_to": None, "wire_bytes": 99, "seconds": 0.5,
    }  # fmt: skip
    return Changed(**known | columns)


def unchanged(**columns: Any) -> Unchanged:
    known: dict[str, Any] = {
        "fetched_url": OLD, "etag": '"2"', "last_modified": "now", "fresh_for": None, "moved_to": None,
        "wire_bytes": 99, "seconds": 0.5,
    }  # fmt: skip
    return Unchanged(**known | columns)


def not_modified(**columns: Any) -> NotModified:
    known: dict[str, Any] = {
        "url": OLD, "etag": '"1"', "last_modified": "then", "fresh_for": None, "moved_to": None,
        "seconds": 0.5,
    }  # fmt: skip
    return NotModified(**known | columns)


def failure(kind: str = "BadStatus", **columns: Any) -> Failure:
    return Failure(kind=kind, detail="why", url=OLD, **columns)


def after(result: Any, due: DueFeed | None = None, jitter: float = 0.0) -> FeedWrite:
    write = decide(PollOutcome(feed=due or feed(), result=result), None, HOUR, NOW, jitter)
    assert isinstance(write, FeedWrite)
    return write


def wait(
    hints: Hints = NONE, fresh_for: timedelta | None = None, recent: Any = (), jitter: float = 0.0
) -> timedelta:
    return next_poll(hints, fresh_for, pace(recent), HOUR, NOW, jitter)[0] - NOW


def pace(times: Iterable[datetime]) -> Pace | None:
    newest = sorted((moment for moment in times if moment <= NOW), reverse=True)[:RECENT]
    return Pace(newest[-1], sum(moment > newest[-1] for moment in newest)) if newest else None


# --- when to look again -------------------------------------------------------------------------------------


def test_a_feed_that_says_nothing_is_polled_at_the_configured_interval():
    assert wait() == HOUR


@pytest.mark.parametrize(
    ("hints", "fresh_for", "expected", "winner"),
    [
        (Hints(), 2 * HOUR, 2 * HOUR, "max_age"),
        (Hints(ttl=3 * HOUR), 2 * HOUR, 3 * HOUR, "ttl"),
        (Hints(ttl=3 * HOUR, update_every=4 * HOUR), 2 * HOUR, 4 * HOUR, "update_every"),
        (Hints(ttl=timedelta()), timedelta(), HOUR, "base"),
        (Hints(update_every=timedelta(days=365)), None, 24 * HOUR, "ceiling"),
    ],
)
def test_the_slowest_rule_wins_within_the_ceiling(
    hints: Hints, fresh_for: Any, expected: timedelta, winner: str
):
    moment, reasons = next_poll(hints, fresh_for, None, HOUR, NOW, 0.0)
    assert moment - NOW == expected
    assert ("winner", winner) in reasons


def test_every_rules_opinion_is_kept():
    _, reasons = next_poll(Hints(ttl=2 * HOUR), HOUR, None, HOUR, NOW, 0.0)
    assert reasons == (("max_age", 3600), ("ttl", 7200), ("base", 3600), ("winner", "ttl"))


def test_an_hourly_feed_is_polled_every_half_hour():
    assert wait(recent=[NOW - n * HOUR for n in range(1, 21)]) == 30 * MINUTE


def test_a_busy_feed_is_polled_at_the_floor():
    assert wait(recent=[NOW - n * MINUTE for n in range(1, 21)]) == 15 * MINUTE


def test_the_floor_holds_for_a_short_configured_interval():
    assert next_poll(Hints(), None, None, MINUTE, NOW, 0.0)[0] - NOW == 15 * MINUTE


def test_silence_slows_a_feed_down_to_once_a_day():
    burst = [NOW - timedelta(days=1) - n * MINUTE for n in range(20)]
    weekly = [NOW - timedelta(weeks=n) for n in range(1, 11)]
    assert 30 * MINUTE < wait(recent=burst) < HOUR
    assert wait(recent=weekly) == 24 * HOUR


def test_entries_without_dates_say_nothing_until_others_follow():
    found = [NOW - HOUR] * 20  # a feed without dates: all first seen by the poll that found them
    assert wait(recent=found) == HOUR
    assert wait(recent=[NOW, *found]) == HOUR
    assert wait(recent=[NOW - 6 * HOUR, NOW - 12 * HOUR, *[NOW - 24 * HOUR] * 18]) == 4 * HOUR


def test_entries_dated_by_the_day_are_told_apart_by_their_number():
    by_day = [NOW - timedelta(days=day) for day in range(1, 6) for _ in range(4)]
    assert wait(recent=by_day) == timedelta(days=5) / 17 / 2


def test_entries_dated_in_the_future_say_nothing():
    assert wait(recent=[NOW + n * MINUTE for n in range(1, 21)]) == HOUR


@pytest.mark.parametrize(
    ("hints", "expected"),
    [
        (Hints(skip_hours=(7, 8)), datetime(2026, 11, 24, 9, 0, tzinfo=UTC)),
        (Hints(skip_hours=(6,)), datetime(2026, 11, 24, 7, 30, tzinfo=UTC)),
        (Hints(skip_days=(1,)), datetime(2026, 11, 25, 0, 0, tzinfo=UTC)),
        (Hints(skip_days=(1, 2), skip_hours=(0, 1)), datetime(2026, 11, 26, 2, 0, tzinfo=UTC)),
        (Hints(skip_hours=tuple(range(24))), NOW + HOUR),
        (Hints(skip_days=tuple(range(7))), NOW + HOUR),
    ],
)
def test_skipped_hours_and_days_are_kept(hints: Hints, expected: datetime):
    assert NOW + wait(hints) == expected


lengths = st.none() | st.timedeltas(timedelta(), timedelta(days=400))
hints_drawn = st.builds(
    Hints,
    ttl=lengths,
    update_every=lengths,
    skip_hours=st.lists(st.integers(0, 23)).map(tuple),
    skip_days=st.lists(st.integers(0, 6)).map(tuple),
)
ages = st.timedeltas(timedelta(days=-2), timedelta(days=2000))
times = st.lists(ages.map(lambda age: NOW - age))
jitters = st.floats(0, 1, exclude_max=True)


@given(hints_drawn, lengths, times, st.timedeltas(timedelta(), timedelta(days=30)), jitters)
def test_the_next_poll_lies_between_floor_and_ceiling_and_never_in_a_skipped_hour(
    hints: Hints, fresh_for: timedelta | None, recent: list[datetime], base: timedelta, jitter: float
):
    moment, _ = next_poll(hints, fresh_for, pace(recent), base, NOW, jitter)
    assert moment - NOW >= timedelta(minutes=15)
    skips_all = len(set(hints.skip_hours)) == 24 or len(set(hints.skip_days)) == 7
    if skips_all or not (hints.skip_hours or hints.skip_days):
        assert moment - NOW <= timedelta(hours=24 * 1.2)
    else:
        assert moment.hour not in hints.skip_hours
        assert moment.weekday() not in hints.skip_days


@given(hints_drawn, lengths, jitters)
def test_jitter_is_never_earlier(hints: Hints, fresh_for: timedelta | None, jitter: float):
    assert wait(hints, fresh_for, jitter=jitter) >= wait(hints, fresh_for)


def test_jitter_is_at_most_a_fifth():
    assert wait(jitter=0.999) < HOUR * 1.2


# --- after a poll that worked -------------------------------------------------------------------------------


def test_a_changed_feed_keeps_its_new_validators_and_hints():
    write = after(changed(parsed(ttl=2 * HOUR, skip_hours=(3,))), feed(failures=3, gone_seen=1))
    assert (write.etag, write.last_modified, write.body_fingerprint) == ('"2"', "now", "g")
    assert write.hints == Hints(ttl=2 * HOUR, skip_hours=(3,))
    assert (write.failures, write.failure, write.gone_seen) == (0, None, 0)
    assert (write.outcome, write.status, write.wire_bytes) == ("changed", 200, 99)
    assert write.last_change_at == NOW
    assert write.next_poll_at == NOW + 2 * HOUR


@pytest.mark.parametrize("result", [changed(status=203), unchanged(status=203)])
def test_the_true_status_is_written(result: Any):
    assert after(result).status == 203


@pytest.mark.parametrize(
    ("result", "expected"),
    [
        (changed(), None),
        (changed(fetched_url=NEW), NEW),
        (unchanged(fetched_url=NEW), NEW),
        (not_modified(url=NEW), NEW),
        (failure(), None),
    ],
)
def test_where_redirects_end_is_kept_as_long_as_they_do(result: Any, expected: str | None):
    assert after(result).led_to == expected


def test_hints_outlive_a_304():
    due = feed(hints=Hints(ttl=5 * HOUR), last_change_at=NOW - HOUR)
    write = after(not_modified(), due)
    assert write.next_poll_at == NOW + 5 * HOUR
    assert write.hints == due.hints
    assert (write.outcome, write.status, write.body_fingerprint) == ("not_modified", 304, "f")
    assert write.last_change_at == NOW - HOUR


def test_the_same_body_under_a_new_etag_is_no_change():
    write = after(unchanged(), feed(last_change_at=None))
    assert (write.outcome, write.etag, write.body_fingerprint) == ("unchanged", '"2"', "f")
    assert write.last_change_at is None


def test_a_body_is_known_only_to_the_parser_that_read_it():
    assert fingerprint(b"body", "1") == fingerprint(b"body", "1")
    assert fingerprint(b"body", "1") != fingerprint(b"body", "2")
    assert fingerprint(b"1body", "") != fingerprint(b"body", "1")


def test_a_permanent_redirect_is_taken_after_it_gave_a_feed_twice():
    first = after(changed(moved_to=NEW))
    assert (first.fetch_url, first.moved_to, first.moved_seen) == (OLD, NEW, 1)
    second = after(not_modified(moved_to=NEW), feed(moved_to=NEW, moved_seen=1))
    assert (second.fetch_url, second.moved_to, second.moved_seen) == (NEW, None, 0)
    assert second.etag == '"1"'


def test_a_304_alone_proves_no_feed_at_the_new_place():
    write = after(not_modified(moved_to=NEW))
    assert (write.fetch_url, write.moved_seen) == (OLD, 0)
    again = after(not_modified(moved_to=NEW), feed(moved_to=NEW, moved_seen=0))
    assert again.fetch_url == OLD


@pytest.mark.parametrize(
    "result", [changed(moved_to="https://elsewhere.example/"), changed(), failure(status=404)]
)
def test_another_answer_in_between_starts_the_count_again(result: Any):
    write = after(result, feed(moved_to=NEW, moved_seen=1))
    assert write.fetch_url == OLD
    assert (write.moved_to, write.moved_seen) != (NEW, 1)
    assert write.moved_seen <= 1


# --- after one that failed ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("failures", "hours"), [(0, 1), (1, 2), (2, 4), (3, 8), (4, 24), (5, 48), (6, 96), (7, 168), (50, 168)]
)
def test_errors_back_off_and_never_give_up(failures: int, hours: int):
    write = after(failure(), feed(failures=failures))
    assert write.next_poll_at == NOW + hours * HOUR
    assert write.failures == failures + 1
    assert write.failure == "BadStatus: why"
    assert not write.gone


def test_retry_after_outlasts_the_backoff():
    write = after(failure(status=429, retry_after=3 * HOUR), jitter=0.5)
    assert write.retry_after_at == NOW + 3 * HOUR
    assert write.next_poll_at == NOW + 3 * HOUR * 1.1
    assert ("winner", "retry_after") in write.next_poll_reasons


def test_a_short_retry_after_does_not_shorten_the_backoff():
    write = after(failure(status=503, retry_after=MINUTE))
    assert write.next_poll_at == NOW + HOUR


def test_410_twice_is_gone_and_once_is_not():
    once = after(failure(status=410))
    assert (once.gone, once.gone_seen, once.outcome) == (False, 1, "failed")
    twice = after(failure(status=410), feed(gone_seen=1, failures=1))
    assert (twice.gone, twice.gone_seen, twice.outcome) == (True, 2, "gone")


def test_another_failure_between_two_410_counts_from_the_start():
    assert after(failure(status=500), feed(gone_seen=1)).gone_seen == 0


@pytest.mark.parametrize("kind", ["NotAFeed", "ConnectionFailed", "BodyTooLarge", "FetchTimeout"])
def test_a_body_that_was_no_use_leaves_no_validator(kind: str):
    write = after(failure(kind, status=200))
    assert (write.etag, write.last_modified) == (None, None)
    assert write.body_fingerprint == "f"


@pytest.mark.parametrize("status", [None, 404, 503])
def test_an_answer_without_a_body_leaves_the_validators(status: int | None):
    assert after(failure(status=status)).etag == '"1"'


@pytest.mark.parametrize(
    ("wanted", "expected"), [(None, 15 * MINUTE), (MINUTE, 15 * MINUTE), (3 * HOUR, 3 * HOUR)]
)
def test_a_feed_that_was_not_asked_waits_without_a_failure(wanted: Any, expected: timedelta):
    later = decide(
        PollOutcome(feed=feed(), result=failure("Skipped", retry_after=wanted)), None, HOUR, NOW, 0.0
    )
    assert isinstance(later, Later)
    assert later.next_poll_at == NOW + expected


def test_a_crash_backs_off_like_a_failure():
    write = crashed(feed(failures=1), "ValueError: bad", NOW, 0.0)
    assert (write.failure, write.failures) == ("Crash: ValueError: bad", 2)
    assert write.next_poll_at == NOW + 2 * HOUR
    assert write.etag == '"1"'


# --- hubs ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("hints", "base", "wanted", "winner"),
    [
        (NONE, HOUR, 12 * HOUR, "websub"),
        (Hints(ttl=90 * MINUTE), HOUR, 18 * HOUR, "websub"),
        (NONE, MINUTE, 3 * HOUR, "websub"),
        (Hints(ttl=3 * HOUR), HOUR, 24 * HOUR, "ceiling"),
    ],
)
def test_a_hub_that_works_makes_polls_twelve_times_rarer_up_to_a_day(
    hints: Hints, base: timedelta, wanted: timedelta, winner: str
):
    moment, reasons = next_poll(hints, None, None, base, NOW, 0.0, hub_works=True)
    assert moment == NOW + wanted
    assert dict(reasons)["winner"] == winner


def test_a_hub_has_no_say_where_polls_fail():
    failure = Failure(kind="BadStatus", detail="500", url=OLD, status=500)
    poll = PollOutcome(feed=feed(), result=failure)
    assert decide(poll, None, HOUR, NOW, 0.0, hub_works=True) == decide(poll, None, HOUR, NOW, 0.0)
