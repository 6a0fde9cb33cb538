"""Which entries are one story and why, as an operator sees it, and parting what does not belong together."""

from datetime import datetime
from typing import Any

from sqlite_utils import Database

from aggregator.errors import AggregatorError
from aggregator.store import joins, unions

SHOWN = 20  # entries, where none is named
COLUMNS = ("entry", "feed", "title", "first_seen_at", "why")
_WHY = {
    "address": "has the address of {joined}",
    "discussion": "is talked about where {joined} is: {detail}",
    "title": "tells what {joined} tells: {detail}",
}


def latest(db: Database) -> list[dict[str, Any]]:
    """Return a row for each of the entries that joined a story last, the newest first."""
    return [row | {"why": _why(row)} for row in joins.latest(db, SHOWN)]


def rows(db: Database, entry: str) -> list[dict[str, Any]]:
    """Return a row for each entry of an entry's story, the one it is published from first.

    Raises: AggregatorError where there is no such entry; `entry` is its number, its original's address or its
    page's.
    """
    found = joins.members(db, entry)
    if not found:
        raise AggregatorError(f"no entry has the number or address {entry!r}")
    return [row | {"why": _why(row)} for row in found]


def _why(row: dict[str, Any]) -> str:
    if row["parted_at"]:
        return f"parted at {row['parted_at']}"
    if row["leads"]:
        return "is what the story is published from"
    return _WHY[row["reason"]].format(**row) if row["reason"] else "was here first"


def part(db: Database, entry: str, now: datetime) -> None:
    """Give an entry a story of its own, inside the caller's transaction.

    Raises: AggregatorError where it cannot be parted; `entry` is its number.
    """
    number = next((row["entry"] for row in rows(db, entry) if str(row["entry"]) == entry), None)
    if number is None:
        raise AggregatorError(f"{entry} may be several entries: give the number of the one to part")
    if not unions.part(db, number, now):
        raise AggregatorError(f"entry {number} stays: its story is published from it, or has no other entry")
