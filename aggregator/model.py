"""Every value that crosses a stage.

All are frozen, picklable and made of standard-library values. Times are aware UTC datetimes, durations
timedelta, bodies bytes, collections tuples. `None` means absent, never failed; alternatives are types.
"""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Literal

Rights = Literal["titles", "excerpt", "full"]
RetryScope = Literal["url", "host", "domain"]
IdentityPolicy = Literal["guid", "permalink", "title"]
EntryFate = Literal["new", "revised", "same"]
PublicationState = Literal["held", "untranslated", "translated", "withdrawn"]

# --- feeds.opml -> poll -----------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class FeedSettings:
    """What an outline's own attributes say about one feed."""

    rights: Rights = "excerpt"
    rights_note: str = ""
    paused: bool = False
    language: str | None = None  # overrides what the feed says of itself
    retry_scope: RetryScope | None = None  # overrides the setting of this name
    identity: IdentityPolicy | None = None  # what tells its entries apart; None: what its entries show
    mute: str | None = None  # rules between semicolons, as poll.filters reads them
    keep: str | None = None
    max_per_day: int | None = None  # entries that are translated and published
    address: str | None = None  # xmlUrl of a feed that moved; its first_url is still its identity


@dataclass(frozen=True, slots=True, kw_only=True)
class Subscription:
    """A feed listed in feeds.opml."""

    url: str  # its first known address: what published ids are made of
    title: str = ""
    site_url: str | None = None
    category: str = ""  # names of the enclosing outlines joined by "/"
    settings: FeedSettings = FeedSettings()

    @property
    def address(self) -> str:
        """Where feeds.opml says that the feed is."""
        return self.settings.address or self.url


@dataclass(frozen=True, slots=True, kw_only=True)
class Hints:
    """What a feed document says about how often to look; kept, since a 304 brings no document."""

    ttl: timedelta | None = None  # <ttl>
    update_every: timedelta | None = None  # sy:updatePeriod / sy:updateFrequency
    skip_hours: tuple[int, ...] = ()  # UTC hours 0-23
    skip_days: tuple[int, ...] = ()  # Monday is 0


@dataclass(frozen=True, slots=True, kw_only=True)
class DueFeed:
    """What the poll step has to know of a feed that is due."""

    feed_id: int
    listed_url: str
    fetch_url: str
    domain: str  # registrable domain of fetch_url, or the IP address
    settings: FeedSettings = FeedSettings()
    etag: str | None = None
    last_modified: str | None = None
    body_fingerprint: str | None = None
    first_poll: bool = True  # no poll has ever succeeded
    last_change_at: datetime | None = None
    failures: int = 0  # in a row
    gone_seen: int = 0  # 410 answers in a row
    moved_to: str | None = None
    moved_seen: int = 0  # times in a row a permanent redirect led to a feed at moved_to
    hints: Hints = Hints()
    identity: IdentityPolicy = "guid"  # under which its entries are stored


@dataclass(frozen=True, slots=True, kw_only=True)
class HostBatch:
    """The due feeds of one registrable domain, fetched one at a time, in order."""

    domain: str
    feeds: tuple[DueFeed, ...]
    spacing: timedelta  # between the end of one fetch and the start of the next
    wait: timedelta = timedelta()  # before the first


