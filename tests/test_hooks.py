"""Commands after a publish: told what changed, beside the run, never for ever, never with our secrets."""

import contextlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlite_utils import Database

from aggregator import commands, hooks
from aggregator.config import Config, load
from aggregator.demo.server import DemoServer
from aggregator.errors import ConfigError
from aggregator.hooks import Hooks
from aggregator.model import Document
from aggregator.publish import changed, write
from aggregator.store import hook_states, open_store
from tests.conftest import Aggregator

NOW = datetime(2026, 11, 24, 6, 0, tzinfo=UTC)
# Notes what it is told: one line of JSON a run.
TOLD = """
import json, os, sys
from pathlib import Path
lines = sys.stdin.read().split("\\n")[:-1]
same = Path(os.environ["HOOK_PATHS"]).read_text().split("\\n")[:-1]
with open({told!r}, "a") as file:
    known = {{name: os.environ[name] for name in ("HOOK", "HOOK_FOLDER")}}
    print(json.dumps({{"paths": lines, "same": same == lines, **known}}), file=file)
"""


@pytest.fixture
def db(tmp_path: Path) -> Iterator[Database]:
    store = open_store(tmp_path / "store.sqlite")
    yield store
    store.close()


def script(folder: Path, body: str, name: str = "hook.py") -> str:
    """Write a program and return the command that runs it."""
    (folder / name).write_text(body)
    return f"'{sys.executable}' '{folder / name}'"


def telling(folder: Path) -> str:
    return script(folder, TOLD.format(told=str(folder / "told")))


def told(folder: Path) -> list[list[str]]:
    return [json.loads(line)["paths"] for line in (folder / "told").read_text().splitlines()]


def settings(folder: Path, command: str, **more: object) -> Config:
    return Config(store=folder / "store.sqlite", output=folder / "output", after_publish=command, **more)  # type: ignore[arg-type]


def opened(db: Database, config: Config, now: datetime = NOW) -> Hooks:
    config.output.mkdir(exist_ok=True)
    return Hooks(db, config, lambda: now)


def wait_for(path: Path) -> None:
    deadline = time.monotonic() + 10
    while not path.exists() or not path.stat().st_size:
        assert time.monotonic() < deadline
        time.sleep(0.01)


def never() -> bool:
    return False


def test_a_command_is_told_everything_first_and_then_what_changed(tmp_path: Path, db: Database):
    config = settings(tmp_path, telling(tmp_path))
    for paths in ((), (config.output / "atom.xml", config.output / "entries" / "é 1.html"), ()):
        session = opened(db, config)
        session.note("after_publish", config.output, paths)
        session.close(never)
    assert told(tmp_path) == [["."], ["atom.xml", "entries/é 1.html"]]
    seen = json.loads((tmp_path / "told").read_text().splitlines()[1])
    assert seen["same"]
    assert (seen["HOOK"], seen["HOOK_FOLDER"]) == ("after_publish", str(tmp_path / "output"))


def test_a_slow_command_holds_up_nothing_and_is_told_later_what_changed_meanwhile(
    tmp_path: Path, db: Database
):
    go = tmp_path / "go"
    slow = f"import pathlib, time\nwhile not pathlib.Path({str(go)!r}).exists(): time.sleep(0.01)\n"
    config = settings(tmp_path, script(tmp_path, TOLD.format(told=str(tmp_path / "told")) + slow))
    session = opened(db, config)
    started = time.monotonic()
    session.look()
    wait_for(tmp_path / "told")
    for name in ("b", "a", "b"):
        session.note("after_publish", config.output, [config.output / name])
        session.look()
    assert time.monotonic() - started < 5
    assert told(tmp_path) == [["."]]  # one at a time
    go.touch()
    session.close(never)
    assert told(tmp_path) == [["."], ["a", "b"]]


def test_what_a_failed_run_was_told_is_told_again_after_a_rest(
    tmp_path: Path, db: Database, caplog: pytest.LogCaptureFixture
):
    fails = TOLD.format(told=str(tmp_path / "told")) + "print('no route'); sys.exit(3)"
    config = settings(tmp_path, script(tmp_path, fails))
    session = opened(db, config)
    session.close(never)
    for now in (NOW + timedelta(minutes=1), NOW + timedelta(minutes=6)):
        session = opened(db, config, now)
        session.note("after_publish", config.output, [config.output / "a"])
        session.close(never)
    assert told(tmp_path) == [["."], ["."]]  # everything holds the rest
    state = hook_states.read(db)["after_publish"]
    assert (state.failures, state.failure) == (2, "exit code 3: no route")
    assert "hook_failed name=after_publish" in caplog.text


