"""Feeds that change between rounds by a seeded script, on hosts of their own, with all that stages ask for.

with World(seed=1) as world:
    world.turn(3)               # what is served from now on: the third round
    world.environment(folder)   # settings that lead there
    world.served                # every guid that a feed has listed, with the last title it had
"""

import random
import zlib
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path
from urllib.parse import parse_qsl, urlsplit
from xml.sax.saxutils import escape

from aggregator.times import to_text
from tests.feedserver import Answer, FeedServer, Raw, Recorded
from tests.providers import answer

START = datetime(2026, 11, 24, 6, tzinfo=UTC)
ROUND = timedelta(hours=12)
HOSTS = 7
MOST_HOSTS = 40  # many feeds share them
LISTED = 8  # entries that a feed lists
MAX_ENTRIES = 60  # more than come in 48 hours, so that the feeds' length never falls

_NAMES = "Acme Orbit Juniper Quartz Falcon Meridian Tundra Vertex Cobalt Zephyr Nimbus Harbor".split()
_THINGS = "router compiler database browser laptop satellite battery camera printer sensor".split()
_DEEDS = "ships sells recalls tests repairs measures opens closes finishes delays".split()
_PLACES = "Oslo Lima Cairo Kyoto Quito Turin Perth Delhi Seoul Accra".split()
_PNG = b"\x89PNG\r\n\x1a\n"


