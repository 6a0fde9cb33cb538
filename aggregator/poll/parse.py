"""Turn a feed's body into a ParsedFeed. The only import of feedparser."""

import io
import re
from typing import Any

import feedparser  # type: ignore[import-untyped]
from feedparser.datetimes import _parse_date  # type: ignore[import-untyped]

from aggregator.errors import NotAFeed
from aggregator.model import ParsedFeed
from aggregator.poll import decode, fast, jsonfeed, xmlfeed

# What feedparser has been seen to raise on hostile bodies; none of it is a fault of ours.
_RAISES = (
    ArithmeticError,
    AssertionError,
    AttributeError,
    LookupError,
    RecursionError,
    TypeError,
    ValueError,
)

_HTML = re.compile(rb"(?>\s+|<!--.*?-->)*+<(?:!doctype\s+html|html|head|body)\b", re.IGNORECASE | re.DOTALL)

# feedparser's time grows with the square of an element's attributes and is long for deep nesting.
_MAX_DEPTH = 100_000
_MAX_ATTRIBUTES = 1000
_MAX_UNTIMED = 32_768  # bytes; the worst that is known of feedparser takes 2 s for them
_TAG = re.compile(rb"<(/?)[A-Za-z][^<>]*")
_LONG_TAG = re.compile(rb"<[A-Za-z][^<>]{4000,}")


def parse(
    body: bytes, content_type: str | None, url: str, *, is_timed: bool = True, newest: int | None = None
) -> ParsedFeed:
    """Return what the body says; `url` is where it came from.

    Shape: with `newest`, entries beyond the newest so many are without text and fingerprint; where no timer
    can cut a parse off (`is_timed`), feedparser reads small bodies only.
    Raises: NotAFeed naming what the body looks like instead.
    """
    text = decode.to_utf8(body, content_type).strip()
    if not text:
        raise NotAFeed(f"{url}: is empty")
    if text[:1] in b"{[":
        return jsonfeed.parse(text, url, newest)
    if _HTML.match(text):
        raise NotAFeed(f"{url}: is an HTML page, not a feed")
    if b"\x00" in body and b"<" not in text:
        raise NotAFeed(f"{url}: is no feed but binary data")
    tree = fast.tree(text, _parse_date)
    if tree is None and not is_timed and len(text) > _MAX_UNTIMED:
        raise NotAFeed(f"{url}: is not well-formed, and too large to be mended where no timer ends it")
    return xmlfeed.read(tree or _tree(text, url), text, url, newest)


def _refuse_costly(text: bytes, url: str) -> None:
    if any(tag.count(b"=") > _MAX_ATTRIBUTES for tag in _LONG_TAG.findall(text)):
        raise NotAFeed(f"{url}: has an element of more than {_MAX_ATTRIBUTES} attributes")
    if text.count(b"<") > _MAX_DEPTH and _depth(text) > _MAX_DEPTH:
        raise NotAFeed(f"{url}: nests more than {_MAX_DEPTH} elements")


def _depth(text: bytes) -> int:
    depth = deepest = 0
    for tag in _TAG.finditer(text):
        if tag[1]:
            depth = max(0, depth - 1)
        elif not tag[0].endswith(b"/"):
            depth += 1
            deepest = max(deepest, depth)
    return deepest


def _tree(body: bytes, url: str) -> dict[str, Any]:
    _refuse_costly(body, url)
    # No content-location: feedparser would complete guids with it, and a feed that moves would be all new.
    headers = {"content-type": "application/xml; charset=utf-8"}
    try:
        tree: dict[str, Any] = feedparser.parse(
            io.BytesIO(body), response_headers=headers, sanitize_html=False, resolve_relative_uris=False
        )
    except _RAISES as error:
        raise NotAFeed(f"{url}: breaks the parser ({type(error).__name__}: {error})") from error
    if tree["entries"]:
        return tree
    trouble = tree.get("bozo_exception")
    if not tree.get("version"):
        raise NotAFeed(f"{url}: is no feed but {_looks_like(body)}")
    if trouble:
        raise NotAFeed(f"{url}: breaks off before its first entry ({trouble})")
    return tree


def _looks_like(body: bytes) -> str:
    if re.search(rb"<(?:html|body|head)\b", body[:4096], re.IGNORECASE):
        return "an HTML page"
    root = re.search(rb"<([A-Za-z_][\w:.-]{0,60})", body[:4096])
    if root:
        return f"XML of another kind (<{root[1].decode('ascii', 'replace')}>)"
    return f"text that starts with {body[:40].decode('utf-8', 'replace')!r}"
