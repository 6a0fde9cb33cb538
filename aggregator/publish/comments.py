"""Feeds of what is said about entries: people's comments on one of them, and machines' on all.

Neither enters any other feed, and machines' comments are in no count: they are nobody's.
Source: RFC 4287; RFC 4685 for `thr:in-reply-to`.
"""

import uuid
from dataclasses import dataclass
from datetime import UTC, datetime

from lxml import etree  # type: ignore[import-untyped]

from aggregator.model import Document, Edition, EditionEntry, Persona, ShownComment, Viewpoint
from aggregator.publish import edition as editions
from aggregator.publish import imprint
from aggregator.publish.edition import LANGUAGE, Site

PLACES: dict[str, str] = {"hackernews": "Hacker News", "wordpress": "元記事", "github": "GitHub"}
PERSONAS: dict[Persona, str] = {"hopeful": "楽観派", "critical": "慎重派"}
LABEL = "AIによるコメント"  # beside everything that no person wrote
VIEWPOINTS = "viewpoints.xml"
MEDIA_TYPE = "application/atom+xml"
_ATOM = "http://www.w3.org/2005/Atom"
_NEVER = datetime(1970, 1, 1, tzinfo=UTC)  # the age of an empty feed: Atom demands one
_THR = "http://purl.org/syndication/thread/1.0"
_LANG = "{http://www.w3.org/XML/1998/namespace}lang"


@dataclass(frozen=True, slots=True)
class _Note:
    """One comment as an Atom entry."""

    key: str  # what makes its id
    entry: EditionEntry
    url: str
    title: str
    author: str
    text: str
    at: datetime


def path(entry: EditionEntry) -> str:
    """Return the path of the feed of an entry's comments."""
    return f"entries/{entry.slug}/comments.xml"


def feed_url(entry: EditionEntry, site: Site) -> str | None:
    """Return the address of the feed of an entry's comments: ours, else its source's, if any."""
    return site.base_url + path(entry) if entry.comments else entry.comments_feed_url


def comments_feed(entry: EditionEntry, site: Site) -> Document:
    """Write the comments that people left on an entry, as its page shows them."""
    notes = [_of_person(comment, entry) for comment in entry.comments]
    root = _feed(_urn(f"{entry.public_id} comments"), f"“{entry.page_title}” へのコメント", path(entry), site)
    _link(root, "alternate", editions.page_url(entry, site), "text/html")
    return _document(root, path(entry), notes, site, entry.first_published_at)


def viewpoints_feed(edition: Edition, site: Site) -> Document:
    """Write what machines commented on the edition's entries, the newest first."""
    notes = [_of_machine(view, entry, site) for entry in edition.entries for view in entry.viewpoints]
    newest = sorted(notes, key=lambda note: note.at, reverse=True)
    root = _feed(_urn(site.home_url + VIEWPOINTS), f"{site.title}（{LABEL}）", VIEWPOINTS, site)
    _link(root, "alternate", site.base_url, "text/html")
    return _document(root, VIEWPOINTS, newest, site, edition.updated_at or _NEVER)


def engine(said: ShownComment | Viewpoint) -> str:
    """Name the engine that translated or wrote a comment; "" where nothing was translated."""
    if isinstance(said, Viewpoint):
        return f"{said.engine} {said.model}".strip()
    return "" if said.engine == "original" else said.engine


def _of_person(comment: ShownComment, entry: EditionEntry) -> _Note:
    translated = f"\n\n機械翻訳: {engine(comment)}" if engine(comment) else ""
    return _Note(
        f"{entry.public_id} {comment.url}", entry, comment.url,
        f"{comment.author} ({PLACES.get(comment.source, comment.source)})", comment.author,
        comment.text + translated, comment.written_at or entry.first_published_at,
    )  # fmt: skip


def _of_machine(view: Viewpoint, entry: EditionEntry, site: Site) -> _Note:
    name = PERSONAS[view.persona]
    return _Note(
        f"{entry.public_id} {view.persona}", entry, editions.page_url(entry, site),
        f"{entry.page_title} ({name}、{LABEL})", f"{name} (AI)",
        f"{view.text}\n\n{LABEL}: {engine(view)}", view.written_at,
    )  # fmt: skip


def _urn(name: str) -> str:
    return uuid.uuid5(uuid.NAMESPACE_URL, name).urn


def _feed(urn: str, title: str, place: str, site: Site) -> etree._Element:
    root = etree.Element("feed", nsmap={None: _ATOM, "thr": _THR})
    root.set(_LANG, LANGUAGE)
    _text(root, "id", urn)
    _text(root, "title", title)
    _link(root, "self", site.base_url + place, MEDIA_TYPE)
    _text(root, "rights", imprint.takedown_text(site))
    return root


def _document(
    root: etree._Element, place: str, notes: list[_Note], site: Site, otherwise: datetime
) -> Document:
    """Add the comments; as old as the newest of them, never the clock's time."""
    _text(root, "updated", max((note.at for note in notes), default=otherwise).isoformat())
    for note in notes:
        _add(etree.SubElement(root, "entry"), note, site)
    body = etree.tostring(root, xml_declaration=True, encoding="UTF-8", pretty_print=True)
    return Document(path=place, media_type=MEDIA_TYPE, body=body)


def _add(out: etree._Element, note: _Note, site: Site) -> None:
    _text(out, "id", _urn(note.key))
    _text(out, "title", note.title)
    _text(out, "updated", note.at.isoformat())
    _text(etree.SubElement(out, "author"), "name", note.author)
    _link(out, "alternate", note.url, "text/html")
    _text(out, "content", note.text).set("type", "text")
    page = editions.page_url(note.entry, site)
    etree.SubElement(out, f"{{{_THR}}}in-reply-to", ref=note.entry.public_id, href=page, type="text/html")


def _text(parent: etree._Element, tag: str, text: str) -> etree._Element:
    element = etree.SubElement(parent, tag)
    element.text = text
    return element


def _link(parent: etree._Element, rel: str, href: str, kind: str) -> None:
    etree.SubElement(parent, "link", rel=rel, href=href, type=kind)
