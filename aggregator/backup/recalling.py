"""What output/ still says of entries: read back from our own feeds, archives and pages."""

import json
import logging
import re
from collections.abc import Iterator
from html import unescape
from pathlib import Path

from lxml import etree, html  # type: ignore[import-untyped]

from aggregator.model import Digest, DigestEntry
from aggregator.publish import archive, feeds
from aggregator.publish.edition import MARK
from aggregator.store.recalls import Given
from aggregator.times import from_text

_ATOM = "{http://www.w3.org/2005/Atom}"
_LANG = "{http://www.w3.org/XML/1998/namespace}lang"
_PAGE = re.compile(r"/entries/(\d{4}/\d\d/[0-9a-f]+)\.html$")
_DIGEST = re.compile(r"/digest/([0-9W-]+)\.html$")
_LINES = re.compile("<li>(.*?)</li>")
_TITLE = re.compile(r'<a href="[^"]*/entries/([^"]+)\.html">(.*?)</a>')
_SOURCE = re.compile(
    r'(?:<a href="(?P<url>[^"]*)">(?P<linked>.*?)</a>|(?P<plain>[^<]*?))'
    r"(?: ほか(?P<more>\d+)媒体)?(?: · コメント (?P<comments>\d+)件)?"
)
_AMONG = re.compile(r"<p>(\d+)件から選びました")
_DATA = re.compile(r'<script type="application/ld\+json">(.*?)</script>', re.DOTALL)
_ENGINE = re.compile(r"機械翻訳: ([^<]+)")
_CREDITS = ("原題: ", "原文: ", "機械翻訳")

log = logging.getLogger(__name__)


def root(output: Path) -> Path | None:
    """Return the folder that was published to last: output/ or a private one in it; None where none is."""
    main = feeds.PATHS["main"][0]
    found = [path for path in (output / main, *output.glob(f"*/{main}")) if path.is_file()]
    own = [path for path in found if path.parent.name not in {"source", "category"}]
    return max(own, key=lambda path: path.stat().st_mtime_ns).parent if own else None


def given(folder: Path) -> Iterator[Given]:
    """Yield what readers were given, the newest documents first, each entry once; no digests."""
    names = [feeds.PATHS["main"][0], feeds.PATHS["all"][0]]
    seen: set[str] = set()
    for path in (*(folder / name for name in names), *_archives(folder)):
        for entry in _entries(path):
            made = _given(entry, folder)
            if made and made.public_id not in seen:
                seen.add(made.public_id)
                yield made


def digests(folder: Path) -> Iterator[Digest]:
    """Yield the digests that the main feed and its archives hold, each once."""
    names = (feeds.PATHS["main"][0], *(f"{archive.FOLDER}/{path.name}" for path in _archives(folder)))
    seen: set[str] = set()
    for entry in (entry for name in names for entry in _entries(folder / name)):
        match = _DIGEST.search(_links(entry).get("alternate", ""))
        if match and _text(entry, "id") not in seen:
            seen.add(_text(entry, "id"))
            yield _digest(entry, match[1])


def _digest(entry: etree._Element, name: str) -> Digest:
    body = _text(entry, "content")
    among = _AMONG.search(body)
    return Digest(
        kind="weekly" if "-W" in name else "daily", name=name, public_id=_text(entry, "id"),
        title=_text(entry, "title"), body=body, published_at=from_text(_text(entry, "published")),
        among=int(among[1]) if among else 0, entries=tuple(filter(None, map(_line, _LINES.findall(body)))),
    )  # fmt: skip


def _line(said: str) -> DigestEntry | None:
    """Read what `publish.digest_text` wrote of an entry: title, perhaps a line, source and numbers."""
    title, *line, source = said.split("<br>")
    headed, told = _TITLE.search(title), _SOURCE.fullmatch(source)
    if headed is None or told is None:
        return None
    return DigestEntry(
        story_id=0, slug=headed[1], title=unescape(headed[2]), line=unescape("".join(line)),
        feed_title=unescape(told["linked"] or told["plain"] or ""), more=int(told["more"] or 0),
        url=unescape(told["url"]) if told["url"] else None,
        comments=int(told["comments"]) if told["comments"] else None,
    )  # fmt: skip


def _archives(folder: Path) -> list[Path]:
    return sorted((folder / archive.FOLDER).glob("*.xml"), reverse=True)


def _entries(path: Path) -> list[etree._Element]:
    try:
        return list(etree.parse(path).iter(f"{_ATOM}entry"))
    except (OSError, etree.XMLSyntaxError) as error:
        log.warning("document_unreadable path=%s error=%s", path, error)
        return []


def _given(entry: etree._Element, folder: Path) -> Given | None:
    links = _links(entry)
    page = _PAGE.search(links.get("related", links.get("alternate", "")))
    source = entry.find(f"{_ATOM}source")
    if page is None or source is None:
        return None
    title, body = _text(entry, "title"), _text(entry, "content")
    said = _said(folder / f"entries/{page[1]}.html")
    is_translated = not title.startswith(MARK)
    return Given(
        public_id=_text(entry, "id"), slug=page[1], title=title, body=body,
        first_published_at=from_text(_text(entry, "published")),
        updated_at=from_text(_text(entry, "updated")),
        permalink=links["alternate"] if "related" in links else None,
        original=said or title.removeprefix(MARK), language=entry.get(_LANG) or "en",
        feed_url=_text(source, "id"), feed_title=_text(source, "title"), translated=is_translated,
        summary=_summary(body), engine=_engine(body),
    )  # fmt: skip


def _links(entry: etree._Element) -> dict[str, str]:
    """Return where an entry leads, by rel, the first of each."""
    found = entry.findall(f"{_ATOM}link")
    return {each.get("rel", "alternate"): each.get("href", "") for each in found[::-1]}


def _text(entry: etree._Element, name: str) -> str:
    return entry.findtext(_ATOM + name) or ""


def _said(page: Path) -> str:
    """Return the original's title as an entry's page says it, "" where it does not."""
    try:
        found = _DATA.search(page.read_text(encoding="utf-8"))
        said = json.loads(found[1]) if found else {}
    except (OSError, ValueError):
        return ""
    return str(said.get("translationOfWork", {}).get("name", ""))


def _summary(body: str) -> str:
    """Return the sentences that a body begins with."""
    if not body.strip():
        return ""
    first = html.fragment_fromstring(body, create_parent="div")[:1]
    text = first[0].text_content() if len(first) else ""
    return "" if any(word in text for word in _CREDITS) else str(text)


def _engine(body: str) -> str:
    found = _ENGINE.search(body)
    return html.fromstring(found[1]).text_content() if found else ""
