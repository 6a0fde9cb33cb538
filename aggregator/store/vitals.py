"""How things are, at a glance: feeds by health, the oldest of what waits, what came out on which day.

Each of them is a look at an index, or at the list of feeds: many may ask, also of a million entries.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import get_args

from sqlite_utils import Database

from aggregator.model import PublicationState
from aggregator.store import publications
from aggregator.store.feeds import POLLED_IDS, STATE
from aggregator.times import maybe_time, to_text

STATES = ("ok", "new", "failing", "paused", "gone")
TROUBLED = ("failing", "gone")
_MOST = "translated"
_SHOWN = ("translated", "untranslated", "withdrawn")
_TROUBLED = f"""
SELECT * FROM (SELECT {STATE} AS state, title, host, failures, failure, last_poll_at
  FROM feeds WHERE listed = 1) WHERE state IN ('failing', 'gone') ORDER BY failures DESC, title LIMIT ?
"""  # noqa: S608 - constants of ours
_WAITING = "SELECT count(*), min(held_at) FROM publications WHERE state = ?"
_OVERTAKEN = """SELECT count(*), min(held_at) FROM publications
WHERE state IN ('held', 'untranslated') AND held_at > coalesce(
  (SELECT max(first_published_at) FROM publications WHERE state = 'translated'), '')"""
# One state after another: a range of the index each.
_OUT = """SELECT substr(first_published_at, 1, 10), count(*) FROM publications
WHERE state = ? AND first_published_at >= ? GROUP BY 1"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Troubled:
    """A feed that brings nothing.

    Shape: `host` and not the address, which may hold a password or a token.
    """

    state: str
    title: str
    host: str
    failures: int
    failure: str
    last_poll_at: datetime | None


def states(db: Database) -> dict[str, int]:
    """Count the listed feeds by their state."""
    sql = f"SELECT {STATE}, count(*) FROM feeds WHERE listed = 1 GROUP BY 1"  # noqa: S608 - a constant
    found = dict(db.execute(sql).fetchall())
    return {state: found.get(state, 0) for state in STATES}


def troubled(db: Database, most: int) -> list[Troubled]:
    """List the feeds that bring nothing, the worst first."""
    return [
        Troubled(
            state=row["state"], title=row["title"] or row["host"], host=row["host"],
            failures=row["failures"], failure=row["failure"] or "",
            last_poll_at=maybe_time(row["last_poll_at"]),
        )
        for row in db.query(_TROUBLED, [most])
    ]  # fmt: skip


def oldest_due(db: Database, now: datetime) -> datetime | None:
    """Return when the feed was due that waits longest for its poll, None where none is due."""
    sql = f"""SELECT min(next_poll_at) FROM feeds WHERE feed_id IN ({POLLED_IDS}) AND next_poll_at <= ?
      AND (retry_after_at IS NULL OR retry_after_at <= ?)"""  # noqa: S608 - a constant
    return maybe_time(db.execute(sql, [to_text(now)] * 2).fetchone()[0])


def waiting(db: Database) -> tuple[int, datetime | None]:
    """Count the stories that readers get once they are translated, and say since when the first waits."""
    count, since = db.execute(_WAITING, ["held"]).fetchone()
    return int(count), maybe_time(since)


def overtaken(db: Database) -> tuple[int, datetime | None]:
    """Count the stories that came since readers were given a translated one, and say when the first did."""
    count, since = db.execute(_OVERTAKEN).fetchone()
    return int(count), maybe_time(since)


def stories(db: Database) -> dict[str, int]:
    """Count the stories by what readers have of them.

    Shape: of the most common state what the others leave; reading all of it would take as long as there are.
    """
    (total,) = db.execute("SELECT count(*) FROM publications").fetchone()
    few = {state: _count(db, state) for state in get_args(PublicationState) if state != _MOST}
    return {**few, _MOST: total - sum(few.values())}


def _count(db: Database, state: str) -> int:
    return int(db.execute("SELECT count(*) FROM publications WHERE state = ?", [state]).fetchone()[0])


def newest_published_at(db: Database) -> datetime | None:
    """Return when readers were last given something."""
    return maybe_time(db.execute(publications.NEWEST_AT).fetchone()[0])


def published_days(db: Database, today: date, number: int) -> list[int]:
    """Count what came out on each of the last days of UTC, the oldest first."""
    days = {(today - timedelta(days=ago)).isoformat(): 0 for ago in reversed(range(number))}
    for state in _SHOWN:
        for day, count in db.execute(_OUT, [state, min(days)]).fetchall():
            if day in days:
                days[day] += count
    return list(days.values())


def all_failing(counts: Mapping[str, int]) -> bool:
    """Tell whether every feed that was ever polled fails; of one feed alone that says nothing."""
    return counts["failing"] > 1 and not counts["ok"]
