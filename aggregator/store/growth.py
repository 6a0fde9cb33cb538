"""What store and output/ came to, noted once a day: a row of meta. Who wants to know walks no folder."""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import date

from sqlite_utils import Database

from aggregator.store import meta

_KEY = "growth"
_KEPT = 31  # days


@dataclass(frozen=True, slots=True, kw_only=True)
class Day:
    """The sizes at the end of a day's pass."""

    on: str  # 2026-11-24
    entries: int
    store_bytes: int
    output_bytes: int
    output_files: int


def read(db: Database) -> tuple[Day, ...]:
    """Return the last 31 days, as far as they were noted, the oldest first."""
    return tuple(Day(**day) for day in json.loads(meta.value(db, _KEY) or "[]"))


def note(db: Database, on: str, output_bytes: int, output_files: int) -> None:
    """Note the sizes of a day, in the place of what was noted of the same one."""
    entries = db.execute("SELECT count(*) FROM entries").fetchone()[0]
    day = Day(
        on=on, entries=entries, store_bytes=store_bytes(db), output_bytes=output_bytes,
        output_files=output_files,
    )  # fmt: skip
    days = [each for each in read(db) if each.on != on] + [day]
    value = json.dumps([asdict(each) for each in days[-_KEPT:]])
    meta.note(db, _KEY, value)


def store_bytes(db: Database) -> int:
    """Return the size of the database file."""
    pages, size = (db.execute(f"PRAGMA {name}").fetchone()[0] for name in ("page_count", "page_size"))
    return int(pages * size)


def a_day(days: Sequence[Day]) -> tuple[float, float] | None:
    """Return by how many bytes and files a day all has grown; None before two days are known."""
    if not days or (length := (date.fromisoformat(days[-1].on) - date.fromisoformat(days[0].on)).days) < 1:
        return None
    first, last = days[0], days[-1]
    grown = last.store_bytes + last.output_bytes - first.store_bytes - first.output_bytes
    return grown / length, (last.output_files - first.output_files) / length


def days_until_full(days: Sequence[Day], free_bytes: int, free_files: int | None) -> int | None:
    """Return in how many days a disk is full that fills as it did; None where it does not, or unknown."""
    rates = a_day(days)
    if rates is None:
        return None
    left = [
        free / rate
        for free, rate in zip((free_bytes, free_files), rates, strict=True)
        if free is not None and rate > 0
    ]
    return int(min(left)) if left else None
