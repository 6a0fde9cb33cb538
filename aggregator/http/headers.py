"""What HTTP headers say about time, read from text."""

import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

RETRY_FLOOR = timedelta(minutes=1)
RETRY_CEILING = timedelta(days=7)
_LONGEST = timedelta(days=365)  # RFC 9111 section 5.3 advises no more; also keeps timedelta from overflowing
_MAX_AGE = re.compile(r"(?:^|[,\s])max-age\s*=\s*\"?(\d+)", re.IGNORECASE)


def retry_after(headers: Mapping[str, str], now: datetime) -> timedelta | None:
    """Return how long the server wants to be left alone, from 1 minute to 7 days; None where it does not say.

    Source: RFC 9110 section 10.2.3 (seconds or a date). A date is measured on the server's own clock.
    """
    text = headers.get("retry-after", "").strip()
    wanted = _seconds(text)
    if wanted is None:
        moment = _date(text)
        if moment is None:
            return None
        wanted = moment - (_date(headers.get("date", "")) or now)
    return min(max(wanted, RETRY_FLOOR), RETRY_CEILING)


def fresh_for(headers: Mapping[str, str]) -> timedelta | None:
    """Return how long the answer stays fresh: max-age, else Expires - Date, less the Age it arrived with.

    Source: RFC 9111 section 4.2. None where the server does not say.
    """
    stated = _max_age(headers.get("cache-control", ""))
    if stated is None:
        stated = _lifetime(headers)
    if stated is None:
        return None
    age = _seconds(headers.get("age", "").strip()) or timedelta()
    return max(stated - age, timedelta())


def _max_age(text: str) -> timedelta | None:
    match = _MAX_AGE.search(text)
    return _seconds(match[1]) if match else None


def _lifetime(headers: Mapping[str, str]) -> timedelta | None:
    expires = _date(headers["expires"]) if "expires" in headers else None
    date = _date(headers.get("date", "")) if expires else None
    if date is None or expires is None:
        return None
    return min(max(expires - date, timedelta()), _LONGEST)


def _seconds(text: str) -> timedelta | None:
    if not (text.isascii() and text.isdigit()):  # "²".isdigit() is true, too
        return None
    return min(timedelta(seconds=int(text[:12])), _LONGEST)  # 12 digits are 31,000 years and cannot overflow


def _date(text: str) -> datetime | None:
    from email.utils import parsedate_to_datetime  # loads a mail reader; few answers have a date that counts

    try:
        moment = parsedate_to_datetime(text)
        return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    except (ValueError, TypeError, IndexError, OverflowError):
        return None
