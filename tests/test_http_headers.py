"""What HTTP headers say about time."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aggregator.http.headers import fresh_for, retry_after

NOW = datetime(2026, 11, 24, 6, 0, tzinfo=UTC)
DATE = "Tue, 24 Nov 2026 06:00:00 GMT"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("120", timedelta(minutes=2)),
        ("1", timedelta(minutes=1)),  # no sooner than a minute
        ("3155760000", timedelta(days=7)),  # a hundred years
        ("9" * 40, timedelta(days=7)),
        ("Tue, 24 Nov 2026 07:00:00 GMT", timedelta(hours=1)),
        ("Tue, 24 Nov 2020 07:00:00 GMT", timedelta(minutes=1)),
        ("Fri, 24 Nov 2126 07:00:00 GMT", timedelta(days=7)),
    ],
)
def test_retry_after_lies_between_a_minute_and_a_week(text: str, expected: timedelta):
    assert retry_after({"retry-after": text}, NOW) == expected


@pytest.mark.parametrize("text", ["", "-60", "soon", "1.5", "²", "Tue, 99 Nov 2026 07:00:00 GMT"])
def test_a_retry_after_that_says_nothing_is_none(text: str):
    assert retry_after({"retry-after": text}, NOW) is None


def test_a_retry_after_date_is_measured_on_the_servers_clock():
    headers = {"retry-after": "Tue, 24 Nov 2026 09:00:00 GMT", "date": "Tue, 24 Nov 2026 08:00:00 GMT"}
    assert retry_after(headers, NOW) == timedelta(hours=1)


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        ({"cache-control": "public, Max-Age=600"}, timedelta(minutes=10)),
        ({"cache-control": 'max-age="600"'}, timedelta(minutes=10)),
        ({"cache-control": "s-maxage=600"}, None),
        ({"cache-control": "max-age=600", "age": "500"}, timedelta(seconds=100)),
        ({"cache-control": "max-age=600", "age": "900"}, timedelta()),
        ({"expires": "Tue, 24 Nov 2026 08:00:00 GMT", "date": DATE}, timedelta(hours=2)),
        ({"expires": "0", "date": DATE}, None),
        ({"expires": "Tue, 24 Nov 2026 05:00:00 GMT", "date": DATE}, timedelta()),
        (
            {"cache-control": "max-age=0", "expires": "Tue, 24 Nov 2026 08:00:00 GMT", "date": DATE},
            timedelta(),
        ),
        ({}, None),
    ],
)
def test_freshness_is_max_age_else_expires(headers: dict[str, str], expected: timedelta | None):
    assert fresh_for(headers) == expected


@given(
    st.dictionaries(
        st.sampled_from(["retry-after", "date", "expires", "age", "cache-control"]), st.text(max_size=30)
    )
)
def test_no_header_is_too_odd(headers: dict[str, str]):
    wanted = retry_after(headers, NOW)
    assert wanted is None or timedelta(minutes=1) <= wanted <= timedelta(days=7)
    fresh = fresh_for(headers)
    assert fresh is None or timedelta() <= fresh <= timedelta(days=365)
