"""Table discussions: the threads about each story, and when each provider is asked about it again.

A row without thread_key is a story's turn at a provider and alone says when; the other rows are threads.
A story's number at a provider goes to its lead, so that nothing has to follow a merge; leads.py takes it on.
"""

import json
from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from sqlite_utils import Database

from aggregator.discuss import schedule
from aggregator.discuss.schedule import DueTurn
from aggregator.model import PROVIDERS, Counted, CountJob, CountOutcome, Provider, ThreadCount
from aggregator.publish.room import KEPT
from aggregator.store import counts, providers, unions
from aggregator.times import from_text, maybe_text, to_text

# Hatena's pages for http and https, and feeds of what may be the same comments; others' threads are summed.
LARGEST: frozenset[Provider] = frozenset({"hatena", "comment-feeds"})

_LEAD = "JOIN stories AS st ON st.story_id = p.story_id JOIN entries AS e ON e.entry_id = st.lead_entry_id"
# Whatever came out lately was held or published lately; of an older store nothing else is asked about.
_LACKING = f"""
SELECT p.story_id, wanted.value, e.sort_at
FROM publications AS p {_LEAD} JOIN json_each(:providers) AS wanted
WHERE (p.state = 'held' AND p.held_at >= :since
    OR p.state IN ('untranslated', 'translated') AND p.first_published_at >= :since)
  AND NOT EXISTS (SELECT 1 FROM discussions AS d
    WHERE d.story_id = p.story_id AND d.provider = wanted.value AND d.thread_key = '')
"""  # noqa: S608 - constants of ours
_OPEN = """INSERT INTO discussions (story_id, provider, thread_key, url, next_count_at)
VALUES (?, ?, '', '', ?)"""
_WAITING = """d.provider = :provider AND d.next_count_at <= :now AND d.thread_key = ''
AND p.state != 'withdrawn'"""
_DUE = f"""
SELECT d.story_id, e.sort_at, d.failures,
  coalesce(p.state = 'translated' AND p.first_published_at >= :front, 0)
FROM discussions AS d JOIN publications AS p ON p.story_id = d.story_id {_LEAD}
WHERE {_WAITING} ORDER BY e.sort_at DESC, d.story_id LIMIT :limit
"""  # noqa: S608
_COUNT_DUE = f"""
SELECT count(*) FROM discussions AS d JOIN publications AS p ON p.story_id = d.story_id WHERE {_WAITING}
"""  # noqa: S608
_TURNS = """
SELECT d.story_id, e.sort_at, d.failures, 0
FROM json_each(:stories) AS s JOIN stories AS st ON st.story_id = s.value
  JOIN entries AS e ON e.entry_id = st.lead_entry_id
  JOIN discussions AS d ON d.story_id = s.value AND d.provider = :provider AND d.thread_key = ''
"""
_TOTALS = """
SELECT st.lead_entry_id, sum(d.count), max(d.count), d.url
FROM json_each(:stories) AS s JOIN stories AS st ON st.story_id = s.value
  LEFT JOIN discussions AS d ON d.story_id = s.value AND d.provider = :provider AND d.thread_key != ''
    AND d.gone = 0 AND d.count IS NOT NULL
WHERE st.lead_entry_id IS NOT NULL GROUP BY s.value
"""
_THERE = "SELECT story_id FROM stories WHERE story_id IN (SELECT value FROM json_each(?))"
_WRITE_THREAD = """
INSERT INTO discussions (story_id, provider, thread_key, url, gone, count, counted_at)
VALUES (?, ?, ?, ?, ?, ?, ?)
ON CONFLICT (story_id, provider, thread_key) DO UPDATE
SET url = excluded.url, gone = excluded.gone, count = excluded.count, counted_at = excluded.counted_at
"""
# A feed that several stories name is of all that a site's readers say, and of none of them.
_SET_ASIDE = """
UPDATE discussions SET gone = 1, count = NULL
WHERE provider = 'comment-feeds' AND thread_key != '' AND thread_key IN (SELECT value FROM json_each(?))
  AND EXISTS (SELECT 1 FROM discussions AS other
    WHERE other.provider = 'comment-feeds' AND other.thread_key != ''
      AND other.thread_key = discussions.thread_key AND other.story_id != discussions.story_id)
RETURNING story_id
"""
_NAME = "INSERT OR IGNORE INTO discussions (story_id, provider, thread_key, url) VALUES (?, ?, ?, ?)"
_WRITE_TURN = """
UPDATE discussions SET next_count_at = :at, failures = :failures
WHERE story_id = :story_id AND provider = :provider AND thread_key = ''
"""


def open_turns(db: Database, wanted: Iterable[Provider], now: datetime) -> int:
    """Give each story that was held or published within a week a turn at each provider, where it has none.

    Shape: the number of turns opened. What came out long ago, as in a new feed's first fill, is asked about
    once.
    """
    since = to_text(now - schedule.COUNTED)
    values = {"providers": json.dumps(list(wanted)), "since": since}
    opened = [
        (story_id, provider, to_text(schedule.first_count_at(from_text(sort_at), now)))
        for story_id, provider, sort_at in db.execute(_LACKING, values)
    ]
    db.conn.executemany(_OPEN, opened)
    return len(opened)


def due(db: Database, provider: Provider, now: datetime, limit: int) -> list[DueTurn]:
    """List the turns that are due at a provider, the most urgent first; of too many the newest stories'."""
    front = to_text(now - KEPT)  # what the main feed carries
    values = {"provider": provider, "now": to_text(now), "limit": limit, "front": front}
    turns = _with_rise(db, db.execute(_DUE, values), now)
    return sorted(turns, key=lambda turn: -schedule.urgency(turn, now))


