"""Every provider of comment counts: what it may be asked, how often, and by which script."""

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from aggregator.discuss import (
    comment_feeds,
    github,
    github_discussions,
    github_releases,
    hackernews,
    hatena,
    lobsters,
    reddit,
    wordpress,
)
from aggregator.discuss.answers import Script
from aggregator.model import PROVIDERS, CountTurn, Discussion, Provider, Quota

_OFTEN = timedelta(minutes=5)
_LISTING = timedelta(minutes=15)  # a newer one would hardly say more
# Lobsters' robots.txt and Reddit's approval are the operator's to see to: both are asked only by name.
AUTO: tuple[Provider, ...] = (
    "hackernews", "hatena", "wordpress", "github", "github-discussions", "github-releases", "comment-feeds",
)  # fmt: skip


def _key(_: CountTurn, thread: Discussion) -> str | None:
    return thread.key


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """What one provider is like."""

    name: Provider
    label: str  # for people
    home: str  # whose host's turns and rests count; "" where each story has its own
    quota: Quota
    keyed: Quota  # with credentials
    stories: int  # that one request can ask about
    every: timedelta  # between two jobs, at least
    spacing: timedelta  # between two requests, at least
    needs_key: bool
    busy: frozenset[int]  # statuses by which it asks to be left alone
    look: Callable[[Sequence[CountTurn], datetime], Script]
    thread_of: Callable[[str], Discussion | None]
    place_of: Callable[[CountTurn, Discussion], str | None] = _key  # without a home: the URL of whom to ask


_ALL: tuple[Kind, ...] = (
    Kind(
        name="hackernews",
        label="Hacker News",
        home="https://hn.algolia.com/",
        quota=Quota(hourly=600, daily=6000),
        keyed=Quota(hourly=600, daily=6000),
        stories=10,
        every=_LISTING,
        spacing=timedelta(),
        needs_key=False,
        busy=frozenset({403, 429, 503}),
        look=hackernews.look,
        thread_of=hackernews.thread_of,
    ),
    Kind(
        name="lobsters",
        label="Lobsters",
        home="https://lobste.rs/",
        quota=Quota(hourly=8, daily=150),
        keyed=Quota(hourly=8, daily=150),
        stories=100,
        every=timedelta(minutes=20),  # two requests each time are 144 a day
        spacing=timedelta(seconds=2),
        needs_key=False,
        busy=frozenset({403, 429, 500, 503}),  # an empty 500 is its other way to say 429
        look=lobsters.look,
        thread_of=lobsters.thread_of,
    ),
    Kind(
        name="reddit",
        label="Reddit",
        home="https://oauth.reddit.com/",
        quota=Quota(hourly=600, daily=8000),
        keyed=Quota(hourly=600, daily=8000),
        stories=10,
        every=_OFTEN,
        spacing=timedelta(),
        needs_key=True,
        busy=frozenset({401, 403, 429, 503}),  # 403 is a page that means 429
        look=reddit.look,
        thread_of=reddit.thread_of,
    ),
    Kind(
        name="hatena",
        label="はてブ",
        home="https://bookmark.hatenaapis.com/",
        quota=Quota(hourly=120, daily=1500),
        keyed=Quota(hourly=120, daily=1500),
        stories=15,  # two addresses each, and these may be long
        every=_OFTEN,
        spacing=timedelta(seconds=3),
        needs_key=False,
        busy=frozenset({403, 429, 503}),
        look=hatena.look,
        thread_of=hatena.thread_of,
    ),
    Kind(
        name="wordpress",
        label="WordPress",
        home="",
        quota=Quota(hourly=300, daily=4000),
        keyed=Quota(hourly=300, daily=4000),
        stories=1,
        every=_OFTEN,
        spacing=timedelta(),
        needs_key=False,
        busy=frozenset(),  # what one site says holds for that site
        look=wordpress.look,
        thread_of=wordpress.thread_of,
        place_of=wordpress.permalink,
    ),
    Kind(
        name="github",
        label="GitHub",
        home="https://api.github.com/",
        quota=Quota(hourly=40, daily=700),
        keyed=Quota(hourly=1000, daily=15000),
        stories=1,
        every=_OFTEN,
        spacing=timedelta(),
        needs_key=False,
        busy=frozenset({403, 429, 503}),
        look=github.look,
        thread_of=github.thread_of,
    ),
    Kind(
        name="github-discussions",
        label="GitHub discussions",
        home="https://api.github.com/",
        quota=Quota(hourly=1000, daily=15000),
        keyed=Quota(hourly=1000, daily=15000),  # of points, which are others than the requests above
        stories=1,
        every=_OFTEN,
        spacing=timedelta(),
        needs_key=True,
        busy=frozenset({401, 403, 429, 503}),
        look=github_discussions.look,
        thread_of=github_discussions.thread_of,
    ),
    Kind(
        name="github-releases",
        label="GitHub releases",
        home="https://api.github.com/",
        quota=Quota(hourly=15, daily=260),  # together with issues below 60, which are for an address
        keyed=Quota(hourly=1000, daily=15000),
        stories=1,
        every=_OFTEN,
        spacing=timedelta(),
        needs_key=False,
        busy=frozenset({403, 429, 503}),
        look=github_releases.look,
        thread_of=github_releases.thread_of,
    ),
    Kind(
        name="comment-feeds",
        label="feeds of comments",
        home="",
        quota=Quota(hourly=300, daily=4000),
        keyed=Quota(hourly=300, daily=4000),
        stories=1,
        every=_OFTEN,
        spacing=timedelta(),
        needs_key=False,
        busy=frozenset(),
        look=comment_feeds.look,
        thread_of=comment_feeds.thread_of,
    ),
)
KINDS: dict[Provider, Kind] = {kind.name: kind for kind in _ALL}


def thread_of(url: str) -> Discussion | None:
    """Return the thread that a link names at any provider but Hatena, whose pages are about links."""
    asked = (kind.thread_of(url) for kind in _ALL if kind.name != "hatena")
    return next((thread for thread in asked if thread), None)


def enabled(counts: str, contact: str, keys: Collection[Provider]) -> tuple[Provider, ...]:
    """Return which providers are asked under the setting `counts`.

    Shape: `auto` asks those that anybody may, once they can complain to somebody; a list asks those it
    names; in both cases none that needs credentials we lack.
    """
    named = {name.strip() for name in counts.split(",")}
    wanted = (AUTO if contact else ()) if counts == "auto" else [name for name in PROVIDERS if name in named]
    return tuple(name for name in wanted if name in keys or not KINDS[name].needs_key)