class World(FeedServer):
    """What is out there: feeds, pages, pictures, a hub and one provider of counts."""

    def __init__(
        self, seed: int = 1, *, counting: bool = False,
        feeds: int = HOSTS, first: int = 4, near: int = 3, lengths: tuple[int, ...] = (2, 4, 8),
    ) -> None:  # fmt: skip
        """Serve so many feeds, each with `first` entries in its first round; links of `near` feeds lead here.

        An entry has one of `lengths` paragraphs.
        """
        super().__init__(min(feeds, MOST_HOSTS))
        self.seed, self.round, self.counting = seed, 0, counting
        self.first, self.near, self.lengths = first, near, lengths
        self.served: dict[str, str] = {}
        self.revised: dict[str, int] = {}  # guid: how often
        self._entries: list[list[_Entry]] = [[] for _ in range(feeds)]
        self._failing = -1

    @property
    def now(self) -> datetime:
        """The time of this round."""
        return START + self.round * ROUND

    def turn(self, number: int) -> None:
        """Serve a round, the one after the last: new entries, a revised one, a feed that fails."""
        chance = random.Random(f"{self.seed}-{number}")
        self.round = number
        for host, entries in enumerate(self._entries):
            count = self.first if number == 0 else chance.choice((0, 1, 1, 2))
            entries[:0] = [self._new(chance, host, len(entries) + n) for n in range(count)]
        self._revise(chance)
        self._failing = chance.randrange(len(self._entries)) if number and chance.random() < 0.5 else -1
        with self._lock:
            for host, entries in enumerate(self._entries):
                listed = entries[:LISTED]
                if host != self._failing:
                    self.served |= {entry.guid: entry.title for entry in listed}
                self._scripts[f"/{host}/feed.xml"] = [self._feed(chance, host, listed)]

    def environment(self, folder: Path) -> dict[str, str]:
        """Return the settings of this round over a store and an output of their own."""
        named = {
            "OPML": folder.parent / "feeds.opml", "STORE": folder / "store.sqlite", "OUTPUT": folder / "output",
            "NOW": to_text(self.now), "LANGUAGE": "pt", "ENGINE": "firefox", "PUBLISH_EVERY": "0.2s",
            "ALLOW_PRIVATE_HOSTS": 1, "HOST_SPACING": 0, "VISIBILITY": "public", "CONTACT": "a@acme.example",
            "BASE_URL": "http://news.example/", "HUB": self.url("/hub"), "IMAGES": "proxy", "WEBSUB": "off",
            "COUNTS": "hatena" if self.counting else "none", "COUNTS_VIA": self.url("/counts"), "MAX_ENTRIES": MAX_ENTRIES,
            "DROP_AFTER": "14d", "INDEXABLE": 1,
        }  # fmt: skip
        if not self.counting:  # what a digest says depends on numbers, and on what was translated that moment
            named |= {"DIGEST_AT": "off", "DIGEST_DAY": "off", "MORNING_AT": "off"}
        return {f"AGGREGATOR_{name}": str(value) for name, value in named.items()}

    def at(self, path: str, feed: int) -> str:
        """Return the address of a path at the host of a feed."""
        return self.url(path, feed % min(len(self._entries), MOST_HOSTS) + 1)

    def opml(self) -> str:
        """Return the list of feeds: pages are fetched of some, and all of the text is shown of some."""
        outlines = "".join(
            f'<outline text="Feed {host}" category="/part{host % 3}" xmlUrl="{self.at(f"/{host}/feed.xml", host)}"'
            f' extract="{"auto" if host < 2 else "feed"}" rights="{"full" if host % 2 else "excerpt"}"/>\n'
            for host in range(len(self._entries))
        )
        return f'<opml version="2.0"><head><title>Feeds</title></head><body>\n{outlines}</body></opml>'

    def next_answer(self, request: Recorded) -> Answer | Raw:
        """Record a request and answer it; what no feed, page or picture is asked as is a 404."""
        parts = urlsplit(request.path)
        if parts.path == "/hub":
            return Answer(status=204)
        if parts.path.startswith("/counts/bookmark.hatenaapis.com/count/entries"):
            asked = (url for name, url in parse_qsl(parts.query) if name == "url")
            return answer({url: (len(url) * 7 + self.round) % 40 for url in asked})
        if parts.path.endswith(".png"):
            return Answer(_PNG + request.path.encode() * 40, content_type="image/png", etag=f'"{parts.path}"')
        return super().next_answer(request)

    def _new(self, chance: random.Random, host: int, number: int) -> "_Entry":
        at = self.now - timedelta(minutes=chance.randrange(10, 300))
        entry = _Entry(chance, host, number, at, self.lengths)
        base = (
            self.at(f"/{host}/{number}", host) if host < self.near else f"https://site{host}.example/{number}"
        )
        entry.link = base
        if host < 2:  # a teaser in the feed, the text on the page
            page = f"<html><head><title>{entry.title}</title></head><body><article>{entry.html}</article></body></html>"
            self._scripts[f"/{host}/{number}"] = [
                Answer(page.encode(), content_type="text/html; charset=utf-8")
            ]
        return entry

    def _revise(self, chance: random.Random) -> None:
        entries = chance.choice(self._entries)[:LISTED]
        if self.round and entries and chance.random() < 0.4:
            entry = chance.choice(entries)
            entry.title += f", update {self.round}"
            entry.updated = self.now - timedelta(minutes=5)
            self.revised[entry.guid] = self.revised.get(entry.guid, 0) + 1

    def _feed(self, chance: random.Random, host: int, listed: list["_Entry"]) -> Answer | Raw:
        body = f"""<?xml version="1.0"?><feed xmlns="http://www.w3.org/2005/Atom" xml:lang="en"><title>Feed {host}</title>
<id>urn:feed:{host}</id><updated>{to_text(self.now)}</updated>
{"".join(entry.atom(self.at(f"/{entry.guid}.png", host), teaser=host < 2) for entry in listed)}</feed>""".encode()
        if host == self._failing:
            return chance.choice(
                (Answer(status=503), Answer(body[: len(body) // 3]), Answer(b"<html>moved</html>"))
            )
        modified = format_datetime(self.now, usegmt=True)
        return Answer(
            body,
            etag=f'"{host}-{zlib.crc32(body)}"',
            last_modified=modified,
            wait=chance.choice((0, 0, 0.05)),
        )


class _Entry:
    """One entry as its feed tells it."""

    def __init__(
        self, chance: random.Random, host: int, number: int, at: datetime, lengths: tuple[int, ...]
    ) -> None:
        self.guid = f"guid-{host}-{number}"
        self.at, self.updated, self.link = at, at, ""
        name, thing, deed, place = (chance.choice(words) for words in (_NAMES, _THINGS, _DEEDS, _PLACES))
        self.title = f"{name} {host}{number} {deed} a {thing} in {place}"
        sentences = [
            f"{name} {chance.choice(_DEEDS)} the {chance.choice(_THINGS)} in {chance.choice(_PLACES)}."
            f" The {chance.choice(_THINGS)} costs {chance.randrange(20, 900)} dollars."
            for _ in range(chance.choice(lengths))
        ]
        self.html = "".join(f"<p>{escape(sentence)}</p>" for sentence in sentences)

    def atom(self, picture: str, *, teaser: bool) -> str:
        """Return the entry's element."""
        html = (
            f'<p><img src="{picture}" width="640" height="400"/></p>{self.html[:60] if teaser else self.html}'
        )
        return f"""<entry><id>{self.guid}</id><title>{escape(self.title)}</title><link href="{self.link}"/>
<published>{to_text(self.at)}</published><updated>{to_text(self.updated)}</updated>
<media:thumbnail xmlns:media="http://search.yahoo.com/mrss/" url="{picture}" width="640" height="400"/>
<content type="html">{escape(html)}</content></entry>
"""
