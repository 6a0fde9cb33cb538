"""The daemon: turns of groups, signals, the lock, and what a service manager is told."""

import contextlib
import logging
import signal
import socket
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from aggregator import stages
from aggregator.config import Config
from aggregator.daemon import Daemon, schedules
from aggregator.demo.server import DemoServer, opml
from aggregator.errors import ConfigError, PublishError
from aggregator.executors import open_workers
from aggregator.faults import GROUPS
from aggregator.pipeline import Stage
from aggregator.rota import Rota
from aggregator.session import Session, take_up_opml
from aggregator.signals import Asked
from aggregator.store import due, open_store, stage_runs
from aggregator.systemd import ServiceManager
from aggregator.times import from_text
from tests.feedserver import FeedServer
from tests.test_subscribe import RSS
from tests.webservers import ask

NOW = datetime(2026, 11, 24, 6, tzinfo=UTC)
SECOND = timedelta(seconds=1)


class Clock:
    """A clock that goes when it is told to."""

    def __init__(self) -> None:
        self.now = NOW

    def __call__(self) -> datetime:
        return self.now


@pytest.fixture
def started(tmp_path: Path) -> Iterator[Daemon]:
    """Return a daemon over a store, an output and a list of feeds of its own, which nobody has told to work."""
    config = Config(
        opml=tmp_path / "feeds.opml",
        store=tmp_path / "store.sqlite",
        output=tmp_path / "output",
        allow_private_hosts=True,
        host_spacing=timedelta(),
        engine="none",
        executor_poll="inline:",
        publish_every=timedelta(milliseconds=10),
    )
    config.opml.write_text(_list())
    db, asked = open_store(config.store), Asked()
    session = Session(db=db, config=config, clock=lambda: NOW, stop=lambda: asked.stop)
    daemon = Daemon(
        session=session, rota=Rota(schedules(config)), asked=asked, manager=ServiceManager(),
        reread=lambda: config, adopt=lambda _: None, time=Clock(),
    )  # fmt: skip
    yield daemon
    session.close()
    db.close()


def _slow(work: Callable[[Config, int], None], left: list[int]) -> Stage:
    """Return a stage that works off a list, one of it a job."""
    return Stage(
        name="slow", pending=lambda *_: left[:1], work=work, record=lambda *_: None,
        postpone=lambda *_: None, backlog=lambda *_: len(left), size=lambda _: 1,
    )  # fmt: skip


def test_every_group_has_settings_of_its_own():
    assert tuple(stages.GROUPS) == GROUPS


def test_a_turn_in_which_every_poll_failed_asks_for_the_network(
    started: Daemon, caplog: pytest.LogCaptureFixture
):
    started.session.config.opml.write_bytes(opml(1))
    with caplog.at_level(logging.WARNING):
        started.take_turn("poll")
    assert "every_poll_failed hint='is the network up?" in caplog.text


def test_a_turn_that_polled_says_nothing_of_the_network(
    demo: DemoServer, started: Daemon, caplog: pytest.LogCaptureFixture
):
    started.session.config.opml.write_bytes(opml(demo.port))
    with caplog.at_level(logging.WARNING):
        started.take_turn("poll")
    assert "every_poll_failed" not in caplog.text


def test_a_backlog_of_translations_holds_back_neither_polls_nor_publishing(
    started: Daemon, monkeypatch: pytest.MonkeyPatch
):
    left, clock = list(range(200)), started.time
    turns: list[tuple[str, int]] = []
    assert isinstance(clock, Clock)

    def work(_: Config, __: int) -> None:
        left.pop()
        time.sleep(0.012)  # longer than a turn: each one works off a job
        clock.now += 10 * SECOND
        started.asked.stop = not left

    def noting(name: str) -> stages.Group:
        group = stages.GROUPS[name]
        return lambda *given: turns.append((name, len(left))) or group(*given)  # type: ignore[func-returns-value]

    monkeypatch.setattr(stages, "TRANSLATE", _slow(work, left))
    for name in stages.GROUPS:
        monkeypatch.setitem(stages.GROUPS, name, noting(name))
    with FeedServer() as server:
        first, second = (server.serve(f"/{name}", RSS) for name in ("first", "second"))
        started.session.config.opml.write_text(_list(first, second))
        started.work()
        assert len(server.asked("/second")) == 1
    for group in (
        "poll",
        "publish",
        "count",
        "care",
    ):  # at each of the half minutes that went by, or one later
        left_at = [at for name, at in turns if name == group]
        assert max(a - b for a, b in zip(left_at, [*left_at[1:], 0], strict=True)) <= 2 * 3
    assert [name for name, _ in turns].count("translate") >= 190  # all else that time is its own
    assert (started.session.config.output / "atom.xml").exists()


