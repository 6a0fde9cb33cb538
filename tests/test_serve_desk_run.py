"""The operator's desk of `aggregator run`: what is done there, the run that holds the lock does."""

import contextlib
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.feedserver import FeedServer
from tests.operating import TOKEN, Operator
from tests.test_subscribe import RSS


@pytest.fixture
def running(environment: dict[str, str], tmp_path: Path) -> Iterator[Operator]:
    """Run the daemon with a server, and log in there."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    settings = {
        "LISTEN": f"127.0.0.1:{port}", "OPERATOR_TOKEN": TOKEN, "SCHEDULE_POLL": "1s",
        "SCHEDULE_PUBLISH": "1s", "EXECUTOR_POLL": "inline:",
    }  # fmt: skip
    given = {f"AGGREGATOR_{name}": value for name, value in settings.items()}
    del environment["AGGREGATOR_NOW"]  # the server's pages go by the machine's clock
    with subprocess.Popen(
        [sys.executable, "-m", "aggregator", "run"], env=environment | given, cwd=tmp_path,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    ) as process:  # fmt: skip
        operator = Operator(port)
        try:
            _await(lambda: _is_in(operator), "the server does not answer")
            yield operator
        finally:
            process.terminate()
            said, complaints = process.communicate(timeout=60)
        assert process.returncode == 0, complaints
        assert TOKEN not in said + complaints


def _is_in(operator: Operator) -> bool:
    with contextlib.suppress(OSError):
        return operator.log_in().status == 303
    return False


def _await(fact: Callable[[], bool], lack: str) -> None:
    until = time.monotonic() + 60
    while not fact():
        assert time.monotonic() < until, lack
        time.sleep(0.1)


def test_what_is_asked_for_beside_a_run_is_done_by_it(running: Operator):
    with FeedServer() as site:
        site.serve("/feed.xml", RSS)
        looked = running.post("add", {"key": running.key(), "url": site.url("/feed.xml")})
        assert "Bolt Weekly" in running.do(looked.headers["Location"], category="News")
        assert len(site.asked("/feed.xml")) == 1
        running.do("feeds/1/retry")
        _await(lambda: len(site.asked("/feed.xml")) == 2, "it was not tried again")
        running.do("feeds/1/pause")
        assert "停止中" in running.see("feeds/1")
        running.do("feeds/1/resume")
        _await(lambda: len(site.asked("/feed.xml")) == 3, "it was not polled again")
    _await(lambda: "Acme ships a router" in running.see("entries"), "its entry did not come")
