"""What a wish to stop does to a command, sent as a signal."""

import signal
import socket
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.conftest import Aggregator


@pytest.fixture
def silent() -> Iterator[socket.socket]:
    """Take connections and never answer."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(30)
        yield server


@pytest.mark.parametrize("executor", ["processes:1", "processes:2"])
def test_a_second_interrupt_ends_a_poll_of_a_feed_that_hangs(
    silent: socket.socket,
    environment: dict[str, str],
    aggregator: Aggregator,
    tmp_path: Path,
    executor: str,
):
    url = f"http://127.0.0.1:{silent.getsockname()[1]}/feed"
    Path(environment["AGGREGATOR_OPML"]).write_text(
        f'<opml version="2.0"><body><outline type="rss" text="x" xmlUrl="{url}"/></body></opml>'
    )
    environment["AGGREGATOR_EXECUTOR_POLL"] = executor
    command = [sys.executable, "-m", "aggregator", "once"]
    running = subprocess.Popen(
        command, env=environment, cwd=tmp_path, stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True
    )
    with running, silent.accept()[0]:
        assert running.stderr
        running.send_signal(signal.SIGINT)
        assert "^C again ends at once" in running.stderr.readline()
        asked_at = time.monotonic()
        running.send_signal(signal.SIGINT)
        assert running.wait(timeout=60) != 0
        assert time.monotonic() - asked_at < 3
        assert "Traceback" not in running.stderr.read()  # until no worker holds it either
    with sqlite3.connect(environment["AGGREGATOR_STORE"]) as store:
        assert store.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        assert store.execute(
            "SELECT next_poll_at <= ? FROM feeds", [environment["AGGREGATOR_NOW"]]
        ).fetchone()
        assert store.execute("SELECT count(*) FROM polls").fetchone() == (0,)
    store.close()
    assert aggregator("list").returncode == 0
