"""Workers of a dask cluster, behind concurrent.futures.Executor: the side of who gives the jobs.

Whatever is wrong with the cluster, and not with a job, breaks what waits (WorkersLost); what no second try
mends is a ClusterError.
"""

import logging
import threading
import time
import uuid
from collections.abc import Callable
from concurrent.futures import Executor, Future
from typing import Any

from aggregator import remote
from aggregator.dask_scheduler import ANSWER, Scheduler, translated
from aggregator.errors import ClusterError
from aggregator.executors import WorkersLost
from aggregator.workplaces import Workplace

log = logging.getLogger(__name__)

LOOK = 2.0  # s between two looks at who is there
LOST = 30.0  # s without an answer of the scheduler, or without a worker: what waits breaks
FIRST = 10.0  # s that a first worker is waited for
PATIENCE = 180.0  # s for jobs in hand that an earlier run gave out; longer than a shard may take


class DaskExecutor(Executor):
    """Runs calls on the workers of a cluster that have the resources asked for."""

    def __init__(self, place: Workplace, owner: str) -> None:
        """Connect, look whether the workers can do our jobs, and wait for those of an earlier run.

        Raises: ConfigError, ClusterError.
        """
        self._place, self._owner = place, owner or uuid.uuid4().hex
        self._waiting: set[Future[Any]] = set()
        self._lock = threading.Lock()  # of what waits
        self._over = threading.Event()
        self._scheduler = Scheduler(place)
        try:
            self._workers = self._first_workers()
            self._scheduler.check_versions()
            self._await_earlier()
        except BaseException:  # KeyboardInterrupt too: its threads would outlast it
            self._scheduler.close()
            raise
        self._watching = threading.Thread(target=self._watch, name="cluster-watch", daemon=True)
        self._watching.start()

    def _first_workers(self) -> dict[str, int]:
        until = time.monotonic() + FIRST
        while not (found := self._scheduler.fitting_workers()):
            if time.monotonic() > until:
                what = f"with {self._place.wanted} " if self._place.resources else ""
                raise ClusterError(f"{self._scheduler.url}: no worker {what}is there; start one: dask worker")
            time.sleep(0.2)
        log.info("cluster_joined scheduler=%s workers=%d", self._scheduler.url, len(found))
        if max(found.values()) > 1:
            log.warning(
                "worker_threads_unused hint='dask worker --nthreads 1': a process does one job at a time"
            )
        return found

    def _await_earlier(self) -> None:
        """Wait for jobs in hand that an earlier run gave out: a feed is not asked twice at once.

        What hangs is ended; a thread cannot be, so its process is.
        """
        until, said = time.monotonic() + PATIENCE, False
        while any(told is True for told in self._scheduler.ask(remote.is_at_work_for, self._owner).values()):
            if time.monotonic() > until:
                log.error("earlier_jobs_ended after_seconds=%.0f", PATIENCE)
                self._scheduler.ask(remote.drop, self._owner)
                return
            if not said:
                log.warning("earlier_jobs_awaited seconds=%.0f", PATIENCE)
                said = True
            time.sleep(0.5)

    @property
    def width(self) -> int:
        """Return how many workers can do our jobs."""
        return max(len(self._workers), 1)

    def submit(self, fn: Callable[..., Any], /, *args: Any, **_: Any) -> Future[Any]:
        """Hand one call to a worker.

        Raises: WorkersLost where the scheduler is gone.
        """
        given = self._scheduler.give(remote.run, remote.VERSION, self._owner, remote.packed(fn, args))
        ours: Future[Any] = Future()
        ours.set_running_or_notify_cancel()
        self._waiting.add(ours)
        given.add_done_callback(lambda done: self._hand_on(ours, done))
        return ours

    def _hand_on(self, ours: Future[Any], done: Future[Any]) -> None:
        if not self._take_out(ours):
            return  # it broke meanwhile
        if error := done.exception():
            ours.set_exception(translated(error, self._scheduler.url))
        else:
            remote.settle(ours, done.result())

    def _take_out(self, ours: Future[Any]) -> bool:
        """Return whether a future waited until now: whoever takes it out settles it."""
        with self._lock:
            waited = ours in self._waiting
            self._waiting.discard(ours)
        return waited

    def _lost(self, reason: str) -> WorkersLost:
        return WorkersLost(f"{self._scheduler.url}: {reason}")

    def _break(self, reason: str) -> None:
        """Give up what waits."""
        given_up = [ours for ours in list(self._waiting) if self._take_out(ours)]
        for ours in given_up:
            ours.set_exception(self._lost(reason))
        if given_up:
            self._scheduler.cancel()

    def _watch(self) -> None:
        """Say who joins and leaves; break what waits where nobody is left to do it."""
        answered = peopled = time.monotonic()
        while not self._over.wait(LOOK):
            now = time.monotonic()
            if (there := self._look()) is not None:
                answered = now
                self._note(there)
            peopled = now if self._workers else peopled
            if now - answered > LOST:
                self._break(f"the scheduler has not answered for {LOST:.0f} s")
            elif now - peopled > LOST:
                self._break(f"no worker has been there for {LOST:.0f} s")

    def _look(self) -> dict[str, int] | None:
        """Return the workers that fit, or None where the scheduler does not answer."""
        try:
            return self._scheduler.fitting_workers()
        except ClusterError as error:
            log.debug("scheduler_silent error=%s", error)
            return None

    def _note(self, there: dict[str, int]) -> None:
        before, self._workers = self._workers, there
        for address in there.keys() - before.keys():
            log.info("worker_joined worker=%s workers=%d", address, len(there))
        for address in before.keys() - there.keys():
            log.warning("worker_left worker=%s workers=%d", address, len(there))

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:  # noqa: ARG002
        """Part within seconds, however the network is; what is in hand on the workers is done in vain."""
        self._over.set()
        self._break("parted from it")
        if threading.current_thread() is not self._watching:
            self._watching.join(ANSWER + 1)
        self._scheduler.close()

    def kill_workers(self) -> None:
        """End the worker processes that have a job of ours in hand, and part."""
        self._break("its workers are ended")  # first, or the scheduler has the job done elsewhere
        self._scheduler.ask(remote.drop, self._owner)
        self.shutdown()
