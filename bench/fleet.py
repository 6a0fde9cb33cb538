"""The feeds of a simulated list, and what becomes of them by the program's own rules, on a clock of numbers.

What is simulated is the stage `poll`: one coordinator that chooses, hands out and books in order, and workers
that take one job at a time. Costs are those that bench/jobs.py measures; how long a host takes is drawn.
"""

import heapq
import random
from collections import Counter, deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from itertools import islice

from costs import Costs
from slowhosts import Latency

from aggregator.http.shards import BUDGET
from aggregator.model import HostBatch
from aggregator.poll import shards
from aggregator.poll.polite import LARGE
from aggregator.poll.stage import AT_ONCE

TICK = 30.0  # seconds between two looks at what is due: schedule_poll
DEADLINE = 30.0  # of a fetch
_SLOT_COUNT = 2  # jobs in flight for each worker, as pipeline.py has it


@dataclass(slots=True, eq=False)
class Feed:
    """A feed as the rules see it, and how it answers."""

    domain: str
    due: float = 0.0
    latency: float = 0.1
    kind: str = "304"  # or same, or new
    seconds: float = 0.0  # the last time: what the rules go by


@dataclass(frozen=True, slots=True, kw_only=True)
class Mix:
    """What a list of feeds is like; docs/scaling.md says why."""

    paces: tuple[tuple[float, float, float], ...] = ((0.1, 0.25, 1.0), (0.3, 1.0, 12.0), (0.6, 24.0, 24.0))
    new: float = 0.06  # share of polls that bring something
    same: float = 0.12  # of polls that bring a body that is known
    entries: float = 1.6  # new ones of a poll that brings any
    crowding: float = 1.3  # exponent of the feeds of a domain: fewer is more crowded
    most: float = 0.01  # share of all feeds in one domain
    latency: Latency = Latency(median=0.25, sigma=0.8, tail=0.02)

    @property
    def rate(self) -> float:
        """Return polls a second of one feed, the mean."""
        return sum(share * _mean_rate(low, high) for share, low, high in self.paces)


def _mean_rate(low: float, high: float) -> float:
    """Return the mean of 1/interval, where the interval is log-uniform in these hours."""
    from math import log

    return (1 / low if low == high else (1 / low - 1 / high) / log(high / low)) / 3600


def fleet(chance: random.Random, feeds: int, window: float, mix: Mix) -> list[Feed]:
    """Return the feeds of a list that are due within a window, in order, of a list polled for long."""
    names = iter(sorted(LARGE))
    due: list[Feed] = []
    for size in _sizes(chance, feeds, mix):
        domain = next(names, "") if size > shards.PER_DOMAIN * 10 else ""
        count = _binomial(chance, size, mix.rate * window)
        if not count:
            continue
        domain = domain or f"d{len(due)}"
        pace = chance.lognormvariate(0.0, 0.5)  # a host is slow, or quick, at each visit
        for _ in range(count):
            now, before = (min(mix.latency.draw(chance) * pace, DEADLINE) for _ in range(2))
            due.append(Feed(domain, chance.random() * window, now, _kind(chance, mix), before))
    due.sort(key=lambda feed: feed.due)
    return due


def _sizes(chance: random.Random, feeds: int, mix: Mix) -> Iterator[int]:
    left, most = feeds, max(int(feeds * mix.most), 1)
    while left > 0:
        size = min(int(chance.paretovariate(mix.crowding)), most, left)
        left -= size
        yield size


def _binomial(chance: random.Random, size: int, share: float) -> int:
    if size < 50:
        return sum(chance.random() < share for _ in range(size))
    return max(round(chance.gauss(size * share, (size * share * max(1 - share, 0.0)) ** 0.5)), 0)


def _kind(chance: random.Random, mix: Mix) -> str:
    draw = chance.random()
    return "new" if draw < mix.new else "same" if draw < mix.new + mix.same else "304"


@dataclass(slots=True)
class Run:
    """What a simulated stretch of time came to, in seconds."""

    polls: int = 0
    took: float = 0.0
    choosing: float = 0.0  # the coordinator, with all but the store
    writing: float = 0.0  # the coordinator, in the store
    working: float = 0.0  # all workers, waiting for hosts included
    left: int = 0  # due, and not polled
    crowded: int = 0  # of these, in domains with more feeds than one turn
    lags: list[float] = field(default_factory=list)


