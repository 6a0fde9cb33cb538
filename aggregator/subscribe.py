"""Editing feeds.opml: add, remove, pause, resume. Never needs the instance lock."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import cast, get_args

from sqlite_utils import Database

from aggregator import files, opml, urls
from aggregator.config import Config
from aggregator.errors import AggregatorError, ConfigError, FetchError, NotAFeed, OpmlError
from aggregator.http import fetch_one
from aggregator.model import (
    Failure,
    FeedSettings,
    Fetched,
    NotModified,
    PollOutcome,
    Request,
    Rights,
    Subscription,
)
from aggregator.poll.discover import FeedLink, common_path, feed_links
from aggregator.poll.shard import outcome_of, parse_in_time
from aggregator.poll.stage import limited, record_polls
from aggregator.session import mirror, take_up_filters
from aggregator.store import admission, feeds
from aggregator.urls import normalise

_ACCEPT = "application/atom+xml, application/rss+xml, application/feed+json, text/html;q=0.8, */*;q=0.5"


@dataclass(frozen=True, slots=True, kw_only=True)
class Added:
    """What `add` did."""

    url: str
    title: str
    category: str
    entries: int
    others: tuple[str, ...]  # further feeds the site offers


def add(
    db: Database, config: Config, url: str, *, category: str, rights: str, rights_note: str, now: datetime
) -> Added:
    """Subscribe to the feed at `url`, or to the first one its page names.

    The answer that proved it to be a feed counts as its first poll, so a feed is asked once.

    Raises: ConfigError, FetchError, NotAFeed, OpmlError.
    """
    take_up_filters(db, config)
    settings = FeedSettings(rights=_rights(rights), rights_note=rights_note)
    known = known_addresses(db, config, now)
    address = urls.web_address(url)
    if not address or ("://" not in address and " " in address):
        raise ConfigError(f"{url!r} is no address; expected one such as https://news.example/feed")
    address = address if "://" in address else f"https://{address}"
    _refuse_known(known, address)
    try:
        fetched, links = _find_feed(config, address, known)
    except FetchError as error:
        if urls.web_address(url) == address:
            raise
        raise FetchError(error.url, f"{error.message}; where there is no https, say http://{url}") from error
    listed_url = fetched.moved_to or (links[0].url if links else address)
    for found in (listed_url, fetched.url):
        _refuse_known(known, found)
    parsed = parse_in_time(fetched)
    subscription = Subscription(
        url=listed_url,
        title=parsed.title or listed_url,
        site_url=parsed.site_url,
        category=category,
        settings=settings,
    )
    edit(db, config, lambda data: opml.add(data, subscription), now)
    feed = limited(feeds.due_feed(db, listed_url), mutes=bool(admission.of_all(db).mute))
    with db.atomic():
        record_polls(db, config, [PollOutcome(feed=feed, result=outcome_of(feed, fetched).result)], now)
    return Added(
        url=listed_url, title=subscription.title, category=category, entries=len(parsed.entries),
        others=tuple(link.url for link in links[1:]),
    )  # fmt: skip


def _rights(text: str) -> Rights:
    if text not in get_args(Rights):
        raise ConfigError(f"--rights {text}: expected {' | '.join(get_args(Rights))}")
    return cast("Rights", text)


def _find_feed(
    config: Config, address: str, known: Mapping[str, str]
) -> tuple[Fetched, tuple[FeedLink, ...]]:
    """Return the feed's answer, and the links where the address was a site's.

    A page that names no feed is asked for one at the one address where it most likely is.
    """
    fetched = _get(config, address)
    try:
        parse_in_time(fetched)
    except NotAFeed as error:
        links = feed_links(fetched.body, fetched.url)
        if not links:
            return _guess(config, address, fetched, error)
        _refuse_known(known, links[0].url)
        return _get(config, links[0].url), links
    return fetched, ()


def _guess(
    config: Config, address: str, page: Fetched, error: NotAFeed
) -> tuple[Fetched, tuple[FeedLink, ...]]:
    guess = common_path(page.body, page.url)
    try:
        fetched = _get(config, guess)
        parse_in_time(fetched)
    except (FetchError, NotAFeed):
        reason = f"no feed, its page names none, and {guess} is none ({error})"
        raise NotAFeed(f"{address}: {reason}") from error
    return fetched, (FeedLink(url=guess, title="", media_type=""),)


def _get(config: Config, url: str) -> Fetched:
    match fetch_one(config, Request(url=url, accept=_ACCEPT)):
        case Fetched() as fetched:
            return fetched
        case NotModified():
            raise FetchError(url, "answered 304 to a request without validators")
        case Failure(detail=detail):
            raise FetchError(url, detail)


def listed(config: Config) -> bytes:
    """Return what feeds.opml holds; a list without feeds where it is not there."""
    try:
        return config.opml.read_bytes()
    except FileNotFoundError:
        return opml.EMPTY
    except OSError as error:
        raise OpmlError(f"{config.opml}: cannot be read ({error.strerror})") from error


def _refuse_known(known: Mapping[str, str], url: str) -> None:
    title = known.get(normalise(url))
    if title is not None:
        raise AggregatorError(f"{url} is listed already ({title})")


def known_addresses(db: Database, config: Config, now: datetime) -> dict[str, str]:
    """Return the titles of the listed feeds by the addresses they have, had first, or moved to.

    Raises: OpmlError where feeds.opml cannot be read.
    """
    bring_up(db, config, now)
    return {normalise(url): title for title, *known in feeds.addresses(db) for url in known if url}


def bring_up(db: Database, config: Config, now: datetime) -> None:
    """Bring the store in line with feeds.opml, which may be newer.

    Raises: OpmlError where it cannot be read.
    """
    mirror(db, config, listed(config), now)


def edit(db: Database, config: Config, change: Callable[[bytes], bytes], now: datetime) -> None:
    """Replace feeds.opml by what `change` makes of it, and bring the store in line.

    The file is read inside the transaction, so that two commands that edit take turns.
    """
    with db.atomic():
        data = change(listed(config))
        mirror(db, config, data, now)
        try:
            files.replace(config.opml, data)
        except OSError as error:
            raise OpmlError(f"{config.opml}: cannot be written ({error.strerror})") from error


def _edited(change: Callable[[bytes, str], bytes]) -> Callable[[Database, Config, str, datetime], str]:
    def edit_one(db: Database, config: Config, text: str, now: datetime) -> str:
        bring_up(db, config, now)
        row = feeds.find(db, text)
        edit(db, config, lambda data: change(data, row["listed_url"]), now)
        return str(row["title"] or row["listed_url"])

    return edit_one


def _resume(db: Database, config: Config, text: str, now: datetime) -> str:
    title = _edited(lambda data, url: opml.set_attribute(data, url, "paused", None))(db, config, text, now)
    feeds.revive(db, feeds.find(db, text)["feed_id"], now)
    return title


EDITS: dict[str, Callable[[Database, Config, str, datetime], str]] = {
    "remove": _edited(opml.remove),
    "pause": _edited(lambda data, url: opml.set_attribute(data, url, "paused", "true")),
    "resume": _resume,
}
