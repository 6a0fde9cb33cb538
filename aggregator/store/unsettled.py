"""Table unsettled: entries of which something may have to be made; no look for work reads any other.

The database adds them itself, whoever changes a row that decides what is stale. They are too many at worst,
for the queries still compare fingerprints. `settle` takes those out of which nothing will be made as it is.
"""

import json
from collections.abc import Mapping
from datetime import datetime, timedelta

from sqlite_utils import Database

from aggregator.store import articles, meta, translations
from aggregator.times import to_text

_SEEN, _KEPT = "unsettled:setups", "unsettled:kept"
_FEW = 500  # looking at so many costs a round next to nothing
_OFTEN = timedelta(hours=1)

_ADD = """INSERT INTO unsettled SELECT entry_id FROM entries WHERE excluded IS NULL AND {which}
  ON CONFLICT DO NOTHING"""
# With the entry all that tell its story: which of them is translated may change.
_STORY = _ADD.format(which="story_id = {row}.story_id")
_OF_ENTRY = _ADD.format(which="story_id = (SELECT story_id FROM entries WHERE entry_id = {row}.entry_id)")


def _trigger(event: str, table: str, row: str, add: str, columns: tuple[str, ...] = ()) -> str:
    changed = " OR ".join(f"OLD.{name} IS NOT NEW.{name}" for name in columns)
    when = f"UPDATE OF {', '.join(columns)} ON {table} WHEN {changed}" if columns else f"{event} ON {table}"
    return (
        f"CREATE TRIGGER unsettled_{table}_{event.lower()} AFTER {when}\nBEGIN\n  {add.format(row=row)}; END"
    )


_DECIDES = {  # the columns of each table that decide what is stale
    "articles": ("input_fingerprint", "fingerprint"),
    "summaries": ("input_fingerprint", "fingerprint", "text"),
    "translations": ("input_fingerprint", "redo", "attempt_fingerprint", "attempts", "refused_under"),
    "pages": ("effect",),
}
_OF_FEED = _ADD.format(
    which="story_id IN (SELECT story_id FROM entries WHERE feed_id = {row}.feed_id AND excluded IS NULL)"
)
# Released: a change is a migration.
TABLE = ";\n".join(
    [
        "CREATE TABLE unsettled (entry_id INTEGER PRIMARY KEY) STRICT",
        "INSERT INTO unsettled SELECT entry_id FROM entries WHERE excluded IS NULL",
        _trigger("INSERT", "entries", "NEW", _STORY),
        _trigger("UPDATE", "entries", "NEW", f"{_STORY}; {_STORY.replace('{row}', 'OLD')}",
                 ("fingerprint", "excluded", "title", "story_id", "published_at", "sort_at", "guid")),
        _trigger("UPDATE", "stories", "NEW", _STORY, ("lead_entry_id",)),
        _trigger("UPDATE", "feeds", "NEW", _OF_FEED, ("settings", "listed", "listed_url")),
        _trigger("INSERT", "pages", "NEW", _OF_ENTRY),  # where any other row is missing an entry is there
        *(_trigger("UPDATE", table, "NEW", _OF_ENTRY, columns) for table, columns in _DECIDES.items()),
        *(_trigger("DELETE", table, "OLD", _OF_ENTRY) for table in _DECIDES),
        _trigger("DELETE", "entries", "OLD", "DELETE FROM unsettled WHERE entry_id = {row}.entry_id"),
    ]
)  # fmt: skip


def follow(db: Database, language: str, setups: Mapping[str, str]) -> None:
    """Add what another language, or what the translation of feeds rests on by now, makes stale.

    Shape: `setups` as for translations.stale_ids.
    """
    now = {"language": language, "setups": dict(sorted(setups.items()))}
    before = json.loads(meta.value(db, _SEEN) or "null")
    if before == now:
        return
    with db.atomic():
        if before is None or before["language"] != language:
            db.execute(_ADD.format(which="true"))
        refused = "entry_id IN (SELECT entry_id FROM translations WHERE refused_under IS NOT NULL)"
        db.execute(_ADD.format(which=refused))
        meta.note(db, _SEEN, json.dumps(now))


def settle(db: Database, now: datetime) -> None:
    """Take out the entries of which nothing will be made as they are.

    Shape: done once an hour, and where many more have come, but never for a few.
    """
    seen = json.loads(meta.value(db, _SEEN) or "null")
    kept, at = json.loads(meta.value(db, _KEPT) or '[0, ""]')
    number, is_long_ago = _count(db), at <= to_text(now - _OFTEN)
    if seen is None or number < _FEW or not (is_long_ago or number >= kept + max(_FEW, kept // 4)):
        return
    staying, values = translations.staying(db, seen["language"], now, seen["setups"])
    with db.atomic():
        due = f"{articles.STAYING} UNION ALL {staying}"
        db.execute(f"DELETE FROM unsettled WHERE entry_id NOT IN ({due})", values)  # noqa: S608 - ours
        meta.note(db, _KEPT, json.dumps([_count(db), to_text(now)]))


def _count(db: Database) -> int:
    return int(db.execute("SELECT count(*) FROM unsettled").fetchone()[0])
