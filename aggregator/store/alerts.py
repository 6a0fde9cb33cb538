"""Table alerts: troubles there are, and what was told of them; a restart tells nobody again."""

from collections.abc import Iterable
from dataclasses import asdict
from typing import Any

from sqlite_utils import Database

from aggregator.model import Alert
from aggregator.store import rows
from aggregator.times import from_text, maybe_text, maybe_time

TABLE = """
CREATE TABLE alerts (
  key TEXT PRIMARY KEY,
  text TEXT NOT NULL,
  since TEXT NOT NULL,
  tell_at TEXT NOT NULL,
  told_at TEXT,
  over_at TEXT,
  attempts INTEGER NOT NULL DEFAULT 0
) STRICT, WITHOUT ROWID"""


def all_of(db: Database) -> tuple[Alert, ...]:
    """Return the alerts there are, the oldest first."""
    return tuple(_alert(row) for row in db.query("SELECT * FROM alerts ORDER BY since, key"))


def replace(db: Database, alerts: Iterable[Alert]) -> None:
    """Make the table hold these alerts and no others."""
    with db.atomic():
        db.execute("DELETE FROM alerts")
        rows.insert(db, "alerts", [_row(alert) for alert in alerts])


def _row(alert: Alert) -> dict[str, Any]:
    times = {name: maybe_text(getattr(alert, name)) for name in ("since", "tell_at", "told_at", "over_at")}
    return asdict(alert) | times


def _alert(row: dict[str, Any]) -> Alert:
    times = {name: from_text(row[name]) for name in ("since", "tell_at")}
    return Alert(**row | times | {name: maybe_time(row[name]) for name in ("told_at", "over_at")})
