"""A reader that looks at our feeds all the while, as one behind a plain web server would, and forgets nothing.

with Reader(output, most=60) as reader:
    ...                      # runs, kills
    reader.look()            # once more, at rest
assert reader.findings == []
"""

import gzip
import json
import threading
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Self
from urllib.parse import unquote

from lxml import etree

FEEDS = ("atom.xml", "rss.xml", "feed.json")
PAUSE = 0.02  # seconds between two looks
SITE = "http://news.example/"

_ATOM = {"a": "http://www.w3.org/2005/Atom"}


@dataclass(slots=True)
class Known:
    """What this reader has of one feed."""

    body: bytes = b""
    ids: tuple[str, ...] = ()
    ever: set[str] = field(default_factory=set)
    told: dict[str, str] = field(default_factory=dict)  # id: what the reader compares
    changes: dict[str, int] = field(default_factory=dict)  # id: how often that changed


class Reader:
    """Looks until the `with` block ends; `findings` holds what no reader should see."""

    def __init__(self, output: Path, most: int) -> None:
        self.output, self.most = output, most
        self.known = {name: Known() for name in FEEDS}
        self.findings: list[str] = []
        self.looks = self.changes = 0
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="reader")

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._over.set()
        self._thread.join()

    def _watch(self) -> None:
        while not self._over.wait(PAUSE):
            self.look()

    def look(self) -> None:
        """Read each feed that differs from what was read last."""
        for name, known in self.known.items():
            self._read(name, known)

    def _read(self, name: str, known: Known) -> None:
        try:
            body = (self.output / name).read_bytes()
        except FileNotFoundError:
            if known.body:
                self._find(name, "is gone")
            return
        self.looks += 1
        if body == known.body:
            return
        self.changes += 1
        self._packed(name, {known.body, body})
        known.body = body
        try:
            entries = PARSE[name](body)
        except (etree.XMLSyntaxError, ValueError, KeyError) as error:
            self._find(name, f"is broken: {error}")
            return
        self._compare(name, known, entries)

    def _packed(self, name: str, bodies: set[bytes]) -> None:
        """Look at the copy that is sent to those who take gzip."""
        try:
            packed = gzip.decompress((self.output / f"{name}.gz").read_bytes())
        except FileNotFoundError:
            return
        except (OSError, EOFError) as error:
            self._find(f"{name}.gz", f"is broken: {error}")
            return
        if packed not in bodies and packed != (self.output / name).read_bytes():
            self._find(f"{name}.gz", "is no copy of its document")

    def _compare(self, name: str, known: Known, entries: list["Entry"]) -> None:
        ids = tuple(entry.id for entry in entries)
        if len({*ids}) < len(ids):
            self._find(name, "holds an id twice")
        if back := {*ids} & known.ever - {*known.ids}:
            self._find(name, f"holds again what it had dropped: {sorted(back)}")
        if len(ids) < min(len(known.ids), self.most):
            self._find(name, f"shrank from {len(known.ids)} to {len(ids)} entries")
        kept = [each for each in known.ids if each in {*ids}]
        if list(known.ids[: len(kept)]) != kept:
            self._find(name, "lost an entry that was not its oldest")
        if kept != [each for each in ids if each in {*known.ids}]:
            self._find(name, "tells entries in another order")
        for entry in entries:
            self._told(known, entry)
            for page in entry.pages:
                if not (self.output / unquote(page.removeprefix(SITE))).exists():
                    self._find(name, f"links to {page}, which is not there")
        known.ids, known.ever = ids, known.ever | {*ids}

    def _told(self, known: Known, entry: "Entry") -> None:
        if known.told.get(entry.id, entry.text) != entry.text:
            known.changes[entry.id] = known.changes.get(entry.id, 0) + 1
        known.told[entry.id] = entry.text

    def _find(self, name: str, what: str) -> None:
        self.findings.append(f"{name} {what}")


@dataclass(frozen=True, slots=True)
class Entry:
    """What a reader takes of an entry."""

    id: str
    link: str
    text: str
    pages: tuple[str, ...]  # of ours that it links to


def _atom(body: bytes) -> list[Entry]:
    def text(entry: etree._Element, name: str) -> str:
        return str(entry.xpath(f"string(a:{name})", namespaces=_ATOM))

    return [
        Entry(
            text(entry, "id"),
            str(entry.xpath("string(a:link[@rel='alternate']/@href)", namespaces=_ATOM)),
            "|".join(text(entry, name) for name in ("updated", "title", "content")),
            _ours(entry.xpath("a:link[@rel='related']/@href", namespaces=_ATOM)),
        )
        for entry in etree.fromstring(body).iterfind("a:entry", _ATOM)
    ]


def _rss(body: bytes) -> list[Entry]:
    return [
        Entry(
            entry.findtext("guid", ""),
            entry.findtext("link", ""),
            "|".join(entry.findtext(name, "") for name in ("title", "description")),
            _ours([entry.findtext("link", "")]),
        )
        for entry in etree.fromstring(body).iterfind("channel/item")
    ]


def _json(body: bytes) -> list[Entry]:
    return [
        Entry(
            entry["id"], entry["url"],
            "|".join(str(entry.get(name)) for name in ("title", "content_html", "date_modified")),
            _ours([entry["url"], entry.get("external_url", "")]),
        )
        for entry in json.loads(body)["items"]
    ]  # fmt: skip


def _ours(links: list[str]) -> tuple[str, ...]:
    return tuple(link for link in links if link.startswith(SITE))


PARSE = {"atom.xml": _atom, "rss.xml": _rss, "feed.json": _json}