@dataclass(frozen=True, slots=True, kw_only=True)
class Shard:
    """One poll job: hosts run side by side, each host's feeds one after another."""

    batches: tuple[HostBatch, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """One conditional GET."""

    url: str
    etag: str | None = None
    last_modified: str | None = None
    max_bytes: int = 10 * 1024 * 1024
    accept: str = "*/*"


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

    kind: str  # the AggregatorError's class name, or "Skipped" for a fetch that was not made
    detail: str  # one line for the operator
    url: str
    status: int | None = None
    retry_after: timedelta | None = None  # as the server asked, clamped
    seconds: float = 0.0


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
    fingerprint: str = ""  # of the content; taken where the feed is parsed, so that the writer need not


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


@dataclass(frozen=True, slots=True, kw_only=True)
class Unchanged:
    """A 200 answer whose body has the fingerprint we know: not parsed."""

    etag: str | None
    last_modified: str | None
    fresh_for: timedelta | None
    moved_to: str | None
    wire_bytes: int
    seconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class PollOutcome:
    """What one poll of one feed brought."""

    feed: DueFeed
    result: Changed | Unchanged | NotModified | Failure


@dataclass(frozen=True, slots=True, kw_only=True)
class ShardOutcome:
    """What one poll job brought, in the order of its feeds."""

    polls: tuple[PollOutcome, ...]


# --- hubs (WebSub) ------------------------------------------------------------------------------------------

HubMode = Literal["subscribe", "unsubscribe", "denied"]


@dataclass(frozen=True, slots=True, kw_only=True)
class HubLease:
    """What the callback has to know of one lease: what we want of a hub, or were denied."""

    lease_id: int
    mode: HubMode
    topic_url: str
    secret: str = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class HubNotice:
    """What a hub told the callback: our intent is verified, or the lease is denied."""

    lease_id: int
    mode: HubMode
    lasts: timedelta = timedelta()
    challenge: str = ""
    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class HubDelivery:
    """A body that a hub delivered and signed, as it waits for the next round."""

    lease_id: int
    content_type: str | None
    body: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class HubRequest:
    """One request to a hub."""

    lease_id: int
    mode: HubMode
    hub_url: str
    topic_url: str
    callback_url: str = field(repr=False)
    secret: str = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class HubJob:
    """The requests that are due; domains are asked side by side, each one's requests one after another."""

    batches: tuple[tuple[HubRequest, ...], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class HubAnswer:
    """What a hub said to one request; no failure means that it will verify our intent."""

    request: HubRequest
    failure: Failure | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class DeliveryJob:
    """A delivered body that waits to be parsed."""

    delivery_id: int
    lease_id: int
    feed: DueFeed
    content_type: str | None
    body: bytes = field(repr=False)


# --- entries -> article -> summary -------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class ArticleJob:
    """An entry whose article text is missing or stale."""

    entry_id: int
    fingerprint: str  # of the entry
    title: str
    permalink: str | None
    summary_html: str
    content_html: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Article:
    """The text of an entry.

    Shape: paragraphs separated by a blank line; inline code stands in backticks; empty where there is none.
    """

    entry_id: int
    input_fingerprint: str
    origin: Literal["feed", "page"]
    text: str
    fingerprint: str  # of title and text: the summary's input


@dataclass(frozen=True, slots=True, kw_only=True)
class SummaryJob:
    """An article whose summary is missing or stale."""

    entry_id: int
    input_fingerprint: str  # the article's fingerprint and the feed's rights
    title: str
    text: str
    rights: Rights


@dataclass(frozen=True, slots=True, kw_only=True)
class Summary:
    """Whole sentences of the article.

    Shape: `text` is one sentence a line, 0-4 of them; `story` is paragraphs separated by a blank line, one
    sentence a line, empty where the feed's rights are not `full`.
    """

    entry_id: int
    input_fingerprint: str
    text: str
    story: str
    origin: Literal["extract", "llm"]
    fingerprint: str  # of title, text and story: the translation's input


# --- translation --------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class EngineChoice:
    """An engine of the chain that is ready, resolved by `pending`; opened where the work runs."""

    name: str  # firefox, llamacpp, openai, deepl, none
    model: str  # what the memory's key and the page call it
    target: str = "ja"
    path: str = ""  # folder or file of the model
    version: str = ""  # of prompt and placeholder form: part of the memory's key
    slow: bool = False  # under 2 sentences/s: summary alone, and two sentences of it


@dataclass(frozen=True, slots=True, kw_only=True)
class TranslateEntry:
    """One entry's text to translate; shapes as in Summary."""

    entry_id: int
    input_fingerprint: str
    language: str | None  # of the source, as far as known
    title: str
    summary: str
    story: str
    attempts: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class TranslateJob:
    """A batch of up to 32 entries with all that an engine needs."""

    entries: tuple[TranslateEntry, ...]
    engines: tuple[EngineChoice, ...]
    target: str
    memory: tuple[tuple[str, str], ...] = ()  # key -> translated segment


@dataclass(frozen=True, slots=True, kw_only=True)
class Translation:
    """A translation that passed its checks; shapes as in Summary, lines that failed left out."""

    entry_id: int
    input_fingerprint: str
    engine: str  # "original" where the source is in the target language already
    model: str
    glossary_version: str
    title: str
    summary: str
    story: str
    verdict: str  # "passed 4/4", "passed 3/4: <first reason>"


@dataclass(frozen=True, slots=True, kw_only=True)
class Untranslated:
    """An attempt that brought nothing fit to show."""

    entry_id: int
    input_fingerprint: str
    failure: str
    kind: Literal["text", "outage", "final"] = "text"  # outage: the engines failed; final: never tried again


@dataclass(frozen=True, slots=True, kw_only=True)
class MemoryWrite:
    """A segment that passed, for the translation memory."""

    key: str
    engine: str
    model: str
    source: str
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class TranslateOutcome:
    """What one translate job brought."""

    results: tuple[Translation | Untranslated, ...]
    memory: tuple[MemoryWrite, ...] = ()
    used: tuple[tuple[str, int], ...] = ()  # engine -> source characters sent
    trouble: tuple[str, ...] = ()  # engines that failed on the way, one line each, for the log


# --- discussions --------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class CommentCount:
    """How many comments one source counts for an entry."""

    source: str  # "feed", later "hackernews", "lobsters", …
    count: int
    url: str | None = None
    counted_at: datetime | None = None


# --- publishing ---------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceRef:
    """One feed an entry's story came from."""

    feed_title: str
    site_url: str | None
    permalink: str | None
    feed_url: str


@dataclass(frozen=True, slots=True, kw_only=True)
class EditionEntry:
    """One published entry: what readers were given (frozen) and what may move beside it.

    `title`, `body_html`, `updated_at`, `first_published_at` are frozen; the rest is shown on the page and in
    elements readers do not compare. `summary` and `story` are plain sentences, cut to the rights.
    """

    public_id: str
    slug: str  # yyyy/mm/<short id>
    state: PublicationState
    title: str
    body_html: str
    first_published_at: datetime
    updated_at: datetime
    original_title: str
    original_language: str | None
    permalink: str | None
    published_at: datetime | None
    sources: tuple[SourceRef, ...]  # the lead first
    category: str
    authors: tuple[str, ...]
    tags: tuple[str, ...]
    enclosures: tuple[Enclosure, ...]
    image_url: str | None
    rights: Rights
    page_title: str  # the current translation, which may be newer than `title`
    summary: tuple[str, ...]
    story: tuple[tuple[str, ...], ...]
    engine: str
    model: str
    comments_url: str | None
    comments_feed_url: str | None
    counts: tuple[CommentCount, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Edition:
    """A published list: main, all, later one a category."""

    name: str  # "main", "all"
    path: str  # "" or "category/security/"
    title: str
    updated_at: datetime | None  # the newest entry's, never the clock's
    entries: tuple[EditionEntry, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Document:
    """One file of output/."""

    path: str  # relative, with forward slashes
    media_type: str
    body: bytes
