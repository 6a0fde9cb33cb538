"""Table stage_runs: when each stage last ran and when it last did well, and what it did in all."""

import dataclasses
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlite_utils import Database

from aggregator.times import maybe_time, to_text

TABLE = """
CREATE TABLE stage_runs (
  stage TEXT PRIMARY KEY,
  started_at TEXT NOT NULL,
  ended_at TEXT NOT NULL,
  succeeded_at TEXT,
  worked_at TEXT,
  units INTEGER NOT NULL DEFAULT 0,
  seconds REAL NOT NULL DEFAULT 0,
  failures INTEGER NOT NULL DEFAULT 0,
  failed_at TEXT,
  failure TEXT,
  runs INTEGER NOT NULL DEFAULT 0,
  all_units INTEGER NOT NULL DEFAULT 0,
  all_crashes INTEGER NOT NULL DEFAULT 0,
  all_seconds REAL NOT NULL DEFAULT 0
) STRICT, WITHOUT ROWID"""
# What a stage did last stays where it had nothing to do since; a failure stays readable after a success.
_ADD = """
INSERT INTO stage_runs VALUES (:stage, :started_at, :ended_at, iif(:failed, NULL, :ended_at),
  iif(:worked, :ended_at, NULL), :units, :seconds, :failed, iif(:failed, :ended_at, NULL),
  nullif(:failure, ''), 1, :units, :crashes, :seconds)
ON CONFLICT (stage) DO UPDATE SET
  started_at = excluded.started_at, ended_at = excluded.ended_at,
  succeeded_at = coalesce(excluded.succeeded_at, succeeded_at),
  worked_at = coalesce(excluded.worked_at, worked_at),
  units = iif(:worked, excluded.units, units), seconds = iif(:worked, excluded.seconds, seconds),
  failures = iif(:failed, failures + 1, 0), failed_at = coalesce(excluded.failed_at, failed_at),
  failure = coalesce(excluded.failure, failure), runs = runs + 1, all_units = all_units + :units,
  all_crashes = all_crashes + :crashes, all_seconds = all_seconds + :seconds
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class StageRun:
    """One run of a stage, or of a round of them."""

    stage: str
    started_at: datetime
    ended_at: datetime
    worked: bool = False  # there was something to do
    units: int = 0
    crashes: int = 0
    seconds: float = 0.0
    failure: str = ""  # empty where all went well


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """What is known of a stage; `units` and `seconds` are of the last run that had something to do."""

    stage: str
    started_at: datetime
    ended_at: datetime
    succeeded_at: datetime | None
    worked_at: datetime | None
    units: int
    seconds: float
    failures: int  # in a row
    failed_at: datetime | None
    failure: str | None  # the last one, also where it is long past
    runs: int
    all_units: int
    all_crashes: int
    all_seconds: float


def add(db: Database, runs: Iterable[StageRun]) -> None:
    """Write runs in the order they were made, in one transaction."""
    rows = [dataclasses.asdict(run) | _texts(run) for run in runs]
    with db.atomic():
        db.conn.executemany(_ADD, rows)


def _texts(run: StageRun) -> dict[str, object]:
    times = {"started_at": to_text(run.started_at), "ended_at": to_text(run.ended_at)}
    return times | {"failed": int(bool(run.failure)), "worked": int(run.worked)}


def all_of(db: Database) -> dict[str, Known]:
    """Return what is known of each stage that ever ran, by its name."""
    return {row["stage"]: _known(row) for row in db.query("SELECT * FROM stage_runs ORDER BY stage")}


def _known(row: dict[str, Any]) -> Known:
    times = {name: maybe_time(value) for name, value in row.items() if name.endswith("_at")}
    return Known(**row | times)
