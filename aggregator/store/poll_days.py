"""Table poll_days: what all polls of a day came to; polls themselves are kept for 30 days only.

A trigger writes it, so that no step that books a poll has to think of it. Days are those of UTC.
"""

from dataclasses import dataclass
from datetime import date, timedelta

from sqlite_utils import Database

TABLE = """
CREATE TABLE poll_days (
  day TEXT NOT NULL,
  outcome TEXT NOT NULL,
  polls INTEGER NOT NULL,
  bytes INTEGER NOT NULL,
  seconds REAL NOT NULL,
  added INTEGER NOT NULL,
  changed INTEGER NOT NULL,
  PRIMARY KEY (day, outcome)
) STRICT, WITHOUT ROWID;

INSERT INTO poll_days SELECT substr(polled_at, 1, 10), outcome, count(*), sum(bytes), sum(seconds),
  sum(added), sum(changed) FROM polls GROUP BY 1, 2;

CREATE TRIGGER polls_of_a_day AFTER INSERT ON polls BEGIN
  INSERT INTO poll_days VALUES (substr(NEW.polled_at, 1, 10), NEW.outcome, 1, NEW.bytes, NEW.seconds,
    NEW.added, NEW.changed)
  ON CONFLICT (day, outcome) DO UPDATE SET polls = polls + 1, bytes = bytes + NEW.bytes,
    seconds = seconds + NEW.seconds, added = added + NEW.added, changed = changed + NEW.changed; END;
"""
OUTCOMES = ("changed", "unchanged", "not_modified", "failed", "gone")
ANSWERED = ("changed", "unchanged", "not_modified")
_COLUMNS = ("polls", "bytes", "seconds", "added", "changed")
_SUMS = ", ".join(f"sum({name})" for name in _COLUMNS)


@dataclass(frozen=True, slots=True)
class Tally:
    """What polls of one outcome came to.

    Units: bytes on the wire, seconds, entries.
    """

    polls: int
    bytes: int
    seconds: float
    added: int
    changed: int


@dataclass(frozen=True, slots=True, kw_only=True)
class PollDay:
    """What the polls of one day came to, by outcome."""

    day: date
    outcomes: dict[str, Tally]

    @property
    def politeness(self) -> float | None:
        """The share of answers that were 304: the request was conditional, and cost its server no body."""
        counts = {name: tally.polls for name, tally in self.outcomes.items() if name in ANSWERED}
        total = sum(counts.values())
        return counts.get("not_modified", 0) / total if total else None


def latest(db: Database, today: date, number: int) -> list[PollDay]:
    """List the last days up to today, the oldest first, those without polls too."""
    days = [today - timedelta(days=ago) for ago in reversed(range(number))]
    found: dict[str, dict[str, Tally]] = {day.isoformat(): {} for day in days}
    sql = f"SELECT day, outcome, {', '.join(_COLUMNS)} FROM poll_days WHERE day BETWEEN ? AND ?"  # noqa: S608
    for day, outcome, *sums in db.execute(sql, [min(found), max(found)]).fetchall():
        found[day][outcome] = Tally(*sums)
    return [PollDay(day=day, outcomes=found[day.isoformat()]) for day in days]


def totals(db: Database) -> dict[str, Tally]:
    """Return what all polls ever came to, by outcome."""
    rows = db.execute(f"SELECT outcome, {_SUMS} FROM poll_days GROUP BY outcome").fetchall()  # noqa: S608
    return {outcome: Tally(*sums) for outcome, *sums in rows}
