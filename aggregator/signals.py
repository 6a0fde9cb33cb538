"""SIGTERM and SIGINT as a wish to stop, for commands that finish the batch in hand."""

import signal
import threading
from collections.abc import Callable


def stop_on_signals(notice: Callable[[], None] = lambda: None) -> Callable[[], bool]:
    """Return a question whether a stop was asked for; a second ^C ends at once. `notice` is called once."""
    asked = threading.Event()

    def ask(number: int, _: object) -> None:
        if asked.is_set() and number == signal.SIGINT:
            raise KeyboardInterrupt
        is_first = not asked.is_set()
        asked.set()  # before anything is said: the second one may come at once
        if is_first:
            notice()

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, ask)
    return asked.is_set


def wait_for_signal() -> None:
    """Return when SIGTERM or SIGINT comes."""
    asked = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: asked.set())
    asked.wait()
