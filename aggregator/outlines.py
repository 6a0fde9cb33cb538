"""The outlines of an OPML text, where they stand in it, and edits that leave the rest as it is."""

import codecs
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from xml.parsers import expat
from xml.sax.saxutils import escape

from aggregator import urls
from aggregator.errors import OpmlError
from aggregator.markup import xml_legal

_BOMS = ((codecs.BOM_UTF8, "utf-8"), (codecs.BOM_UTF16_LE, "utf-16-le"), (codecs.BOM_UTF16_BE, "utf-16-be"))
_PROLOG = re.compile(rb"\s*<\?xml[^>]*?encoding\s*=\s*[\"']([A-Za-z][\w.-]*)")
_CODECS = {"shift_jis": "cp932"}  # what programs mean by the name
_TAG = re.compile(rb"<([^\s\"'/>]+)[^\"'>]*(?:\"[^\"]*\"[^\"'>]*|'[^']*'[^\"'>]*)*>")
_ATTRIBUTE = re.compile(rb"\s+([^\s=/>\"']+)\s*=\s*(?:\"[^\"]*\"|'[^']*')")
_LINE_END = re.compile(rb"[ \t]*(?:\r\n|\n)")
_QUOTES = {'"': "&quot;", "\n": "&#10;", "\r": "&#13;", "\t": "&#9;"}
_MAX_DEPTH = 100

Edit = tuple[int, int, bytes]  # from, to, what stands there afterwards


@dataclass(slots=True, kw_only=True)
class Outline:
    """An element (`body` or `outline`) and where it stands, in bytes of the UTF-8 text."""

    attributes: dict[str, str]  # names in lower case
    url: str  # the feed's address; empty for a category
    first_url: str  # the feed's identity: the address it had before it moved, else its address
    line: int
    start: int  # of the start tag
    inside: int  # after the start tag
    path: str  # names of the categories around it, its own last if it is one, joined by "/"
    close: int = 0  # of the end tag; after the start tag where that closes itself
    end: int = 0  # after the end tag
    children: list["Outline"] = field(default_factory=list)

    @property
    def name(self) -> str:
        """The text people see."""
        return (self.attributes.get("text") or self.attributes.get("title") or "").strip()

    def walk(self) -> Iterator["Outline"]:
        """Yield every outline inside, in the file's order."""
        for child in self.children:
            yield child
            yield from child.walk()


class OpmlText:
    """An OPML file's text in UTF-8 and its outlines."""

    def __init__(self, data: bytes, name: str) -> None:
        self.name = name
        self._bom, self._codec = _encoding(data)
        try:
            self.text = data.removeprefix(self._bom).decode(self._codec).encode()
        except (LookupError, UnicodeError) as error:
            raise OpmlError(f"{name}: is not {self._codec}; expected XML in the encoding it names") from error
        if b"\x00" in self.text:  # expat takes it for UTF-16, whatever it is told, and counts other bytes
            raise OpmlError(f"{name}: is not {self._codec}; expected UTF-16 to start with a byte order mark")
        self.body = _Reader(self.text, name).read()
        self._newline = b"\r\n" if b"\r\n" in self.text else b"\n"
        self._unit = b"\t" if b"\n\t" in self.text else b"  "

    def find(self, url: str) -> list[Outline]:
        """Return every outline of a feed, by its address or its first one, duplicates too."""
        key = urls.normalise(url)
        return [
            outline for outline in self.body.walk()
            if outline.url and key in {urls.normalise(outline.url), urls.normalise(outline.first_url)}
        ]  # fmt: skip

    def category(self, path: str) -> Outline:
        """Return the outline of a category, or of the innermost one around it that exists."""
        around = [
            outline
            for outline in self.body.walk()
            if not outline.url and outline.path and f"{path}/".startswith(f"{outline.path}/")
        ]
        return max(around, key=lambda outline: len(outline.path), default=self.body)

    def insertion(self, parent: Outline, categories: list[str], feeds: list[bytes]) -> Edit:
        """Return the edit that adds written outlines after the parent's last child, indented like it."""
        outer = self._indent(parent.start)
        inner = self._indent(parent.children[-1].start) if parent.children else outer + self._unit
        block = b"".join(self._newline + line for line in self._lines(categories, feeds, inner))
        if parent.children:
            return parent.children[-1].end, parent.children[-1].end, block
        if parent.close == parent.end:  # <body/> is opened up
            name = self._match(_TAG, parent)[1]
            slash = self.text.rindex(b"/", parent.start, parent.inside)
            return slash, parent.inside, b">" + block + self._newline + outer + b"</" + name + b">"
        is_open = b"\n" in self.text[parent.inside : parent.close]
        return parent.inside, parent.inside, block + (b"" if is_open else self._newline + outer)

    def _lines(self, categories: list[str], feeds: list[bytes], indent: bytes) -> list[bytes]:
        if not categories:
            return [indent + feed for feed in feeds]
        inside = self._lines(categories[1:], feeds, indent + self._unit)
        return [
            indent + b"<outline" + written({"text": categories[0]}) + b">",
            *inside,
            indent + b"</outline>",
        ]

    def alone(self, outline: Outline) -> bytes:
        """Return an outline as it is written, without the outlines inside it."""
        if not outline.children:
            return self.text[outline.start : outline.end]
        return self.text[outline.start : outline.inside].removesuffix(b">").rstrip() + b"/>"

    def removals(self, outline: Outline) -> list[Edit]:
        """Return the edits that take an outline out, with its line; outlines inside it stay."""
        if outline.children:
            return [(outline.start, outline.inside, b""), (outline.close, outline.end, b"")]
        line = self.text.rfind(b"\n", 0, outline.start) + 1
        rest = _LINE_END.match(self.text, outline.end)
        is_alone = rest is not None and not self.text[line : outline.start].strip()
        return [(line, rest.end(), b"") if rest and is_alone else (outline.start, outline.end, b"")]

    def replacement(self, outline: Outline, name: str, value: str | None) -> Edit:
        """Return the edit that changes, adds or (None) removes one attribute."""
        attributes = list(_ATTRIBUTE.finditer(self.text, outline.start, outline.inside))
        old = next((found for found in attributes if found[1].decode().lower() == name.lower()), None)
        if old is None:
            return (
                attributes[-1].end(),
                attributes[-1].end(),
                b"" if value is None else written({name: value}),
            )
        if value is None:
            return old.start(), old.end(), b""
        return old.start(1), old.end(), written({old[1].decode(): value}).lstrip()

    def spliced(self, edits: list[Edit]) -> bytes:
        """Return the file's bytes with the edits made, in its own encoding."""
        kept, done = [], 0
        for start, end, new in sorted(edits):  # pieces, for a list may have 100,000 feeds taken out
            kept += [self.text[done:start], new]
            done = end
        text = b"".join((*kept, self.text[done:]))
        return self._bom + text.decode().encode(self._codec, "xmlcharrefreplace")

    def _indent(self, position: int) -> bytes:
        line = self.text[self.text.rfind(b"\n", 0, position) + 1 : position]
        return b"" if line.strip() else line

    def _match(self, pattern: re.Pattern[bytes], outline: Outline) -> re.Match[bytes]:
        found = pattern.match(self.text, outline.start)
        if found is None:
            raise OpmlError(f"{self.name}, line {outline.line}: expected a start tag")
        return found


