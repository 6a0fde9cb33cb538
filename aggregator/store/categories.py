"""Which feeds stand in which category, and what they published last."""

import json
from collections import defaultdict
from collections.abc import Iterable
from heapq import nlargest
from itertools import chain

from sqlite_utils import Database

from aggregator.model import PublicationState

# Whoever told a story first: it stands in the categories of all its feeds.
# From each feed's newest entries on, by an index: what a category holds is found as fast in a large store.
_NEWEST = """
SELECT p.first_published_at, p.story_id FROM entries e CROSS JOIN stories st ON st.story_id = e.story_id
  CROSS JOIN publications p ON p.story_id = st.story_id
WHERE e.feed_id = ? AND (e.excluded IS NULL OR st.lead_entry_id = e.entry_id)
  AND p.state IN (SELECT value FROM json_each(?))
ORDER BY e.sort_at DESC LIMIT ?
"""


def members(db: Database) -> dict[str, list[int]]:
    """Return the listed feeds of each category, by its name; feeds without one are in none."""
    found: defaultdict[str, list[int]] = defaultdict(list)
    sql = "SELECT category, feed_id FROM feeds WHERE listed = 1 AND category != '' ORDER BY category, feed_id"
    for row in db.query(sql):
        found[row["category"]].append(row["feed_id"])
    return dict(found)


def newest(db: Database, feed_ids: Iterable[int], states: Iterable[PublicationState], most: int) -> list[int]:
    """List the stories that these feeds published last, up to `most`."""
    among = json.dumps(list(states))
    each = (db.execute(_NEWEST, [feed_id, among, most]).fetchall() for feed_id in feed_ids)
    return [story_id for _, story_id in nlargest(most, set(chain.from_iterable(each)))]
