"""One HTTP request, and what became of it."""

from dataclasses import dataclass, field
from datetime import timedelta

from aggregator.model.light import light


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """One conditional GET, or one POST where there is a body to send."""

    url: str
    etag: str | None = None
    last_modified: str | None = None
    max_bytes: int = 10 * 1024 * 1024
    accept: str = "*/*"
    headers: tuple[tuple[str, str], ...] = field(default=(), repr=False)  # may hold a key
    body: bytes = b""


@dataclass(frozen=True, slots=True, kw_only=True)
class Fetched:
    """A complete 200 answer."""

    url: str  # after redirects
    body: bytes  # unpacked
    content_type: str | None
    etag: str | None
    last_modified: str | None
    fresh_for: timedelta | None  # Cache-Control max-age, else Expires - Date
    moved_to: str | None  # the final URL where every redirect on the way was permanent, else None
    wire_bytes: int
    seconds: float
    status: int = 200
    headers: tuple[tuple[str, str], ...] = ()  # lower-case names, as received


@light
@dataclass(frozen=True, slots=True, kw_only=True)
class NotModified:
    """A 304 answer."""

    url: str
    etag: str | None
    last_modified: str | None
    fresh_for: timedelta | None
    moved_to: str | None
    seconds: float
    wire_bytes: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """An expected error of one fetch or parse, as a value."""

    kind: str  # the AggregatorError's class name; "Skipped": not made, "Left": for the next job to make
    detail: str  # one line for the operator
    url: str
    status: int | None = None
    retry_after: timedelta | None = None  # as the server asked, clamped
    seconds: float = 0.0
    body_fingerprint: str | None = None  # of a body that is no feed
