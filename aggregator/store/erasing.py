"""Taking entries out of every table: what is known of them, what was made of them, what others say of them.

What stays of an entry says nothing of it: a row, the story it was of, and the id and the path of its
publication, which is withdrawn, so that its page answers 410.
"""

import json
from collections.abc import Iterable, Iterator
from datetime import datetime

from sqlite_utils import Database

from aggregator import traces
from aggregator.retention.limits import UNUSED
from aggregator.store import joins, retention, search
from aggregator.store.takedowns import TAKEN, Found, texts
from aggregator.times import to_text

_IN = "IN (SELECT value FROM json_each(:them))"
_OF_ENTRIES = ("articles", "summaries", "translations", "comment_counts", "count_history", "pages",
  "story_keys", "joins", "unsettled")  # fmt: skip
_OF_STORIES = ("discussions", "comments", "comment_looks", "viewpoints", "search_due", "pictures",
  "promotable", "stale_pages")  # fmt: skip
# The guid too: it may be an address made of the title.
_FORGET = f"""
UPDATE entries SET excluded = '{TAKEN}', guid = '{TAKEN} ' || entry_id, permalink = NULL,
  canonical_url = NULL, title = '', authors = '[]', tags = '[]', summary_html = '', content_html = '',
  enclosures = '[]', image_url = NULL, comments_url = NULL, comments_feed_url = NULL, fingerprint = '',
  unlisted_at = coalesce(unlisted_at, :now)
WHERE entry_id {_IN}
"""  # noqa: S608 - constants of ours
_UNTOLD = f"UPDATE joins SET detail = '' WHERE reason = 'title' AND other_id {_IN}"  # noqa: S608
_UNRELATED = f"""
DELETE FROM related_stories WHERE story_id {_IN} OR other_id {_IN} RETURNING story_id
"""  # noqa: S608
_WITHDRAW = f"""
UPDATE publications SET state = 'withdrawn', title = '', body = '', fingerprint = '', room = NULL
WHERE story_id {_IN}
"""  # noqa: S608
# What readers get of another feed's entry is still to be made; its story keeps its id, path and first date.
_HAND_ON = "UPDATE stories SET lead_entry_id = :lead WHERE story_id = :story"
_WAIT = """
UPDATE publications SET state = 'held', held_at = :now, title = '', body = '', fingerprint = '', room = NULL
WHERE story_id = :story
"""
# They may be the discussions of the entry that went; those of the others are found again.
_PART = (
    f"DELETE FROM discussions WHERE thread_key != '' AND story_id {_IN}",  # noqa: S608
    f"UPDATE discussions SET next_count_at = :now WHERE story_id {_IN}",  # noqa: S608
)
# All that lists a story's sources.
_SOURCES = (
    f"""UPDATE source_feeds SET written = NULL
      WHERE feed_id IN (SELECT feed_id FROM entries WHERE story_id {_IN})""",  # noqa: S608
    f"""UPDATE archives SET written = NULL
      WHERE archive_id IN (SELECT archive_id FROM publications WHERE story_id {_IN})""",  # noqa: S608
)
# Their rows stay: what is published is made of a feed's first address.
_EMPTY_FEEDS = f"""
UPDATE feeds SET listed = 0, title = '', site_url = NULL, settings = '{{}}', category = '', etag = NULL,
  last_modified = NULL, body_fingerprint = NULL, entry_marks = NULL, refused_fingerprint = NULL,
  failure = NULL, moved_to = NULL, led_to = NULL
WHERE feed_id {_IN}
"""  # noqa: S608
_SLUGS = f"SELECT slug FROM source_feeds WHERE feed_id {_IN}"  # noqa: S608
_DROPPED = f"""
SELECT 1 FROM entries WHERE entry_id {_IN} AND excluded = '{retention.DROPPED}' AND sort_at >= :since LIMIT 1
"""  # noqa: S608
_MOST = 2000  # entries whose sentences are looked for
_MEMORY = "SELECT key, source FROM translation_memory WHERE key > ? ORDER BY key LIMIT 10000"


