"""Table hub_pings: which of our feeds changed since the hub was told of them."""

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import NamedTuple

from sqlite_utils import Database

from aggregator.times import maybe_time, to_text

# A hub that is told late still brings readers what is new; what changes meanwhile waits with it.
BACKOFF = tuple(timedelta(minutes=minutes) for minutes in (1, 5, 30, 120, 360))

TABLE = """
CREATE TABLE hub_pings (
  path TEXT PRIMARY KEY,
  due_at TEXT,
  failures INTEGER NOT NULL DEFAULT 0,
  failure TEXT,
  told_at TEXT
) STRICT, WITHOUT ROWID
"""
_NOTE = """
INSERT INTO hub_pings (path, due_at) VALUES (:path, :now)
ON CONFLICT (path) DO UPDATE SET due_at = coalesce(due_at, excluded.due_at)
"""


class Summary(NamedTuple):
    """How the hub and we get on."""

    told_at: datetime | None  # when it last took anything
    waiting: int
    failure: str | None  # of the feed that failed most


def note(db: Database, paths: Iterable[str], now: datetime) -> None:
    """Have the hub told of these feeds: at once, or when it is asked again after a failure."""
    db.conn.executemany(_NOTE, [{"path": path, "now": to_text(now)} for path in paths])


def due(db: Database, now: datetime, most: int) -> list[str]:
    """List the feeds to tell of, those that wait longest first."""
    sql = "SELECT path FROM hub_pings WHERE due_at <= ? ORDER BY due_at, length(path), path LIMIT ?"
    return [row[0] for row in db.execute(sql, [to_text(now), most]).fetchall()]


def told(db: Database, path: str, now: datetime) -> None:
    """Note that the hub knows."""
    known = {"due_at": None, "failures": 0, "failure": None, "told_at": to_text(now)}
    db.table("hub_pings").update(path, known)


def failed(db: Database, path: str, failure: str, now: datetime) -> None:
    """Note that the hub could not be told, and when to try again."""
    sql = "SELECT failures FROM hub_pings WHERE path = ?"
    failures = int(db.execute(sql, [path]).fetchone()[0])
    again = now + BACKOFF[min(failures, len(BACKOFF) - 1)]
    row = {"due_at": to_text(again), "failures": failures + 1, "failure": failure}
    db.table("hub_pings").update(path, row)


def skip(db: Database, now: datetime) -> None:
    """Note that the hub answers too slowly or not at all: what is due waits for another run."""
    again = to_text(now + BACKOFF[0])
    db.execute("UPDATE hub_pings SET due_at = ? WHERE due_at <= ?", [again, to_text(now)])


def count_due(db: Database, now: datetime) -> int:
    """Count the feeds to tell of."""
    return int(db.execute("SELECT count(*) FROM hub_pings WHERE due_at <= ?", [to_text(now)]).fetchone()[0])


def summary(db: Database) -> Summary:
    """Say when the hub was told last, how many feeds wait, and why."""
    told_at, waiting = db.execute("SELECT max(told_at), count(due_at) FROM hub_pings").fetchone()
    worst = "SELECT failure FROM hub_pings WHERE failure IS NOT NULL ORDER BY failures DESC, path LIMIT 1"
    row = db.execute(worst).fetchone()
    return Summary(maybe_time(told_at), int(waiting), row[0] if row else None)
