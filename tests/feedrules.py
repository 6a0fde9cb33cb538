"""What specifications ask of feeds, as a list of faults; written by hand from them, not from what we write.

Sources: RFC 4287 (schemas/atom.rng holds its grammar); https://www.rssboard.org/rss-specification and what
https://validator.w3.org/feed/ adds to it; https://www.jsonfeed.org/version/1.1/
"""

import json
import re
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import datetime
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import Any

from lxml import etree

SCHEMA = etree.RelaxNG(etree.parse(Path(__file__).parent / "schemas" / "atom.rng"))
ATOM = "{http://www.w3.org/2005/Atom}"
_URL = re.compile(r"https?://[^\s<>\"{}|\\^`]+")  # RFC 3986, as far as these cannot stand in any
_URI = re.compile(r"[a-z][a-z0-9+.-]*:[^\s<>\"{}|\\^`]+")
_MEDIA_TYPE = re.compile(r"[\w.+-]+/[\w.+-]+(; ?[\w-]+=[\w.-]+)*")
_DATE_822 = re.compile(r"(?:\w{3}, )?\d\d? \w{3} \d{4} \d\d:\d\d(?::\d\d)? (?:[+-]\d{4}|GMT|UT)")


def atom(body: bytes) -> list[str]:
    """List what is wrong with an Atom document."""
    tree = etree.fromstring(body)
    if not SCHEMA.validate(tree):
        return [str(error) for error in SCHEMA.error_log]
    return [*_atom_feed(tree), *(fault for each in tree.iter(f"{ATOM}entry") for fault in _atom_entry(each))]


def _atom_feed(tree: etree._Element) -> Iterator[str]:
    entries = tree.findall(f"{ATOM}entry")
    if tree.find(f"{ATOM}author") is None:
        yield from ("4.1.1: no author" for each in entries if each.find(f"{ATOM}author/{ATOM}name") is None)
    if len([*_links(tree, "self")]) != 1:
        yield "4.1.1: a feed should name itself"
    yield from _doubled("4.1.1: id", [each.findtext(f"{ATOM}id") for each in entries])
    yield from _alternates(tree)
    dates = [each.text for name in ("updated", "published") for each in tree.iter(ATOM + name)]
    yield from (f"3.3: {date} names no zone" for date in dates if datetime.fromisoformat(date).tzinfo is None)
    ids = [each.text for each in tree.iter(f"{ATOM}id")]
    yield from (f"4.2.6: {each} is no absolute IRI" for each in ids if not _URI.fullmatch(each))


def _atom_entry(entry: etree._Element) -> Iterator[str]:
    content = entry.find(f"{ATOM}content")
    if content is None and not [*_links(entry, "alternate")]:
        yield "4.1.2: neither content nor an alternate link"
    if content is not None and content.get("src") and entry.find(f"{ATOM}summary") is None:
        yield "4.1.2: content elsewhere needs a summary"
    yield from _alternates(entry)
    hrefs = [each.get("href") for each in entry.iter(f"{ATOM}link")]
    yield from (f"4.2.7: {href} is no address" for href in hrefs if not _URI.fullmatch(href))
    yield from ("4.2.2: an empty term" for each in entry.iter(f"{ATOM}category") if not each.get("term"))


def _links(holder: etree._Element, rel: str) -> Iterator[etree._Element]:
    return (each for each in holder.findall(f"{ATOM}link") if each.get("rel", "alternate") == rel)


def _alternates(holder: etree._Element) -> Iterator[str]:
    kinds = [(each.get("type"), each.get("hreflang")) for each in _links(holder, "alternate")]
    yield from _doubled("4.1.1: alternate", kinds)


def _doubled(what: str, found: list[Any]) -> Iterator[str]:
    return (f"{what} twice: {each}" for each, times in Counter(found).items() if times > 1)


_CHANNEL = set(
    "title link description language copyright managingEditor webMaster pubDate lastBuildDate category generator"
    " docs cloud ttl image rating textInput skipHours skipDays item".split()
)
_ITEM = set("title link description author category comments enclosure guid pubDate source".split())
_MANY = {"category", "item", "enclosure"}  # more than one enclosure is allowed, though some readers take one


def rss(body: bytes) -> list[str]:
    """List what is wrong with an RSS 2.0 document."""
    tree = etree.fromstring(body)
    channels = tree.findall("channel")
    if (tree.tag, tree.get("version"), len(channels)) != ("rss", "2.0", 1):
        return ["no rss 2.0 with one channel"]
    [channel] = channels
    items = channel.findall("item")
    guids = [*_doubled("guid", [item.findtext("guid") for item in items])]
    return [*_channel(channel), *guids, *(fault for item in items for fault in _item(item))]


def _channel(channel: etree._Element) -> Iterator[str]:
    yield from _elements(channel, _CHANNEL)
    yield from (f"no {name}" for name in ("title", "link", "description") if not channel.findtext(name))
    yield from _all(channel, "link", _URL.fullmatch)
    yield from _all(channel, "docs", _URL.fullmatch)
    yield from _all(channel, "language", re.compile(r"[a-z]{2,3}(-[A-Za-z0-9]+)*").fullmatch)
    yield from _all(channel, "ttl", re.compile(r"[1-9]\d*").fullmatch)
    yield from _dates(channel, "pubDate", "lastBuildDate")
    own = [each for each in channel.findall(f"{ATOM}link") if each.get("rel") == "self"]
    if len(own) != 1 or own[0].get("type") != "application/rss+xml" or not _URL.fullmatch(own[0].get("href")):
        yield "a channel should name itself (atom:link)"
    for image in channel.findall("image"):
        yield from (f"image without {name}" for name in ("url", "title", "link") if not image.findtext(name))


