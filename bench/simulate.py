"""What polls/s, lag and memory to expect of a list of feeds and so many workers, from measured costs.

python bench/simulate.py [--costs FILE] [--feeds 10000 1000000] [--workers 1 8] [--window 600] [--tail 0.02 …]
python bench/simulate.py --against run      # beside real runs: processes:2, and a dask cluster of two workers

Costs come from FILE, as bench/jobs.py writes it, or are measured first. Hosts and feeds are drawn, with a
seed; of a list that has been polled for long those feeds are simulated that are due within the window.
"""

import argparse
import json
import logging
import multiprocessing
import os
import random
import statistics
import sys
import tempfile
import time
from collections import Counter
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

sys.path[:0] = [str(Path(__file__).parent), str(Path(__file__).parent.parent)]

from corpus import corpus  # noqa: E402 - scripts beside each other
from costs import AT_ONCE, CACHE, Bench, Costs  # noqa: E402
from fleet import TICK, Feed, Mix, Run, Simulation, fleet  # noqa: E402
from jobs import empty_jobs, workplace  # noqa: E402
from slowhosts import Latency, answer_of, serving  # noqa: E402

from aggregator.executors import open_workers  # noqa: E402
from aggregator.pipeline import run_stage  # noqa: E402
from aggregator.poll import shards, stage  # noqa: E402

FEEDS, WORKERS = (10_000, 100_000, 1_000_000, 10_000_000), (1, 2, 8, 32, 100, 200)
JOB = 0.006  # seconds of the coordinator for a job on dask, beside what its feeds take: bench/jobs.py
BASE = 80.0  # MB of a coordinator without feeds
FULL = 0.9  # of the time: then it is what holds up the rest
AT_WORK = 4  # processes of a run that is compared, on one machine: a coordinator, two workers, the hosts
CASES = {
    "at once": (0.0, AT_ONCE),
    "1 s apart": (1.0, Latency(seed=7, tail=0.01)),
    "not apart": (0.0, Latency(seed=8, median=0.3, sigma=1.0, tail=0.02)),
}
ADDRESSES, CROWD = 400, 30  # hosts, and feeds that one has at most, but for chance


def main() -> None:
    """Print a table of predictions, or predictions beside what was measured."""
    options = _options()
    logging.disable()
    with tempfile.TemporaryDirectory() as name:
        if options.costs:
            costs = Costs(**json.loads(options.costs.read_text()))
        else:
            costs = Bench(Path(name), corpus(CACHE, 2000), 400).costs()
        if options.against:
            _compare(Path(name), costs)
            return
    mix = replace(Mix(), latency=Latency(median=options.median, sigma=options.sigma, tail=options.tail))
    _predict(costs, mix, options)


def _options() -> argparse.Namespace:
    usual = Mix().latency
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--costs", type=Path, help="a file that bench/jobs.py --json wrote")
    parser.add_argument("--feeds", type=int, nargs="+", default=FEEDS)
    parser.add_argument("--workers", type=int, nargs="+", default=WORKERS)
    parser.add_argument("--window", type=float, default=600.0, help="seconds that are simulated")
    parser.add_argument("--median", type=float, default=usual.median, help="of an answer's seconds")
    parser.add_argument("--sigma", type=float, default=usual.sigma, help="of their logarithm")
    parser.add_argument("--tail", type=float, default=usual.tail, help="share of answers in a Pareto tail")
    parser.add_argument("--seed", type=int, default=3)
    parser.add_argument("--against", choices=("run",), help="compare with real runs")
    return parser.parse_args()


def _predict(costs: Costs, mix: Mix, options: argparse.Namespace) -> None:
    names = (
        "feeds", "due/s", "workers", "polls/s", "lag p50", "lag p99", "coordinator busy", "the writer's part",
        "workers busy", "coordinator's memory", "what ends it",
    )  # fmt: skip
    print(f"| {' | '.join(names)} |\n|{'---|' * len(names)}")
    for count in options.feeds:
        due = fleet(random.Random(options.seed), count, options.window, mix)
        for workers in options.workers:
            given = [replace(feed) for feed in due]
            simulation = Simulation(costs, workers, job=JOB, entries=mix.entries, enriches=True)
            run = simulation.until(given, options.window)
            print(f"| {' | '.join(_row(count, mix, workers, run, costs))} |", flush=True)


def _row(count: int, mix: Mix, workers: int, run: Run, costs: Costs) -> list[str]:
    lags = sorted(run.lags) or [0.0]
    coordinator = run.choosing + run.writing
    return [
        f"{count:,}", f"{count * mix.rate:,.1f}", str(workers), f"{run.polls / run.took:,.1f}",
        f"{statistics.median(lags):.0f} s", f"{lags[int(0.99 * (len(lags) - 1))]:.0f} s",
        f"{coordinator / run.took:.0%}", f"{run.writing / max(coordinator, 1e-9):.0%}",
        f"{run.working / run.took / workers:.0%}", f"{_megabytes(workers, costs, mix):.0f} MB",
        _bottleneck(workers, run),
    ]  # fmt: skip


