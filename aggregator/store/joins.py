"""Tables joins and related_stories: why entries are one story, and which published stories tell the same."""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from sqlite_utils import Database

from aggregator.store import rows
from aggregator.times import to_text

Reason = Literal["address", "discussion", "title"]

TABLES = """
CREATE TABLE story_keys (
  key TEXT NOT NULL,
  entry_id INTEGER NOT NULL REFERENCES entries (entry_id) ON DELETE CASCADE,
  at TEXT NOT NULL,
  PRIMARY KEY (key, entry_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX story_keys_age ON story_keys (at);

CREATE TABLE joins (
  entry_id INTEGER PRIMARY KEY REFERENCES entries (entry_id),
  other_id INTEGER NOT NULL REFERENCES entries (entry_id),
  reason TEXT NOT NULL CHECK (reason IN ('address', 'discussion', 'title')),
  detail TEXT NOT NULL,
  joined_at TEXT NOT NULL,
  parted_at TEXT
) STRICT;

CREATE TABLE related_stories (
  story_id INTEGER NOT NULL REFERENCES stories (story_id),
  other_id INTEGER NOT NULL REFERENCES stories (story_id),
  detail TEXT NOT NULL,
  found_at TEXT NOT NULL,
  PRIMARY KEY (story_id, other_id)
) STRICT, WITHOUT ROWID;

CREATE INDEX discussions_thread ON discussions (provider, thread_key) WHERE thread_key != '';
"""
_STALE = """
INSERT OR IGNORE INTO stale_pages (story_id)
SELECT story_id FROM publications
WHERE story_id IN (SELECT value FROM json_each(?)) AND state IN ('untranslated', 'translated')
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Join:
    """Why an entry belongs to a story that was there."""

    story_id: int
    other_id: int  # the entry it was told by
    reason: Reason
    detail: str  # the address, the discussion, the other one's title


def write(db: Database, joined: Sequence[tuple[int, Join]], now: datetime) -> None:
    """Write why entries joined stories, and have these stories' pages written again."""
    written: list[dict[str, Any]] = [
        {"entry_id": entry_id, "other_id": join.other_id, "reason": join.reason, "detail": join.detail,
         "joined_at": to_text(now), "parted_at": None}
        for entry_id, join in joined
    ]  # fmt: skip
    rows.upsert(db, "joins", ("entry_id",), written)
    if joined:
        renew_pages(db, [join.story_id for _, join in joined])


def renew_pages(db: Database, stories: Iterable[int]) -> None:
    """Have the pages of those stories written again that have one."""
    db.execute(_STALE, [json.dumps(list(stories))])
