"""Turn a feed's body into a ParsedFeed. The only import of feedparser."""

import codecs
import io
import re
from typing import Any

import feedparser  # type: ignore[import-untyped]

from aggregator.errors import NotAFeed
from aggregator.model import ParsedFeed
from aggregator.poll import jsonfeed, xmlfeed

PARSER_VERSION = "1"  # raise it when the same body parses to something else: bodies seen are parsed again

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
_HARMLESS = (feedparser.CharacterEncodingOverride, feedparser.NonXMLContentType)

_HTML = re.compile(
    rb"(?:\xef\xbb\xbf)?(?:\s|<!--.*?-->)*<(?:!doctype\s+html|html|head|body)\b", re.IGNORECASE | re.DOTALL
)
_PROLOG = re.compile(rb"(<\?xml[^>]*?encoding\s*=\s*[\"'])([\w.:-]+)", re.IGNORECASE)
_CHARSET = re.compile(r"charset\s*=\s*[\"']?([\w.:-]+)", re.IGNORECASE)
_REFERENCE = re.compile(rb"&#(?:x([0-9a-f]{1,8})|([0-9]{1,8}));", re.IGNORECASE)


def parse(body: bytes, content_type: str | None, url: str) -> ParsedFeed:
    """Return what the body says; `url` is where it came from.

    Raises: NotAFeed naming what the body looks like instead.
    """
    start = body.lstrip(b"\xef\xbb\xbf \t\r\n")[:1]
    if not start:
        raise NotAFeed(f"{url}: is empty")
    if start in b"{[":
        return jsonfeed.parse(body, url)
    if _HTML.match(body):
        raise NotAFeed(f"{url}: is an HTML page, not a feed")
    body, content_type = _readable(body, content_type)
    return xmlfeed.read(_tree(body, content_type, url), body, url)


def _readable(body: bytes, content_type: str | None) -> tuple[bytes, str | None]:
    """Work around two things feedparser cannot read: cp932 under the name Shift_JIS, and lone surrogates."""
    if b"&#" in body:
        body = _REFERENCE.sub(lambda ref: ref[0] if _is_legal(ref) else b"&#xFFFD;", body)
    prolog = _PROLOG.search(body[:200])
    charset = _CHARSET.search(content_type or "")
    named = [prolog[2].decode("ascii", "ignore") if prolog else "", charset[1] if charset else ""]
    if not any(_is_shift_jis(name) for name in named):
        return body, content_type
    utf8 = body if _is_utf8(body) else body.decode("cp932", "replace").encode()
    return _PROLOG.sub(rb"\1utf-8", utf8, count=1), "application/xml; charset=utf-8"


def _is_legal(reference: re.Match[bytes]) -> bool:
    number = int(reference[1], 16) if reference[1] else int(reference[2])
    return (
        number in {9, 10, 13}
        or 32 <= number < 0xD800
        or 0xE000 <= number < 0xFFFE
        or 0x10000 <= number < 0x110000
    )


def _is_shift_jis(name: str) -> bool:
    try:
        return codecs.lookup(name).name in {"shift_jis", "cp932"}
    except LookupError:
        return False


def _is_utf8(body: bytes) -> bool:
    try:
        body.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True


def _tree(body: bytes, content_type: str | None, url: str) -> dict[str, Any]:
    # No content-location: feedparser would complete guids with it, and a feed that moves would be all new.
    headers = {"content-type": content_type or "application/xml"}
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
    if trouble and not isinstance(trouble, _HARMLESS):
        raise NotAFeed(f"{url}: breaks off before its first entry ({trouble})")
    return tree


def _looks_like(body: bytes) -> str:
    if re.search(rb"<(?:html|body|head)\b", body[:4096], re.IGNORECASE):
        return "an HTML page"
    root = re.search(rb"<([A-Za-z_][\w:.-]{0,60})", body[:4096])
    if root:
        return f"XML of another kind (<{root[1].decode('ascii', 'replace')}>)"
    if b"\x00" in body[:4096]:
        return "binary data"
    return f"text that starts with {body.strip()[:40].decode('utf-8', 'replace')!r}"