def _megabytes(workers: int, costs: Costs, mix: Mix) -> float:
    """Return what the coordinator holds: itself, a page of feeds, jobs in flight and their outcomes."""
    job = costs.job_held_bytes + costs.job_bytes
    outcome = (
        costs.outcome_bytes
        + costs.outcome_held_bytes
        + mix.new * (costs.changed_bytes + costs.changed_held_bytes)
    )
    return BASE + ((job + outcome) * 2 * workers * shards.SHARD + job * stage.AT_ONCE) / 1e6


def _bottleneck(workers: int, run: Run) -> str:
    """Name what keeps due feeds from being polled, or say that nothing does."""
    waiting = run.left - run.crowded
    if waiting <= max(run.polls / run.took, 1.0) * TICK * 4:
        return "spacing of crowded domains" if run.crowded > run.polls * 0.01 else "nothing"
    if (run.choosing + run.writing) / run.took > FULL:
        return "the writer" if run.writing > run.choosing else "the coordinator"
    if run.working / run.took / workers > FULL:
        return "workers"
    return "workers, and the slowest job of each call"


def _compare(folder: Path, costs: Costs) -> None:
    """Print what was predicted and what was measured, and end with 1 where they are far apart."""
    made, far = corpus(CACHE, 2000), False
    (folder / "hosts").mkdir()
    host = _host(Bench(folder / "hosts", made, 400))
    print("| case | workers | predicted polls/s | measured polls/s | off by |\n|---|---|---|---|---|")
    for case, (spacing, latency) in CASES.items():
        for name in ("processes:2", "dask 2"):
            with tempfile.TemporaryDirectory(dir=folder) as own:
                predicted, measured = _both(Bench(Path(own), made, 2000), costs, host, name, spacing, latency)
            off = predicted / measured - 1
            # Where nothing is waited for, what others do on the machine decides: shown, and not judged.
            far |= abs(off) > 0.2 and latency.median > 0
            print(f"| {case} | {name} | {predicted:.1f} | {measured:.1f} | {off:+.0%} |", flush=True)
    sys.exit(far)


def _host(bench: Bench) -> float:
    """Return the CPU seconds that an answer costs the process that is all the hosts."""
    with serving(bench.made, bench.port), bench.store() as db:
        bench.poll_all(db)
    with serving(bench.made, bench.port, AT_ONCE) as pid, bench.store() as db:
        jobs, before = list(stage.pending(db, bench.config, bench.now)), _cpu(pid)
        for _ in range(3):
            for job in jobs:
                stage.work(bench.config, job)
        return (_cpu(pid) - before) / 3 / bench.count


def _cpu(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _both(
    bench: Bench, costs: Costs, host: float, name: str, spacing: float, latency: Latency
) -> tuple[float, float]:
    bench.spread(_crowded(bench.count), timedelta(seconds=spacing))
    with serving(bench.made, bench.port), bench.store() as db:
        bench.poll_all(db)
    with workplace(name, bench.folder) as spec, serving(bench.made, bench.port, latency), bench.store() as db:
        workers = open_workers(spec, bench.config.store)
        try:
            _, rate = empty_jobs(workers, bench.config)
            coming = [
                Feed(str(host), latency=latency.of(number), kind=answer_of(number, bench.made))
                for number, host in enumerate(_crowded(bench.count))
            ]
            simulation = Simulation(costs, 2, job=1 / rate, spacing=spacing, stretch=_stretch(), host=host)
            predicted = simulation.until(coming, 0.0)
            report = run_stage(stage.STAGE, db, bench.config, workers, bench.clock)
        finally:
            workers.close()
    return predicted.polls / predicted.took, report.units / report.seconds


def _crowded(count: int) -> list[int]:
    """Return the host of each feed: few have many."""
    chance = random.Random(5)
    hosts = [min(int(chance.paretovariate(0.9) * 3), ADDRESSES) for _ in range(count)]
    most = Counter[int]()
    for number, host in enumerate(hosts):
        most[host] += 1
        if most[host] > CROWD:
            hosts[number] = chance.randrange(ADDRESSES)
    return hosts


def _stretch() -> float:
    """Return how much longer than its CPU time work takes here, where so many processes share the cores."""
    with multiprocessing.get_context("spawn").Pool(AT_WORK) as pool:
        return statistics.mean(pool.map(_spin, [0.5] * AT_WORK))


def _spin(seconds: float) -> float:
    started, cpu = time.perf_counter(), time.process_time()
    while time.process_time() - cpu < seconds:
        sum(range(1000))
    return (time.perf_counter() - started) / (time.process_time() - cpu)


if __name__ == "__main__":
    main()
