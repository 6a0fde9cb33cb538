"""Table stale_pages: stories whose page must be written again though no feed may carry them any more."""

import json
from collections.abc import Iterable, Mapping

from sqlite_utils import Database

_OF_FEEDS = """
INSERT OR IGNORE INTO stale_pages (story_id) SELECT st.story_id
FROM json_each(?) AS url CROSS JOIN feeds f ON f.listed_url = url.value
  CROSS JOIN entries e USING (feed_id) CROSS JOIN stories st ON st.story_id = e.story_id
WHERE st.lead_entry_id = e.entry_id
"""


def note(db: Database, story_ids: Iterable[int]) -> None:
    """Have the stories' pages written again."""
    values = [(story_id,) for story_id in story_ids]
    db.conn.executemany("INSERT OR IGNORE INTO stale_pages (story_id) VALUES (?)", values)


def note_all(db: Database) -> None:
    """Have every page written again."""
    db.execute(
        """INSERT OR IGNORE INTO stale_pages (story_id) SELECT story_id FROM publications
        WHERE state IN ('untranslated', 'translated')"""
    )


def note_feeds(db: Database, listed_urls: Iterable[str]) -> None:
    """Have the pages of the stories that these feeds lead written again."""
    db.execute(_OF_FEEDS, [json.dumps(list(listed_urls))])


def newest(db: Database, limit: int) -> dict[int, int]:
    """Return stories whose pages are to be written again, those that came last first.

    Shape: each with how often that was noted.
    """
    sql = "SELECT story_id, changes FROM stale_pages ORDER BY story_id DESC LIMIT ?"
    return dict(db.execute(sql, [limit]).fetchall())


def done(db: Database, written: Mapping[int, int]) -> None:
    """Forget stories whose pages were written, but those noted once more since `newest` gave them."""
    db.conn.executemany("DELETE FROM stale_pages WHERE story_id = ? AND changes = ?", list(written.items()))
