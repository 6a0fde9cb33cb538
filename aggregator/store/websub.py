"""The table websub: leases with hubs."""

import logging
import secrets
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from sqlite_utils import Database

from aggregator.model import Failure, HubLease, HubNotice, HubRequest, ParsedFeed
from aggregator.poll.decide import BACKOFF
from aggregator.store import deliveries, feeds, reading
from aggregator.times import to_text

GIVE_UP = 3  # requests to unsubscribe; the lease ends by itself

log = logging.getLogger(__name__)

_LEASE_COLUMNS = "lease_id, mode, topic_url, secret"


# --- what polls say -----------------------------------------------------------------------------------------


def note_links(db: Database, feed_id: int, parsed: ParsedFeed, now: datetime) -> None:
    """Bring a feed's lease in line with the hub and the self link its document names."""
    named = (parsed.hub_url, parsed.self_url) if parsed.hub_url and parsed.self_url else None
    lease = _lease(db, feed_id)
    if named == (lease and (lease["hub_url"], lease["topic_url"])):
        return
    if lease:
        _retire(db, [lease], now)
    if named:
        hub_url, topic_url = named
        db.table("websub").insert({
            "feed_id": feed_id, "mode": "subscribe", "hub_url": hub_url, "topic_url": topic_url,
            "token": secrets.token_urlsafe(24), "secret": secrets.token_hex(32), "ask_at": to_text(now),
        })  # fmt: skip


def note_missed(db: Database, feed_id: int) -> None:
    """Stop relying on a feed's hub: a poll found entries that it had not delivered."""
    db.execute("UPDATE websub SET works = 0 WHERE feed_id = ? AND works = 1", [feed_id])


def works(db: Database, feed_id: int, now: datetime) -> bool:
    """Tell whether a feed's hub can be relied on: verified, and no poll found more since it last had news."""
    sql = "SELECT 1 FROM websub WHERE feed_id = ? AND mode = 'subscribe' AND works = 1 AND expires_at > ?"
    return db.execute(sql, [feed_id, to_text(now)]).fetchone() is not None


def _lease(db: Database, feed_id: int) -> dict[str, Any] | None:
    return next(db.query("SELECT * FROM websub WHERE feed_id = ? AND mode != 'unsubscribe'", [feed_id]), None)


def _retire(db: Database, leases: list[dict[str, Any]], now: datetime) -> None:
    """End leases: by asking the hub, or at once where it never heard of one or ended it itself."""
    for lease in leases:
        deliveries.forget(db, lease["lease_id"])
        if lease["mode"] == "denied" or lease["callback_url"] is None:
            db.execute("DELETE FROM websub WHERE lease_id = ?", [lease["lease_id"]])
            continue
        db.table("websub").update(
            lease["lease_id"], {"mode": "unsubscribe", "ask_at": to_text(now), "failures": 0, "works": 0}
        )


# --- each round ---------------------------------------------------------------------------------------------


def review(db: Database, base: str, now: datetime) -> None:
    """End the leases of feeds that are polled no more, and rely no longer on those that cannot work.

    Those have run out, or their callback starts with another address than `base`: they are asked for anew.
    """
    left = f"SELECT * FROM websub WHERE mode != 'unsubscribe' AND feed_id NOT IN ({feeds.POLLED_IDS})"  # noqa: S608
    _retire(db, list(db.query(left)), now)
    ended = "SELECT lease_id FROM websub WHERE works = 1 AND expires_at <= ?"
    elsewhere = "SELECT lease_id FROM websub WHERE mode = 'subscribe' AND callback_url != ? || token"
    for (lease_id,) in db.execute(ended, [to_text(now)]).fetchall():
        _poll_again(db, lease_id, now)
    for (lease_id,) in db.execute(elsewhere, [base]).fetchall():
        _poll_again(db, lease_id, now)
        anew = {"callback_url": None, "ask_at": to_text(now), "failures": 0}
        db.table("websub").update(lease_id, anew)


def note(db: Database, said: HubNotice, now: datetime) -> None:
    """Write what a hub told the callback."""
    lease = next(db.query("SELECT * FROM websub WHERE lease_id = ?", [said.lease_id]), None)
    if lease is None:
        return
    if lease["mode"] == "unsubscribe":
        if said.mode != "subscribe":
            db.execute("DELETE FROM websub WHERE lease_id = ?", [said.lease_id])
    elif said.mode == "denied":
        log.warning("hub_denied hub=%s topic=%s reason=%s", lease["hub_url"], lease["topic_url"], said.reason)
        _poll_again(db, said.lease_id, now)
        denied = {"mode": "denied", "ask_at": None, "expires_at": None, "failure": f"denied: {said.reason}"}
        db.table("websub").update(said.lease_id, denied)
    elif said.mode == lease["mode"] == "subscribe":
        log.info("hub_verified hub=%s topic=%s lasts=%s", lease["hub_url"], lease["topic_url"], said.lasts)
        db.table("websub").update(said.lease_id, _verified(said.lasts, now))


