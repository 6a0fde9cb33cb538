"""The table websub_deliveries: bodies from hubs that wait to be parsed."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime

from sqlite_utils import Database

from aggregator.model import DeliveryJob, HubDelivery
from aggregator.store import feeds
from aggregator.times import to_text


def keep(db: Database, delivery: HubDelivery) -> None:
    """Keep a body until it is parsed; one for a lease that was ended meanwhile is dropped."""
    db.execute(
        """INSERT INTO websub_deliveries (lease_id, content_type, body)
        SELECT lease_id, ?, ? FROM websub WHERE lease_id = ? AND mode = 'subscribe'""",
        [delivery.content_type, delivery.body, delivery.lease_id],
    )


def waiting(db: Database) -> Iterator[DeliveryJob]:
    """Yield the bodies that wait, in the order in which they came."""
    numbers = "SELECT delivery_id FROM websub_deliveries ORDER BY delivery_id"
    sql = """SELECT websub_deliveries.lease_id, content_type, body, listed_url
      FROM websub_deliveries JOIN websub USING (lease_id) JOIN feeds USING (feed_id)
      WHERE delivery_id = ? AND listed = 1"""
    for (delivery_id,) in db.execute(numbers).fetchall():  # bodies one at a time: together they may be large
        for lease_id, content_type, body, listed_url in db.execute(sql, [delivery_id]).fetchall():
            yield DeliveryJob(
                delivery_id=delivery_id,
                lease_id=lease_id,
                # What the last poll found says nothing of what hubs delivered since.
                feed=replace(feeds.due_feed(db, listed_url), body_fingerprint=None, entry_marks=b""),
                content_type=content_type,
                body=body,
            )


def done(db: Database, job: DeliveryJob, now: datetime, added: int = 0, changed: int = 0) -> None:
    """Forget a body that was parsed; one with new entries shows that the hub works.

    After one that revised entries the next poll reads the whole feed: it may have them as they were before.
    """
    if added or changed:
        unread = {"etag": None, "last_modified": None, "body_fingerprint": "", "entry_marks": b""}
        columns = {"last_change_at": to_text(now)} | (unread if changed else {})
        db.table("feeds").update(job.feed.feed_id, columns)
    db.execute("DELETE FROM websub_deliveries WHERE delivery_id = ?", [job.delivery_id])
    db.execute(
        """UPDATE websub SET delivered_at = :now, deliveries = deliveries + 1,
          works = works OR (:added AND verified_at IS NOT NULL) WHERE lease_id = :lease_id""",
        {"now": to_text(now), "added": added, "lease_id": job.lease_id},
    )


def forget(db: Database, lease_id: int) -> None:
    """Drop what waits under a lease."""
    db.execute("DELETE FROM websub_deliveries WHERE lease_id = ?", [lease_id])


def count(db: Database) -> int:
    """Count the bodies that wait."""
    return int(db.execute("SELECT count(*) FROM websub_deliveries").fetchone()[0])
