"""Opening the store, and two processes that write to it."""

import sqlite3
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from aggregator.errors import StoreError
from aggregator.store import open_store, store_errors


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


def test_an_io_error_asks_whether_the_disk_is_full():
    with (
        pytest.raises(StoreError, match=r"s\.sqlite: disk I/O error; is the disk full\?"),
        store_errors("s.sqlite"),
    ):
        raise sqlite3.OperationalError("disk I/O error")
