"""The publish step: stories become publications, publications become documents.

Kinds of jobs, each pending only when the one before it is recorded: `Indexing` has found what was published
before there was a search, `Holds` name new stories, `Promotions` freeze what readers are given, `Rendering`
writes output/. So the rows are committed before a document shows them, and a run killed anywhere writes the
same bytes when repeated.
"""

import hashlib
import logging
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path, PurePosixPath

from sqlite_utils import Database

from aggregator import __version__
from aggregator.config import Config
from aggregator.model import Document, Edition, EditionEntry
from aggregator.pipeline import Stage
from aggregator.publish import comments, edition, feeds, lists, pages, promote, room, subscriptions, write
from aggregator.publish.edition import Facts, Publication, Site
from aggregator.publish.promote import Hold
from aggregator.store import categories, publications, search, stale_pages
from aggregator.store.publications import Published

log = logging.getLogger(__name__)

BATCH = 500  # stories a job may hold or promote
_FAILED = "publish_failed"
_PAGED = frozenset({"untranslated", "translated"})
forget_published = publications.forget  # what `aggregator publish` calls first: render everything there is


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


@dataclass(frozen=True, slots=True, kw_only=True)
class Rendering:
    """Everything to be written to output/."""

    site: Site
    editions: tuple[Edition, ...]  # main, hot, all
    parts: tuple[Edition, ...]  # the main one's titles, and each category as far as the main one holds it
    renewed: tuple[Edition, ...]  # the categories that changed, whole
    fingerprints: dict[str, str]  # of all categories, by their path
    pages: tuple[EditionEntry, ...]
    state: Published
    before: str  # the folder beneath output/ that was used until now
    stale: tuple[int, ...] = ()  # stories whose pages waited to be written again


Job = Indexing | Holds | Promotions | Rendering


def pending(db: Database, config: Config, now: datetime) -> Iterator[Job]:
    """Yield the one job that comes next, if any."""
    job = _indexing(db) or _holds(db, config) or _promotions(db, config, now) or _rendering(db, config)
    if job:
        yield job


def _indexing(db: Database) -> Indexing | None:
    stories = search.due(db, BATCH)
    return Indexing(stories=tuple(stories)) if stories else None


def _holds(db: Database, config: Config) -> Holds | None:
    stories = promote.hold(publications.candidates(db, BATCH), config.zone)
    return Holds(stories=stories) if stories else None


def _promotions(db: Database, config: Config, now: datetime) -> Promotions | None:
    stories = publications.due(db, now - config.hold_time, config.language, BATCH) or lists.window(db, config)
    known = publications.facts(db, stories, config.language)
    fits = _room(db, known, now)
    rows = (
        promote.promote(
            facts, now, config.hold_time, publish_untranslated=config.untranslated == "publish", room=fits
        )
        for facts in known
    )
    changed = tuple(row for row in rows if row)
    return Promotions(rows=changed) if changed else None


def _room(db: Database, waiting: list[Facts], now: datetime) -> int | None:
    """Return how many bytes an excerpt may take, with those that come now; first fills are no news."""
    fresh = [facts for facts in waiting if facts.publication.first_published_at is None]
    coming = [min(facts.published_at or facts.sort_at, facts.sort_at) for facts in fresh]
    return room.room(room.expected([*publications.came(db, now - room.KEPT), *coming], now))


def _rendering(db: Database, config: Config) -> Rendering | None:
    root = private_root(db, config)
    site = site_of(config, root, publications.waiting(db))
    editions = lists.editions(db, config)
    before = publications.published(db)
    state = Published(root, _form(db, site), _digest((*editions, *categories.members(db).items()), site))
    folder = config.output / root
    known = (before.root, before.form) == (root, state.form) and (folder / "index.html").exists()
    stale = stale_pages.all_of(db)
    is_whole = known and before == state and not stale and _complete(folder, editions)
    if is_whole or state == publications.published(db, _FAILED):
        return None
    named = lists.by_category(db, config, editions[0])
    fingerprints = {each.edition.path: _digest((each,), site) for each in named}
    written = categories.written(db) if known else {}
    changed = (each for each in named if fingerprints[each.edition.path] != written.get(each.edition.path))
    return Rendering(
        site=site, editions=editions, state=state, before=before.root, stale=tuple(stale),
        parts=(lists.titles(config, editions[0]), *(each.edition for each in named)),
        renewed=tuple(lists.filled(db, config, each) for each in changed), fingerprints=fingerprints,
        pages=_pages(db, config, stale if known else publications.shown(db)),
    )  # fmt: skip


def _pages(db: Database, config: Config, stories: Iterable[int]) -> tuple[EditionEntry, ...]:
    """Return the stories to be rendered beside those of the editions, as far as they have a page."""
    facts = publications.facts(db, stories, config.language)
    return tuple(edition.ordered(each for each in facts if each.publication.state in _PAGED))


def site_of(config: Config, root: str, waiting: int = 0) -> Site:
    """Return what documents say of the place they are published at."""
    return Site(
        title=config.site_title, base_url=_base_url(config, root), home_url=config.site_url,
        timezone=config.timezone, private=config.visibility == "private", contact=config.contact,
        generator="aggregator", waiting=waiting,
        viewpoints=config.viewpoints, search=config.search,
    )  # fmt: skip


