"""A call is ended once it has used up its CPU time, in whichever thread it runs."""

import signal
import threading
import time
from collections.abc import Callable
from typing import ParamSpec, TypeVar

_AGAIN = 1.0  # seconds of CPU; a bare except may have swallowed the first
P = ParamSpec("P")
T = TypeVar("T")


class Overrun(BaseException):
    """A call used up its CPU time; no Exception, or a parser's own handlers might swallow it."""


def in_time(seconds: float, call: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> T:
    """Return what a call returns.

    What is written in C and does not return is not ended, but for regular expressions in the main thread.
    Units: seconds of CPU.
    Raises: Overrun, and never once this has returned or raised.
    """
    # Signals reach the main thread only; there they cost next to nothing.
    is_main = threading.current_thread() is threading.main_thread()
    limit = _Timer(seconds) if is_main else _Watch(seconds)
    try:
        return call(*args, **kwargs)
    finally:
        try:
            limit.end()
        except Overrun:  # it came as the call was over; the next would be a second of CPU away
            limit.end()
            raise


class _Timer:
    """A signal for the main thread."""

    def __init__(self, seconds: float) -> None:
        self._previous = signal.signal(signal.SIGVTALRM, _stop)
        signal.setitimer(signal.ITIMER_VIRTUAL, seconds, _AGAIN)

    def end(self) -> None:
        signal.setitimer(signal.ITIMER_VIRTUAL, 0)
        signal.signal(signal.SIGVTALRM, self._previous)


def _stop(*_: object) -> None:
    raise Overrun


class _Watch:
    """A thread that looks at the CPU clock of the one that made it, and interrupts that."""

    def __init__(self, seconds: float) -> None:
        self._watched = threading.get_ident()
        self._clock = _cpu_clock(self._watched)
        self._until = self._clock() + seconds
        self._over = threading.Event()
        self._lock = threading.Lock()
        threading.Thread(target=self._watch, name="cpu-watch", daemon=True).start()

    def _watch(self) -> None:
        while not self._over.wait(self._look()):
            pass

    def _look(self) -> float:
        """Interrupt what took too long, and return in how many seconds to look again.

        Only while the call goes on: the clock of a thread that has ended cannot be read.
        """
        with self._lock:
            if self._over.is_set():
                return 0
            if self._clock() >= self._until:
                _raise_in(self._watched, Overrun)
                self._until = self._clock() + _AGAIN
            # A thread's CPU time is never ahead of the wall clock's: there is nothing to see before.
            return max(self._until - self._clock(), 0.01)

    def end(self) -> None:
        with self._lock:
            self._over.set()
            _raise_in(self._watched, None)  # takes back what was not raised yet


def _cpu_clock(thread: int) -> Callable[[], float]:
    """Return what reads a thread's CPU time; the whole process's where a system has none of threads."""
    if not hasattr(time, "pthread_getcpuclockid"):
        return time.process_time
    clock = time.pthread_getcpuclockid(thread)
    return lambda: time.clock_gettime(clock)


def _raise_in(thread: int, error: type[BaseException] | None) -> None:
    """Have an exception raised in a thread before its next step in Python, or none where it was to be.

    Source: docs.python.org/3/c-api/init.html, PyThreadState_SetAsyncExc.
    """
    import ctypes  # a worker whose main thread does the work needs none

    raised = ctypes.py_object() if error is None else ctypes.py_object(error)
    ctypes.pythonapi.PyThreadState_SetAsyncExc(ctypes.c_ulong(thread), raised)
