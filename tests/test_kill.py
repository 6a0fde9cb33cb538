"""SIGKILL at random moments of a run, then a run to the end: nothing lost, nothing twice, nothing left running."""

import os
import random
import signal
import sqlite3
import subprocess
import sys
import time
from pathlib import Path

import pytest

from aggregator.config import Config
from aggregator.demo.server import DemoServer
from aggregator.translate import models
from tests.smallmodel import model_folder, real_manifest

KILLS = int(os.environ.get("KILLS", "20"))
SCRIPT = Path(__file__).with_name("smallmodel_cli.py")

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]


@pytest.fixture
def portuguese(tmp_path: Path, environment: dict[str, str]) -> tuple[list[str], dict[str, str]]:
    """Return the command line that translates with the real small model, and its environment."""
    manifest = real_manifest(tmp_path / "manifest.json")
    config = Config(models=tmp_path / "models", language="pt", models_url=str(model_folder()))
    models.pull("firefox", config, manifest=manifest)
    # Each kind of interruption has to be met: translation is cut into small slices, published in between.
    settings = {"LANGUAGE": "pt", "ENGINE": "firefox", "PUBLISH_EVERY": "0.2s"}
    extra = {f"AGGREGATOR_{name}": value for name, value in settings.items()}
    root = str(Path(__file__).parent.parent)
    return [sys.executable, str(SCRIPT), str(manifest)], environment | extra | {"PYTHONPATH": root}


def _start(command: list[str], environment: dict[str, str], folder: Path) -> subprocess.Popen[bytes]:
    own = {"AGGREGATOR_STORE": str(folder / "store.sqlite"), "AGGREGATOR_OUTPUT": str(folder / "output")}
    folder.mkdir(exist_ok=True)
    with (folder / "log.txt").open("ab") as log:
        return subprocess.Popen([*command, "once"], env=environment | own, stdout=log, stderr=log)


def _result(folder: Path) -> tuple[dict[str, bytes], list[tuple[object, ...]]]:
    files = {
        str(path.relative_to(folder / "output")): path.read_bytes()
        for path in sorted((folder / "output").rglob("*")) if path.is_file()
    }  # fmt: skip
    db = sqlite3.connect(folder / "store.sqlite")
    rows = db.execute(
        """SELECT f.listed_url, e.guid, e.fingerprint, e.revisions, t.title, t.summary, t.story, p.public_id, p.slug,
        p.state, p.first_published_at, p.updated_at, p.body
        FROM entries e JOIN feeds f USING (feed_id) JOIN stories s USING (story_id)
        LEFT JOIN translations t ON t.entry_id = s.lead_entry_id LEFT JOIN publications p USING (story_id)
        ORDER BY 1, 2"""
    ).fetchall()
    db.close()
    return files, rows


def _running(mark: str) -> list[int]:
    """List the processes whose environment names the folder."""
    found = []
    for entry in Path("/proc").iterdir():
        try:
            if entry.name.isdigit() and mark.encode() in (entry / "environ").read_bytes():
                found.append(int(entry.name))
        except (FileNotFoundError, PermissionError, ProcessLookupError):
            continue
    return found


def _gone(mark: str) -> bool:
    deadline = time.monotonic() + 10
    while _running(mark) and time.monotonic() < deadline:
        time.sleep(0.05)
    return not _running(mark)


def test_kills_at_random_moments_change_nothing(
    demo_feeds: DemoServer, portuguese: tuple[list[str], dict[str, str]], tmp_path: Path
):
    assert demo_feeds.port
    command, environment = portuguese
    started = time.monotonic()
    whole = tmp_path / "whole"
    assert _start(command, environment, whole).wait() == 0, (whole / "log.txt").read_text()
    length = time.monotonic() - started
    files, rows = _result(whole)
    assert len(rows) >= 20
    assert sum(row[9] == "translated" for row in rows) >= 15

    chance = random.Random(20261124)
    killed = 0
    for number in range(3 * KILLS):
        folder = tmp_path / f"kill-{number}"
        started = time.monotonic()
        process = _start(command, environment, folder)
        try:
            process.wait(chance.uniform(0.2, length))
            length = min(length, time.monotonic() - started)  # it was measured on a busier machine
        except subprocess.TimeoutExpired:
            process.send_signal(signal.SIGKILL)
            process.wait()
            killed += 1
        assert _gone(str(folder)), f"kill {number} left a process behind"
        assert _start(command, environment, folder).wait() == 0, (folder / "log.txt").read_text()
        again_files, again_rows = _result(folder)
        assert again_rows == rows, f"rows differ after kill {number}"
        assert again_files == files, f"output differs after kill {number}"
        if killed == KILLS:
            return
    pytest.fail(f"only {killed} of {3 * KILLS} runs were still going when they were to be killed")
