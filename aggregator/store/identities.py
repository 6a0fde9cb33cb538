"""Under which keys a feed's entries are stored: entries recognised, policies chosen, rows re-keyed."""

import json
import logging
from collections.abc import Container, Sequence
from dataclasses import replace
from typing import Any

from sqlite_utils import Database

from aggregator.model import DueFeed, IdentityPolicy, ParsedEntry, ParsedFeed
from aggregator.poll import identity
from aggregator.poll.identity import Stored
from aggregator.times import maybe_time

_STORED = """SELECT entry_id, guid, permalink, title, published_at, fingerprint
  FROM entries WHERE feed_id = :feed_id"""

# Before the public id of an entry that is known from output/ alone, see recalls.py: no guid of a feed.
RECALLED = "recalled "

log = logging.getLogger(__name__)


def keyed(db: Database, feed: DueFeed, parsed: ParsedFeed) -> ParsedFeed:
    """Return the document under the keys of its feed's policy; one that feeds.opml states is taken up."""
    wanted = feed.settings.identity or feed.identity
    if wanted != feed.identity:
        _rekey(db, feed, parsed, wanted)
    return _under(parsed, wanted)


def has_recalled(db: Database, feed: DueFeed) -> bool:
    """Tell whether a feed has entries that wait for the guid they have in it."""
    sql = "SELECT 1 FROM entries WHERE feed_id = ? AND guid > ? AND guid < ? LIMIT 1"
    return db.execute(sql, [feed.feed_id, RECALLED, RECALLED + "~"]).fetchone() is not None


def recognised(
    db: Database, feed: DueFeed, parsed: ParsedFeed, found: ParsedFeed, known: Container[str], *, whole: bool
) -> ParsedFeed:
    """Return the document with stored entries under their stored keys; the same object where nothing changes.

    `parsed` is the document as parsed, `found` the same under the policy's keys. Where its guids turn out not
    to hold, the policy changes and every stored entry's key with it. A document that is not whole shows that
    of a part only.
    """
    strangers = [entry for entry in found.entries if entry.guid not in known]
    if not strangers:
        return found
    found = _respelled(db, feed, found, strangers)
    if not whole or feed.settings.identity or feed.identity != "guid":
        return found
    unknown = {entry.guid for entry in strangers} & {entry.guid for entry in found.entries}
    if not identity.may_churn(len(found.entries), len(unknown)):
        return found
    policy = identity.choose(found.entries, unknown, _stored(db, feed, "unlisted_at IS NULL"))
    if policy == "guid":
        return found
    log.info("identity_chosen url=%s policy=%s", feed.fetch_url, policy)
    _rekey(db, feed, parsed, policy)
    return _under(parsed, policy)


def _under(parsed: ParsedFeed, policy: IdentityPolicy) -> ParsedFeed:
    return parsed if policy == "guid" else replace(parsed, entries=identity.keyed(parsed.entries, policy))


def _respelled(
    db: Database, feed: DueFeed, found: ParsedFeed, strangers: Sequence[ParsedEntry]
) -> ParsedFeed:
    own = {entry.guid for entry in found.entries}
    others = {guid for entry in strangers for guid in identity.spellings(entry)} - own
    rows = _stored(db, feed, "guid IN (SELECT value FROM json_each(:guids))", json.dumps(sorted(others)))
    if not rows:
        return found
    stored = identity.recognise(strangers, {row.guid: row for row in rows})
    narrowed = {guid: row for guid, row in stored.items() if identity.is_narrowed(guid, row)}
    _write(db, {row.entry_id: guid for guid, row in narrowed.items()})
    aliases = {guid: row.guid for guid, row in stored.items() if guid not in narrowed}
    entries = tuple(replace(entry, guid=aliases.get(entry.guid, entry.guid)) for entry in found.entries)
    return replace(found, entries=entries)


def _rekey(db: Database, feed: DueFeed, parsed: ParsedFeed, policy: IdentityPolicy) -> None:
    rows = _stored(db, feed, "true ORDER BY unlisted_at IS NOT NULL, entry_id")
    _write(db, identity.rekeyed(rows, parsed.entries, feed.identity, policy))
    db.execute("UPDATE feeds SET identity = ? WHERE feed_id = ?", [policy, feed.feed_id])


def _write(db: Database, guids: dict[int, str]) -> None:
    pairs = [(guid, entry_id) for entry_id, guid in guids.items()]
    db.conn.executemany("UPDATE entries SET guid = ? WHERE entry_id = ?", pairs)


def _stored(db: Database, feed: DueFeed, condition: str, guids: str = "[]") -> list[Stored]:
    rows = db.query(f"{_STORED} AND {condition}", {"feed_id": feed.feed_id, "guids": guids})
    return [_row(row) for row in rows]


def _row(row: dict[str, Any]) -> Stored:
    return Stored(**row | {"published_at": maybe_time(row["published_at"])})
