"""The backup step: a backup a day, and once a month the newest one is restored to see whether it can be.

Kinds of jobs: `Begin` notes the first day of a store, which has nothing to lose yet; `Daily` makes a backup;
`Trial` restores one into a folder of its own.
"""

import logging
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path

from sqlite_utils import Database

from aggregator.config import Config
from aggregator.errors import StoreError
from aggregator.pipeline import Stage
from aggregator.store import backups
from aggregator.store.backups import State
from aggregator.times import EARLIEST, from_text, to_text

EVERY = timedelta(days=30)  # between two trials

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Begin:
    """A store that is looked after from today on."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Daily:
    """A backup to be made."""

    now: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Trial:
    """A backup to be tried."""

    path: Path


@dataclass(frozen=True, slots=True, kw_only=True)
class Done:
    """What came of a job."""

    failure: str = ""
    path: str = ""
    bytes: int = 0


Job = Begin | Daily | Trial


def pending(db: Database, config: Config, now: datetime) -> Iterator[Job]:
    """Yield the one job that is due, if any."""
    if config.backup_keep == 0 or now < EARLIEST:  # by such a clock each start would have another day
        return
    known = backups.state(db)
    if not known.day:
        yield Begin()
    elif known.day != _day(config, now):
        yield Daily(now=now)
    elif _is_trial_due(known, now) and (path := _newest(config, now)):
        yield Trial(path=path)


def _newest(config: Config, now: datetime) -> Path | None:
    from aggregator.backup import making  # once a month, and what it loads takes a while

    return making.newest(config, now)


def _day(config: Config, now: datetime) -> str:
    return now.astimezone(config.zone).date().isoformat()


def _is_trial_due(known: State, now: datetime) -> bool:
    if not known.tried_at:
        return bool(known.made_at)
    return abs(now - from_text(known.tried_at)) >= (timedelta(days=1) if known.trial_failure else EVERY)


def work(config: Config, job: Job) -> Done:
    """Make or try a backup; what could not be done is an outcome."""
    from aggregator.backup import checking, making  # once a day

    try:
        match job:
            case Daily(now=now):
                made = making.make(config, now, making.DAILY)
                return Done(path=str(made.path), bytes=made.bytes)
            case Trial(path=path):
                checking.verify(path, config.backups_folder)
                return Done(path=str(path))
    except StoreError as error:
        return Done(failure=str(error))
    return Done()


def record(db: Database, config: Config, job: Job, done: Done, now: datetime) -> None:
    """Note what came of it."""
    known = backups.state(db)
    match job:
        case Begin():
            known = replace(known, day=_day(config, now))
        case Daily():
            known = replace(known, day=_day(config, now), failure=done.failure)
            if not done.failure:
                known = replace(known, made_at=to_text(now), path=done.path, bytes=done.bytes)
                log.info("backup_made path=%s bytes=%d", done.path, done.bytes)
        case Trial(path=path):
            known = replace(known, tried_at=to_text(now), tried=str(path), trial_failure=done.failure)
            log.info("backup_tried path=%s", path)
    if done.failure:
        log.error("backup_failed error=%s", done.failure)
    backups.note(db, known)


def postpone(db: Database, config: Config, job: Job, error: str, now: datetime) -> None:
    """Try again tomorrow."""
    record(db, config, job, Done(failure=error), now)


def backlog(db: Database, config: Config, now: datetime) -> int:
    """Count the backups to be made or tried."""
    return sum(map(size, pending(db, config, now)))


def size(job: Job) -> int:
    """Count a job's backups."""
    return 0 if isinstance(job, Begin) else 1


def summary(db: Database, config: Config) -> str:
    """Say how backups stand, for `status`."""
    known = backups.state(db)
    if config.backup_keep == 0:
        return "none is made by itself (backup_keep = 0)"
    last = (
        f"{known.made_at}, {known.bytes / 1e6:,.1f} MB" if known.made_at else "none yet, the first tomorrow"
    )
    parts = [f"NOT MADE: {known.failure}; the last one: {last}" if known.failure else last]
    if known.trial_failure:
        parts.append(f"TRIAL FAILED {known.tried_at}: {known.trial_failure}")
    elif known.tried_at:
        parts.append(f"restored to try it {known.tried_at[:10]}: good")
    return "; ".join(parts)


STAGE = Stage(
    name="backup", pending=pending, work=work, record=record, postpone=postpone, backlog=backlog, size=size
)
