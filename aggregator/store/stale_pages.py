"""Table stale_pages: stories whose page must be written again though no feed may carry them any more."""

from collections.abc import Iterable

from sqlite_utils import Database


def note(db: Database, story_ids: Iterable[int]) -> None:
    """Have the stories' pages written again."""
    values = [(story_id,) for story_id in story_ids]
    db.conn.executemany("INSERT OR IGNORE INTO stale_pages (story_id) VALUES (?)", values)


def all_of(db: Database) -> list[int]:
    """List the stories whose pages are to be written again."""
    return [row[0] for row in db.execute("SELECT story_id FROM stale_pages ORDER BY story_id").fetchall()]


def done(db: Database, story_ids: Iterable[int]) -> None:
    """Forget stories whose pages were written."""
    db.conn.executemany("DELETE FROM stale_pages WHERE story_id = ?", [(each,) for each in story_ids])
