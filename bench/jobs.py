"""What one job and one unit cost, at the coordinator and at a worker, and what a job costs on dask.

python bench/jobs.py [--feeds 1000] [--json FILE]

Costs are CPU seconds of one core, the least of three, over loopback hosts that answer at once. `--json`
writes them for `bench/simulate.py`.
"""

import argparse
import contextlib
import json
import logging
import os
import pickle
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime, timedelta
from operator import is_
from pathlib import Path

sys.path[:0] = [str(Path(__file__).parent), str(Path(__file__).parent.parent)]

from corpus import corpus  # noqa: E402 - scripts beside each other
from poll import CACHE  # noqa: E402
from slowhosts import Latency, answer_of, serving  # noqa: E402
from sqlite_utils import Database  # noqa: E402

from aggregator.config import Config  # noqa: E402
from aggregator.executors import Workers, open_workers  # noqa: E402
from aggregator.model import Shard, ShardOutcome  # noqa: E402
from aggregator.pipeline import Stage, guarded, run_stage  # noqa: E402
from aggregator.poll import stage  # noqa: E402
from aggregator.session import take_up_opml  # noqa: E402
from aggregator.store import feeds, open_store  # noqa: E402
from tests.cluster import Cluster, free_port  # noqa: E402

HOSTS = 200
CALLS = 200  # jobs that do nothing
AT_ONCE = Latency(median=0.0, tail=0.0)  # no latency at all
SPECS = ("processes:1", "processes:2", "dask 1", "dask 2")


@dataclass(frozen=True, slots=True, kw_only=True)
class Costs:
    """Seconds of CPU, and bytes; `changed` is a feed whose body is new, `same` one whose body is known."""

    choose_feed: float  # read what is due, make a shard of it
    send_feed: float  # its part of a pickled job
    take_feed: float  # its part of a pickled outcome, and back
    take_changed: float
    record_feed: float
    record_changed: float
    record_entry: float  # a new one, on top of that
    book_job: float  # a transaction
    enrich_entry: float  # article and summary
    fetch_304: float  # at the worker, parsed where there is something to parse
    fetch_same: float
    fetch_changed: float
    fetch_cold: float  # every entry of it new
    job_bytes: float  # per feed
    outcome_bytes: float
    changed_bytes: float


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


