"""Stories that turn out to be one after they were stored, and entries that turn out not to belong to theirs.

What readers were given is never taken back: of two published stories each page names the other.
A story that nobody has seen yet goes into the other with all its entries, and never comes out.
"""

import json
from collections import defaultdict
from collections.abc import Iterable
from datetime import datetime
from typing import NamedTuple

from sqlite_utils import Database

from aggregator.model import Discussion
from aggregator.store import joins
from aggregator.store.joins import Join
from aggregator.store.stories import feeds_of, is_one
from aggregator.times import to_text

_SITES = frozenset({"hatena", "comment-feeds"})  # what is counted there is said of an address

_KNOWING = """
WITH named AS MATERIALIZED (
  SELECT json_extract(value, '$[0]') AS provider, json_extract(value, '$[1]') AS thread FROM json_each(?))
SELECT n.provider || ' ' || n.thread, d.story_id
FROM named AS n CROSS JOIN discussions AS d ON d.provider = n.provider AND d.thread_key = n.thread
WHERE d.thread_key != '' AND d.gone = 0
UNION SELECT n.provider || ' ' || n.thread, e.story_id
FROM named AS n CROSS JOIN story_keys AS k ON k.key = 'discussion ' || n.provider || ' ' || n.thread
  JOIN entries AS e USING (entry_id)
"""
# A story that nobody has seen translated and that a removed feed leads never will be; what an operator parted
# stays so.
_STATES = """
SELECT s.value, p.first_published_at, coalesce(p.held_at, '9'),
  coalesce(st.lead_entry_id, (SELECT min(entry_id) FROM entries WHERE story_id = s.value))
FROM json_each(?) AS s JOIN stories AS st ON st.story_id = s.value
  LEFT JOIN publications AS p ON p.story_id = s.value
WHERE coalesce(p.state, '') != 'withdrawn' AND NOT EXISTS (
  SELECT 1 FROM entries AS e JOIN feeds AS f USING (feed_id) LEFT JOIN joins AS j USING (entry_id)
  WHERE e.story_id = s.value AND (j.parted_at IS NOT NULL OR json_extract(f.settings, '$.merge') = 'address'
    OR coalesce(p.state, 'held') IN ('held', 'untranslated') AND f.listed = 0
      AND e.entry_id = coalesce(st.lead_entry_id, e.entry_id)))
ORDER BY p.first_published_at IS NULL, 2, 3, 1
"""
_MOVED = """
SELECT entry_id FROM entries LEFT JOIN joins USING (entry_id) WHERE story_id = ? AND reason IS NULL
"""
# In the order that rows refer to each other. Nothing else has rows of a story that was not published.
_ABSORB = (
    """DELETE FROM comment_counts
    WHERE source != 'feed' AND entry_id = (SELECT lead_entry_id FROM stories WHERE story_id = :story)""",
    "UPDATE OR IGNORE discussions SET story_id = :target WHERE story_id = :story AND thread_key != ''",
    "DELETE FROM discussions WHERE story_id = :story",
    "DELETE FROM publications WHERE story_id = :story AND state = 'held'",
    "DELETE FROM stale_pages WHERE story_id = :story",
    "UPDATE entries SET story_id = :target WHERE story_id = :story",
    "DELETE FROM stories WHERE story_id = :story",
)
_PARTABLE = """
SELECT e.story_id, coalesce(st.lead_entry_id, (
  SELECT min(entry_id) FROM entries AS o WHERE o.story_id = e.story_id AND o.entry_id != e.entry_id))
FROM entries AS e JOIN stories AS st USING (story_id)
WHERE e.entry_id = ? AND e.entry_id IS NOT st.lead_entry_id
  AND EXISTS (SELECT 1 FROM entries AS o WHERE o.story_id = e.story_id AND o.entry_id != e.entry_id)
"""
_PART = """
INSERT INTO joins (entry_id, other_id, reason, detail, joined_at, parted_at)
VALUES (:entry, :other, 'address', '', :at, :at) ON CONFLICT (entry_id) DO UPDATE SET parted_at = :at
"""


class _Story(NamedTuple):
    story_id: int
    first_published_at: str | None
    held_at: str
    entry_id: int  # its lead, or what may become it


def by_discussions(db: Database, found: Iterable[Discussion], now: datetime) -> set[int]:
    """Make one story of those that have a discussion in common, and return those that others went into.

    Shape: what one feed has in several stories is about none of them.
    """
    threads = [(each.provider, each.key) for each in found if each.provider not in _SITES]
    knowing: defaultdict[str, set[int]] = defaultdict(set)
    for thread, story_id in db.execute(_KNOWING, [json.dumps(threads)]):
        knowing[thread].add(story_id)
    grown: set[int] = set()
    for thread, story_ids in knowing.items():
        if len(story_ids) > 1 and is_one(story_ids, feeds_of(db, story_ids)):
            grown |= _unite(db, story_ids, thread, now)
    return grown


def _unite(db: Database, story_ids: Iterable[int], thread: str, now: datetime) -> set[int]:
    """Have stories go into the one that was published first, or will be."""
    stories = [_Story(*row) for row in db.execute(_STATES, [json.dumps(sorted(story_ids))]).fetchall()]
    published = [story for story in stories if story.first_published_at]
    unseen = [story for story in stories[1:] if not story.first_published_at]
    for story in unseen:
        _absorb(db, story.story_id, stories[0], thread, now)
    joins.relate(db, [story.story_id for story in published], thread, now)
    return {stories[0].story_id} if unseen else set()


def _absorb(db: Database, story_id: int, target: _Story, thread: str, now: datetime) -> None:
    join = Join(story_id=target.story_id, other_id=target.entry_id, reason="discussion", detail=thread)
    moved = [entry_id for (entry_id,) in db.execute(_MOVED, [story_id]).fetchall()]
    for statement in _ABSORB:
        db.execute(statement, {"story": story_id, "target": target.story_id})
    joins.write(db, [(entry_id, join) for entry_id in moved], now)


def part(db: Database, entry_id: int, now: datetime) -> bool:
    """Give an entry a story of its own, which it keeps; return whether it could be parted.

    Shape: the entry that a story is published from stays, and so does a story's only one. The story's
    discussions are looked for anew, for they may have been the entry's.
    """
    found = db.execute(_PARTABLE, [entry_id]).fetchone()
    if found is None:
        return False
    story_id, lead_id = found
    own = db.table("stories").insert({"lead_entry_id": None}).last_pk
    db.execute("UPDATE entries SET story_id = ? WHERE entry_id = ?", [own, entry_id])
    db.execute("DELETE FROM story_keys WHERE entry_id = ?", [entry_id])
    db.execute(_PART, {"entry": entry_id, "other": lead_id, "at": to_text(now)})
    db.execute("DELETE FROM discussions WHERE story_id = ? AND thread_key != ''", [story_id])
    db.execute("UPDATE discussions SET next_count_at = ? WHERE story_id = ?", [to_text(now), story_id])
    joins.renew_pages(db, [story_id])
    return True
