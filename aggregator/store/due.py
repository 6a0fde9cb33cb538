"""What of the table feeds is due: read page by page, counted, and when the next is."""

import json
from collections.abc import Collection, Iterator
from datetime import datetime
from typing import Any

from sqlite_utils import Database

from aggregator.model import DueFeed
from aggregator.store.feeds import POLLED, due_feed_of
from aggregator.times import maybe_time, to_text

DUE = f"""
  FROM feeds LEFT JOIN hosts USING (domain) LEFT JOIN host_rests USING (host)
  WHERE {POLLED} AND next_poll_at <= :now
  AND (feeds.retry_after_at IS NULL OR feeds.retry_after_at <= :now)
  AND (hosts.retry_after_at IS NULL OR hosts.retry_after_at <= :now)
  AND (host_rests.retry_after_at IS NULL OR host_rests.retry_after_at <= :now)"""
_COLUMNS = """feed_id, listed_url, fetch_url, feeds.domain, settings, etag, last_modified,
  body_fingerprint, entry_marks, refused_fingerprint, failure, last_change_at, failures, gone_seen, moved_to,
  moved_seen, hints, identity, feeds.seconds, next_poll_at"""
# Two looks, since SQLite seeks only by the first of two columns that are compared together: of 100,000 feeds
# that came with one list, all due at the same second, each page would pass over all before it.
_AFTER = tuple(
    f"""SELECT {_COLUMNS} {DUE} AND {place}
    AND feeds.domain NOT IN (SELECT value FROM json_each(:without))
    ORDER BY next_poll_at, feed_id LIMIT :limit"""  # noqa: S608 - constants only
    for place in ("next_poll_at = :at AND feed_id > :feed_id", "next_poll_at > :at")
)


def pages(db: Database, now: datetime, limit: int, without: Collection[str] = ()) -> Iterator[list[DueFeed]]:
    """Yield the feeds to poll, longest due first: listed, not gone, not paused, no Retry-After running.

    Shape: `limit` at a time, each page when it is asked for; each feed once, whatever is written meanwhile of
    those that were yielded. Of domains that stand in `without` by then, none.
    """
    at, feed_id = "", 0
    while rows := _after(db, now, at, feed_id, limit, without):
        at, feed_id = rows[-1]["next_poll_at"], rows[-1]["feed_id"]
        page = [due_feed_of(row) for row in rows]
        rows.clear()  # what they hold would be held as long as the page
        yield page


def _after(
    db: Database, now: datetime, at: str, feed_id: int, limit: int, without: Collection[str]
) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = []
    place = {"now": to_text(now), "at": at, "feed_id": feed_id, "without": json.dumps(list(without))}
    for sql in _AFTER:
        rows += db.query(sql, place | {"limit": limit - len(rows)})
    return rows


def count(db: Database, now: datetime) -> int:
    """Count the feeds that are due."""
    return int(db.execute(f"SELECT count(*) {DUE}", {"now": to_text(now)}).fetchone()[0])


def next_at(db: Database) -> datetime | None:
    """Return when the next feed is due, a Retry-After of its own, its host or its domain included."""
    rests = ", ".join(f"coalesce({table}.retry_after_at, '')" for table in ("feeds", "hosts", "host_rests"))
    sql = f"""SELECT min(max(next_poll_at, {rests}))
      FROM feeds LEFT JOIN hosts USING (domain) LEFT JOIN host_rests USING (host) WHERE {POLLED}"""  # noqa: S608 - constants only
    return maybe_time(db.execute(sql).fetchone()[0])
