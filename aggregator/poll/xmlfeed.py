"""Map the tree that feedparser makes of XML onto our types."""

import calendar
import re
from datetime import UTC, datetime, timedelta
from typing import Any

from aggregator.model import Enclosure, ParsedEntry, ParsedFeed
from aggregator.poll import clean, identity, images, jsonfeed, marks, revise
from aggregator.poll.decide import PARSER_VERSION

Raw = dict[str, Any]

_SKIP_VALUE = re.compile(rb"<(?:hour|day)>\s*(\w{1,9})\s*<")
_DAYS = tuple(day.lower().encode() for day in calendar.day_name)
_MAX_INTERVAL = timedelta(days=366)
# RSS 1.0 syndication module; its defaults are daily, once.
_PERIODS = {
    "hourly": timedelta(hours=1),
    "daily": timedelta(days=1),
    "weekly": timedelta(weeks=1),
    "monthly": timedelta(days=30),
    "yearly": timedelta(days=365),
}


def read(
    tree: Raw, body: bytes, url: str, newest: int | None = None, known: bytes | None = None
) -> ParsedFeed:
    """Return the feed in a tree; `body` is what it was made of, `url` where that came from.

    Shape: with `newest`, entries beyond the newest so many are without their text, and so are those that have
    one of the `known` marks; None where the body is not well-formed, and its entries get no marks.
    """
    feed = tree["feed"]
    base = clean.web_url(url, _base(feed)) or url
    site_url = clean.web_url(base, _text(feed, "link"))
    language = _language(feed)
    hours, days = _skipped(body)
    dates = [(_published(entry), _time(entry, "updated_parsed")) for entry in tree["entries"]]
    wanted = revise.newest([published or updated for published, updated in dates], newest or len(dates))
    context = f"{PARSER_VERSION} {base} {site_url} {language} {_authors(feed)}"
    found = () if known is None else marks.of_entries(body, len(dates), context)
    seen = marks.known(known) if known and found else frozenset()
    return ParsedFeed(
        title=clean.heading(_text(feed, "title")),
        site_url=site_url,
        language=language,
        entries=identity.told_apart(
            _entry(
                entry,
                feed,
                base,
                site_url,
                language,
                dates[place],
                has_text=place in wanted and not (found and found[place] in seen),
            )
            for place, entry in enumerate(tree["entries"])
        ),
        marks=b"".join(found),
        ttl=_minutes(_text(feed, "ttl")),
        update_every=_update_every(feed),
        skip_hours=hours,
        skip_days=days,
        hub_url=_link(feed, base, "hub"),
        self_url=_link(feed, base, "self"),
    )


def _entry(
    entry: Raw,
    feed: Raw,
    feed_base: str,
    site_url: str | None,
    language: str | None,
    dates: tuple[datetime | None, datetime | None],
    *,
    has_text: bool,
) -> ParsedEntry | None:
    own_base = _base(entry)
    base = (own_base and clean.web_url(feed_base, own_base)) or feed_base
    permalink = _permalink(entry, base if own_base else site_url or base)
    guid, title = _text(entry, "id"), _text(entry, "title")
    published_at, updated_at = dates
    named = not has_text and clean.by_name(
        guid=guid, permalink=permalink, title=title, published_at=published_at, updated_at=updated_at
    )
    if named:
        return named
    links = base if own_base else permalink or site_url or base
    own_language = _language(entry)
    enclosures = [_enclosure(link, links) for link in _list(entry, "links") if link.get("rel") == "enclosure"]
    return clean.entry(
        guid=guid,
        permalink=permalink,
        title=title,
        summary_html=_summary(entry),
        content_html=_content(entry),
        base=links,
        authors=clean.people(_authors(entry)) or clean.people(_authors(feed)),
        tags=[tag.get("label") or tag.get("term") or "" for tag in _list(entry, "tags")],
        enclosures=enclosures,
        image_url=_image(entry, links, enclosures),
        language=None if own_language == language else own_language,
        comments_url=clean.web_url(links, _text(entry, "comments")) or _link(entry, links, "replies", "html"),
        comments_feed_url=clean.web_url(links, _text(entry, "wfw_commentrss"))
        or _link(entry, links, "replies", "xml"),
        comment_count=_comment_count(entry),
        published_at=published_at,
        updated_at=updated_at,
    )


def _published(entry: Raw) -> datetime | None:
    return _time(entry, "published_parsed") or _time(entry, "created_parsed")


def _permalink(entry: Raw, base: str) -> str | None:
    original = clean.web_url(base, _text(entry, "feedburner_origlink"))
    link = _text(entry, "link")
    # feedparser makes a link of any guid that is not said to be none.
    is_guid = link == _text(entry, "id") and not re.match(r"https?://", link, re.IGNORECASE)
    return original or (None if is_guid else clean.web_url(base, link))


