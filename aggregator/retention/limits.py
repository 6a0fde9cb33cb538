"""How old an entry has to be before its texts may go. Pure."""

from datetime import datetime, timedelta

from aggregator.faults import DROP_AFTER_LEAST

UNLISTED = timedelta(days=7)  # a feed that was empty or taken out by mistake is back by then
SPENT = timedelta(days=7)  # after its translation an article has served its purpose
UNUSED = timedelta(days=180)  # segments in the translation memory
STEP = timedelta(days=2)  # that limits move by a pass: more than a day, or a pause would never be made up for


def believed(now: datetime, last: datetime | None) -> datetime:
    """Return the time that limits are counted from, as `last` was by the pass before.

    Shape: never much later than then, whatever the clock says. One that is ahead by a year costs two days of
    texts for each day that it is; after a pause limits lag, while nothing more is kept than without it.
    """
    return min(now, last + STEP) if last else now


def before(now: datetime, drop_after: timedelta, oldest_kept_at: datetime | None) -> datetime | None:
    """Return the moment before which entries came out that may go; None where all are kept.

    Shape: whichever limit takes more holds. `oldest_kept_at` is when the last of the entries came out that
    a number allows, None without such a limit; `drop_after` of nothing is no limit either.
    """
    limits = [now - drop_after] if drop_after else []
    limits += [oldest_kept_at] if oldest_kept_at else []
    return min(max(limits), now - DROP_AFTER_LEAST) if limits else None
