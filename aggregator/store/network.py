"""Whether our own network is down, in table meta, and the polls that it made fail."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlite_utils import Database

from aggregator.model import Failure, PollOutcome
from aggregator.poll.decide import Later
from aggregator.store import meta, polls, rows
from aggregator.times import maybe_time, to_text

_KEY = "network_down_since"


def down_since(db: Database) -> datetime | None:
    """Return since when no feed can be reached, None while the network is up as far as polls tell."""
    return maybe_time(meta.value(db, _KEY))


def note(db: Database, since: datetime | None) -> None:
    """Write what `down_since` reads."""
    if since is None:
        db.execute("DELETE FROM meta WHERE key = ?", [_KEY])
    else:
        meta.note(db, _KEY, to_text(since))


def put_off(db: Database, missed: Sequence[tuple[PollOutcome, Later]], now: datetime) -> None:
    """Write polls that our own network made fail, and when their feeds are due again; none is to blame."""
    for _, later in missed:
        polls.put_off(db, later)
    at = to_text(now)
    rows.insert(db, "polls", [_poll_row(poll, at) for poll, _ in missed])


def _poll_row(poll: PollOutcome, at: str) -> dict[str, Any]:
    detail = poll.result.detail if isinstance(poll.result, Failure) else None
    none = {"status": None, "bytes": 0, "added": 0, "changed": 0}
    stated = {"feed_id": poll.feed.feed_id, "polled_at": at, "outcome": "failed", "detail": detail}
    return stated | {"seconds": round(poll.result.seconds, 3)} | none
