"""Many rows by one prepared statement, for the tables a poll writes by the thousand.

sqlite-utils asks for a table's columns and keys with each call, which costs more than the rows do. To be
called inside `db.atomic()`. All rows of a call have the columns of its first.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from sqlite_utils import Database

Rows = Sequence[Mapping[str, object]]


def insert(db: Database, table: str, rows: Rows) -> None:
    """Insert rows."""
    if rows:
        db.conn.executemany(_insertion(table, rows), rows)


def upsert(db: Database, table: str, key: Sequence[str], rows: Rows) -> None:
    """Insert rows, and where one with the same key exists replace the other columns given."""
    if not rows:
        return
    changes = ", ".join(f"{name} = excluded.{name}" for name in rows[0] if name not in key)
    db.conn.executemany(
        f"{_insertion(table, rows)} ON CONFLICT ({', '.join(key)}) DO UPDATE SET {changes}", rows
    )


def update(db: Database, table: str, key: str, rows: Rows) -> None:
    """Replace the columns given of the rows that have these keys."""
    if not rows:
        return
    changes = ", ".join(f"{name} = :{name}" for name in rows[0] if name != key)
    db.conn.executemany(f"UPDATE {table} SET {changes} WHERE {key} = :{key}", rows)  # noqa: S608 - names of ours


def shorten(
    db: Database,
    table: str,
    key: str,
    keys: Sequence[int],
    change: Callable[[dict[str, Any]], dict[str, Any]],
) -> None:
    """Write rows anew, each as `change` makes it, for rows that lose most of their text.

    Made shorter where they stand, they would leave their pages as good as empty, each to itself: SQLite joins
    pages where rows are deleted. For tables that none refers to.
    """
    where = f"WHERE {key} IN (SELECT value FROM json_each(?))"  # noqa: S608 - names of ours
    known = list(db.query(f"SELECT * FROM {table} {where}", [json.dumps(keys)]))  # noqa: S608
    db.execute(f"DELETE FROM {table} {where}", [json.dumps(keys)])  # noqa: S608
    insert(db, table, [change(row) for row in known])


def _insertion(table: str, rows: Rows) -> str:
    names = ", ".join(rows[0])
    values = ", ".join(f":{name}" for name in rows[0])
    return f"INSERT INTO {table} ({names}) VALUES ({values})"  # noqa: S608 - names of ours
