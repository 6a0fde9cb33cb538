"""Do the same rounds here, in two processes and on clusters whose workers are killed; compare what is left.

python bench/same.py [--feeds 2000] [--kills 2] [--rounds 2] [--seed 1] [--keep FOLDER]

The clock stands still within a round, the feeds are on loopback, the model is the small one of the tests.
Each way has a store and an output of its own; compared are the rows of all tables (ids told by what they
stand for; seconds, bytes on the wire and sizes of files left out) and every file of output/. First comes the
program's own demo. Ends with 1 where anything differs.
"""

import argparse
import random
import sys
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent))

from tests.cluster import Cluster
from tests.crash.world import World
from tests.everywhere import Demo, Everywhere, Killer
from tests.leavings import left_by

WORKERS = 3
STAGES = ("poll", "translate")
HEAD = (
    f"{'round':8} {'way':34} {'seconds':>8} {'poll':>6} {'translate':>10} {'rows':>8} {'files':>7}  differs"
)


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--feeds", type=int, default=2000)
    parser.add_argument(
        "--kills", type=int, default=2, help="of a round, by turns in mid-poll and mid-translate"
    )
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--keep", type=Path, help="a new folder, for what the runs leave")
    options = parser.parse_args()
    print(HEAD, flush=True)
    with tempfile.TemporaryDirectory() as temporary, ExitStack() as opened:
        folder = options.keep or Path(temporary)
        kept, left = (
            opened.enter_context(Cluster(folder / name, workers=WORKERS, nanny=nanny))
            for name, nanny in (("kept", True), ("left", False))
        )
        found = list(_demo(folder / "demo", kept))
        found += _feeds(folder / "feeds", options, kept, left)
    for line in found:
        print(line)
    sys.exit(bool(found))


def _demo(folder: Path, cluster: Cluster) -> Iterator[str]:
    folder.mkdir(parents=True)
    with Everywhere(folder, Demo(), patience=600, runs=2) as everywhere:
        for name, spec in (("inline", "inline:"), ("processes:2", "processes:2"), ("dask", cluster.spec)):
            everywhere.add(name, spec)
        everywhere.turn(0)
        everywhere.round()
        yield from _told("demo", everywhere)


def _feeds(folder: Path, options: argparse.Namespace, kept: Cluster, left: Cluster) -> Iterator[str]:
    folder.mkdir(parents=True)
    chance = random.Random(options.seed)
    stages = tuple(stage for stage in STAGES for _ in range(options.kills // 2))
    world = World(
        options.seed, counting=True, feeds=options.feeds, first=1, near=options.feeds, lengths=(1, 2)
    )
    with Everywhere(folder, world, patience=3600, runs=3) as everywhere:
        everywhere.add("inline", "inline:")
        everywhere.add("processes:2", "processes:2")
        whole = everywhere.add("dask, three workers", kept.spec)
        everywhere.add("dask, killed and started again", kept.spec)
        everywhere.add("dask, killed for good", left.spec)
        for number in range(options.rounds):
            everywhere.turn(number)
            killers = {
                name: Killer(cluster, stages, chance, whole)
                for name, cluster in (
                    ("dask, killed and started again", kept),
                    ("dask, killed for good", left),
                )
            }
            everywhere.round(killers)
            yield from _told(str(number), everywhere)
            for name, killer in killers.items():
                print(
                    f"{'':8} {name}: a worker that had a job, in {', '.join(killer.hit) or 'none'}",
                    flush=True,
                )
            _fill_up(left)


def _fill_up(cluster: Cluster) -> None:
    """Start workers in the place of those that were killed for good."""
    for _ in range(WORKERS - len(cluster.pids())):
        cluster.start_worker()
    cluster.wait_for(WORKERS)


def _told(number: str, everywhere: Everywhere) -> list[str]:
    """Print a line for each way, and return what differs."""
    found = everywhere.differences()
    for name, way in everywhere.ways.items():
        leavings = left_by(way.scene)
        print(
            f"{number:8} {name:34} {sum(way.lengths.values()):8.1f} {way.lengths['poll']:6.1f}"
            f" {way.lengths['translate']:10.1f} {sum(map(len, leavings.rows.values())):8}"
            f" {len(leavings.files):7}  {sum(line.startswith(f'{name} ') for line in found) or 'nothing'}",
            flush=True,
        )
    return [f"round {number}: {line}" for line in found]


if __name__ == "__main__":
    main()
