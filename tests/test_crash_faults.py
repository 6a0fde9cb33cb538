"""Disks that fail, stores that are damaged, folders that are torn: what is said, and that the next run makes it whole."""

import contextlib
import random
import resource
import shutil
import signal
import sqlite3
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from aggregator.demo.server import DemoServer, opml
from tests.conftest import NOW
from tests.crash.scene import Run, Scene, python
from tests.crash.shim import COMPILER, ERRORS, WRITES, Fault, build

pytestmark = pytest.mark.slow

STORE, OUTPUT = ("/store.sqlite",), ("/output",)


@pytest.fixture(scope="module")
def shim(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the shim."""
    if not COMPILER:
        pytest.skip("no C compiler")
    return build(tmp_path_factory.mktemp("shim"))


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scene]:
    """Serve the demo's feeds, and return a scene that nothing went wrong in."""
    folder = tmp_path_factory.mktemp("whole")
    with DemoServer(0) as server:
        (folder / "feeds.opml").write_bytes(opml(server.port))
        scene = _scene(folder)
        assert scene.finish("once").process.returncode == 0
        assert len(scene.rows()) >= 20
        yield scene


@pytest.fixture
def scene(whole: Scene, tmp_path: Path) -> Iterator[Scene]:
    """Return a scene over the same feeds."""
    shutil.copyfile(whole.folder / "feeds.opml", tmp_path / "feeds.opml")
    scene = _scene(tmp_path)
    yield scene
    scene.clear()


def _scene(folder: Path) -> Scene:
    named = {
        "OPML": folder / "feeds.opml", "STORE": folder / "store.sqlite", "OUTPUT": folder / "output", "NOW": NOW,
        "MODELS": folder / "models", "ALLOW_PRIVATE_HOSTS": 1, "HOST_SPACING": 0, "ENGINE": "none", "EXTRACT": "feed",
        "COUNTS": "none", "WEBSUB": "off", "BACKUPS": folder / "backups",
    }  # fmt: skip
    environment = {f"AGGREGATOR_{name}": str(value) for name, value in named.items()}
    return Scene(
        folder, [*python(), "none"], environment | {"PYTHONWARNINGS": "error", "PATH": "/usr/bin:/bin"}
    )


def _said(run: Run) -> list[str]:
    text = run.said.read_text()
    assert "Traceback" not in text, text
    return [line for line in text.splitlines() if line.startswith("aggregator: ")]


def _assert_whole(scene: Scene, whole: Scene, **extra: str) -> None:
    """Let the next run, with nothing in its way, come to what a run alone came to."""
    run = scene.finish("once", **extra)
    assert run.process.returncode == 0, run.said.read_text()
    assert scene.rows() == whole.rows()
    files, wanted = scene.files(), whole.files()
    assert {name for name in files | wanted if files.get(name) != wanted.get(name)} == set()
    assert scene.leftovers() == []
    assert scene.damage() == ""


def _hindered(scene: Scene, shim: Path, fault: Fault) -> Run:
    log = scene.folder / "faults.log"
    run = scene.finish("once", **fault.environment(shim, log))
    assert log.exists(), f"{fault} hit nothing"
    return run


@pytest.mark.parametrize("error", ERRORS)
@pytest.mark.parametrize(("paths", "code"), [(STORE, 4), (OUTPUT, 5)], ids=["store", "output"])
def test_a_disk_that_stays_full_or_broken_is_one_line_and_the_next_run_makes_all_whole(
    scene: Scene, whole: Scene, shim: Path, error: str, paths: tuple[str, ...], code: int
):
    after = random.Random(error).randrange(10, 60)
    run = _hindered(scene, shim, Fault(error=error, paths=paths, after=after, times=0))
    assert run.process.returncode == code, run.said.read_text()
    [line] = _said(run)
    assert ("store.sqlite" if paths == STORE else "/output/") in line
    assert scene.orphans() == []
    _assert_whole(scene, whole)


@pytest.mark.parametrize("call", WRITES)
def test_a_call_that_fails_once_costs_nothing_that_is_not_made_good(
    scene: Scene, whole: Scene, shim: Path, call: str
):
    run = _hindered(scene, shim, Fault(error="EIO", calls=(call,), after=0))
    assert run.process.returncode in {0, 4, 5}, run.said.read_text()
    assert len(_said(run)) == (run.process.returncode > 0)
    _assert_whole(scene, whole)


def test_a_lock_that_cannot_be_cleared_hides_neither_a_good_end_nor_what_failed_first(
    scene: Scene, whole: Scene, shim: Path
):
    clearing = Fault(error="EROFS", paths=(".sqlite.lock",), calls=("truncate",), after=1, times=0)
    run = _hindered(scene, shim, clearing)
    assert run.process.returncode == 0, run.said.read_text()
    shutil.rmtree(scene.folder / "output")
    both = Fault(
        error="EROFS", paths=(".sqlite.lock", "/output"), calls=("truncate", "open"), after=2, times=0
    )
    run = _hindered(scene, shim, both)
    assert run.process.returncode == 5, run.said.read_text()
    assert len(_said(run)) == 1
    _assert_whole(scene, whole)


def test_writes_that_take_half_change_nothing(scene: Scene, whole: Scene, shim: Path):
    run = _hindered(scene, shim, Fault(error="short", calls=("write",), after=0, times=200))
    assert run.process.returncode == 0, run.said.read_text()
    _assert_whole(scene, whole)


def test_a_store_that_cannot_be_written_at_all_is_one_line(scene: Scene, whole: Scene, shim: Path):
    assert scene.finish("once").process.returncode == 0
    run = _hindered(scene, shim, Fault(error="EROFS", paths=STORE, calls=("open", "write"), after=0, times=0))
    assert run.process.returncode == 4
    [line] = _said(run)
    assert "store.sqlite" in line
    _assert_whole(scene, whole)


def test_a_store_that_another_program_holds_too_long_is_one_line(scene: Scene, whole: Scene):
    assert scene.finish("once").process.returncode == 0
    with contextlib.closing(sqlite3.connect(scene.folder / "store.sqlite")) as other:
        other.execute("BEGIN EXCLUSIVE")
        run = scene.finish("once", AGGREGATOR_NOW="2026-11-24T09:00:00Z")
    assert run.process.returncode == 4
    [line] = _said(run)
    assert "another program holds the database" in line
    _assert_whole(scene, whole)


def test_a_store_that_another_program_holds_for_a_moment_is_waited_for(scene: Scene, whole: Scene):
    assert scene.finish("once").process.returncode == 0
    store = scene.folder / "store.sqlite"
    with contextlib.closing(sqlite3.connect(store, check_same_thread=False)) as other:
        other.execute("BEGIN EXCLUSIVE")
        release = threading.Timer(3, other.rollback)
        release.start()
        run = scene.finish("once", "--all")
        release.join()
    assert run.process.returncode == 0, run.said.read_text()
    _assert_whole(scene, whole)


@pytest.mark.parametrize("damage", ["half", "header", "garbage"])
def test_a_damaged_store_is_one_line_and_output_stands(scene: Scene, damage: str):
    assert scene.finish("once").process.returncode == 0
    before = scene.files()
    store = scene.folder / "store.sqlite"
    body = store.read_bytes()
    noise = random.Random(damage).randbytes(len(body))
    store.write_bytes(
        {"half": body[: len(body) // 2], "header": noise[:100] + body[100:], "garbage": noise}[damage]
    )
    run = scene.finish("once", "--all")
    assert run.process.returncode == 4, run.said.read_text()
    [line] = _said(run)
    assert "store.sqlite" in line
    assert scene.files() == before


def test_a_damaged_log_beside_the_store_loses_nothing(scene: Scene, whole: Scene):
    run = scene.start("once")
    assert run.reaches("publish")
    run.kill_group()
    run.end()
    log = scene.folder / "store.sqlite-wal"
    body = bytearray(log.read_bytes())
    assert len(body) > 50_000
    body[len(body) // 2] ^= 0xFF
    log.write_bytes(body)
    _assert_whole(scene, whole)


def _tear(output: Path, chance: random.Random) -> None:
    """Delete, shorten and overwrite files, and put a folder where a file was and the other way round."""
    paths = sorted(path for path in output.rglob("*") if path.is_file())
    for path in chance.sample(paths, len(paths) // 2):
        torn = chance.choice((b"", path.read_bytes()[:50], chance.randbytes(500), None))
        path.unlink() if torn is None else path.write_bytes(torn)
    shutil.rmtree(output / "entries")
    (output / "entries").write_text("no folder")
    (output / "rss.xml").unlink(missing_ok=True)
    (output / "rss.xml").mkdir()
    (output / "rss.xml" / "inside").write_text("no feed")


def test_a_torn_output_folder_is_made_whole_by_publish(scene: Scene, whole: Scene):
    assert scene.finish("once").process.returncode == 0
    _tear(scene.folder / "output", random.Random(1))
    run = scene.finish("publish")
    assert run.process.returncode == 0, run.said.read_text()
    _assert_whole(scene, whole)


def test_output_that_was_deleted_comes_back_with_the_next_run(scene: Scene, whole: Scene):
    assert scene.finish("once").process.returncode == 0
    shutil.rmtree(scene.folder / "output")
    _assert_whole(scene, whole)


def test_output_whose_place_a_file_takes_is_one_line(scene: Scene, whole: Scene):
    (scene.folder / "output").write_text("no folder")
    run = scene.finish("once")
    assert run.process.returncode == 5
    [line] = _said(run)
    assert "/output" in line
    (scene.folder / "output").unlink()
    _assert_whole(scene, whole)


def test_a_worker_without_memory_stops_no_run(scene: Scene, whole: Scene):
    run = scene.start("once")
    assert run.reaches("poll")
    [worker, *_] = run.workers()
    _limit(worker)
    assert run.end() == 1, run.said.read_text()
    assert scene.orphans() == []
    later = {"AGGREGATOR_NOW": "2026-11-25T06:00:00Z"}
    assert scene.finish("once", **later).process.returncode == 0
    assert [row[:4] for row in scene.rows()] == [row[:4] for row in whole.rows()]


def _limit(pid: int) -> None:
    """Leave a process no more memory than it has."""
    pages = int(Path(f"/proc/{pid}/statm").read_text().split()[0])
    size = pages * resource.getpagesize()
    resource.prlimit(pid, resource.RLIMIT_AS, (size, size))


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGSEGV, signal.SIGABRT])
def test_a_worker_that_dies_is_replaced_within_the_run(scene: Scene, whole: Scene, number: signal.Signals):
    run = scene.start("once")
    assert run.reaches("poll")
    assert run.kill_worker(number)
    assert run.end() in {0, 1}, run.said.read_text()
    _assert_whole(scene, whole)
