"""Archives of the main feed: every entry there ever was, in documents that a reader can follow back.

The newest document is written again while entries are added to it; one that is followed by another is never,
unless an entry in it is taken back, corrected or shown less of.
Source: RFC 5005, section 4.
"""

import zoneinfo
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime

from aggregator.model import Document, EditionEntry
from aggregator.publish import edition, feeds
from aggregator.publish.edition import Site

FOLDER = "archive"
MOST = 250  # entries of a document: it is written in little time, and fetched in a few hundred KB


@dataclass(frozen=True, slots=True, kw_only=True)
class Waiting:
    """A publication that is in no archive yet."""

    public_id: str
    at: datetime  # when readers were given it first


@dataclass(frozen=True, slots=True, kw_only=True)
class Shelf:
    """An archive and what is added to it."""

    name: str  # 2026-11, 2026-11-2, …
    public_ids: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where an archive stands among the others, by their names."""

    name: str
    older: str = ""
    newer: str = ""
    changes: int = 0  # how often it had to be written again


def shelve(last: str, filled: int, waiting: Iterable[Waiting], zone: zoneinfo.ZoneInfo) -> tuple[Shelf, ...]:
    """Put what waits, the oldest first, into the last archive, which holds `filled` entries, and new ones.

    An archive is of one month. What is older than the last one's month comes late, and goes there too.
    """
    shelves: dict[str, list[str]] = {}
    name = last
    for each in waiting:
        month = each.at.astimezone(zone).strftime("%Y-%m")
        if not name or month > name[:7]:
            name, filled = month, 0
        elif filled == MOST:
            name, filled = _next(name), 0
        shelves.setdefault(name, []).append(each.public_id)
        filled += 1
    return tuple(Shelf(name=name, public_ids=tuple(ids)) for name, ids in shelves.items())


def _next(name: str) -> str:
    month, number = name[:7], name[8:]
    return f"{month}-{int(number or 1) + 1}"


def path(name: str) -> str:
    """Return where the archive of this name lies; "" where there is none."""
    return f"{FOLDER}/{name}.xml" if name else ""


def document(place: Place, entries: Iterable[EditionEntry], site: Site) -> Document:
    """Write an archive, without what is not frozen: counts and comments."""
    still = tuple(replace(each, counts=(), comments=(), viewpoints=()) for each in entries)
    made = replace(edition.compose("main", site.title, still), older=path(place.older))
    return feeds.archived(made, site, path(place.name), path(place.newer))
