"""What goes into the archives, which of them are to be written, and writing them to output/."""

import hashlib
from dataclasses import dataclass, replace

from sqlite_utils import Database

from aggregator.config import Config
from aggregator.model import Document, EditionEntry, PublicationState
from aggregator.publish import archive, digest_text, edition, write
from aggregator.publish.archive import Place, Shelf
from aggregator.publish.body import within_rights, within_rights_dropped
from aggregator.publish.edition import Facts, Site
from aggregator.publish.place import private_root, site_of
from aggregator.store import archives, digests, publications

BATCH = 5000  # publications a job may put into archives
# The main feed holds them, unless each takes 20 KB of its megabyte: what waits is in the feed meanwhile.
_RECENT = 50


@dataclass(frozen=True, slots=True, kw_only=True)
class Shelving:
    """Publications that go into archives."""

    shelves: tuple[Shelf, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Archive:
    """An archive to be written."""

    site: Site
    root: str
    form: str
    place: Place
    entries: tuple[EditionEntry, ...]


def due(db: Database, config: Config) -> Shelving | Archive | None:
    """Return what comes next: entries before they may leave the main feed, then their documents."""
    recent = max(1, min(config.max_entries // 2, _RECENT))
    waiting = archives.waiting(db, _states(config), recent, BATCH)
    if not waiting:
        return _stale(db, config)
    return Shelving(shelves=archive.shelve(*archives.last(db), waiting, config.zone))


def _states(config: Config) -> tuple[PublicationState, ...]:
    return ("translated", "untranslated") if config.untranslated == "publish" else ("translated",)


def _stale(db: Database, config: Config) -> Archive | None:
    root = private_root(db, config)
    site = site_of(config, root)
    form = hashlib.sha256(repr((site.base_url, site.title, site.contact, site.images)).encode()).hexdigest()
    place = archives.stale(db, form)
    if place is None:
        return None
    stories = archives.stories(db, place.name, _states(config))
    facts = publications.facts(db, stories, config.language)
    lists = (digest_text.allowed(each, site) for each in digests.archived(db, place.name))
    entries = [
        *edition.ordered(map(_as_given, facts)),
        *(digest_text.as_entry(each, site) for each in lists),
    ]
    entries.sort(key=lambda entry: entry.first_published_at, reverse=True)
    return Archive(site=site, root=root, form=form, place=place, entries=tuple(entries))


def _as_given(facts: Facts) -> Facts:
    """Return what readers were given, as far as rights allow it now; a text that was dropped since too."""
    row = facts.publication
    if row.state != "withdrawn":
        return within_rights(facts)
    state: PublicationState = "untranslated" if row.title.startswith(edition.MARK) else "translated"
    return within_rights_dropped(replace(facts, publication=replace(row, state=state)))


def documents(job: Archive) -> tuple[Document, ...]:
    """Render the archive."""
    return (archive.document(job.place, job.entries, job.site),)


def record(db: Database, config: Config, job: Shelving | Archive, made: tuple[Document, ...]) -> None:
    """Write rows, or the archive.

    Raises: PublishError; the archive then stays stale.
    """
    if isinstance(job, Shelving):
        archives.shelve(db, job.shelves)
        return
    folder = config.output / job.root
    write.sweep(folder, made)
    write.write(folder, made)
    archives.note(db, job.place, job.form)


def follow(db: Database, config: Config, root: str) -> None:
    """Have every archive written again where the newest is not there: output/ was emptied."""
    newest = archives.newest(db)
    if newest and not (config.output / root / archive.path(newest)).exists():
        archives.forget(db)
