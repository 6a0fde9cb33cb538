"""Take the fields of a feed and of its entries out of their elements, as feedparser does."""

import re
from collections.abc import Mapping

from aggregator.poll.fast import dates
from aggregator.poll.fast.reader import (
    Element,
    Handler,
    Raw,
    Reader,
    Unsure,
    attributes,
    language_in,
    raw_text,
    text_of,
)

_FAKE_REFERENCE = re.compile(r"&([A-Za-z0-9_]+);")
_ON_TEXT = {"type", "xml:lang", "xml:space", "xml:base"}
_TEXT_TYPES = {"text": "text/plain", "plain": "text/plain", "html": "text/html"}


def skip_if_of(*names: str) -> Handler:
    """Make a handler that passes over an element if all inside it is of these names."""

    def handler(reader: Reader, holder: Raw, element: Element) -> None:
        if not {reader.name(child) for child in element.iterdescendants()} <= {*names}:
            raise Unsure
        holder["title_open"] = True  # to feedparser, an image, form or source begins a new part

    return handler


def keep(key: str) -> Handler:
    """Make a handler that keeps an element's text."""

    def handler(_: Reader, holder: Raw, element: Element) -> None:
        if element.attrib:  # feedparser would keep those instead
            raise Unsure
        holder[key] = text_of(element)

    return handler


def keep_address(key: str) -> Handler:
    """Make a handler that keeps the address in an element's text."""

    def handler(reader: Reader, holder: Raw, element: Element) -> None:
        if element.attrib:
            raise Unsure
        holder[key] = reader.address(text_of(element))

    return handler


def date(key: str) -> Handler:
    """Make a handler that keeps an element's date."""

    def handler(_: Reader, holder: Raw, element: Element) -> None:
        holder[key] = dates.parse(text_of(element))

    return handler


def title(reader: Reader, holder: Raw, element: Element) -> None:
    """Keep the title: the first that is not empty."""
    if "title" in holder:
        raise Unsure
    detail = _detail(reader, element, "text/plain")
    language = language_in(element, reader.language)
    holder["title"] = detail["value"]
    holder["title_detail"] = {**detail, "language": language and language.replace("_", "-")}


def subtitle(reader: Reader, holder: Raw, element: Element) -> None:
    """Keep what base a subtitle has."""
    holder["subtitle_detail"] = _detail(reader, element, "text/plain")


def media_title(_: Reader, holder: Raw, element: Element) -> None:
    """Pass over a title of a medium; before the entry's own it would be the entry's."""
    if not holder.get("title") or "title_open" in holder or len(element):
        raise Unsure


def _detail(reader: Reader, element: Element, default: str) -> Raw:
    said = attributes(element)
    kind = said.get("type", default)
    kind = _TEXT_TYPES.get(kind, kind)
    if kind not in {"text/plain", "text/html"} or not said.keys() <= _ON_TEXT:
        raise Unsure
    outer = reader.enter(element)
    detail = {"type": kind, "value": text_of(element), "base": reader.base}
    reader.leave(outer)
    return detail


def description(reader: Reader, entry: Raw, element: Element) -> None:
    """Keep RSS's description, which is HTML; a second one would be content."""
    if "summary_detail" in entry or "type" in element.attrib:
        raise Unsure
    entry["summary_detail"] = _detail(reader, element, "text/html")


def summary(reader: Reader, entry: Raw, element: Element) -> None:
    """Keep Atom's summary."""
    if "summary_detail" in entry or not reader.is_atom:
        raise Unsure
    entry["summary_detail"] = _detail(reader, element, "text/plain")


def content(reader: Reader, entry: Raw, element: Element) -> None:
    """Keep Atom's content, of which there can be several."""
    if not reader.is_atom:
        raise Unsure
    entry.setdefault("content", []).append(_detail(reader, element, "text/plain"))


def encoded(reader: Reader, entry: Raw, element: Element) -> None:
    """Keep content:encoded, which is HTML."""
    if "type" in element.attrib:
        raise Unsure
    entry.setdefault("content", []).append(_detail(reader, element, "text/html"))


