"""Who leads a story where the entry that was to lead it is out: its feed was removed, or it is kept out.

Nobody was shown a translation of such a story yet, so it is another feed's to tell. Its id and path stay.
"""

import json
from collections.abc import Iterable
from datetime import datetime

from sqlite_utils import Database

from aggregator.store import joins
from aggregator.times import to_text

_OTHERS = """
SELECT p.story_id, l.entry_id, e.entry_id
FROM publications AS p CROSS JOIN stories AS st USING (story_id)
  JOIN entries AS l ON l.entry_id = st.lead_entry_id JOIN feeds AS g ON g.feed_id = l.feed_id
  JOIN entries AS e ON e.story_id = p.story_id AND e.feed_id != l.feed_id
  JOIN feeds AS f ON f.feed_id = e.feed_id
WHERE p.state IN ('held', 'untranslated') AND e.excluded IS NULL AND f.listed = 1 AND {which}
ORDER BY min(coalesce(e.published_at, e.sort_at), e.sort_at), f.listed_url, e.guid
"""
_OF_STORIES = _OTHERS.format(which="p.story_id IN (SELECT value FROM json_each(?))")
_OF_REMOVED = _OTHERS.format(which="g.listed = 0")
# Providers' numbers stand under the lead alone; waiting for a translation begins anew.
_FOLLOW = (
    "UPDATE OR REPLACE comment_counts SET entry_id = :to WHERE entry_id = :old AND source != 'feed'",
    "UPDATE OR REPLACE count_history SET entry_id = :to WHERE entry_id = :old AND source != 'feed'",
    "UPDATE stories SET lead_entry_id = :to WHERE story_id = :story",
    "UPDATE publications SET held_at = :now WHERE story_id = :story AND state = 'held'",
)


def told_elsewhere(db: Database, stories: Iterable[int]) -> set[int]:
    """Return those of the stories that another feed tells too, and that nobody was shown translated."""
    return {story_id for story_id, *_ in db.execute(_OF_STORIES, [json.dumps(list(stories))])}


def hand_on(db: Database, stories: Iterable[int], now: datetime) -> None:
    """Give each of the stories that another feed tells too its earliest entry of these as lead."""
    _follow(db, db.execute(_OF_STORIES, [json.dumps(list(stories))]).fetchall(), now)


def hand_on_of_removed(db: Database, now: datetime) -> None:
    """Give the stories that removed feeds were to tell to listed ones that tell them too."""
    _follow(db, db.execute(_OF_REMOVED).fetchall(), now)


def _follow(db: Database, others: Iterable[tuple[int, int, int]], now: datetime) -> None:
    handed: set[int] = set()
    for story_id, old, to in others:
        if story_id not in handed:
            for statement in _FOLLOW:
                db.execute(statement, {"story": story_id, "old": old, "to": to, "now": to_text(now)})
        handed.add(story_id)
    joins.renew_pages(db, handed)
