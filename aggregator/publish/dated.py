"""Which pages of days are to be written, out of the store, and writing them to output/."""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from zoneinfo import ZoneInfo

from sqlite_utils import Database

from aggregator.config import Config
from aggregator.model import Document
from aggregator.publish import days, write
from aggregator.publish.days import Day, Line
from aggregator.publish.edition import Site
from aggregator.publish.place import private_root, site_of
from aggregator.store import days as rows

log = logging.getLogger(__name__)

BATCH = 30  # days a job may write
FEW = 3  # days that new entries change; where more are due, the editions come first


@dataclass(frozen=True, slots=True, kw_only=True)
class DayPages:
    """Days to be written, and what is no more."""

    site: Site
    root: str
    written: tuple[Day, ...]
    every: tuple[date, ...]  # all days of the years these stand in
    mapped: tuple[date, ...]  # all days there are, where a sitemap lists them
    gone: tuple[date, ...]
    surplus: tuple[str, ...]  # paths
    marks: tuple[rows.Mark, ...]  # what said that these days changed


def due(db: Database, config: Config, most: int | None = None) -> DayPages | None:
    """Return the newest days whose entries changed, and the days beside those that came or went.

    Shape: None too where more than `most` days changed.
    """
    marks = rows.changed(db, config.zone)
    if not marks or (most is not None and len(marks) > most):
        return None
    root = private_root(db, config)
    folder = config.output / root
    chosen = sorted(marks, reverse=True)[:BATCH]
    before = rows.around(db, chosen)
    lines = {day: _lines(db, day, config.zone, folder) for day in chosen}
    gone = {day for day in chosen if not lines[day]}
    every = sorted((before.keys() | lines.keys()) - gone)
    moved = {day for day in chosen if (day in before) == (day in gone)}
    near = days.beside(moved, every) - lines.keys()
    lines |= {day: _lines(db, day, config.zone, folder) for day in near}
    site = site_of(config, root)
    return DayPages(
        site=site, root=root, every=tuple(every), gone=tuple(gone),
        surplus=_surplus(lines, before, every, site),
        mapped=tuple(sorted((rows.written(db).keys() | lines.keys()) - gone)) if site.indexable else (),
        written=days.linked({day: found for day, found in lines.items() if found}, every),
        marks=tuple(mark for day in chosen for mark in marks[day]),
    )  # fmt: skip


def _lines(db: Database, day: date, zone: ZoneInfo, folder: Path) -> tuple[Line, ...]:
    """Return a day's entries, of those whose text was dropped the ones whose page is still there."""
    return tuple(
        line for line in rows.lines(db, day, zone)
        if not line.is_dropped or (folder / f"entries/{line.slug}.html").exists()
    )  # fmt: skip


def _surplus(
    lines: Mapping[date, tuple[Line, ...]], before: Mapping[date, int], every: Sequence[date], site: Site
) -> tuple[str, ...]:
    """List the pages that these days and their years have no more, and parts of a sitemap not wanted."""
    pages = [
        days.path(day, number)
        for day, found in lines.items()
        for number in range(days.page_count(found) + 1, before.get(day, 0) + 1)
    ]
    years = {days.year_path(day) for day in lines} - {days.year_path(day) for day in every}
    maps = [days.map_path(day) for day, found in lines.items() if not (found and site.indexable)]
    return (*pages, *sorted(years), *maps, *(() if site.indexable else (days.INDEX,)))


def documents(job: DayPages) -> tuple[Document, ...]:
    """Render the days, the years they stand in, and the sitemap where there is one."""
    return tuple(days.documents(job.written, job.every, job.mapped, job.site))


def publish(db: Database, config: Config, job: DayPages, made: tuple[Document, ...]) -> None:
    """Write the documents, remove what is no more, and note what was done.

    Raises: PublishError; the days then stay due.
    """
    folder = config.output / job.root
    write.sweep(folder, made)
    written = write.write(folder, made)
    write.remove(folder, job.surplus)
    log.info("days_published documents=%d written=%d", len(made), len(written))
    counts = {day.day: days.page_count(day.lines) for day in job.written}
    rows.note(db, counts, job.gone, job.marks)


def leave(db: Database, job: DayPages) -> None:
    """Leave days that could not be written until something of them changes."""
    rows.note(db, {}, (), job.marks)


def note_all(db: Database, zone: ZoneInfo) -> None:
    """Have every day written again."""
    rows.mark(db, {*rows.all_of(db, zone), *rows.written(db)}, zone)
