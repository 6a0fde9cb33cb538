"""How many comments there are on an entry, where, and where its readers are sent to read them.

A provider's number of a story stands in the store once. Its feeds say numbers of their own, which mostly
count the same comments again: `tally` makes one number a source of all.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from aggregator import urls
from aggregator.model import CommentCount

SITE = "site"  # comments where the article itself is: what its feed says, WordPress, and feeds of comments
_BOOKMARKS = "hatena"
_LABELS = {  # as pages order them
    _BOOKMARKS: "はてブ",
    "hackernews": "HN",
    "lobsters": "Lobsters",
    "reddit": "Reddit",
    "github": "GitHub",
    SITE: "元記事",
}
_HOSTS = {
    "news.ycombinator.com": "hackernews",
    "lobste.rs": "lobsters",
    "reddit.com": "reddit",
    "github.com": "github",
}
_PARTS = {"github-discussions": "github"}  # providers that count what another one does not
_FEEDS = "comment-feeds"
_CUT = 10  # comments in a feed of them, where it may be cut: as many as WordPress puts into one
_REACTIONS = "github-releases"
_NEVER = datetime.min.replace(tzinfo=UTC)


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """One source's number as a page shows it."""

    label: str
    count: int
    url: str | None
    at_least: bool = False  # there may be more


def tally(counts: Iterable[CommentCount]) -> tuple[CommentCount, ...]:
    """Return one number for each source, in the order of pages, without the time it was counted.

    Shape: a provider's own number outdoes what feeds say of its threads. The numbers of one site are the same
    comments, whoever says them: the newest holds, and that of a feed of comments only where it is the one.
    A page nobody bookmarked has no discussion. Reactions are no comments.
    """
    by_source: defaultdict[str, list[CommentCount]] = defaultdict(list)
    for count in counts:
        if count.source != _REACTIONS:
            by_source[_source(count)].append(count)
    numbers = [_number(source, by_source[source]) for source in _LABELS if source in by_source]
    return tuple(number for number in numbers if number.count or number.source != _BOOKMARKS)


def _source(count: CommentCount) -> str:
    """Return who counts: the provider, also where a feed says the number of its thread."""
    source = _PARTS.get(count.source, count.source)
    if source in _LABELS or source == _FEEDS:
        return SITE if source == _FEEDS else source
    host = f".{_host(count)}"
    return next((source for domain, source in _HOSTS.items() if host.endswith(f".{domain}")), SITE)


def _number(source: str, counts: Sequence[CommentCount]) -> CommentCount:
    own = [count for count in counts if _PARTS.get(count.source, count.source) == source]
    trusted = [count for count in counts if count.source != _FEEDS]
    kept = own or _newest(trusted or counts)
    longest = max(kept, key=lambda count: (_web(count) is not None, count.count, count.url or ""))
    return CommentCount(
        source=source, count=sum(count.count for count in kept), url=_web(longest),
        at_least=not trusted and longest.count >= _CUT,
    )  # fmt: skip


def _newest(counts: Sequence[CommentCount]) -> list[CommentCount]:
    """Return the newest number of each place; one that names none is another's where there is another."""
    by_age = sorted(counts, key=lambda count: (count.counted_at or _NEVER, count.count, count.url or ""))
    places = {_place(count): count for count in by_age}
    named = [count for place, count in places.items() if place]
    return named or list(places.values())


def _place(count: CommentCount) -> str | None:
    """Return the thread, or the site: WordPress names one page by several addresses."""
    return _host(count).removeprefix("www.") if _source(count) == SITE else urls.canonical(count.url or "")


def _host(count: CommentCount) -> str:
    return urls.host(_web(count) or "")


def _web(count: CommentCount) -> str | None:
    return count.url if count.url and urls.is_web(count.url) else None


def total(counts: Sequence[CommentCount]) -> int | None:
    """Add up the comments of all sources; None where nobody counts."""
    return sum(count.count for count in counts) if counts else None


def shown(counts: Iterable[CommentCount]) -> tuple[Shown, ...]:
    """Name each source that has comments, as a page does."""
    return tuple(
        Shown(label=_LABELS[count.source], count=count.count, url=count.url, at_least=count.at_least)
        for count in counts
        if count.count
    )


def reactions(counts: Iterable[CommentCount]) -> CommentCount | None:
    """Return how often people reacted to an entry at GitHub, which is no comment; None where nobody did."""
    found = next((count for count in counts if count.source == _REACTIONS and count.count), None)
    return CommentCount(source=found.source, count=found.count, url=_web(found)) if found else None


def threads(comments_url: str | None, counts: Iterable[CommentCount]) -> dict[str, int | None]:
    """Return where people talk and how many comments are there, the longest discussion first.

    Shape: None for one that the feed names and nobody counts; it stands before those without a comment.
    """
    longest = sorted(counts, key=lambda count: count.count, reverse=True)
    found: dict[str, int | None] = {count.url: count.count for count in longest if count.url}
    if comments_url is None or urls.canonical(comments_url) in map(urls.canonical, found):
        return found
    talked = {url: count for url, count in found.items() if count}
    return talked | {comments_url: None} | found


def discussion_url(comments_url: str | None, counts: Iterable[CommentCount]) -> str | None:
    """Return where most people talk, or are most likely to."""
    return next(iter(threads(comments_url, counts)), None)
