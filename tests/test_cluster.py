"""Work on the workers of a dask cluster."""

import os
from collections.abc import Iterator

import pytest

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


def test_there_are_as_many_jobs_at_a_time_as_workers(workers: Workers):
    assert workers.width == 1
    workers.submit(os.getpid).result()
    assert workers.width == 2
