"""What one job and one unit cost, at the coordinator and at a worker, and what a job costs on dask.

python bench/jobs.py [--feeds 1000] [--json FILE]

Costs are CPU seconds of one core, the least of three, over loopback hosts that answer at once. `--json`
writes them for `bench/simulate.py`.
"""

import argparse
import contextlib
import json
import logging
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import asdict
from operator import is_
from pathlib import Path

sys.path[:0] = [str(Path(__file__).parent), str(Path(__file__).parent.parent)]

from corpus import corpus  # noqa: E402 - scripts beside each other
from costs import AT_ONCE, CACHE, Bench, Costs  # noqa: E402
from slowhosts import serving  # noqa: E402
from sqlite_utils import Database  # noqa: E402

from aggregator.config import Config  # noqa: E402
from aggregator.executors import Workers, open_workers  # noqa: E402
from aggregator.pipeline import guarded, run_stage  # noqa: E402
from aggregator.poll import stage  # noqa: E402
from tests.cluster import Cluster  # noqa: E402

CALLS = 200  # jobs that do nothing
SPECS = ("processes:1", "processes:2", "dask 1", "dask 2")


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--feeds", type=int, default=1000)
    parser.add_argument("--json", type=Path)
    parser.add_argument("--only-costs", action="store_true", help="measure no executors")
    options = parser.parse_args()
    logging.disable()  # what of the corpus is no feed is no news here
    made = corpus(CACHE, 2000)
    with tempfile.TemporaryDirectory() as name:
        bench = Bench(Path(name), made, options.feeds)
        costs = bench.costs()
        _show(costs)
        if options.json:
            options.json.write_text(json.dumps(asdict(costs)))
        if not options.only_costs:
            _show_executors(bench)


def _show(costs: Costs) -> None:
    print("| cost | µs of CPU, or bytes |\n|---|---|")
    for name, value in asdict(costs).items():
        print(f"| {name} | {value if name.endswith('bytes') else 1e6 * value:,.0f} |")


@contextlib.contextmanager
def workplace(name: str, folder: Path) -> Iterator[str]:
    """Yield the spec of one of SPECS, its cluster started."""
    if not name.startswith("dask"):
        yield name
        return
    with tempfile.TemporaryDirectory(dir=folder) as own, Cluster(Path(own), workers=int(name[-1])) as cluster:
        yield cluster.spec


def _show_executors(bench: Bench) -> None:
    names = (
        "workers",
        "one job alone",
        "jobs/s, two a worker in flight",
        "polls/s, unchanged feeds",
        "of processes:2",
    )
    print(f"\n| {' | '.join(names)} |\n|{'---|' * len(names)}")
    found = {name: _executor(bench, name) for name in SPECS}
    base = found["processes:2"][2]
    for name, (alone, rate, polls) in found.items():
        print(f"| {name} | {1000 * alone:.2f} ms | {rate:,.0f} | {polls:,.0f} | {polls / base:.2f} |")


def _executor(bench: Bench, name: str) -> tuple[float, float, float]:
    """Return the seconds of a job alone, jobs a second, and polls a second."""
    with workplace(name, bench.folder) as spec, serving(bench.made, bench.port, AT_ONCE), bench.store() as db:
        workers = open_workers(spec, bench.config.store)
        try:
            return *empty_jobs(workers, bench.config), _polls(bench, db, workers)
        finally:
            workers.close()


def _polls(bench: Bench, db: Database, workers: Workers) -> float:
    """Return the median of five rounds, after one in which the workers load what they need."""
    rates = []
    for _ in range(6):
        bench.make_due(db)
        report = run_stage(stage.STAGE, db, bench.config, workers, bench.clock)
        rates.append(report.units / report.seconds)
    return statistics.median(rates[1:])


def empty_jobs(workers: Workers, config: Config) -> tuple[float, float]:
    """Return the seconds of a job that does nothing, alone, and how many a second are done."""
    job = bytes(100_000)  # about what a shard of 200 feeds is
    for _ in range(8):
        workers.submit(guarded, is_, config, job).result()
    alone = []
    for _ in range(CALLS // 4):
        started = time.perf_counter()
        workers.submit(guarded, is_, config, job).result()
        alone.append(time.perf_counter() - started)
    started, flight = time.perf_counter(), []
    for _ in range(CALLS):
        if len(flight) == 2 * workers.width:
            flight.pop(0).result()
        flight.append(workers.submit(guarded, is_, config, job))
    for future in flight:
        future.result()
    return statistics.median(alone), CALLS / (time.perf_counter() - started)


if __name__ == "__main__":
    main()
