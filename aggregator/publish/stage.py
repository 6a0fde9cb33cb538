"""The publish step: stories become publications, publications become documents.

Kinds of jobs, each pending only when the one before it is recorded: `Indexing` has found what was published
before there was a search, `Holds` name new stories, `Promotions` freeze what readers are given, `Digests`
what digests say, which `DigestPages` show, `Rendering`
writes the editions to output/, `Pages` what was written in another form, `DayPages` days whose entries
changed; those of archives are in archiving.py. So the rows are committed before a document shows them, and a
run killed anywhere writes the same bytes when repeated.
"""

import logging
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from weakref import WeakKeyDictionary

from sqlite_utils import Database

from aggregator.config import Config
from aggregator.model import Document
from aggregator.pipeline import Stage
from aggregator.poll.filters import Told
from aggregator.publish import archiving, dated, digests, feeds, lists, promote, rendering, room
from aggregator.publish.archiving import Archive, Shelving
from aggregator.publish.dated import DayPages
from aggregator.publish.digests import DigestPages, Digests
from aggregator.publish.edition import Facts, Publication, shown_title
from aggregator.publish.place import private_root, site_of
from aggregator.publish.promote import Hold
from aggregator.publish.rendering import Pages, Rendering
from aggregator.store import (
    admission,
    archives,
    hub_pings,
    leads,
    publications,
    search,
    source_feeds,
    stale_pages,
    standing,
)

log = logging.getLogger(__name__)

BATCH = 500  # stories a job may hold or promote
# Where editions were just written: how many changes the store had seen by then; the next look finds nothing.
_written_at: "WeakKeyDictionary[Database, int]" = WeakKeyDictionary()


