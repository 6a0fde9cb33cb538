"""What readers were given since a backup, carried over into the store that is restored from it.

One store descends from the other, so a row has the same numbers in either. Either may be of another schema:
tables and columns that only one of them has are left out. Triggers rest meanwhile, for what they note was
noted where the rows come from.
"""

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

from aggregator.store import store_errors
from aggregator.store.snapshot import connected

# How hosts, hubs and services and we stand with each other: what holds now, not what held then.
_PRESENT = (
    "hosts", "host_rests", "provider_requests", "provider_states", "engine_usage", "engine_days",
    "engine_states", "websub", "websub_deliveries", "hub_pings",
)  # fmt: skip
# What output/ holds, row by row.
_GIVEN = ("archives", "digests", "digest_entries", "source_feeds", "days")
# Made from other tables, below or by a stage.
_MADE = ("meta", "search_due", "searchable", "promotable", "stale_pages", "day_changes")
_OF_ENTRIES = ("articles", "summaries", "translations", "comment_counts")
_FEED = ("next_poll_at", "retry_after_at", "published", "newest_published_at")
_FORGOTTEN = ("publish_failed", "categories", "pages", "opml", "filters")  # of meta: what is looked at anew

_OTHER_LINE = """
SELECT 1 FROM entries e JOIN given.entries g USING (entry_id) WHERE e.feed_id != g.feed_id UNION ALL
SELECT 1 FROM publications p JOIN given.publications g USING (story_id)
WHERE p.public_id != g.public_id AND p.state != 'held' AND g.state != 'held' LIMIT 1
"""
_MOVED = """
UPDATE entries SET story_id = g.story_id FROM given.entries g
WHERE g.entry_id = entries.entry_id AND g.story_id != entries.story_id
"""
# Stories that nobody had seen and that went into others since.
_UNSEEN = """
SELECT story_id FROM publications
WHERE state = 'held' AND public_id NOT IN (SELECT public_id FROM given.publications)
"""
_CHANGED = """
CREATE TEMP TABLE changed AS SELECT g.story_id
FROM given.publications g LEFT JOIN publications p USING (public_id)
WHERE p.public_id IS NULL OR p.state = 'held' OR (g.state IN ('translated', 'untranslated')
  AND (g.state, g.title, g.body, g.first_published_at, g.updated_at)
    IS NOT (p.state, p.title, p.body, p.first_published_at, p.updated_at))
"""
_IN_CHANGED = "SELECT story_id FROM temp.changed"
_ENTRIES_CHANGED = f"""
SELECT entry_id FROM given.entries WHERE story_id IN ({_IN_CHANGED})
"""  # noqa: S608 - constants of ours
_ARCHIVED = """
UPDATE publications SET archive_id = g.archive_id FROM given.publications g
WHERE g.public_id = publications.public_id AND g.archive_id IS NOT publications.archive_id
"""
_SEARCHED = f"""
INSERT OR IGNORE INTO search_due SELECT story_id FROM publications p
WHERE state IN ('translated', 'untranslated') AND (story_id IN ({_IN_CHANGED})
  OR NOT EXISTS (SELECT 1 FROM searchable s WHERE s.public_id = p.public_id))
"""  # noqa: S608
_PROMOTABLE = """
INSERT INTO promotable SELECT p.story_id FROM publications p JOIN stories st USING (story_id)
WHERE p.state IN ('held', 'untranslated') AND EXISTS (
  SELECT 1 FROM translations t WHERE t.entry_id = st.lead_entry_id AND t.title IS NOT NULL)
"""
# Where output/ lies, and which folder in it.
_PLACE = """
INSERT OR REPLACE INTO meta SELECT * FROM given.meta WHERE key IN ('private_path', 'published')
"""
_UNWRITTEN = {"archives": "written = NULL", "source_feeds": "written = NULL", "digests": "page_form = ''"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Carried:
    """What was carried over."""

    entries: int = 0  # new ones
    stories: int = 0  # of which readers were given something, or something else, since


def carry(target: Path, given: Path) -> Carried | None:
    """Carry over what readers were given since, and return how much; None without a common past.

    Shape: what is left out is what was done to entries that readers had before: that is restored.
    Raises: StoreError; the target then stays as it was.
    """
    with store_errors(given), connected(target) as db:
        db.execute("PRAGMA foreign_keys = OFF")
        db.execute("ATTACH ? AS given", [str(given)])
        if db.execute(_OTHER_LINE).fetchone():
            return None
        was_whole = not (_orphan(db, "main") or _orphan(db, "given"))
        with _one_transaction(db), _without_triggers(db):
            before = _count(db)
            stories = _carry(db)
            if was_whole and (lost := _orphan(db, "main")):
                raise sqlite3.DatabaseError(
                    f"a row of {lost[0]} refers to one of {lost[2]} that is not there"
                )
            return Carried(entries=_count(db) - before, stories=stories)


@contextmanager
def _one_transaction(db: sqlite3.Connection) -> Iterator[None]:
    db.execute("BEGIN IMMEDIATE")
    try:
        yield
    except BaseException:
        db.execute("ROLLBACK")
        raise
    db.execute("COMMIT")


@contextmanager
def _without_triggers(db: sqlite3.Connection) -> Iterator[None]:
    found = db.execute("SELECT name, sql FROM sqlite_master WHERE type = 'trigger' ORDER BY rowid").fetchall()
    for name, _ in found:
        db.execute(f"DROP TRIGGER {name}")
    yield
    for _, sql in found:
        db.execute(sql)


def _orphan(db: sqlite3.Connection, schema: str) -> sqlite3.Row | None:
    """Return a row that refers to one that is not there, None where none does."""
    found: sqlite3.Row | None = db.execute(f"PRAGMA {schema}.foreign_key_check").fetchone()
    return found


def _count(db: sqlite3.Connection) -> int:
    return int(db.execute("SELECT count(*) FROM main.entries").fetchone()[0])


def _carry(db: sqlite3.Connection) -> int:
    tables = _tables(db)
    unseen = db.execute(_UNSEEN).fetchall()
    db.executemany("DELETE FROM publications WHERE story_id = ?", unseen)
    db.executemany("UPDATE stories SET lead_entry_id = NULL WHERE story_id = ?", unseen)
    db.execute(_MOVED)
    db.execute(_CHANGED)
    for table in tables:
        if table in _PRESENT:
            db.execute(f"DELETE FROM main.{table}")  # noqa: S608 - names of ours
        if table not in _MADE and table != "publications":
            _copy(db, table, "REPLACE" if table in _GIVEN else "IGNORE")
    for table, key, which in _rows_of_changed(tables):
        _copy(db, table, "REPLACE", f"WHERE {key} IN ({which})")
    _follow(db, tables)
    return int(db.execute("SELECT count(*) FROM temp.changed").fetchone()[0])


def _rows_of_changed(tables: dict[str, str]) -> Iterator[tuple[str, str, str]]:
    for table in ("stories", "publications"):
        yield table, "story_id", _IN_CHANGED
    for table in ("entries", *_OF_ENTRIES):
        if table in tables:
            yield table, "entry_id", _ENTRIES_CHANGED


def _follow(db: sqlite3.Connection, tables: dict[str, str]) -> None:
    """Bring what is made from other rows in line with them."""
    if "archives" in tables:
        db.execute(_ARCHIVED)
    columns = [name for name in _FEED if name in tables["feeds"].split(", ")]
    changes = ", ".join(f"{name} = g.{name}" for name in columns)
    if columns:
        same = "g.listed_url = feeds.listed_url"
        db.execute(f"UPDATE feeds SET {changes} FROM given.feeds g WHERE {same}")  # noqa: S608 - names of ours
    db.execute(
        "INSERT OR REPLACE INTO meta SELECT * FROM given.meta WHERE key IN ('private_path', 'published')"
    )
    own = _own(db)
    if "search_due" in own:
        db.execute(_SEARCHED)
    if "promotable" in own:
        db.execute("DELETE FROM promotable")
        db.execute(_PROMOTABLE)


def _tables(db: sqlite3.Connection) -> dict[str, str]:
    """Return the tables that both stores have, with the columns that both have."""
    sql = """SELECT name FROM {0}.sqlite_master WHERE type = 'table' AND sql NOT LIKE 'CREATE VIRTUAL%'
      AND name NOT LIKE 'sqlite_%' AND name NOT LIKE '_sqlite_%' AND name NOT LIKE 'search_%'
    ORDER BY rowid"""
    ours, theirs = ([name for (name,) in db.execute(sql.format(schema))] for schema in ("main", "given"))
    return {name: _columns(db, name) for name in ours if name in theirs}


def _own(db: sqlite3.Connection) -> set[str]:
    return {name for (name,) in db.execute("SELECT name FROM main.sqlite_master WHERE type = 'table'")}


def _columns(db: sqlite3.Connection, table: str) -> str:
    ours, theirs = (
        [row[1] for row in db.execute(f"PRAGMA {schema}.table_info({table})")] for schema in ("main", "given")
    )
    return ", ".join(name for name in ours if name in theirs)


def _copy(db: sqlite3.Connection, table: str, policy: str, which: str = "") -> None:
    columns = _columns(db, table)
    db.execute(
        f"INSERT OR {policy} INTO main.{table} ({columns}) "  # noqa: S608 - names of ours
        f"SELECT {columns} FROM given.{table} {which}"
    )


def begin_anew(store: Path) -> None:
    """Have output/, feeds.opml and the rules looked at as if for the first time.

    Raises: StoreError.
    """
    with store_errors(store), connected(store) as db, _one_transaction(db):
        own = _own(db)
        db.executemany("DELETE FROM meta WHERE key = ?", [(key,) for key in _FORGOTTEN])
        db.execute("UPDATE meta SET value = json_array(json_extract(value, '$[0]')) WHERE key = 'published'")
        for table, change in _UNWRITTEN.items():
            if table in own:
                db.execute(f"UPDATE {table} SET {change}")  # noqa: S608 - names of ours


def let_go(store: Path) -> None:
    """Write what lies in the log of a store into its file, which then stands alone, nobody having it open.

    Raises: StoreError, StoreLocked where somebody has.
    """
    with store_errors(store), closing(sqlite3.connect(store, timeout=10, isolation_level=None)) as db:
        db.execute("PRAGMA journal_mode = DELETE").fetchall()
