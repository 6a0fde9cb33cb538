"""The daemon's rounds."""

import contextlib
import logging
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from aggregator import daemon, stages
from aggregator.config import Config
from aggregator.demo.server import DemoServer, opml
from aggregator.pipeline import Stage
from aggregator.session import Session
from aggregator.store import open_store
from tests.feedserver import FeedServer
from tests.test_subscribe import RSS

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
        publish_every=timedelta(milliseconds=10),
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


def test_a_long_translation_holds_back_no_changed_list(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    left = [1, 2]
    with FeedServer() as server:
        first, second = (server.serve(f"/{name}", RSS) for name in ("first", "second"))

        def work(_: Config, __: int) -> None:
            (tmp_path / "feeds.opml").write_text(_list(first, second))
            left.pop()
            time.sleep(0.02)  # longer than publish_every

        slow = Stage(
            name="slow", pending=lambda *_: left[:1], work=work, record=lambda *_: None,
            postpone=lambda *_: None, backlog=lambda *_: len(left), size=lambda _: 1,
        )  # fmt: skip
        monkeypatch.setattr(stages, "TRANSLATE", slow)
        _tick(tmp_path, _list(first).encode())
        assert len(server.asked("/second")) == 1


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


@pytest.mark.slow
@pytest.mark.timeout(4 * daemon.TICK + 60)
def test_a_running_daemon_takes_up_a_changed_list_within_one_tick(
    environment: dict[str, str], tmp_path: Path
):
    path, store = Path(environment["AGGREGATOR_OPML"]), environment["AGGREGATOR_STORE"]
    with FeedServer() as server:
        first, second = (server.serve(f"/{name}", RSS, etag=f'"{name}"') for name in ("first", "second"))
        path.write_text(_list(first))
        with subprocess.Popen(
            [sys.executable, "-m", "aggregator", "run", "--no-server"],
            env={name: value for name, value in environment.items() if name != "AGGREGATOR_NOW"},
            cwd=tmp_path,
            stdout=subprocess.DEVNULL,
        ) as process:
            try:
                _await(lambda: _polled(store, first), daemon.TICK)
                path.write_text(_list(second))
                _await(lambda: _polled(store, second), daemon.TICK + 10)
                assert not _listed(store, first)
                assert _entries(store) == 2  # a removed feed keeps its entries
                path.write_text(_list(first, second))
                _await(lambda: len(server.asked("/first")) == 2, daemon.TICK + 10)
            finally:
                process.terminate()
            assert process.wait(30) == 0
    assert _entries(store) == 2  # and has no duplicates when it is back


def _list(*urls: str) -> str:
    outlines = "".join(f'<outline text="{url}" xmlUrl="{url}"/>' for url in urls)
    return f'<opml version="2.0"><body>{outlines}</body></opml>'


def _await(fact: Callable[[], bool], seconds: float) -> None:
    deadline = time.monotonic() + seconds
    while not fact():
        assert time.monotonic() < deadline
        time.sleep(0.2)


def _ask(store: str, sql: str, *values: str) -> int:
    if not Path(store).exists():
        return 0
    with contextlib.closing(sqlite3.connect(store, timeout=10)) as db:
        try:
            return int((db.execute(sql, values).fetchone() or (0,))[0])
        except sqlite3.OperationalError:  # its tables are being made
            return 0


def _polled(store: str, url: str) -> bool:
    return _ask(store, "SELECT last_poll_at IS NOT NULL FROM feeds WHERE listed_url = ?", url) == 1


def _listed(store: str, url: str) -> bool:
    return _ask(store, "SELECT listed FROM feeds WHERE listed_url = ?", url) == 1


def _entries(store: str) -> int:
    return _ask(store, "SELECT count(*) FROM entries")
