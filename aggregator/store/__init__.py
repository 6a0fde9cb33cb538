"""THE DATABASE: one SQLite file, one writer.

Reads are plain SQL (`db.query`), writes go through sqlite-utils inside `db.atomic()`. One file of this
package a table group; each function takes the `Database` first.
"""

import contextlib
import sqlite3
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from sqlite_utils import Database

from aggregator import __version__, files
from aggregator.errors import StoreDamaged, StoreError, StoreLocked, StoreTooNew
from aggregator.store.connection import BUSY_TIMEOUT, Connection
from aggregator.store.schema import migrations

_WRITTEN_BY = "INSERT OR REPLACE INTO meta (key, value) VALUES ('version', ?)"
_READ_TIMEOUT = 5.0  # while somebody waits for an answer
_DAMAGED = frozenset({sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB})
LOG_BYTES = 16 * 2**20  # of the write-ahead log that stay on the disk once a long reader let it grow


@contextlib.contextmanager
def store_errors(path: object = "store") -> Iterator[None]:
    """Turn sqlite3's errors into ours, naming the file."""
    try:
        yield
    except sqlite3.OperationalError as error:
        if "locked" in str(error) or "busy" in str(error):
            raise StoreLocked(f"{path}: another program holds the database ({error})") from error
        # Where its shared memory finds no room, SQLite speaks of an I/O error.
        hint = "; is the disk full?" if "disk I/O" in str(error) else ""
        raise StoreError(f"{path}: {error}{hint}") from error
    except sqlite3.DatabaseError as error:
        kind = StoreDamaged if _result_code(error) in _DAMAGED else StoreError
        raise kind(f"{path}: {error}") from error


def _result_code(error: sqlite3.Error) -> int:
    """Return SQLite's primary result code; 0 where it did not come from SQLite itself."""
    return int(getattr(error, "sqlite_errorcode", 0)) & 0xFF


def open_store(path: Path, before_migrating: Callable[[], object] = lambda: None) -> Database:
    """Open the store, creating or migrating it as needed; one that holds something is kept before.

    Raises: StoreTooNew where a newer version wrote it, StoreLocked, StoreError.
    """
    with store_errors(path):
        try:
            files.make_folder(path.parent)
        except OSError as error:
            raise StoreError(f"{path}: {error.strerror}") from error
        if not path.exists():  # hubs' secrets and a private path will be in it, and in files that SQLite adds
            with contextlib.suppress(OSError):  # which SQLite says better
                path.touch(mode=0o600)
                files.hand_over(path, path.parent)
        # Threads of the scheduler take turns under the instance lock: the connection may move between them.
        connection = sqlite3.connect(path, timeout=BUSY_TIMEOUT, check_same_thread=False, factory=Connection)
        try:
            return _prepare(_database(connection), path, before_migrating)
        except BaseException:
            connection.close()
            raise


@contextlib.contextmanager
def reading(path: Path) -> Iterator[Database]:
    """Hold the store open in a connection of its own that cannot write, and creates none.

    Raises: StoreError.
    """
    with store_errors(path):
        # mode=ro would not do: the first to open a database in WAL mode creates files beside it.
        connection = sqlite3.connect(f"{path.resolve().as_uri()}?mode=rw", uri=True, timeout=_READ_TIMEOUT)
        try:
            connection.execute("PRAGMA query_only = ON")
            yield _database(connection)
        finally:
            connection.close()


def _database(connection: sqlite3.Connection) -> Database:
    # What other packages plug in has no business in our store, and takes a while to look for.
    return Database(connection, execute_plugins=False)


def _prepare(db: Database, path: Path, before_migrating: Callable[[], object]) -> Database:
    db.execute("PRAGMA foreign_keys = ON")
    _refuse_newer(db, path)
    is_behind, is_new = bool(migrations.pending(db)), not migrations.applied(db)
    if is_behind and not is_new:
        before_migrating()
    if not db.execute("PRAGMA page_count").fetchone()[0]:
        db.execute("PRAGMA auto_vacuum = INCREMENTAL")  # holds for a file that has nothing in it yet
    if db.execute("PRAGMA journal_mode").fetchone()[0] != "wal":
        _write_ahead(db)
    if is_behind:
        with db.atomic():  # looks again what is pending: another process may have been first
            migrations.apply(db)
            if not is_new:
                db.execute(_WRITTEN_BY, [__version__])
    db.execute("PRAGMA synchronous = NORMAL")
    db.execute(f"PRAGMA journal_size_limit = {LOG_BYTES}").fetchall()
    return db


def _write_ahead(db: Database) -> None:
    """Switch the file to write-ahead logging.

    Source: sqlite.org/c3ref/busy_handler.html. Where two switch at once neither is made to wait, lest they
    wait for each other.
    """
    deadline = time.monotonic() + BUSY_TIMEOUT
    while True:
        try:
            db.execute("PRAGMA journal_mode = WAL")
        except sqlite3.OperationalError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.01)
        else:
            return


def _refuse_newer(db: Database, path: Path) -> None:
    known = {migration.name for migration in migrations.pending(db)}
    known |= {migration.name for migration in migrations.applied(db)}
    released = {migration.name for migration in migrations._migrations}  # noqa: SLF001 - no public list of all
    newer = known - released
    if newer:
        row = db.execute("SELECT value FROM meta WHERE key = 'version'").fetchone()
        version = f"version {row[0]}" if row else "a newer version"
        raise StoreTooNew(
            f"{path}: written by {version} (its migration {min(newer)!r} is unknown here); "
            "install that one, or go back to the store as it was: aggregator rollback"
        )
