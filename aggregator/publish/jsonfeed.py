"""Editions as JSON Feed 1.1.

Source: https://www.jsonfeed.org/version/1.1/
"""

import json
import mimetypes
import re
from urllib.parse import quote

from aggregator.model import Edition, EditionEntry, Enclosure
from aggregator.publish import counts, imprint
from aggregator.publish import edition as editions
from aggregator.publish.edition import LANGUAGE, Site
from aggregator.times import to_text

_MEDIA_TYPE = re.compile(r"[\w.+-]+/[\w.+-]+(?:\s*;.*)?", re.ASCII)
JsonObject = dict[str, object]


def json_feed(edition: Edition, site: Site, path: str, asked: str = "") -> bytes:
    """Write the edition that lies at `path`; what is `asked` there follows it in its address, encoded."""
    feed: JsonObject = {
        "version": "https://jsonfeed.org/version/1.1",
        "title": edition.title,
        "home_page_url": imprint.home_url(edition, site),
        "feed_url": site.base_url + quote(path) + asked,
        "language": LANGUAGE,
        "description": imprint.rights_text(site),
        "icon": site.base_url + "icon.png",
        "favicon": site.base_url + "favicon.ico",
        **({} if asked else _hubs(site)),
        "items": [_item(entry, site) for entry in edition.entries],
    }
    # Without indents, which make it in Python instead of C: five times as long, for the largest of the feeds.
    return (json.dumps(feed, ensure_ascii=False) + "\n").encode()


def _hubs(site: Site) -> JsonObject:
    return {"hubs": [{"type": "WebSub", "url": site.hub}]} if site.hub else {}


def _item(entry: EditionEntry, site: Site) -> JsonObject:
    feed = entry.sources[0]
    item: JsonObject = {
        "id": entry.public_id,
        "url": editions.original_url(entry, site),
        "title": entry.title,
        **_content(entry),
        "image": editions.picture_url(entry, site),
        "date_published": to_text(entry.first_published_at),
        "date_modified": to_text(entry.updated_at),
        "authors": [_present(name=editions.byline(entry), url=editions.web_url(feed.site_url))],
        "language": (entry.original_language or "en") if entry.state == "untranslated" else LANGUAGE,
        "tags": list(editions.terms(entry)),
        "attachments": [_attachment(enclosure) for enclosure in entry.enclosures],
        "_discussion": _discussion(entry),
    }
    return {key: value for key, value in item.items() if value not in ([], {}, None)}


def _content(entry: EditionEntry) -> JsonObject:
    # One of the two is required.
    return {"content_html": entry.body_html} if entry.body_html else {"content_text": entry.title}


def _discussion(entry: EditionEntry) -> JsonObject:
    sources = [_present(name=each.source, comments=each.count, url=each.url) for each in entry.counts]
    url = counts.discussion_url(entry.comments_url, entry.counts)
    return _present(comments=counts.total(entry.counts), url=url, sources=sources or None)


def _attachment(enclosure: Enclosure) -> JsonObject:
    return _present(url=enclosure.url, mime_type=media_type(enclosure), size_in_bytes=enclosure.length)


def media_type(enclosure: Enclosure) -> str:
    """Return the file's type: all three formats demand one."""
    said = (enclosure.media_type or "").strip()
    if _MEDIA_TYPE.fullmatch(said):
        return said
    return mimetypes.guess_type(enclosure.url)[0] or "application/octet-stream"


def _present(**fields: object) -> JsonObject:
    return {key: value for key, value in fields.items() if value is not None}
