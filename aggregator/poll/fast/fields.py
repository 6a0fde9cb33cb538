"""Take the fields of a feed and of its entries out of their elements, as feedparser does."""

import re
from collections.abc import Callable, Mapping

from aggregator.poll.fast.reader import (
    Element,
    Handler,
    Raw,
    Reader,
    Unsure,
    address_of,
    attributes,
    bare,
    language_in,
    raw_text,
    text_of,
)

_FAKE_REFERENCE = re.compile(r"&([A-Za-z0-9_]+);")
_TEXT_TYPES = {"text": "text/plain", "plain": "text/plain", "html": "text/html"}


def skip_if_of(*names: str) -> Handler:
    """Make a handler that passes over an element if all inside it is of these names."""

    def handler(reader: Reader, _: Raw, element: Element) -> None:
        if not {reader.name(child) for child in element.iterdescendants()} <= {*names}:
            raise Unsure

    return handler


def keep(key: str, change: Callable[[str], str] = str) -> Handler:
    """Make a handler that keeps an element's text."""

    def handler(_: Reader, holder: Raw, element: Element) -> None:
        if element.attrib:  # feedparser would keep those instead
            raise Unsure
        holder[key] = change(text_of(element))

    return handler


def date(key: str) -> Handler:
    """Make a handler that keeps an element's date."""

    def handler(reader: Reader, holder: Raw, element: Element) -> None:
        holder[key] = reader.parse_date(text_of(element))

    return handler


def title(reader: Reader, holder: Raw, element: Element) -> None:
    """Keep the title: the first that is not empty."""
    if "title" in holder:
        raise Unsure
    _text_type(element)
    holder["title"] = text_of(element)
    language = language_in(element, reader.language)
    holder["title_detail"] = {"language": language and language.replace("_", "-")}


def media_title(_: Reader, holder: Raw, element: Element) -> None:
    """Pass over a title of a medium; before the entry's own it would be the entry's."""
    if not holder.get("title") or len(element):
        raise Unsure


def _text_type(element: Element, default: str = "text/plain") -> str:
    said = attributes(element)
    kind = said.get("type", default)
    kind = _TEXT_TYPES.get(kind, kind)
    if kind not in {"text/plain", "text/html"} or not set(said) <= {"type", "xml:lang", "xml:space"}:
        raise Unsure
    return kind


def description(_: Reader, entry: Raw, element: Element) -> None:
    """Keep RSS's description, which is HTML; a second one would be content."""
    if "summary_detail" in entry:
        raise Unsure
    entry["summary_detail"] = {"type": "text/html", "value": bare(element)}


def summary(reader: Reader, entry: Raw, element: Element) -> None:
    """Keep Atom's summary."""
    if "summary_detail" in entry or not reader.is_atom:
        raise Unsure
    entry["summary_detail"] = {"type": _text_type(element), "value": text_of(element)}


def content(reader: Reader, entry: Raw, element: Element) -> None:
    """Keep Atom's content, of which there can be several."""
    if not reader.is_atom:
        raise Unsure
    content = {"type": _text_type(element), "value": text_of(element)}
    entry.setdefault("content", []).append(content)


def encoded(_: Reader, entry: Raw, element: Element) -> None:
    """Keep content:encoded, which is HTML."""
    entry.setdefault("content", []).append({"type": "text/html", "value": bare(element)})


def link(reader: Reader, holder: Raw, element: Element) -> None:
    """Keep a link: RSS's in its text, Atom's in its attributes; the last alternate one is the entry's."""
    said, text = attributes(element), text_of(element)
    if not said:
        address = address_of(text)
        whole = address if holder is reader.feed else address.replace("&amp;", "&")
        holder["link"] = _FAKE_REFERENCE.sub(r"&\1", whole)
        return
    said["href"] = address_of(_href(said))
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


def guid(_: Reader, holder: Raw, element: Element) -> None:
    """Keep guid or id, which is a link as well unless said otherwise."""
    is_link = attributes(element).get("ispermalink", "true") == "true"
    holder["id"] = address_of(text_of(element)) if is_link else text_of(element)
    if is_link:
        holder.setdefault("link", holder["id"])


def author(reader: Reader, holder: Raw, element: Element) -> None:
    """Keep one more author: a name, or Atom's person."""
    people = holder.setdefault("authors", [])
    person = _person(reader, element) if len(element) else {"name": text_of(element)}
    name, mail = person.get("name"), person.get("email")
    # feedparser looks for addresses in a name, fills a nameless author from the one before, and changes one that
    # is mere text with a person after it.
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


def thumbnail(_: Reader, holder: Raw, element: Element) -> None:
    """Keep one more thumbnail."""
    said, text = attributes(element), text_of(element)
    holder.setdefault("media_thumbnail", []).append({"url": address_of(text), **said} if text else said)


def image(_: Reader, holder: Raw, element: Element) -> None:
    """Keep the address of itunes:image."""
    said = attributes(element)
    address = said.get("href") or said.get("url")
    if address:
        holder["image"] = {"href": address}
    text_of(element)
