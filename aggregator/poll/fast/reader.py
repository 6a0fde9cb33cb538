"""Walk a document under feedparser's names for elements; give up where those are not sure."""

import re
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import urljoin

from aggregator import urls

Raw = dict[str, Any]
Element = Any  # lxml names no public type for it
Handler = Callable[["Reader", Raw, Element], None]

_XML = "http://www.w3.org/XML/1998/namespace"
_RDF = "http://www.w3.org/1999/02/22-rdf-syntax-ns#"
_THREAD = "http://purl.org/syndication/thread/1.0"
ATOM = "http://www.w3.org/2005/atom"
# feedparser's names of namespaces, in lower case; elements of others go by the document's own prefix.
_PREFIXES = {
    ATOM: "",
    "http://purl.org/rss/1.0/": "",
    "http://purl.org/rss/1.0/modules/content/": "content",
    "http://purl.org/dc/elements/1.1/": "dc",
    "http://purl.org/dc/terms/": "dcterms",
    "http://rssnamespace.org/feedburner/ext/1.0": "feedburner",
    "http://www.itunes.com/dtds/podcast-1.0.dtd": "itunes",
    "http://search.yahoo.com/mrss": "media",
    "http://search.yahoo.com/mrss/": "media",
    _RDF: "rdf",
    "http://purl.org/rss/1.0/modules/slash/": "slash",
    "http://purl.org/rss/1.0/modules/syndication/": "sy",
    "http://wellformedweb.org/commentapi/": "wfw",
    "http://www.w3.org/1999/xhtml": "xhtml",
    "http://podlove.org/simple-chapters": "psc",
    _THREAD: "thr",
}
_KNOWN = frozenset(_PREFIXES.values())
# Namespaces of older formats, which feedparser reads as if they were RSS or Atom.
_OLD = re.compile(
    r"userland\.com/rss|harvard\.edu/tech/rss|netscape\.com/rdf|//example\.com/|purl\.org/(?:echo|pie|atom)/"
    r"|uri/of/echo|modules/rss091#"
)
_DECLARED = re.compile(rb"xmlns:([^\s=]+)\s*=\s*[\"']([^\"']*)")
_LANG, _BASE = f"{{{_XML}}}lang", f"{{{_XML}}}base"
_BASES = re.compile(rb"base\s*=\s*[\"']")
_QUALIFIED = {_XML.lower(): "xml", _RDF: "rdf", _THREAD: "thr"}
_MAX_ATTRIBUTES = 100
_SLASHES = re.compile(r"^([A-Za-z][A-Za-z0-9+-.]*://)/+")


class Unsure(Exception):
    """What is met here may mean something else to feedparser."""


class Reader:
    """One document: the names in it, the language in force, what was read so far."""

    def __init__(self, text: bytes) -> None:
        self.feed: Raw = {"links": []}
        self.entries: list[Raw] = []
        self.language: str | None = None
        self.base = ""
        self._bases = sum(text[found.start() - 1] in b": \t\r\n" for found in _BASES.finditer(text))
        self.is_atom = False
        self._names: dict[str, str] = {}
        bound: dict[str, str] = {}
        for prefix, uri in set(_DECLARED.findall(text)):
            name, namespace = prefix.decode().lower(), uri.decode().lower()
            known = _PREFIXES.get(namespace, name)
            is_other = namespace == _THREAD and name != "thr"
            if is_other or (name in _KNOWN and known != name) or bound.setdefault(namespace, known) != known:
                raise Unsure

    def enter(self, element: Element) -> str:
        """Let an element's xml:base hold from here and return the one before, for `leave`."""
        outer = self.base
        said = element.get(_BASE) if self._bases and element.attrib else None
        if said is not None:
            self._bases -= 1
            if said and not urls.is_plain(said):
                raise Unsure
            self.base = said or outer
        return outer

    def leave(self, outer: str) -> None:
        """Let the outer base hold again; as in feedparser, that is none only until there is one."""
        self.base = outer or self.base

    def address(self, text: str) -> str:
        """Return an address joined to the base, without the slashes too many that feedparser takes out."""
        fixed = _SLASHES.sub(r"\1", text)
        if not (self.base and fixed) or urls.is_plain(fixed):
            return fixed
        try:
            return urljoin(self.base, fixed)
        except ValueError:
            return ""

    def tree(self) -> Raw:
        """Return what was read, if every xml:base was on an element where it is followed."""
        if self._bases:
            raise Unsure
        return {"feed": self.feed, "entries": self.entries}

    def children(self, holder: Raw, element: Element, table: Mapping[str, Handler]) -> None:
        """Read each child by the table, skip those it does not name if they hold nothing else."""
        for child in element:
            handler = table.get(self.name(child))
            if handler:
                handler(self, holder, child)
            elif len(child):
                raise Unsure

    def name(self, element: Element) -> str:
        """Return an element's name as feedparser has it: canonical prefix and local name in lower case."""
        known = self._names.get(element.tag)
        if known is None:
            namespace, _, local = element.tag.rpartition("}")
            if _OLD.search(namespace.lower()):
                raise Unsure
            prefix = _PREFIXES.get(namespace[1:].lower(), (element.prefix or "").lower())
            known = self._names[element.tag] = f"{prefix}:{local}".lower().removeprefix(":")
        return known


def language_in(element: Element, inherited: str | None) -> str | None:
    """Return the language in force inside an element."""
    said = element.get(_LANG, element.get("lang")) if element.attrib else None
    return inherited if said is None else said or None


def raw_text(element: Element) -> str:
    """Return the text of an element that holds nothing else."""
    if len(element):
        raise Unsure
    return (element.text or "").strip()


def text_of(element: Element) -> str:
    """Return the text of an element; UTF-8 that was taken for Latin-1 and encoded again is put right."""
    text = raw_text(element)
    if text.isascii():
        return text
    try:
        return text.encode("latin-1").decode()
    except UnicodeError:
        return text


def attributes(element: Element) -> dict[str, str]:
    """Return an element's attributes under feedparser's names."""
    if not element.attrib:
        return {}
    if len(element.attrib) > _MAX_ATTRIBUTES:  # lxml looks each one up from the first on
        raise Unsure
    found = {}
    for name, value in element.attrib.items():
        key = name.lower()
        if key.startswith("{"):
            namespace, _, local = key[1:].partition("}")
            prefix = _QUALIFIED.get(namespace)
            if prefix is None:
                raise Unsure
            key = f"{prefix}:{local}"
        found[key] = value.lower() if key in {"rel", "type"} else value
    return found
