"""A connection that waits its turn to write, and says for whom it waits."""

import logging
import sqlite3
import time
from pathlib import Path
from typing import Any

BUSY_TIMEOUT = 10.0  # seconds another program may hold the write lock before we give up
SAID_AFTER = 3.0  # seconds; our own commands and backups are done by then
_LOOK = 0.5  # seconds that SQLite waits by itself, between two looks at the time

log = logging.getLogger(__name__)


class Connection(sqlite3.Connection):
    """A connection whose transactions are a writer's from their first statement.

    Source: sqlite.org/isolation.html. A transaction that read first and then writes fails at once, without
    waiting, where another process wrote in between.
    """

    _gave_up_at = -BUSY_TIMEOUT

    def execute(self, sql: str, parameters: Any = (), /) -> sqlite3.Cursor:
        """Run one statement."""
        return super().execute(sql, parameters) if sql != "BEGIN" else self._begin()

    def _begin(self) -> sqlite3.Cursor:
        super().execute(f"PRAGMA busy_timeout = {_LOOK * 1000:.0f}")
        try:
            return self._wait()
        finally:
            super().execute(f"PRAGMA busy_timeout = {BUSY_TIMEOUT * 1000:.0f}")

    def _wait(self) -> sqlite3.Cursor:
        """Begin once nobody else writes; what follows at once on a wait in vain waits no second time.

        Raises: sqlite3.OperationalError.
        """
        started, said = time.monotonic(), False
        patience = BUSY_TIMEOUT if started - self._gave_up_at >= BUSY_TIMEOUT else 0.0
        while True:
            try:
                return super().execute("BEGIN IMMEDIATE")
            except sqlite3.OperationalError as error:
                waited = time.monotonic() - started
                if error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY:
                    raise
                if waited >= patience:
                    self._gave_up_at = time.monotonic()
                    raise
                if waited >= SAID_AFTER and not said:
                    said = True
                    log.warning("store_busy path=%s hint='another program writes to it'", self._path())

    def _path(self) -> Path:
        return Path(super().execute("PRAGMA database_list").fetchone()[2])
