"""Tables engine_verdicts and translation_lags: what the checks said of engines, and how long entries waited.

Both by days of UTC, kept for good: a few rows a day.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from sqlite_utils import Database

from aggregator.times import from_text

TABLES = """
CREATE TABLE engine_verdicts (
  engine TEXT NOT NULL,
  day TEXT NOT NULL,
  passed INTEGER NOT NULL,
  refused INTEGER NOT NULL,
  PRIMARY KEY (engine, day)
) STRICT, WITHOUT ROWID;

CREATE TABLE translation_lags (
  day TEXT NOT NULL,
  within INTEGER NOT NULL,
  entries INTEGER NOT NULL,
  seconds REAL NOT NULL,
  PRIMARY KEY (day, within)
) STRICT, WITHOUT ROWID;
"""
BOUNDS = (300, 900, 3600, 21600, 86400)  # seconds; what took longer stands under 0
_JUDGED = """INSERT INTO engine_verdicts VALUES (?, ?, ?, ?) ON CONFLICT (engine, day) DO UPDATE
SET passed = passed + excluded.passed, refused = refused + excluded.refused"""
_WAITED = """INSERT INTO translation_lags VALUES (?, ?, 1, ?) ON CONFLICT (day, within) DO UPDATE
SET entries = entries + 1, seconds = seconds + excluded.seconds"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdicts:
    """How many segments of an engine's the checks let pass, and how many they refused."""

    passed: int
    refused: int

    @property
    def rate(self) -> float:
        """The share that passed."""
        return self.passed / max(self.passed + self.refused, 1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Lags:
    """How long entries waited for their translation.

    Shape: `within` counts entries by the bound of BOUNDS they stayed under, 0: under none.
    Units: seconds, of all entries together.
    """

    within: dict[int, int]
    seconds: float = 0.0


def note(
    db: Database, judged: Iterable[tuple[str, int, int]], first_seen: Iterable[str], now: datetime
) -> None:
    """Book what engines' segments were found to be, and the entries that just got a translation."""
    day = now.date().isoformat()
    db.conn.executemany(_JUDGED, [(engine, day, passed, refused) for engine, passed, refused in judged])
    waits = [max((now - from_text(at)).total_seconds(), 0.0) for at in first_seen]
    db.conn.executemany(_WAITED, [(day, _bound(wait), wait) for wait in waits])


def _bound(seconds: float) -> int:
    return next((bound for bound in BOUNDS if seconds <= bound), 0)


def engines(db: Database, since: date = date.min) -> dict[str, Verdicts]:
    """Return what the checks said of each engine since a day, it included."""
    sql = "SELECT engine, sum(passed), sum(refused) FROM engine_verdicts WHERE day >= ? GROUP BY engine"
    rows = db.execute(sql, [since.isoformat()]).fetchall()
    return {engine: Verdicts(passed=passed, refused=refused) for engine, passed, refused in rows}


def lags(db: Database) -> Lags:
    """Return how long all entries waited that were ever translated."""
    rows = db.execute("SELECT within, sum(entries), sum(seconds) FROM translation_lags GROUP BY within")
    found = rows.fetchall()
    return Lags(
        within={within: entries for within, entries, _ in found}, seconds=sum(row[2] for row in found)
    )


def lag_days(db: Database, today: date, number: int) -> list[Lags]:
    """List how long entries waited that were translated on each of the last days, the oldest first."""
    days = [(today - timedelta(days=ago)).isoformat() for ago in reversed(range(number))]
    found: dict[str, dict[int, int]] = {day: {} for day in days}
    sql = "SELECT day, within, entries FROM translation_lags WHERE day BETWEEN ? AND ?"
    for day, within, entries in db.execute(sql, [days[0], days[-1]]).fetchall():
        found[day][within] = entries
    return [Lags(within=found[day]) for day in days]
