"""What is to be rendered, rendering it, and writing it to output/."""

import hashlib
import logging
import zoneinfo
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath

from sqlite_utils import Database

from aggregator import __version__
from aggregator.config import Config
from aggregator.model import DigestLine, Document, Edition, EditionEntry
from aggregator.publish import (
    archive,
    comments,
    dated,
    days,
    digest_pages,
    digests,
    edition,
    feeds,
    lists,
    pages,
    pictures,
    source_feeds,
    subscriptions,
    write,
)
from aggregator.publish.digest_text import path
from aggregator.publish.edition import Facts, Site
from aggregator.publish.place import private_root, site_of
from aggregator.publish.source_feeds import Feed
from aggregator.publish.sources import Source
from aggregator.publish.sources import page as page_of_sources
from aggregator.store import categories, publications, sources, stale_pages, standing
from aggregator.store.publications import Published

log = logging.getLogger(__name__)

BATCH = 500  # pages a job may render
FAILED = "publish_failed"
PAGED = frozenset({"untranslated", "translated"})
_MORNINGS = (digest_pages.MORNING, *feeds.PATHS["morning"])


@dataclass(frozen=True, slots=True, kw_only=True)
class Rendering:
    """The editions, to be written to output/ with the pages of their entries."""

    site: Site
    editions: tuple[Edition, ...]  # main, hot, the morning's if wanted, all
    parts: tuple[Edition, ...]  # the main one's titles, and each category as far as the main one holds it
    renewed: tuple[Edition, ...]  # the categories that changed, whole
    digests: tuple[DigestLine, ...]
    sources: tuple[Source, ...]
    fingerprints: dict[str, str]  # of all categories, by their path
    pages: tuple[EditionEntry, ...]  # the entries whose pages do not stand as they are
    page_fingerprints: dict[str, str]  # of all entries' pages, by slug
    state: Published
    before: Published
    is_known: bool  # what lies there, so that other pages stand


@dataclass(frozen=True, slots=True, kw_only=True)
class Pages:
    """Pages to be written again, whether an edition holds them or not."""

    site: Site
    root: str
    stories: dict[int, int]  # as the store says that they are stale
    entries: tuple[EditionEntry, ...]


def due(db: Database, config: Config, stories: list[Facts]) -> Rendering | None:
    """Return what is to be written, or None where output/ holds it all or it could not be rendered before.

    Shape: `stories` are those that may stand in an edition.
    """
    root = private_root(db, config)
    site = site_of(config, root, publications.waiting(db))
    editions = _editions(db, config, site, stories)
    before = publications.published(db)
    feeds_shown = sources.shown(db)
    digest = _digest((*editions, *categories.members(db).items(), *feeds_shown), site)
    state = Published(root, form(site), digest, publications.rights(db))
    folder = config.output / root
    known = (before.root, before.form) == (root, state.form) and (folder / "index.html").exists()
    is_whole = known and before == state and _complete(folder, editions)
    if is_whole or state == publications.published(db, FAILED):
        return None
    named = lists.by_category(db, config, editions[0])
    stable = replace(site, waiting=0)  # which the front page alone says
    fingerprints = {each.edition.path: _digest((each,), stable) for each in named}
    stand = known and before.rights == state.rights  # a category also holds what the main one does not
    written = standing.written(db, "categories") if stand else {}
    changed = (each for each in named if fingerprints[each.edition.path] != written.get(each.edition.path))
    prints = {each.slug: _digest((each,), stable) for each in _entries(editions)}
    stood = standing.written(db, "pages") if known else {}
    return Rendering(
        site=site, editions=editions, state=state, before=before, is_known=known, sources=feeds_shown,
        parts=(lists.titles(config, editions[0]), *(each.edition for each in named)),
        renewed=tuple(lists.filled(db, config, each) for each in changed), fingerprints=fingerprints,
        digests=digests.listed(db), page_fingerprints=prints,
        pages=tuple(
            each for each in _entries(editions)
            if prints[each.slug] != stood.get(each.slug) or not _lies(folder, each)
        ),
    )  # fmt: skip


def _editions(db: Database, config: Config, site: Site, stories: list[Facts]) -> tuple[Edition, ...]:
    """Make the editions, the digests among what the main one and the last one hold."""
    main, hottest, everything = lists.editions(db, config, stories)
    morning = (digests.morning(db, config),) if config.morning_at else ()
    return digests.among(db, main, site), hottest, *morning, digests.among(db, everything, site)


def stale(db: Database, config: Config) -> Pages | None:
    """Return pages to be written again, a batch of the newest ones: there may be as many as entries."""
    stories = stale_pages.newest(db, BATCH)
    if not stories:
        return None
    root = private_root(db, config)
    site = site_of(config, root, publications.waiting(db))
    return Pages(site=site, root=root, stories=stories, entries=paged(db, config, stories))


def paged(db: Database, config: Config, stories: Iterable[int]) -> tuple[EditionEntry, ...]:
    """Return the stories as their pages show them, as far as they have one."""
    facts = publications.facts(db, stories, config.language)
    return tuple(edition.ordered(each for each in facts if each.publication.state in PAGED))


def form(site: Site) -> str:
    """Return the fingerprint of what every page depends on; addresses in pages are relative."""
    parts = (
        __version__,
        pages.form(),
        site.title,
        site.timezone,
        site.private,
        site.contact,
        site.search,
        site.indexable and site.base_url,  # a sitemap has whole addresses
    )
    return hashlib.sha256(repr(parts).encode()).hexdigest()


def _digest(editions: tuple[object, ...], site: Site) -> str:
    return hashlib.sha256(repr((editions, site)).encode()).hexdigest()


