"""What a feed is known by, and what polls are made of it."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from aggregator.model.light import light

Rights = Literal["titles", "excerpt", "full"]
RetryScope = Literal["url", "host", "domain"]
Extract = Literal["auto", "feed", "page"]
Origin = Literal["extract", "llm"]  # of a summary: sentences of the source, or written by a model
IdentityPolicy = Literal["guid", "permalink", "title"]
Merge = Literal["all", "address"]  # by what an entry is one story with another feed's


@light
@dataclass(frozen=True, slots=True, kw_only=True)
class FeedSettings:
    """What an outline's own attributes say about one feed."""

    rights: Rights = "excerpt"
    rights_note: str = ""
    paused: bool = False
    language: str | None = None  # overrides what the feed says of itself
    engine: str | None = None  # overrides the setting of this name
    retry_scope: RetryScope | None = None  # overrides the setting of this name
    identity: IdentityPolicy | None = None  # what tells its entries apart; None: what its entries show
    mute: str | None = None  # rules between semicolons, as poll.filters reads them
    keep: str | None = None
    max_per_day: int | None = None  # entries that are translated and published
    extract: Extract | None = None  # overrides the setting of this name
    summary: Origin | None = None  # likewise
    merge: Merge | None = None  # None: all
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


@light
@dataclass(frozen=True, slots=True, kw_only=True)
class Hints:
    """What a feed document says about how often to look; kept, since a 304 brings no document."""

    ttl: timedelta | None = None  # <ttl>
    update_every: timedelta | None = None  # sy:updatePeriod / sy:updateFrequency
    skip_hours: tuple[int, ...] = ()  # UTC hours 0-23
    skip_days: tuple[int, ...] = ()  # Monday is 0


@light
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
    entry_marks: bytes = b""  # of the entries of that body, as poll.marks makes them
    refused_fingerprint: str | None = None  # of the last body, where that was no feed
    failure: str | None = None  # why it was none
    first_poll: bool = True  # no poll has ever succeeded
    first_fill: int | None = None  # entries whose text the first poll wants; None: of all
    last_change_at: datetime | None = None
    failures: int = 0  # in a row
    gone_seen: int = 0  # 410 answers in a row
    moved_to: str | None = None
    moved_seen: int = 0  # times in a row a permanent redirect led to a feed at moved_to
    hints: Hints = Hints()
    identity: IdentityPolicy = "guid"  # under which its entries are stored
    seconds: float = 0.0  # that the last fetch took


@dataclass(frozen=True, slots=True, kw_only=True)
class HostBatch:
    """The due feeds of one registrable domain, fetched one at a time, in order."""

    domain: str
    feeds: tuple[DueFeed, ...]
    spacing: timedelta  # between the end of one fetch and the start of the next
    wait: timedelta = timedelta()  # before the first


@dataclass(frozen=True, slots=True, kw_only=True)
class Rest:
    """What a server wants to be left alone, and how long from now."""

    scope: RetryScope
    place: str
    lasts: timedelta


@dataclass(frozen=True, slots=True, kw_only=True)
class Shard:
    """One poll job: hosts run side by side, each host's feeds one after another."""

    batches: tuple[HostBatch, ...]
    rests: tuple[Rest, ...] = ()  # where a redirect may not lead meanwhile
