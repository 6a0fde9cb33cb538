"""Table source_feeds: each source's own address, for ever, and whose feed is to be written again.

Triggers note where what readers were given changed, as they do for archives.
"""

import json
from collections.abc import Iterable
from datetime import datetime

from sqlite_utils import Database

from aggregator.model import PublicationState
from aggregator.publish.source_feeds import Feed, kept, named
from aggregator.store import joins
from aggregator.times import from_text

# Released: a change is a migration.
TABLE = """
CREATE TABLE source_feeds (
  feed_id INTEGER PRIMARY KEY REFERENCES feeds (feed_id),
  slug TEXT NOT NULL UNIQUE,
  written TEXT
) STRICT;

CREATE TRIGGER publications_of_a_source AFTER UPDATE OF state, title, body, updated_at ON publications
WHEN OLD.state != NEW.state OR OLD.title != NEW.title OR OLD.body != NEW.body
  OR OLD.updated_at IS NOT NEW.updated_at
BEGIN
  UPDATE source_feeds SET written = NULL WHERE feed_id IN (
    SELECT feed_id FROM entries WHERE story_id = NEW.story_id); END;

CREATE TRIGGER sources_changed AFTER UPDATE OF settings, title ON feeds
WHEN OLD.title != NEW.title
  OR json_extract(OLD.settings, '$.rights') IS NOT json_extract(NEW.settings, '$.rights')
BEGIN
  UPDATE source_feeds SET written = NULL WHERE feed_id = NEW.feed_id OR feed_id IN (
    SELECT o.feed_id FROM entries e JOIN entries o USING (story_id) WHERE e.feed_id = NEW.feed_id); END;
"""
_OF_STALE = """
FROM feeds f LEFT JOIN source_feeds s USING (feed_id)
WHERE f.listed = 1 AND f.published > 0 AND s.written IS NOT ?
"""
_STALE = f"""
SELECT f.feed_id, coalesce(nullif(f.title, ''), f.host), coalesce(s.slug, ''), coalesce(s.changes, 0)
{_OF_STALE}
ORDER BY f.newest_published_at DESC, f.feed_id LIMIT ?
"""
_UNNAMED = """
SELECT feed_id, coalesce(nullif(title, ''), host) FROM feeds
WHERE listed = 1 AND published > 0 AND feed_id NOT IN (SELECT feed_id FROM source_feeds) ORDER BY feed_id
"""
_NAME = "INSERT INTO source_feeds (feed_id, slug) VALUES (?, ?) ON CONFLICT (feed_id) DO NOTHING"
_NOTE = "UPDATE source_feeds SET written = ? WHERE feed_id = ? AND changes = ?"
_STORIES = f"""
SELECT {joins.BROUGHT_AT}, p.story_id FROM entries e CROSS JOIN publications p USING (story_id)
  CROSS JOIN stories st ON st.story_id = p.story_id
WHERE e.feed_id = :feed_id AND (e.excluded IS NULL OR st.lead_entry_id = e.entry_id)
  AND p.state IN (SELECT value FROM json_each(:states))
ORDER BY e.sort_at DESC LIMIT :most
"""  # noqa: S608 - constants of ours


def stale(db: Database, form: str, most: int) -> list[Feed]:
    """List feeds whose own feed does not lie there in this form, those with the newest entries first."""
    found = [Feed(*row) for row in db.execute(_STALE, [form, most]).fetchall()]
    return named(found, _taken(db) if found else ())


def name(db: Database) -> None:
    """Give every feed that has brought anything its address, so that lists of feeds may name it."""
    found = [Feed(*row) for row in db.execute(_UNNAMED).fetchall()]
    rows = [(each.feed_id, each.slug) for each in named(found, _taken(db) if found else ())]
    db.conn.executemany(_NAME, rows)


def _taken(db: Database) -> set[str]:
    return {row[0] for row in db.execute("SELECT slug FROM source_feeds").fetchall()}


def count_stale(db: Database, form: str) -> int:
    """Count what `stale` would list without a limit."""
    return int(db.execute(f"SELECT count(*) {_OF_STALE}", [form]).fetchone()[0])


def stories(db: Database, feed_id: int, states: Iterable[PublicationState], most: int) -> dict[int, datetime]:
    """Return the newest stories that a feed told, whoever told them first, and when it brought them."""
    values = {"feed_id": feed_id, "states": json.dumps(list(states)), "most": most}
    rows = set(db.execute(_STORIES, values).fetchall())
    return kept([(from_text(at), story_id) for at, story_id in rows])


def note(db: Database, feeds: Iterable[Feed], form: str) -> None:
    """Note the form in which feeds lie there, but of those that changed since they were read.

    Shape: their addresses are theirs for ever.
    """
    for each in feeds:
        db.execute(_NAME, [each.feed_id, each.slug])
        db.execute(_NOTE, [form, each.feed_id, each.changes])


def gone(db: Database) -> list[str]:
    """List the addresses of feeds that are written, though the feed is no longer listed."""
    sql = "SELECT slug FROM source_feeds JOIN feeds USING (feed_id) WHERE listed = 0 AND written IS NOT NULL"
    return [row[0] for row in db.execute(sql).fetchall()]


def drop(db: Database, slugs: Iterable[str]) -> None:
    """Note that these lie there no more."""
    db.conn.executemany("UPDATE source_feeds SET written = NULL WHERE slug = ?", [(each,) for each in slugs])


def forget(db: Database) -> None:
    """Have every feed written again."""
    db.execute("UPDATE source_feeds SET written = NULL")
