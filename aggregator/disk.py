"""What `aggregator status` says of the disk: from what the day's pass noted, without a look at files."""

from dataclasses import dataclass
from pathlib import Path

from sqlite_utils import Database

from aggregator import resources
from aggregator.config import Config
from aggregator.resources import megabytes
from aggregator.store import growth
from aggregator.store.growth import Day

_LONG = 3650  # days; nobody plans beyond
_FEW = 100  # entries, of which the store's own pages are most


@dataclass(frozen=True, slots=True, kw_only=True)
class Disk:
    """How full it is, and when it will be."""

    noted: Day | None  # the last day; None before the first pass
    bytes_an_entry: int | None
    backup_bytes: int
    free_bytes: int
    free_files: int | None  # None where there is no limit
    bytes_a_day: int | None
    days_until_full: int | None
    shortage: str


def look(db: Database, config: Config) -> Disk:
    """Return how the disk stands; where store and output/ lie on two, the fuller one counts."""
    places = {"store": config.store.parent, "output": config.output}
    days = growth.read(db)
    last = days[-1] if days else None
    free = min(map(resources.free_disk, places.values()))
    files = resources.free_files(config.output)
    rates = growth.a_day(days)
    return Disk(
        noted=last, bytes_an_entry=_an_entry(last), backup_bytes=_held(config.backups_folder),
        free_bytes=free, free_files=files, bytes_a_day=round(rates[0]) if rates else None,
        days_until_full=growth.days_until_full(days, free - resources.LEAST_FREE, files),
        shortage=resources.shortage(places),
    )  # fmt: skip


def _an_entry(day: Day | None) -> int | None:
    if day is None or day.entries < _FEW:
        return None
    return (day.store_bytes + day.output_bytes) // day.entries


def _held(folder: Path) -> int:
    return sum(each.stat().st_size for each in folder.iterdir() if each.is_file()) if folder.is_dir() else 0


def summary(disk: Disk) -> str:
    """Say it in a line."""
    files = "" if disk.free_files is None else f" and {disk.free_files:,} files"
    parts = [f"NOTHING IS ADDED: {disk.shortage}"] if disk.shortage else []
    parts.append(f"{megabytes(disk.free_bytes)}{files} free")
    if disk.noted:
        parts.append(f"output {disk.noted.output_files:,} files, {megabytes(disk.noted.output_bytes)}")
    if disk.backup_bytes:
        parts.append(f"backups {megabytes(disk.backup_bytes)}")
    if disk.bytes_an_entry:
        parts.append(f"{disk.bytes_an_entry / 1e3:.1f} KB an entry")
    return "; ".join((*parts, _future(disk)))


def _future(disk: Disk) -> str:
    if disk.bytes_a_day is None:
        return "its growth is known after a day"
    if disk.days_until_full is None:
        return "does not grow"
    when = f"in {disk.days_until_full:,} days" if disk.days_until_full < _LONG else "in 10 years or more"
    return f"grows {disk.bytes_a_day / 1e6:.1f} MB a day, full {when}"
