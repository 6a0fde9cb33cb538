"""Work on the workers of a dask cluster."""

import logging
import os
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime

import pytest

from aggregator import cluster as ours
from aggregator import surroundings
from aggregator.config import Config
from aggregator.executors import Workers, open_workers
from tests.cluster import Cluster

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    with Cluster(tmp_path_factory.mktemp("dask"), workers=2) as cluster:
        yield cluster


@pytest.fixture
def workers(cluster: Cluster) -> Iterator[Workers]:
    workers = open_workers(cluster.spec)
    yield workers
    workers.close()


def test_calls_run_on_the_workers_and_carry_what_was_raised(workers: Workers, cluster: Cluster):
    assert workers.submit(os.getpid).result() in cluster.pids().values()
    with pytest.raises(ZeroDivisionError):
        workers.submit(divmod, 1, 0).result()


def test_the_same_call_given_twice_is_done_twice(workers: Workers):
    drawn = [workers.submit(os.urandom, 8).result() for _ in range(2)]
    assert drawn[0] != drawn[1]


def test_a_large_job_goes_there_and_back_without_a_word(workers: Workers):
    body = os.urandom(12_000_000)
    assert workers.submit(bytes, body).result() == body


def test_there_are_as_many_jobs_at_a_time_as_workers(workers: Workers):
    assert workers.width == 1
    workers.submit(os.getpid).result()
    assert workers.width == 2


def test_doctor_counts_the_workers(cluster: Cluster):
    settings = Config(executor_poll=cluster.spec, executor_translate=cluster.spec)
    [finding] = surroundings.clusters(settings, datetime(2026, 11, 24, tzinfo=UTC))
    assert (finding.text, finding.ok) == (f"{cluster.spec}: 2 workers, of this version", True)


def test_who_joins_and_leaves_is_said(
    cluster: Cluster, workers: Workers, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(ours, "LOOK", 0.1)
    caplog.set_level(logging.INFO)
    workers.open()
    name = cluster.start_worker()
    until(lambda: workers.width == 3)
    assert "worker_joined worker=tcp://127.0.0.1" in caplog.text
    cluster.stop_worker(name)
    until(lambda: workers.width == 2)
    assert "worker_left worker=tcp://127.0.0.1" in caplog.text


def test_distributed_says_nothing_of_its_own(
    cluster: Cluster, workers: Workers, capfd: pytest.CaptureFixture[str]
):
    assert workers.submit(divmod, 7, 3).result() == (2, 1)
    for name in ("distributed", "distributed.client", "tornado.application"):
        logging.getLogger(name).error("noise")
    workers.close()
    assert capfd.readouterr() == ("", "")


def until(condition: Callable[[], bool]) -> None:
    """Wait until something holds."""
    deadline = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.05)
