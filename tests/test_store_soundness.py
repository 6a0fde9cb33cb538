"""A store whose last writer did not end well is looked at before anything is written to it."""

import hashlib
import logging
import sqlite3
from pathlib import Path

import pytest

from aggregator.errors import StoreDamaged
from aggregator.store import open_store, soundness, store_errors
from tests.conftest import Aggregator

PAGE = 4096


def _filled(path: Path) -> Path:
    db = open_store(path)
    db.table("meta").insert_all({"key": f"{number:05}", "value": "x" * 200} for number in range(2000))
    db.close()
    return path


def _damage(path: Path) -> None:
    """Write nonsense over pages in the middle of the file."""
    with path.open("r+b") as file:
        file.seek(path.stat().st_size // 2 // PAGE * PAGE)
        file.write(b"\xff" * PAGE * 8)


def _damage_table(path: Path, table: str) -> None:
    with sqlite3.connect(path) as db:
        (page,) = db.execute("SELECT rootpage FROM sqlite_master WHERE name = ?", [table]).fetchone()
    db.close()
    with path.open("r+b") as file:
        file.seek((page - 1) * PAGE)
        file.write(b"\xff" * PAGE)


def _left_behind(path: Path) -> None:
    """Leave the lock as a killed run does."""
    path.with_name(f"{path.name}.lock").write_text("aggregator once (process 1)")


def _digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def test_a_whole_store_passes_and_a_missing_one_too(tmp_path: Path, caplog: pytest.LogCaptureFixture):
    soundness.check(tmp_path / "none.sqlite")
    assert caplog.text == ""
    soundness.check(_filled(tmp_path / "s.sqlite"))
    assert "unclean_end" in caplog.text
    assert "store_sound" in caplog.text


def test_a_damaged_store_is_named_and_not_touched(tmp_path: Path):
    path = _filled(tmp_path / "s.sqlite")
    _damage(path)
    before = _digest(path)
    with pytest.raises(StoreDamaged, match=r"s\.sqlite: is damaged \("):
        soundness.check(path)
    assert _digest(path) == before


@pytest.mark.parametrize(
    "body", [b"This is a text. " * 500, b"SQLite format 3\0" + b"\0" * 84 + b"\1" * 8000]
)
def test_a_file_that_is_no_database_is_damaged(tmp_path: Path, body: bytes):
    path = tmp_path / "s.sqlite"
    path.write_bytes(body)
    with pytest.raises(StoreDamaged, match=r"s\.sqlite: "):
        soundness.check(path)


def test_what_the_log_of_a_killed_writer_holds_is_read_and_left_there(tmp_path: Path):
    path = tmp_path / "s.sqlite"
    db = open_store(path)
    db.table("meta").insert({"key": "k", "value": "v"})
    killed = tmp_path / "killed" / "s.sqlite"  # the files as they lie while the writer lives
    killed.parent.mkdir()
    for ending in ("", "-wal"):
        killed.with_name(f"s.sqlite{ending}").write_bytes(path.with_name(f"s.sqlite{ending}").read_bytes())
    db.close()
    files = [_digest(killed), _digest(killed.with_name("s.sqlite-wal"))]
    soundness.check(killed)
    assert [_digest(killed), _digest(killed.with_name("s.sqlite-wal"))] == files
    after = open_store(killed)
    assert after.execute("SELECT value FROM meta").fetchall() == [("v",)]
    after.close()


def test_rows_without_their_parent_are_said_and_refused_by_nobody(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
):
    path = _filled(tmp_path / "s.sqlite")
    with sqlite3.connect(path) as loose:  # foreign keys are off unless a connection asks for them
        loose.execute("INSERT INTO polls (feed_id, polled_at, outcome) VALUES (99, '2026-11-24', 'changed')")
    loose.close()
    with caplog.at_level(logging.WARNING):
        soundness.check(path)
    assert "orphaned_rows" in caplog.text
    assert "tables=polls" in caplog.text


def test_damage_met_while_running_is_told_from_other_errors(tmp_path: Path):
    path = _filled(tmp_path / "s.sqlite")
    _damage(path)
    db = open_store(path)
    with (
        pytest.raises(StoreDamaged, match=r"s\.sqlite: database disk image is malformed"),
        store_errors(path),
    ):
        db.execute("SELECT sum(length(value)) FROM meta").fetchone()
    db.close()


def test_a_run_after_a_kill_refuses_a_damaged_store_and_so_does_the_next(
    aggregator: Aggregator, tmp_path: Path
):
    (tmp_path / "feeds.opml").write_text("<opml version='2.0'><body/></opml>")
    path = _filled(tmp_path / "store.sqlite")
    _damage(path)
    _left_behind(path)
    before = _digest(path)
    for command in (("once",), ("run", "--no-server"), ("poll",)):
        refused = aggregator(*command)
        assert refused.returncode == 4
        assert "store.sqlite: is damaged (" in refused.stderr
        assert "no backup is there: put a copy in its place, or move it away" in refused.stderr
        assert "Traceback" not in refused.stderr
    assert _digest(path) == before


def test_a_run_after_a_kill_looks_once_and_goes_on(aggregator: Aggregator, tmp_path: Path):
    (tmp_path / "feeds.opml").write_text("<opml version='2.0'><body/></opml>")
    _left_behind(_filled(tmp_path / "store.sqlite"))
    first, second = aggregator("once"), aggregator("once")
    assert (first.returncode, second.returncode) == (0, 0)
    assert "store_sound" in first.stderr
    assert second.stderr == ""


def test_a_daemon_that_meets_damage_ends_and_names_the_newest_backup(aggregator: Aggregator, tmp_path: Path):
    (tmp_path / "feeds.opml").write_text(
        "<opml version='2.0'><body><outline xmlUrl='http://127.0.0.1:1/'/></body></opml>"
    )
    path = _filled(tmp_path / "store.sqlite")
    assert aggregator("backup").returncode == 0
    _damage_table(path, "feeds")
    met, next_one = aggregator("run", "--no-server"), aggregator("run", "--no-server")
    (backup,) = (tmp_path / "backups").glob("[0-9]*")
    way_back = f"the newest backup is put in its place by: aggregator restore {backup}"
    assert (met.returncode, next_one.returncode) == (4, 4)
    assert f"store.sqlite: database disk image is malformed; {way_back}\n" in met.stderr
    assert "unclean_end" in next_one.stderr  # seen before it is written to
    assert way_back in next_one.stderr


def test_a_store_of_which_nothing_is_left_is_no_new_one_where_backups_say_so(
    aggregator: Aggregator, tmp_path: Path
):
    (tmp_path / "feeds.opml").write_text("<opml version='2.0'><body/></opml>")
    (tmp_path / "store.sqlite").touch()
    assert aggregator("once").returncode == 0  # a first start that was killed leaves it so
    assert aggregator("backup").returncode == 0
    (tmp_path / "store.sqlite").write_bytes(b"")
    refused = aggregator("once")
    assert (refused.returncode, (tmp_path / "store.sqlite").stat().st_size) == (4, 0)
    assert (
        "is empty, and backups say that it was not; the newest backup is put in its place" in refused.stderr
    )
    (backup,) = (tmp_path / "backups").glob("[0-9]*")
    assert aggregator("restore", str(backup)).returncode == 0
    assert aggregator("once").returncode == 0
