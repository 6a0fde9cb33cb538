"""Tables days and day_changes: which days have a page of headlines, and which of them changed since.

A trigger writes day_changes, so that no step that moves or withdraws a publication has to think of it.
"""

from collections.abc import Iterable, Mapping
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from sqlite_utils import Database

from aggregator.markup import unturned
from aggregator.publish.days import Line
from aggregator.publish.edition import MARK
from aggregator.times import from_text, to_text

# A minute is as fine as zones differ; days are made of them in the zone that is set.
TABLES = """
CREATE TABLE days (
  day TEXT PRIMARY KEY,
  pages INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE day_changes (
  minute TEXT PRIMARY KEY
) STRICT, WITHOUT ROWID;

CREATE TRIGGER publications_of_a_day AFTER UPDATE OF state, first_published_at, title ON publications
WHEN OLD.state != NEW.state OR OLD.title != NEW.title OR OLD.first_published_at IS NOT NEW.first_published_at
BEGIN
  INSERT INTO day_changes (minute) SELECT substr(at, 1, 16) FROM
    (SELECT OLD.first_published_at AS at UNION SELECT NEW.first_published_at) WHERE at IS NOT NULL
    ON CONFLICT DO NOTHING; END;
"""
Mark = tuple[str, int]  # a minute whose entries changed, and how often
_STATES = ("translated", "untranslated", "withdrawn")
_LINES = """
SELECT p.first_published_at, e.sort_at, p.slug, p.title, p.state, e.title,
  coalesce(json_extract(f.settings, '$.language'), e.language, f.language, ''),
  coalesce(nullif(f.title, ''), f.host)
FROM publications p CROSS JOIN stories st USING (story_id)
  CROSS JOIN entries e ON e.entry_id = st.lead_entry_id CROSS JOIN feeds f USING (feed_id)
WHERE p.state = ? AND p.first_published_at >= ? AND p.first_published_at < ?
"""
_NEXT = "SELECT min(first_published_at) FROM publications WHERE state = ? AND first_published_at >= ?"


def changed(db: Database, zone: ZoneInfo) -> dict[date, list[Mark]]:
    """Return the days whose entries changed, each with the marks that say so."""
    found: dict[date, list[Mark]] = {}
    for mark in db.execute("SELECT minute, changes FROM day_changes ORDER BY minute").fetchall():
        found.setdefault(from_text(f"{mark[0]}:00Z").astimezone(zone).date(), []).append(mark)
    return found


def written(db: Database, since: str = "", until: str = "~") -> dict[date, int]:
    """Return the days that have pages, and how many each."""
    rows = db.execute("SELECT day, pages FROM days WHERE day BETWEEN ? AND ? ORDER BY day", [since, until])
    return {date.fromisoformat(day): pages for day, pages in rows.fetchall()}


def around(db: Database, chosen: Iterable[date]) -> dict[date, int]:
    """Return what `written` does of the years that these days and those beside them stand in, and a day more.

    There may be ten thousand days; a new entry asks for those of a year or two.
    """
    days = sorted(day.isoformat() for day in chosen)
    first, last = (_beside(db, days[0], "<") or days[0])[:4], (_beside(db, days[-1], ">") or days[-1])[:4]
    bounds = f"{first}-01-01", f"{last}-12-31"
    outer = _beside(db, bounds[0], "<") or bounds[0], _beside(db, bounds[1], ">") or bounds[1]
    return written(db, *outer)


def _beside(db: Database, day: str, where: str) -> str | None:
    which = {"<": "max", ">": "min"}[where]
    [found] = db.execute(f"SELECT {which}(day) FROM days WHERE day {where} ?", [day]).fetchone()  # noqa: S608
    return str(found) if found else None


def all_of(db: Database, zone: ZoneInfo) -> set[date]:
    """Return every day on which something was published, a look a day at the index."""
    found: set[date] = set()
    for state in _STATES:
        since = ""
        while at := db.execute(_NEXT, [state, since]).fetchone()[0]:
            day = from_text(at).astimezone(zone).date()
            found.add(day)
            since = _bounds(day, zone)[1]
    return found


def lines(db: Database, day: date, zone: ZoneInfo) -> tuple[Line, ...]:
    """Return the entries published on a day, the oldest first; what came at once as it came out."""
    rows = [row for state in _STATES for row in db.execute(_LINES, [state, *_bounds(day, zone)]).fetchall()]
    return tuple(
        Line(slug=slug, title=title, is_translated=not title.startswith(MARK), published_at=from_text(at),
             original_title=unturned(original), language=language, feed_title=feed,
             is_dropped=state == "withdrawn")
        for at, _, slug, title, state, original, language, feed in sorted(rows)
    )  # fmt: skip


def _bounds(day: date, zone: ZoneInfo) -> tuple[str, str]:
    start, end = (datetime(d.year, d.month, d.day, tzinfo=zone) for d in (day, day + timedelta(days=1)))
    return to_text(start), to_text(end)


def note(db: Database, pages: Mapping[date, int], gone: Iterable[date], marks: Iterable[Mark]) -> None:
    """Write how many pages days have now, forget days without any, and the marks that were worked off.

    Shape: a mark that was made once more since stays.
    """
    counts = [(day.isoformat(), count) for day, count in pages.items()]
    db.conn.executemany("INSERT OR REPLACE INTO days (day, pages) VALUES (?, ?)", counts)
    db.conn.executemany("DELETE FROM days WHERE day = ?", [(day.isoformat(),) for day in gone])
    db.conn.executemany("DELETE FROM day_changes WHERE minute = ? AND changes = ?", list(marks))


def mark(db: Database, days: Iterable[date], zone: ZoneInfo) -> None:
    """Have the pages of these days written again."""
    marks = ((_bounds(day, zone)[0][:16],) for day in days)
    db.conn.executemany("INSERT OR IGNORE INTO day_changes (minute) VALUES (?)", marks)