def _with_rise(db: Database, found: Iterable[tuple[int, str, int, int]], now: datetime) -> list[DueTurn]:
    rows = list(found)
    histories = counts.points(db, [row[0] for row in rows], now - schedule.WINDOW)
    return [
        DueTurn(story_id=story_id, came_out_at=from_text(sort_at), failures=failures,
                rise=schedule.rise(histories.get(story_id, ()), now), in_front=bool(in_front))
        for story_id, sort_at, failures, in_front in rows
    ]  # fmt: skip


def count_due(db: Database, wanted: Iterable[Provider], now: datetime) -> int:
    """Count the turns that are due at these providers."""
    values = [{"provider": provider, "now": to_text(now)} for provider in wanted]
    return sum(db.execute(_COUNT_DUE, each).fetchone()[0] for each in values)


def record(db: Database, job: CountJob, outcome: CountOutcome, now: datetime) -> None:
    """Write what came of a job: threads, the stories' numbers, each story's next turn, the day's figures.

    Shape: a story that was not asked about since the requests were used up is dropped, unless it has no
    further turn; any other one that was not is tried again.
    """
    counted = _of_stories(db, outcome.counted)
    _write_threads(db, counted.counts, now)
    named = [(story_id, each.provider, each.key, each.url) for story_id, each in counted.named]
    db.conn.executemany(_NAME, named)
    found = [each.discussion for each in counted.counts if each.count is not None]
    grown = unions.by_discussions(db, found, now)
    set_aside = _set_aside(db, counted.counts) if job.provider == "comment-feeds" else set()
    _write_totals(db, job.provider, set_aside | {count.story_id for count in counted.counts}, now)
    for provider in PROVIDERS if grown else ():
        _write_totals(db, provider, grown, now)
    asked = [turn.story_id for turn in job.turns if turn.story_id in counted.asked]
    left = [turn.story_id for turn in job.turns if turn.story_id not in counted.asked]
    used_up = outcome.failure is None and outcome.requests >= job.requests
    move_on(db, job.provider, _turns(db, job.provider, asked, now), now)
    providers.note(db, job.provider, counted=len(asked), dropped=0, now=now)
    passed = [
        turn
        for turn in _turns(db, job.provider, left if used_up else (), now)
        if schedule.next_count_at(turn.came_out_at, now, turn.rise)
    ]
    drop(db, job.provider, passed, now)
    put_off(db, job.provider, set(left) - {turn.story_id for turn in passed}, now)


def drop(db: Database, provider: Provider, due: Sequence[DueTurn], now: datetime) -> None:
    """Let turns pass that the quota does not hold, as if they had been asked, and book that."""
    move_on(db, provider, due, now)
    providers.note(db, provider, counted=0, dropped=len(due), now=now)


def put_off(db: Database, provider: Provider, story_ids: Iterable[int], now: datetime) -> None:
    """Try stories again later that could not be asked about, and give up those that never can."""
    turns = _turns(db, provider, story_ids, now)
    again = [(turn, schedule.retry_at(turn.came_out_at, now, turn.failures + 1)) for turn in turns]
    _write_turns(db, provider, [(turn.story_id, at, turn.failures + 1) for turn, at in again])


def move_on(db: Database, provider: Provider, turns: Sequence[DueTurn], now: datetime) -> None:
    """Let turns pass without a word: stories that a provider can say nothing of, as far as is known."""
    steps = [(turn.story_id, schedule.next_count_at(turn.came_out_at, now, turn.rise), 0) for turn in turns]
    _write_turns(db, provider, steps)


def _turns(db: Database, provider: Provider, story_ids: Iterable[int], now: datetime) -> list[DueTurn]:
    values = {"stories": json.dumps(list(story_ids)), "provider": provider}
    return _with_rise(db, db.execute(_TURNS, values).fetchall(), now)


def _write_turns(db: Database, provider: Provider, turns: Iterable[tuple[int, datetime | None, int]]) -> None:
    rows: list[dict[str, Any]] = [
        {"story_id": story_id, "provider": provider, "at": maybe_text(at), "failures": failures}
        for story_id, at, failures in turns
    ]
    db.conn.executemany(_WRITE_TURN, rows)


def _of_stories(db: Database, counted: Counted) -> Counted:
    """Return what is of stories that are there: another provider's answer may have made one of two meanwhile.

    What is left out is found again at a turn of the story that has the entries now.
    """
    named = {each.story_id for each in counted.counts} | {story_id for story_id, _ in counted.named}
    there = {story_id for (story_id,) in db.execute(_THERE, [json.dumps(sorted(named))]).fetchall()}
    return replace(
        counted,
        counts=tuple(each for each in counted.counts if each.story_id in there),
        named=tuple(each for each in counted.named if each[0] in there),
    )


def _write_threads(db: Database, found: Iterable[ThreadCount], now: datetime) -> None:
    at = to_text(now)
    rows = [
        (each.story_id, each.discussion.provider, each.discussion.key, each.discussion.url,
         int(each.count is None), each.count, at)
        for each in found
    ]  # fmt: skip
    db.conn.executemany(_WRITE_THREAD, rows)


def _set_aside(db: Database, found: Iterable[ThreadCount]) -> set[int]:
    keys = json.dumps([each.discussion.key for each in found])
    return {story_id for (story_id,) in db.execute(_SET_ASIDE, [keys]).fetchall()}


def _write_totals(db: Database, provider: Provider, story_ids: Iterable[int], now: datetime) -> None:
    """Write the stories' numbers from all their threads, with a link to the largest one."""
    values = {"stories": json.dumps(sorted(story_ids)), "provider": provider}
    for entry_id, total, largest, url in db.execute(_TOTALS, values).fetchall():
        counts.write(db, entry_id, provider, largest if provider in LARGEST else total, url, now)
