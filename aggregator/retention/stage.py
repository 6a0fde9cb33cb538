"""The retention step: once a day texts of old entries go, a few feeds at a time.

Kinds of jobs: `Look` drops what may go of some feeds, `Spent` articles of which all is made that will be,
`End` closes the day's pass and notes how much there is then. What a kill leaves undone is found again: how
far the pass has come is written with what it dropped.
"""

import logging
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime

from sqlite_utils import Database

from aggregator.config import Config
from aggregator.pipeline import Stage
from aggregator.publish import lists, volume, write
from aggregator.publish.place import private_root
from aggregator.publish.volume import Volume
from aggregator.retention import limits
from aggregator.store import articles, growth, retention
from aggregator.store.retention import Limits, Old, Pass
from aggregator.times import EARLIEST, from_text, maybe_time, to_text

FEEDS = 100  # that a job looks through
STORIES = 200  # that a job drops: a fraction of a second, in which nobody else can write
ARTICLES = 500  # the same of articles

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """What may go of some feeds, and how far the pass will have come."""

    gone: Old
    reached: Pass


@dataclass(frozen=True, slots=True, kw_only=True)
class Spent:
    """Entries whose articles are needed no more."""

    entries: tuple[int, ...]
    reached: Pass


@dataclass(frozen=True, slots=True, kw_only=True)
class End:
    """Nothing is left of the day's pass."""

    reached: Pass


Job = Look | Spent | End


def pending(db: Database, config: Config, now: datetime) -> Iterator[Job]:
    """Yield the next job of the day's pass, if any."""
    reached = retention.state(db)
    today = to_text(now)[:10]
    if reached.done_on != today and now >= EARLIEST:
        as_of = _as_of(reached, now)
        latest = max(reached.as_of, to_text(as_of))
        ended = replace(reached, done_on=today, as_of=latest, after=0, spent=0, dropped=0)
        yield _look(db, config, reached, as_of) or _spent(db, config, reached, as_of) or End(reached=ended)


def _as_of(reached: Pass, now: datetime) -> datetime:
    return limits.believed(now, maybe_time(_last(reached) or None))


def _last(reached: Pass) -> str:
    """Return the time of the last pass; one of an older version noted its day alone."""
    return reached.as_of or (reached.done_on and f"{reached.done_on}T00:00:00Z")


def _look(db: Database, config: Config, reached: Pass, as_of: datetime) -> Look | None:
    feeds = retention.feeds_after(db, reached.after, FEEDS)
    allowed = allowing(db, config, as_of) if feeds and not reached.spent else None
    if allowed is None:
        return None
    gone = retention.old(db, feeds, allowed, STORIES)
    is_all = len(gone.stories) < STORIES
    count = len(gone.entries)
    to = replace(
        reached, after=feeds[-1] if is_all else reached.after, dropped=reached.dropped + count,
        total=reached.total + count,
    )  # fmt: skip
    return Look(gone=gone, reached=to)


def _spent(db: Database, config: Config, reached: Pass, as_of: datetime) -> Spent | None:
    entries = articles.spent(db, config.language, as_of - limits.SPENT, reached.spent, ARTICLES)
    return Spent(entries=tuple(entries), reached=replace(reached, spent=entries[-1])) if entries else None


def allowing(db: Database, config: Config, as_of: datetime) -> Limits | None:
    """Return what may go by the settings at a time; None where everything is kept."""
    oldest = retention.oldest_of(db, config.keep_entries) if config.keep_entries else None
    before = limits.before(as_of, config.drop_after, oldest)
    if before is None:
        return None
    return Limits(
        before=before,
        unlisted_since=as_of - limits.UNLISTED,
        shown=frozenset(lists.window(db, config)),
        states=("translated", "untranslated") if config.untranslated == "publish" else ("translated",),
        most=config.max_entries,
    )


def work(config: Config, job: Job) -> Volume | None:
    """Measure what lies in output/, at the end; all else is the store's."""
    return volume.measured(config.output) if isinstance(job, End) else None


def record(db: Database, config: Config, job: Job, found: Volume | None, now: datetime) -> None:
    """Drop texts and write how far the pass has come; pages first, as a kill leaves the rows to be found.

    Raises: PublishError; nothing is dropped then.
    """
    match job:
        case Look(gone=gone) if gone.entries:
            keeps = config.dropped_pages == "keep"
            if not keeps:
                names = [f"entries/{slug}{end}" for slug in gone.slugs for end in (".html", "")]
                write.remove(config.output / private_root(db, config), names)
            retention.drop(db, gone, keep_given=keeps)
        case Spent(entries=entries):
            articles.drop_texts(db, entries)
        case End():
            forgotten = retention.trim_memory(db, now, from_text(job.reached.as_of) - limits.UNUSED)
            if found:
                growth.note(db, job.reached.done_on, found.bytes, found.files)
            log.info("retention dropped=%d segments=%d", retention.state(db).dropped, forgotten)
    retention.note(db, job.reached)


def postpone(db: Database, _: Config, job: Job, error: str, now: datetime) -> None:
    """Try again tomorrow."""
    log.warning("retention_postponed error=%s", error)
    retention.note(db, replace(job.reached, done_on=to_text(now)[:10], after=0, spent=0))


def backlog(db: Database, config: Config, now: datetime) -> int:
    """Count the entries that the next job drops."""
    return sum(map(size, pending(db, config, now)))


def size(job: Job) -> int:
    """Count a job's entries."""
    return len(job.gone.entries) if isinstance(job, Look) else 0


def begin(db: Database) -> None:
    """Have a pass begin though today's is over."""
    reached = retention.state(db)
    retention.note(db, replace(reached, done_on="", as_of=_last(reached), after=0, spent=0))


def forecast(db: Database, config: Config, now: datetime) -> str:
    """Say how much would go now."""
    allowed = allowing(db, config, _as_of(retention.state(db), now))
    if allowed is None:
        return "everything is kept: drop_after = 0, keep_entries = 0"
    feeds = retention.feeds_after(db, 0, -1)
    entries, characters = retention.sizes(db, feeds, allowed)
    since = f"came out before {to_text(allowed.before)[:10]} and may go"
    return (
        f"{entries:,} entries {since}: {characters / 1e6:,.1f} million characters, and what was made of them"
    )


STAGE = Stage(
    name="retention", pending=pending, work=work, record=record, postpone=postpone, backlog=backlog, size=size
)
