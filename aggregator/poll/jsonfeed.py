"""Read JSON Feed 1.0 and 1.1."""

import html
import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from aggregator.errors import NotAFeed
from aggregator.model import Enclosure, ParsedEntry, ParsedFeed
from aggregator.poll import clean, identity, images, revise

_VERSION = "https://jsonfeed.org/version/"


def parse(body: bytes, url: str, newest: int | None = None) -> ParsedFeed:
    """Return the feed.

    Shape: with `newest`, entries beyond the newest so many are without their text.
    Raises: NotAFeed where the body is no JSON, or JSON of another kind.
    Source: https://www.jsonfeed.org/version/1.1/
    """
    try:
        feed = json.loads(body.removeprefix(b"\xef\xbb\xbf"))
    except (ValueError, RecursionError) as error:
        raise NotAFeed(f"{url}: is broken JSON ({error})") from error
    if not isinstance(feed, dict) or not _text(feed.get("version")).startswith(_VERSION):
        raise NotAFeed(f"{url}: is JSON, but no JSON Feed")
    site_url = clean.web_url(url, _text(feed.get("home_page_url")))
    entries = _objects(feed.get("items"))
    dates = [_time(entry.get("date_published")) or _time(entry.get("date_modified")) for entry in entries]
    read = revise.newest(dates, newest or len(dates))
    return ParsedFeed(
        title=clean.heading(_text(feed.get("title"))),
        site_url=site_url,
        language=_text(feed.get("language")) or None,
        entries=identity.told_apart(
            _entry(entry, feed, site_url or url, place in read) for place, entry in enumerate(entries)
        ),
        hub_url=next((found for hub in _objects(feed.get("hubs")) if (found := _url(url, hub, "url"))), None),
        self_url=_url(url, feed, "feed_url"),
    )


def _entry(
    entry: Mapping[str, Any], feed: Mapping[str, Any], base: str, has_text: bool
) -> ParsedEntry | None:
    permalink = _url(base, entry, "url") or _url(base, entry, "external_url")
    guid, title = _text(entry.get("id")), html.escape(_text(entry.get("title")), quote=False)
    published_at, updated_at = _time(entry.get("date_published")), _time(entry.get("date_modified"))
    named = not has_text and clean.by_name(
        guid=guid, permalink=permalink, title=title, published_at=published_at, updated_at=updated_at
    )
    if named:
        return named
    links = permalink or base
    enclosures = [_enclosure(links, attachment) for attachment in _objects(entry.get("attachments"))]
    pictures = [{"url": _text(entry.get(key))} for key in ("image", "banner_image")]
    return clean.entry(
        guid=guid,
        permalink=permalink,
        title=title,
        summary_html=as_html(_text(entry.get("summary"))),
        content_html=_text(entry.get("content_html")) or as_html(_text(entry.get("content_text"))),
        base=links,
        authors=_authors(entry) or _authors(feed),
        tags=map(_text, _list(entry.get("tags"))),
        enclosures=enclosures,
        image_url=images.declared(links, pictures, enclosures),
        language=_text(entry.get("language")) or None,
        published_at=published_at,
        updated_at=updated_at,
    )


def as_html(text: str) -> str:
    """Return plain text as markup, its paragraphs kept."""
    return "".join(f"<p>{html.escape(part, quote=False)}</p>" for part in text.split("\n\n") if part.strip())


def _enclosure(base: str, attachment: Mapping[str, Any]) -> Enclosure | None:
    url = _url(base, attachment, "url")
    size = attachment.get("size_in_bytes")
    length = int(size) if isinstance(size, int | float) and 0 < size < 2**53 else None
    return (
        Enclosure(url=url, media_type=_text(attachment.get("mime_type")) or None, length=length)
        if url
        else None
    )


def _authors(holder: Mapping[str, Any]) -> list[str]:
    one = [holder["author"]] if isinstance(holder.get("author"), dict) else []  # 1.0 knows one author
    return [
        name for author in (*_objects(holder.get("authors")), *one) if (name := _text(author.get("name")))
    ]


def _time(value: object) -> datetime | None:
    try:
        moment = datetime.fromisoformat(_text(value))
        return moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)
    except (ValueError, OverflowError):
        return None  # a feed's unreadable date is an absent one


def _url(base: str, holder: Mapping[str, Any], key: str) -> str | None:
    return clean.web_url(base, _text(holder.get(key)))


def _objects(value: object) -> list[Mapping[str, Any]]:
    return [element for element in _list(value) if isinstance(element, dict)]


def _list(value: object) -> list[Any]:
    return value if isinstance(value, list) else []


def _text(value: object) -> str:
    """Ids are numbers in some feeds, whatever the specification says."""
    is_text = isinstance(value, str | int | float) and not isinstance(value, bool)
    return str(value) if is_text else ""
