"""Table meta: single values that no other table has a place for, by name."""

from sqlite_utils import Database


def value(db: Database, key: str) -> str | None:
    """Return what stands under a name, None where nothing does."""
    row = db.execute("SELECT value FROM meta WHERE key = ?", [key]).fetchone()
    return None if row is None else str(row[0])


def note(db: Database, key: str, value: str) -> None:
    """Write what stands under a name from now on."""
    db.table("meta").upsert({"key": key, "value": value}, pk="key")
