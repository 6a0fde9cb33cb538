"""What people find among the published entries: for the server and the command line."""

import hmac
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sqlite_utils import Database

from aggregator.config import Config
from aggregator.errors import StoreError
from aggregator.model import Document, Edition, EditionEntry
from aggregator.publish import edition, pages
from aggregator.publish.found import SIZE, Found, Hit, page_count, ranked
from aggregator.publish.jsonfeed import json_feed
from aggregator.publish.place import private_root, site_of
from aggregator.publish.terms import query
from aggregator.store import publications, reading, search
from aggregator.times import to_text

COLUMNS = ("published_at", "title", "original", "feed", "page")
FEED = "application/feed+json"
_JSON = (FEED, "application/json")


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """An answer to whoever searches."""

    status: int
    media_type: str = "text/plain"
    body: bytes = b""


def find(db: Database, config: Config, text: str, page: int = 1) -> Found:
    """Return a page of what has all the words: those with them in a title first, then by age."""
    looked_for = query(text)
    hits = ranked(search.find(db, looked_for))
    page = min(max(page, 1), max(page_count(len(hits)), 1))
    entries = _entries(db, config, hits[(page - 1) * SIZE : page * SIZE])
    return Found(query=looked_for, entries=entries, total=len(hits), page=page)


def rows(db: Database, config: Config, found: Found) -> list[dict[str, str]]:
    """Return a row for each hit, with the address of its page."""
    site = site_of(config, private_root(db, config))
    return [
        {
            "published_at": to_text(entry.first_published_at),
            "title": entry.page_title,
            "original": entry.original_title,
            "feed": entry.sources[0].feed_title,
            "page": edition.page_url(entry, site),
        }
        for entry in found.entries
    ]


def feed(db: Database, config: Config, text: str, root: str = "") -> Document:
    """Return the newest hits as JSON Feed, to be subscribed to."""
    looked_for = query(text)
    hits = search.find(db, looked_for)[: config.max_entries]
    found = Found(query=looked_for, entries=_entries(db, config, hits), total=len(hits))
    title = f"{config.site_title}「{looked_for.text}」"
    listed = Edition(name="search", path="", title=title, updated_at=None, entries=found.entries)
    path, mark, asked = found.feed.partition("?")
    body = json_feed(listed, site_of(config, root), path, mark + asked)
    return Document(path=path, media_type=FEED, body=body)


def _entries(db: Database, config: Config, hits: Sequence[Hit]) -> tuple[EditionEntry, ...]:
    known = publications.facts(db, (hit.story_id for hit in hits), config.language)
    by_story = {facts.publication.story_id: edition.present(facts) for facts in known}
    return tuple(by_story[hit.story_id] for hit in hits)


def answer(config: Config, folder: str, asked: Mapping[str, str], accept: str) -> Reply:
    """Answer a request: a page, or JSON Feed for `format=json` or whoever accepts no HTML.

    `folder` is what stands before `search` in the path: nobody searches a private site without its secret.
    """
    try:
        with reading(config.store) as db:
            root = private_root(db, config)
            if not hmac.compare_digest(folder.encode(), root.encode()):
                return Reply(status=404, body=b"404\n")
            document = _document(db, config, root, asked, accept)
    except StoreError:
        return Reply(status=503, body=b"503\n")
    return Reply(status=200, media_type=document.media_type, body=document.body)


def _document(db: Database, config: Config, root: str, asked: Mapping[str, str], accept: str) -> Document:
    text = asked.get("q", "")
    if _wants_feed(asked, accept):
        return feed(db, config, text, root)
    page = asked.get("page", "")
    found = find(db, config, text, int(page) if page.isascii() and page.isdecimal() and len(page) < 6 else 1)
    return pages.search(found, site_of(config, root))


def _wants_feed(asked: Mapping[str, str], accept: str) -> bool:
    if "format" in asked:
        return asked["format"] == "json"
    return "html" not in accept and any(kind in accept for kind in _JSON)
