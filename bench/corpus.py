"""Write the feeds that polling is measured with: the same bytes from the same seed.

Sizes are log-normal (median 30 KB, mean 80 KB), 10 to 100 entries a feed; RSS 2.0, Atom and RDF; several
encodings; some feeds broken in ways that real ones are.
"""

import math
import os
import random
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path
from xml.sax.saxutils import escape, quoteattr

VERSION = 1  # of the generator; raise it when the bytes change
MEDIAN, MEAN = 26_000, 69_000  # bytes drawn; markup makes 30,000 and 80,000 of them
LARGEST = 4_000_000
FEWEST, MOST = 10, 100  # entries
CHANGED = 20  # each how many-th feed has one new entry in the second version
NEWEST = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)

_SYLLABLES = (
    "ac ad al an ar at be ca ce co cu da de di do el en er es fa fi fo ga ge gi ha he hi in is it ju ka"
    " ke la le li lo ma me mi mo na ne ni no on or os pa pe pi po qua ra re ri ro sa se si so ta te ti to"
)
_COMMON = "the of and to a in is that for it with as on was by at are this be from or have new which more"
_ACCENTS = ("café", "naïve", "Zürich", "“quoted”", "it’s", "—", "résumé", "§ 5", "10 µs", "20 °C")
_JAPANESE = ("新型", "発表", "技術", "半導体", "人工知能")


def corpus(folder: Path, feeds: int, seed: int = 3) -> Path:
    """Return a folder holding `old/N.xml` for each feed and `new/N.xml` for those that change; made once."""
    made = folder / f"corpus-{VERSION}-{seed}-{feeds}"
    if not made.exists():
        draft = made.with_suffix(f".{os.getpid()}")
        (draft / "old").mkdir(parents=True)
        (draft / "new").mkdir()
        for number in range(feeds):
            _write(draft, number, random.Random(f"{seed}-{number}"))
        draft.rename(made)
    return made


def _write(folder: Path, number: int, chance: random.Random) -> None:
    form = chance.choices((_rss, _atom, _rdf), (70, 25, 5))[0]
    encoding = chance.choices(*zip(*_ENCODINGS.items(), strict=True))[0]
    size = min(chance.lognormvariate(math.log(MEDIAN), math.sqrt(2 * math.log(MEAN / MEDIAN))), LARGEST)
    # A feed of 3 KB with 100 entries would be no feed.
    entries = min(chance.randint(FEWEST, MOST), max(FEWEST, int(size / 1200)))
    writer = _Writer(number, chance, encoding, size / entries)
    listed = [writer.entry(entry) for entry in range(entries, 0, -1)]
    damage = chance.choices(*zip(*_DAMAGE.items(), strict=True))[0]
    (folder / "old" / f"{number}.xml").write_bytes(damage(_bytes(form(writer, listed), encoding)))
    if number % CHANGED == 0:
        longer = [writer.entry(entries + 1), *listed]
        (folder / "new" / f"{number}.xml").write_bytes(damage(_bytes(form(writer, longer), encoding)))


_ENCODINGS = {
    "utf-8": 88, "iso-8859-1": 4, "windows-1252": 4, "us-ascii": 1, "utf-16": 1, "shift_jis": 1, "euc-jp": 1,
}  # fmt: skip


def _bytes(text: str, encoding: str) -> bytes:
    return text.encode(encoding, "xmlcharrefreplace")