class Simulation:
    """One coordinator and its workers."""

    def __init__(
        self, costs: Costs, workers: int, *, job: float, spacing: float = 1.0, stretch: float = 1.0,
        entries: float = 1.0, enriches: bool = False, host: float = 0.0,
    ) -> None:  # fmt: skip
        self.costs, self.workers, self.job, self.stretch = costs, workers, job, stretch
        self.entries, self.enriches = entries, enriches
        self.host = host * workers  # CPU of an answer, where all hosts are one process on this machine
        self.spacing = timedelta(seconds=spacing)
        self.free = [0.0] * workers
        self.now = 0.0
        self.run = Run()

    def until(self, feeds: Sequence[Feed], window: float) -> Run:
        """Poll feeds as they become due, until a window is over or, where it is 0, all are polled."""
        coming, waiting = deque(feeds), list[Feed]()
        run, end = self.run, window or float("inf")
        while (waiting or coming) and self.now < end:
            while coming and coming[0].due <= self.now:
                waiting.append(coming.popleft())
            if not waiting:
                self.now += TICK
                continue
            waiting = self._call(waiting, end)
        run.took = self.now
        run.left = len(waiting) + sum(feed.due <= self.now for feed in coming)
        turns = Counter(feed.domain for feed in waiting)
        run.crowded = sum(turns[feed.domain] > shards.PER_DOMAIN for feed in waiting)
        return run

    def _call(self, waiting: list[Feed], end: float) -> list[Feed]:
        """Give out what is due once, and return what is left of it."""
        left: list[Feed] = []
        jobs = self._jobs(waiting, left)
        flight: deque[tuple[tuple[HostBatch, ...], float]] = deque()
        while True:
            if self.now < end:
                for batches in islice(jobs, _SLOT_COUNT * self.workers - len(flight)):
                    flight.append((batches, self._given_out(batches)))
            if not flight:
                left += (feed for batches in jobs for batch in batches for feed in batch.feeds)
                return left
            self._book(*flight.popleft(), left)

    def _jobs(self, waiting: Sequence[Feed], left: list[Feed]) -> Iterator[tuple[HostBatch, ...]]:
        seen: set[str] = set()
        places = iter(waiting)
        while page := list(islice(places, AT_ONCE)):
            domains = shards.by_domain(feed for feed in page if feed.domain not in seen)
            left += (feed for feed in page if feed.domain in seen)
            seen |= domains.keys()
            batches = [
                shards.batch(domain, members, timedelta(), self.spacing)
                for domain, members in domains.items()
            ]
            for batch in batches:
                left += domains[batch.domain][len(batch.feeds) :]
            self._think(len(page) * self.costs.choose_feed)
            yield from shards.shards(batches)

    def _given_out(self, batches: Sequence[HostBatch]) -> float:
        """Return when a job is done that is handed out now: the worker that is free first takes it."""
        self._think(self.job + sum(len(batch.feeds) for batch in batches) * self.costs.send_feed)
        began = max(self.now, heapq.heappop(self.free))
        lasts = self._lasts(batches)
        self.run.working += lasts
        heapq.heappush(self.free, began + lasts)
        return began + lasts

    def _lasts(self, batches: Sequence[HostBatch]) -> float:
        """Return how long a job takes: as long as its slowest host, or as its CPU; then bodies are read."""
        costs = self.costs
        slowest = max(map(_turn, batches))
        kinds = Counter(feed.kind for batch in batches for feed in batch.feeds)
        fetching = kinds.total() * max(costs.fetch_304, self.host)
        reading = kinds["same"] * (costs.fetch_same - costs.fetch_304)
        reading += kinds["new"] * (costs.fetch_changed - costs.fetch_304)
        return max(slowest, fetching * self.stretch) + max(reading, 0.0) * self.stretch

    def _book(self, batches: Sequence[HostBatch], done: float, left: list[Feed]) -> None:
        costs, polled = self.costs, [feed for batch in batches for feed in batch.feeds[: _fitting(batch)]]
        left += (feed for batch in batches for feed in batch.feeds[_fitting(batch) :])
        new = sum(feed.kind == "new" for feed in polled)
        self.now = max(self.now, done)
        self._think((len(polled) - new) * costs.take_feed + new * costs.take_changed)
        entries = new * self.entries
        if self.enriches:
            self._think(entries * costs.enrich_entry)
        wrote = costs.book_job + (len(polled) - new) * costs.record_feed
        wrote += new * costs.record_changed + entries * costs.record_entry
        self.run.writing += wrote * self.stretch
        self.now += wrote * self.stretch
        self.run.polls += len(polled)
        self.run.lags += (self.now - feed.due for feed in polled)

    def _think(self, seconds: float) -> None:
        self.run.choosing += seconds * self.stretch
        self.now += seconds * self.stretch


def _fitting(batch: HostBatch) -> int:
    """Return how many of a domain's feeds are asked within the time of a job."""
    at, apart = batch.wait.total_seconds(), batch.spacing.total_seconds()
    for number, feed in enumerate(batch.feeds):
        if at > BUDGET:
            return number
        at += feed.latency + apart
    return len(batch.feeds)


def _turn(batch: HostBatch) -> float:
    asked = batch.feeds[: _fitting(batch)]
    waits = batch.wait + batch.spacing * max(len(asked) - 1, 0)
    return float(waits.total_seconds() + sum(feed.latency for feed in asked))
