"""The one way stages run: pending -> work (anywhere) -> record, or postpone where the work crashed."""

import logging
import time
import traceback
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import BrokenExecutor, Future
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from aggregator.config import Config
from aggregator.executors import Workers, WorkersLost

if TYPE_CHECKING:  # a worker loads this module for `guarded` alone and needs no database
    from sqlite_utils import Database

log = logging.getLogger(__name__)

_BREAKS = 3  # in a row; then something is wrong with the workers rather than with a job
HUNG = timedelta(hours=1)  # so long may a job take; language models on slow machines need many minutes

Clock = Callable[[], datetime]
Stop = Callable[[], bool]
Progress = Callable[[int], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    """One step of the data path, as functions.

    `pending` yields the jobs that are due now, best first, each when a worker is free for it, and is asked
    again until it yields none. What it reads it reads whole: no cursor outlasts a yield. `work`
    runs anywhere and touches no database. `record` and `postpone` run in a transaction of their own and leave
    the job not pending, but for what it had no time for. `backlog` and `size` count in the unit people think
    in (feeds, entries). A job that is not done after `patience` hangs.
    """

    name: str
    pending: Callable[["Database", Config, datetime], Iterable[Any]]
    work: Callable[[Config, Any], Any]
    record: Callable[["Database", Config, Any, Any, datetime], None]
    postpone: Callable[["Database", Config, Any, str, datetime], None]
    backlog: Callable[["Database", Config, datetime], int]
    size: Callable[[Any], int]
    patience: timedelta = HUNG


@dataclass(frozen=True, slots=True, kw_only=True)
class Crash:
    """An unexpected error inside `work`."""

    error: str  # last line
    traceback: str


@dataclass(frozen=True, slots=True, kw_only=True)
class StageReport:
    """What one run of a stage did."""

    name: str
    jobs: int = 0
    units: int = 0
    crashes: int = 0
    seconds: float = 0.0
    finished: bool = True  # nothing was left when it ended
    failure: str = ""  # of the last job that crashed


def guarded(work: Callable[[Config, Any], Any], config: Config, job: Any) -> Any:
    """Return the outcome of `work`, or a Crash where it raised."""
    try:
        return work(config, job)
    except Exception as error:  # noqa: BLE001 - the one place where anything at all may have gone wrong
        return Crash(error=f"{type(error).__name__}: {error}", traceback=traceback.format_exc())


def run_stage(
    stage: Stage,
    db: "Database",
    config: Config,
    workers: Workers,
    clock: Clock,
    *,
    budget: timedelta | None = None,
    stop: Stop = lambda: False,
    progress: Progress = lambda _: None,
) -> StageReport:
    """Run a stage until nothing is due, its time budget is spent or `stop` says so."""
    run = _Run(stage, db, config, workers, clock, stop, progress)
    started = time.monotonic()

    def over() -> bool:
        return stop() or (budget is not None and time.monotonic() - started >= budget.total_seconds())

    finished = run.until(over)
    return StageReport(
        name=stage.name, jobs=run.jobs, units=run.units, crashes=run.crashes,
        seconds=time.monotonic() - started, finished=finished, failure=run.failure,
    )  # fmt: skip


class _Run:
    """Keeps jobs in flight and books what comes back."""

    def __init__(
        self,
        stage: Stage,
        db: "Database",
        config: Config,
        workers: Workers,
        clock: Clock,
        stop: Stop,
        progress: Progress,
    ) -> None:
        self.stage, self.db, self.config, self.workers = stage, db, config, workers
        self.clock, self.stop, self.progress = clock, stop, progress
        self.started = self.jobs = self.units = self.crashes = 0
        self.failure = ""
        self.breaks = 0  # of the workers, in a row
        self.in_flight: deque[tuple[Any, Future[Any]]] = deque()

    def until(self, over: Callable[[], bool]) -> bool:
        """Work what is pending, and ask again, until there is none; return whether nothing was left."""
        while not over():
            started = self.started
            jobs = iter(self.stage.pending(self.db, self.config, self.clock()))
            if not self._stream(jobs, over):
                return False
            if self.started == started:
                return True
        return False

    def _stream(self, jobs: Iterator[Any], over: Callable[[], bool]) -> bool:
        """Return False where it is over, or the workers keep breaking or were ended with us: jobs stay due.

        No more are in flight than the workers can take up at once, so that little is lost by a kill. They are
        booked in the order they were given out, whichever ends first: the same run gives the same numbers.
        """
        flight = self.in_flight
        flight.clear()
        ended = False
        try:
            while True:
                while not ended and len(flight) < self._width() and (job := next(jobs, None)) is not None:
                    self._submit(job)
                    ended = over()  # it may have been long until a cluster took it
                if not flight:
                    return not ended
                job, future = flight[0]
                outcome = self._awaited(future)
                flight.popleft()
                self._book(job, outcome)
                self.breaks = 0
                ended = ended or over()
        except BrokenExecutor as error:
            return self._reopen(error)

    def _awaited(self, future: Future[Any]) -> Any:
        """Return what came of a job; where it hangs, its worker is ended without waiting for it."""
        try:
            return future.result(self.stage.patience.total_seconds())
        except TimeoutError as error:
            self.workers.kill()
            raise BrokenExecutor(f"a job was not done after {self.stage.patience}") from error

    def _width(self) -> int:
        """Return how many jobs may be in flight: one after a break, so that the next break names its job."""
        return 1 if self.breaks else self.workers.width * 2

    def _submit(self, job: Any) -> None:
        self.started += 1
        self.in_flight.append((job, self.workers.submit(guarded, self.stage.work, self.config, job)))

    def _reopen(self, error: BrokenExecutor) -> bool:
        """Return whether to go on with new workers.

        The first break may be anybody's doing: its jobs stay due. A job that breaks them again is put off.
        """
        self.workers.close()
        if self.stop():  # a service manager signals the whole group, workers too
            log.info("worker_ended stage=%s", self.stage.name)
            return False
        lost = isinstance(error, WorkersLost)
        log.error("%s stage=%s error=%s", "workers_lost" if lost else "worker_died", self.stage.name, error)
        self.breaks += 1
        if self.breaks > 1 and len(self.in_flight) == 1 and not lost:
            self._book(self.in_flight[0][0], Crash(error="the worker process died", traceback=str(error)))
        else:
            self._crashed(str(error) if lost else f"a worker died: {error}")
        return self.breaks < _BREAKS

    def _crashed(self, error: str) -> None:
        self.crashes += 1
        self.failure = error

    def _book(self, job: Any, outcome: Any) -> None:
        now = self.clock()
        with self.db.atomic():
            if isinstance(outcome, Crash):
                log.error("crash stage=%s error=%s\n%s", self.stage.name, outcome.error, outcome.traceback)
                self.stage.postpone(self.db, self.config, job, outcome.error, now)
                self._crashed(outcome.error)
            else:
                self.stage.record(self.db, self.config, job, outcome, now)
        self.jobs += 1
        self.units += self.stage.size(job)
        self.progress(self.stage.size(job))
