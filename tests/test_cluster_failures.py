"""What breaks between a run and a cluster: jobs return to due, none is lost or recorded twice, the run goes on."""

import logging
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import wait
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

import pytest
import trustme
from sqlite_utils import Database

import aggregator
from aggregator import cluster as ours
from aggregator import dask_scheduler, remote
from aggregator.config import Config
from aggregator.errors import ClusterError, ConfigError, VersionMismatch
from aggregator.executors import Workers, WorkersLost, open_workers
from aggregator.pipeline import Stage, StageReport, run_stage
from aggregator.store import open_store
from tests import clusterjobs
from tests.cluster import ROOT, Cluster, Link
from tests.feedserver import Answer, FeedServer

pytestmark = pytest.mark.slow
NOW = datetime(2026, 11, 24, tzinfo=UTC)
WATCHED = {"DASK_DISTRIBUTED__SCHEDULER__WORKER_TTL": "3s"}  # of silence


class Board:
    """Jobs in a real store, what was recorded of them and how often; and marks of where they were begun."""

    def __init__(self, folder: Path, jobs: int = 6) -> None:
        self.marks = folder / "marks"
        self.marks.mkdir()
        self.store = folder / "s.sqlite"
        self.db: Database = open_store(self.store)
        self.db.table("meta").insert_all({"key": str(job), "value": "due"} for job in range(10, 10 + jobs))
        self.recorded: list[int] = []

    def stage(self, work: Callable[[Config, int], int]) -> Stage:
        return Stage(
            name="square", pending=self._pending, work=work, record=self._record, postpone=self._postpone,
            backlog=lambda *_: 0, size=lambda _: 1,
        )  # fmt: skip

    def run(self, workers: Workers, work: Callable[[Config, int], int]) -> StageReport:
        return run_stage(self.stage(work), self.db, Config(), workers, lambda: NOW)

    def _pending(self, db: Database, *_: object) -> Iterator[int]:
        rows = db.execute("SELECT key FROM meta WHERE value = 'due' ORDER BY key").fetchall()
        yield from (int(row[0]) for row in rows)

    def _record(self, db: Database, _: Config, job: int, outcome: int, __: datetime) -> None:
        self.recorded.append(job)
        db.table("meta").update(str(job), {"value": str(outcome)})

    def _postpone(self, db: Database, _: Config, job: int, failure: str, __: datetime) -> None:
        db.table("meta").update(str(job), {"value": failure})

    @property
    def values(self) -> dict[int, str]:
        return {int(key): value for key, value in self.db.execute("SELECT key, value FROM meta").fetchall()}

    def all_done_once(self) -> bool:
        squares = {job: str(job * job) for job in self.values}
        return self.values == squares and sorted(self.recorded) == sorted(squares)


@pytest.fixture
def board(tmp_path: Path) -> Iterator[Board]:
    board = Board(tmp_path)
    yield board
    board.db.close()


@pytest.fixture
def opened() -> Iterator[Callable[[str], Workers]]:
    """Return a function that opens workers, which are closed in the end."""
    known: list[Workers] = []

    def open_(spec: str, store: Path | None = None) -> Workers:
        known.append(open_workers(spec, store))
        return known[-1]

    yield open_
    for workers in known:
        workers.close()


