"""Decide what an entry of a parsed feed is to the store: new, revised or same."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from aggregator import urls
from aggregator.model import EntryFate, ParsedEntry, ParsedFeed

FIRST_FILL = 10  # entries of a new feed that are translated and published; the rest are known by name only
FIRST_FILL_REASON = "first fill"
MAX_REVISIONS = 24  # feeds that print the time in their text would be translated again at each poll

_EARLIEST = datetime.min.replace(tzinfo=UTC)


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredEntry:
    """What the store knows of an entry, as far as a poll can change it."""

    entry_id: int
    fingerprint: str
    revisions: int
    published_at: datetime | None
    updated_at: datetime | None
    listed: bool = True
    comment_count: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class EntryWrite:
    """One entry and what the store has to do with it."""

    fate: EntryFate
    entry: ParsedEntry
    stored: StoredEntry | None
    fingerprint: str
    canonical_url: str | None
    published_at: datetime | None
    sort_at: datetime  # of a new entry
    excluded: str | None
    revisions: int


def compare(
    entry: ParsedEntry,
    stored: StoredEntry | None,
    *,
    now: datetime,
    first_poll: bool = False,
    excluded: str | None = None,
    canonical_url: str | None = None,
) -> EntryWrite:
    """Decide one entry's fate.

    Shape: on the first poll `sort_at` is when the entry was published (never in the future), afterwards
    when it was first seen. Where a feed gives only `updated`, that counts as published at first sight.
    """
    dated = entry.published_at or entry.updated_at
    fate = _fate(entry, stored)
    return EntryWrite(
        fate=fate,
        entry=entry,
        stored=stored,
        fingerprint=entry.fingerprint,
        canonical_url=canonical_url,
        published_at=dated if stored is None else entry.published_at or stored.published_at,
        sort_at=min(dated, now) if first_poll and dated else now,
        excluded=excluded,
        revisions=0 if stored is None else stored.revisions + (fate == "revised"),
    )


def _fate(entry: ParsedEntry, stored: StoredEntry | None) -> EntryFate:
    if stored is None:
        return "new"
    # What the first fill left out is known by name only, now or then.
    if entry.fingerprint == stored.fingerprint or not (entry.fingerprint and stored.fingerprint):
        return "same"
    # A first `updated` is newer than none.
    is_newer = entry.updated_at is not None and entry.updated_at > (stored.updated_at or _EARLIEST)
    return "revised" if is_newer or stored.revisions < MAX_REVISIONS else "same"


def beyond(entries: Sequence[ParsedEntry], most: int) -> frozenset[str]:
    """Return the guids of the entries that are not among the newest so many."""
    kept = newest([entry.published_at or entry.updated_at for entry in entries], most)
    return frozenset(entry.guid for place, entry in enumerate(entries) if place not in kept)


def newest(dates: Sequence[datetime | None], most: int) -> frozenset[int]:
    """Return the places of the newest so many entries among these dates.

    Shape: newest by date where every entry has one, else in the document's order, which is newest first.
    """
    places = range(len(dates))
    if all(dates):
        return frozenset(sorted(places, key=lambda place: dates[place] or _EARLIEST, reverse=True)[:most])
    return frozenset(places[:most])


def canonical_urls(feed: ParsedFeed) -> dict[str, str | None]:
    """Return, by guid, the URL under which an entry is the same story as another feed's.

    A link that several entries of the document share, or that leads to the site's front page, names no story.
    """
    links = {
        entry.guid: urls.canonical(entry.permalink) if entry.permalink else None for entry in feed.entries
    }
    uses = Counter(links.values())
    front_page = urls.canonical(feed.site_url) if feed.site_url else None
    return {guid: link if uses[link] == 1 and link != front_page else None for guid, link in links.items()}
