"""Rounds over two stores: one is left alone, one is killed and hindered; in the end both are the same.

with Harness(folder, seed=1) as harness:
    while harness.figures.kills.total() < 300:
        harness.round(kills=3)
print(harness.figures)
"""

import logging
import os
import random
import signal
import time
from collections import Counter, defaultdict
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, field
from functools import partial
from itertools import pairwise
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from aggregator.config import Config
from aggregator.translate import models
from tests.crash.reader import Reader
from tests.crash.sameness import differ, keyed, readable, standing, told, uncounted
from tests.crash.scene import BETWEEN, Run, Scene, python
from tests.crash.shim import COMPILER, ERRORS, Fault, build
from tests.crash.world import MAX_ENTRIES, World
from tests.smallmodel import model_folder, real_manifest

log = logging.getLogger(__name__)

STAGES = (
    "poll", "article", "page", "summary", "translate", "publish", "source", "picture", "hub", "count",
    "retention", "backup", BETWEEN,
)  # fmt: skip
STORE, OUTPUT = ("/store.sqlite",), ("/output",)  # parts of paths
MANNERS = ("group", "parent", "worker", "call", "torn call")
_WORKING = {"poll", "page", "translate", "picture", "hub", "count"}  # stages that have a worker


@dataclass(slots=True)
class Figures:
    """What was done and what came of it."""

    rounds: int = 0
    runs: int = 0
    entries: int = 0
    kills: Counter[tuple[str, str]] = field(default_factory=Counter)  # (manner, stage)
    commands: Counter[str] = field(default_factory=Counter)  # that were killed
    faults: Counter[tuple[str, str, str]] = field(default_factory=Counter)  # (error, call, exit code)
    missed: int = 0  # kills that came too late
    findings: list[str] = field(default_factory=list)


