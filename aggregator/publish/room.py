"""How much of the two days that a feed covers fits into one document, and how long a body may be for that.

Readers that look in once a day must find everything that came since, and some refuse documents of more than
a megabyte. What a reader was given never changes, so each body's length is chosen once, when it is frozen,
from how many entries come in these days: first bodies become shorter, then the oldest entries leave.
"""

from collections.abc import Iterable
from datetime import datetime, timedelta

KEPT = timedelta(hours=48)  # before the newest entry: whoever opens a reader once a day loses nothing
MOST = 1_000_000  # bytes of a document
FIT = 2_000  # entries that could stand in one
_RECENT = timedelta(hours=6)  # so soon a wave is noticed
_WHOLE = 2_300  # bytes of an entry in the longest of the forms, with an excerpt of 300 letters
_REST = 1_050  # the same without the excerpt, and with a line of credits instead of two


def expected(moments: Iterable[datetime], now: datetime) -> int:
    """Return how many entries come in 48 hours, at the pace of these hours or of the last six, if higher.

    `moments` are when those came that were published in the last 48 hours.
    """
    ages = [now - moment for moment in moments]
    recent = sum(age < _RECENT for age in ages)
    return max(sum(age < KEPT for age in ages), recent * (KEPT // _RECENT))


def room(entries: int) -> int | None:
    """Return how many bytes the excerpt of one of so many entries may take, None where nothing is cut."""
    each = MOST // max(entries, 1)
    return None if each >= _WHOLE else max(each - _REST, 0)
