"""The daemon's rounds."""

import logging
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from aggregator import daemon
from aggregator.config import Config
from aggregator.demo.server import DemoServer, opml
from aggregator.session import Session
from aggregator.store import open_store

NOW = datetime(2026, 11, 24, 6, tzinfo=UTC)


def _tick(folder: Path, feeds: bytes) -> None:
    (folder / "feeds.opml").write_bytes(feeds)
    config = Config(
        opml=folder / "feeds.opml",
        store=folder / "store.sqlite",
        output=folder / "output",
        allow_private_hosts=True,
        host_spacing=timedelta(),
        engine="none",
        executor_poll="inline:",
    )
    db = open_store(config.store)
    session = Session(db=db, config=config, clock=lambda: NOW)
    daemon.tick(session)
    session.close()
    db.close()


def test_a_round_in_which_every_poll_failed_asks_for_the_network(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
):
    with caplog.at_level(logging.WARNING):
        _tick(tmp_path, opml(1))
    assert "every_poll_failed hint='is the network up?" in caplog.text


def test_a_round_that_polled_says_nothing_of_the_network(
    demo: DemoServer, tmp_path: Path, caplog: pytest.LogCaptureFixture
):
    with caplog.at_level(logging.WARNING):
        _tick(tmp_path, opml(demo.port))
    assert "every_poll_failed" not in caplog.text


def test_run_says_at_once_that_no_engine_is_ready_and_what_to_do(environment: dict[str, str], tmp_path: Path):
    Path(environment["AGGREGATOR_OPML"]).write_bytes(opml(1))
    with subprocess.Popen(
        [sys.executable, "-m", "aggregator", "--engine", "auto", "run", "--no-server"],
        env=environment,
        cwd=tmp_path,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    ) as process:
        assert process.stdout
        lines = [process.stdout.readline() for _ in range(4)]
        process.kill()
    assert lines[0] == "no translation engine is ready, so entries wait:\n"
    assert "aggregator models pull firefox" in lines[1]
    assert "aggregator models pull llamacpp" in lines[2]
    assert lines[3] == "running\n"