class Harness:
    """Keeps the world, both stores and the reader."""

    def __init__(self, folder: Path, seed: int = 1, *, counting: bool = False) -> None:
        self.folder, self.seed = folder, seed
        self.chance = random.Random(seed)
        self.world = World(seed, counting=counting)
        self.figures = Figures()
        self.lengths: dict[str, float] = defaultdict(lambda: 0.05)  # of stages, in seconds
        self.calls: dict[str, int] = defaultdict(lambda: 10)  # file calls of stages
        self.calls_of_all = 100
        manifest = real_manifest(folder / "manifest.json")
        models.pull(
            "firefox",
            Config(models=folder / "models", language="pt", models_url=str(model_folder())),
            manifest=manifest,
        )
        command = [*python(), str(manifest)]
        self.alone = Scene(folder / "alone", command, {})
        self.hindered = Scene(folder / "hindered", command, {})
        self.reader = Reader(folder / "hindered" / "output", MAX_ENTRIES)
        self.shim = build(folder) if COMPILER else None
        self._open = ExitStack()

    def __enter__(self) -> Self:
        self._open.enter_context(self.world)
        self._open.enter_context(self.reader)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.hindered.clear()
        self._open.close()

    def round(self, *hinder: Callable[[], None]) -> None:
        """Let the world go on, hinder one store, let both come to the end, and compare them."""
        self.world.turn(self.figures.rounds)
        (self.folder / "feeds.opml").write_text(self.world.opml())
        for scene in (self.alone, self.hindered):
            scene.environment = self._environment(scene)
        self._learn(self.alone.finish("once", **self._counting()))
        for each in hinder:
            each()
            self._check_at_once()
        run = self.hindered.finish("once")
        self._expect(run.process.returncode == 0, f"the run after it ended so: {_text(run)}")
        self._check_at_rest()
        self.figures.rounds += 1

    def _environment(self, scene: Scene) -> dict[str, str]:
        kept = {name: value for name, value in os.environ.items() if not name.startswith("AGGREGATOR_")}
        own = {"AGGREGATOR_MODELS": str(self.folder / "models"), "PYTHONWARNINGS": "error"}
        return kept | self.world.environment(scene.folder) | own

    def _counting(self) -> dict[str, str]:
        """Let the undisturbed run count its file calls."""
        return Fault(error="EIO").environment(self.shim, self.folder / "none.log") if self.shim else {}

    def _learn(self, run: Run) -> None:
        """Note how long each stage took at most, and how many calls it made."""
        self._expect(run.process.returncode == 0, f"an undisturbed run ended so: {_text(run)}")
        stages = run.stages()
        self.calls_of_all = stages[-1][2]
        self.lengths.clear()
        self.calls.clear()
        for (begin, stage, before), (end, _, after) in pairwise(stages):
            self.lengths[stage] = max(self.lengths.get(stage, 0), end - begin)
            self.calls[stage] = max(self.calls.get(stage, 1), after - before)

    def kills(self, count: int) -> list[Callable[[], None]]:
        """Choose kills of one round: stages that were hit least, in the order in which they come."""
        hits = Counter(stage for _, stage in self.figures.kills.elements())
        stages = sorted(STAGES, key=lambda stage: (hits[stage], self.chance.random()))[:count]
        return [
            partial(self.kill, self._manner(stage), stage, self.chance.choice(("once", "run")))
            for stage in sorted(stages, key=STAGES.index)
        ]

    def faults(self, count: int) -> list[Callable[[], None]]:
        """Choose faults of one round: where they begin is left to chance, as is how long they last."""
        return [partial(self.fail, self._fault()) for _ in range(count)]

    def _fault(self) -> Fault:
        times = self.chance.choice((1, 1, 3, 0))
        paths = self.chance.choice((STORE, OUTPUT, STORE + OUTPUT)) if times == 0 else STORE + OUTPUT
        after = self.chance.randrange(max(self.calls_of_all // (1 if times else 4), 1))
        return Fault(error=self.chance.choice((*ERRORS, "short")), paths=paths, after=after, times=times)

    def _manner(self, stage: str) -> str:
        manners = [each for each in MANNERS if self.shim or "call" not in each]
        return self.chance.choice([each for each in manners if stage in _WORKING or each != "worker"])

    def kill(self, manner: str, stage: str, command: str = "once") -> None:
        """Kill a run in a stage, or after it where it is over sooner than we get there."""
        {"call": self._kill_at_call, "torn call": self._kill_at_call, "worker": self._kill_worker}.get(
            manner, self._kill_at_once
        )(manner, stage, command)

    def _kill_at_once(self, manner: str, stage: str, command: str) -> None:
        run = self._started(command)
        if run.reaches(stage):
            time.sleep(self.chance.uniform(0, self.lengths[stage]))
        if run.process.poll() is None:
            (run.kill_group if manner == "group" else run.kill_parent)()
        self._count(run, manner, command, {-signal.SIGKILL})

    def _kill_at_call(self, manner: str, stage: str, command: str) -> None:
        assert self.shim
        after = self.chance.randrange(max(self.calls[stage], 1))
        fault = Fault(error="kill" if manner == "call" else "tear", stage=stage, after=after)
        run = self._started(command, **fault.environment(self.shim, self.folder / "faults.log"))
        self._count(run, manner, command, {-signal.SIGKILL})

    def _kill_worker(self, manner: str, stage: str, command: str) -> None:
        run = self._started(command)
        killed = False
        if run.reaches(stage):
            time.sleep(self.chance.uniform(0, self.lengths[stage]))
            killed = run.kill_worker(self.chance.choice((signal.SIGKILL, signal.SIGSEGV)))
        if killed:
            self.figures.kills[manner, run.stage()] += 1
            self.figures.commands[command] += 1
        else:
            self.figures.missed += 1
        code = self._ended(run, command)
        self._expect(
            code in ({0, 1} if killed else {0}), f"{command} without a worker ended so: {_text(run)}"
        )

    def _started(self, command: str, **extra: str) -> Run:
        self.figures.runs += 1
        return self.hindered.start(command, *(("--no-server",) if command == "run" else ()), **extra)

    def _ended(self, run: Run, command: str) -> int:
        """Wait for the end; a daemon is asked to stop once its round is over."""
        if command == "run":
            deadline = time.monotonic() + 30
            while run.process.poll() is None and time.monotonic() < deadline:
                stages = run.stages()
                if any(stage == "retention" for _, stage, _ in stages) and stages[-1][1] == BETWEEN:
                    run.process.terminate()
                    break
                time.sleep(0.01)
        return run.end()

    def _count(self, run: Run, manner: str, command: str, killed: set[int]) -> None:
        code = self._ended(run, command)
        if code in killed:
            self.figures.kills[manner, run.stage()] += 1
            self.figures.commands[command] += 1
        else:
            self.figures.missed += 1
            self._expect(code == 0, f"{command} that nobody killed ended so: {_text(run)}")

    def fail(self, fault: Fault) -> None:
        """Do a run in which calls fail, and see that it ends as documented, in one line."""
        assert self.shim
        log = self.folder / "faults.log"
        log.unlink(missing_ok=True)
        run = self._started("once", **fault.environment(self.shim, log))
        code = run.end()
        if log.exists():
            hit = log.read_text().split()
            where = "store" if STORE[0] in hit[1] else "output"
            self.figures.faults[f"{fault.error} on {where}", hit[0], str(code)] += 1
        else:
            self.figures.missed += 1
        text = run.said.read_text()
        self._expect(code in {0, 1, 4, 5}, f"{fault} ended so: {_text(run)}")
        self._expect("Traceback" not in text, f"{fault} ended in a traceback: {_text(run)}")
        if code in {4, 5}:
            lines = [line for line in text.splitlines() if line.startswith("aggregator: ")]
            self._expect(len(lines) == 1, f"{fault} was not said in one line: {_text(run)}")

    def _check_at_once(self) -> None:
        self._expect(not (left := self.hindered.orphans()), f"processes are left: {left}")
        if (self.hindered.folder / "store.sqlite").exists():
            self._expect(not (wrong := self.hindered.damage()), f"the store is damaged: {wrong}")

    def _check_at_rest(self) -> None:
        rows, others = self.hindered.rows(), self.alone.rows()
        if self.world.counting:
            rows, others = uncounted(rows), uncounted(others)
        self._expect(rows == others, f"rows differ: {differ(keyed(others), keyed(rows))}")
        stored = {str(row[1]) for row in rows}
        self._expect(stored >= {*self.world.served}, f"lost: {sorted({*self.world.served} - stored)}")
        self._expect(len(stored) == len(rows), "an entry is stored twice")
        # A count that a kill cut short is made at the story's next turn, so numbers may come later.
        see: Callable[[Scene], dict[str, Any]] = told if self.world.counting else standing
        files, original = see(self.hindered), see(self.alone)
        self._expect(files == original, f"output differs: {differ(original, files)}")
        self._expect(readable(self.hindered) == readable(self.alone), "feed and archives lack an entry")
        self._expect(not (left := self.hindered.leftovers()), f"left half written: {left}")
        self.reader.look()
        self._expect(not self.reader.findings, f"a reader saw: {self.reader.findings}")
        self.reader.findings.clear()
        self._check_told_again({str(row[10]): self.world.revised.get(str(row[1]), 0) for row in rows})
        self.figures.entries = len(stored)

    def _check_told_again(self, revised: dict[str, int]) -> None:
        """See that no entry changed for the reader more often than its source changed it."""
        for name, known in self.reader.known.items():
            often = [each for each, times in known.changes.items() if times > revised.get(each, 0)]
            self._expect(not often, f"{name} told entries again that nobody revised: {often}")

    def _expect(self, holds: bool, otherwise: str) -> None:
        if not holds:
            log.error("round=%d found=%s", self.figures.rounds, otherwise)
            self.figures.findings.append(f"round {self.figures.rounds}: {otherwise}")


def _text(run: Run) -> str:
    return f"exit code {run.process.returncode}; {run.said.read_text()[-1500:]}"