def _complete(folder: Path, editions: tuple[Edition, ...]) -> bool:
    names = [edition.path + path for edition in editions for path in feeds.PATHS[edition.name]]
    names += [*pages.paths(()), digest_pages.INDEX]
    return all((folder / name).exists() for name in names) and all(
        _lies(folder, each) for each in _entries(editions)
    )


def _entries(editions: tuple[Edition, ...]) -> tuple[EditionEntry, ...]:
    """Return every entry of the editions, once."""
    return tuple({entry.public_id: entry for each in editions for entry in each.entries}.values())


def _lies(folder: Path, entry: EditionEntry) -> bool:
    names = (edition.page_path(entry), *((comments.path(entry),) if entry.comments else ()))
    return all((folder / name).exists() for name in names)


def documents(job: Rendering | Pages) -> tuple[Document, ...]:
    """Render the documents, pages before the feeds that link to them."""
    if isinstance(job, Pages):
        return _pages(job.entries, job.site)
    listed = (*job.editions, job.parts[0], *job.renewed)
    lasts = feeds.documents(listed, job.site)
    lasts.append(subscriptions.subscriptions((*job.editions, *job.parts, *_own(job)), job.site))
    main, hottest, *_, everything = job.editions
    chosen = digest_pages.latest(job.digests, job.editions)
    indexes = [
        pages.index(everything, job.site, job.parts, chosen), *pages.rankings(main, hottest, job.site),
    ]  # fmt: skip
    indexes += [pages.category(each, job.site) for each in job.renewed]
    indexes.append(pages.subscribe(job.site, (*job.editions, *job.parts)))
    indexes.append(page_of_sources(job.sources, job.site))
    mornings = [each for each in job.editions if each.name == "morning"]
    indexes += [digest_pages.morning(each, job.site) for each in mornings]
    indexes.append(digest_pages.index(job.digests, job.site, mornings=bool(mornings)))
    indexes += [pages.about(everything, job.site), *pages.robots(job.site)]
    if job.site.viewpoints:
        lasts.append(comments.viewpoints_feed(main, job.site))
    if job.site.indexable:
        lasts.append(days.standing_map(_standing(job, indexes), job.site))
    return (*pages.statics(), *_pages(job.pages, job.site), *indexes, *lasts)


def _standing(job: Rendering, indexes: Iterable[Document]) -> set[str]:
    """Name the pages that are there whatever is published, with those of categories and digests."""
    written = {document.path for document in indexes if document.media_type == "text/html"}
    parts = {f"{each.path}index.html" for each in job.parts if each.name == "category"}
    return written | parts | {path(each.name) for each in job.digests}


def _own(job: Rendering) -> list[Edition]:
    """List the editions of single sources, whose feeds are written by a stage of their own."""
    found = (Feed(0, each.title, each.slug) for each in job.sources if each.slug)
    return [source_feeds.made(each, ()) for each in found]


def _pages(entries: tuple[EditionEntry, ...], site: Site) -> tuple[Document, ...]:
    said = (comments.comments_feed(entry, site) for entry in entries if entry.comments)
    return (*(pages.page(entry, site) for entry in entries), *said)


def publish(config: Config, job: Rendering, documents: tuple[Document, ...]) -> list[str]:
    """Write the documents, remove what is no more, and return the paths of those that changed.

    Raises: PublishError.
    """
    folder = config.output / job.state.root
    write.sweep(folder, documents)
    written = write.write(folder, documents)
    write.remove(folder, _unwanted(job))
    write.keep_folders(folder / "category", {PurePosixPath(each.path).name for each in job.parts})
    log.info("published documents=%d written=%d", len(documents), len(written))
    if job.before.root != job.state.root:
        write.remove(config.output, [job.before.root] if job.before.root else _public_names(documents))
    return written


def _unwanted(job: Rendering) -> list[str]:
    """List what settings switched off."""
    has_morning = any(each.name == "morning" for each in job.editions)
    viewpoints = () if job.site.viewpoints else (comments.VIEWPOINTS,)
    maps = () if job.site.indexable else (days.STANDING,)
    return [*(() if has_morning else _MORNINGS), *viewpoints, *maps]


def publish_pages(config: Config, job: Pages, documents: tuple[Document, ...]) -> None:
    """Write the pages, and remove the feeds of comments where none are left.

    Raises: PublishError.
    """
    folder = config.output / job.root
    written = write.write(folder, documents)
    write.remove(folder, [comments.path(entry) for entry in job.entries if not entry.comments])
    log.info("pages_published documents=%d written=%d", len(documents), len(written))


def _public_names(documents: tuple[Document, ...]) -> list[str]:
    """List the names in output/ that were public before everything moved beneath a private path."""
    # Settings may have switched off meanwhile what lies there, and feeds have lost their category.
    beside = {archive.FOLDER, source_feeds.FOLDER, pictures.FOLDER, "days", days.INDEX, "robots.txt"}
    beside |= {"category", "entries", *_MORNINGS, comments.VIEWPOINTS, days.STANDING}
    return sorted({document.path.split("/")[0] for document in documents} | beside)


def follow(db: Database, job: Rendering) -> None:
    """Note which other pages have to be written again, now that the editions are out."""
    if not job.is_known:
        stale_pages.note_all(db)
        digests.forget_pages(db)
        dated.note_all(db, zoneinfo.ZoneInfo(job.site.timezone))
    was, now = (each.rights or {} for each in (job.before, job.state))
    stale_pages.note_feeds(db, {url for url, _ in was.items() ^ now.items()})