def link(reader: Reader, holder: Raw, element: Element) -> None:
    """Keep a link: RSS's in its text, Atom's in its attributes; the last alternate one is the entry's."""
    said, text = attributes(element), text_of(element)
    if not said:
        address = reader.address(text)
        whole = address if holder is reader.feed else address.replace("&amp;", "&")
        holder["link"] = _FAKE_REFERENCE.sub(r"&\1", whole)
        return
    said["href"] = reader.address(_href(said))
    said.setdefault("rel", "alternate")
    said.setdefault("type", "application/atom+xml" if said["rel"] == "self" else "text/html")
    holder["links"].append(said)
    if said["rel"] == "alternate" and said["type"] in {"text/html", "application/xhtml+xml", "html", "xhtml"}:
        holder["link"] = said["href"]


def _href(said: dict[str, str]) -> str:
    href = said.get("url", said.get("uri", said.get("href")))
    if not href:
        raise Unsure
    return href


def enclosure(_: Reader, holder: Raw, element: Element) -> None:
    """Keep RSS's enclosure."""
    said = attributes(element)
    holder["links"].append({**said, "rel": "enclosure", "href": _href(said)})
    text_of(element)


def guid(reader: Reader, holder: Raw, element: Element) -> None:
    """Keep guid or id, which is a link as well unless said otherwise."""
    is_link = attributes(element).get("ispermalink", "true") == "true"
    holder["id"] = reader.address(text_of(element)) if is_link else text_of(element)
    if is_link:
        holder.setdefault("link", holder["id"])


def author(reader: Reader, holder: Raw, element: Element) -> None:
    """Keep one more author: a name, or Atom's person."""
    people = holder.setdefault("authors", [])
    person = _person(reader, element) if len(element) else {"name": text_of(element)}
    name, mail = person.get("name"), person.get("email")
    # feedparser looks for addresses in a name, fills a nameless author from the one before, and changes
    # a name that a person follows.
    strange = not name or "@" in name or "@" in (people[-1].get("name") or "") if people else False
    if strange or holder.setdefault("is_person", len(element) > 0) != (len(element) > 0):
        raise Unsure
    people.append(person if name or mail else {})
    holder["author"] = f"{name} ({mail})" if name and mail else name or mail or ""


def _person(reader: Reader, element: Element) -> dict[str, str]:
    person = {}
    if (element.text or "").strip() or any((child.tail or "").strip() for child in element):
        raise Unsure
    for child in element:
        name, text = reader.name(child), raw_text(child)
        if name in {"name", "email"}:
            person[name] = text
        elif name not in {"uri", "url", "homepage"} and (":" not in name or (child.attrib and text)):
            raise Unsure
    return person


def category(_: Reader, entry: Raw, element: Element) -> None:
    """Keep one more tag; RSS has it in the text, Atom in an attribute."""
    said, text = attributes(element), text_of(element)
    tags = entry.setdefault("tags", [])
    seen = entry.setdefault("seen", set())
    tag = (said.get("term"), said.get("scheme", said.get("domain")), said.get("label"))
    if any(tag) and tag not in seen:
        tags.append(dict(zip(("term", "scheme", "label"), tag, strict=True)))
        seen.add(tag)
    if text and tags and not tags[-1]["term"]:
        seen.discard(tag)
        tags[-1]["term"] = text
        seen.add((text, *tag[1:]))
    elif text and (text, None, None) not in seen:
        tags.append({"term": text, "scheme": None, "label": None})
        seen.add((text, None, None))


def media(key: str, inside: Mapping[str, Handler]) -> Handler:
    """Make a handler that keeps a medium's attributes and reads what is inside."""

    def handler(reader: Reader, holder: Raw, element: Element) -> None:
        if key:
            holder.setdefault(key, []).append(attributes(element))
        if not all(reader.name(child).startswith("media:") for child in element):
            raise Unsure
        reader.children(holder, element, inside)

    return handler


def thumbnail(reader: Reader, holder: Raw, element: Element) -> None:
    """Keep one more thumbnail."""
    said, text = attributes(element), text_of(element)
    holder.setdefault("media_thumbnail", []).append({"url": reader.address(text), **said} if text else said)


def image(_: Reader, holder: Raw, element: Element) -> None:
    """Keep the address of itunes:image."""
    said = attributes(element)
    address = said.get("href") or said.get("url")
    if address:
        holder["image"] = {"href": address}
    text_of(element)
