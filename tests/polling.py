"""What tests ask about due feeds."""

from datetime import datetime

from sqlite_utils import Database

from aggregator.model import DueFeed
from aggregator.store import due


def due_feeds(db: Database, now: datetime, limit: int = 100) -> list[DueFeed]:
    """Return the first page of the feeds that are due."""
    return next(due.pages(db, now, limit), [])
