"""Editions as Atom and RSS 2.0: the one import of feedgen.

feedgen drops rel, type and length of an Atom entry's links, knows one enclosure and no threads, so
`_Extension` writes links, enclosures, counts, source and dc:creator itself.
Source: RFC 4287, RFC 4685, RSS 2.0 with slash, dc and wfw.
"""

import html
import uuid
from collections.abc import Callable, Iterable
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from urllib.parse import quote

from feedgen.entry import FeedEntry  # type: ignore[import-untyped]
from feedgen.feed import FeedGenerator  # type: ignore[import-untyped]
from lxml import etree  # type: ignore[import-untyped]

from aggregator.model import Document, Edition, EditionEntry
from aggregator.publish import comments, counts, imprint, room
from aggregator.publish import edition as editions
from aggregator.publish.edition import LANGUAGE, Site
from aggregator.publish.jsonfeed import json_feed, media_type

PATHS = {
    "main": ("atom.xml", "rss.xml", "feed.json"),
    "hot": ("hot.xml", "hot.rss.xml", "hot.json"),
    "all": ("all.xml", "all.rss.xml", "all.json"),
    "morning": ("morning.xml", "morning.rss.xml", "morning.json"),
    "titles": ("titles.xml", "titles.rss.xml", "titles.json"),
}
_TYPES = ("application/atom+xml", "application/rss+xml", "application/feed+json")
_NEVER = datetime(1970, 1, 1, tzinfo=UTC)  # the age of an empty edition: Atom demands one
_NAMESPACES = {
    "thr": "http://purl.org/syndication/thread/1.0",
    "slash": "http://purl.org/rss/1.0/modules/slash/",
    "dc": "http://purl.org/dc/elements/1.1/",
    "wfw": "http://wellformedweb.org/CommentAPI/",
    "sy": "http://purl.org/rss/1.0/modules/syndication/",
    "media": "http://search.yahoo.com/mrss/",
}
_ATOM = "http://www.w3.org/2005/Atom"
_HISTORY = "http://purl.org/syndication/history/1.0"
_LANG = "{http://www.w3.org/XML/1998/namespace}lang"
_Writer = Callable[[Edition, Site, str], bytes]
_THR = f"{{{_NAMESPACES['thr']}}}"


def documents(listed: Iterable[Edition], site: Site) -> list[Document]:
    """Write each edition in its three forms."""
    made: _MadeEntries = {}
    writers: tuple[_Writer, ...] = (partial(_atom, made), partial(_rss, made), json_feed)
    return [
        Document(path=each.path + path, media_type=kind, body=_fitting(write, given, site, path))
        for each in [*listed]
        for given in [editions.given(each)]
        for path, kind, write in zip(paths(each), _TYPES, writers, strict=True)
    ]


def paths(edition: Edition) -> tuple[str, str, str]:
    """Return the names of an edition's three forms, beneath its path."""
    return PATHS.get(edition.name, PATHS["main"])


def with_hub(names: Iterable[str]) -> list[str]:
    """Return those of these documents that name the hub: every form of every edition."""
    forms = {form for each in PATHS.values() for form in each}
    return [name for name in names if name.rpartition("/")[2] in forms]


