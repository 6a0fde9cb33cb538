"""What a released migration ran, to the letter: `python -m tests.frozen` prints tests/stores/migrations.tsv."""

import hashlib
import sqlite3
import tempfile
from pathlib import Path

from sqlite_utils import Database

from aggregator.store.schema import migrations

FILE = Path(__file__).parent / "stores" / "migrations.tsv"
_CHANGES = ("CREATE", "ALTER", "DROP", "INSERT", "UPDATE", "DELETE", "REPLACE")


def digests() -> list[tuple[str, str]]:
    """Return each migration with the SHA-256 of the statements it runs on a store that has all before it."""
    names = [migration.name for migration in migrations._migrations]
    with tempfile.TemporaryDirectory() as folder:
        db = Database(Path(folder) / "s.sqlite")
        found = [(name, _ran(db, before)) for name, before in zip(names, [*names[1:], None], strict=True)]
        db.close()
    return found


def _ran(db: Database, stop_before: str | None) -> str:
    statements: list[str] = []
    assert isinstance(db.conn, sqlite3.Connection)
    db.conn.set_trace_callback(statements.append)
    migrations.apply(db, stop_before=stop_before)
    db.conn.set_trace_callback(None)
    # Beside the migration's own there are the bookkeeping's, and what another SQLite may do otherwise inside.
    own = [" ".join(each.split()) for each in statements if "sqlite_" not in each]
    return hashlib.sha256("\n".join(each for each in own if each.startswith(_CHANGES)).encode()).hexdigest()


def listed() -> list[tuple[str, str]]:
    """Return what is written down of those that were released."""
    lines = FILE.read_text(encoding="ascii").splitlines()
    return [(name, digest) for name, digest in (line.split("\t") for line in lines)]


if __name__ == "__main__":
    for migration, digest in digests():
        print(f"{migration}\t{digest}")  # noqa: T201
