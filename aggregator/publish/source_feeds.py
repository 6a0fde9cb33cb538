"""A feed of each source: what it brought, in Japanese."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from aggregator.model import Document, Edition, EditionEntry
from aggregator.publish import edition, feeds, slugs
from aggregator.publish.edition import Facts, Site
from aggregator.publish.room import KEPT

FOLDER = "source"
FEW = 30  # entries: one source brings fewer than all


@dataclass(frozen=True, slots=True)
class Feed:
    """A listed feed, and where its own one lies."""

    feed_id: int
    title: str
    slug: str = ""
    changes: int = 0  # how often its own had to be written again


def named(found: Iterable[Feed], taken: Iterable[str]) -> list[Feed]:
    """Give each feed that has no address one that is free."""
    used, all_named = set(taken), list[Feed]()
    for feed in found:
        address = feed.slug or slugs.free(feed.title, used)
        used.add(address)
        all_named.append(replace(feed, slug=address))
    return all_named


def kept(stories: Sequence[tuple[datetime, int]]) -> dict[int, datetime]:
    """Choose from stories by when they were brought: the newest, and all of the last 48 hours."""
    newest = sorted(stories, reverse=True)
    oldest = newest[0][0] - KEPT if newest else None
    return {story: at for place, (at, story) in enumerate(newest) if place < FEW or (oldest and at >= oldest)}


def as_brought(
    entries: Iterable[EditionEntry], brought_at: Mapping[str, datetime], most: int
) -> tuple[EditionEntry, ...]:
    """Sort and cut entries by when feeds brought them; others may have published them long before.

    Shape: `brought_at` is by public id.
    """

    def at(entry: EditionEntry) -> datetime:
        return brought_at.get(entry.public_id, entry.first_published_at)

    return edition.cut(sorted(entries, key=at, reverse=True), most, at)


def by_public_id(stories: Iterable[Facts], times: Mapping[int, datetime]) -> dict[str, datetime]:
    """Return stories' times by the id that readers know."""
    return {each.publication.public_id: times[each.publication.story_id] for each in stories}


def path(slug: str) -> str:
    """Return the folder of a source's feeds; "" where it has none."""
    return f"{FOLDER}/{slug}/" if slug else ""


def made(feed: Feed, entries: Iterable[EditionEntry]) -> Edition:
    """Make a source's edition."""
    return replace(edition.compose("source", f"{feed.title}（日本語）", tuple(entries)), path=path(feed.slug))


def documents(editions: Iterable[Edition], site: Site) -> tuple[Document, ...]:
    """Write them in their three forms."""
    return tuple(feeds.documents(editions, site))