def feed_outline(attributes: dict[str, str]) -> bytes:
    """Return a feed's outline as it stands in a file."""
    return b"<outline" + written(attributes) + b"/>"


def written(attributes: dict[str, str]) -> bytes:
    """Return attributes as they stand in a tag, each after a space."""
    return "".join(
        f' {name}="{escape(xml_legal(value), _QUOTES)}"' for name, value in attributes.items()
    ).encode()  # fmt: skip


def _encoding(data: bytes) -> tuple[bytes, str]:
    for bom, codec in _BOMS:
        if data.startswith(bom):
            return bom, codec
    prolog = _PROLOG.match(data)
    named = prolog[1].decode().lower() if prolog else "utf-8"
    return b"", _CODECS.get(named, named)


class _Reader:
    """Builds the outline tree from expat's events, which know where they are."""

    def __init__(self, text: bytes, name: str) -> None:
        self._text, self._name = text, name
        self._body: Outline | None = None
        self._open: list[Outline | None] = []  # None for an element that is no outline
        self._around: list[Outline] = []  # the others of them
        self._expat = expat.ParserCreate("utf-8")
        self._expat.StartElementHandler = self._start
        self._expat.EndElementHandler = self._end
        self._expat.EntityDeclHandler = self._refuse_entity

    def read(self) -> Outline:
        """Return the body.

        Raises: OpmlError where the text is no XML, no OPML or declares entities.
        """
        try:
            self._expat.Parse(self._text, True)
        except expat.ExpatError as error:
            reason = expat.errors.messages[error.code]
            raise OpmlError(f"{self._name}, line {error.lineno}: {reason}; expected XML") from error
        if self._body is None:
            raise OpmlError(f"{self._name}: expected <body> inside <opml>")
        return self._body

    def _start(self, tag: str, attributes: dict[str, str]) -> None:
        kind = tag.lower()
        if not self._open and kind != "opml":
            raise self._error(f"<{tag}> found; expected <opml>")
        if len(self._open) > _MAX_DEPTH:
            raise self._error(f"expected at most {_MAX_DEPTH} levels of outlines")
        parent = self._around[-1] if self._around else None
        is_body = kind == "body" and self._body is None
        outline = self._outline(attributes, parent) if is_body or (kind == "outline" and parent) else None
        if outline and parent:
            parent.children.append(outline)
        elif outline:
            self._body = outline
        if outline:
            self._around.append(outline)
        self._open.append(outline)

    def _outline(self, attributes: dict[str, str], parent: Outline | None) -> Outline:
        start = self._expat.CurrentByteIndex
        tag = _TAG.match(self._text, start)
        lower = {name.lower(): value for name, value in attributes.items()}
        url = urls.web_address(lower.get("xmlurl", ""))
        outline = Outline(
            attributes=lower,
            url=url,
            first_url=urls.web_address(lower.get("first_url", "")) or url,
            line=self._expat.CurrentLineNumber,
            start=start,
            inside=tag.end() if tag else start,
            path=parent.path if parent else "",
        )
        if parent and not outline.url:
            outline.path = f"{parent.path}/{outline.name}" if parent.path else outline.name
        return outline

    def _end(self, _: str) -> None:
        outline = self._open.pop()
        if outline is None:
            return
        self._around.pop()
        closes_itself = self._text.endswith(b"/>", 0, outline.inside)
        outline.close = outline.inside if closes_itself else self._expat.CurrentByteIndex
        outline.end = outline.inside if closes_itself else self._text.index(b">", outline.close) + 1

    def _refuse_entity(self, *_: object) -> None:
        raise self._error("expected no <!ENTITY> declarations, which can grow without bound")

    def _error(self, message: str) -> OpmlError:
        return OpmlError(f"{self._name}, line {self._expat.CurrentLineNumber}: {message}")
