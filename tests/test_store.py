"""Opening the store, and two processes that write to it."""

import contextlib
import sqlite3
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from sqlite_utils import Database

from aggregator.errors import StoreError, StoreLocked
from aggregator.store import LOG_BYTES, connection, open_store, reading, retention, store_errors


def test_a_transaction_that_reads_first_makes_other_writers_wait(tmp_path: Path):
    ours, theirs = (open_store(tmp_path / "s.sqlite") for _ in range(2))
    read, written = threading.Event(), threading.Event()

    def write() -> None:
        read.wait()
        with theirs.atomic():
            theirs.table("meta").insert({"key": "theirs", "value": "2"})
        written.set()

    other = threading.Thread(target=write)
    other.start()
    with ours.atomic():
        assert ours.table("meta").count == 0
        read.set()
        assert not written.wait(0.2)
        ours.table("meta").insert({"key": "ours", "value": "1"})
    other.join()
    assert [row["key"] for row in ours.query("SELECT key FROM meta ORDER BY value")] == ["ours", "theirs"]
    ours.close()
    theirs.close()


def test_a_new_store_can_be_opened_by_many_at_once(tmp_path: Path):
    for number in range(10):
        with ThreadPoolExecutor(6) as threads:
            for db in threads.map(open_store, [tmp_path / f"{number}.sqlite"] * 6):
                assert db.table("feeds").exists()
                db.close()


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, seconds in (("BUSY_TIMEOUT", 1.0), ("SAID_AFTER", 0.3), ("_LOOK", 0.05)):
        monkeypatch.setattr(connection, name, seconds)


@contextlib.contextmanager
def held(path: Path, seconds: float) -> Iterator[None]:
    """Have another program write for so long."""
    other = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
    other.execute("BEGIN IMMEDIATE")
    release = threading.Timer(seconds, other.rollback)
    release.start()
    yield
    release.join()
    other.close()


@pytest.mark.usefixtures("impatient")
def test_a_store_that_another_program_holds_is_said_once_and_waited_for(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
):
    db = open_store(tmp_path / "s.sqlite")
    with held(tmp_path / "s.sqlite", 0.1), db.atomic():
        assert not caplog.messages
    with held(tmp_path / "s.sqlite", 0.7), db.atomic():
        pass
    said = f"store_busy path={tmp_path / 's.sqlite'} hint='another program writes to it'"
    assert caplog.messages == [said]
    db.close()


@pytest.mark.usefixtures("impatient")
def test_what_follows_a_wait_in_vain_waits_no_second_time(tmp_path: Path):
    db = open_store(tmp_path / "s.sqlite")
    waited = []
    with held(tmp_path / "s.sqlite", 1.5):
        for _ in range(2):
            started = time.monotonic()
            with pytest.raises(StoreLocked), store_errors(), db.atomic():
                pass
            waited.append(time.monotonic() - started)
    assert waited[0] >= 1
    assert waited[1] < 0.4
    with db.atomic():
        pass
    db.close()


def test_an_io_error_asks_whether_the_disk_is_full():
    with (
        pytest.raises(StoreError, match=r"s\.sqlite: disk I/O error; is the disk full\?"),
        store_errors("s.sqlite"),
    ):
        raise sqlite3.OperationalError("disk I/O error")


def _fill(db: Database, count: int) -> None:
    with db.atomic():
        db.table("meta").insert_all({"key": f"{n:07}", "value": "x" * 3000} for n in range(count))


def test_the_log_that_a_long_reader_let_grow_is_cut_when_it_is_gone(tmp_path: Path):
    path, log = tmp_path / "s.sqlite", tmp_path / "s.sqlite-wal"
    db = open_store(path)
    with reading(path) as reader:
        reader.execute("BEGIN")
        reader.execute("SELECT count(*) FROM meta").fetchone()
        _fill(db, 8000)
        assert log.stat().st_size > LOG_BYTES
    for number in range(3):  # the first one writes the log into the file, the next begins it anew
        db.table("meta").insert({"key": f"after {number}", "value": ""})
    assert log.stat().st_size <= LOG_BYTES
    db.close()


def test_much_free_room_goes_back_to_the_disk_and_some_stays(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(retention, "KEPT_FREE", 2_000_000)
    db = open_store(tmp_path / "s.sqlite")
    _fill(db, 4000)
    assert retention.give_back(db) == 0
    db.execute("DELETE FROM meta")
    before = retention.free_bytes(db)
    assert retention.give_back(db) >= retention.GIVEN_BACK * 4096
    while retention.give_back(db):
        pass
    pages = db.execute("PRAGMA page_count").fetchone()[0]
    left = retention.free_bytes(db)
    assert 0 < left < before
    assert left <= max(pages // 4 * 4096, 2_000_000)
    db.close()


def test_an_older_store_gives_room_back_once_it_was_compacted(tmp_path: Path):
    path = tmp_path / "s.sqlite"
    with sqlite3.connect(path) as old:
        old.execute("PRAGMA journal_mode = WAL")
    old.close()
    db = open_store(path)
    assert db.execute("PRAGMA auto_vacuum").fetchone() == (0,)
    retention.compact(db)
    db.close()
    db = open_store(path)
    assert db.execute("PRAGMA auto_vacuum").fetchone() == (2,)
    db.close()


def test_a_new_store_and_what_lies_beside_it_are_its_owners_alone(tmp_path: Path):
    path = tmp_path / "new" / "store.sqlite"
    db = open_store(path)
    assert {file.name: file.stat().st_mode & 0o777 for file in path.parent.iterdir()} == {
        f"store.sqlite{ending}": 0o600 for ending in ("", "-wal", "-shm")
    }
    db.close()


def test_a_store_that_others_may_read_stays_as_its_owner_made_it(tmp_path: Path):
    path = tmp_path / "store.sqlite"
    open_store(path).close()
    path.chmod(0o640)
    before = path.stat()
    open_store(path).close()
    assert path.stat().st_mode == before.st_mode