def _form(db: Database, site: Site) -> str:
    """Return the fingerprint of what every page depends on; addresses in pages are relative."""
    parts = (
        __version__,
        pages.form(),
        site.title,
        site.timezone,
        site.private,
        site.contact,
        site.search,
        publications.rights(db),
    )
    return hashlib.sha256(repr(parts).encode()).hexdigest()


def _digest(editions: tuple[object, ...], site: Site) -> str:
    return hashlib.sha256(repr((editions, site)).encode()).hexdigest()


def _complete(folder: Path, editions: tuple[Edition, ...]) -> bool:
    names = [edition.path + path for edition in editions for path in feeds.PATHS[edition.name]]
    return all((folder / name).exists() for name in [*names, *_page_paths(editions)])


def _page_paths(editions: tuple[Edition, ...]) -> list[str]:
    entries = tuple(dict.fromkeys(entry for edition in editions for entry in edition.entries))
    return [*pages.paths(entries), *(comments.path(entry) for entry in entries if entry.comments)]


def work(_: Config, job: Job) -> tuple[Document, ...]:
    """Render the documents, pages before the feeds that link to them."""
    if not isinstance(job, Rendering):
        return ()
    shown = _rendered(job)
    written = [pages.page(entry, job.site) for entry in shown]
    written += [comments.comments_feed(entry, job.site) for entry in shown if entry.comments]
    listed = (*job.editions, job.parts[0], *job.renewed)
    documents = [document for each in listed for document in feeds.documents(each, job.site)]
    documents.append(subscriptions.subscriptions((*job.editions, *job.parts), job.site))
    main, hottest, everything = job.editions
    indexes = [pages.index(everything, job.site, job.parts), *pages.rankings(main, hottest, job.site)]
    indexes.append(pages.subscribe(job.site, job.parts))
    if job.site.viewpoints:
        documents.append(comments.viewpoints_feed(main, job.site))
    return (*pages.statics(), *written, *indexes, *documents)


def _rendered(job: Rendering) -> tuple[EditionEntry, ...]:
    """Return every entry whose page is written, once."""
    shown = {entry.public_id: entry for entry in job.pages}
    for listed in job.editions:
        shown |= {entry.public_id: entry for entry in listed.entries}
    return tuple(shown.values())


def record(db: Database, config: Config, job: Job, outcome: tuple[Document, ...], now: datetime) -> None:
    """Write rows, or documents and then what they were.

    Raises: PublishError; the rendering then stays pending.
    """
    match job:
        case Indexing():
            search.keep(db, _pages(db, config, job.stories))
            search.done(db, job.stories)
        case Holds():
            for story in job.stories:
                publications.hold(db, story, now)
        case Promotions():
            for row in job.rows:
                publications.promote(db, row)
            search.forget(db, [row.public_id for row in job.rows if row.state not in _PAGED])
            search.keep(db, _pages(db, config, [row.story_id for row in job.rows]))
        case Rendering():
            _publish(config, job, outcome)
            search.keep(db, _rendered(job))  # a translation that is newer than the frozen one too
            categories.note(db, job.fingerprints)
            publications.note(db, job.state)
            stale_pages.done(db, job.stale)


def _publish(config: Config, job: Rendering, documents: tuple[Document, ...]) -> None:
    folder = config.output / job.state.root
    write.sweep(folder, documents)
    written = write.write(folder, documents)
    write.remove(folder, _emptied(job))
    write.keep_folders(folder / "category", {PurePosixPath(each.path).name for each in job.parts})
    log.info("published documents=%d written=%d", len(documents), len(written))
    if job.before != job.state.root:
        write.remove(config.output, [job.before] if job.before else _public_names(documents))


def _emptied(job: Rendering) -> list[str]:
    """List the feeds of comments where none are left, and that of machines where none comment."""
    gone = [comments.path(entry) for entry in job.pages if not entry.comments]
    return gone if job.site.viewpoints else [*gone, comments.VIEWPOINTS]


def _public_names(documents: tuple[Document, ...]) -> list[str]:
    """List the names in output/ that were public before everything moved beneath a private path."""
    return sorted({document.path.split("/")[0] for document in documents})


def postpone(db: Database, _: Config, job: Job, error: str, __: datetime) -> None:
    """Leave a rendering that crashed until there is something else to render."""
    if isinstance(job, Rendering):
        log.warning("publish_postponed error=%s", error)
        publications.note(db, job.state, _FAILED)


def backlog(db: Database, config: Config, now: datetime) -> int:
    """Count the editions that would be written."""
    return sum(map(size, pending(db, config, now)))


def size(job: Job) -> int:
    """Count a job's editions."""
    return len(job.editions) if isinstance(job, Rendering) else 0


def private_root(db: Database, config: Config) -> str:
    """Return the folder beneath output/ that everything lies in: empty unless the visibility is private."""
    return publications.private_path(db) if config.visibility == "private" else ""


def _base_url(config: Config, root: str) -> str:
    return f"{config.site_url}{root}/" if root else config.site_url


def addresses(db: Database, config: Config) -> dict[str, str]:
    """Name where people find everything: `page`, then each feed by its file name."""
    base = _base_url(config, private_root(db, config))
    return {"page": base} | {path: base + path for paths in feeds.PATHS.values() for path in paths}


STAGE = Stage(
    name="publish", pending=pending, work=work, record=record, postpone=postpone, backlog=backlog, size=size
)
