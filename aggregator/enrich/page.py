"""The text of a web page, or why it has none. The only import of trafilatura, which takes half a second."""

import codecs
import re
from collections.abc import Iterator
from urllib.parse import urlsplit

from lxml import etree  # type: ignore[import-untyped]

from aggregator.enrich.article import is_boilerplate
from aggregator.errors import NoText

LEAST = 200  # characters; less is a teaser, a notice or a caption
SHORT = 2500  # characters up to which a notice may be all there is
_HTML = re.compile(r"text/html|application/xhtml\+xml", re.IGNORECASE)
_CHARSET = re.compile(r"charset\s*=\s*[\"']?([\w.:-]+)", re.IGNORECASE)
_TITLE = re.compile(rb"<title[^>]*>([^<]{0,300})", re.IGNORECASE)
# schema.org/isAccessibleForFree, as publishers mark what stands behind a paywall
_PAID = re.compile(rb"[\"']isAccessibleForFree[\"']\s*:\s*[\"']?false", re.IGNORECASE)
_ERROR = re.compile(
    r"^\W*(?:error\s*)?(?:40[0-9]|410|451|50[0-9])\b|(?:page|file|article|story)\s+(?:was\s+)?not\s+(?:be\s+)?found"
    r"|can.?t\s+(?:be\s+found|find\s+(?:that|this|the)\s+page)|no\s+longer\s+(?:available|exists)|access\s+denied|forbidden"
    r"|just\s+a\s+moment|attention\s+required|are\s+you\s+a\s+(?:robot|human)|verify\s+(?:that\s+)?you\s+are\s+human"
    r"|security\s+check|service\s+unavailable|bad\s+gateway|under\s+maintenance",
    re.IGNORECASE,
)
_NOTICES = {
    "a paywall": re.compile(
        r"subscribe\s+(?:now\s+)?to\s+(?:continue|keep|read|unlock)|to\s+(?:continue|keep)\s+reading"
        r"|already\s+a\s+(?:subscriber|member)|for\s+(?:paid\s+)?(?:subscribers|members)\s+only"
        r"|(?:this|the\s+full)\s+(?:article|story|post)\s+is\s+(?:only\s+)?(?:available\s+)?(?:for|to)\s+(?:\w+\s+)?(?:subscribers|members)"
        r"|create\s+(?:a\s+)?free\s+account\s+to|unlock\s+(?:this|the\s+full)\s+(?:article|story|post)"
        r"|(?:free\s+articles?\s+(?:left|remaining)|reached\s+your\s+(?:\w+\s+){0,3}limit)",
        re.IGNORECASE,
    ),
    "a cookie wall": re.compile(
        r"we\s+(?:value|care\s+about|respect)\s+your\s+privacy|accept\s+(?:all\s+)?cookies|manage\s+(?:my\s+)?(?:cookies|preferences)"
        r"|(?:we|our\s+(?:\d+\s+)?partners)\s+(?:and\s+our\s+(?:\d+\s+)?partners\s+)?(?:use|store)\s+(?:\w+\s+){0,6}cookies"
        r"|before\s+you\s+continue\s+to",
        re.IGNORECASE,
    ),
    "a page for browsers": re.compile(
        r"enable\s+javascript|javascript\s+is\s+(?:disabled|required|not\s+available)"
        r"|unusual\s+traffic|checking\s+your\s+browser|not\s+a\s+robot",
        re.IGNORECASE,
    ),
}


def read(body: bytes, content_type: str | None, asked_url: str, url: str) -> str:
    """Return a page's article as paragraphs separated by a blank line, inline code in backticks.

    Raises: NoText where the page is no article: an error, a paywall, a cookie wall, a front page.
    """
    if content_type and not _HTML.match(content_type.strip()):
        raise NoText(f"no HTML but {content_type.strip()[:60]}")
    if urlsplit(url).path.strip("/") == "" and urlsplit(asked_url).path.strip("/"):
        raise NoText("it leads to the site's front page")
    title = _TITLE.search(body)
    if title and _ERROR.search(title[1].decode("utf-8", "replace").strip()):
        raise NoText("an error page")
    if _PAID.search(body):
        raise NoText("a paywall")
    paragraphs = list(_paragraphs(_decoded(body, content_type), url))
    _refuse_notices("\n".join(paragraphs))
    text = "\n\n".join(paragraph for paragraph in paragraphs if not is_boilerplate(paragraph))
    if len(text) < LEAST:
        raise NoText(f"no article of {LEAST} characters or more")
    return text


def _refuse_notices(text: str) -> None:
    if len(text) > SHORT:
        return
    for name, notice in _NOTICES.items():
        if notice.search(text):
            raise NoText(name)
    if len(text) < 2 * LEAST and _ERROR.search(text):
        raise NoText("an error page")


def _decoded(body: bytes, content_type: str | None) -> bytes | str:
    """Decode by the header's charset, which outranks the page's; else it is left to trafilatura."""
    named = _CHARSET.search(content_type or "")
    try:
        return body.decode(codecs.lookup(named[1]).name, "replace") if named else body
    except (LookupError, UnicodeError):  # no charset, or one that is no text
        return body


def _paragraphs(html: bytes | str, url: str) -> Iterator[str]:
    import trafilatura

    found = trafilatura.extract(
        html, url=url, output_format="xml", include_comments=False, include_tables=False,
        include_formatting=True, with_metadata=False,
    )  # fmt: skip
    if not found:
        return
    parser = etree.XMLParser(recover=True, no_network=True, resolve_entities=False, huge_tree=True)
    main = etree.fromstring(found.encode(), parser)
    for block in main.iter("p", "head", "item", "quote"):
        text = " ".join("".join(_own(block)).split())
        if text:
            yield text


_BLOCKS = frozenset({"p", "head", "item", "quote", "list", "table"})


def _own(block: etree._Element) -> Iterator[str]:
    """Yield a block's text without that of blocks inside it; code within a sentence gets backticks."""
    yield block.text or ""
    for child in block:
        if child.tag == "code":
            yield _code("".join(child.itertext()))
        elif child.tag == "lb":
            yield " "
        elif child.tag not in _BLOCKS:
            yield from _own(child)
        yield child.tail or ""


def _code(text: str) -> str:
    return "" if "\n" in text or not text.strip() else f"`{text.strip().replace('`', '')}`"
