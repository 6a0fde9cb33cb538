"""A store of loopback feeds, and what a job and a unit of each kind cost there."""

import contextlib
import os
import pickle
import sys
import time
import tracemalloc
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

sys.path[:0] = [str(Path(__file__).parent), str(Path(__file__).parent.parent)]

from poll import CACHE  # noqa: E402 - scripts beside each other
from slowhosts import Latency, answer_of, serving  # noqa: E402
from sqlite_utils import Database  # noqa: E402

from aggregator.config import Config  # noqa: E402
from aggregator.executors import open_workers  # noqa: E402
from aggregator.model import Shard, ShardOutcome  # noqa: E402
from aggregator.pipeline import Stage, run_stage  # noqa: E402
from aggregator.poll import stage  # noqa: E402
from aggregator.session import take_up_opml  # noqa: E402
from aggregator.store import open_store  # noqa: E402
from aggregator.times import to_text  # noqa: E402
from tests.cluster import free_port  # noqa: E402

__all__ = ["AT_ONCE", "CACHE", "Bench", "Costs"]

HOSTS = 200
AT_ONCE = Latency(median=0.0, tail=0.0)  # no latency at all


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
    job_bytes: float  # per feed, as it travels
    outcome_bytes: float
    changed_bytes: float
    job_held_bytes: float  # per feed, in the coordinator's memory
    outcome_held_bytes: float
    changed_held_bytes: float


class Bench:
    """A store with feeds of loopback hosts, polled once."""

    def __init__(self, folder: Path, made: Path, count: int) -> None:
        self.folder, self.made, self.count, self.port = folder, made, count, free_port()
        self.config = Config(
            opml=folder / "feeds.opml", store=folder / "store.sqlite", output=folder / "output",
            engine="none", allow_private_hosts=True, host_spacing=timedelta(), extract="feed",
        )  # fmt: skip
        self.now = datetime(2026, 11, 24, 6, tzinfo=UTC)
        self.spread([n % HOSTS for n in range(count)], timedelta())

    def spread(self, hosts: Sequence[int], spacing: timedelta) -> None:
        """List feeds at these hosts, asked so far apart."""
        outlines = "".join(
            f'<outline xmlUrl="http://127.0.{host // 250}.{host % 250 + 1}:{self.port}/{number}.xml"/>'
            for number, host in enumerate(hosts)
        )
        self.config.opml.write_text(f'<opml version="2.0"><body>{outlines}</body></opml>')
        self.config = replace(self.config, host_spacing=spacing)

    def poll_all(self, db: Database) -> float:
        """Poll each feed for the first time, here, and return the CPU seconds of one fetch."""
        apart, self.config = self.config.host_spacing, replace(self.config, host_spacing=timedelta())
        taken = 0.0
        while pending := self._shards(db):
            for shard in pending:
                started = time.process_time()
                outcome = stage.work(self.config, shard)
                taken += time.process_time() - started
                with db.atomic():
                    stage.record(db, self.config, shard, outcome, self.now)
        self.config = replace(self.config, host_spacing=apart)
        return taken / self.count

    def clock(self) -> datetime:
        """Return the time, which stands still between rounds."""
        return self.now

    @contextlib.contextmanager
    def store(self) -> Iterator[Database]:
        """Open the store, every feed due."""
        db = open_store(self.config.store)
        take_up_opml(db, self.config, self.clock)
        self.make_due(db)
        yield db
        db.close()

    def make_due(self, db: Database) -> None:
        """Let a day pass, and all feeds be due at once, in their order."""
        self.now += timedelta(days=1)
        with db.atomic():
            db.execute("UPDATE feeds SET next_poll_at = ?", [to_text(self.now)])

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
            cold = self.poll_all(db)
            started = time.process_time()
            self.run(db, ARTICLE)
            self.now += timedelta(hours=2)  # so long at most does a summary wait for a look at the page
            self.run(db, SUMMARY)
            made = db.execute("SELECT count(*) FROM summaries").fetchone()[0]
            enrich = (time.process_time() - started) / made
        with serving(self.made, self.port, AT_ONCE), self.store() as db:
            return self._warm(db, cold, enrich)

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
            job_held_bytes=held(sent) / number["304"],
            outcome_held_bytes=held(brought["304"]) / number["304"],
            changed_held_bytes=held(brought["new"]) / number["new"],
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


def held(pickled: bytes) -> int:
    """Return the bytes of memory that a pickled value takes once it is a value again."""
    tracemalloc.start()
    value = pickle.loads(pickled)
    taken, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    del value
    return taken
