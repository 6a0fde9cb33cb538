"""How far behind the work is: stages by when they last went well, and what waits, for how long."""

from datetime import datetime, timedelta
from typing import Any

from sqlite_utils import Database

from aggregator.session import ROUND
from aggregator.store import stage_runs, verdicts, vitals
from aggregator.store.stage_runs import Known
from aggregator.times import duration_text, in_a_row, maybe_text

WEEK = timedelta(days=6)  # and today
_NAMED = ("poll", "translate", "publish")  # what readers wait for


def lines(db: Database, now: datetime) -> dict[str, str]:
    """Return the same as `figures`, by names and in words for people."""
    return {"stages": _stages(db, now), "lag": _lag(db, now), "passed by the checks": _passed(db, now)}


def figures(db: Database, now: datetime) -> dict[str, Any]:
    """Return when each stage ran, what waits since when, and what the checks said of engines in 7 days."""
    _, waiting_since = vitals.waiting(db)
    return {
        "stages": {
            name: {
                "ran_at": maybe_text(known.ended_at), "succeeded_at": maybe_text(known.succeeded_at),
                "failures": known.failures, "failure": known.failure if known.failures else None,
            }
            for name, known in stage_runs.all_of(db).items()
        },
        "oldest_due_at": maybe_text(vitals.oldest_due(db, now)),
        "waiting_since": maybe_text(waiting_since),
        "verdicts": {
            engine: {"passed": found.passed, "refused": found.refused}
            for engine, found in verdicts.engines(db, now.date() - WEEK).items()
        },
    }  # fmt: skip


def _stages(db: Database, now: datetime) -> str:
    known = stage_runs.all_of(db)
    failing = [each for name, each in known.items() if each.failures and not name.startswith(ROUND)]
    if failing:
        return "; ".join(_failing(each, now) for each in failing)
    ran = [f"{name} {_since(known[name].succeeded_at, now)}" for name in _NAMED if name in known]
    return f"all well: {', '.join(ran)}" if ran else "none ran yet"


def _failing(known: Known, now: datetime) -> str:
    well = _since(known.succeeded_at, now)
    return f"{known.stage} failed {in_a_row(known.failures)}, last well {well}: {known.failure}"


def _since(moment: datetime | None, now: datetime) -> str:
    return f"{duration_text(now - moment)} ago" if moment else "never"


def _lag(db: Database, now: datetime) -> str:
    due, (count, since) = vitals.oldest_due(db, now), vitals.waiting(db)
    polls = f"a feed is due for {duration_text(now - due)}" if due else "no feed is due"
    waits = f"the first of {count:,} untranslated waits for {duration_text(now - since)}" if since else ""
    return "; ".join(filter(None, (polls, waits or "nothing waits for a translation")))


def _passed(db: Database, now: datetime) -> str:
    found = verdicts.engines(db, now.date() - WEEK)
    said = [f"{name} {each.rate:.1%} of {each.passed + each.refused:,}" for name, each in found.items()]
    return f"{'; '.join(said)} segments in 7 days" if said else "-"
