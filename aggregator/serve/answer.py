"""What a request for a document is answered: in which form, with which headers, whole, in part or not at all.

Source: RFC 9110 (conditional requests: section 13, ranges: section 14).
"""

import mimetypes
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import format_datetime, parsedate_to_datetime
from typing import Literal

ENCODINGS = {"br": ".br", "gzip": ".gz"}  # the best first; how the names of copies end
PAGE = "subscribe.html"  # what somebody sees who opens a feed in a browser

# What readers need to see; a name decides before its ending.
_MEDIA_TYPES = {
    "sitemap.xml": "application/xml; charset=utf-8",
    "rss.xml": "application/rss+xml; charset=utf-8",
    ".xml": "application/atom+xml; charset=utf-8",
    ".json": "application/feed+json; charset=utf-8",
    ".opml": "text/x-opml; charset=utf-8",
    ".html": "text/html; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
}
_FEEDS = ("application/rss+xml", "application/atom+xml", "application/feed+json")
# No script and no style within a page, nothing from elsewhere, no frame: pages hold text that others wrote.
_POLICY = (
    "default-src 'none'; style-src 'self'; img-src 'self'; script-src 'self'; "
    "base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
)
_SAFE = {
    "Server": "aggregator",
    "X-Content-Type-Options": "nosniff",
    "Content-Security-Policy": _POLICY,
    "Cross-Origin-Opener-Policy": "same-origin",
}
# public: as often as a backlog is published. Otherwise who asks sees what is there, for the price of a 304.
_PUBLIC = {"Cache-Control": "public, max-age=60", "Referrer-Policy": "strict-origin-when-cross-origin"}
_LOCAL = {"Cache-Control": "no-cache", "Referrer-Policy": "strict-origin-when-cross-origin"}
# Pages say so themselves; feeds cannot, and the path is the secret.
_PRIVATE = {
    "Cache-Control": "private, no-cache",
    "Referrer-Policy": "no-referrer",
    "X-Robots-Tag": "noindex, nofollow",
}
_HEADERS = {"local": _SAFE | _LOCAL, "private": _SAFE | _PRIVATE, "public": _SAFE | _PUBLIC}
_RANGE = re.compile(r"bytes=(\d{0,18})-(\d{0,18})")
_WEIGHT = re.compile(r"\s*q\s*=\s*([01](?:\.\d{0,3})?)\s*", re.IGNORECASE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Form:
    """One form of a document, as it lies there."""

    size: int
    modified_ns: int
    encoding: str = ""  # empty: as it is

    @property
    def etag(self) -> str:
        """Return a strong validator: another form has another one (RFC 9110 section 8.8.3)."""
        coding = f"-{self.encoding}" if self.encoding else ""
        return f'"{self.modified_ns:x}-{self.size:x}{coding}"'

    @property
    def modified_at(self) -> datetime:
        """Return when it was written, in whole seconds as HTTP has it."""
        return datetime.fromtimestamp(self.modified_ns // 1_000_000_000, UTC)


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """A status, what goes with it, and which bytes of the form follow."""

    status: int
    headers: Mapping[str, str]
    start: int = 0
    length: int = 0


def headers(visibility: Literal["local", "private", "public"]) -> dict[str, str]:
    """Return what goes with every answer."""
    return _HEADERS[visibility]


def media_type(name: str) -> str:
    """Return the Content-Type of a document."""
    for ending, kind in _MEDIA_TYPES.items():
        if name.endswith(ending):
            return kind
    return mimetypes.guess_type(name)[0] or "application/octet-stream"


def is_feed(name: str) -> bool:
    """Tell whether a document is for feed readers."""
    return media_type(name).startswith(_FEEDS)


def is_navigation(asked: Mapping[str, str]) -> bool:
    """Tell whether a browser asks for something to show in a window; a reader never says so.

    Source: Fetch Metadata Request Headers, section 2.1. Browsers send it over https and to this machine.
    """
    return asked.get("Sec-Fetch-Dest") == "document" and "text/html" in asked.get("Accept", "")


def encodings(accepted: str) -> list[str]:
    """Return the encodings of copies that an Accept-Encoding allows, the best first."""
    weights = {}
    for part in accepted.lower().split(","):
        name, _, parameter = part.partition(";")
        weight = _WEIGHT.fullmatch(parameter)
        weights[name.strip()] = float(weight[1]) if weight else 1.0
    anything = weights.get("*", 0.0)
    return [name for name in ENCODINGS if weights.get(name, anything) > 0]


def answer(name: str, form: Form, asked: Mapping[str, str]) -> Answer:
    """Return what a GET of this document is answered; HEAD is the same without bytes."""
    validators = {"ETag": form.etag, "Last-Modified": format_datetime(form.modified_at, usegmt=True)}
    if not _holds(form, asked):
        return Answer(status=412, headers={})
    if _is_known(form, asked):
        return Answer(status=304, headers=validators)
    described = validators | {"Content-Type": media_type(name), "Accept-Ranges": "bytes"}
    if form.encoding:
        described["Content-Encoding"] = form.encoding
    part = _part(form, asked)
    if part is None:
        return Answer(status=200, headers=described, length=form.size)
    if not part:
        return Answer(status=416, headers={"Content-Range": f"bytes */{form.size}"})
    described["Content-Range"] = f"bytes {part.start}-{part.stop - 1}/{form.size}"
    return Answer(status=206, headers=described, start=part.start, length=len(part))


def _holds(form: Form, asked: Mapping[str, str]) -> bool:
    """Tell whether the document is still the one that the request is about."""
    expected = asked.get("If-Match")
    if expected is not None:
        return expected.strip() == "*" or form.etag in _tags(expected)
    since = _moment(asked.get("If-Unmodified-Since"))
    return since is None or form.modified_at <= since


def _is_known(form: Form, asked: Mapping[str, str]) -> bool:
    """Tell whether who asks has this form already; an ETag outranks a date (section 13.2.2)."""
    known = asked.get("If-None-Match")
    if known is not None:
        return known.strip() == "*" or form.etag in {tag.removeprefix("W/") for tag in _tags(known)}
    since = _moment(asked.get("If-Modified-Since"))
    return since is not None and form.modified_at <= since


def _part(form: Form, asked: Mapping[str, str]) -> range | None:
    """Return the bytes that are asked for, empty where there are none; None: all of them.

    Several ranges at once, and what cannot be read, are answered whole, as section 14.2 allows.
    """
    match = _RANGE.fullmatch(asked.get("Range", "").strip())
    if match is None or not any(match.groups()) or not _is_same(form, asked.get("If-Range")):
        return None
    first, last = match.groups()
    if not first:
        return range(max(0, form.size - int(last)), form.size)
    if last and int(last) < int(first):
        return None
    return range(int(first), min(int(last) + 1, form.size) if last else form.size)


def _is_same(form: Form, condition: str | None) -> bool:
    """Tell whether the rest would fit what who asks has (section 13.1.5: exactly)."""
    if condition is None:
        return True
    if '"' in condition:
        return condition.strip() == form.etag
    return _moment(condition) == form.modified_at


def _tags(value: str) -> set[str]:
    return {tag.strip() for tag in value.split(",")}


def _moment(value: str | None) -> datetime | None:
    """Read a date; one that cannot be read is as good as none (section 13.1.3)."""
    try:
        moment = parsedate_to_datetime(value) if value else None
    except ValueError:
        return None
    return moment.replace(tzinfo=UTC) if moment and moment.tzinfo is None else moment
