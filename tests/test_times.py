"""Times and durations as text."""

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aggregator import times


def test_a_time_is_written_in_utc_with_whole_seconds():
    tokyo = timezone(timedelta(hours=9))
    assert times.to_text(datetime(2026, 11, 24, 6, 30, 5, 999999, tokyo)) == "2026-11-23T21:30:05Z"


@given(st.datetimes(min_value=datetime(1970, 1, 1), max_value=datetime(2200, 1, 1), timezones=st.just(UTC)))  # noqa: DTZ001
def test_a_time_survives_the_round_trip_to_the_second(moment: datetime):
    assert times.from_text(times.to_text(moment)) == moment.replace(microsecond=0)


@given(st.datetimes(min_value=datetime(1970, 1, 1), max_value=datetime(2200, 1, 1), timezones=st.just(UTC)))  # noqa: DTZ001
def test_a_moment_before_which_nothing_may_happen_is_written_within_the_next_second(moment: datetime):
    assert timedelta() <= times.from_text(times.no_sooner(moment)) - moment < timedelta(seconds=1)


def test_a_time_without_a_zone_is_refused():
    with pytest.raises(ValueError, match="no time zone"):
        times.from_text("2026-11-24T06:30:00")


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("90", 90), ("1.5s", 1.5), ("30m", 1800), ("6h", 21600), ("2d", 172800), (" 1w ", 604800), ("0", 0)],
)
def test_durations_are_read(text: str, seconds: float):
    assert times.parse_duration(text) == timedelta(seconds=seconds)


@pytest.mark.parametrize("text", ["", "h", "-5s", "5 hours", "1h30m", "٣s x"])
def test_what_is_no_duration_is_refused(text: str):
    with pytest.raises(ValueError, match="no duration"):
        times.parse_duration(text)


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(5, "5 s"), (119, "119 s"), (120, "2 min"), (3600, "1 h"), (90000, "25 h"), (259200, "3 d")],
)
def test_durations_are_written_short(seconds: int, text: str):
    assert times.duration_text(timedelta(seconds=seconds)) == text
