"""Table denials: the deny list as the store knows it, by keys that say nothing of what they stand for.

What is denied is recorded by nobody: neither by a poll nor by a hub's delivery.
"""

import itertools
import json
from collections.abc import Iterable, Iterator
from dataclasses import replace
from datetime import datetime

from sqlite_utils import Database

from aggregator import deny_list, urls
from aggregator.deny_list import DenyList
from aggregator.model import DueFeed, ParsedEntry, ParsedFeed
from aggregator.store import meta
from aggregator.times import to_text

# Released: a change is a migration.
TABLE = "CREATE TABLE denials (key TEXT PRIMARY KEY) STRICT, WITHOUT ROWID"
_META = "denials"  # the digest of the list that was worked off
_TRACES = "takedown_traces"
_READ_AGAIN = """
UPDATE feeds SET etag = NULL, last_modified = NULL, body_fingerprint = '', entry_marks = NULL
WHERE body_fingerprint IS NOT NULL
"""
_AMONG = "SELECT key FROM denials WHERE key IN (SELECT value FROM json_each(?))"


def digest(db: Database) -> str:
    """Return the fingerprint of the deny list of whose entries nothing is left, "" before the first."""
    return meta.value(db, _META) or ""


def take_up(db: Database, listed: DenyList) -> None:
    """Let a deny list hold from now on, inside the caller's transaction.

    Shape: where something is denied no more, each feed's next poll reads what did not change, too.
    """
    known = {key for (key,) in db.execute("DELETE FROM denials RETURNING key").fetchall()}
    if known - listed.keys():
        db.execute(_READ_AGAIN)
    db.conn.executemany("INSERT INTO denials (key) VALUES (?)", [(key,) for key in sorted(listed.keys())])


def note(db: Database, listed: DenyList) -> None:
    """Note that nothing is left of what a deny list names."""
    meta.note(db, _META, listed.digest)


def is_behind(db: Database, listed: DenyList, now: datetime) -> bool:
    """Tell whether something is still to be taken down, or traces of it are to be removed."""
    since = traces_since(db)
    is_new = listed.digest not in {"", digest(db)}
    return is_new or (since is not None and since <= to_text(now))


def traces_since(db: Database) -> str | None:
    """Return from when on the store's file is to be rid of traces of what was deleted; None: it is."""
    return meta.value(db, _TRACES)


def note_traces(db: Database, at: datetime | None) -> None:
    """Write what `traces_since` reads."""
    db.execute("DELETE FROM meta WHERE key = ?", [_TRACES])
    if at:
        db.execute("INSERT INTO meta (key, value) VALUES (?, ?)", [_TRACES, to_text(at)])


def count(db: Database) -> int:
    """Count what is denied."""
    return int(db.execute("SELECT count(*) FROM denials").fetchone()[0])


def denied_feeds(db: Database, addresses: Iterable[str]) -> set[str]:
    """Return those of these addresses at which no feed may be subscribed to."""
    if _is_empty(db):
        return set()
    keys = {address: {*_of_link(address, "feed")} for address in addresses}
    denied = _denied(db, itertools.chain.from_iterable(keys.values()))
    return {address for address, own in keys.items() if own & denied}


def is_denied(db: Database, link: str) -> bool:
    """Tell whether what lies at an address was taken down."""
    return not _is_empty(db) and bool(_denied(db, _of_link(link, "url")))


def admitted(db: Database, feed: DueFeed, parsed: ParsedFeed) -> ParsedFeed:
    """Return the document without the entries that are denied; the same object where none is."""
    if _is_empty(db):
        return parsed
    own = {*_of_link(feed.listed_url, "feed"), *_of_link(feed.fetch_url, "feed")}
    keys = {entry.guid: {*_keys(feed, entry)} for entry in parsed.entries}
    denied = _denied(db, own.union(*keys.values()))
    if not denied:
        return parsed
    kept = () if own & denied else (entry for entry in parsed.entries if not keys[entry.guid] & denied)
    return replace(parsed, entries=tuple(kept))


def _is_empty(db: Database) -> bool:
    return db.execute("SELECT 1 FROM denials LIMIT 1").fetchone() is None


def _denied(db: Database, keys: Iterable[str]) -> set[str]:
    return {key for (key,) in db.execute(_AMONG, [json.dumps(list(keys))]).fetchall()}


def _keys(feed: DueFeed, entry: ParsedEntry) -> Iterator[str]:
    yield deny_list.of_entry(feed.listed_url, entry.guid)
    for link in (entry.permalink, entry.guid):
        yield from _of_link(link, "url") if link else ()


def _of_link(link: str, kind: str) -> Iterator[str]:
    """Yield under which keys something at an address may be denied."""
    name = urls.canonical(link) if kind == "url" else urls.normalise(link)
    if name:
        yield deny_list.key(kind, name)
    for host in deny_list.above(link):
        yield deny_list.key("host", host)
