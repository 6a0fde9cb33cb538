"""The daemon's rounds."""

import logging
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from aggregator import daemon
from aggregator.config import Config
from aggregator.demo.server import DemoServer, opml
from aggregator.stages import Session
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
