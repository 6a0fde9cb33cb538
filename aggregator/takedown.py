"""Taking down: what an operator names goes on the deny list, and out of the store and of output/.

The list is written first, so that a takedown a kill cut short is ended by the next run; so is one that the
store does not know of, for it is yesterday's, put back.
"""

import logging
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from sqlite_utils import Database

from aggregator import deny_list, opml, subscribe
from aggregator.config import Config
from aggregator.deny_list import Denial, DenyList
from aggregator.errors import OpmlError, StoreError
from aggregator.model import Document, HubDelivery
from aggregator.publish import digest_text, source_feeds, write
from aggregator.publish.place import private_root, site_of
from aggregator.resources import free_disk, megabytes
from aggregator.store import denials, digests, erasing, pictures, store_errors, takedowns
from aggregator.store.takedowns import Found
from aggregator.websub import spool

log = logging.getLogger(__name__)

_AGAIN = timedelta(days=1)  # between two tries to write a store anew for which there was no room
_ROOM = 2  # times its size that SQLite needs for that


@dataclass(frozen=True, slots=True, kw_only=True)
class Taken:
    """What was taken down."""

    entries: int = 0
    feeds: int = 0
    gone: int = 0  # stories
    handed_on: int = 0  # stories that go on with what another feed tells
    trouble: str = ""  # why traces may be left in the store's file


def deny(config: Config, denial: Denial) -> None:
    """Put a takedown on the list; it holds from the next run on.

    Raises: ConfigError.
    """
    listed = deny_list.read(config.store)
    deny_list.write(config.store, [*listed.denials, denial])


def with_repeats(db: Database, denial: Denial) -> Denial:
    """Return the takedown with entries that repeat the text of what it takes."""
    keys, links = takedowns.names(db, takedowns.find(db, deny_list.of([denial])).others)
    return replace(
        denial, urls=tuple(dict.fromkeys((*denial.urls, *links))),
        entries=tuple(dict.fromkeys((*denial.entries, *keys))),
    )  # fmt: skip


def enforce(db: Database, config: Config, now: datetime) -> Taken | None:
    """Take down what the deny list names and the store still holds; None where nothing was to be done.

    Shape: the caller holds the instance lock, and publishes next. Pages are removed here.
    Raises: ConfigError where the list cannot be read, PublishError.
    """
    listed = deny_list.read(config.store)
    if listed.digest in {"", denials.digest(db)}:  # where the file is gone, what it denied stays so
        return Taken(trouble=_scrub(db, config, now)) if denials.is_behind(db, listed, now) else None
    with db.atomic():
        denials.take_up(db, listed)  # whatever comes of the rest
    taken = _take_down(db, config, listed, now)
    _drop_spool(config)
    return replace(taken, trouble=_scrub(db, config, now)) if taken.entries or taken.feeds else taken


def _take_down(db: Database, config: Config, listed: DenyList, now: datetime) -> Taken:
    """Remove files, then rows: a kill in between leaves the rows, which the next run finds."""
    with db.atomic():
        found = takedowns.find(db, listed)
        _remove_files(db, config, found)
        _unlist(db, config, listed, now)
        if found:
            erasing.forget_segments(db, found.entries, now)
            erasing.erase(db, found, now)
            site = site_of(config, private_root(db, config))
            left_out = [story.story_id for story in found.stories if story.fate != "stays"]
            digests.leave_out(
                db, left_out, lambda each: digest_text.body(digest_text.allowed(each, site), site)
            )
            denials.note_traces(db, now)
        denials.note(db, listed)
    fates = [story.fate for story in found.stories]
    taken = Taken(
        entries=len(found.entries), feeds=len(found.feeds), gone=fates.count("goes"),
        handed_on=fates.count("handed on"),
    )  # fmt: skip
    log.info("taken_down entries=%d feeds=%d stories=%d", taken.entries, taken.feeds, taken.gone)
    return taken


def _remove_files(db: Database, config: Config, found: Found) -> None:
    """Remove pages, what a kill left half written of them, copies of pictures, feeds of sources."""
    folder = config.output / private_root(db, config)
    leaving = [story for story in found.stories if story.fate != "stays"]
    paths = [f"entries/{story.slug}" for story in leaving if story.slug]
    halves = [name for path in paths for name in (f"{path}.html", f"{path}/comments.xml")]
    write.sweep(folder, (Document(path=name, media_type="", body=b"") for name in halves))
    names = [*(f"{path}.html" for path in paths), *paths]
    names += pictures.lost(db, [story.story_id for story in leaving])
    names += [source_feeds.path(slug) for slug in erasing.folders(db, found.feeds)]
    write.remove(folder, names)


def _unlist(db: Database, config: Config, listed: DenyList, now: datetime) -> None:
    """Take denied feeds out of feeds.opml; where that cannot be read they are left out of what it lists."""

    def change(data: bytes) -> bytes:
        for each in opml.parse(data, str(config.opml)):
            if listed.denies_feed(each.url) or listed.denies_feed(each.address):
                data = opml.remove(data, each.url)
        return data

    try:
        if change(before := subscribe.listed(config)) != before:
            subscribe.edit(db, config, change, now)
    except OpmlError as error:
        log.error("opml_refused error=%s", error)


def _drop_spool(config: Config) -> None:
    """Drop what hubs delivered and nobody read yet: it may hold anything; the next polls bring the rest."""
    try:
        for path in spool.waiting(config):
            if isinstance(spool.read(path), HubDelivery):
                path.unlink(missing_ok=True)
    except OSError as error:
        log.error("hub_events_unreadable folder=%s error=%s", spool.folder(config), error.strerror)


def _scrub(db: Database, config: Config, now: datetime) -> str:
    """Write the store's file anew, without what was deleted ever since; return why that was not possible.

    What is deleted is overwritten at once, but not what an earlier edit or retention left in free parts.
    """
    need, free = _ROOM * config.store.stat().st_size, free_disk(config.store)
    trouble = f"writing it anew needs {megabytes(need)}, {megabytes(free)} are free" if need > free else ""
    try:
        with store_errors(config.store):
            if not trouble and not erasing.write_anew(db):
                trouble = "another program reads it all the time"
    except StoreError as error:  # the disk for temporary files may be another one, and smaller
        trouble = str(error)
    with db.atomic():
        denials.note_traces(db, now + _AGAIN if trouble else None)
    if trouble:
        log.warning("takedown_traces %s", trouble)
    return trouble


def undo(config: Config, target: str) -> Sequence[Denial]:
    """Take takedowns of this target off the list, and return them: what sources still list comes back as new.

    Raises: ConfigError.
    """
    listed = deny_list.read(config.store).denials
    undone = [each for each in listed if each.target == target]
    if undone:
        deny_list.write(config.store, [each for each in listed if each.target != target])
    return undone
