"""Which entries people talk about now, and which they talked about most."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from aggregator.discuss import schedule
from aggregator.model import CountPoint, EditionEntry
from aggregator.publish.counts import total
from aggregator.publish.edition import Facts

MOST = 30
WINDOW = schedule.WINDOW
_HOUR = timedelta(hours=1)
_DECAY = 1.5


def counted_at(stories: Iterable[Facts]) -> datetime | None:
    """Return when anything was counted last: the moment a ranking holds for, so that no clock changes it."""
    moments = (count.counted_at for facts in stories for count in facts.counts)
    return max(filter(None, moments), default=None)


def counted_since(stories: Iterable[Facts], since: datetime) -> list[Facts]:
    """Return the stories that anything was counted of since: of no other one a rise can be known."""
    return [
        facts
        for facts in stories
        if any(count.counted_at and count.counted_at >= since for count in facts.counts)
    ]


def rises(
    stories: Iterable[Facts], points: Mapping[int, Sequence[CountPoint]], as_of: datetime
) -> dict[str, float]:
    """Return how fast each story's comments become more, by public id.

    Units: comments an hour.
    """
    rows = [facts.publication for facts in stories]
    return {row.public_id: schedule.rise(points.get(row.story_id, ()), as_of) for row in rows}


def ranked(
    entries: Sequence[EditionEntry], rises: Mapping[str, float], as_of: datetime, most: int = MOST
) -> tuple[EditionEntry, ...]:
    """Return the entries whose discussion rises, the hottest first: the older, the more it has to rise."""

    def heat(entry: EditionEntry) -> float:
        hours = max((as_of - came_out_at(entry)) / _HOUR, 0.0)
        return float(rises[entry.public_id] / (hours + 2) ** _DECAY)

    rising = [entry for entry in entries if rises.get(entry.public_id, 0.0) > 0]
    hottest = _once(sorted(rising, key=heat, reverse=True))[:most]
    return tuple(replace(entry, rise=round(rises[entry.public_id])) for entry in hottest)


def came_out_at(entry: EditionEntry) -> datetime:
    """Return when the source gave it: what a new feed brings along may be old."""
    return min(entry.published_at or entry.first_published_at, entry.first_published_at)


def discussed(entries: Sequence[EditionEntry]) -> tuple[EditionEntry, ...]:
    """Return the entries that have comments, those with most first."""
    talked = [entry for entry in entries if total(entry.counts)]
    return _once(sorted(talked, key=lambda entry: total(entry.counts) or 0, reverse=True))


def _once(entries: Iterable[EditionEntry]) -> tuple[EditionEntry, ...]:
    """Keep the first of entries that tell one story: its discussion is one."""
    kept: list[EditionEntry] = []
    told: set[str] = set()
    for entry in entries:
        if told.isdisjoint(other.slug for other in entry.related):
            kept.append(entry)
            told.add(entry.slug)
    return tuple(kept)