@dataclass(frozen=True, slots=True, kw_only=True)
class Indexing:
    """Published stories that search does not know."""

    stories: tuple[int, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Holds:
    """Stories seen for the first time."""

    stories: tuple[Hold, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Promotions:
    """Publications that change what readers are given."""

    rows: tuple[Publication, ...]
    muted: Mapping[int, str] = field(default_factory=dict)  # why stories' leads are never given to them


Job = (
    Indexing | Holds | Promotions | Digests | DigestPages | Rendering | Pages | DayPages | Shelving | Archive
)  # fmt: skip


def forget_published(db: Database) -> None:
    """Make the next run render every document and page there is."""
    with db.atomic():
        publications.forget(db)
        archives.forget(db)
        source_feeds.forget(db)


def pending(db: Database, config: Config, now: datetime) -> Iterator[Job]:
    """Yield the one job that comes next, if any."""
    cheap = _indexing(db) or _holds(db, config) or dated.due(db, config, dated.FEW)
    if job := cheap or archiving.due(db, config) or _waiting(db, config, now) or _current(db, config, now):
        yield job


def _current(db: Database, config: Config, now: datetime) -> Job | None:
    """Return what the editions ask for, whose entries are read once for that."""
    if _written_at.pop(db, None) == db.conn.total_changes:
        ready: Job | None = _digests(db, config, now)
    else:
        known = lists.known(db, config)
        ready = _promotions(db, config, known, now) or _digests(db, config, now)
        ready = ready or rendering.due(db, config, known)
    return ready or rendering.stale(db, config) or dated.due(db, config)


def _indexing(db: Database) -> Indexing | None:
    stories = search.due(db, BATCH)
    return Indexing(stories=tuple(stories)) if stories else None


def _holds(db: Database, config: Config) -> Holds | None:
    stories = promote.hold(publications.candidates(db, BATCH), config.zone)
    return Holds(stories=stories) if stories else None


def _waiting(db: Database, config: Config, now: datetime) -> Promotions | None:
    stories = publications.due(db, now - config.hold_time, config.language, BATCH)
    return _promotions(db, config, publications.facts(db, stories, config.language), now) if stories else None


def _promotions(db: Database, config: Config, known: list[Facts], now: datetime) -> Promotions | None:
    fits = _room(db, known, now)
    muted, own = _muted(db, known)
    handed_on = leads.told_elsewhere(db, own) if own else set()
    rows = (
        promote.withdraw(facts)
        if facts.publication.story_id in muted
        else promote.promote(
            facts, now, config.hold_time, publish_untranslated=config.untranslated == "publish", room=fits
        )
        for facts in known
        if facts.publication.story_id not in handed_on
    )
    changed = tuple(row for row in rows if row)
    return Promotions(rows=changed, muted=muted) if changed or handed_on else None


def _muted(db: Database, known: list[Facts]) -> tuple[dict[int, str], set[int]]:
    """Return, by story, which rule on titles in Japanese keeps it from readers who have not seen it yet.

    Shape: and those that another feed may tell.
    """
    new = [facts for facts in known if facts.publication.state == "held" and facts.translated]
    return admission.muted(db, {facts.publication.story_id: _told(facts) for facts in new})


def _told(facts: Facts) -> Told:
    return Told(
        title=facts.title, authors=facts.authors, tags=facts.tags, permalink=facts.permalink,
        translated=shown_title(facts),
    )  # fmt: skip


def _digests(db: Database, config: Config, now: datetime) -> Digests | DigestPages | None:
    site = site_of(config, private_root(db, config))
    return digests.due(db, config, site, now) or digests.stale(db, config, site, rendering.form(site))


def _room(db: Database, waiting: list[Facts], now: datetime) -> int | None:
    """Return how many bytes an excerpt may take, with those that come now; first fills are no news."""
    fresh = [facts for facts in waiting if facts.publication.first_published_at is None]
    coming = [min(facts.published_at or facts.sort_at, facts.sort_at) for facts in fresh]
    return room.room(room.expected([*publications.came(db, now - room.KEPT), *coming], now))


def work(_: Config, job: Job) -> tuple[Document, ...]:
    """Render the documents, if the job has any."""
    if isinstance(job, DigestPages):
        return digests.documents(job)
    if isinstance(job, DayPages):
        return dated.documents(job)
    if isinstance(job, Archive):
        return archiving.documents(job)
    return rendering.documents(job) if isinstance(job, Rendering | Pages) else ()


def record(db: Database, config: Config, job: Job, outcome: tuple[Document, ...], now: datetime) -> None:
    """Write rows, or documents and then what they were.

    Raises: PublishError; the rendering then stays pending.
    """
    match job:
        case Indexing():
            search.keep(db, rendering.paged(db, config, job.stories))
            search.done(db, job.stories)
        case Holds():
            for story in job.stories:
                publications.hold(db, story, now)
        case Promotions():
            _promote(db, config, job, now)
        case Digests() | DigestPages():
            digests.record(db, config, job, outcome)
        case Rendering():
            _rendered(db, config, job, outcome, now)
        case Shelving() | Archive():
            archiving.record(db, config, job, outcome)
        case Pages():
            rendering.publish_pages(config, job, outcome)
            search.keep(db, job.entries)
            stale_pages.done(db, job.stories)
        case DayPages():
            dated.publish(db, config, job, outcome)


def _promote(db: Database, config: Config, job: Promotions, now: datetime) -> None:
    for row in job.rows:
        publications.promote(db, row)
    admission.exclude(db, job.muted)
    if job.muted:
        leads.hand_on(db, job.muted, now)  # those that were not withdrawn
    source_feeds.name(db)
    search.forget(db, [row.public_id for row in job.rows if row.state not in rendering.PAGED])
    search.keep(db, rendering.paged(db, config, [row.story_id for row in job.rows]))


def _rendered(
    db: Database, config: Config, job: Rendering, outcome: tuple[Document, ...], now: datetime
) -> None:
    written = rendering.publish(config, job, outcome)
    hub_pings.note(db, feeds.with_hub(written) if config.hub else (), now)
    search.keep(db, job.pages)  # a translation that is newer than the frozen one too
    standing.note(db, "categories", job.fingerprints)
    standing.note(db, "pages", job.page_fingerprints)
    publications.note(db, job.state)
    rendering.follow(db, job)
    archiving.follow(db, config, job.state.root)
    if not job.is_known:
        source_feeds.forget(db)
    _written_at[db] = db.conn.total_changes


def postpone(db: Database, _: Config, job: Job, error: str, __: datetime) -> None:
    """Leave a rendering that crashed until there is something else to render, and pages as they are."""
    log.warning("publish_postponed error=%s", error)
    match job:
        case Rendering():
            publications.note(db, job.state, rendering.FAILED)
        case DigestPages():
            digests.leave(db, job)
        case Archive():
            archives.note(db, job.place, job.form)
        case Pages():
            stale_pages.done(db, job.stories)
        case DayPages():
            dated.leave(db, job)


def backlog(db: Database, config: Config, now: datetime) -> int:
    """Count the editions that would be written."""
    return sum(map(size, pending(db, config, now)))


def size(job: Job) -> int:
    """Count a job's editions."""
    return len(job.editions) if isinstance(job, Rendering) else 0


STAGE = Stage(
    name="publish", pending=pending, work=work, record=record, postpone=postpone, backlog=backlog, size=size
)