def _summary(entry: Raw) -> str:
    # An Atom content is copied into the summary; only a summary of its own has details.
    detail = _raw(entry, "summary_detail")
    return _markup(detail) if detail else ""


def _content(entry: Raw) -> str:
    texts = [
        content for content in _list(entry, "content") if content.get("type", "").startswith(("text/", "app"))
    ]
    richest = max(texts, key=lambda content: "html" in content["type"], default=None)
    return _markup(richest) if richest else ""


def _markup(detail: Raw) -> str:
    value = detail.get("value") or ""
    return jsonfeed.as_html(value) if detail.get("type") == "text/plain" else value


def _authors(holder: Raw) -> list[str]:
    listed = [author for author in _list(holder, "authors") if author]
    # One author with an address: feedparser cuts "mail (Name)" wrongly behind long top-level domains.
    if len(listed) < 2 and (not listed or "email" in listed[0]):
        return [_text(holder, "author")]
    return [author.get("name") or "" for author in listed]


def _enclosure(link: Raw, base: str) -> Enclosure | None:
    url = clean.web_url(base, link.get("href"))
    if url is None:
        return None
    return Enclosure(url=url, media_type=link.get("type") or None, length=_number(link.get("length")) or None)


def _image(entry: Raw, base: str, files: list[Enclosure | None]) -> str | None:
    contents = filter(images.is_picture, _list(entry, "media_content"))
    itunes = _raw(entry, "image") or {}
    return images.declared(base, (*_list(entry, "media_thumbnail"), *contents, itunes), files)


def _comment_count(entry: Raw) -> int | None:
    replies = [link.get("thr:count") for link in _list(entry, "links") if link.get("rel") == "replies"]
    said = [_raw(entry, "slash_comments"), _raw(entry, "thr_total"), *replies]
    return next((count for text in said if (count := _number(text)) is not None), None)


def _link(holder: Raw, base: str, rel: str, kind: str = "") -> str | None:
    hrefs = (
        clean.web_url(base, link.get("href"))
        for link in _list(holder, "links")
        if link.get("rel") == rel and kind in (link.get("type") or "text/html")
    )
    return next(filter(None, hrefs), None)


def _base(holder: Raw) -> str:
    details = (_raw(holder, key) for key in ("title_detail", "summary_detail", "subtitle_detail"))
    known = [*details, *_list(holder, "content")]
    return next((base for detail in known if detail and (base := detail.get("base"))), "")


def _language(holder: Raw) -> str | None:
    detail = _raw(holder, "title_detail") or {}
    text = _text(holder, "language") or detail.get("language") or ""
    return text.strip() if re.fullmatch(r"\s*[A-Za-z]{2,3}(?:[-_]\w{1,8}){0,3}\s*", text) else None


def _time(entry: Raw, key: str) -> datetime | None:
    moment = _raw(entry, key)
    if not isinstance(moment, tuple):
        return None
    try:
        year, month, day, hour, minute, second = moment[:6]
        return datetime(year, month, day, hour, minute, second, tzinfo=UTC)
    except ValueError:  # the year 0, a 61st second
        return None


def _minutes(text: str) -> timedelta | None:
    number = _number(text)
    return min(timedelta(minutes=min(number, 10**6)), _MAX_INTERVAL) if number else None


def _update_every(feed: Raw) -> timedelta | None:
    period = _text(feed, "sy_updateperiod").strip().lower()
    frequency = _number(_raw(feed, "sy_updatefrequency"))
    if not period and not frequency:
        return None
    return _PERIODS.get(period, _PERIODS["daily"]) / (frequency or 1)  # RSS 1.0 syndication module: defaults


def _skipped(body: bytes) -> tuple[tuple[int, ...], tuple[int, ...]]:
    # Not from the tree, which keeps only the last hour and day.
    head = body[:100_000].lower()
    hours, days = (_SKIP_VALUE.findall(_between(head, kind)) for kind in (b"skiphours", b"skipdays"))
    kept_hours = {int(hour) % 24 for hour in hours if hour.isdigit() and int(hour) <= 24}
    kept_days = {_DAYS.index(day) for day in days if day in _DAYS}
    return tuple(sorted(kept_hours)), tuple(sorted(kept_days))


def _between(head: bytes, name: bytes) -> bytes:
    start = head.find(b"<" + name)
    return head[start : head.find(b"</" + name, start)] if start >= 0 else b""


def _number(text: object) -> int | None:
    digits = text.strip() if isinstance(text, str) else ""
    return int(digits) if re.fullmatch(r"[0-9]{1,15}", digits) else None


def _text(holder: Raw, key: str) -> str:
    value = _raw(holder, key)
    return value if isinstance(value, str) else ""


def _list(holder: Raw, key: str) -> list[Any]:
    value = _raw(holder, key)
    return value if isinstance(value, list) else []


def _raw(holder: Raw, key: str) -> Any:
    """Look up past feedparser's own get, which hands `published` out as `updated`, with a warning."""
    return dict.get(holder, key)
