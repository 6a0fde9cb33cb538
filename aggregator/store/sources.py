"""What readers may know of each feed: what it brought, and whether it can be read."""

from sqlite_utils import Database

from aggregator.publish.sources import Source
from aggregator.times import maybe_time

COLUMNS = """
ALTER TABLE feeds ADD COLUMN published INTEGER NOT NULL DEFAULT 0;
ALTER TABLE feeds ADD COLUMN newest_published_at TEXT;

UPDATE feeds SET (published, newest_published_at) = (
  SELECT count(*), max(p.first_published_at) FROM entries e
    JOIN stories st ON st.lead_entry_id = e.entry_id JOIN publications p ON p.story_id = st.story_id
  WHERE e.feed_id = feeds.feed_id AND p.first_published_at IS NOT NULL);

CREATE TRIGGER publications_of_a_feed AFTER UPDATE OF first_published_at ON publications
WHEN NEW.first_published_at IS NOT NULL AND NEW.first_published_at IS NOT OLD.first_published_at
BEGIN
  UPDATE feeds SET published = published + (OLD.first_published_at IS NULL),
    newest_published_at = max(coalesce(newest_published_at, ''), NEW.first_published_at)
  WHERE feed_id = (SELECT e.feed_id FROM stories st JOIN entries e ON e.entry_id = st.lead_entry_id
    WHERE st.story_id = NEW.story_id); END;
"""
_FAILING = 3  # polls in a row: what failed once is asked again soon, and is no news
_SOURCES = f"""
SELECT coalesce(nullif(title, ''), host) AS title, coalesce((
    SELECT slug FROM source_feeds WHERE source_feeds.feed_id = feeds.feed_id), '') AS slug,
  site_url, category, published, newest_published_at,
  CASE WHEN gone = 1 THEN 'gone' WHEN json_extract(settings, '$.paused') IS 'true' THEN 'paused'
    WHEN failures >= {_FAILING} THEN 'failing' WHEN last_poll_at IS NULL THEN 'new' ELSE 'ok' END AS state,
  CASE WHEN gone = 1 THEN last_poll_at WHEN failures >= {_FAILING} THEN coalesce(
    (SELECT polled_at FROM polls WHERE polls.feed_id = feeds.feed_id AND outcome NOT IN ('failed', 'gone')
      ORDER BY polled_at DESC LIMIT 1), last_change_at) END AS since
FROM feeds WHERE listed = 1 ORDER BY category = '', category, title COLLATE NOCASE, feed_id
"""  # noqa: S608 - constants of ours


def shown(db: Database) -> tuple[Source, ...]:
    """Return the listed feeds, by category."""
    return tuple(
        Source(title=row["title"], slug=row["slug"], site_url=row["site_url"], category=row["category"],
               published=row["published"], newest_at=maybe_time(row["newest_published_at"]),
               state=row["state"], since=maybe_time(row["since"]))
        for row in db.query(_SOURCES)
    )  # fmt: skip
