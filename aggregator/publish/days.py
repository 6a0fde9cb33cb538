"""Headlines by day: what the front page no longer holds stays to be found, and no page of the past moves.

A day's page is written again when the day's entries change, never because new ones came on another day. Pages
are numbered from the day's first entry on, and hold no counts. Beside each day lies its part of the sitemap;
pages that are no day's have one of their own.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from itertools import groupby
from urllib.parse import quote

from aggregator.model import Document
from aggregator.publish import pages
from aggregator.publish.edition import Site

SIZE = 100  # headlines on a page
INDEX = "sitemap.xml"
STANDING = "standing.sitemap.xml"
_SITEMAP = """<?xml version="1.0" encoding="UTF-8"?>
<{0} xmlns="http://www.sitemaps.org/schemas/sitemap/0.9">
{1}</{0}>
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """A published entry as its day lists it."""

    slug: str
    title: str  # as readers were given it
    is_translated: bool
    published_at: datetime
    original_title: str
    language: str  # as the feed names it
    feed_title: str
    is_dropped: bool = False  # its text is gone, and so its page may be


@dataclass(frozen=True, slots=True, kw_only=True)
class Day:
    """A day with its entries, the oldest first, and the days beside it that have some."""

    day: date
    lines: tuple[Line, ...]
    earlier: date | None = None
    later: date | None = None


def path(day: date, number: int = 1) -> str:
    """Return where a day's page lies; its first one is there as long as anything of that day is."""
    return f"days/{day.isoformat()}.html" if number == 1 else f"days/{day.isoformat()}-{number}.html"


def year_path(day: date) -> str:
    """Return where the days of a year are listed."""
    return f"days/{day.year}.html"


def map_path(day: date) -> str:
    """Return where the day's part of the sitemap lies."""
    return f"days/{day.isoformat()}.sitemap.xml"


def page_count(lines: Sequence[Line]) -> int:
    """Count the pages that a day takes."""
    return -(-len(lines) // SIZE)


def beside(moved: Iterable[date], every: Iterable[date]) -> set[date]:
    """Return those of all days whose neighbours came or went: their pages link to them."""
    known = sorted({*every, *moved})
    places = {day: place for place, day in enumerate(known)}
    near = {known[n] for day in moved for n in (places[day] - 1, places[day] + 1) if 0 <= n < len(known)}
    return near & {*every}


def linked(lines: Mapping[date, tuple[Line, ...]], every: Sequence[date]) -> tuple[Day, ...]:
    """Make days of their entries, each with the days beside it."""
    beside = zip((None, *every), (*every[1:], None), strict=False)
    neighbours = dict(zip(every, beside, strict=False))  # none, where all that was published was taken down
    return tuple(
        Day(day=day, lines=found, earlier=neighbours[day][0], later=neighbours[day][1])
        for day, found in sorted(lines.items())
    )


def documents(
    written: Iterable[Day], every: Iterable[date], mapped: Iterable[date], site: Site
) -> list[Document]:
    """Write the pages of days and of the years they stand in, and the sitemap where there is one.

    Shape: `every` has all days of these years and those beside them; `mapped` all there are.
    """
    written = list(written)
    made = [document for day in written for document in _pages(day, site)]
    made += _years({day.day.year for day in written}, every, site)
    if site.indexable:
        made += [*(_map_of_day(day, site) for day in written), _index(mapped, site)]
    return made


def _pages(day: Day, site: Site) -> list[Document]:
    count = page_count(day.lines)
    return [
        pages.render(
            "day.html", path(day.day, number), site, day=day, number=number, count=count, days=_NAMES,
            first=(number - 1) * SIZE, lines=day.lines[(number - 1) * SIZE : number * SIZE],
        )
        for number in range(1, count + 1)
    ]  # fmt: skip


def _years(touched: set[int], every: Iterable[date], site: Site) -> list[Document]:
    years = [list(days) for _, days in groupby(every, key=lambda day: day.year)]
    beside = zip((None, *years), years, (*years[1:], None), strict=False)
    return [
        pages.render(
            "year.html", year_path(days[0]), site, days=_NAMES, year=days[0].year,
            earlier=earlier, later=later,
            months=[list(month) for _, month in groupby(days, key=lambda day: day.month)],
        )
        for earlier, days, later in beside if days[0].year in touched
    ]  # fmt: skip


_NAMES: Mapping[str, object] = {"path": path, "year_path": year_path}


def standing_map(names: Iterable[str], site: Site) -> Document:
    """Write the sitemap's part of the pages that are no day's."""
    return _xml(STANDING, _SITEMAP.format("urlset", _located("url", map(quote, sorted(names)), site)))


def _map_of_day(day: Day, site: Site) -> Document:
    own = [path(day.day, number) for number in range(1, page_count(day.lines) + 1)]
    addresses = [*own, *(f"entries/{line.slug}.html" for line in day.lines)]
    return _xml(map_path(day.day), _SITEMAP.format("urlset", _located("url", addresses, site)))


def _index(every: Iterable[date], site: Site) -> Document:
    parts = (STANDING, *map(map_path, every))
    return _xml(INDEX, _SITEMAP.format("sitemapindex", _located("sitemap", parts, site)))


def _located(what: str, addresses: Iterable[str], site: Site) -> str:
    return "".join(f"<{what}><loc>{site.base_url}{address}</loc></{what}>\n" for address in addresses)


def _xml(where: str, text: str) -> Document:
    return Document(path=where, media_type="application/xml", body=text.encode())
