"""When digests come out, and which entries stand in one. Pure decisions.

今日のまとめ, 今週のまとめ and 朝刊 are one thing at different times: of what was published since the
last one, the entries that mattered.
"""

import unicodedata
import zoneinfo
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from math import log2

from aggregator import urls
from aggregator.model import DigestKind, EditionEntry
from aggregator.publish.counts import total
from aggregator.publish.edition import Facts, present
from aggregator.publish.hot import came_out_at

DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
WEEKDAYS = "月火水木金土日"
MOST: dict[DigestKind, int] = {"daily": 10, "weekly": 10, "morning": 20}
# A list of all there is spares nobody anything; a morning is what its readers get instead of the other feeds.
FEWEST: dict[DigestKind, int] = {"daily": 10, "weekly": 10, "morning": 1}
# What came out so shortly before the last one had no time to be talked about: it has another chance.
SECOND_CHANCE = timedelta(hours=6)
NEWS = timedelta(days=1)  # what was as old as that when it was published, a new feed brought along
_SOON = 6  # hours for which a discussion is taken to go on as it does
_SHARE = 5  # no feed has more than a fifth of a digest while others have entries
_SOURCES = 4  # further ones that count


@dataclass(frozen=True, slots=True, kw_only=True)
class Due:
    """A digest whose time has come; what it is made of came out after `since`, up to `until`."""

    kind: DigestKind
    name: str  # 2026-11-24, 2026-W48
    title: str
    since: datetime
    until: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """A story that may stand in a digest."""

    story_id: int
    feed: str
    category: str
    score: float
    came_out_at: datetime
    public_id: str
    marks: frozenset[str]  # two stories that share one tell the same


def due(
    now: datetime, zone: zoneinfo.ZoneInfo, digest_at: time | None, digest_day: str, morning_at: time | None
) -> tuple[Due, ...]:
    """Return the digests that should be out by now, the latest of each kind, made already or not."""
    found = []
    if digest_at:
        found.append(_due("daily", _last(now, zone, digest_at), timedelta(days=1), digest_at, zone))
        if digest_day in DAYS:
            day = _last(now, zone, digest_at, DAYS.index(digest_day))
            found.append(_due("weekly", day, timedelta(days=7), digest_at, zone))
    if morning_at:
        found.append(_due("morning", _last(now, zone, morning_at), timedelta(days=1), morning_at, zone))
    return tuple(found)


def _last(now: datetime, zone: zoneinfo.ZoneInfo, at: time, weekday: int | None = None) -> date:
    """Return the last day, in this zone, on which that time of day has come, of those on that weekday."""
    local = now.astimezone(zone)
    day = local.date() if local.time() >= at else local.date() - timedelta(days=1)
    return day if weekday is None else day - timedelta(days=(day.weekday() - weekday) % 7)


def _due(kind: DigestKind, day: date, period: timedelta, at: time, zone: zoneinfo.ZoneInfo) -> Due:
    return Due(
        kind=kind, name=f"{day:%G-W%V}" if kind == "weekly" else day.isoformat(),
        title=_TITLES[kind](day), since=datetime.combine(day - period, at, zone),
        until=datetime.combine(day, at, zone),
    )  # fmt: skip


def _short(day: date) -> str:
    return f"{day.month}月{day.day}日"


_TITLES = {
    "daily": lambda day: f"今日のまとめ {_short(day)}（{WEEKDAYS[day.weekday()]}）",
    "weekly": lambda day: f"今週のまとめ {_short(day - timedelta(days=6))}〜{_short(day)}",
    "morning": lambda day: f"朝刊 {_short(day)}（{WEEKDAYS[day.weekday()]}）",
}


def candidate(facts: Facts, rise: float) -> Candidate:
    """Return what a published story has for it.

    Shape: the discussion as it will be in a few hours, each doubling a point; each further source that tells
    the story counts like a discussion four times as long. Units: `rise` is comments an hour.
    """
    entry = present(facts)
    others = min(len(entry.sources) - 1, _SOURCES)
    talked = (total(entry.counts) or 0) + _SOON * rise
    return Candidate(
        story_id=facts.publication.story_id, feed=entry.sources[0].feed_url, category=entry.category,
        score=log2(1 + talked) + 2 * others, came_out_at=came_out_at(entry), public_id=entry.public_id,
        marks=_marks(entry),
    )  # fmt: skip


def _marks(entry: EditionEntry) -> frozenset[str]:
    # Not the address that a feed gives for comments: with some it is one forum for all their entries.
    addresses = filter(None, (entry.permalink, *(count.url for count in entry.counts)))
    titles = filter(None, (entry.page_title, entry.original_title))
    said = {f"title {unicodedata.normalize('NFKC', title).casefold().strip()}" for title in titles}
    named = (entry.slug, *(other.slug for other in entry.related))
    return frozenset({*named, *said, *filter(None, map(urls.canonical, addresses))})


def chosen(candidates: Iterable[Candidate], most: int) -> tuple[int, ...]:
    """Return the stories that mattered, the most important first, each told once.

    Shape: where nothing tells two apart, the one whose category and then feed stand there less, then the
    newer one. A feed gets more than its share only where there is nothing else.
    """
    left, taken = list(candidates), list[Candidate]()
    feeds, categories = Counter[str](), Counter[str]()
    share = max(most // _SHARE, 1)

    def order(each: Candidate) -> tuple[bool, float, int, int, float, str]:
        spread = categories[each.category], feeds[each.feed]
        over, age = feeds[each.feed] >= share, -each.came_out_at.timestamp()
        return over, -each.score, *spread, age, each.public_id

    while left and len(taken) < most:
        best = min(left, key=order)
        taken.append(best)
        feeds[best.feed] += 1
        categories[best.category] += 1
        left = [each for each in left if not each.marks & best.marks]
    return tuple(each.story_id for each in sorted(taken, key=lambda each: -each.score))
