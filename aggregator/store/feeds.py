"""The table feeds: what is listed, what is due, how each one does."""

import dataclasses
import functools
import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlite_utils import Database

from aggregator import urls
from aggregator.errors import AggregatorError
from aggregator.markup import unturned
from aggregator.model import DueFeed, FeedSettings, Hints, Subscription
from aggregator.times import maybe_time, to_text

POLLED = "listed = 1 AND gone = 0 AND json_extract(settings, '$.paused') IS NOT 'true'"
POLLED_IDS = f"SELECT feed_id FROM feeds WHERE {POLLED}"  # noqa: S608 - constants only
STATE = """CASE
  WHEN gone = 1 THEN 'gone'
  WHEN json_extract(settings, '$.paused') IS 'true' THEN 'paused'
  WHEN failures > 0 THEN 'failing'
  WHEN last_poll_at IS NULL THEN 'new'
  ELSE 'ok' END"""
_HEALTH = f"""
  SELECT feed_id, {STATE} AS state, title, category, listed_url, fetch_url, site_url, last_poll_at,
    last_change_at, next_poll_at, retry_after_at, failures, failure, identity,
    moved_to, moved_seen, settings{{more}}
  FROM feeds WHERE listed = 1 ORDER BY category, title COLLATE NOCASE, feed_id"""  # noqa: S608 - constants only
_ENTRIES = ", (SELECT count(*) FROM entries WHERE entries.feed_id = feeds.feed_id) AS entries"

_MIRRORED = """
  SELECT feed_id, listed_url, fetch_url, category, title, site_url, language, settings, listed FROM feeds"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Synced:
    """How many feeds a changed feeds.opml added, changed and removed."""

    added: int = 0
    changed: int = 0
    removed: int = 0


# --- feeds.opml -> feeds ------------------------------------------------------------------------------------


def sync(db: Database, subscriptions: Sequence[Subscription], now: datetime) -> Synced:
    """Make the rows mirror feeds.opml; write nothing where they do.

    A feed no longer listed keeps its row and entries; one listed again is due at once.
    """
    known = {row["listed_url"]: row for row in db.query(_MIRRORED)}
    listed: dict[str, Subscription] = {}
    for subscription in subscriptions:
        listed.setdefault(subscription.url, subscription)
    added = [_new_row(each, now) for url, each in listed.items() if url not in known]
    changes = {
        known[url]["feed_id"]: change
        for url, each in listed.items()
        if url in known and (change := _change(known[url], each, now))
    }
    removed = [row["feed_id"] for url, row in known.items() if row["listed"] and url not in listed]
    if added or changes or removed:
        with db.atomic():
            table = db.table("feeds")
            table.insert_all(added)
            for feed_id, change in changes.items():
                table.update(feed_id, change)
            for feed_id in removed:
                table.update(feed_id, {"listed": 0})
    return Synced(added=len(added), changed=len(changes), removed=len(removed))


def _new_row(subscription: Subscription, now: datetime) -> dict[str, Any]:
    return {
        "listed_url": subscription.url,
        **place(subscription.address),
        **_mirror(subscription),
        "title": unturned(subscription.title),
        "next_poll_at": to_text(now),
    }


def place(fetch_url: str) -> dict[str, str]:
    """Return the columns that say where a feed is fetched."""
    domain = urls.registrable_domain(fetch_url)
    return {"fetch_url": fetch_url, "host": urls.host(fetch_url), "domain": domain}


def _mirror(subscription: Subscription) -> dict[str, Any]:
    """Return the columns that feeds.opml decides; what it leaves open is filled from the feed itself."""
    columns = {"category": subscription.category, "settings": settings_text(subscription.settings)}
    stated = {
        "title": unturned(subscription.title),
        "site_url": subscription.site_url,
        "language": subscription.settings.language,
    }
    return columns | {name: value for name, value in stated.items() if value}


def _change(row: dict[str, Any], subscription: Subscription, now: datetime) -> dict[str, Any]:
    mirrored = {name: value for name, value in _mirror(subscription).items() if row[name] != value}
    was = read_settings(row["settings"]).address or row["listed_url"]
    if subscription.address not in {was, row["fetch_url"]}:
        mirrored |= _moved(subscription.address, now)
    if row["listed"]:
        return mirrored
    return mirrored | {"listed": 1, "gone": 0, "gone_seen": 0, "next_poll_at": to_text(now)}


def _moved(address: str, now: datetime) -> dict[str, Any]:
    """Return the columns of a feed that feeds.opml lists elsewhere: validators belong to the old address."""
    unknown = dict.fromkeys(("moved_to", "led_to", "etag", "last_modified")) | {"moved_seen": 0}
    return place(address) | unknown | {"next_poll_at": to_text(now)}


@functools.lru_cache(maxsize=1024)
def settings_text(settings: FeedSettings) -> str:
    """Write a feed's settings as the store keeps them: a JSON object of strings, absent ones left out."""
    values = dataclasses.asdict(settings)
    texts = {
        name: str(value).lower() if isinstance(value, bool) else str(value)
        for name, value in values.items()
        if value is not None
    }
    return json.dumps(texts, ensure_ascii=False)