def erase(db: Database, found: Found, now: datetime) -> None:
    """Take all of it out of the tables, inside the caller's transaction."""
    db.execute("PRAGMA secure_delete = ON")  # what is deleted is overwritten too, where it lay
    stories = found.stories
    gone = [story.story_id for story in stories if story.fate == "goes"]
    handed_on = [story.story_id for story in stories if story.fate == "handed on"]
    shown = {story.public_id for story in stories if story.fate != "stays"} - {""}
    search.forget(db, shown)
    at = to_text(now)
    for sql in (_FORGET, _UNTOLD):
        db.execute(sql, {"them": json.dumps(found.entries), "now": at})
    _delete(db, "entry_id", _OF_ENTRIES, found.entries)
    _delete(db, "story_id", _OF_STORIES, [*gone, *handed_on])
    _unrelate(db, [*gone, *handed_on])
    db.execute(_WITHDRAW, {"them": json.dumps(gone)})
    for story in stories:
        if story.fate == "handed on":
            values = {"story": story.story_id, "lead": story.lead_id, "now": at}
            db.execute(_WAIT, values)
            db.execute(_HAND_ON, values)
    _stay(db, found, at)
    _empty_feeds(db, found.feeds)


def _delete(db: Database, key: str, tables: Iterable[str], numbers: list[int]) -> None:
    for table in tables:
        db.execute(f"DELETE FROM {table} WHERE {key} {_IN}", {"them": json.dumps(numbers)})  # noqa: S608 - names of ours


def _unrelate(db: Database, stories: list[int]) -> None:
    """Forget which stories tell the same as these; the pages of the others say so no more."""
    rows = db.execute(_UNRELATED, {"them": json.dumps(stories)}).fetchall()
    joins.renew_pages(db, {row[0] for row in rows} - {*stories})


def _stay(db: Database, found: Found, at: str) -> None:
    """Have written again what names these entries among the sources of a story."""
    stay = [story.story_id for story in found.stories if story.fate == "stays"]
    for sql in (*_PART, *_SOURCES):
        db.execute(sql, {"them": json.dumps(stay), "now": at})
    joins.renew_pages(db, stay)
    # What a category holds beside the main feed is not in its fingerprint; a rendering that failed held text.
    db.execute("DELETE FROM meta WHERE key IN ('categories', 'publish_failed')")
    # What hubs delivered and nobody read yet may hold anything; the next polls bring the rest.
    db.execute("DELETE FROM websub_deliveries")


def _empty_feeds(db: Database, feeds: tuple[int, ...]) -> None:
    db.execute(_EMPTY_FEEDS, {"them": json.dumps(feeds)})
    _delete(db, "feed_id", ("polls", "source_feeds"), list(feeds))


def folders(db: Database, feeds: Iterable[int]) -> list[str]:
    """List the addresses that feeds of sources have, made of their titles."""
    return [row[0] for row in db.execute(_SLUGS, {"them": json.dumps(list(feeds))}).fetchall()]


def forget_segments(db: Database, entries: list[int], now: datetime) -> None:
    """Take sentences of these entries out of the translation memory, before their texts go.

    Shape: all of it goes where their texts are not known any more, or are many. What answers were refused for
    is forgotten whole, as it may quote any text.
    """
    since = to_text(now - UNUSED)
    them = {"them": json.dumps(entries), "since": since}
    is_known = len(entries) <= _MOST and db.execute(_DROPPED, them).fetchone() is None
    if not is_known:
        db.execute("DELETE FROM translation_memory")
    else:
        told = traces.of(each for pair in texts(db, entries).values() for each in pair)
        keys = [(key,) for key, source in _segments(db) if told.are_in(source)]
        db.conn.executemany("DELETE FROM translation_memory WHERE key = ?", keys)
    db.execute("DELETE FROM translation_refusals")


def _segments(db: Database) -> Iterator[tuple[str, str]]:
    after = ""
    while rows := db.execute(_MEMORY, [after]).fetchall():
        yield from rows
        after = rows[-1][0]


def write_anew(db: Database) -> bool:
    """Write the file anew without what was ever deleted; return whether its log could be emptied too.

    Raises: sqlite3's errors.
    """
    retention.compact(db)
    [busy, *_] = db.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
    return not busy