_DAMAGE: dict[Callable[[bytes], bytes], float] = {
    lambda body: body: 96,
    lambda body: body.replace(b" and ", b" & ", 3): 1,
    lambda body: body.replace(b" the ", b"&nbsp;the&rsquo;s ", 3): 1,
    lambda body: body.replace(b" of ", b" \x0bof\x00 ", 1): 0.5,
    lambda body: body[: len(body) * 4 // 5]: 1,
    lambda _: b"<!DOCTYPE html><html><head><title>Moved</title></head><body>Moved.</body></html>": 0.5,
}


class _Writer:
    """Makes up one feed's text."""

    def __init__(self, number: int, chance: random.Random, encoding: str, entry_size: float) -> None:
        self.number, self.chance, self.encoding, self.entry_size = number, chance, encoding, entry_size
        self.site = f"https://site{number}.example"
        syllables = _SYLLABLES.split()
        rare = ["".join(chance.choices(syllables, k=chance.randint(2, 4))) for _ in range(400)]
        foreign = _JAPANESE if encoding in {"shift_jis", "euc-jp"} else _ACCENTS
        self._words = [*(_COMMON.split() * 12), *rare, *foreign]
        self.escaped = chance.random() < 0.4  # markup as entities, not CDATA

    def words(self, count: int) -> str:
        return " ".join(self.chance.choices(self._words, k=count))

    def entry(self, number: int) -> dict[str, str]:
        link = f"{self.site}/{NEWEST.year}/{number}?utm_source=feed&id={number}"
        when = NEWEST - timedelta(hours=7) * (100 - number) - timedelta(seconds=self.number)
        return {
            "title": self.words(self.chance.randint(4, 12)).capitalize(),
            "link": link,
            "guid": f"{self.site}/?p={number}",
            "html": self._html(),
            "author": self.words(2).title(),
            "tag": self.words(1),
            "rfc822": format_datetime(when),
            "iso": when.strftime("%Y-%m-%dT%H:%M:%SZ"),
        }

    def _html(self) -> str:
        size = max(120.0, self.entry_size - 500) * self.chance.uniform(0.5, 1.5)
        parts: list[str] = []
        while sum(map(len, parts)) < size:
            parts.append(self.chance.choices(_PARTS, (70, 12, 6, 6, 6))[0](self))
        return "\n".join(parts)

    def markup(self, html: str) -> str:
        return escape(html) if self.escaped else f"<![CDATA[{html}]]>"


def _paragraph(writer: _Writer) -> str:
    text = escape(writer.words(writer.chance.randint(15, 60)).capitalize())
    return f'<p>{text} <a href="{writer.site}/about" rel="nofollow">{escape(writer.words(2))}</a>.</p>'


def _figure(writer: _Writer) -> str:
    width = writer.chance.choice((1, 640, 1024))
    return f'<figure><img src="/images/{width}.png" width="{width}" height="{width}" alt="x"/></figure>'


def _listing(writer: _Writer) -> str:
    return f"<ul>{''.join(f'<li>{escape(writer.words(6))}</li>' for _ in range(4))}</ul>"


def _code(writer: _Writer) -> str:
    return f"<pre><code>if a &lt; b &amp;&amp; c: {escape(writer.words(8))}</code></pre>"


def _styled(writer: _Writer) -> str:
    return (
        f'<div class="note" style="color:red" onclick="x()"><strong>{escape(writer.words(9))}</strong></div>'
    )


_PARTS: tuple[Callable[[_Writer], str], ...] = (_paragraph, _figure, _listing, _code, _styled)


def _rss(writer: _Writer, entries: list[dict[str, str]]) -> str:
    items = "\n".join(
        f"""<item><title>{escape(entry["title"])}</title><link>{escape(entry["link"])}</link>
<guid isPermaLink="false">{escape(entry["guid"])}</guid><pubDate>{entry["rfc822"]}</pubDate>
<dc:creator>{escape(entry["author"])}</dc:creator><category>{escape(entry["tag"])}</category>
<description>{writer.markup(entry["html"][:300].rpartition("<")[0])}</description>
<content:encoded>{writer.markup(entry["html"])}</content:encoded>
<slash:comments>{len(entry["html"]) % 40}</slash:comments></item>"""
        for entry in entries
    )
    return f"""<?xml version="1.0" encoding="{writer.encoding}"?>
<rss version="2.0" xmlns:content="http://purl.org/rss/1.0/modules/content/"
 xmlns:dc="http://purl.org/dc/elements/1.1/" xmlns:slash="http://purl.org/rss/1.0/modules/slash/"
 xmlns:sy="http://purl.org/rss/1.0/modules/syndication/"><channel><title>Feed {writer.number}</title>
<link>{writer.site}/</link><description>A feed</description><language>en-US</language>
<sy:updatePeriod>hourly</sy:updatePeriod><sy:updateFrequency>1</sy:updateFrequency>
{items}
</channel></rss>
"""


def _atom(writer: _Writer, entries: list[dict[str, str]]) -> str:
    listed = "\n".join(
        f"""<entry><title>{escape(entry["title"])}</title><id>{escape(entry["guid"])}</id>
<link rel="alternate" type="text/html" href={quoteattr(entry["link"])}/>
<published>{entry["iso"]}</published><updated>{entry["iso"]}</updated>
<author><name>{escape(entry["author"])}</name></author><category term={quoteattr(entry["tag"])}/>
<content type="html" xml:base="{writer.site}/">{writer.markup(entry["html"])}</content></entry>"""
        for entry in entries
    )
    return f"""<?xml version="1.0" encoding="{writer.encoding}"?>
<feed xmlns="http://www.w3.org/2005/Atom" xml:lang="en"><title>Feed {writer.number}</title>
<id>{writer.site}/</id><link href="{writer.site}/"/><updated>{entries[0]["iso"]}</updated>
{listed}
</feed>
"""


def _rdf(writer: _Writer, entries: list[dict[str, str]]) -> str:
    items = "\n".join(
        f"""<item rdf:about={quoteattr(entry["link"])}><title>{escape(entry["title"])}</title>
<link>{escape(entry["link"])}</link><description>{writer.markup(entry["html"])}</description>
<dc:date>{entry["iso"]}</dc:date><dc:creator>{escape(entry["author"])}</dc:creator></item>"""
        for entry in entries
    )
    return f"""<?xml version="1.0" encoding="{writer.encoding}"?>
<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#" xmlns="http://purl.org/rss/1.0/"
 xmlns:dc="http://purl.org/dc/elements/1.1/"><channel rdf:about="{writer.site}/">
<title>Feed {writer.number}</title>
<link>{writer.site}/</link><description>A feed</description></channel>
{items}
</rdf:RDF>
"""
