"""Tables joins and related_stories: why entries are one story, and which published stories tell the same."""

import json
import re
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import permutations
from typing import Any, Literal

from sqlite_utils import Database

from aggregator import urls
from aggregator.model import Related
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
# A story is what all its feeds brought, whoever told it first: each has it in its own feed and in its number.
SOURCES = """
DROP TRIGGER publications_of_a_feed;
CREATE TRIGGER publications_of_a_feed AFTER UPDATE OF first_published_at ON publications
WHEN NEW.first_published_at IS NOT NULL AND NEW.first_published_at IS NOT OLD.first_published_at
BEGIN
  UPDATE feeds SET published = published + (OLD.first_published_at IS NULL),
    newest_published_at = max(coalesce(newest_published_at, ''), NEW.first_published_at)
  WHERE feed_id IN (SELECT e.feed_id FROM entries e JOIN stories st USING (story_id)
    WHERE e.story_id = NEW.story_id AND (e.excluded IS NULL OR e.entry_id = st.lead_entry_id)); END;

CREATE TRIGGER joins_of_a_feed AFTER INSERT ON joins
BEGIN
  UPDATE feeds SET published = published + 1,
    newest_published_at = max(coalesce(newest_published_at, ''), (
      SELECT p.first_published_at FROM entries e JOIN publications p USING (story_id)
      WHERE e.entry_id = NEW.entry_id))
  WHERE feed_id = (SELECT e.feed_id FROM entries e JOIN publications p USING (story_id)
    WHERE e.entry_id = NEW.entry_id AND e.excluded IS NULL AND p.first_published_at IS NOT NULL
      AND NOT EXISTS (SELECT 1 FROM entries o
        WHERE o.story_id = e.story_id AND o.feed_id = e.feed_id AND o.entry_id != e.entry_id)); END;

CREATE TRIGGER joins_of_a_source AFTER INSERT ON joins
BEGIN
  UPDATE source_feeds SET written = NULL
  WHERE feed_id = (SELECT feed_id FROM entries WHERE entry_id = NEW.entry_id); END;

CREATE TRIGGER moves_of_a_source AFTER UPDATE OF story_id ON entries WHEN OLD.story_id != NEW.story_id
BEGIN
  UPDATE source_feeds SET written = NULL WHERE feed_id = NEW.feed_id; END;
"""
# When the feed of entry `e` brought the story of publication `p`: others may have done so long before.
BROUGHT_AT = """max(p.first_published_at, coalesce((
  SELECT j.joined_at FROM joins j WHERE j.entry_id = (
    SELECT min(o.entry_id) FROM entries o WHERE o.story_id = e.story_id AND o.feed_id = e.feed_id)), ''))"""
_STALE = """
INSERT OR IGNORE INTO stale_pages (story_id)
SELECT story_id FROM publications
WHERE story_id IN (SELECT value FROM json_each(?)) AND state IN ('untranslated', 'translated')
"""
_RELATED = """
SELECT r.story_id, p.slug, p.title, p.state
FROM related_stories AS r JOIN publications AS p ON p.story_id = r.other_id
WHERE r.story_id IN (SELECT value FROM json_each(?)) AND p.state IN ('untranslated', 'translated')
ORDER BY r.story_id, p.first_published_at, p.public_id
"""
_SHOWN = """
SELECT e.entry_id AS entry, e.story_id AS story, e.entry_id = st.lead_entry_id AS leads,
  coalesce(nullif(f.title, ''), f.host) AS feed, e.title, e.permalink, e.first_seen_at, j.other_id AS joined,
  j.reason, j.detail, j.parted_at
FROM entries AS e JOIN stories AS st USING (story_id) JOIN feeds AS f USING (feed_id)
  LEFT JOIN joins AS j USING (entry_id)
"""
_MEMBERS = f"""{_SHOWN}
WHERE e.story_id IN (SELECT story_id FROM entries WHERE entry_id = :number
  UNION SELECT story_id FROM entries WHERE canonical_url = :canonical
  UNION SELECT story_id FROM publications WHERE slug = :slug)
ORDER BY e.story_id, e.entry_id IS NOT st.lead_entry_id, e.entry_id
"""  # noqa: S608 - constants of ours
_LATEST = f"""{_SHOWN}
WHERE e.entry_id IN (SELECT entry_id FROM joins ORDER BY entry_id DESC LIMIT ?) ORDER BY e.entry_id DESC
"""  # noqa: S608
_PAGE = re.compile(r"(\d{4}/\d\d/[0-9a-f]+)(?:\.html)?$")
_DIGITS = 19  # of what is too much for SQLite


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


def relate(db: Database, stories: Iterable[int], detail: str, now: datetime) -> None:
    """Note that published stories tell the same, and have the pages written again that did not say so."""
    found: list[dict[str, Any]] = [
        {"story_id": one, "other_id": other, "detail": detail, "found_at": to_text(now)}
        for one, other in permutations(stories, 2)
    ]
    fresh = [row for row in found if not _is_related(db, row)]
    rows.insert(db, "related_stories", fresh)
    if fresh:
        renew_pages(db, [row["story_id"] for row in fresh])


def _is_related(db: Database, row: dict[str, Any]) -> bool:
    sql = "SELECT 1 FROM related_stories WHERE story_id = :story_id AND other_id = :other_id"
    return db.execute(sql, row).fetchone() is not None


def related(db: Database, stories: Iterable[int]) -> dict[int, tuple[Related, ...]]:
    """Return the published stories that tell the same as each of these, the first first."""
    found: defaultdict[int, list[Related]] = defaultdict(list)
    for story_id, slug, title, state in db.execute(_RELATED, [json.dumps(list(stories))]):
        found[story_id].append(Related(slug=slug, title=title, state=state))
    return {story_id: tuple(each) for story_id, each in found.items()}


def members(db: Database, entry: str) -> list[dict[str, Any]]:
    """List the entries of an entry's story, with why they joined it.

    Shape: the entry by its number, its original's address or its page's.
    """
    page = _PAGE.search(entry)
    number = int(entry) if entry.isdecimal() and len(entry) < _DIGITS else None
    named = {"number": number, "canonical": urls.canonical(entry), "slug": page and page[1]}
    return list(db.query(_MEMBERS, named))


def latest(db: Database, most: int) -> list[dict[str, Any]]:
    """List the entries that joined a story last, with why."""
    return list(db.query(_LATEST, [most]))