def test_a_group_that_fails_leaves_their_turns_to_others(
    started: Daemon, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
):
    ran = []

    def fail(error: Exception) -> stages.Group:
        def group(*_: object) -> list[stages.StageReport]:
            raise error

        return group

    monkeypatch.setitem(stages.GROUPS, "poll", fail(PublishError("no room")))
    monkeypatch.setitem(stages.GROUPS, "translate", fail(KeyError("unforeseen")))
    monkeypatch.setitem(stages.GROUPS, "publish", lambda *_: ran.append("publish") or [])
    monkeypatch.setitem(stages.GROUPS, "care", lambda *_: setattr(started.asked, "stop", True) or [])
    started.work()
    assert ran == ["publish"]
    assert "turn_failed group=poll error=no room" in caplog.text
    assert "turn_crashed group=translate error=KeyError: 'unforeseen'" in caplog.text
    assert "Traceback" in caplog.text


def test_a_turn_that_crashes_leaves_no_job_in_hand_that_would_be_given_out_again(
    started: Daemon, monkeypatch: pytest.MonkeyPatch
):
    workers = started.session.workers["poll"] = open_workers("processes:1")
    given = []

    def crash(*_: object) -> list[stages.StageReport]:
        given.append(workers.submit(time.sleep, 0.5))
        raise KeyError("unforeseen")

    monkeypatch.setitem(stages.GROUPS, "poll", crash)
    started.take_turn("poll")
    assert given[0].done()


def test_after_three_days_without_power_no_host_sees_a_herd_and_readers_are_given_news_between(
    started: Daemon, monkeypatch: pytest.MonkeyPatch
):
    apart, turns = timedelta(milliseconds=20), []
    settings = {"host_spacing": apart, "budget_poll": timedelta(milliseconds=1), "extract": "feed"}
    session = started.session
    session.config = replace(session.config, **settings)

    def noting(name: str) -> stages.Group:
        def group(*given: Any) -> list[stages.StageReport]:
            reports = of_old[name](*given)
            turns.append((name, sum(report.units for report in reports if report.name == "poll")))
            started.asked.stop = not due.count(session.db, session.clock())
            return reports

        return group

    of_old = dict(stages.GROUPS)
    for name in stages.GROUPS:
        monkeypatch.setitem(stages.GROUPS, name, noting(name))
    with FeedServer(hosts=25) as server:
        for number in range(20):
            server.serve(f"/{number}", RSS)
        session.config.opml.write_text(
            _list(*(server.url(f"/{n}", host) for n in range(20) for host in range(1, 26)))
        )
        take_up_opml(session.db, session.config, lambda: NOW)
        session.clock = lambda: NOW + timedelta(days=3)
        started.work()
    polled = [units for name, units in turns if name == "poll"]
    assert sum(polled) == 500
    assert polled[0] in {180, 340}  # one or two of three jobs, and others have their turn
    assert [name for name, _ in turns][:6] == ["poll", "translate", "publish", "count", "care", "poll"]
    for host in range(1, 26):
        polls = (seen for seen in server.requests if seen.path[1:].isdecimal())
        asked = sorted(seen.at for seen in polls if seen.host == f"127.0.0.{host}")
        assert len(asked) == 20
        assert min(b - a for a, b in pairwise(asked)) >= apart.total_seconds() * 0.95
    first, last = session.db.execute("SELECT min(next_poll_at), max(next_poll_at) FROM feeds").fetchone()
    assert from_text(last) - from_text(first) > timedelta(minutes=8)  # nor will they be one next time


