"""What signals ask for: to stop, once the batch in hand is finished, and to read the settings anew."""

import contextlib
import queue
import signal
from collections.abc import Callable
from dataclasses import dataclass, field


@dataclass(slots=True)
class Asked:
    """What was asked for so far."""

    notice: Callable[[], None] = lambda: None  # called once, when a stop is asked for
    stop: bool = False
    reload: bool = False
    # Of all that wakes a thread only this may be used by a handler that interrupts that thread.
    _woken: "queue.SimpleQueue[None]" = field(default_factory=queue.SimpleQueue)

    def listen(self, *, reload: bool = False) -> None:
        """Have SIGTERM and SIGINT ask for a stop, SIGHUP for settings read anew; a second ^C ends at once."""
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._ask_stop)
        if reload:
            signal.signal(signal.SIGHUP, self._ask_reload)

    def wait(self, seconds: float | None = None) -> None:
        """Return once something is asked for, or time is up."""
        with contextlib.suppress(queue.Empty):
            self._woken.get(timeout=seconds)

    def _ask_stop(self, number: int, _: object) -> None:
        if self.stop and number == signal.SIGINT:
            raise KeyboardInterrupt
        is_first = not self.stop
        self.stop = True  # before anything is said: the second one may come at once
        self._woken.put(None)
        if is_first:
            self.notice()

    def _ask_reload(self, *_: object) -> None:
        self.reload = True
        self._woken.put(None)


def stop_on_signals(notice: Callable[[], None] = lambda: None) -> Callable[[], bool]:
    """Return a question whether a stop was asked for; a second ^C ends at once. `notice` is called once."""
    asked = Asked(notice)
    asked.listen()
    return lambda: asked.stop


def wait_for_signal() -> None:
    """Return when SIGTERM or SIGINT comes."""
    asked = Asked()
    asked.listen()
    while not asked.stop:
        asked.wait()
