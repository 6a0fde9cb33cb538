"""What a feed document holds, and what one poll of it brought."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from aggregator.model.feeds import DueFeed
from aggregator.model.fetches import Failure, NotModified
from aggregator.model.light import light

EntryFate = Literal["new", "revised", "same"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Enclosure:
    """A file that belongs to an entry."""

    url: str
    media_type: str | None = None
    length: int | None = None  # bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class ParsedEntry:
    """One entry as its feed has it, cleaned: sanitised markup, absolute links, text legal in XML."""

    guid: str  # never empty: guid, else permalink, else a fingerprint
    permalink: str | None
    title: str  # plain text
    summary_html: str
    content_html: str
    authors: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    enclosures: tuple[Enclosure, ...] = ()
    image_url: str | None = None
    language: str | None = None
    comments_url: str | None = None
    comments_feed_url: str | None = None
    comment_count: int | None = None  # slash:comments, thr:total or thr:count
    published_at: datetime | None = None
    updated_at: datetime | None = None
    fingerprint: str = ""  # of the content, taken where the feed is parsed; "" where the text was left out


@dataclass(frozen=True, slots=True, kw_only=True)
class ParsedFeed:
    """One feed document."""

    title: str
    site_url: str | None
    language: str | None
    entries: tuple[ParsedEntry, ...]
    ttl: timedelta | None = None  # <ttl>
    update_every: timedelta | None = None  # sy:updatePeriod / sy:updateFrequency
    skip_hours: tuple[int, ...] = ()  # UTC hours 0-23
    skip_days: tuple[int, ...] = ()  # Monday is 0
    hub_url: str | None = None
    self_url: str | None = None
    marks: bytes = b""  # of its entries, where they were told apart in the document


@dataclass(frozen=True, slots=True, kw_only=True)
class Changed:
    """The body is new and parses."""

    fetched_url: str
    feed: ParsedFeed
    etag: str | None
    last_modified: str | None
    body_fingerprint: str
    fresh_for: timedelta | None
    moved_to: str | None
    wire_bytes: int
    seconds: float
    status: int = 200


@light
@dataclass(frozen=True, slots=True, kw_only=True)
class Unchanged:
    """A 200 answer whose body has the fingerprint we know: not parsed."""

    fetched_url: str
    etag: str | None
    last_modified: str | None
    fresh_for: timedelta | None
    moved_to: str | None
    wire_bytes: int
    seconds: float
    status: int = 200


PollAnswer = Changed | Unchanged | NotModified | Failure


@dataclass(frozen=True, slots=True, kw_only=True)
class PollOutcome:
    """What one poll of one feed brought."""

    feed: DueFeed
    result: PollAnswer


@dataclass(frozen=True, slots=True, kw_only=True)
class ShardOutcome:
    """What one poll job brought."""

    results: tuple[PollAnswer, ...]  # in the order of the job's feeds, which need not travel back