def test_a_clock_that_is_set_back_by_a_day_is_said_and_stops_no_turn(
    started: Daemon, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
):
    clock, days = started.time, []
    assert isinstance(clock, Clock)

    def poll(*_: object) -> list[stages.StageReport]:
        days.append(clock.now.day)
        clock.now += timedelta(days=-1) if len(days) == 1 else 30 * SECOND
        started.asked.stop = len(days) == 4
        return []

    for name in stages.GROUPS:
        monkeypatch.setitem(stages.GROUPS, name, poll if name == "poll" else lambda *_: [])
    monkeypatch.setattr(Asked, "wait", lambda _, seconds: setattr(clock, "now", clock.now + seconds * SECOND))
    started.work()
    assert days == [24, 23, 23, 23]
    assert "clock_set_back by='1 d'" in caplog.text


def test_new_settings_hold_from_the_next_turn_and_those_of_what_is_open_from_the_next_start(
    started: Daemon, caplog: pytest.LogCaptureFixture, tmp_path: Path
):
    adopted: list[Config] = []
    old = started.session.config
    new = replace(old, schedule_poll="10m", site_title="別の題", store=tmp_path / "other.sqlite")
    started.reread, started.adopt = lambda: new, adopted.append
    started.reload()
    assert started.session.config == replace(new, store=old.store) == adopted[0]
    assert "settings_need_a_restart names=store" in caplog.text
    assert started.rota.idle(NOW) == 30 * SECOND
    assert started.rota.next_at["poll"] == NOW + timedelta(minutes=10)


