"""When a story's discussion is counted next, which stories go first, and what a quota leaves over."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise

from aggregator.model import CountPoint, Quota, Used

_HOUR = timedelta(hours=1)
_DAY = timedelta(days=1)
SOONEST = timedelta(minutes=15)
STEPS = (SOONEST, _HOUR, 3 * _HOUR, 6 * _HOUR, 12 * _HOUR, _DAY, 2 * _DAY, 3 * _DAY, 7 * _DAY)
COUNTED = STEPS[-1]  # a story older than this is left alone
WINDOW = timedelta(hours=6)  # over which a rise is measured
BACKOFF = (SOONEST, _HOUR, 4 * _HOUR, _DAY)  # after the 1st, 2nd, 3rd and any further failure
# From so many comments an hour on, into how many parts the way to the next step is cut.
_SHARES = ((40.0, 4), (10.0, 2))
_FEED = "feed"  # the entry's own feed, whose number often is another source's


@dataclass(frozen=True, slots=True, kw_only=True)
class DueTurn:
    """A story whose turn at a provider has come."""

    story_id: int
    came_out_at: datetime
    rise: float  # comments an hour
    failures: int
    in_front: bool = False  # stands in our main feed and on the front page


def first_count_at(came_out_at: datetime, now: datetime) -> datetime:
    """Return when a story is counted for the first time: after 15 minutes, at once where those are over."""
    return max(came_out_at + SOONEST, now)


def next_count_at(came_out_at: datetime, now: datetime, rise: float) -> datetime | None:
    """Return when a story that was counted now is counted again, None where it is left alone from now on.

    Shape: at the next of STEPS; where the number rises, after a half or a quarter of the way between its
    neighbours; never within 15 minutes.
    """
    for before, step in pairwise((timedelta(), *STEPS)):
        if came_out_at + step > now:
            sooner = now + (step - before) / _share(rise)
            return max(min(came_out_at + step, sooner), now + SOONEST)
    return None


def _share(rise: float) -> int:
    return next((share for least, share in _SHARES if rise >= least), 1)


def retry_at(came_out_at: datetime, now: datetime, failures: int) -> datetime | None:
    """Return when a story is tried again that could not be counted, None where that is given up.

    Shape: `failures` in a row, this one with them; given up when it is old and was tried often enough.
    """
    again = now + backoff(failures)
    return None if failures >= len(BACKOFF) and again > came_out_at + COUNTED else again


def backoff(failures: int) -> timedelta:
    """Return how long to wait after so many failures in a row."""
    return BACKOFF[min(max(failures, 1), len(BACKOFF)) - 1]


def rise(points: Sequence[CountPoint], now: datetime, over: timedelta = WINDOW) -> float:
    """Return how fast a story's comments become more, over all sources; never below zero.

    Units: comments an hour. Shape: the feed's own number counts only where it rises faster than all others
    together, for mostly it is one of them.
    """
    by_source: defaultdict[str, list[CountPoint]] = defaultdict(list)
    for point in sorted(points, key=lambda point: point.at):
        if point.at <= now:
            by_source[point.source].append(point)
    speeds = {source: _speed(line, now, over) for source, line in by_source.items()}
    own = speeds.pop(_FEED, 0.0)
    return max(own, sum(speeds.values()))


def _speed(line: list[CountPoint], now: datetime, over: timedelta) -> float:
    """Return the growth since the window began, or since the first point: that one itself is no growth."""
    begin = now - over
    base = next((point for point in reversed(line) if point.at <= begin), line[0])
    length = max(now - max(base.at, begin), SOONEST)
    return max(0.0, (line[-1].count - base.count) / (length / _HOUR))


def urgency(turn: DueTurn, now: datetime) -> float:
    """Return how urgent a turn is: the higher, the sooner; what readers see first counts double."""
    hours = max((now - turn.came_out_at) / _HOUR, 0.0)
    return float((1 + turn.in_front) * (1 + turn.rise) / (hours + 2) ** 1.2)


def allowed(quota: Quota, used: Used) -> int:
    """Return how many requests a quota leaves."""
    return max(0, min(quota.hourly - used.hour, quota.daily - used.day))


def taken(due: Sequence[DueTurn], requests: int, stories: int) -> tuple[list[DueTurn], list[DueTurn]]:
    """Return which turns that many requests hold, and which are dropped.

    Shape: `due` with the most urgent first; `stories` that one request can ask about.
    """
    most = max(requests, 0) * stories
    return list(due[:most]), list(due[most:])
