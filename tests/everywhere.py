"""The same feeds with the work done in several ways: what each way leaves, and where they differ.

with Everywhere(folder, World(counting=True, feeds=60)) as everywhere:
    everywhere.add("inline", "inline:")
    everywhere.add("cluster", cluster.spec)
    for number in range(2):
        everywhere.turn(number)
        everywhere.round()                 # every way does the same round
        assert everywhere.differences() == []
"""

import os
import random
import signal
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Self

from aggregator.config import Config
from aggregator.demo.server import DemoServer, opml
from aggregator.translate import models
from tests.cluster import Cluster
from tests.crash.scene import Run, Scene, python
from tests.crash.world import World
from tests.leavings import Leavings, differences, left_by
from tests.smallmodel import model_folder, real_manifest

if TYPE_CHECKING:
    from distributed import Client

STAGES = ("poll", "enrich", "translate")

Hinder = Callable[[Run], None]


@dataclass(slots=True)
class Way:
    """One way to do the work, in a folder of its own."""

    name: str
    spec: str
    scene: Scene
    lengths: dict[str, float] = field(default_factory=dict)  # of stages, in the last round, in seconds


class Everywhere:
    """Keeps what is out there, and a store and an output for each way."""

    def __init__(self, folder: Path, world: "World | Demo", *, patience: float = 90, runs: int = 1) -> None:
        """Take the feeds of a world.

        `runs` are made of a round, fewer where one changes nothing; each may take `patience` seconds.
        """
        self.folder, self.world, self.patience, self.runs = folder, world, patience, runs
        self.ways: dict[str, Way] = {}
        self.manifest = real_manifest(folder / "manifest.json")
        small = Config(models=folder / "models", language="pt", models_url=str(model_folder()))
        models.pull("firefox", small, manifest=self.manifest)

    def __enter__(self) -> Self:
        self.world.__enter__()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for way in self.ways.values():
            way.scene.clear()
        self.world.__exit__(kind, error, trace)

    def add(self, name: str, spec: str) -> Way:
        """Do the work in one more way from now on."""
        scene = Scene(self.folder / name, [*python(), str(self.manifest)], {}, self.patience)
        self.ways[name] = Way(name, spec, scene)
        return self.ways[name]

    def turn(self, number: int) -> None:
        """Let feeds change, or come for the first time."""
        self.world.turn(number)
        (self.folder / "feeds.opml").write_text(self.world.opml())

    def round(self, hinder: Mapping[str, Hinder] | None = None) -> None:
        """Have each way do a round to its end; who is to be hindered is so in its first run."""
        for name, way in self.ways.items():
            way.scene.environment = self._environment(way)
            run = way.scene.start("once")
            (hinder or {}).get(name, lambda _: None)(run)
            self._finish(way, run)

    def _finish(self, way: Way, run: Run) -> None:
        """Run on until a run changes nothing: what had its time of a round goes on in the next."""
        before = None
        for number in range(self.runs):
            run = way.scene.start("once") if number else run
            assert run.end() == 0, f"{way.name}: {run.said.read_text()[-3000:]}"
            way.lengths = way.lengths if number else _lengths(run)
            left = left_by(way.scene) if self.runs > 1 else None
            if left and left == before:
                return
            before = left

    def _environment(self, way: Way) -> dict[str, str]:
        kept = {name: value for name, value in os.environ.items() if not name.startswith("AGGREGATOR_")}
        own = {f"EXECUTOR_{stage.upper()}": way.spec for stage in STAGES} | {
            "MODELS": str(self.folder / "models"), "PUBLISH_EVERY": "1h", "BACKUP_KEEP": "0",
        }  # fmt: skip
        settings = {f"AGGREGATOR_{name}": value for name, value in own.items()}
        return (
            kept
            | self.world.environment(way.scene.folder)
            | settings
            | {"PYTHONWARNINGS": "error", "CRASH_PATIENT": "1"}
        )

    def differences(self) -> list[str]:
        """Say what each way left otherwise than the first one."""
        left: dict[str, Leavings] = {name: left_by(way.scene) for name, way in self.ways.items()}
        (first, wanted), *others = left.items()
        return [
            f"{name} against {first}: {line}" for name, found in others for line in differences(wanted, found)
        ]


@dataclass(slots=True)
class Killer:
    """Kills a worker of a cluster in the middle of each of these stages, and notes where."""

    cluster: Cluster
    stages: tuple[str, ...] = ("poll", "translate")
    chance: random.Random = field(default_factory=lambda: random.Random(1))
    pace: Way | None = None  # whose stages take about as long; None: kill as soon as a worker has a job
    hit: list[str] = field(default_factory=list)

    def __call__(self, run: Run) -> None:
        """Kill during a run."""
        with self.cluster.client() as client:
            for stage in self.stages:
                if run.reaches(stage):
                    wait = self.chance.uniform(0, 0.8 * self.pace.lengths[stage]) if self.pace else 0.0
                    time.sleep(wait)
                    self._kill_busy(client, run, f"{stage} after {wait:.1f} s")

    def _kill_busy(self, client: "Client", run: Run, when: str) -> None:
        stage = when.partition(" ")[0]
        while run.stage() == stage and run.process.poll() is None:
            pids = client.run(os.getpid, on_error="return")
            if busy := [address for address, keys in client.processing().items() if keys and address in pids]:
                chosen = self.chance.choice(sorted(busy))
                os.kill(pids[chosen], signal.SIGKILL)
                self.hit.append(when)
                return


class Demo(DemoServer):
    """The program's own feeds, in the place of a World."""

    def __init__(self) -> None:
        """Take a free port."""
        super().__init__(0)

    def turn(self, number: int) -> None:
        """Change nothing: they stay as they are."""

    def opml(self) -> str:
        """Return the list of feeds."""
        return opml(self.port).decode()

    def environment(self, folder: Path) -> dict[str, str]:
        """Return settings that lead there."""
        named = {
            "OPML": folder.parent / "feeds.opml", "STORE": folder / "store.sqlite", "OUTPUT": folder / "output",
            "NOW": "2026-11-24T06:00:00Z", "LANGUAGE": "pt", "ENGINE": "firefox", "ALLOW_PRIVATE_HOSTS": 1,
            "HOST_SPACING": 0, "COUNTS": "none",
        }  # fmt: skip
        return {f"AGGREGATOR_{name}": str(value) for name, value in named.items()}


def _lengths(run: Run) -> dict[str, float]:
    """Return how long each stage took together."""
    found: dict[str, float] = {}
    for (begin, stage, _), (end, _, _) in pairwise(run.stages()):
        found[stage] = found.get(stage, 0.0) + end - begin
    return found