class Bench:
    """A store with feeds of loopback hosts, polled once."""

    def __init__(self, folder: Path, made: Path, count: int) -> None:
        self.folder, self.made, self.count, self.port = folder, made, count, free_port()
        self.config = Config(
            opml=folder / "feeds.opml", store=folder / "store.sqlite", output=folder / "output",
            engine="none", allow_private_hosts=True, host_spacing=timedelta(), extract="feed",
        )  # fmt: skip
        urls = [f"http://127.0.0.{n % HOSTS + 1}:{self.port}/{n}.xml" for n in range(count)]
        outlines = "".join(f'<outline xmlUrl="{url}"/>' for url in urls)
        self.config.opml.write_text(f'<opml version="2.0"><body>{outlines}</body></opml>')
        self.now = datetime(2026, 11, 24, 6, tzinfo=UTC)

    def clock(self) -> datetime:
        """Return the time, which stands still between rounds."""
        return self.now

    @contextlib.contextmanager
    def store(self) -> Iterator[Database]:
        """Open the store, every feed due."""
        db = open_store(self.config.store)
        take_up_opml(db, self.config, self.clock)
        self.now += timedelta(days=1)
        with db.atomic():
            feeds.make_due(db, self.now)
        yield db
        db.close()

    def run(self, db: Database, work: Stage, spec: str = "inline:") -> float:
        """Run a stage to its end and return the seconds it took."""
        workers = open_workers(spec, self.config.store)
        try:
            workers.submit(os.getpid).result()
            return run_stage(work, db, self.config, workers, self.clock).seconds
        finally:
            workers.close()

    def costs(self) -> Costs:
        """Measure what a shard of each kind costs."""
        from aggregator.enrich.stage import ARTICLE, SUMMARY

        with serving(self.made, self.port), self.store() as db:
            cold = self._cold(db)
            started = time.process_time()
            self.run(db, ARTICLE)
            self.now += timedelta(hours=2)  # so long at most does a summary wait for a look at the page
            self.run(db, SUMMARY)
            made = db.execute("SELECT count(*) FROM summaries").fetchone()[0]
            enrich = (time.process_time() - started) / made
        with serving(self.made, self.port, AT_ONCE), self.store() as db:
            return self._warm(db, cold, enrich)

    def _cold(self, db: Database) -> float:
        taken = 0.0
        for shard in self._shards(db):
            started = time.process_time()
            outcome = stage.work(self.config, shard)
            taken += time.process_time() - started
            with db.atomic():
                stage.record(db, self.config, shard, outcome, self.now)
        return taken / self.count

    def _shards(self, db: Database) -> list[Shard]:
        return list(stage.pending(db, self.config, self.now))

    def _warm(self, db: Database, cold: float, enrich: float) -> Costs:
        choose = least(lambda: self._shards(db)) / self.count
        kinds = {kind: self._only(self._shards(db), kind) for kind in ("304", "same", "new")}
        done = {kind: stage.work(self.config, shard) for kind, shard in kinds.items()}
        number = {kind: stage.size(shard) for kind, shard in kinds.items()}
        work = {
            kind: least(lambda shard=shard: stage.work(self.config, shard)) / number[kind]
            for kind, shard in kinds.items()
        }
        sent = pickle.dumps(kinds["304"], 5)
        brought = {kind: pickle.dumps(outcome, 5) for kind, outcome in done.items()}
        take = {
            kind: least(lambda data=data: pickle.loads(data)) / number[kind] for kind, data in brought.items()
        }
        empty = self._record(db, replace(kinds["304"], batches=()), ShardOutcome(results=()))
        known = (self._record(db, kinds["304"], done["304"]) - empty) / number["304"]
        added = self._entries(db)
        fresh = self._record(db, kinds["new"], done["new"], once=True) - empty
        entries = max(self._entries(db) - added, 1)
        again = max(self._record(db, kinds["new"], done["new"]) - empty, 0.0) / number["new"]
        return Costs(
            choose_feed=choose, send_feed=least(lambda: pickle.dumps(kinds["304"], 5)) / number["304"],
            take_feed=take["304"], take_changed=take["new"], record_feed=known, record_changed=again,
            record_entry=max(fresh - again * number["new"], 0.0) / entries, book_job=empty,
            enrich_entry=enrich, fetch_304=work["304"], fetch_same=work["same"], fetch_changed=work["new"],
            fetch_cold=cold, job_bytes=len(sent) / number["304"],
            outcome_bytes=len(brought["304"]) / number["304"],
            changed_bytes=len(brought["new"]) / number["new"],
        )  # fmt: skip

    def _only(self, shards: Sequence[Shard], kind: str) -> Shard:
        """Return one shard of the feeds alone whose next answer is of a kind."""
        batches = []
        for batch in (batch for shard in shards for batch in shard.batches):
            kept = tuple(
                feed for feed in batch.feeds if answer_of(_number(feed.fetch_url), self.made) == kind
            )
            if kept:
                batches.append(replace(batch, feeds=kept))
        return replace(shards[0], batches=tuple(batches))

    def _record(self, db: Database, shard: Shard, outcome: ShardOutcome, *, once: bool = False) -> float:
        def record() -> None:
            with db.atomic():
                stage.record(db, self.config, shard, outcome, self.now)

        return least(record, 1 if once else 3)

    @staticmethod
    def _entries(db: Database) -> int:
        return int(db.execute("SELECT count(*) FROM entries").fetchone()[0])


def _number(url: str) -> int:
    return int(url.rpartition("/")[2].removesuffix(".xml"))


def least(call: Callable[[], object], repeat: int = 3) -> float:
    """Return the CPU seconds of a call: what others take from the machine is not ours."""
    taken = []
    for _ in range(repeat):
        started = time.process_time()
        call()
        taken.append(time.process_time() - started)
    return min(taken)


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
            return *_empty_jobs(workers, bench.config), _polls(bench, db, workers)
        finally:
            workers.close()


def _polls(bench: Bench, db: Database, workers: Workers) -> float:
    """Return the median of five rounds, after one in which the workers load what they need."""
    rates = []
    for _ in range(6):
        bench.now += timedelta(days=1)
        with db.atomic():
            feeds.make_due(db, bench.now)
        report = run_stage(stage.STAGE, db, bench.config, workers, bench.clock)
        rates.append(report.units / report.seconds)
    return statistics.median(rates[1:])


def _empty_jobs(workers: Workers, config: Config) -> tuple[float, float]:
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
