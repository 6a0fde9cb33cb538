"""Table pictures: the copies of entries' pictures that lie in output/, and those that could not be had."""

import json
from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import NamedTuple

from sqlite_utils import Database

from aggregator.times import to_text

BACKOFF = (timedelta(hours=1), timedelta(hours=6), timedelta(hours=24))  # then never again

TABLE = """
CREATE TABLE pictures (
  story_id INTEGER PRIMARY KEY REFERENCES stories (story_id),
  url TEXT NOT NULL,
  path TEXT NOT NULL DEFAULT '',
  due_at TEXT,
  failures INTEGER NOT NULL DEFAULT 0,
  failure TEXT
) STRICT
"""
_LOST = """
SELECT DISTINCT path FROM pictures p WHERE path != '' AND story_id IN (SELECT value FROM json_each(:stories))
  AND NOT EXISTS (SELECT 1 FROM pictures o
    WHERE o.path = p.path AND o.story_id NOT IN (SELECT value FROM json_each(:stories)))
"""


class Known(NamedTuple):
    """What is known of a story's picture."""

    url: str
    path: str  # of the copy, "" where there is none
    due: bool  # to be tried again


def known(db: Database, now: datetime) -> dict[int, Known]:
    """Return what is known, by story."""
    rows = db.execute("SELECT story_id, url, path, coalesce(due_at <= ?, 0) FROM pictures", [to_text(now)])
    return {story_id: Known(url, path, bool(due)) for story_id, url, path, due in rows.fetchall()}


def paths(db: Database, story_ids: Iterable[int]) -> dict[int, str]:
    """Return where the copies of these stories' pictures lie."""
    sql = """SELECT story_id, p.path FROM json_each(?) JOIN pictures p ON story_id = value
      WHERE p.path != ''"""
    return dict(db.execute(sql, [json.dumps(list(story_ids))]).fetchall())


def lost(db: Database, story_ids: Iterable[int]) -> list[str]:
    """List the copies that nobody needs without these stories."""
    return [row[0] for row in db.execute(_LOST, {"stories": json.dumps(list(story_ids))}).fetchall()]


def drop(db: Database, story_ids: Iterable[int]) -> None:
    """Forget these stories' pictures."""
    db.conn.executemany("DELETE FROM pictures WHERE story_id = ?", [(each,) for each in story_ids])


def note(db: Database, urls: Mapping[int, str], path: str) -> None:
    """Write where the copy of a picture lies that these stories have."""
    rows = [{"story_id": story, "url": url, "path": path, "due_at": None, "failures": 0, "failure": None}
            for story, url in urls.items()]  # fmt: skip
    db.table("pictures").upsert_all(rows, pk="story_id")


def failed(db: Database, urls: Mapping[int, str], failure: str, now: datetime) -> None:
    """Write that a picture could not be had, and when to try again."""
    for story, url in urls.items():
        row = db.execute(
            "SELECT failures FROM pictures WHERE story_id = ? AND url = ?", [story, url]
        ).fetchone()
        failures = row[0] if row else 0
        again = to_text(now + BACKOFF[failures]) if failures < len(BACKOFF) else None
        db.table("pictures").upsert(
            {"story_id": story, "url": url, "path": "", "due_at": again, "failures": failures + 1,
             "failure": failure}, pk="story_id")  # fmt: skip