def _item(item: etree._Element) -> Iterator[str]:
    yield from _elements(item, _ITEM)
    if not (item.findtext("title") or item.findtext("description")):
        yield "neither title nor description"
    yield from _all(item, "link", _URL.fullmatch)
    yield from _all(item, "comments", _URL.fullmatch)
    yield from _all(item, "author", re.compile(r"\S+@\S+\.\S+( \(.+\))?").fullmatch)
    yield from _all(item, "category", bool)
    yield from _dates(item, "pubDate")
    for guid in item.findall("guid"):
        if guid.get("isPermaLink", "true") == "true" and not _URL.fullmatch(guid.text):
            yield f"guid {guid.text} is no address"
    for source in item.findall("source"):
        if not (source.text and _URL.fullmatch(source.get("url", ""))):
            yield "source without name or address"
    for each in item.findall("enclosure"):
        said = (each.get("url", ""), each.get("length", ""), each.get("type", ""))
        if not (_URL.fullmatch(said[0]) and said[1].isdecimal() and _MEDIA_TYPE.fullmatch(said[2])):
            yield f"enclosure {said}"


def _elements(holder: etree._Element, known: set[str]) -> Iterator[str]:
    own = [child.tag for child in holder if not child.tag.startswith("{")]
    yield from (f"unknown {name}" for name in own if name not in known)
    yield from _doubled("element", [name for name in own if name not in _MANY])


def _all(holder: etree._Element, name: str, is_good: Callable[[str], object]) -> Iterator[str]:
    return (f"{name}: {each.text!r}" for each in holder.findall(name) if not is_good(each.text or ""))


def _dates(holder: etree._Element, *names: str) -> Iterator[str]:
    for name in names:
        yield from _all(holder, name, _is_date)


def _is_date(text: str) -> bool:
    return bool(_DATE_822.fullmatch(text)) and parsedate_to_datetime(text).strftime("%a") == text[:3]


Check = Callable[[Any], object]


def _text(value: object) -> bool:
    return isinstance(value, str) and bool(value)


def _address(value: object) -> bool:
    return isinstance(value, str) and bool(_URL.fullmatch(value))


def _moment(value: object) -> bool:
    return isinstance(value, str) and datetime.fromisoformat(value).tzinfo is not None


def _size(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0


def _language(value: object) -> bool:
    return isinstance(value, str) and bool(re.fullmatch(r"[A-Za-z]{2,3}(-[A-Za-z0-9]+)*", value))


def _list_of(check: Check) -> Check:
    return lambda value: isinstance(value, list) and all(map(check, value))


def _object(known: dict[str, Check], *required: str) -> Check:
    return lambda value: isinstance(value, dict) and not [*_fields("", value, known, required)]


_AUTHORS = _list_of(lambda each: _object({"name": _text, "url": _address, "avatar": _address})(each) and each)
_FEED: dict[str, Check] = {
    "version": lambda value: value == "https://jsonfeed.org/version/1.1", "title": _text,
    "home_page_url": _address, "feed_url": _address, "description": _text, "user_comment": _text,
    "next_url": _address, "icon": _address, "favicon": _address, "authors": _AUTHORS, "language": _language,
    "expired": lambda value: isinstance(value, bool),
    "hubs": _list_of(_object({"type": _text, "url": _address}, "type", "url")),
    "items": lambda value: isinstance(value, list),
}  # fmt: skip
_ENTRY: dict[str, Check] = {
    "id": _text, "url": _address, "external_url": _address, "title": _text, "content_html": _text,
    "content_text": _text, "summary": _text, "image": _address, "banner_image": _address,
    "date_published": _moment, "date_modified": _moment, "authors": _AUTHORS, "tags": _list_of(_text),
    "language": _language,
    "attachments": _list_of(_object(
        {"url": _address, "mime_type": _MEDIA_TYPE.fullmatch, "title": _text, "size_in_bytes": _size,
         "duration_in_seconds": _size}, "url", "mime_type")),
}  # fmt: skip


def json_feed(body: bytes) -> list[str]:
    """List what is wrong with a JSON Feed 1.1."""
    feed = json.loads(body)
    faults = [*_fields("", feed, _FEED, ("version", "title", "items"))]
    for item in feed["items"]:
        faults += _fields("item.", item, _ENTRY, ("id",))
        if not {"content_html", "content_text"} & item.keys():
            faults.append(f"{item['id']}: neither content_html nor content_text")
    return [*faults, *_doubled("id", [item["id"] for item in feed["items"]])]


def _fields(
    where: str, value: dict[str, Any], known: dict[str, Check], required: tuple[str, ...]
) -> Iterator[str]:
    """Name what is missing, unknown (custom ones begin with "_" and a letter) or wrong."""
    yield from (f"no {where}{name}" for name in required if name not in value)
    for name, said in value.items():
        if name in known and not known[name](said):
            yield f"{where}{name}: {said!r}"
        if name not in known and not re.fullmatch(r"_[a-z]\w*", name):
            yield f"unknown {where}{name}"
