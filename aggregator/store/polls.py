"""The tables polls and hosts, and what a poll writes about its feed."""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlite_utils import Database

from aggregator.markup import unturned
from aggregator.model import ParsedFeed, Rest
from aggregator.poll.decide import RECENT, FeedWrite, Later, Pace
from aggregator.store import rows
from aggregator.store.feeds import hints_text, place
from aggregator.times import from_text, maybe_text, no_sooner, to_text

KEPT = timedelta(days=30)

# Counted here, as 2,000 feeds have 40,000 times to read.
_PACES = """
  SELECT value, since, (
    SELECT count(*) FROM entries WHERE feed_id = value AND sort_at > since AND sort_at <= :now)
  FROM (
    SELECT value, coalesce(
      (SELECT sort_at FROM entries WHERE feed_id = value AND sort_at <= :now
        ORDER BY sort_at DESC LIMIT 1 OFFSET :recent - 1),
      (SELECT min(sort_at) FROM entries WHERE feed_id = value AND sort_at <= :now)) AS since
    FROM json_each(:ids))
  WHERE since IS NOT NULL"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Polled:
    """What was decided after one poll, and how many entries it brought."""

    write: FeedWrite
    added: int = 0
    changed: int = 0
    moved: bool = False  # polls go elsewhere from now on


def write(db: Database, polled: Sequence[Polled], now: datetime) -> None:
    """Write each poll's row and its feed's polling columns."""
    at = to_text(now)
    rows.update(db, "feeds", "feed_id", [_feed_row(each.write, at) for each in polled])
    moved = [{"feed_id": each.write.feed_id, **place(each.write.fetch_url)} for each in polled if each.moved]
    rows.update(db, "feeds", "feed_id", moved)
    rows.insert(db, "polls", [_poll_row(each, at) for each in polled])


def _feed_row(write: FeedWrite, at: str) -> dict[str, Any]:
    return {
        "feed_id": write.feed_id,
        "moved_to": write.moved_to,
        "moved_seen": write.moved_seen,
        "led_to": write.led_to,
        "gone": int(write.gone),
        "gone_seen": write.gone_seen,
        "etag": write.etag,
        "last_modified": write.last_modified,
        "body_fingerprint": write.body_fingerprint,
        "entry_marks": write.entry_marks,
        "refused_fingerprint": write.refused_fingerprint,
        "hints": hints_text(write.hints),
        "next_poll_at": no_sooner(write.next_poll_at),
        "retry_after_at": _maybe_no_sooner(write.retry_after_at),
        "next_poll_reasons": json.dumps(write.next_poll_reasons),
        "last_poll_at": at,
        "last_change_at": maybe_text(write.last_change_at),
        "failures": write.failures,
        "failure": write.failure,
        "seconds": round(write.seconds, 3),
    }


def _poll_row(polled: Polled, at: str) -> dict[str, Any]:
    write = polled.write
    return {
        "feed_id": write.feed_id,
        "polled_at": at,
        "outcome": write.outcome,
        "status": write.status,
        "bytes": write.wire_bytes,
        "seconds": round(write.seconds, 3),
        "added": polled.added,
        "changed": polled.changed,
        "detail": write.failure,
    }


def _maybe_no_sooner(moment: datetime | None) -> str | None:
    return None if moment is None else no_sooner(moment)


def put_off(db: Database, later: Later) -> None:
    """Write when a feed that was not asked is due again."""
    reasons = json.dumps(later.next_poll_reasons)
    columns = {"next_poll_at": no_sooner(later.next_poll_at), "next_poll_reasons": reasons}
    db.table("feeds").update(later.feed_id, columns)


def fill_in(db: Database, feed_id: int, parsed: ParsedFeed) -> None:
    """Take title, site_url and language from the feed where feeds.opml gives none."""
    sql = """UPDATE feeds SET title = coalesce(nullif(title, ''), :title),
      site_url = coalesce(site_url, :site_url), language = coalesce(language, :language)
      WHERE feed_id = :feed_id"""
    stated = {"title": unturned(parsed.title), "site_url": parsed.site_url, "language": parsed.language}
    db.execute(sql, stated | {"feed_id": feed_id})


def write_host(
    db: Database, domain: str, next_fetch_at: datetime, retry_after_at: datetime | None, reason: str | None
) -> None:
    """Write when a domain may be asked again, and why it wants to be left alone.

    A rest that is not over by then stays where no other is given: a request in flight may have been answered
    meanwhile.
    """
    sql = """INSERT INTO hosts (domain, next_fetch_at, retry_after_at, reason) VALUES (?, ?, ?, ?)
      ON CONFLICT DO UPDATE SET next_fetch_at = excluded.next_fetch_at,
        retry_after_at = excluded.retry_after_at, reason = excluded.reason
      WHERE excluded.retry_after_at IS NOT NULL OR hosts.retry_after_at IS NULL
        OR hosts.retry_after_at <= excluded.next_fetch_at"""
    db.execute(sql, [domain, no_sooner(next_fetch_at), _maybe_no_sooner(retry_after_at), reason])


def write_rest(db: Database, host: str, retry_after_at: datetime) -> None:
    """Write how long a host wants to be left alone."""
    sql = """INSERT INTO host_rests VALUES (?, ?)
      ON CONFLICT DO UPDATE SET retry_after_at = excluded.retry_after_at"""
    db.execute(sql, [host, no_sooner(retry_after_at)])


def rests(db: Database, now: datetime) -> tuple[Rest, ...]:
    """Return the hosts and domains that want to be left alone."""
    sql = """SELECT 'domain', domain, retry_after_at FROM hosts WHERE retry_after_at > :now
      UNION ALL SELECT 'host', host, retry_after_at FROM host_rests WHERE retry_after_at > :now"""
    found = db.execute(sql, {"now": to_text(now)})
    return tuple(Rest(scope=scope, place=place, lasts=from_text(at) - now) for scope, place, at in found)


def paces(db: Database, feed_ids: Iterable[int], now: datetime) -> dict[int, Pace]:
    """Return how often each of the feeds brought entries of late; nothing of those that have none."""
    parameters = {"ids": json.dumps(list(feed_ids)), "recent": RECENT, "now": to_text(now)}
    found = db.execute(_PACES, parameters).fetchall()
    return {feed_id: Pace(from_text(since), later) for feed_id, since, later in found}


def forget_old(db: Database, now: datetime) -> None:
    """Delete the polls of more than 30 days ago, and rests that are over."""
    db.execute("DELETE FROM polls WHERE polled_at < ?", [to_text(now - KEPT)])
    db.execute("DELETE FROM host_rests WHERE retry_after_at < ?", [to_text(now)])


def next_fetches(db: Database, domains: Iterable[str]) -> dict[str, datetime]:
    """Return when each of the domains may be asked again, as far as that is known."""
    sql = """SELECT domain, next_fetch_at FROM hosts
      WHERE next_fetch_at IS NOT NULL AND domain IN (SELECT value FROM json_each(?))"""
    return {domain: from_text(at) for domain, at in db.execute(sql, [json.dumps(list(domains))])}
