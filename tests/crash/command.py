"""The command line of the crash runs: `python command.py MANIFEST once …`.

The product's own, with the small model, and with a log of when each stage began and ended (CRASH_LOG): lines of
seconds, stage and the file calls until then. CRASH_ARM, `stage:N`, tells the shim to count from that stage's first run on.
With CRASH_PATIENT no stage is cut short.
"""

import ctypes
import functools
import os
import sys
import time
from datetime import timedelta
from pathlib import Path

from aggregator.pipeline import Stage, StageReport
from aggregator.session import Session
from aggregator.translate import engines

BETWEEN = "-"  # no stage: start, reading of lists, end


class _Log:
    """What is written of stages."""

    def __init__(self) -> None:
        self.file = os.open(os.environ["CRASH_LOG"], os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
        self.stage, _, after = os.environ.get("CRASH_ARM", "").partition(":")
        self.after = int(after or -1)
        self.shim = ctypes.CDLL(None)  # which holds what was preloaded, if anything was

    def note(self, stage: str) -> None:
        """Say what is at work from now on, and how many file calls were made before."""
        calls = self.shim.fault_calls() if hasattr(self.shim, "fault_calls") else 0
        os.write(self.file, f"{time.monotonic()} {stage} {calls}\n".encode())
        if stage == self.stage:
            self.stage = ""
            self.shim.fault_arm(self.after)


def _watched() -> None:
    log, run = _Log(), Session.run

    @functools.wraps(run)
    def watched(self: Session, stage: Stage, budget: timedelta | None = None) -> StageReport:
        log.note(stage.name)
        try:
            return run(self, stage, budget)
        finally:
            log.note(BETWEEN)

    Session.run = watched  # type: ignore[method-assign]
    log.note(BETWEEN)


def _patiently() -> None:
    """Give each stage all the time it takes: what is left for a later round depends on how busy a machine is."""
    from aggregator import stages

    for name in ("PAGES", "SOURCES", "COUNTS", "DROPS"):
        setattr(stages, name, timedelta(hours=1))


if __name__ == "__main__":
    manifest = Path(sys.argv.pop(1))
    for name in ("ready", "why_not"):
        setattr(engines, name, functools.partial(getattr(engines, name), manifest=manifest))
    _watched()
    if "CRASH_PATIENT" in os.environ:
        _patiently()
    from aggregator.cli import main

    main()