@functools.lru_cache(maxsize=1024)  # most feeds have the same
def read_settings(text: str) -> FeedSettings:
    """Read what `settings_text` wrote."""
    values = json.loads(text)
    paused = values.pop("paused", "false") == "true"
    most = values.pop("max_per_day", None)
    return FeedSettings(paused=paused, max_per_day=None if most is None else int(most), **values)


@functools.lru_cache(maxsize=1024)
def hints_text(hints: Hints) -> str:
    """Write hints as the store keeps them: JSON, durations in seconds."""
    durations = {"ttl": hints.ttl, "update_every": hints.update_every}
    seconds = {name: length.total_seconds() for name, length in durations.items() if length is not None}
    skips = {"skip_hours": hints.skip_hours, "skip_days": hints.skip_days}
    return json.dumps(seconds | {name: numbers for name, numbers in skips.items() if numbers})


@functools.lru_cache(maxsize=1024)
def read_hints(text: str) -> Hints:
    """Read what `hints_text` wrote."""
    values = json.loads(text)
    ttl, update_every = (
        timedelta(seconds=values[name]) if name in values else None for name in ("ttl", "update_every")
    )
    skips = {name: tuple(values.get(name, ())) for name in ("skip_hours", "skip_days")}
    return Hints(ttl=ttl, update_every=update_every, **skips)


# --- polls --------------------------------------------------------------------------------------------------


def addresses(db: Database) -> list[tuple[str, str, str | None, str]]:
    """Return the title of each listed feed, its first address, where feeds.opml has it and where polls go."""
    sql = """SELECT coalesce(nullif(title, ''), listed_url), listed_url, json_extract(settings, '$.address'),
      fetch_url FROM feeds WHERE listed = 1"""
    return db.execute(sql).fetchall()


def due_feed(db: Database, listed_url: str) -> DueFeed:
    """Return a listed feed as the poll step wants it, due or not.

    Raises: AggregatorError where the URL is not listed.
    """
    for row in db.query("SELECT * FROM feeds WHERE listed_url = ? AND listed = 1", [listed_url]):
        return due_feed_of(row)
    raise AggregatorError(f"{listed_url} is not listed")


def make_due(db: Database, now: datetime, feed_ids: Sequence[int] | None = None) -> int:
    """Make feeds (all where none are named) due now and return how many became so.

    Gone and paused ones stay as they are, and so do those the server asked to leave alone for a while.
    """
    chosen = "" if feed_ids is None else "AND feed_id IN (SELECT value FROM json_each(:ids))"
    sql = f"""UPDATE feeds SET next_poll_at = :now WHERE {POLLED} AND next_poll_at > :now
      AND (retry_after_at IS NULL OR retry_after_at <= :now) {chosen}"""  # noqa: S608 - constants only
    return db.execute(sql, {"now": to_text(now), "ids": json.dumps(feed_ids)}).rowcount


