"""Make a ParsedEntry of what a feed says: bounded, sanitised, with an identity of its own."""

import hashlib
import re
from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime
from urllib.parse import urlsplit

from aggregator import urls
from aggregator.markup import letters, plain, sanitise, to_text, xml_legal
from aggregator.model import Enclosure, ParsedEntry

MAX_TITLE = 1000  # characters
MAX_HTML = 500_000  # bytes
MAX_URL = 4000
MAX_NAME = 200
_HEADLINE = 80
_MAIL = re.compile(r"(?:mailto:)?[\w.+-]+@[\w-]+(?:\.[\w-]+)+")


def by_name(
    *,
    guid: str,
    permalink: str | None,
    title: str,
    published_at: datetime | None,
    updated_at: datetime | None,
) -> ParsedEntry | None:
    """Return an entry whose text nobody wants, or None where only its text tells it from others.

    Shape: it has no fingerprint.
    """
    headline, own_guid = heading(title), _guid(guid)
    name = own_guid or permalink
    if not (headline and name):
        return None
    return ParsedEntry(
        guid=name,
        permalink=permalink,
        title=headline,
        summary_html="",
        content_html="",
        published_at=_plausible(published_at),
        updated_at=_plausible(updated_at),
    )


def entry(
    *,
    guid: str,
    permalink: str | None,
    title: str,
    summary_html: str,
    content_html: str,
    base: str,
    authors: Iterable[str] = (),
    tags: Iterable[str] = (),
    enclosures: Iterable[Enclosure | None] = (),
    image_url: str | None = None,
    language: str | None = None,
    comments_url: str | None = None,
    comments_feed_url: str | None = None,
    comment_count: int | None = None,
    published_at: datetime | None = None,
    updated_at: datetime | None = None,
) -> ParsedEntry | None:
    """Return the entry as it is stored, or None where the feed gives nothing to tell it by.

    Shape: relative addresses are joined to `base`; without a guid the permalink is it, else a fingerprint;
    without a title the text's beginning is it.
    """
    content = sanitise(cut(content_html, MAX_HTML), base)
    summary = content if summary_html == content_html else sanitise(cut(summary_html, MAX_HTML), base)
    found = ParsedEntry(
        guid=_guid(guid) or permalink or "",
        permalink=permalink,
        title=heading(title) or _headline(summary) or _headline(content),
        summary_html="" if summary == content else summary,
        content_html=content,
        authors=people(authors),
        tags=names(tags),
        enclosures=tuple(enclosure for enclosure in enclosures if enclosure),
        image_url=image_url,
        language=language,
        comments_url=comments_url,
        comments_feed_url=comments_feed_url,
        comment_count=comment_count,
        published_at=_plausible(published_at),
        updated_at=_plausible(updated_at),
    )
    if not (found.guid or found.title):
        return None
    mark = fingerprint(found)
    return replace(found, fingerprint=mark, guid=found.guid or mark)


def fingerprint(entry: ParsedEntry) -> str:
    """Return the SHA-256 of what a reader would call the entry's content.

    Shape: title, text of summary and content, permalink, authors, tags, enclosures; no counts, dates,
    tracking parameters, images or markup.
    """
    links = [entry.permalink or "", *(enclosure.url for enclosure in entry.enclosures)]
    content = [
        entry.title,
        letters(entry.summary_html),
        letters(entry.content_html),
        *entry.authors,
        "",
        *entry.tags,
        "",
        *(urls.canonical(link) or link for link in links),
    ]
    return hashlib.sha256("\x00".join(content).encode()).hexdigest()


def _plausible(moment: datetime | None) -> datetime | None:
    """Return the date unless it stands for none: Go's zero time is the year 1, a "never" the year 9999.

    Neither can be told in every time zone.
    """
    return moment if moment and 1900 <= moment.year < 9999 else None


def _guid(text: str) -> str:
    guid = xml_legal(text).strip()
    return guid if len(guid) <= MAX_TITLE else hashlib.sha256(guid.encode()).hexdigest()


def _headline(html: str) -> str:
    """Begin an entry without a title by its own words: a note on a microblog has no other."""
    text = to_text(html).partition("\n")[0]
    if len(text) <= _HEADLINE:
        return text
    return (text[:_HEADLINE].rpartition(" ")[0] or text[:_HEADLINE]).rstrip(",;:–—- ") + " …"


def heading(text: str) -> str:
    """Return a title: one line, bounded."""
    return plain(text[: 5 * MAX_TITLE])[:MAX_TITLE].rstrip()


def names(texts: Iterable[str]) -> tuple[str, ...]:
    """Return names as plain text, each once, empty ones left out."""
    return tuple(dict.fromkeys(name for text in texts if (name := heading(text)[:MAX_NAME].rstrip())))


def people(texts: Iterable[str]) -> tuple[str, ...]:
    """Return the names in "a@example.org (Name)", "Name <a@example.org>" or "Name"; no mail addresses."""
    return names(_without_mail(text[:MAX_TITLE]) for text in texts)


def _without_mail(text: str) -> str:
    name = _MAIL.sub("", text).strip()
    is_whole = name == text.strip() and not name.startswith("(")
    return name if is_whole else name.strip(" ()<>")  # "Ann (Example Wire)" keeps both of them


_BREAKS = dict.fromkeys(map(ord, "\t\n\r"))  # WHATWG URL, basic URL parser, step 3: they count for nothing


def web_url(base: str, text: str | None) -> str | None:
    """Return an absolute http(s) address, or None where the text gives none."""
    if text and urls.is_plain(text):
        return text if len(text) <= MAX_URL else None
    joined = text or ""
    if not joined.isprintable():
        joined = joined.translate(_BREAKS)
    url = urls.absolute(base, xml_legal(joined)) if joined.strip() else ""
    try:
        is_web = urlsplit(url).scheme in {"http", "https"} and bool(urlsplit(url).hostname)
    except ValueError:  # an unclosed bracket of an IPv6 address
        return None
    return url if is_web and len(url) <= MAX_URL else None


def cut(text: str, size: int) -> str:
    """Return at most `size` bytes of the text, whole characters."""
    if len(text) * 4 <= size:
        return text
    return text.encode("utf-8", "ignore")[:size].decode("utf-8", "ignore")
