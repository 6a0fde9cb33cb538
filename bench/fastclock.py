"""The command line under a clock that runs faster: `python fastclock.py ARGUMENTS`, the clock in SIMULATION.

Everything else is the product's own: its processes, its sockets, its waiting between two requests. Only how
long an answer may take is shorter where `patience` says so, for half a minute would be hours of a fast clock.
"""

import functools
import json
import os
import sys
import time
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Self

ROOT = Path(__file__).parent.parent
sys.path.insert(0, str(ROOT))

VARIABLE = "SIMULATION"


@dataclass(frozen=True, slots=True, kw_only=True)
class Simulation:
    """A clock that several processes read alike, and what else differs from a real run."""

    epoch: str  # the time at which the clock starts
    began: float  # by time.monotonic(), which processes of one machine share
    speed: float
    patience: float = 30.0  # seconds an answer may take
    manifest: str = ""  # of a model that stands in for the one of the firefox engine

    @classmethod
    def start(cls, speed: float, **more: str | float) -> Self:
        """Start a clock at the present second."""
        epoch = datetime.now(UTC).replace(microsecond=0)
        return cls(epoch=epoch.isoformat(), began=time.monotonic(), speed=speed, **more)

    @classmethod
    def read(cls) -> Self:
        """Return the simulation that the environment describes."""
        return cls(**json.loads(os.environ[VARIABLE]))

    @property
    def environment(self) -> dict[str, str]:
        """Return what hands this simulation on to a process."""
        return {VARIABLE: json.dumps(asdict(self))}

    def seconds(self) -> float:
        """Return how many simulated seconds have passed."""
        return (time.monotonic() - self.began) * self.speed

    def at(self, seconds: float) -> datetime:
        """Return the simulated time after so many seconds."""
        return datetime.fromisoformat(self.epoch) + timedelta(seconds=seconds)

    def since(self, text: str) -> float:
        """Return how many seconds after the start a time of the store lies."""
        return (datetime.fromisoformat(text) - datetime.fromisoformat(self.epoch)).total_seconds()

    def now(self) -> datetime:
        """Return the simulated time."""
        return self.at(self.seconds())


if VARIABLE in os.environ:  # in workers too, which load this file under another name
    from aggregator import http

    http.TOTAL = Simulation.read().patience


def main() -> None:
    """Run a command of the program."""
    simulation = Simulation.read()
    from aggregator import cli
    from aggregator.cli.common import clock
    from aggregator.translate import engines

    for module in [each for name, each in sys.modules.items() if name.startswith(cli.__name__)]:
        if getattr(module, "clock", None) is clock:  # each command has it under this name
            module.clock = simulation.now  # type: ignore[attr-defined]
    if simulation.manifest:
        for name in ("ready", "why_not"):
            wrapped = functools.partial(getattr(engines, name), manifest=Path(simulation.manifest))
            setattr(engines, name, wrapped)
    cli.main()


if __name__ == "__main__":
    main()
