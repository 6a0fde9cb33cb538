"""Read whatever can be mended, by feedparser. The only import of it."""

import io
import re
from collections.abc import Callable, Sequence
from typing import Any

import feedparser  # type: ignore[import-untyped]
from feedparser.datetimes import _parse_date  # type: ignore[import-untyped]

from aggregator.errors import NotAFeed

parse_date: Callable[[str], Sequence[int] | None] = _parse_date

# What feedparser has been seen to raise on hostile bodies; none of it is a fault of ours.
_RAISES = (
    ArithmeticError,
    AssertionError,
    AttributeError,
    LookupError,
    RecursionError,
    TypeError,
    ValueError,
    re.error,  # a backslash in an entity's definition
)

# feedparser's time grows with the square of an element's attributes and is long for deep nesting.
_MAX_DEPTH = 100_000
_MAX_ATTRIBUTES = 1000
_TAG = re.compile(rb"<(/?)[A-Za-z][^<>]*")
_LONG_TAG = re.compile(rb"<[A-Za-z][^<>]{4000,}")


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


def tree(body: bytes, url: str) -> dict[str, Any]:
    """Return the tree that feedparser makes of a document in UTF-8.

    Raises: NotAFeed naming what the body looks like instead.
    """
    _refuse_costly(body, url)
    # No content-location: feedparser would complete guids with it, and a feed that moves would be all new.
    headers = {"content-type": "application/xml; charset=utf-8"}
    try:
        found: dict[str, Any] = feedparser.parse(
            io.BytesIO(body), response_headers=headers, sanitize_html=False, resolve_relative_uris=False
        )
    except _RAISES as error:
        raise NotAFeed(f"{url}: breaks the parser ({type(error).__name__}: {error})") from error
    if found["entries"]:
        return found
    trouble = found.get("bozo_exception")
    if not found.get("version"):
        raise NotAFeed(f"{url}: is no feed but {_looks_like(body)}")
    if trouble:
        raise NotAFeed(f"{url}: breaks off before its first entry ({trouble})")
    return found


def _looks_like(body: bytes) -> str:
    if re.search(rb"<(?:html|body|head)\b", body[:4096], re.IGNORECASE):
        return "an HTML page"
    root = re.search(rb"<([A-Za-z_][\w:.-]{0,60})", body[:4096])
    if root:
        return f"XML of another kind (<{root[1].decode('ascii', 'replace')}>)"
    return f"text that starts with {body[:40].decode('utf-8', 'replace')!r}"
