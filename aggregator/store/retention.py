"""What is kept of old entries: which may go, what goes of them, and how far the day's pass has come.

A story goes as a whole. What stays of its entries is what they are known by: feed, guid, link, title, dates;
of its publication the public id, the page's path and the title; what its archive says, if that is to stay. An
entry without fingerprint is known by name only, and is never new or revised again; index entries_kept holds
the others.
"""

import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from datetime import datetime

from sqlite_utils import Database

from aggregator.store import meta, search
from aggregator.times import maybe_time, to_text

DROPPED = "dropped"  # in entries.excluded
_STATE = "retention"
KEPT_FREE = 50_000_000  # bytes of the file
GIVEN_BACK = 1000  # pages at a time: a tenth of a second in which nobody else can write

# Feeds of categories show the newest that each source leads; a source's own one what it joined, too.
_SHOWN_SINCE = """coalesce((
  SELECT n.sort_at FROM entries n CROSS JOIN stories ns ON ns.story_id = n.story_id
    CROSS JOIN publications np ON np.story_id = ns.story_id
  WHERE n.feed_id = {feed}.feed_id AND {which}
    AND np.state IN (SELECT value FROM json_each(:states))
  ORDER BY n.sort_at DESC LIMIT 1 OFFSET :most - 1), '')"""
_LED = "ns.lead_entry_id = n.entry_id"
_FEEDS = f"""
SELECT f.feed_id, {_SHOWN_SINCE.format(feed="f", which=_LED)} AS shown_since
FROM feeds f WHERE f.feed_id IN (SELECT value FROM json_each(:feeds)) AND EXISTS (
  SELECT 1 FROM entries e WHERE e.feed_id = f.feed_id AND e.fingerprint != '' AND e.sort_at < :before)
"""  # noqa: S608 - constants of ours
# A feed that is gone, or no longer in feeds.opml, lists nothing since it was last asked.
_MAY_GO = """
o.sort_at < :before AND (coalesce(o.unlisted_at, '~') <= :unlisted
  OR (g.listed = 0 OR g.gone = 1) AND coalesce(g.last_poll_at, '') <= :unlisted)
"""
_OLD = f"""
WITH these AS MATERIALIZED ({_FEEDS})
SELECT DISTINCT e.story_id
FROM these CROSS JOIN entries e USING (feed_id) CROSS JOIN stories st USING (story_id)
WHERE e.fingerprint != '' AND e.sort_at < :before
  AND (coalesce(st.lead_entry_id, e.entry_id) = e.entry_id
    OR EXISTS (SELECT 1 FROM entries l WHERE l.entry_id = st.lead_entry_id AND l.fingerprint = ''))
  AND e.story_id NOT IN (SELECT value FROM json_each(:shown))
  AND NOT EXISTS (SELECT 1 FROM entries o JOIN feeds g USING (feed_id)
    WHERE o.story_id = e.story_id AND o.fingerprint != '' AND NOT ({_MAY_GO}))
  AND NOT EXISTS (SELECT 1 FROM publications p
    WHERE p.story_id = e.story_id AND p.state IN ('untranslated', 'translated')
      AND (p.first_published_at >= :before OR e.sort_at >= these.shown_since OR EXISTS (
        SELECT 1 FROM entries o WHERE o.story_id = e.story_id AND o.entry_id != e.entry_id
          AND o.fingerprint != '' AND o.excluded IS NULL
          AND o.sort_at >= {_SHOWN_SINCE.format(feed="o", which="n.excluded IS NULL")})))
LIMIT :limit
"""  # noqa: S608 - constants of ours
_TEXTS = """
SELECT e.entry_id, e.story_id, p.public_id, p.slug, p.first_published_at IS NOT NULL AS published
FROM entries e LEFT JOIN publications p USING (story_id)
WHERE e.story_id IN (SELECT value FROM json_each(?)) AND e.fingerprint != '' ORDER BY e.entry_id
"""
_SIZES = """
SELECT count(*), coalesce(sum(length(e.summary_html) + length(e.content_html)
  + coalesce(length(a.text), 0) + coalesce(length(s.text) + length(s.story), 0)), 0)
FROM entries e LEFT JOIN articles a USING (entry_id) LEFT JOIN summaries s USING (entry_id)
WHERE e.story_id IN (SELECT value FROM json_each(?)) AND e.fingerprint != ''
"""
# Where they stand: for a row that is deleted SQLite looks through all stories for one that it leads.
_EMPTY = f"""
UPDATE entries SET excluded = coalesce(excluded, '{DROPPED}'), fingerprint = '', summary_html = '',
  content_html = ''
WHERE entry_id IN (SELECT value FROM json_each(?))
"""  # noqa: S608
_WITHDRAW = """
UPDATE publications SET state = 'withdrawn' WHERE story_id IN (SELECT value FROM json_each(?))
"""
# What else an archive says of an entry.
_FORGET = """
UPDATE entries SET authors = '[]', tags = '[]', enclosures = '[]', image_url = NULL, comments_url = NULL,
  comments_feed_url = NULL
WHERE entry_id IN (SELECT value FROM json_each(?))
"""
_TAKE_BACK = """
UPDATE publications SET body = '', fingerprint = '', room = NULL
WHERE story_id IN (SELECT value FROM json_each(?))
"""
# What a site said against our use of a page holds for what readers were given of it, as long as that stands.
_LOOKED_AT = """
DELETE FROM pages WHERE entry_id IN (SELECT value FROM json_each(?)) AND effect IS NOT 'titles'
"""
_OPTED_OUT = "UPDATE pages SET due_at = NULL WHERE entry_id IN (SELECT value FROM json_each(?))"
_OF_ENTRIES = ("articles", "summaries", "translations", "comment_counts", "count_history")
_OF_STORIES = ("discussions", "comments", "comment_looks", "viewpoints", "stale_pages", "search_due",
  "related_stories")  # fmt: skip