def test_new_settings_wait_while_another_program_holds_the_store(started: Daemon):
    started.session.db.execute("PRAGMA busy_timeout = 100").fetchall()
    started.reread = lambda: replace(started.session.config, after_publish="true")
    with contextlib.closing(sqlite3.connect(started.session.config.store, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        started.reload()
        assert started.asked.reload
    started.asked.reload = False
    started.reload()
    assert not started.asked.reload
    assert started.session.config.after_publish == "true"


def test_settings_that_cannot_be_used_leave_the_old_ones(started: Daemon, caplog: pytest.LogCaptureFixture):
    old = started.session.config

    def refuse() -> Config:
        raise ConfigError("aggregator.toml: engine = 'x'")

    started.reread = refuse
    started.reload()
    assert started.session.config is old
    assert "settings_refused error=aggregator.toml: engine = 'x'" in caplog.text
    assert "poll" in started.rota.waiting  # feeds.opml is read all the same


@contextlib.contextmanager
def _running(
    environment: dict[str, str], folder: Path, *options: str, serve: bool = False, **extra: str
) -> Iterator[subprocess.Popen[str]]:
    """Run the daemon, by the machine's clock, looking each second; it is dead afterwards."""
    kept = {name: value for name, value in environment.items() if name != "AGGREGATOR_NOW"}
    often = {f"AGGREGATOR_SCHEDULE_{group.upper()}": "1s" for group in GROUPS}
    command = [*options, "run", "--server" if serve else "--no-server"]
    with _started(kept | often | extra, folder, *command) as process:
        yield process


@contextlib.contextmanager
def _started(environment: dict[str, str], folder: Path, *command: str) -> Iterator[subprocess.Popen[str]]:
    with subprocess.Popen(
        [sys.executable, "-m", "aggregator", *command],
        env=environment,
        cwd=folder,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        try:
            yield process
        finally:
            process.kill()


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


def test_a_running_daemon_takes_up_a_changed_list_within_one_turn(
    environment: dict[str, str], tmp_path: Path
):
    path, store = Path(environment["AGGREGATOR_OPML"]), environment["AGGREGATOR_STORE"]
    with FeedServer() as server:
        first, second = (server.serve(f"/{name}", RSS, etag=f'"{name}"') for name in ("first", "second"))
        path.write_text(_list(first))
        with _running(environment, tmp_path) as process:
            _await(lambda: _polled(store, first))
            path.write_text(_list(second))
            _await(lambda: _polled(store, second))
            assert not _listed(store, first)
            assert _entries(store) == 2  # a removed feed keeps its entries
            path.write_text(_list(first, second))
            _await(lambda: len(server.asked("/first")) == 2)
            process.terminate()
            assert process.wait(30) == 0
    assert _entries(store) == 2  # and has no duplicates when it is back


def test_a_second_daemon_is_refused_until_the_first_is_dead(environment: dict[str, str], tmp_path: Path):
    Path(environment["AGGREGATOR_OPML"]).write_text(_list())
    command = [sys.executable, "-m", "aggregator", "run", "--no-server", "--wait", "0s"]
    with _running(environment, tmp_path) as first:
        assert first.stdout
        assert first.stdout.readline() == "running\n"
        second = subprocess.run(
            command, env=environment, cwd=tmp_path, capture_output=True, text=True, check=False, timeout=60
        )
        assert second.returncode == 4
        assert f"held by aggregator run (process {first.pid})" in second.stderr
        first.send_signal(signal.SIGKILL)
        first.wait()
        with _running(environment, tmp_path) as third:
            assert third.stdout
            assert third.stdout.readline() == "running\n"
            third.terminate()
            assert third.wait(30) == 0


def test_a_hangup_has_the_settings_read_anew(environment: dict[str, str], tmp_path: Path):
    Path(environment["AGGREGATOR_OPML"]).write_text(_list())
    settings, index = tmp_path / "aggregator.toml", Path(environment["AGGREGATOR_OUTPUT"]) / "index.html"
    settings.write_text('site_title = "朝の題"')
    with _running(environment, tmp_path, "--verbose") as process:
        assert process.stderr
        _await(lambda: index.exists() and "朝の題" in index.read_text())
        settings.write_text('site_title = "夜の題"\nmax_entries = 0')
        process.send_signal(signal.SIGHUP)
        assert "max_entries = 0: expected" in _line(process, "settings_refused")
        settings.write_text('site_title = "夜の題"\nlisten = "127.0.0.1:1"')
        process.send_signal(signal.SIGHUP)
        assert "names=listen" in _line(process, "settings_need_a_restart")
        _await(lambda: "夜の題" in index.read_text())
        process.terminate()
        assert process.wait(30) == 0


def test_a_hangup_has_the_server_answer_by_the_new_settings(environment: dict[str, str], tmp_path: Path):
    Path(environment["AGGREGATOR_OPML"]).write_text(_list())
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    settings = {"AGGREGATOR_LISTEN": f"127.0.0.1:{port}"}
    with _running(environment, tmp_path, serve=True, **settings) as process:
        assert process.stdout
        process.stdout.readline()
        assert ask(port, "/search?q=x").status == 200
        (tmp_path / "aggregator.toml").write_text("search = false")
        process.send_signal(signal.SIGHUP)
        _await(lambda: ask(port, "/search?q=x").status == 404)
        process.terminate()
        assert process.wait(30) == 0


def test_a_hangup_has_a_server_alone_answer_by_the_new_settings_and_keep_them_where_they_are_wrong(
    environment: dict[str, str], tmp_path: Path
):
    Path(environment["AGGREGATOR_OPML"]).write_text(_list())
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    settings = {"AGGREGATOR_LISTEN": f"127.0.0.1:{port}"}
    with _started(environment | settings, tmp_path, "-v", "serve") as process:
        assert process.stdout
        process.stdout.readline()
        assert ask(port, "/search?q=x").status == 200
        (tmp_path / "aggregator.toml").write_text("search = false")
        process.send_signal(signal.SIGHUP)
        _line(process, "settings_taken_up")
        assert ask(port, "/search?q=x").status == 404
        (tmp_path / "aggregator.toml").write_text("search = 'perhaps'")
        process.send_signal(signal.SIGHUP)
        _line(process, "settings_refused")
        assert ask(port, "/search?q=x").status == 404
        process.terminate()
        assert process.wait(30) == 0


def test_a_second_interrupt_ends_a_daemon_whose_worker_waits_for_a_feed_that_hangs(
    environment: dict[str, str], tmp_path: Path
):
    with socket.create_server(("127.0.0.1", 0)) as silent:
        silent.settimeout(30)
        url = f"http://127.0.0.1:{silent.getsockname()[1]}/feed"
        Path(environment["AGGREGATOR_OPML"]).write_text(_list(url))
        with _running(environment, tmp_path) as process, silent.accept()[0]:
            assert process.stderr
            process.send_signal(signal.SIGINT)
            _line(process, "^C again ends at once")
            asked_at = time.monotonic()
            process.send_signal(signal.SIGINT)
            assert process.wait(30) != 0
            assert time.monotonic() - asked_at < 5
            assert "Traceback" not in process.stderr.read()


def test_a_service_manager_is_told_when_the_daemon_works_reloads_lives_and_ends(
    environment: dict[str, str], tmp_path: Path
):
    Path(environment["AGGREGATOR_OPML"]).write_text(_list())
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind(str(tmp_path / "notify"))
        manager.settimeout(30)
        told = {"NOTIFY_SOCKET": str(tmp_path / "notify"), "WATCHDOG_USEC": "2000000"}
        with _running(environment, tmp_path, **told) as process:
            assert _said(manager) == "READY=1"
            wanted = {"WATCHDOG=1", "STATUS=waits for the next turn"}
            while wanted:
                wanted -= {_said(manager)}
            process.send_signal(signal.SIGHUP)
            while (said := _said(manager)).partition("=")[0] in {"WATCHDOG", "STATUS"}:
                pass
            name, moment = said.split("\n")
            assert name == "RELOADING=1"
            assert 0 <= time.monotonic_ns() // 1000 - int(moment.removeprefix("MONOTONIC_USEC=")) < 30_000_000
            assert _said(manager) == "READY=1"
            process.terminate()
            while (said := _said(manager)).partition("=")[0] in {"WATCHDOG", "STATUS"}:
                pass
            assert said == "STOPPING=1"
            assert process.wait(30) == 0


def _said(manager: socket.socket) -> str:
    return manager.recv(1000).decode()


def _line(process: "subprocess.Popen[str]", part: str) -> str:
    """Return the next line that says this."""
    assert process.stderr
    for line in process.stderr:
        if part in line:
            return line
    raise AssertionError(part)


def _list(*urls: str) -> str:
    outlines = "".join(f'<outline text="{url}" xmlUrl="{url}"/>' for url in urls)
    return f'<opml version="2.0"><body>{outlines}</body></opml>'


def _await(fact: Callable[[], bool], seconds: float = 40) -> None:
    deadline = time.monotonic() + seconds
    while not fact():
        assert time.monotonic() < deadline
        time.sleep(0.1)


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


def test_a_turn_is_noted_and_one_that_keeps_failing_is_told(started: Daemon, tmp_path: Path):
    heard = tmp_path / "heard"
    (tmp_path / "tell.sh").write_text(f'echo "$ALERT_EVENT $ALERT_KEY" >> {heard}')
    started.session.config = replace(started.session.config, alert=f"sh {tmp_path}/tell.sh")
    started.session.config.output.write_text("no folder")
    for _ in range(3):
        started.take_turn("publish")
    started.session.write_runs()
    started.tell()
    assert started.alerts.sent
    assert started.alerts.sent[1].result(timeout=10) == ""
    started.alerts.close()
    assert heard.read_text() == "trouble stage publish\n"
    known = stage_runs.all_of(started.session.db)
    assert (known["round publish"].failures, known["publish"].failures) == (3, 3)


def test_an_error_nobody_foresaw_is_noted_as_a_failed_round(started: Daemon, monkeypatch: pytest.MonkeyPatch):
    def unforeseen(*_: object) -> list[object]:
        raise ZeroDivisionError("nobody")

    monkeypatch.setitem(stages.GROUPS, "count", unforeseen)
    started.take_turn("count")
    started.session.write_runs()
    known = stage_runs.all_of(started.session.db)["round count"]
    assert (known.failures, known.failure) == (1, "ZeroDivisionError: nobody")
