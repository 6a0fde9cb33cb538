"""What an operator means by what is to be taken down: an entry, a feed, a host or an address."""

import re
from dataclasses import replace
from datetime import datetime

from sqlite_utils import Database

from aggregator import deny_list, urls
from aggregator.deny_list import Denial
from aggregator.errors import AggregatorError, ConfigError
from aggregator.store import feeds, takedowns

_HOST = re.compile(r"(?:[a-z0-9_-]+\.)+[a-z0-9-]*[a-z][a-z0-9-]*\.?", re.IGNORECASE)
_ADDRESS = re.compile(r"(?:\d{1,3}\.){3}\d{1,3}|\[[0-9a-f:.]+\]", re.IGNORECASE)
_DIGITS = 18  # of what SQLite takes for a number


def denial(db: Database, target: str, reason: str, now: datetime) -> Denial:
    """Return the takedown that an operator asks for.

    Shape: the target is the first that fits of an entry's number or page, a feed's address, an entry's
    address, a host, part of a feed's title.
    Raises: ConfigError where it names nothing that can be taken down, AggregatorError where no feed fits.
    """
    text = target.strip()
    made = Denial(target=text, denied_at=now, reason=reason.strip())
    if not made.reason:
        raise ConfigError("takedown: expected --reason: it is what you will be asked for")
    if not text:
        raise ConfigError("takedown: expected an entry, a feed, a host or an address")
    if text.isdecimal():
        number = int(text) if len(text) <= _DIGITS else 0
        return _of_entries(db, made, takedowns.by_number(db, number), f"{text}: no such entry")
    if slug := takedowns.slug_in(text):
        return _of_entries(db, made, takedowns.by_slug(db, slug), f"{text}: no such page")
    if urls.is_web(text):
        return _of_address(db, made)
    if _HOST.fullmatch(text) or _ADDRESS.fullmatch(text):
        return replace(made, hosts=(deny_list.host_in(text),))
    row = feeds.find(db, text)
    return replace(made, feeds=takedowns.addresses(db, row["listed_url"]))


def _of_entries(db: Database, made: Denial, entries: list[int], otherwise: str) -> Denial:
    if not entries:
        raise AggregatorError(otherwise)
    keys, links = takedowns.names(db, entries)
    return replace(made, entries=tuple(keys), urls=tuple(links))


def _of_address(db: Database, made: Denial) -> Denial:
    """Take an address for a feed's where one has it, else for an entry's, known or not yet."""
    if addresses := takedowns.addresses(db, made.target):
        return replace(made, feeds=addresses)
    link = urls.canonical(made.target)
    if link is None or ("/" not in link.partition("://")[2] and not takedowns.by_link(db, link)):
        host = urls.host(made.target)
        raise ConfigError(f"{made.target}: no entry leads there; for all of the site: takedown {host}")
    return replace(made, urls=(link,))
