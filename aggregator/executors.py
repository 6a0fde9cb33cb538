"""THE WORKERS: where a stage's `work` runs, behind concurrent.futures.Executor."""

import importlib
import multiprocessing
import multiprocessing.connection
import os
import re
import signal
import sys
import threading
from collections.abc import Callable
from concurrent.futures import Executor, Future, ProcessPoolExecutor
from dataclasses import dataclass
from typing import Any

from aggregator.errors import AggregatorError, ConfigError


class InlineExecutor(Executor):
    """Runs each call where it is submitted."""

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        """Return a future that is done already."""
        future: Future[Any] = Future()
        try:
            future.set_result(fn(*args, **kwargs))
        except BaseException as error:  # noqa: BLE001 - a future carries whatever was raised, as the stdlib's do
            future.set_exception(error)
        return future


@dataclass(slots=True)
class Workers:
    """An executor opened on first use, and again after it broke."""

    spec: str
    width: int  # jobs worth having in flight
    _open: Callable[[], Executor]
    _fork: Callable[[], Executor] | None = None
    _executor: Executor | None = None

    def submit(self, fn: Callable[..., Any], /, *args: Any) -> Future[Any]:
        """Hand one call to a worker."""
        if self._executor is None:
            self._executor = self._open()
        return self._executor.submit(fn, *args)

    def warm_up(self, module: str) -> None:
        """Start a worker and load what it works with, while the caller still gets ready itself."""
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


def end_at_once() -> None:
    """End every worker process of this one, whatever it is at: what it had in hand stays due."""
    for process in multiprocessing.active_children():
        process.terminate()


def open_workers(spec: str) -> Workers:
    """Read `inline:` or `processes:N` and return workers that start when first used.

    Raises: ConfigError for any other spec.
    """
    kind, _, rest = spec.partition(":")
    if kind not in _OPENERS:
        raise ConfigError(f"executor = {spec!r}: expected inline: or processes:N")
    return _OPENERS[kind](spec, rest)


def _inline(spec: str, rest: str) -> Workers:
    if rest:
        raise ConfigError(f"executor = {spec!r}: expected inline:")
    return Workers(spec, 1, InlineExecutor)


def _processes(spec: str, rest: str) -> Workers:
    if not re.fullmatch(r"[1-9]\d{0,2}", rest):
        raise ConfigError(f"executor = {spec!r}: expected processes:N with N from 1 to 999")
    count = int(rest)
    return Workers(spec, count, lambda: _start("spawn", count), lambda: _start("fork", count))


_OPENERS: dict[str, Callable[[str, str], Workers]] = {"inline": _inline, "processes": _processes}


def _start(method: str, count: int) -> Executor:
    context = multiprocessing.get_context(method)
    return ProcessPoolExecutor(count, mp_context=context, initializer=_settle_worker)


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
