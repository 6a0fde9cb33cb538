"""THE WORKERS: where a stage's `work` runs, behind concurrent.futures.Executor."""

import importlib
import multiprocessing
import multiprocessing.connection
import os
import signal
import sys
import threading
from collections.abc import Callable
from concurrent.futures import BrokenExecutor, Executor, Future, ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from aggregator import workplaces
from aggregator.errors import AggregatorError, ConfigError
from aggregator.workplaces import Workplace


class WorkersLost(BrokenExecutor):
    """Workers cannot be reached any more, and no job is to blame for it."""


class Pool(Protocol):
    """A concurrent.futures.Executor that knows how many jobs it does at a time."""

    @property
    def width(self) -> int:
        """Return how many jobs are done at a time, as things are now."""

    def submit(self, fn: Callable[..., Any], /, *args: Any) -> Future[Any]:
        """Take a call."""

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        """End, and forget what did not begin."""

    def kill_workers(self) -> None:
        """End without waiting for what is in hand, as the stdlib's pools do from Python 3.14 on."""


class InlineExecutor(Executor):
    """Runs each call where it is submitted."""

    width = 1

    def kill_workers(self) -> None:
        """End nothing: what is submitted is done."""

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        """Return a future that is done already."""
        future: Future[Any] = Future()
        try:
            future.set_result(fn(*args, **kwargs))
        except BaseException as error:  # noqa: BLE001 - a future carries whatever was raised, as the stdlib's do
            future.set_exception(error)
        return future


class ProcessesExecutor(ProcessPoolExecutor):
    """Runs calls in processes of ours."""

    def __init__(self, count: int, method: str) -> None:
        context = multiprocessing.get_context(method)
        super().__init__(count, mp_context=context, initializer=_settle_worker)
        self.width = count

    def kill_workers(self) -> None:
        """End the processes, whatever they are at."""
        for process in list((self._processes or {}).values()):
            process.kill()
        self.shutdown(wait=True, cancel_futures=True)


@dataclass(slots=True)
class Workers:
    """An executor opened on first use, and again after it broke."""

    spec: str
    _start: Callable[[], Pool]
    _fork: Callable[[], Pool] | None = None
    _executor: Pool | None = None

    @property
    def width(self) -> int:
        """Return how many jobs are worth having in flight: one until the first is submitted."""
        return 1 if self._executor is None else self._executor.width

    def submit(self, fn: Callable[..., Any], /, *args: Any) -> Future[Any]:
        """Hand one call to a worker.

        Raises: as `open`; BrokenExecutor.
        """
        return self.open().submit(fn, *args)

    def open(self) -> Pool:
        """Return what takes calls, started where nothing runs yet; a cluster's workers are looked at.

        Raises: ConfigError where something is not set up, ClusterError where no worker can be had.
        """
        if self._executor is None:
            self._executor = self._start()
        return self._executor

    def warm_up(self, module: str) -> None:
        """Have a process of ours load what it works with, while the caller still gets ready itself."""
        if self._fork:
            self.submit(importlib.import_module, module)

    def fork(self) -> None:
        """Start processes as copies of this one, in a tenth of the time; only before anything is held.

        They would share it: the instance lock, the open store. Where threads run, whose locks they would copy
        as they stand, and on systems where forks are not safe they start as ever, when they are needed.
        """
        if self._fork and sys.platform == "linux" and threading.active_count() == 1:
            self._executor = self._fork()
            self._executor.submit(os.getpid)

    def close(self) -> None:
        """End the workers; the next submit starts new ones."""
        executor, self._executor = self._executor, None
        if executor is not None:
            executor.shutdown(wait=True, cancel_futures=True)

    def kill(self) -> None:
        """End the workers without waiting for what they have in hand; the next submit starts new ones."""
        executor, self._executor = self._executor, None
        if executor is not None:
            executor.kill_workers()


def end_at_once() -> None:
    """End every worker process of this one, whatever it is at: what it had in hand stays due."""
    for process in multiprocessing.active_children():
        process.terminate()


def open_workers(spec: str, store: Path | None = None) -> Workers:
    """Read where work is done and return workers that start when first used.

    Shape: by the store a cluster's workers know whose jobs they do, also when a run starts again.
    Raises: ConfigError for a spec that names nothing.
    """
    try:
        place = workplaces.read(spec)
    except ValueError as error:
        raise ConfigError(f"executor = {spec!r}: {error}") from error
    owner = f"{os.uname().nodename}:{store.absolute()}" if store else ""
    return _OPENERS[place.kind](spec, place, owner)


def _inline(spec: str, _: Workplace, __: str) -> Workers:
    return Workers(spec, InlineExecutor)


def _processes(spec: str, place: Workplace, _: str) -> Workers:
    count = place.count
    return Workers(spec, lambda: ProcessesExecutor(count, "spawn"), lambda: ProcessesExecutor(count, "fork"))


def _dask(spec: str, place: Workplace, owner: str) -> Workers:
    def start() -> Pool:
        from aggregator.cluster import DaskExecutor  # and distributed with it, which few need

        return DaskExecutor(place, owner)

    return Workers(spec, start)


_OPENERS: dict[str, Callable[[str, Workplace, str], Workers]] = {
    "inline": _inline,
    "processes": _processes,
    "dask": _dask,
}


def call_apart(seconds: float, fn: Callable[..., Any], /, *args: Any) -> Any:
    """Return what a call gives in a process of its own, which ends with it, or when its time is spent.

    Raises: TimeoutError; AggregatorError, also where the process ended otherwise.
    """
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe(duplex=False)
    process = context.Process(target=_answer, args=(theirs, fn, args), daemon=True)
    process.start()
    theirs.close()
    try:
        if not ours.poll(seconds):
            raise TimeoutError
        answer = _received(ours)
    finally:
        process.kill()
        process.join()
        ours.close()
    if isinstance(answer, AggregatorError):
        raise answer
    return answer


def _received(ours: multiprocessing.connection.Connection) -> Any:
    try:
        return ours.recv()
    except (EOFError, OSError) as error:
        raise AggregatorError("the process that was to do it ended early") from error


def _answer(
    theirs: multiprocessing.connection.Connection, fn: Callable[..., Any], args: tuple[Any, ...]
) -> None:
    _settle_worker()
    try:
        answer = fn(*args)
    except AggregatorError as error:
        answer = error
    theirs.send(answer)


def _settle_worker() -> None:
    """Leave ^C to the parent, and end when the parent ends however it ends."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    threading.Thread(target=_end_with_parent, name="end-with-parent", daemon=True).start()


def _end_with_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        multiprocessing.connection.wait([parent.sentinel])
        os._exit(1)  # a SIGKILLed parent closes no queue; without this the worker would wait for ever
