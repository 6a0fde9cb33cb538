"""Editing feeds.opml: add, remove, pause, resume, another category. Never needs the instance lock."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import cast, get_args

from sqlite_utils import Database

from aggregator import deny_list, files, finding, opml, why
from aggregator.config import Config
from aggregator.errors import AggregatorError, ConfigError, OpmlError
from aggregator.model import FeedSettings, PollOutcome, Rights, Subscription
from aggregator.poll.shard import outcome_of
from aggregator.poll.stage import limited, record_polls
from aggregator.session import mirror, take_up_filters
from aggregator.store import admission, feeds
from aggregator.times import to_text
from aggregator.urls import normalise


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
    stated = settings(rights, rights_note)
    found = finding.find(config, url, known_addresses(db, config, now))
    return take(db, config, found, category=category, settings=stated, now=now)


def take(
    db: Database,
    config: Config,
    found: finding.Found,
    *,
    category: str,
    settings: FeedSettings,
    now: datetime,
) -> Added:
    """List a feed that was found; what it answered counts as its first poll.

    Raises: ConfigError, OpmlError; AggregatorError where it is listed by now.
    """
    take_up_filters(db, config)
    known = known_addresses(db, config, now)
    denied = deny_list.read(config.store)
    for each in (found.url, found.fetched.url):
        finding.refuse_denied(denied, each)
        finding.refuse_known(known, each)
    subscription = Subscription(
        url=found.url,
        title=found.feed.title or found.url,
        site_url=found.feed.site_url,
        category=category,
        settings=settings,
    )
    edit(db, config, lambda data: opml.add(data, subscription), now)
    feed = limited(feeds.due_feed(db, found.url), mutes=bool(admission.of_all(db).mute))
    with db.atomic():
        outcome = PollOutcome(feed=feed, result=outcome_of(feed, found.fetched).result)
        record_polls(db, config, [outcome], now)
    return Added(
        url=found.url, title=subscription.title, category=category, entries=len(found.feed.entries),
        others=tuple(link.url for link in found.others),
    )  # fmt: skip


def settings(rights: str, rights_note: str) -> FeedSettings:
    """Return the settings of a new feed.

    Raises: ConfigError where the rights are none.
    """
    if rights not in get_args(Rights):
        raise ConfigError(f"--rights {rights}: expected {' | '.join(get_args(Rights))}")
    return FeedSettings(rights=cast("Rights", rights), rights_note=rights_note.strip())


def listed(config: Config) -> bytes:
    """Return what feeds.opml holds; a list without feeds where it is not there."""
    try:
        return config.opml.read_bytes()
    except FileNotFoundError:
        return opml.EMPTY
    except OSError as error:
        raise OpmlError(f"{config.opml}: cannot be read ({error.strerror})") from error


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


def categorise(db: Database, config: Config, text: str, category: str, now: datetime) -> str:
    """Move a feed to a category of feeds.opml, and return its title; its outline stays as it is written.

    Raises: AggregatorError, OpmlError.
    """
    return _edited(lambda data, url: opml.categorise(data, url, category))(db, config, text, now)


def retry(db: Database, config: Config, text: str, now: datetime) -> str:
    """Make a feed due now, for the next round to poll, and return its title.

    Raises: AggregatorError where it is paused or gone, or a server asked to be left alone for a while.
    """
    bring_up(db, config, now)
    found = why.collect(db, text)
    feed, rests = found["feed"], [until for until in found["rests"].values() if until > to_text(now)]
    name = feed["title"] or feed["listed_url"]
    if feed["state"] in {"paused", "gone"}:
        raise AggregatorError(f"{name} is {feed['state']}: aggregator resume {feed['feed_id']}")
    if rests:
        raise AggregatorError(f"{name}: its server asked to be left alone until {max(rests)}")
    with db.atomic():
        feeds.make_due(db, now, [feed["feed_id"]])
    return str(name)


EDITS: dict[str, Callable[[Database, Config, str, datetime], str]] = {
    "remove": _edited(opml.remove),
    "pause": _edited(lambda data, url: opml.set_attribute(data, url, "paused", "true")),
    "resume": _resume,
    "retry": retry,
}
