"""Times and durations as text."""

import re
from datetime import UTC, datetime, timedelta

EARLIEST = datetime(2026, 1, 1, tzinfo=UTC)  # a clock before this was never set

_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400, "w": 604800}
_ALMOST = timedelta(seconds=1) - timedelta.resolution
_DURATION = re.compile(r"\s*(\d+(?:\.\d+)?)\s*([smhdw]?)\s*")


def to_text(moment: datetime) -> str:
    """Write an aware datetime as the store keeps it.

    Shape: `2026-11-24T06:30:00Z`, UTC, whole seconds; sorts as text.
    """
    known = moment if moment.tzinfo is UTC else moment.astimezone(UTC)
    return known.isoformat(timespec="seconds")[:19] + "Z"


def no_sooner(moment: datetime) -> str:
    """Write a moment before which nothing may happen, as the store keeps it.

    Shape: rounded up where `to_text` cuts off: what waits until then would come up to a second too early.
    """
    return to_text(moment + _ALMOST)


def from_text(text: str) -> datetime:
    """Read what `to_text` wrote (any RFC 3339 time is taken).

    Raises: ValueError where the text is no time or names no zone.
    """
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        raise ValueError(f"{text!r} has no time zone")
    return moment if moment.tzinfo is UTC else moment.astimezone(UTC)


def maybe_text(moment: datetime | None) -> str | None:
    """Write a time that may be absent."""
    return None if moment is None else to_text(moment)


def maybe_time(text: str | None) -> datetime | None:
    """Read a time that may be absent."""
    return None if text is None else from_text(text)


def parse_duration(text: str) -> timedelta:
    """Read `90`, `1.5s`, `30m`, `6h`, `2d` or `1w`; a bare number is seconds.

    Raises: ValueError for anything else.
    """
    match = _DURATION.fullmatch(text)
    if match is None:
        raise ValueError(f"{text!r} is no duration such as 30s, 15m, 6h or 2d")
    try:
        return timedelta(seconds=float(match[1]) * _UNITS[match[2] or "s"])
    except OverflowError as error:
        raise ValueError(f"{text!r} is longer than any clock runs") from error


def in_a_row(number: int) -> str:
    """Write how often something came without a break: `once`, `3 times in a row`."""
    return "once" if number == 1 else f"{number} times in a row"


def duration_text(length: timedelta) -> str:
    """Write a duration the short way people read it: `45 s`, `12 min`, `6 h`, `3 d`."""
    seconds = length.total_seconds()
    for unit, size in (("d", 86400), ("h", 3600), ("min", 60)):
        if seconds >= 2 * size or seconds == size:
            return f"{seconds / size:.0f} {unit}"
    return f"{seconds:.0f} s"
