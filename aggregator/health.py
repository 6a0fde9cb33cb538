"""Whether the work goes on: judged by when polling and publishing last went well."""

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta

from aggregator import schedule
from aggregator.config import Config
from aggregator.errors import StoreError
from aggregator.store import reading, stage_runs
from aggregator.times import duration_text

GRACE = timedelta(minutes=15)  # a round may be long: other groups have their turns between
WATCHED = ("poll", "publish")  # stages, and groups of them; both run whatever there is to do

# Until when a success of a stage, at a moment, is recent enough.
Patience = Callable[[str, datetime], datetime]


def beside_cron(config: Config) -> Patience:
    """Return the patience with rounds that somebody else starts: two intervals of polling."""
    return lambda _, last: last + 2 * config.poll_every


def under_run(config: Config) -> Patience:
    """Return the patience with turns that `run` gives: two of them, and what else has its turn between."""
    schedules = {name: schedule.read(getattr(config, f"schedule_{name}"), config.zone) for name in WATCHED}
    return lambda stage, last: schedules[stage].after(schedules[stage].after(last)) + GRACE


def trouble(config: Config, patience: Patience, since: datetime, now: datetime) -> str:
    """Say in one line why this is not well, "" where it is.

    Shape: `since` is when the watching began; what was not well before that has its time from then on.
    """
    try:
        with reading(config.store) as db:
            known = stage_runs.all_of(db)
    except StoreError:  # whoever asks need not know where it lies
        if config.store.exists():
            return "the store cannot be read"
        known = {}
    for stage, last in late(known, patience, since, now).items():
        return _late(stage, last, now)
    return ""


def late(
    known: Mapping[str, stage_runs.Known], patience: Patience, since: datetime, now: datetime
) -> dict[str, datetime | None]:
    """Return the stages that did not go well lately, each with when it last did.

    Shape: `since` as in `trouble`.
    """
    last = {stage: known[stage].succeeded_at if stage in known else None for stage in WATCHED}
    return {stage: at for stage, at in last.items() if now > patience(stage, max(at or since, since))}


def _late(stage: str, last: datetime | None, now: datetime) -> str:
    return f"{stage}: " + (
        f"nothing went well for {duration_text(now - last)}" if last else "never went well"
    )
