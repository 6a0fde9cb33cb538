"""What waits for a time that a wrong clock wrote: until that comes years may go by."""

import logging
from datetime import datetime, timedelta

from sqlite_utils import Database

from aggregator.times import to_text

log = logging.getLogger(__name__)

TOLERANCE = timedelta(hours=1)  # by which clocks are set without anybody waiting long
LONGEST = timedelta(days=16)  # more than anything is put off: a back-off of a week, days that a feed skips
_LEASES = timedelta(days=400)  # half of the longest that hubs grant
# Dates that readers know are none of these: whether that clock was wrong or this one is, nobody can tell.
_WAITS = (
    ("feeds", "next_poll_at", LONGEST), ("feeds", "retry_after_at", LONGEST),
    ("hosts", "next_fetch_at", LONGEST), ("hosts", "retry_after_at", LONGEST),
    ("host_rests", "retry_after_at", LONGEST), ("pages", "due_at", LONGEST),
    ("articles", "retry_at", LONGEST), ("summaries", "retry_at", LONGEST),
    ("translations", "retry_at", LONGEST), ("engine_states", "rest_until", LONGEST),
    ("provider_states", "rest_until", LONGEST), ("discussions", "next_count_at", LONGEST),
    ("comment_looks", "next_look_at", LONGEST), ("comments", "retry_at", LONGEST),
    ("viewpoints", "retry_at", LONGEST), ("pictures", "due_at", LONGEST),
    ("hub_pings", "due_at", LONGEST), ("websub", "ask_at", _LEASES),
)  # fmt: skip
_NEWEST = "SELECT polled_at > :late FROM polls ORDER BY poll_id DESC LIMIT 1"
_AHEAD = "last_poll_at > :late"
# As long as before, but from now on: a feed is asked no earlier than was decided.
_FROM_NOW = """
UPDATE feeds SET last_poll_at = :now,
  next_poll_at = strftime('%Y-%m-%dT%H:%M:%SZ', :now, max(0, {next_poll_at} - {last}) || ' seconds'),
  retry_after_at = strftime('%Y-%m-%dT%H:%M:%SZ', :now, max(0, {retry_after_at} - {last}) || ' seconds')
WHERE last_poll_at > :late""".format(
    next_poll_at="strftime('%s', next_poll_at)", retry_after_at="strftime('%s', retry_after_at)",
    last="strftime('%s', last_poll_at)",
)  # fmt: skip


def recover(db: Database, now: datetime) -> int:
    """Let what a wrong clock put off wait no longer than it was meant to; return how many rows that were.

    Where the newest poll is not of the future this is one look at an index.
    """
    times = {"now": to_text(now), "late": to_text(now + TOLERANCE)}
    newest = db.execute(_NEWEST, times).fetchone()
    if not newest or not newest[0]:
        return 0
    if not db.execute(f"SELECT 1 FROM feeds WHERE {_AHEAD} LIMIT 1", times).fetchone():  # noqa: S608
        return 0
    with db.atomic():
        count = db.execute(_FROM_NOW, times).rowcount
        for table, column, longest in _WAITS:
            far = to_text(now + longest)
            sql = f"UPDATE {table} SET {column} = ? WHERE {column} > ?"  # noqa: S608 - constants only
            count += db.execute(sql, [times["now"], far]).rowcount
    log.warning("clock_was_ahead rows=%d hint='is the clock right now? they wait from now on'", count)
    return count