_GONE = "SELECT 1 FROM publications WHERE slug = ? AND state = 'withdrawn'"
_NEWEST_SO_MANY = """
SELECT sort_at FROM entries WHERE excluded IS NULL ORDER BY sort_at DESC LIMIT 1 OFFSET ? - 1
"""
_TRIM = "DELETE FROM translation_memory WHERE key >= ? AND key < ? AND used_at < ?"


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What may go, and what of it our own feeds still show."""

    before: datetime  # entries that came out before
    unlisted_since: datetime  # and that their sources list no more, since then at least
    shown: frozenset[int]  # stories of the main feeds
    states: tuple[str, ...]  # of publications that feeds of sources and categories hold
    most: int  # so many of each source, the newest


@dataclass(frozen=True, slots=True, kw_only=True)
class Old:
    """Stories that go together."""

    stories: tuple[int, ...] = ()
    entries: tuple[int, ...] = ()
    public_ids: tuple[str, ...] = ()
    slugs: tuple[str, ...] = ()  # of those that had a page


@dataclass(frozen=True, slots=True, kw_only=True)
class Pass:
    """How far the look through all feeds has come, and what it dropped; one begins each day."""

    done_on: str = ""  # the day the last one ended
    as_of: str = ""  # the time its limits were counted from; only a wrong clock ever was later
    after: int = 0  # the feed it has reached
    spent: int = 0  # the entry up to which articles that served their purpose are gone
    dropped: int = 0  # entries, by the present one
    total: int = 0  # entries, by all


def oldest_of(db: Database, most: int) -> datetime | None:
    """Return when the oldest of the newest so many entries came out; None where there are no more."""
    row = db.execute(_NEWEST_SO_MANY, [most]).fetchone()
    return maybe_time(row[0]) if row else None


def feeds_after(db: Database, feed_id: int, most: int) -> list[int]:
    """List the next feeds, listed or not."""
    sql = "SELECT feed_id FROM feeds WHERE feed_id > ? ORDER BY feed_id LIMIT ?"
    return [row[0] for row in db.execute(sql, [feed_id, most]).fetchall()]


def old(db: Database, feed_ids: Iterable[int], limits: Limits, most: int) -> Old:
    """Return stories of these feeds that may go, up to so many."""
    stories = _stories(db, feed_ids, limits, most)
    found = list(db.query(_TEXTS, [json.dumps(stories)]))
    return Old(
        stories=tuple(stories), entries=tuple(row["entry_id"] for row in found),
        public_ids=tuple({row["public_id"]: None for row in found if row["public_id"]}),
        slugs=tuple({row["slug"]: None for row in found if row["published"]}),
    )  # fmt: skip


def sizes(db: Database, feed_ids: Iterable[int], limits: Limits) -> tuple[int, int]:
    """Return how many entries of these feeds may go, and how many characters of text they have."""
    stories = _stories(db, feed_ids, limits, -1)
    entries, characters = db.execute(_SIZES, [json.dumps(stories)]).fetchone()
    return entries, characters


def _stories(db: Database, feed_ids: Iterable[int], limits: Limits, most: int) -> list[int]:
    values = {
        "feeds": json.dumps(sorted(feed_ids)), "before": to_text(limits.before),
        "unlisted": to_text(limits.unlisted_since), "shown": json.dumps(sorted(limits.shown)),
        "states": json.dumps(limits.states), "most": limits.most, "limit": most,
    }  # fmt: skip
    return [row[0] for row in db.execute(_OLD, values).fetchall()]


def drop(db: Database, gone: Old, *, keep_given: bool) -> None:
    """Delete all that was made of these stories, and empty what names them.

    Shape: `keep_given` says whether what readers were given stays.
    """
    stories, entries = json.dumps(gone.stories), json.dumps(gone.entries)
    search.forget(db, gone.public_ids)
    for key, tables, values in (("entry_id", _OF_ENTRIES, entries), ("story_id", _OF_STORIES, stories)):
        for table in tables:
            db.execute(f"DELETE FROM {table} WHERE {key} IN (SELECT value FROM json_each(?))", [values])  # noqa: S608 - names of ours
    for sql in (_LOOKED_AT, _OPTED_OUT, _EMPTY):
        db.execute(sql, [entries])
    db.execute(_WITHDRAW, [stories])
    if not keep_given:
        db.execute(_FORGET, [entries])
        db.execute(_TAKE_BACK, [stories])


def is_gone(db: Database, slug: str) -> bool:
    """Tell whether there was a page that is not meant to be there any more."""
    return db.execute(_GONE, [slug]).fetchone() is not None


def trim_memory(db: Database, now: datetime, unused_since: datetime) -> int:
    """Forget translated segments that were not used since, and return how many.

    Shape: each day a sixteenth of the memory, by the first digit of its keys, so that no day reads all.
    """
    digit = now.toordinal() % 16
    end = f"{digit + 1:x}" if digit < 15 else "g"
    return int(db.execute(_TRIM, [f"{digit:x}", end, to_text(unused_since)]).rowcount)


def state(db: Database) -> Pass:
    """Read how far the present pass has come."""
    known = meta.value(db, _STATE)
    return Pass(**json.loads(known)) if known else Pass()


def note(db: Database, reached: Pass) -> None:
    """Write what `state` reads."""
    meta.note(db, _STATE, json.dumps(asdict(reached)))


def free_bytes(db: Database) -> int:
    """Return how much of the file is free for what comes next."""
    pages, size = (db.execute(f"PRAGMA {name}").fetchone()[0] for name in ("freelist_count", "page_size"))
    return int(pages * size)


def give_back(db: Database) -> int:
    """Give some of much free room back to the disk, and return how many bytes.

    Shape: a quarter of the store stays free, and 50 MB at least: what comes next needs it. A store that an
    older version made gives nothing back before `compact`.
    """
    free, pages = (db.execute(f"PRAGMA {name}").fetchone()[0] for name in ("freelist_count", "page_count"))
    size = db.execute("PRAGMA page_size").fetchone()[0]
    spare = min(free - max(pages // 4, KEPT_FREE // size), GIVEN_BACK)
    if spare <= 0:
        return 0
    # A step a page, of which sqlite3 takes only the first where a statement has no columns; not in a script.
    db.conn.executescript(f"PRAGMA incremental_vacuum({spare})")
    return int((pages - db.execute("PRAGMA page_count").fetchone()[0]) * size)


def compact(db: Database) -> None:
    """Give free room back to the disk: the file is written anew, which needs as much room beside it.

    Raises: sqlite3's errors; the store then stays as it is.
    """
    with db.atomic():  # terms that were dropped lie there until parts of the index are merged
        db.execute("INSERT INTO search (search) VALUES ('optimize')")
    db.execute("PRAGMA auto_vacuum = INCREMENTAL")  # a store that an older version made has it from here on
    db.execute("VACUUM")
    db.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
