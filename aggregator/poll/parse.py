"""Turn a feed's body into a ParsedFeed."""

import re
from typing import Any

from aggregator.errors import NotAFeed
from aggregator.model import ParsedFeed
from aggregator.poll import decode, fast, jsonfeed, xmlfeed

_HTML = re.compile(rb"(?>\s+|<!--.*?-->)*+<(?:!doctype\s+html|html|head|body)\b", re.IGNORECASE | re.DOTALL)

_MAX_UNTIMED = 32_768  # bytes; the worst that is known of feedparser takes 2 s for them


def parse(
    body: bytes,
    content_type: str | None,
    url: str,
    *,
    is_timed: bool = True,
    newest: int | None = None,
    known: bytes = b"",
) -> ParsedFeed:
    """Return what the body says; `url` is where it came from.

    Shape: with `newest`, entries beyond the newest so many are without text and fingerprint, and so are those
    that stand there as they stood in the body that brought the `known` marks; where no timer can cut a parse
    off (`is_timed`), feedparser reads small bodies only.
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
    tree = fast.tree(text)
    if tree is None and not is_timed and len(text) > _MAX_UNTIMED:
        raise NotAFeed(f"{url}: is not well-formed, and too large to be mended where no timer ends it")
    if tree is None:
        return xmlfeed.read(_lenient(text, url), text, url, newest)
    return xmlfeed.read(tree, text, url, newest, known)


def _lenient(text: bytes, url: str) -> dict[str, Any]:
    from aggregator.poll import lenient  # a tenth of a second to load, for one feed in twenty

    return lenient.tree(text, url)
