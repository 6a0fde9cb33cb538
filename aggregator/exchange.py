"""Take feeds over from another OPML file, and give them to one."""

from dataclasses import dataclass, replace
from datetime import datetime

from sqlite_utils import Database

from aggregator import deny_list, opml, subscribe
from aggregator.config import Config
from aggregator.model import FeedSettings, Subscription
from aggregator.store import feeds
from aggregator.urls import normalise


@dataclass(frozen=True, slots=True, kw_only=True)
class Imported:
    """What an import did."""

    added: tuple[Subscription, ...]
    duplicates: int
    problems: tuple[str, ...]  # outlines that are no feed, or a denied one, each a line


def merge(db: Database, config: Config, data: bytes, name: str, now: datetime) -> Imported:
    """List the feeds of another OPML file too, in its categories; those listed already are left alone.

    Raises: OpmlError where the file, or feeds.opml, cannot be read.
    """
    offered, problems = opml.examine(data, name)
    known = subscribe.known_addresses(db, config, now).keys()
    denied = deny_list.read(config.store)
    refused = {url for each in offered for url in (each.url, each.address) if denied.denies_feed(url)}
    offered = tuple(each for each in offered if refused.isdisjoint((each.url, each.address)))
    added = tuple(
        each for each in offered if not {normalise(each.url), normalise(each.address)} & known
    )  # fmt: skip
    if added:
        subscribe.edit(db, config, lambda listed: opml.add(listed, *added), now)
    twice = [problem for problem in problems if not problem.serious]
    return Imported(
        added=added,
        duplicates=len(offered) - len(added) + len(twice),
        problems=(
            *(problem.text for problem in problems if problem.serious),
            *(f"{url}: {denied.reason(url)}" for url in sorted(refused)),
        ),
    )


def write(db: Database, config: Config, now: datetime) -> bytes:
    """Return the listed feeds as OPML 2.0 that any reader takes, at their present addresses.

    Raises: OpmlError where feeds.opml cannot be read.
    """
    subscribe.bring_up(db, config, now)
    listed = opml.parse(subscribe.listed(config), str(config.opml))
    rows = {row["listed_url"]: row for row in feeds.overview(db)}
    return opml.add(opml.EMPTY, *(_plain(each, rows.get(each.url)) for each in listed))


def _plain(subscription: Subscription, row: dict[str, str | None] | None) -> Subscription:
    known = row or {}
    return replace(
        subscription,
        url=known.get("fetch_url") or subscription.address,
        title=subscription.title or known.get("title") or "",
        site_url=subscription.site_url or known.get("site_url"),
        settings=FeedSettings(),
    )