@pytest.fixture(autouse=True)
def watchful(monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    """Look often who is there, but give a busy machine time."""
    monkeypatch.setattr(ours, "LOOK", 0.2)
    monkeypatch.setattr(ours, "FIRST", 60.0)
    caplog.set_level(logging.INFO)


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Make seconds of what takes half a minute."""
    monkeypatch.setattr(ours, "LOST", 3.0)
    monkeypatch.setattr(ours, "FIRST", 1.0)
    monkeypatch.setattr(dask_scheduler, "CONNECT", 2.0)
    monkeypatch.setattr(dask_scheduler, "ANSWER", 2.0)


def when(condition: Callable[[], object], then: Callable[[], object]) -> threading.Thread:
    """Do something as soon as a condition holds, beside the run."""

    def watch() -> None:
        until = time.monotonic() + 60
        while not condition():
            assert time.monotonic() < until
            time.sleep(0.02)
        then()

    thread = threading.Thread(target=watch)
    thread.start()
    return thread


def test_a_worker_killed_in_mid_job_costs_nothing(
    tmp_path: Path, board: Board, opened: Callable[[str], Workers], caplog: pytest.LogCaptureFixture
):
    with Cluster(tmp_path, workers=2) as cluster:
        killed = when(
            lambda: len(clusterjobs.begun(board.marks)) >= 3,
            lambda: os.kill(list(clusterjobs.begun(board.marks).values())[-1][0], signal.SIGKILL),
        )
        report = board.run(opened(cluster.spec), partial(clusterjobs.square, board.marks, 0.4))
        killed.join()
    assert (report.crashes, report.finished) == (0, True)
    assert board.all_done_once()
    assert "worker_left worker=tcp://127.0.0.1" in caplog.text


def test_workers_that_are_stopped_or_cut_off_are_done_without(
    tmp_path: Path, board: Board, opened: Callable[[str], Workers], caplog: pytest.LogCaptureFixture
):
    with Cluster(tmp_path, workers=2, environ=WATCHED) as cluster, Link(cluster.port) as link:
        far = cluster.start_worker(scheduler=f"tcp://127.0.0.1:{link.port}")
        cluster.wait_for(3)
        pids = cluster.pids()

        def begun_by(name: str) -> bool:
            return any(pids[name] in begun for begun in clusterjobs.begun(board.marks).values())

        cut = when(lambda: begun_by(far), link.cut)
        stopped = when(lambda: begun_by("w1"), lambda: os.kill(pids["w1"], signal.SIGSTOP))
        report = board.run(opened(cluster.spec), partial(clusterjobs.square, board.marks, 0.4))
        cut.join()
        stopped.join()
    assert (report.crashes, report.finished) == (0, True)
    assert board.all_done_once()
    assert caplog.text.count("worker_left") >= 2


def test_a_job_that_hangs_ends_its_worker_and_is_done_the_next_time(
    tmp_path: Path, board: Board, opened: Callable[[str], Workers], caplog: pytest.LogCaptureFixture
):
    stage = replace(
        board.stage(partial(clusterjobs.hang_once, board.marks, 12)), patience=timedelta(seconds=2)
    )
    with Cluster(tmp_path, workers=2) as cluster:
        report = run_stage(stage, board.db, Config(), opened(cluster.spec, board.store), lambda: NOW)
    assert (report.crashes, report.finished) == (1, True)
    assert board.all_done_once()
    assert "worker_died stage=square error=a job was not done after 0:00:02" in caplog.text
    first, second = clusterjobs.begun(board.marks)[12]
    assert first != second


def test_a_job_that_kills_its_workers_is_put_off_alone(
    tmp_path: Path, board: Board, opened: Callable[[str], Workers]
):
    environ = {"DASK_DISTRIBUTED__SCHEDULER__ALLOWED_FAILURES": "1"}
    with Cluster(tmp_path, workers=2, environ=environ) as cluster:
        report = board.run(opened(cluster.spec), partial(clusterjobs.die, board.marks, 12))
    assert report.finished
    assert board.values.pop(12) == "the worker process died"
    assert sorted(board.recorded) == [10, 11, 13, 14, 15]


def test_a_scheduler_that_starts_again_is_found_again(
    tmp_path: Path, board: Board, opened: Callable[[str], Workers], caplog: pytest.LogCaptureFixture
):
    with Cluster(tmp_path, workers=1) as cluster:

        def restart() -> None:
            cluster.stop_scheduler()
            cluster.stop_worker("w0")
            cluster.start_scheduler()
            cluster.start_worker()

        restarted = when(lambda: len(clusterjobs.begun(board.marks)) >= 2, restart)
        workers = opened(cluster.spec, board.store)
        report = board.run(workers, partial(clusterjobs.square, board.marks, 0.4))
        restarted.join()
    assert (report.crashes, report.finished) == (1, True)
    assert board.all_done_once()
    assert "workers_lost stage=square error=tcp://127.0.0.1" in caplog.text


@pytest.mark.usefixtures("impatient")
def test_no_job_is_waited_for_in_vain_whenever_the_scheduler_ends(
    tmp_path: Path, opened: Callable[[str], Workers]
):
    with Cluster(tmp_path, workers=2) as cluster:
        workers = opened(cluster.spec)
        jobs = [workers.submit(time.sleep, 0.005) for _ in range(400)]
        jobs[50].result(timeout=60)
        cluster.stop_scheduler()
        settled, waiting = wait(jobs, timeout=30)
    assert not waiting
    lost = [job for job in settled if job.exception()]
    assert lost
    assert {type(job.exception()) for job in lost} == {WorkersLost}


@pytest.mark.usefixtures("impatient")
def test_a_network_cut_before_the_scheduler_is_said_and_the_run_goes_on_when_it_is_back(
    tmp_path: Path, board: Board, opened: Callable[[str], Workers], caplog: pytest.LogCaptureFixture
):
    with Cluster(tmp_path, workers=2) as cluster, Link(cluster.port) as link:
        workers = opened(f"dask:tcp://127.0.0.1:{link.port}", board.store)
        work = partial(clusterjobs.square, board.marks, 0.4)
        cut = when(lambda: len(clusterjobs.begun(board.marks)) >= 3, link.cut)
        with pytest.raises(ClusterError, match="no scheduler answers"):
            board.run(workers, work)
        cut.join()
        assert "the scheduler has not answered for 3 s" in caplog.text
        assert "due" in board.values.values()
        link.mend()
        report = board.run(workers, work)
    assert (report.crashes, report.finished) == (0, True)
    assert board.all_done_once()


@pytest.mark.usefixtures("impatient")
def test_where_no_worker_is_left_the_jobs_stay_due_and_it_is_said(
    tmp_path: Path, board: Board, opened: Callable[[str], Workers], caplog: pytest.LogCaptureFixture
):
    with Cluster(tmp_path, workers=1) as cluster:
        workers = opened(cluster.spec)
        work = partial(clusterjobs.square, board.marks, 0.4)
        gone = when(lambda: len(clusterjobs.begun(board.marks)) >= 2, lambda: cluster.stop_worker("w0"))
        with pytest.raises(ClusterError, match="no worker is there; start one: dask worker"):
            board.run(workers, work)
        gone.join()
        assert "no worker has been there for 3 s" in caplog.text
        cluster.start_worker()
        cluster.wait_for(1)
        assert board.run(workers, work).finished
    assert board.all_done_once()


@pytest.mark.usefixtures("impatient")
def test_a_closed_port_is_said_with_what_to_do(opened: Callable[[str], Workers]):
    with pytest.raises(
        ClusterError,
        match=r"127\.0\.0\.1:1: no scheduler answers \(Timed out trying to connect .*start one: dask",
    ):
        opened("dask:tcp://127.0.0.1:1").open()


def test_without_certificates_tls_is_refused_with_the_names_of_the_settings(opened: Callable[[str], Workers]):
    with pytest.raises(ConfigError, match="needs DASK_DISTRIBUTED__COMM__TLS__CA_FILE"):
        opened("dask:tls://127.0.0.1:1").open()


def test_a_worker_of_another_version_does_no_job_and_both_versions_are_named(
    tmp_path: Path, board: Board, opened: Callable[[str], Workers]
):
    other = tmp_path / "other"
    shutil.copytree(Path(aggregator.__file__).parent, other / "aggregator")
    (other / "aggregator" / "__init__.py").write_text('__version__ = "0.0.1"\n')
    with Cluster(tmp_path, workers=1) as cluster:
        workers = opened(cluster.spec)
        assert workers.submit(divmod, 7, 3).result() == (2, 1)
        cluster.stop_worker("w0")
        cluster.start_worker(environ={"PYTHONPATH": f"{other}{os.pathsep}{ROOT}"})  # joins later
        work = partial(clusterjobs.square, board.marks, 0)
        with pytest.raises(
            VersionMismatch, match=r"a worker on .* has aggregator 0\.0\.1 .*; jobs are given by"
        ):
            board.run(workers, work)
        workers.close()  # as a session does, where a stage cannot go on
        with pytest.raises(
            VersionMismatch, match=r"worker tcp://.* has aggregator 0\.0\.1 .*; install there agg"
        ):
            board.run(workers, work)
    assert not clusterjobs.begun(board.marks)
    assert set(board.values.values()) == {"due"}


def test_files_beside_the_sources_count_for_the_version(tmp_path: Path):
    other = tmp_path / "aggregator"
    shutil.copytree(Path(aggregator.__file__).parent, other)
    (other / "demo" / "stories.json").write_text("[]")
    asked = subprocess.run(
        [sys.executable, "-c", "from aggregator.remote import VERSION; print(VERSION)"],
        env={**os.environ, "PYTHONPATH": str(tmp_path)}, cwd=tmp_path, capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert asked.stdout.split("(")[0] == remote.VERSION.split("(")[0]
    assert asked.stdout.strip() != remote.VERSION


LACKING = """
import importlib.abc, sys

class Lacking(importlib.abc.MetaPathFinder):
    def find_spec(self, name, path=None, target=None):
        if name == "aggregator":
            raise ModuleNotFoundError("No module named 'aggregator'", name="aggregator")

sys.meta_path.insert(0, Lacking())
"""


@pytest.mark.parametrize("who", ["scheduler", "worker"])
def test_where_the_program_is_not_installed_it_is_said(
    tmp_path: Path, opened: Callable[[str], Workers], who: str
):
    (tmp_path / "lacking").mkdir()
    (tmp_path / "lacking" / "sitecustomize.py").write_text(LACKING)
    lacking = {"PYTHONPATH": f"{tmp_path / 'lacking'}{os.pathsep}{ROOT}"}
    whole = {"PYTHONPATH": str(ROOT)}
    with Cluster(tmp_path, workers=0, environ=lacking if who == "scheduler" else None) as cluster:
        cluster.start_worker(environ=whole if who == "scheduler" else lacking)
        cluster.wait_for(1)
        with pytest.raises(ClusterError, match=f"^{who} tcp://.*No module named 'aggregator'; install there"):
            opened(cluster.spec).open()


FEED = (
    b'<rss version="2.0"><channel><title>Example Systems</title><link>http://example.com/</link>'
    b"<item><title>A release</title><guid>one</guid><link>http://example.com/1</link></item></channel></rss>"
)


@pytest.fixture
def slow(environment: dict[str, str]) -> Iterator[FeedServer]:
    """List one feed, which takes a while to answer."""
    with FeedServer() as site:
        url = site.serve("/slow", FEED, wait=30.0)
        Path(environment["AGGREGATOR_OPML"]).write_text(
            f'<opml version="2.0"><head/><body><outline type="rss" text="Example" xmlUrl="{url}"/></body></opml>'
        )
        yield site


def once(environment: dict[str, str], cluster: Cluster, *given: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "aggregator", "once", *given],
        env={**environment, "PYTHONPATH": str(ROOT), "AGGREGATOR_EXECUTOR_POLL": cluster.spec},
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
    )  # fmt: skip


def test_a_run_that_is_killed_and_starts_again_asks_no_feed_twice_at_once(
    tmp_path: Path, slow: FeedServer, environment: dict[str, str]
):
    held = threading.Event()

    def hold(write: Callable[[bytes], None]) -> None:
        held.wait(25)  # a poll's own deadline is later
        write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\nConnection: close\r\n\r\n" % len(FEED) + FEED)

    slow.script("/slow", hold, Answer(body=FEED))
    with Cluster(tmp_path, workers=2) as cluster:
        first = once(environment, cluster)
        when(lambda: slow.asked("/slow"), first.kill).join()
        first.communicate()
        second = once(environment, cluster)
        assert second.stdout
        said = next((line for line in second.stdout if "earlier_jobs_awaited" in line), "")
        held.set()
        rest, _ = second.communicate(timeout=60)
    assert said
    assert second.returncode == 0, rest
    assert (len(slow.asked("/slow")), slow.busiest) == (2, 1)
    db = open_store(Path(environment["AGGREGATOR_STORE"]))
    assert [row["guid"] for row in db.table("entries").rows] == ["one"]
    db.close()


def test_interrupted_twice_a_run_parts_at_once_also_from_a_scheduler_that_is_silent(
    tmp_path: Path, slow: FeedServer, environment: dict[str, str]
):
    with Cluster(tmp_path, workers=1) as cluster:
        running = once(environment, cluster)
        when(lambda: slow.asked("/slow"), lambda: None).join()
        assert cluster.scheduler
        cluster.scheduler.send_signal(signal.SIGSTOP)
        running.send_signal(signal.SIGINT)
        time.sleep(0.5)
        running.send_signal(signal.SIGINT)
        begun = time.monotonic()
        said, _ = running.communicate(timeout=60)
    assert time.monotonic() - begun < 10
    assert running.returncode == 130
    assert said.splitlines() == ["finishing the batch in hand; ^C again ends at once"]


def test_with_certificates_work_is_done_behind_tls_and_not_without(
    tmp_path: Path, environment: dict[str, str]
):
    authority = trustme.CA()
    leaf = authority.issue_cert("127.0.0.1", "cluster.example")
    authority.cert_pem.write_to_path(tmp_path / "ca.pem")
    leaf.private_key_and_cert_chain_pem.write_to_path(tmp_path / "leaf.pem")
    names = {"CA_FILE": "ca.pem", **{f"{who}__{what}": "leaf.pem" for who in ("SCHEDULER", "WORKER", "CLIENT") for what in ("CERT", "KEY")}}  # fmt: skip
    tls = {f"DASK_DISTRIBUTED__COMM__TLS__{name}": str(tmp_path / file) for name, file in names.items()}
    with Cluster(tmp_path, workers=0, protocol="tls", environ=tls) as cluster:
        cluster.start_worker()
        work = "from aggregator.executors import open_workers as o; w = o('{}'); print(w.submit(divmod, 7, 3).result()); w.close()"
        tried = [
            subprocess.run(
                [sys.executable, "-c", work.format(spec)], env={**environment, "PYTHONPATH": str(ROOT), **given},
                capture_output=True, text=True, check=False,
            )
            for spec, given in ((cluster.spec, tls), (cluster.spec.replace("tls:", "tcp:"), {}))
        ]  # fmt: skip
    assert (tried[0].stdout, tried[0].stderr) == ("(2, 1)\n", "")
    assert "ClusterError: tcp://127.0.0.1" in tried[1].stderr


@pytest.mark.usefixtures("impatient")
def test_a_job_goes_only_where_the_resources_are(
    tmp_path: Path, board: Board, opened: Callable[[str], Workers]
):
    with Cluster(tmp_path, workers=2) as cluster:
        with pytest.raises(ClusterError, match="no worker with gpu=1 is there"):
            opened(f"{cluster.spec}?gpu=1").open()
        name = cluster.start_worker(resources="gpu=1")
        cluster.wait_for(3)
        workers = opened(f"{cluster.spec}?gpu=1")
        assert workers.open().width == 1
        board.run(workers, partial(clusterjobs.square, board.marks, 0))
        here = cluster.pids()[name]
    assert board.all_done_once()
    assert {pid for pids in clusterjobs.begun(board.marks).values() for pid in pids} == {here}


def test_a_process_does_one_job_at_a_time_however_many_threads_it_has(
    tmp_path: Path, opened: Callable[[str], Workers], caplog: pytest.LogCaptureFixture
):
    with Cluster(tmp_path, workers=0) as cluster:
        cluster.start_worker(threads=4)
        cluster.wait_for(1)
        workers = opened(cluster.spec)
        assert workers.open().width == 1
        begun = time.monotonic()
        for future in [workers.submit(time.sleep, 0.3) for _ in range(3)]:
            future.result()
    assert time.monotonic() - begun >= 0.9
    assert "worker_threads_unused hint='dask worker --nthreads 1'" in caplog.text
