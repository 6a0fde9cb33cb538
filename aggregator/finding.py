"""The feed that an address leads to: itself, or the one that its page names."""

from collections.abc import Mapping
from dataclasses import dataclass

from aggregator import deny_list, urls
from aggregator.config import Config
from aggregator.deny_list import DenyList
from aggregator.errors import AggregatorError, ConfigError, FetchError, NotAFeed
from aggregator.http import fetch_one
from aggregator.model import Failure, Fetched, NotModified, ParsedFeed, Request
from aggregator.poll.discover import FeedLink, common_path, feed_links
from aggregator.poll.shard import parse_in_time
from aggregator.urls import normalise

_ACCEPT = "application/atom+xml, application/rss+xml, application/feed+json, text/html;q=0.8, */*;q=0.5"


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """The feed that an address leads to, read once."""

    url: str  # that feeds.opml will list
    fetched: Fetched
    feed: ParsedFeed
    others: tuple[FeedLink, ...] = ()  # further feeds the site offers


def find(config: Config, url: str, known: Mapping[str, str]) -> Found:
    """Return the feed at an address, or the first one its page names: a function of values, for any process.

    Raises: ConfigError, FetchError, NotAFeed; AggregatorError where one of the `known_addresses` is met, or
    one that was taken down.
    """
    address = urls.web_address(url)
    if not address or ("://" not in address and " " in address):
        raise ConfigError(f"{url!r} is no address; expected one such as https://news.example/feed")
    address = address if "://" in address else f"https://{address}"
    denied = deny_list.read(config.store)
    refuse_denied(denied, address)
    refuse_known(known, address)
    try:
        fetched, feed, links = _find_feed(config, address, known)
    except FetchError as error:
        if urls.web_address(url) == address:
            raise
        raise FetchError(error.url, f"{error.message}; where there is no https, say http://{url}") from error
    listed_url = fetched.moved_to or (links[0].url if links else address)
    for each in (listed_url, fetched.url):
        refuse_denied(denied, each)
        refuse_known(known, each)
    return Found(url=listed_url, fetched=fetched, feed=feed, others=links[1:])


_Read = tuple[Fetched, ParsedFeed, tuple[FeedLink, ...]]


def _find_feed(config: Config, address: str, known: Mapping[str, str]) -> _Read:
    """Return the feed's answer, what it says, and the links where the address was a site's.

    A page that names no feed is asked for one at the one address where it most likely is.
    """
    fetched = _get(config, address)
    try:
        return fetched, parse_in_time(fetched), ()
    except NotAFeed as error:
        links = feed_links(fetched.body, fetched.url)
        if not links:
            return _guess(config, address, fetched, error)
    refuse_known(known, links[0].url)
    fetched = _get(config, links[0].url)
    return fetched, parse_in_time(fetched), links


def _guess(config: Config, address: str, page: Fetched, error: NotAFeed) -> _Read:
    guess = common_path(page.body, page.url)
    try:
        fetched = _get(config, guess)
        feed = parse_in_time(fetched)
    except (FetchError, NotAFeed):
        reason = f"no feed, its page names none, and {guess} is none ({error})"
        raise NotAFeed(f"{address}: {reason}") from error
    return fetched, feed, (FeedLink(url=guess, title="", media_type=""),)


def _get(config: Config, url: str) -> Fetched:
    match fetch_one(config, Request(url=url, accept=_ACCEPT)):
        case Fetched() as fetched:
            return fetched
        case NotModified():
            raise FetchError(url, "answered 304 to a request without validators")
        case Failure(detail=detail):
            raise FetchError(url, detail)


def refuse_denied(denied: DenyList, url: str) -> None:
    """Let an address pass whose feed was not taken down.

    Raises: AggregatorError saying when and why it was.
    """
    if denied.denies_feed(url):
        raise AggregatorError(f"{url}: {denied.reason(url)}; see: aggregator takedown --list")


def refuse_known(known: Mapping[str, str], url: str) -> None:
    """Let an address pass that no listed feed has.

    Raises: AggregatorError naming the feed.
    """
    title = known.get(normalise(url))
    if title is not None:
        raise AggregatorError(f"{url} is listed already ({title})")
