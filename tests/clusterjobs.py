"""What jobs do on the workers of a cluster under test; loaded there, so it loads little."""

import os
import time
from pathlib import Path

from aggregator.config import Config


def square(folder: Path, seconds: float, _: Config, job: int) -> int:
    """Return a square after a while; leave a mark of each time it is begun, with the process."""
    begin(folder, job)
    time.sleep(seconds)
    return job * job


def hang_once(folder: Path, hanging: int, _: Config, job: int) -> int:
    """Return a square; the hanging one takes for ever the first time."""
    begun = begin(folder, job)
    if job == hanging and begun == 1:
        time.sleep(600)
    return job * job


def die(folder: Path, deadly: int, _: Config, job: int) -> int:
    """Return a square; the deadly job ends its process."""
    begin(folder, job)
    if job == deadly:
        os._exit(9)
    return job * job


def begin(folder: Path, job: int) -> int:
    """Leave a mark and return how often the job was begun so far."""
    (folder / f"{job}_{time.time_ns()}_{os.getpid()}").touch()
    return len(list(folder.glob(f"{job}_*")))


def begun(folder: Path) -> dict[int, list[int]]:
    """Return the processes that each job was begun in, in that order."""
    marks = [tuple(map(int, path.name.split("_"))) for path in folder.glob("*_*_*")]
    found: dict[int, list[int]] = {}
    for job, _, pid in sorted(marks, key=lambda mark: mark[1]):
        found.setdefault(job, []).append(pid)
    return found
