"""Whether the database file can be relied on, looked at without a write to it."""

import logging
import sqlite3
import time
from pathlib import Path

from aggregator.errors import StoreDamaged
from aggregator.store import store_errors

log = logging.getLogger(__name__)

_SAID = 3  # faults, of a list that may have thousands


def check(path: Path) -> None:
    """Look through the whole store after an unclean end, before anything is written.

    Shape: a store that is not there yet is sound. Rows that point at rows that are not there are said and
    no reason to stop: what is there can still be shown.
    Raises: StoreDamaged naming what was found; StoreError where it cannot be read.
    """
    if not path.exists():
        return
    log.warning("unclean_end store=%s checking_mb=%.0f", path, path.stat().st_size / 1e6)
    started = time.monotonic()
    with store_errors(path):
        found, strays = _looked(path)
    if found:
        raise StoreDamaged(f"{path}: is damaged ({'; '.join(found)})")
    if strays:
        log.error("orphaned_rows store=%s tables=%s", path, ",".join(strays))
    log.warning("store_sound store=%s seconds=%.1f", path, time.monotonic() - started)


def _looked(path: Path) -> tuple[list[str], list[str]]:
    try:
        # Read only: an ordinary connection would write what the log holds into the file when it closes.
        return _seen(path, "ro")
    except sqlite3.OperationalError as error:
        if error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_READONLY:
            raise
        return _seen(path, "rw")  # a change was broken off before there was a log: it is taken back first


def _seen(path: Path, mode: str) -> tuple[list[str], list[str]]:
    connection = sqlite3.connect(f"{path.resolve().as_uri()}?mode={mode}", uri=True)
    try:
        found = faults(connection)
        return found, [] if found else orphans(connection)
    finally:
        connection.close()


def faults(connection: sqlite3.Connection) -> list[str]:
    """List the first things that are wrong with the file; none where it is whole."""
    # Not integrity_check, which also looks up every row in every index: ten times as long.
    found = connection.execute(f"PRAGMA quick_check({_SAID})").fetchall()
    return [str(row[0]).replace("\n", ", ") for row in found if row[0] != "ok"]


def orphans(connection: sqlite3.Connection) -> list[str]:
    """Name the tables whose rows point at rows that are not there."""
    rows = connection.execute("SELECT DISTINCT [table] FROM pragma_foreign_key_check").fetchall()
    return sorted(row[0] for row in rows)
