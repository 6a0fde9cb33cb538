"""The tables polls and hosts, and what a poll writes about its feed."""

import json
from collections.abc import Iterable
from datetime import datetime, timedelta

from sqlite_utils import Database

from aggregator.model import ParsedFeed
from aggregator.poll.decide import RECENT, FeedWrite, Later
from aggregator.store.feeds import hints_text, place
from aggregator.times import from_text, maybe_text, to_text

KEPT = timedelta(days=30)


def write(db: Database, write: FeedWrite, now: datetime, added: int = 0, changed: int = 0) -> None:
    """Write a poll's row and its feed's polling columns."""
    columns = {
        "moved_to": write.moved_to,
        "moved_seen": write.moved_seen,
        "gone": int(write.gone),
        "gone_seen": write.gone_seen,
        "etag": write.etag,
        "last_modified": write.last_modified,
        "body_fingerprint": write.body_fingerprint,
        "hints": hints_text(write.hints),
        "next_poll_at": to_text(write.next_poll_at),
        "retry_after_at": maybe_text(write.retry_after_at),
        "next_poll_reasons": json.dumps(write.next_poll_reasons),
        "last_poll_at": to_text(now),
        "last_change_at": maybe_text(write.last_change_at),
        "failures": write.failures,
        "failure": write.failure,
    }
    db.table("feeds").update(write.feed_id, columns | place(write.fetch_url))
    db.table("polls").insert(
        {
            "feed_id": write.feed_id,
            "polled_at": to_text(now),
            "outcome": write.outcome,
            "status": write.status,
            "bytes": write.wire_bytes,
            "seconds": round(write.seconds, 3),
            "added": added,
            "changed": changed,
            "detail": write.failure,
        }
    )


def put_off(db: Database, later: Later) -> None:
    """Write when a feed that was not asked is due again."""
    reasons = json.dumps(later.next_poll_reasons)
    columns = {"next_poll_at": to_text(later.next_poll_at), "next_poll_reasons": reasons}
    db.table("feeds").update(later.feed_id, columns)


def fill_in(db: Database, feed_id: int, parsed: ParsedFeed) -> None:
    """Take title, site_url and language from the feed where feeds.opml gives none."""
    sql = """UPDATE feeds SET title = coalesce(nullif(title, ''), :title),
      site_url = coalesce(site_url, :site_url), language = coalesce(language, :language)
      WHERE feed_id = :feed_id"""
    stated = {"title": parsed.title, "site_url": parsed.site_url, "language": parsed.language}
    db.execute(sql, stated | {"feed_id": feed_id})


def write_host(
    db: Database, domain: str, next_fetch_at: datetime, retry_after_at: datetime | None, reason: str | None
) -> None:
    """Write when a domain may be asked again, and why it wants to be left alone."""
    row = {
        "domain": domain,
        "next_fetch_at": to_text(next_fetch_at),
        "retry_after_at": maybe_text(retry_after_at),
        "reason": reason,
    }
    db.table("hosts").upsert(row, pk="domain")


def recent_times(db: Database, feed_id: int) -> list[datetime]:
    """Return when the newest entries of a feed came out, newest first."""
    sql = "SELECT sort_at FROM entries WHERE feed_id = ? ORDER BY sort_at DESC LIMIT ?"
    return [from_text(text) for (text,) in db.execute(sql, [feed_id, RECENT])]


def forget_old(db: Database, now: datetime) -> None:
    """Delete the polls of more than 30 days ago."""
    db.execute("DELETE FROM polls WHERE polled_at < ?", [to_text(now - KEPT)])


def next_fetches(db: Database, domains: Iterable[str]) -> dict[str, datetime]:
    """Return when each of the domains may be asked again, as far as that is known."""
    sql = """SELECT domain, next_fetch_at FROM hosts
      WHERE next_fetch_at IS NOT NULL AND domain IN (SELECT value FROM json_each(?))"""
    return {domain: from_text(at) for domain, at in db.execute(sql, [json.dumps(list(domains))])}