def _fitting(write: _Writer, edition: Edition, site: Site, path: str) -> bytes:
    """Write as many of the newest entries as a document may hold, at least one."""
    entries = edition.entries
    body = write(edition, site, edition.path + path)
    while len(body) > room.MOST and len(entries) > 1:
        entries = entries[: max(1, min(len(entries) - 1, len(entries) * room.MOST // len(body)))]
        body = write(replace(edition, entries=entries), site, edition.path + path)
    return body


def _atom(made: "_MadeEntries", edition: Edition, site: Site, path: str) -> bytes:
    return bytes(_generator(made, edition, site, path, _TYPES[0]).atom_str())


def archived(edition: Edition, site: Site, path: str, newer: str) -> Document:
    """Write a document of what the edition held before; `newer` is the path of the one after it, if any.

    Source: RFC 5005, section 4.
    """
    feed = _generator({}, edition, site, path, _TYPES[0])
    links = {"current": site.base_url + paths(edition)[0], **_older(edition, site)}
    if newer:
        links["next-archive"] = site.base_url + newer
    feed.aggregator.take({}, links, is_archive=True)  # what is over needs no hub
    return Document(path=path, media_type=_TYPES[0], body=bytes(feed.atom_str()))


def _older(edition: Edition, site: Site) -> dict[str, str]:
    return {"prev-archive": site.base_url + edition.older} if edition.older else {}


def _rss(made: "_MadeEntries", edition: Edition, site: Site, path: str) -> bytes:
    return bytes(_generator(made, edition, site, path, _TYPES[1]).rss_str())


def _generator(made: "_MadeEntries", edition: Edition, site: Site, path: str, kind: str) -> FeedGenerator:
    feed = FeedGenerator()
    feed.register_extension("aggregator", _Feed, _Extension)
    feed.id(uuid.uuid5(uuid.NAMESPACE_URL, site.home_url + edition.path + edition.name).urn)
    feed.title(edition.title)
    feed.description("海外テックニュースの見出しと要約を日本語で。機械翻訳です。")
    feed.language(LANGUAGE)
    feed.aggregator.take({"hub": site.hub} if site.hub else {}, _older(edition, site))
    feed.link(href=imprint.about_url(site), rel="related", type="text/html", hreflang=LANGUAGE)
    feed.link(href=site.base_url + quote(path), rel="self", type=kind)
    home = imprint.home_url(edition, site)
    feed.link(href=home, rel="alternate", type="text/html", hreflang=LANGUAGE)  # last: RSS takes it
    feed.generator(site.generator)
    feed.rights(imprint.rights_text(site))
    feed.icon(site.base_url + "favicon.ico")
    feed.logo(site.base_url + "icon.png")
    feed.ttl(60)  # minutes, in RSS alone; sy:updatePeriod says the same in both
    feed.updated(edition.updated_at or _NEVER)  # never the clock: an unchanged edition keeps its bytes
    for entry in edition.entries:
        if id(entry) in made:
            feed.add_entry(made[id(entry)], order="append")
        else:
            made[id(entry)] = _added(feed, entry, site)
    return feed


def _added(feed: FeedGenerator, entry: EditionEntry, site: Site) -> "_Entry":
    out: _Entry = feed.add_entry(_Entry(), order="append")
    out.id(entry.public_id)
    out.title(entry.title)
    out.content(entry.body_html or html.escape(entry.title), type="html")  # feedgen demands some
    out.author(name=editions.byline(entry))
    out.published(entry.first_published_at)
    out.updated(entry.updated_at)
    for term in editions.terms(entry):
        out.category(term=term)
    out.aggregator.take(entry, site)
    return out


class _Entry(FeedEntry):  # type: ignore[misc]
    """An entry whose elements are made once, for most entries stand in several feeds.

    They move from one feed to the next, so a feed is to be written before another one is made.
    """

    _atom = _rss = None

    def atom_entry(self, extensions: bool = True) -> etree._Element:
        if self._atom is None:
            self._atom = super().atom_entry(extensions)
        return self._atom

    def rss_entry(self, extensions: bool = True) -> etree._Element:
        if self._rss is None:
            self._rss = super().rss_entry(extensions)
        return self._rss


_MadeEntries = dict[int, _Entry]  # by the identity of what they were made of, which outlives them


class _Feed:
    """The extension's part for the feed itself: its namespaces, how often to look in, what belongs to it."""

    def take(self, everywhere: dict[str, str], atom: dict[str, str], *, is_archive: bool = False) -> None:
        self.everywhere, self.atom, self.is_archive = everywhere, atom, is_archive

    def extend_ns(self) -> dict[str, str]:
        return _NAMESPACES

    def extend_atom(self, out: etree._Element) -> None:
        self._pace(out)
        for rel, href in {**self.everywhere, **self.atom}.items():
            _add_link(out, rel, href)
        if self.is_archive:
            etree.SubElement(out, f"{{{_HISTORY}}}archive", nsmap={"fh": _HISTORY})

    def extend_rss(self, out: etree._Element) -> None:
        channel = out.find("channel")
        self._pace(channel)
        for rel, href in self.everywhere.items():
            etree.SubElement(channel, f"{{{_ATOM}}}link", rel=rel, href=href)

    def _pace(self, out: etree._Element) -> None:
        _add_text(out, f"{{{_NAMESPACES['sy']}}}updatePeriod", "hourly")


class _Extension:
    """What feedgen cannot write of an entry."""

    def take(self, entry: EditionEntry, site: Site) -> None:
        self.entry, self.site = entry, site
        self.total = counts.total(entry.counts)
        self.threads = counts.threads(entry.comments_url, entry.counts)
        self.comments_feed = comments.feed_url(entry, site)

    def extend_atom(self, out: etree._Element) -> None:
        entry = self.entry
        _add_link(out, "alternate", editions.original_url(entry, self.site), type="text/html",
                  hreflang=(entry.original_language or "en") if entry.permalink else LANGUAGE)  # fmt: skip
        if entry.permalink:
            _add_link(
                out, "related", editions.page_url(entry, self.site), type="text/html", hreflang=LANGUAGE
            )
        for enclosure in entry.enclosures:
            size = {} if enclosure.length is None else {"length": str(enclosure.length)}
            _add_link(out, "enclosure", enclosure.url, type=media_type(enclosure), **size)
        for url in dict.fromkeys(other.permalink for other in entry.sources[1:]):
            if editions.web_url(url) and url != entry.permalink:
                _add_link(out, "via", url or "", type="text/html")
        self._replies(out)
        self._source(out)
        self._picture(out)
        if entry.state == "untranslated":
            out.set(_LANG, entry.original_language or "en")

    def _replies(self, out: etree._Element) -> None:
        for url, count in self.threads.items():
            number = {} if count is None else {_THR + "count": str(count)}
            _add_link(out, "replies", url, type="text/html", **number)
        if self.comments_feed:
            kind = {"type": comments.MEDIA_TYPE} if self.entry.comments else {}
            _add_link(out, "replies", self.comments_feed, **kind)
        if self.total is not None:
            _add_text(out, _THR + "total", str(self.total))

    def _source(self, out: etree._Element) -> None:
        feed = self.entry.sources[0]
        source = etree.SubElement(out, "source")
        _add_text(source, "id", feed.feed_url)
        _add_text(source, "title", feed.feed_title)
        _add_link(source, "self", feed.feed_url)
        if editions.web_url(feed.site_url):
            _add_link(source, "alternate", feed.site_url or "", type="text/html")

    def _picture(self, out: etree._Element) -> None:
        if url := editions.picture_url(self.entry, self.site):
            etree.SubElement(out, f"{{{_NAMESPACES['media']}}}thumbnail", url=url)

    def extend_rss(self, out: etree._Element) -> None:
        entry = self.entry
        _add_text(out, "link", editions.original_url(entry, self.site))
        _add_text(out, f"{{{_NAMESPACES['dc']}}}creator", editions.byline(entry))
        _add_text(out, f"{{{_ATOM}}}updated", entry.updated_at.isoformat())
        feed = entry.sources[0]
        etree.SubElement(out, "source", url=feed.feed_url).text = feed.feed_title
        for enclosure in entry.enclosures:
            size = str(enclosure.length or 0)  # required; 0 where unknown, as the RSS board advises
            etree.SubElement(out, "enclosure", url=enclosure.url, length=size, type=media_type(enclosure))
        for url in [*self.threads][:1]:  # RSS knows one
            _add_text(out, "comments", url)
        if self.comments_feed:
            _add_text(out, f"{{{_NAMESPACES['wfw']}}}commentRss", self.comments_feed)
        if self.total is not None:
            _add_text(out, f"{{{_NAMESPACES['slash']}}}comments", str(self.total))
        self._picture(out)


def _add_text(parent: etree._Element, tag: str, text: str) -> None:
    etree.SubElement(parent, tag).text = text


def _add_link(parent: etree._Element, rel: str, href: str, **attributes: str) -> etree._Element:
    return etree.SubElement(parent, "link", rel=rel, href=href, **attributes)
