"""The source stage: a feed of each source, after the editions that are for everybody."""

import hashlib
import logging
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from sqlite_utils import Database

from aggregator.config import Config
from aggregator.model import Document, Edition, PublicationState
from aggregator.pipeline import Stage
from aggregator.publish import edition, feeds, source_feeds, write
from aggregator.publish.body import within_rights
from aggregator.publish.edition import Site
from aggregator.publish.place import private_root, site_of
from aggregator.publish.source_feeds import Feed
from aggregator.store import hub_pings, publications
from aggregator.store import source_feeds as rows

BATCH = 20  # feeds a job writes, for a stage looks at its time between jobs

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """Sources whose feeds are to be written, or removed."""

    site: Site
    root: str
    form: str
    feeds: tuple[Feed, ...]
    editions: tuple[Edition, ...]
    gone: tuple[str, ...]  # folders


def pending(db: Database, config: Config, _: datetime) -> Iterator[Job]:
    """Yield the next feeds to write, if any."""
    root = private_root(db, config)
    site = site_of(config, root)
    form = _form(site)
    stale, gone = rows.stale(db, form, BATCH), rows.gone(db)
    if stale or gone:
        editions = tuple(_made(db, config, feed) for feed in stale)
        yield Job(site=site, root=root, form=form, feeds=tuple(stale), editions=editions, gone=tuple(gone))


def _form(site: Site) -> str:
    parts = (site.base_url, site.hub, site.images, site.contact)
    return hashlib.sha256(repr(parts).encode()).hexdigest()


def _made(db: Database, config: Config, feed: Feed) -> Edition:
    both: tuple[PublicationState, ...] = ("translated", "untranslated")
    states = both if config.untranslated == "publish" else both[:1]
    stories = rows.stories(db, feed.feed_id, states, config.max_entries)
    facts = publications.facts(db, stories, config.language)
    entries = edition.ordered(map(within_rights, facts))
    brought_at = source_feeds.by_public_id(facts, stories)
    return source_feeds.made(feed, source_feeds.as_brought(entries, brought_at, len(entries)))


def work(_: Config, job: Job) -> tuple[Document, ...]:
    """Render the feeds."""
    return source_feeds.documents(job.editions, job.site)


def record(db: Database, config: Config, job: Job, outcome: tuple[Document, ...], now: datetime) -> None:
    """Write and remove feeds, then note what was done.

    Raises: PublishError; they then stay stale.
    """
    folder = config.output / job.root
    write.sweep(folder, outcome)
    written = write.write(folder, outcome)
    write.remove(folder, [source_feeds.path(slug) for slug in job.gone])
    hub_pings.note(db, feeds.with_hub(written) if config.hub else (), now)
    rows.note(db, job.feeds, job.form)
    rows.drop(db, job.gone)
    log.info("sources_published feeds=%d written=%d", len(job.feeds), len(written))


def postpone(db: Database, _: Config, job: Job, error: str, __: datetime) -> None:
    """Leave feeds that crashed until something in them changes."""
    log.warning("sources_postponed error=%s", error)
    rows.note(db, job.feeds, job.form)
    rows.drop(db, job.gone)


def backlog(db: Database, config: Config, _: datetime) -> int:
    """Count the feeds to be written."""
    return rows.count_stale(db, _form(site_of(config, private_root(db, config))))


def size(job: Job) -> int:
    """Count a job's feeds."""
    return len(job.feeds)


STAGE = Stage(
    name="source", pending=pending, work=work, record=record, postpone=postpone, backlog=backlog, size=size
)