def _verified(lasts: timedelta, now: datetime) -> dict[str, Any]:
    return {
        "verified_at": to_text(now),
        "expires_at": to_text(now + lasts),
        # Half a lease is left for a hub that is away; one of minutes is not worth asking for all the time.
        "ask_at": to_text(now + max(lasts / 2, BACKOFF[0])),
        "failures": 0,
        "failure": None,
    }


def _poll_again(db: Database, lease_id: int, now: datetime) -> None:
    """Rely no longer on a hub; where we did, the feed's next poll is far away and made due."""
    sql = "UPDATE websub SET works = 0 WHERE lease_id = ? AND works = 1 RETURNING feed_id"
    if relied := db.execute(sql, [lease_id]).fetchall():
        feeds.make_due(db, now, [feed_id for (feed_id,) in relied])


# --- requests to hubs ---------------------------------------------------------------------------------------


def due_requests(db: Database, base: str, now: datetime, limit: int) -> list[HubRequest]:
    """Return the requests to make, longest due first; `base` is what the callbacks' addresses start with."""
    sql = "SELECT * FROM websub WHERE ask_at <= ? ORDER BY ask_at, lease_id LIMIT ?"
    rows = db.query(sql, [to_text(now), limit])
    return [
        HubRequest(
            lease_id=row["lease_id"],
            mode=row["mode"],
            hub_url=row["hub_url"],
            topic_url=row["topic_url"],
            # A hub knows a lease by the address it was asked for with.
            callback_url=row["callback_url"] if row["mode"] == "unsubscribe" else base + row["token"],
            secret=row["secret"],
        )
        for row in rows
    ]


def asked(db: Database, request: HubRequest, failure: Failure | None, now: datetime) -> None:
    """Write what came of a request; the hub's verification, where it comes, outdoes it."""
    if failure and failure.kind == "Skipped":
        db.table("websub").update(request.lease_id, {"ask_at": to_text(now + BACKOFF[0])})
        return
    if failure:
        log.warning(
            "hub_failed hub=%s topic=%s failure=%s", request.hub_url, request.topic_url, failure.detail
        )
        _poll_again(db, request.lease_id, now)
    sql = "SELECT failures + 1 FROM websub WHERE lease_id = ?"
    attempts = int(db.execute(sql, [request.lease_id]).fetchone()[0])
    if request.mode == "unsubscribe" and attempts >= GIVE_UP:
        db.execute("DELETE FROM websub WHERE lease_id = ?", [request.lease_id])
        return
    columns = {
        "callback_url": request.callback_url,
        "ask_at": to_text(now + BACKOFF[min(attempts, len(BACKOFF)) - 1]),
        "failures": attempts,
        "failure": f"{failure.kind}: {failure.detail}" if failure else None,
    }
    db.table("websub").update(request.lease_id, columns)


# --- health -------------------------------------------------------------------------------------------------


def count_due(db: Database, now: datetime) -> int:
    """Count the requests that are due."""
    return int(db.execute("SELECT count(*) FROM websub WHERE ask_at <= ?", [to_text(now)]).fetchone()[0])


def counts(db: Database, now: datetime) -> dict[str, int]:
    """Count the feeds that name a hub, and of their leases those verified, relied on and denied."""
    sql = """SELECT count(*), total(expires_at > :now), total(works = 1 AND expires_at > :now),
      total(mode = 'denied') FROM websub WHERE mode != 'unsubscribe'"""
    found = map(int, db.execute(sql, {"now": to_text(now)}).fetchone())
    return dict(zip(("named", "verified", "relied_on", "denied"), found, strict=True))


def summary(db: Database, now: datetime) -> str | None:
    """Say how many hubs we have leases with and how many can be relied on, or None where there are none."""
    known = counts(db, now)
    shown = "{named} feeds name one; {verified} verified, {relied_on} relied on, {denied} denied".format_map(
        known
    )
    return shown if known["named"] else None


# --- the callback -------------------------------------------------------------------------------------------


def lease_of(path: Path, token: str) -> HubLease | None:
    """Look up a lease by its token, in a connection of its own that cannot write.

    Raises: StoreError.
    """
    with reading(path) as db:
        sql = f"SELECT {_LEASE_COLUMNS} FROM websub WHERE token = ?"  # noqa: S608 - constants only
        row = db.execute(sql, [token]).fetchone()
    if row is None:
        return None
    lease_id, mode, topic_url, secret = row
    return HubLease(lease_id=lease_id, mode=mode, topic_url=topic_url, secret=secret)