def revive(db: Database, feed_id: int, now: datetime) -> None:
    """Make a gone feed one to be polled again; due now, unless a Retry-After is running."""
    db.table("feeds").update(feed_id, {"gone": 0, "gone_seen": 0, "next_poll_at": to_text(now)})


def due_feed_of(row: dict[str, Any]) -> DueFeed:
    """Return a row as the poll step wants it."""
    return DueFeed(
        feed_id=row["feed_id"],
        listed_url=row["listed_url"],
        fetch_url=row["fetch_url"],
        domain=row["domain"],
        settings=read_settings(row["settings"]),
        etag=row["etag"],
        last_modified=row["last_modified"],
        body_fingerprint=row["body_fingerprint"],
        entry_marks=row["entry_marks"] or b"",
        refused_fingerprint=row["refused_fingerprint"],
        failure=row["failure"] if row["refused_fingerprint"] else None,
        first_poll=row["body_fingerprint"] is None,
        last_change_at=maybe_time(row["last_change_at"]),
        failures=row["failures"],
        gone_seen=row["gone_seen"],
        moved_to=row["moved_to"],
        moved_seen=row["moved_seen"],
        hints=read_hints(row["hints"]),
        identity=row["identity"],
        seconds=row["seconds"],
    )


# --- health -------------------------------------------------------------------------------------------------


def overview(db: Database) -> list[dict[str, Any]]:
    """Return one row for each listed feed with its state, as `health` does, and the entries it brought."""
    return list(db.query(_HEALTH.format(more=_ENTRIES)))


def health(db: Database) -> list[dict[str, Any]]:
    """Return one row for each listed feed with its state: ok, new, failing, paused or gone."""
    return list(db.query(_HEALTH.format(more="")))


def ends(db: Database) -> list[dict[str, Any]]:
    """Return where the polls of each listed feed end, and the fingerprint of what they found there."""
    sql = """SELECT feed_id, listed_url, title, failures, coalesce(led_to, fetch_url) AS ends_at,
      body_fingerprint FROM feeds WHERE listed = 1 ORDER BY feed_id"""
    return list(db.query(sql))


def find(db: Database, text: str) -> dict[str, Any]:
    """Return the overview's row of the one listed feed that has this id, URL or part of a title or URL.

    Raises: AggregatorError where none or several fit.
    """
    rows = overview(db)
    exact = [row for row in rows if text in {str(row["feed_id"]), row["listed_url"], row["fetch_url"]}]
    part = text.casefold()
    fitting = exact or [row for row in rows if part in f"{row['title']}\n{row['listed_url']}".casefold()]
    if len(fitting) == 1:
        return fitting[0]
    if not fitting:
        raise AggregatorError(f"{text}: no such feed; see: aggregator list")
    names = ", ".join(f"{row['feed_id']} {row['title'] or row['listed_url']}" for row in fitting[:5])
    remedy = f"name one by its number, as in: aggregator why {fitting[0]['feed_id']}"
    raise AggregatorError(f"{text}: fits {len(fitting)} feeds ({names}); {remedy}")


def last_poll_id(db: Database) -> int:
    """Return the id of the newest poll, 0 where there is none."""
    return int(db.execute("SELECT coalesce(max(poll_id), 0) FROM polls").fetchone()[0])


def all_failed_since(db: Database, poll_id: int) -> bool:
    """Tell whether there were polls after this one and every one failed."""
    sql = "SELECT count(*), total(outcome IN ('failed', 'gone')) FROM polls WHERE poll_id > ?"
    polls, failed = db.execute(sql, [poll_id]).fetchone()
    return bool(polls) and polls == failed
