"""Tables comment_counts and count_history, as far as providers write them; feeds' own numbers: entries."""

import json
from collections import defaultdict
from collections.abc import Iterable
from datetime import datetime, timedelta

from sqlite_utils import Database

from aggregator.model import CountPoint
from aggregator.store import meta
from aggregator.times import from_text, to_text

WHOLE = timedelta(days=7)  # older history keeps one point a day
_THINNED = "history_thinned_on"

_WRITE = """INSERT INTO comment_counts (entry_id, source, url, count, counted_at) VALUES (?, ?, ?, ?, ?)
ON CONFLICT (entry_id, source) DO UPDATE
SET url = excluded.url, count = excluded.count, counted_at = excluded.counted_at"""
_REACTIONS = "github-releases"  # no comments: their rise is no discussion's
_REMEMBER = """INSERT INTO count_history (entry_id, source, counted_at, count) VALUES (?, ?, ?, ?)
ON CONFLICT (entry_id, source, counted_at) DO UPDATE SET count = excluded.count"""

# What was true when the time began is the last point before it.
_POINTS = """
SELECT e.story_id, h.source, h.entry_id, h.counted_at, h.count
FROM json_each(:stories) AS s JOIN entries AS e ON e.story_id = s.value
  JOIN count_history AS h ON h.entry_id = e.entry_id AND h.source != :reactions
WHERE h.counted_at >= coalesce(
  (SELECT max(b.counted_at) FROM count_history AS b
   WHERE b.entry_id = h.entry_id AND b.source = h.source AND b.counted_at < :since), :since)
ORDER BY h.counted_at, h.source, h.entry_id
"""
_THIN = """
DELETE FROM count_history AS h
WHERE h.counted_at < :before AND EXISTS (
  SELECT 1 FROM count_history AS later
  WHERE later.entry_id = h.entry_id AND later.source = h.source AND later.counted_at > h.counted_at
    AND date(later.counted_at) = date(h.counted_at))
"""


def write(
    db: Database, entry_id: int, source: str, count: int | None, url: str | None, now: datetime
) -> None:
    """Write an entry's number at a source, None where it has none any more; history gets what changed."""
    key, at = [entry_id, source], to_text(now)
    known = db.execute("SELECT count FROM comment_counts WHERE entry_id = ? AND source = ?", key).fetchone()
    if count is None:
        db.execute("DELETE FROM comment_counts WHERE entry_id = ? AND source = ?", key)
    else:
        db.execute(_WRITE, [*key, url, count, at])
    if (known[0] if known else None) != count:
        db.execute(_REMEMBER, [*key, at, count or 0])


def points(db: Database, story_ids: Iterable[int], since: datetime) -> dict[int, list[CountPoint]]:
    """Return stories' history since a moment, and each source's last point before it; oldest first.

    Shape: where several entries of a story have a number of one source, the largest one's history.
    """
    lines: defaultdict[tuple[int, str], dict[int, list[CountPoint]]] = defaultdict(dict)
    values = {"stories": json.dumps(list(story_ids)), "since": to_text(since), "reactions": _REACTIONS}
    for story_id, source, entry_id, at, count in db.execute(_POINTS, values):
        point = CountPoint(source=source, at=from_text(at), count=count)
        lines[story_id, source].setdefault(entry_id, []).append(point)
    found: defaultdict[int, list[CountPoint]] = defaultdict(list)
    for (story_id, _), by_entry in lines.items():
        longest: list[CountPoint] = max(by_entry.values(), key=lambda line: line[-1].count)
        found[story_id] += longest
    return {story_id: sorted(line, key=lambda point: point.at) for story_id, line in found.items()}


def thin(db: Database, now: datetime) -> int:
    """Keep of days that were over a week ago each one's last point, and return how many others went."""
    before = to_text(now - WHOLE)[:10]  # whole days alone, or a day's last point would not be known yet
    return int(db.execute(_THIN, {"before": before}).rowcount)


def thin_daily(db: Database, now: datetime) -> None:
    """Thin the history, once a day."""
    day = to_text(now)[:10]
    if meta.value(db, _THINNED) != day:
        thin(db, now)
        meta.note(db, _THINNED, day)
