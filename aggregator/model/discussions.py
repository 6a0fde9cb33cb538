"""Threads in which people talk about a story, and how long they are."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal, get_args

from aggregator.model.fetches import Failure

Provider = Literal[
    "hackernews", "lobsters", "reddit", "hatena", "wordpress", "github",
    "github-discussions", "github-releases", "comment-feeds",
]  # fmt: skip
PROVIDERS: tuple[Provider, ...] = get_args(Provider)


@dataclass(frozen=True, slots=True, kw_only=True)
class Discussion:
    """One thread.

    Shape: `key` is the provider's own id: `40000001`, `abc123`, `t3_abc`, the URL asked (hatena),
    `https://host/?p=123` (wordpress), `owner/repository/issues/7`, a feed's URL (comment-feeds); never empty.
    """

    provider: Provider
    key: str
    url: str  # for people


@dataclass(frozen=True, slots=True, kw_only=True)
class CountTurn:
    """A story whose turn it is at a provider."""

    story_id: int
    urls: tuple[str, ...]  # permalinks of its entries, the lead's first
    threads: tuple[Discussion, ...]  # stored or named by a link of an entry; none that is gone
    age: timedelta  # since it came out


@dataclass(frozen=True, slots=True, kw_only=True)
class CountJob:
    """Stories to ask one provider about."""

    provider: Provider
    turns: tuple[CountTurn, ...]
    requests: int  # that may be made; reserved already
    now: datetime  # of the round
    wait: timedelta = timedelta()


@dataclass(frozen=True, slots=True, kw_only=True)
class ThreadCount:
    """What a provider says of one thread about a story."""

    story_id: int
    discussion: Discussion
    count: int | None  # None: the thread is gone


@dataclass(frozen=True, slots=True, kw_only=True)
class Counted:
    """What a provider's script returns."""

    counts: tuple[ThreadCount, ...]
    asked: frozenset[int]  # stories that were looked for with success, found or not
    named: tuple[tuple[int, Discussion], ...] = ()  # which answers about a story name


@dataclass(frozen=True, slots=True, kw_only=True)
class CountOutcome:
    """What came of a job."""

    counted: Counted
    requests: int = 0  # that were made
    failure: Failure | None = None  # why the rest was not asked
    rest: timedelta | None = None  # how long the provider wants to be left alone
    refusals: tuple[Failure, ...] = ()  # of single sites, where a provider is many of them


@dataclass(frozen=True, slots=True, kw_only=True)
class CountPoint:
    """One point of a story's history."""

    source: str
    at: datetime
    count: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Quota:
    """What a provider may be asked.

    Units: requests.
    """

    hourly: int
    daily: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Used:
    """What a provider was asked in this hour and in the last 24.

    Units: requests.
    """

    hour: int
    day: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ShownComment:
    """One person's comment, as a page shows it."""

    author: str
    url: str
    source: str
    text: str
    written_at: datetime | None
    engine: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Viewpoint:
    """A comment that a machine wrote."""

    persona: Literal["hopeful", "critical"]
    text: str
    engine: str
    model: str
    written_at: datetime
