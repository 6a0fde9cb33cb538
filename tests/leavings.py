"""What a run leaves in its store and its output, comparable with what another run left.

Row ids are told by what they stand for; what was measured (seconds, bytes on the wire) is left out.
"""

import contextlib
import json
import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.crash.scene import Scene

# When stages ran and migrations were made, and how an index of words lies in its file.
_LEFT_OUT = ("stage_runs", "_sqlite_migrations", "sqlite_", "search_data", "search_idx", "search_docsize")
_MEASURED_ROWS = frozenset({"growth"})  # of meta: how large the files are
_MEASURED = frozenset(
    {"feeds.seconds", "polls.seconds", "polls.bytes", "poll_days.seconds", "poll_days.bytes"}
)
_NUMBERED = frozenset(
    {"polls.poll_id", "comments.comment_id", "searchable.search_id", "websub.lease_id", "digests.digest_id"}
)
_NAMES = {
    "feed_id": "SELECT feed_id, listed_url FROM feeds",
    "entry_id": "SELECT entry_id, listed_url || ' ' || guid FROM entries JOIN feeds USING (feed_id)",
    "story_id": """SELECT story_id, min(listed_url || ' ' || guid) FROM entries JOIN feeds USING (feed_id)
        GROUP BY story_id""",
    "digest_id": "SELECT digest_id, public_id FROM digests",
    "archive_id": "SELECT archive_id, name FROM archives",
}
_SAME = {"lead_entry_id": "entry_id", "joins.other_id": "entry_id", "related_stories.other_id": "story_id"}
_SHOWN = 4  # differences of one table, or of output/

Row = dict[str, object]


@dataclass(frozen=True, slots=True)
class Leavings:
    """Rows by table and by what tells them apart; files by their paths."""

    rows: dict[str, dict[str, Row]]
    files: dict[str, bytes]


def left_by(scene: Scene) -> Leavings:
    """Return what lies in a scene's store and output."""
    return Leavings(rows_of(scene.folder / "store.sqlite"), scene.files())


def rows_of(store: Path) -> dict[str, dict[str, Row]]:
    """Return the rows of all tables."""
    with contextlib.closing(sqlite3.connect(store)) as db:
        db.row_factory = sqlite3.Row
        names = {column: dict(map(tuple, db.execute(sql))) for column, sql in _NAMES.items()}
        tables = [row[0] for row in db.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        return {table: _rows(db, table, names) for table in tables if not table.startswith(_LEFT_OUT)}


def _rows(db: sqlite3.Connection, table: str, names: dict[str, dict[Any, Any]]) -> dict[str, Row]:
    keys = [row["name"] for row in db.execute(f"PRAGMA table_info({table})") if row["pk"]]
    found: dict[str, Row] = {}
    for raw in db.execute(f"SELECT * FROM {table}"):
        row = dict(_told(table, dict(raw), names))
        if table == "meta" and row["key"] in _MEASURED_ROWS:
            continue
        told = [row[key] for key in keys if key in row] or list(row.values())
        key = json.dumps(told, ensure_ascii=False, default=str)
        while key in found:  # as often as it is there
            key += "'"
        found[key] = row
    return found


def _told(table: str, row: Row, names: dict[str, dict[Any, Any]]) -> Iterator[tuple[str, object]]:
    for column, value in row.items():
        if {column, f"{table}.{column}"} & (_MEASURED | _NUMBERED):
            continue
        known = names.get(_SAME.get(f"{table}.{column}", _SAME.get(column, column)))
        yield column, known.get(value, value) if known else value


def differences(wanted: Leavings, found: Leavings) -> list[str]:
    """Say in which rows and files two runs differ, a few of each table; nothing where they are the same."""
    said = []
    for table in sorted(wanted.rows.keys() | found.rows.keys()):
        said += _differing(table, wanted.rows.get(table, {}), found.rows.get(table, {}))
    return said + _differing("output/", wanted.files, found.files)


def _differing(name: str, wanted: dict[str, Any], found: dict[str, Any]) -> list[str]:
    keys = sorted(key for key in wanted.keys() | found.keys() if wanted.get(key) != found.get(key))
    said = [f"{name} {key[:120]}: {_contrast(wanted.get(key), found.get(key))}" for key in keys[:_SHOWN]]
    return said + ([f"{name}: {len(keys)} differ in all"] if len(keys) > _SHOWN else [])


def _contrast(wanted: Any, found: Any) -> str:
    if wanted is None or found is None:
        return "is more" if wanted is None else "is missing"
    if isinstance(wanted, bytes):
        start = next((n for n, pair in enumerate(zip(wanted, found, strict=False)) if pair[0] != pair[1]), -1)
        around = slice(max(start - 20, 0), start + 40)
        return f"byte {start}: {wanted[around]!r} became {found[around]!r}"
    changed = [key for key in wanted if wanted[key] != found.get(key)]
    return "; ".join(f"{key} {wanted[key]!r:.80} became {found.get(key)!r:.80}" for key in changed)
