"""Read dates as feedparser does: the two common forms by themselves, any other by feedparser.

feedparser takes a tenth of a second to load, which most polls can do without.
"""

import re
from collections.abc import Sequence
from datetime import datetime, timedelta

_MONTHS = {
    name: str(number)
    for number, name in enumerate("Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec".split(), 1)
}
_RFC_822 = re.compile(
    r"(?:(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun), )?(\d\d?) (Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec) (\d{4})"
    r" (\d\d):(\d\d):(\d\d) (?:GMT|UTC?|Z|([+-]\d\d):?(\d\d))",
    re.ASCII,
)
_RFC_3339 = re.compile(
    r"(\d{4})-(\d\d)-(\d\d)[Tt](\d\d):(\d\d):(\d\d)(?:\.\d{1,9})?(?:[Zz]|([+-]\d\d):(\d\d))", re.ASCII
)


def parse(text: str) -> Sequence[int] | None:
    """Return a date as year, month, day, hour, minute and second of UTC; None where it is none."""
    try:
        return _common(text) or _other(text)
    except (ValueError, OverflowError):  # a 61st second, the year 0
        return _other(text)


def _common(text: str) -> Sequence[int] | None:
    if found := _RFC_822.fullmatch(text):
        day, month, year, *rest = found.groups()
        return _utc(year, _MONTHS[month], day, *rest)
    if found := _RFC_3339.fullmatch(text):
        return _utc(*found.groups())
    return None


def _utc(
    year: str, month: str, day: str, hour: str, minute: str, second: str, ahead: str | None, over: str | None
) -> Sequence[int]:
    stamp = datetime(int(year), int(month), int(day), int(hour), int(minute), int(second))  # noqa: DTZ001 - below
    if ahead and over:
        minutes = int(over) if ahead.startswith("+") else -int(over)
        stamp -= timedelta(hours=int(ahead), minutes=minutes)
    return stamp.year, stamp.month, stamp.day, stamp.hour, stamp.minute, stamp.second


def _other(text: str) -> Sequence[int] | None:
    from aggregator.poll.lenient import parse_date

    return parse_date(text)
