"""Tables engine_usage, engine_days and engine_states: what engines were sent, its cost, and which rest."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from sqlite_utils import Database

from aggregator.times import to_text

_ADD = """INSERT INTO {table} (engine, {period}, characters, cost)
VALUES (:engine, :at, max(0, :characters), max(0, :cost))
ON CONFLICT (engine, {period}) DO UPDATE
SET characters = max(0, characters + :characters), cost = max(0, cost + :cost)"""
_TABLES = (("engine_usage", "month", 7), ("engine_days", "day", 10))  # characters of an ISO date that name it


@dataclass(frozen=True, slots=True, kw_only=True)
class Used:
    """What an engine was sent.

    Units: characters.
    """

    today: int
    month: int


def add(db: Database, engine: str, characters: int, cost: float, day: date) -> None:
    """Add characters sent to an engine to its day and month; what was reserved and not sent is below zero."""
    for table, period, length in _TABLES:
        values = {"engine": engine, "at": day.isoformat()[:length], "characters": characters, "cost": cost}
        db.execute(_ADD.format(table=table, period=period), values)


def used(db: Database, engine: str, day: date) -> Used:
    """Return what an engine was sent on a day and in its month."""
    counts = [
        db.execute(
            f"SELECT characters FROM {table} WHERE engine = ? AND {period} = ?",  # noqa: S608 - names of ours
            (engine, day.isoformat()[:length]),
        ).fetchone()
        for table, period, length in _TABLES
    ]
    month, today = (row[0] if row else 0 for row in counts)
    return Used(today=today, month=month)


def days(db: Database, engine: str, last: date, number: int) -> list[int]:
    """List what an engine was sent on each of the last days, none of them before its first one."""
    rows = dict(db.execute("SELECT day, characters FROM engine_days WHERE engine = ?", [engine]).fetchall())
    first = min(rows, default=last.isoformat())
    wanted = [(last - timedelta(days=n)).isoformat() for n in range(number)]
    return [rows.get(day, 0) for day in wanted if day >= first]


def engines(db: Database) -> list[str]:
    """List the engines that were ever sent anything."""
    return [
        row[0] for row in db.execute("SELECT DISTINCT engine FROM engine_days ORDER BY engine").fetchall()
    ]


def note_configured(db: Database, names: Iterable[str], now: datetime) -> None:
    """Note since when paid engines are ready; what is known already stays."""
    for name in names:
        db.execute(
            """INSERT INTO engine_states (engine, configured_at) VALUES (?, ?)
            ON CONFLICT (engine) DO UPDATE
            SET configured_at = coalesce(configured_at, excluded.configured_at)""",
            (name, to_text(now)),
        )


def configured(db: Database) -> dict[str, str]:
    """Return since when each paid engine is ready."""
    rows = db.execute("SELECT engine, configured_at FROM engine_states WHERE configured_at IS NOT NULL")
    return dict(rows.fetchall())


def rest(db: Database, engine: str, until: datetime, failure: str) -> None:
    """Leave an engine alone for a while."""
    row = {"engine": engine, "rest_until": to_text(until), "failure": failure}
    db.table("engine_states").upsert(row, pk="engine")


def resting(db: Database, now: datetime) -> dict[str, str]:
    """Return the engines that are left alone now, each with what it failed of."""
    rows = db.execute("SELECT engine, failure FROM engine_states WHERE rest_until > ?", [to_text(now)])
    return dict(rows.fetchall())


def resting_until(db: Database, now: datetime) -> dict[str, str]:
    """Return the engines that are left alone now, each with the end of that."""
    rows = db.execute("SELECT engine, rest_until FROM engine_states WHERE rest_until > ?", [to_text(now)])
    return dict(rows.fetchall())
