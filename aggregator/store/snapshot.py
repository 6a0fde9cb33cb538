"""A store as a file of its own: copied while others write, looked through, and told from others."""

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from aggregator.errors import StoreDamaged
from aggregator.store import store_errors

COUNTED = ("feeds", "entries", "translations", "publications")  # what a copy has to hold as many of
_PAGES = 4096  # copied at a time

Progress = Callable[[int, int], None]  # bytes done, bytes in all


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """What a store is written in, and how much it holds."""

    schema: int  # number of migrations
    migration: str  # the last of them
    rows: dict[str, int]


def copy(source: Path, target: Path, progress: Progress = lambda _, __: None) -> None:
    """Write the store as it is now into another file, whoever else reads or writes it meanwhile.

    Raises: StoreError, StoreLocked.
    """
    with store_errors(source), connected(source) as from_, connected(target, mode="rwc") as to:
        size = from_.execute("PRAGMA page_size").fetchone()[0]
        # Held, or each write of another process would have the copy begin anew (sqlite.org/backup.html).
        from_.execute("BEGIN")
        from_.execute("SELECT 1 FROM sqlite_master").fetchone()
        from_.backup(
            to, pages=_PAGES, progress=lambda _, left, all_: progress((all_ - left) * size, all_ * size)
        )
        from_.execute("COMMIT")


@contextmanager
def connected(path: Path, mode: str = "rw") -> Iterator[sqlite3.Connection]:
    """Hold a connection to a store of any schema.

    Raises: sqlite3's errors.
    """
    connection = sqlite3.connect(f"{path.resolve().as_uri()}?mode={mode}", uri=True, isolation_level=None)
    try:
        yield connection
    finally:
        connection.close()


def kind(path: Path) -> Kind:
    """Return which schema a store has, and how many rows.

    Raises: StoreError.
    """
    with store_errors(path), connected(path) as db:
        if not db.execute("SELECT 1 FROM sqlite_master WHERE name = '_sqlite_migrations'").fetchone():
            raise StoreDamaged(f"{path}: holds no store of this program")
        names = [name for (name,) in db.execute("SELECT name FROM _sqlite_migrations ORDER BY id").fetchall()]
        rows = {table: db.execute(f"SELECT count(*) FROM {table}").fetchone()[0] for table in COUNTED}  # noqa: S608 - names of ours
        return Kind(schema=len(names), migration=names[-1], rows=rows)


def complaint(path: Path, *, whole: bool) -> str:
    """Return what is wrong with a store's file, "" where nothing is.

    Shape: `whole` compares indexes with their tables too, which takes long. A row without the one it belongs
    to is no damage: it would keep a backup from being put back.
    """
    check = "integrity_check(1)" if whole else "quick_check(1)"
    try:
        with connected(path) as db:
            [verdict] = db.execute(f"PRAGMA {check}").fetchone()
    except sqlite3.DatabaseError as error:
        return str(error)
    return "" if verdict == "ok" else str(verdict)
