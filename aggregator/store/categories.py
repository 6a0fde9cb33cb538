"""Which feeds stand in which category, and what they published last."""

import json
from collections import defaultdict
from collections.abc import Iterable
from datetime import datetime
from heapq import nlargest

from sqlite_utils import Database

from aggregator.model import PublicationState
from aggregator.store import joins
from aggregator.times import from_text

# Whoever told a story first: it stands in the categories of all its feeds.
# From each feed's newest entries on, by an index: what a category holds is found as fast in a large store.
_NEWEST = f"""
SELECT p.story_id, {joins.BROUGHT_AT} FROM entries e CROSS JOIN stories st ON st.story_id = e.story_id
  CROSS JOIN publications p ON p.story_id = st.story_id
WHERE e.feed_id = ? AND (e.excluded IS NULL OR st.lead_entry_id = e.entry_id)
  AND p.state IN (SELECT value FROM json_each(?))
ORDER BY e.sort_at DESC LIMIT ?
"""  # noqa: S608 - constants of ours


def members(db: Database) -> dict[str, list[int]]:
    """Return the listed feeds of each category, by its name; feeds without one are in none."""
    found: defaultdict[str, list[int]] = defaultdict(list)
    sql = "SELECT category, feed_id FROM feeds WHERE listed = 1 AND category != '' ORDER BY category, feed_id"
    for row in db.query(sql):
        found[row["category"]].append(row["feed_id"])
    return dict(found)


def brought(db: Database) -> dict[int, int]:
    """Return how many stories each listed feed brought."""
    return dict(db.execute("SELECT feed_id, published FROM feeds WHERE listed = 1").fetchall())


def newest(
    db: Database, feed_ids: Iterable[int], states: Iterable[PublicationState], most: int
) -> dict[int, datetime]:
    """Return the stories that these feeds brought last, up to `most`, and when the first of them did."""
    among = json.dumps(list(states))
    found: dict[int, str] = {}
    for feed_id in feed_ids:
        for story_id, at in db.execute(_NEWEST, [feed_id, among, most]).fetchall():
            found[story_id] = min(at, found.get(story_id, at))
    last = nlargest(most, ((at, story_id) for story_id, at in found.items()))
    return {story_id: from_text(at) for at, story_id in last}
