"""What is to be rendered, rendering it, and writing it to output/."""

import hashlib
import logging
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from sqlite_utils import Database

from aggregator import __version__
from aggregator.config import Config
from aggregator.model import Document, Edition, EditionEntry
from aggregator.publish import comments, edition, feeds, lists, pages, subscriptions, write
from aggregator.publish.edition import Site
from aggregator.publish.place import private_root, site_of
from aggregator.store import categories, publications, stale_pages
from aggregator.store.publications import Published

log = logging.getLogger(__name__)

FAILED = "publish_failed"
PAGED = frozenset({"untranslated", "translated"})


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


def due(db: Database, config: Config) -> Rendering | None:
    """Return what is to be written, or None where output/ holds it all or it could not be rendered before."""
    root = private_root(db, config)
    site = site_of(config, root, publications.waiting(db))
    editions = lists.editions(db, config)
    before = publications.published(db)
    state = Published(root, _form(db, site), _digest((*editions, *categories.members(db).items()), site))
    folder = config.output / root
    known = (before.root, before.form) == (root, state.form) and (folder / "index.html").exists()
    stale = stale_pages.all_of(db)
    is_whole = known and before == state and not stale and _complete(folder, editions)
    if is_whole or state == publications.published(db, FAILED):
        return None
    named = lists.by_category(db, config, editions[0])
    fingerprints = {each.edition.path: _digest((each,), site) for each in named}
    written = categories.written(db) if known else {}
    changed = (each for each in named if fingerprints[each.edition.path] != written.get(each.edition.path))
    return Rendering(
        site=site, editions=editions, state=state, before=before.root, stale=tuple(stale),
        parts=(lists.titles(config, editions[0]), *(each.edition for each in named)),
        renewed=tuple(lists.filled(db, config, each) for each in changed), fingerprints=fingerprints,
        pages=paged(db, config, stale if known else publications.shown(db)),
    )  # fmt: skip


def paged(db: Database, config: Config, stories: Iterable[int]) -> tuple[EditionEntry, ...]:
    """Return the stories to be rendered beside those of the editions, as far as they have a page."""
    facts = publications.facts(db, stories, config.language)
    return tuple(edition.ordered(each for each in facts if each.publication.state in PAGED))


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


def documents(job: Rendering) -> tuple[Document, ...]:
    """Render the documents, pages before the feeds that link to them."""
    shown = rendered(job)
    written = [pages.page(entry, job.site) for entry in shown]
    written += [comments.comments_feed(entry, job.site) for entry in shown if entry.comments]
    listed = (*job.editions, job.parts[0], *job.renewed)
    lasts = [document for each in listed for document in feeds.documents(each, job.site)]
    lasts.append(subscriptions.subscriptions((*job.editions, *job.parts), job.site))
    main, hottest, everything = job.editions
    indexes = [pages.index(everything, job.site, job.parts), *pages.rankings(main, hottest, job.site)]
    indexes.append(pages.subscribe(job.site, job.parts))
    if job.site.viewpoints:
        lasts.append(comments.viewpoints_feed(main, job.site))
    return (*pages.statics(), *written, *indexes, *lasts)


def rendered(job: Rendering) -> tuple[EditionEntry, ...]:
    """Return every entry whose page is written, once."""
    shown = {entry.public_id: entry for entry in job.pages}
    for listed in job.editions:
        shown |= {entry.public_id: entry for entry in listed.entries}
    return tuple(shown.values())


def publish(config: Config, job: Rendering, documents: tuple[Document, ...]) -> None:
    """Write the documents, and remove what is no more.

    Raises: PublishError.
    """
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