def test_a_command_that_takes_too_long_is_ended_with_its_children(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(commands, "_GRACE", 0.5)
    child = tmp_path / "child"
    stubborn = f"""
import os, signal, subprocess, sys, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
loop = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print(1, flush=True); time.sleep(60)"
process = subprocess.Popen([sys.executable, "-c", loop], stdout=subprocess.PIPE)
process.stdout.readline()
open({str(child)!r}, "w").write(str(process.pid))
time.sleep(60)
"""
    started = time.monotonic()
    failure = commands.run(script(tmp_path, stubborn), (), {}, timedelta(seconds=1.5))
    assert failure == "took longer than 1.5 s and was ended"
    assert time.monotonic() - started < 10
    number = int(child.read_text())
    deadline = time.monotonic() + 5
    while Path(f"/proc/{number}/stat").exists():  # until whoever inherited it has buried it
        assert Path(f"/proc/{number}/stat").read_text().split()[2] == "Z" or time.monotonic() < deadline
        if Path(f"/proc/{number}/stat").read_text().split()[2] == "Z":
            break


def test_a_stop_ends_a_command_and_what_it_was_told_waits(tmp_path: Path, db: Database):
    config = settings(tmp_path, script(tmp_path, "import time; time.sleep(60)"))
    session = opened(db, config)
    session.look()
    started = time.monotonic()
    session.close(lambda: True)
    assert time.monotonic() - started < 5
    state = hook_states.read(db)["after_publish"]
    assert (state.failure, state.waiting) == ("was ended with us", (".",))


def test_after_a_kill_or_with_another_command_everything_is_told(tmp_path: Path, db: Database):
    config = settings(tmp_path, telling(tmp_path))
    opened(db, config).close(never)
    opened(db, config)  # and never closed: killed
    opened(db, config).close(never)
    opened(db, settings(tmp_path, telling(tmp_path) + " again")).close(never)
    assert told(tmp_path) == [["."]] * 3


def test_other_settings_are_taken_up_while_a_command_runs(tmp_path: Path, db: Database):
    go = tmp_path / "go"
    slow = f"import pathlib, time\nwhile not pathlib.Path({str(go)!r}).exists(): time.sleep(0.01)\n"
    config = settings(tmp_path, script(tmp_path, TOLD.format(told=str(tmp_path / "told")) + slow))
    session = opened(db, config)
    session.look()
    wait_for(tmp_path / "told")
    session.adopt(config)
    session.adopt(settings(tmp_path, telling(tmp_path) + " other"))
    go.touch()
    session.close(never)
    assert told(tmp_path) == [["."], ["."]]  # the other one is told of everything


def test_nothing_is_told_of_a_folder_that_is_not_there_yet(tmp_path: Path, db: Database):
    config = settings(tmp_path, telling(tmp_path))
    Hooks(db, config, lambda: NOW).close(never)
    assert not (tmp_path / "told").exists()
    opened(db, config).close(never)
    assert told(tmp_path) == [["."]]


def test_too_many_paths_are_everything(tmp_path: Path, db: Database, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(hook_states, "MOST", 3)
    config = settings(tmp_path, telling(tmp_path))
    opened(db, config).close(never)
    session = opened(db, config)
    session.note("after_publish", config.output, [config.output / name for name in "abcd"])
    session.close(never)
    assert told(tmp_path)[1:] == [["."]]


@pytest.mark.parametrize(
    ("command", "failure"),
    [("no-such-program-of-anybody", "cannot be started (No such file or directory)"),
     ("sh -c 'kill -9 $$'", "was ended by SIGKILL"), ("true", ""), ("sh -c 'exit 7'", "exit code 7"),
     ("sh -c 'kill -40 $$'", "was ended by signal 40"), (" ", "cannot be started (Permission denied)")],
)  # fmt: skip
def test_how_a_command_ended_is_said(command: str, failure: str):
    assert commands.run(command, (), {}, timedelta(seconds=10)) == failure


def test_a_command_that_cannot_be_given_what_it_is_told_has_failed():
    failure = commands.run("true", (), {"ALERT_TEXT": "a\0b"}, timedelta(seconds=10))
    assert failure == "cannot be started (embedded null byte)"


def test_a_command_that_prints_without_end_fills_no_disk(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    held: list[int] = []

    def watch() -> bool:
        sizes = [0]
        for path in Path("/proc/self/fd").iterdir():
            with contextlib.suppress(OSError):
                if path.readlink().is_relative_to(tmp_path):
                    sizes.append(path.stat().st_blocks * 512)
        held.append(max(sizes))
        return False

    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    monkeypatch.setattr(commands, "_MOST", 1_000_000)
    flood = script(tmp_path, "import time\nwhile True: print('x' * 99_999, flush=True), time.sleep(0.002)")
    failure = commands.run(flood, (), {}, timedelta(seconds=2), watch)
    assert failure.startswith("took longer than 2 s and was ended")
    assert 1_000_000 < max(held) < 15_000_000  # of 50 MB or more
    assert held != sorted(held)


def test_a_command_sees_no_key_and_no_token_of_ours(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    for name in ("AGGREGATOR_OPENAI_KEY", "AGGREGATOR_DEEPL_KEY", "AGGREGATOR_GITHUB_TOKEN",
                 "AGGREGATOR_REDDIT_CLIENT", "AGGREGATOR_ALERT", "NOTIFY_SOCKET"):  # fmt: skip
        monkeypatch.setenv(name, "secret")
    monkeypatch.setenv("AGGREGATOR_OUTPUT", "elsewhere")
    monkeypatch.setenv("RCLONE_CONFIG", "mine")
    seen = tmp_path / "seen"
    assert commands.run(f"sh -c 'env > {seen}'", (), {}, timedelta(seconds=10)) == ""
    assert "secret" not in seen.read_text()
    assert {"AGGREGATOR_OUTPUT=elsewhere", "RCLONE_CONFIG=mine"} <= {*seen.read_text().splitlines()}


def test_a_command_that_no_shell_could_read_is_refused(tmp_path: Path):
    with pytest.raises(ConfigError, match=r"after_backup = .*a quote is open"):
        load(None, {}, {"after_backup": "rsync 'output"})


def test_a_command_of_its_own_runs_to_its_end(tmp_path: Path):
    config = Config(after_backup=telling(tmp_path))
    backup = tmp_path / "backups" / "a.zip"
    assert hooks.run(config, "after_backup", backup.parent, [backup]) == ""
    assert hooks.run(config, "after_publish", backup.parent, [backup]) == ""  # none is set
    assert told(tmp_path) == [["a.zip"]]


def test_what_is_written_and_removed_is_noted_with_its_copies(tmp_path: Path):
    changed.take()
    long = Document(path="a/long.html", media_type="text/html", body=b"x" * 9000)
    short = Document(path="short.html", media_type="text/html", body=b"x")
    write.write(tmp_path, [long, short])
    names = ["a/long.html", "a/long.html.br", "a/long.html.gz", "short.html"]
    assert sorted(path.relative_to(tmp_path).as_posix() for path in changed.take() or ()) == names
    write.write(tmp_path, [long, short])
    assert changed.take() == ()
    write.remove(tmp_path, ["a/long.html", "none.html"])
    assert sorted(path.relative_to(tmp_path).as_posix() for path in changed.take() or ()) == names[:3]


def test_changes_beyond_bounds_are_everything_once(monkeypatch: pytest.MonkeyPatch):
    changed.take()
    monkeypatch.setattr(changed, "MOST", 2)
    for name in ("a", "b", "a"):
        changed.note(Path(name))
    assert changed.take() == (Path("a"), Path("b"))
    for name in ("a", "b", "c"):
        changed.note(Path(name))
    assert changed.take() is None
    assert changed.take() == ()


@pytest.mark.skipif(not shutil.which("rsync"), reason="rsync is not installed")
def test_rsync_keeps_a_copy_like_output(demo_feeds: DemoServer, aggregator: Aggregator, tmp_path: Path):
    """The line of docs/deploy.md, with a folder in the place of a host."""
    assert demo_feeds.port
    line = f"rsync -rt --delete-missing-args --files-from=- output/ {tmp_path}/copy/"
    assert line.replace(f"{tmp_path}/copy/", "www@host.example:/srv/www/") in Path(
        "docs/deploy.md"
    ).read_text(encoding="utf-8")
    settings = {"AGGREGATOR_AFTER_PUBLISH": line, "AGGREGATOR_UNTRANSLATED": "publish"}
    later = {**settings, "AGGREGATOR_NOW": "2026-11-24T13:00:00Z", "AGGREGATOR_HOLD_TIME": "0"}
    for extra in (settings, later, {**later, "AGGREGATOR_MORNING_AT": "off"}):
        ran = aggregator("once", **extra)
        assert ran.returncode == 0
        assert "hook_failed" not in ran.stderr
        same = subprocess.run(
            ["diff", "-r", tmp_path / "output", tmp_path / "copy"],
            capture_output=True,
            text=True,
            check=False,
        )
        assert same.stdout == ""
    assert (tmp_path / "copy" / "atom.xml").exists()
    assert not (tmp_path / "copy" / "morning.xml").exists()
    shown = json.loads(aggregator("status", "--json", **later).stdout)
    assert shown["hooks"].startswith("after_publish ran ")
    assert shown["figures"]["hooks"]["after_publish"]["failures"] == 0


def test_a_command_that_fails_fails_no_run_and_status_says_so(demo_feeds: DemoServer, aggregator: Aggregator):
    assert demo_feeds.port
    settings = {"AGGREGATOR_AFTER_PUBLISH": "sh -c 'echo no route; exit 5'"}
    assert aggregator("once", **settings).returncode == 0
    assert "failed once, last 0 s ago: exit code 5: no route" in aggregator("status", **settings).stdout
    assert os.environ.get("HOOK") is None
