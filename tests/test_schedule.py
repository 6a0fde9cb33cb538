"""Schedules: durations and lines of cron, in a zone, over changes of the clock."""

from datetime import UTC, datetime, time, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aggregator import schedule
from aggregator.schedule import Every, Schedule

TOKYO = ZoneInfo("Asia/Tokyo")
NOW = datetime(2026, 11, 24, 6, tzinfo=UTC)  # a Tuesday, 15:00 in Tokyo


def _times(line: str, now: datetime, count: int) -> list[str]:
    found = []
    cron = schedule.read(line, TOKYO)
    for _ in range(count):
        now = cron.after(now)
        found.append(f"{now:%m-%d %H:%M}")
    return found


def test_a_duration_comes_again_so_long_afterwards():
    assert schedule.read("90s", TOKYO) == Every(timedelta(seconds=90))
    assert schedule.read("1m", TOKYO).after(NOW) == NOW + timedelta(minutes=1)


def test_a_line_of_cron_comes_at_its_hour_in_the_zone_it_names():
    assert _times("cron 0 7 * * * Asia/Tokyo", NOW, 2) == ["11-24 22:00", "11-25 22:00"]
    assert _times("cron 0 7 * * * Europe/Berlin", NOW, 1) == ["11-25 06:00"]


def test_a_line_without_a_zone_is_of_the_one_that_is_set():
    assert _times("cron 30 18 * * *", NOW, 1) == ["11-24 09:30"]


def test_a_time_that_is_now_comes_next_time():
    assert _times("cron 0 15 * * *", NOW, 1) == ["11-25 06:00"]


@pytest.mark.parametrize(
    ("field", "days"),
    [
        ("0", "Sun"), ("7", "Sun"), ("1", "Mon"), ("6", "Sat"), ("1-5", "Mon Tue Wed Thu Fri"), ("5-7", "Fri Sat Sun"),
        ("*/2", "Sun Tue Thu Sat"), ("1,3", "Mon Wed"), ("4/2", "Thu Sat"), ("mon-wed", "Mon Tue Wed"), ("sat", "Sat"),
    ],
)  # fmt: skip
def test_weekdays_are_numbered_as_crontab_does(field: str, days: str):
    cron, now, found = schedule.read(f"cron 0 12 * * {field} UTC", TOKYO), NOW, set()
    while (now := cron.after(now)) < NOW + timedelta(days=7, hours=1):
        found.add(f"{now:%a}")
    assert found == set(days.split())


def test_an_hour_that_the_clock_leaves_out_comes_an_hour_later():
    # 2026-03-08 in New York: 01:59 EST is followed by 03:00 EDT, at 07:00 UTC.
    line = "cron 30 2 * * * America/New_York"
    assert _times(line, datetime(2026, 3, 7, 12, tzinfo=UTC), 3) == [
        "03-08 07:30", "03-09 06:30", "03-10 06:30",
    ]  # fmt: skip


def test_an_hour_that_comes_twice_comes_twice_and_ends():
    # 2026-11-01 in New York: 01:59 EDT is followed by 01:00 EST, at 06:00 UTC.
    line = "cron 30 1 * * * America/New_York"
    assert _times(line, datetime(2026, 10, 31, 12, tzinfo=UTC), 3) == [
        "11-01 05:30", "11-01 06:30", "11-02 06:30",
    ]  # fmt: skip
    line = "cron */30 * * * * America/New_York"
    assert _times(line, datetime(2026, 11, 1, 4, 45, tzinfo=UTC), 6) == [
        "11-01 05:00", "11-01 05:30", "11-01 06:00", "11-01 06:30", "11-01 07:00", "11-01 07:30",
    ]  # fmt: skip


@given(
    hours=st.integers(0, 3 * 8760),
    minutes=st.integers(0, 59),
    line=st.sampled_from(["*/20 * * * *", "15 2 * * *", "0 0-6/2 * * 0", "59 23 31 12 *"]),
    zone=st.sampled_from(["America/New_York", "Australia/Lord_Howe", "Europe/Dublin", "Asia/Tokyo"]),
)
def test_the_next_time_is_later_and_on_the_minute_whatever_the_clock_does(
    hours: int, minutes: int, line: str, zone: str
):
    cron: Schedule = schedule.read(f"cron {line} {zone}", TOKYO)
    times = [datetime(2025, 1, 1, tzinfo=UTC) + timedelta(hours=hours, minutes=minutes)]
    for _ in range(4):
        times.append(cron.after(times[-1]))
    assert all(before < after for before, after in pairwise(times))
    assert all(moment.second == moment.microsecond == 0 for moment in times[1:])


@pytest.mark.parametrize(
    "text",
    ["", "soon", "0", "0.5s", "8d", "-1m", "cron", "cron 0 7 * *", "cron 61 7 * * *", "cron 0 7 31 2 *", "cron 0 7 * * 8",
     "cron 0 7 * * 5-2", "cron 0 7 * * * Mars/Olympus", "cron 0 7 * * * Asia", "cron 0 7 * * * Asia/Tokyo x"],
)  # fmt: skip
def test_what_names_no_time_is_refused(text: str):
    with pytest.raises(ValueError, match=r"."):
        schedule.read(text, TOKYO)


def test_a_digest_comes_once_a_day_in_the_zone_that_is_set():
    assert schedule.daily("cron 0 7 * * * Asia/Tokyo", "Asia/Tokyo") == time(7)
    assert schedule.daily("cron 45 18 * * *", "Europe/Berlin") == time(18, 45)


@pytest.mark.parametrize(
    "text", ["7:00", "cron 0 7 * * 1", "cron */5 7 * * *", "cron 0 7 * * * UTC", "cron 0 24 * * *"]
)
def test_a_digest_at_any_other_time_is_refused(text: str):
    with pytest.raises(ValueError, match=r"."):
        schedule.daily(text, "Asia/Tokyo")
