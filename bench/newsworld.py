"""Feeds that change, fail, slow down and recover by a seeded script: what each of them answers at any time.

Times are seconds since the start of a simulation. The same seed gives the same script and the same texts.
"""

import bisect
import hashlib
import random
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from email.utils import format_datetime
from html import escape
from typing import Literal

from newstext import article, headline

Trouble = Literal[
    "404", "500", "503 seconds", "503 date", "429", "silence", "drip", "slow", "reset", "html", "cut",
    "away", "loop",
]  # fmt: skip
# How often each is drawn. Silence and drips are rare: each of them holds a job up as long as it may take.
TROUBLES: dict[Trouble, int] = {
    "404": 10, "500": 14, "503 seconds": 14, "503 date": 6, "429": 10, "silence": 3, "drip": 3, "slow": 8,
    "reset": 8, "html": 8, "cut": 8, "away": 8, "loop": 4,
}  # fmt: skip
HOUR, DAY = 3600.0, 86400.0
WINDOW = 20  # entries a feed lists
REVISED = 17  # each how many-th entry is revised once
_REVISED_AFTER = 40 * 60.0
_RATES = (0.5, 1, 2, 4, 8, 16, 40)  # entries a day
_SHARES = (12, 20, 24, 20, 14, 8, 2)


@dataclass(frozen=True, slots=True, kw_only=True)
class Episode:
    """A time of trouble."""

    begin: float
    end: float
    trouble: Trouble


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """One feed and its script."""

    number: int
    host: str
    form: Literal["rss", "atom"]
    released: tuple[float, ...]  # when each entry comes out; the first ones before the start
    episodes: tuple[Episode, ...]
    max_age: float | None
    ttl: int | None  # minutes
    validators: Literal["etag", "date", "both", "none"]
    prints_time: bool  # its bytes are others at each poll
    paragraphs: int  # of an entry; one is a teaser, and the page has more
    gone_at: float | None
    moved_at: float | None

    @property
    def path(self) -> str:
        """The path it is listed under."""
        return f"/feed/{self.number}"

    def listed(self, at: float) -> range:
        """Return the numbers of the entries it lists at a time, oldest first."""
        count = bisect.bisect_right(self.released, at)
        return range(max(0, count - WINDOW), count)

    def trouble(self, at: float) -> Trouble | None:
        """Return what is wrong with it at a time."""
        return next((each.trouble for each in self.episodes if each.begin <= at < each.end), None)

    def retry_after(self, at: float) -> float:
        """Return how long it wants to be left alone while it is busy."""
        return 120.0 + 60 * (int(at // 600 + self.number) % 50)

    def guid(self, entry: int) -> str:
        """Return what tells an entry from all others."""
        return f"{self.number}-{entry}"

    def revision(self, entry: int, at: float) -> int:
        """Return which version of an entry is listed at a time."""
        return int(entry % REVISED == 0 and at > self.released[entry] + _REVISED_AFTER)


@dataclass(frozen=True, slots=True, kw_only=True)
class Shape:
    """How large a world is."""

    feeds: int
    length: float  # seconds of the script
    entries_a_day: float  # of all feeds
    trouble: float = 0.35  # share of feeds that have any
    paragraphs: tuple[int, ...] = (1, 2, 3, 6)
    first: int = 8  # entries a feed lists at the start, at most


def make(shape: Shape, seed: int) -> tuple[Source, ...]:
    """Return the feeds of a world."""
    chance = random.Random(seed)
    rates = chance.choices(_RATES, _SHARES, k=shape.feeds)
    scale = shape.entries_a_day / sum(rates)
    hosts = _hosts(shape.feeds, chance)
    return tuple(
        _source(number, hosts[number], rates[number] * scale, shape, random.Random(f"{seed}-{number}"))
        for number in range(shape.feeds)
    )


def _hosts(feeds: int, chance: random.Random) -> list[str]:
    """Most feeds have a host of their own; some share one, up to eight."""
    hosts: list[str] = []
    while len(hosts) < feeds:
        number = len(hosts)
        address = f"127.0.{1 + number // 200}.{1 + number % 200}"
        hosts += [address] * (chance.randint(2, 8) if chance.random() < 0.04 else 1)
    return hosts[:feeds]


def _source(number: int, host: str, rate: float, shape: Shape, chance: random.Random) -> Source:
    return Source(
        number=number,
        host=host,
        form=chance.choice(("rss", "rss", "atom")),
        released=_releases(rate, shape, chance),
        episodes=_episodes(shape, chance),
        max_age=chance.choice((None, None, 0.0, 300.0, 1800.0, 7200.0)),
        ttl=chance.choice((None, None, None, 10, 60, 180)),
        validators=chance.choice(("etag", "etag", "date", "both", "none")),
        prints_time=chance.random() < 0.05,
        paragraphs=chance.choice(shape.paragraphs),
        gone_at=chance.uniform(0, shape.length) if chance.random() < 0.01 else None,
        moved_at=chance.uniform(0, shape.length / 2) if chance.random() < 0.03 else None,
    )


def _releases(rate: float, shape: Shape, chance: random.Random) -> tuple[float, ...]:
    before = sorted(-chance.uniform(0, DAY) for _ in range(chance.randint(1, shape.first)))
    moments, at = list(before), 0.0
    while (at := at + chance.expovariate(rate / DAY)) < shape.length:
        moments.append(at)
    return tuple(moments)


def _episodes(shape: Shape, chance: random.Random) -> tuple[Episode, ...]:
    if chance.random() > shape.trouble:
        return ()
    found: list[Episode] = []
    at = chance.uniform(0, shape.length / 2)
    while at < shape.length:
        end = at + min(chance.lognormvariate(8.2, 0.9), 6 * HOUR)  # an hour as a rule
        trouble = chance.choices(tuple(TROUBLES), tuple(TROUBLES.values()))[0]
        found.append(Episode(begin=at, end=end, trouble=trouble))
        at = end + chance.expovariate(1 / (4 * HOUR))
    return tuple(found)


@dataclass(frozen=True, slots=True)
class Document:
    """The body of a feed, and what vouches for it."""

    body: bytes
    entries: tuple[str, ...]
    headers: Mapping[str, str]


def document(source: Source, at: float, epoch: datetime, address: str) -> Document:
    """Return what a feed that is well answers at a time; `address` is where its site lies."""
    numbers = source.listed(at)
    entries = [_Entry(source, n, at, epoch, address) for n in reversed(numbers)]
    stamp = f"<!-- {at:.0f} -->" if source.prints_time else ""
    body = (_FORMS[source.form](source, entries, address) + stamp).encode()
    newest = epoch + timedelta(seconds=source.released[numbers[-1]])
    headers = {"Content-Type": f"application/{source.form}+xml; charset=utf-8"}
    if source.validators in {"etag", "both"}:
        headers["ETag"] = f'"{hashlib.sha256(body).hexdigest()[:16]}"'
    # A date tells nothing of revisions, so feeds that revise have another validator beside it, or none.
    if source.validators == "both" or (source.validators == "date" and not _revises(source, at)):
        headers["Last-Modified"] = format_datetime(newest, usegmt=True)
    if source.max_age is not None:
        headers["Cache-Control"] = f"max-age={source.max_age:.0f}"
    return Document(body, tuple(source.guid(n) for n in numbers), headers)


def _revises(source: Source, at: float) -> bool:
    return any(n % REVISED == 0 for n in source.listed(at))


class _Entry:
    def __init__(self, source: Source, number: int, at: float, epoch: datetime, address: str) -> None:
        key = f"{source.guid(number)}"
        self.guid, self.link = key, f"{address}/page/{source.number}/{number}"
        self.title = headline(key)
        self.html = article(key, source.paragraphs, source.revision(number, at))
        self.when = epoch + timedelta(seconds=source.released[number])


def _rss(source: Source, entries: list[_Entry], address: str) -> str:
    ttl = f"<ttl>{source.ttl}</ttl>" if source.ttl else ""
    listed = "".join(
        f"<item><title>{escape(e.title)}</title><link>{e.link}</link>"
        f'<guid isPermaLink="false">{e.guid}</guid>'
        f"<pubDate>{format_datetime(e.when)}</pubDate><description>{escape(e.html)}</description></item>"
        for e in entries
    )
    return (
        f'<?xml version="1.0" encoding="utf-8"?><rss version="2.0"><channel>'
        f"<title>Feed {source.number}</title><link>{address}/</link><description>News</description>"
        f"<language>en</language>{ttl}{listed}</channel></rss>"
    )


def _atom(source: Source, entries: list[_Entry], address: str) -> str:
    listed = "".join(
        f'<entry><title>{escape(e.title)}</title><id>{e.guid}</id><link href="{e.link}"/>'
        f"<updated>{e.when.isoformat()}</updated><published>{e.when.isoformat()}</published>"
        f'<content type="html">{escape(e.html)}</content></entry>'
        for e in entries
    )
    return (
        '<?xml version="1.0" encoding="utf-8"?><feed xmlns="http://www.w3.org/2005/Atom" xml:lang="en">'
        f"<title>Feed {source.number}</title><id>{address}/{source.number}</id>"
        f'<link href="{address}/"/><updated>{entries[0].when.isoformat()}</updated>{listed}</feed>'
    )


_FORMS = {"rss": _rss, "atom": _atom}


def page(source: Source, entry: int, at: float) -> bytes:
    """Return the page of an entry, which holds more than a teaser does."""
    key = source.guid(entry)
    text = article(key, source.paragraphs + 4, source.revision(entry, at))
    return (
        f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{escape(headline(key))}</title>'
        f"</head><body><nav><a href='/'>Home</a></nav><article><h1>{escape(headline(key))}</h1>{text}"
        "</article><footer>Written by people.</footer></body></html>"
    ).encode()
