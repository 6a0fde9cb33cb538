"""How full the disk is, and what is done where it is nearly full."""

import os
import subprocess
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from aggregator import disk, resources, stages
from aggregator.config import Config
from aggregator.demo.server import DemoServer, opml
from aggregator.publish import volume
from aggregator.session import Session, take_up_opml
from aggregator.store import growth, open_store
from aggregator.store.growth import Day
from aggregator.times import from_text
from tests.conftest import Aggregator


def _day(on: str, store: int, output: int = 0, files: int = 0, entries: int = 1000) -> Day:
    return Day(on=on, entries=entries, store_bytes=store, output_bytes=output, output_files=files)


def test_files_of_all_folders_count_with_the_blocks_they_take(tmp_path: Path):
    (tmp_path / "a" / "b").mkdir(parents=True)
    (tmp_path / "a" / "b" / "long").write_bytes(b"x" * 10_000)
    (tmp_path / "short").write_bytes(b"x")
    found = volume.measured(tmp_path)
    assert found.files == 2
    assert found.bytes == sum(path.stat().st_blocks * 512 for path in tmp_path.rglob("*") if path.is_file())
    assert volume.measured(tmp_path / "none").files == 0


@pytest.mark.parametrize(
    ("days", "free_files", "expected"),
    [
        ((), None, None),
        ((_day("2026-11-24", 100),), None, None),
        ((_day("2026-11-14", 100), _day("2026-11-24", 200, 100)), None, 50),  # 20 a day of 1,000
        ((_day("2026-11-14", 100, 0, 0), _day("2026-11-24", 300, 0, 100)), 50, 5),  # files run out first
        ((_day("2026-11-14", 300), _day("2026-11-24", 100)), 50, None),
    ],
)
def test_a_disk_that_fills_as_it_did_is_full_in_so_many_days(
    days: tuple[Day, ...], free_files: int | None, expected: int | None
):
    assert growth.days_until_full(days, 1000, free_files) == expected


def test_a_day_is_noted_once_and_thirty_one_are_kept(tmp_path: Path):
    db = open_store(tmp_path / "s.sqlite")
    for number in range(40):
        growth.note(db, f"2026-{10 + number // 30}-{number % 30 + 1:02}", number, number)
    growth.note(db, "2026-11-10", 99, 99)
    days = growth.read(db)
    assert (len(days), days[-1].output_files, days[-2].on) == (31, 99, "2026-11-09")
    db.close()
    assert days[-1].store_bytes == (tmp_path / "s.sqlite").stat().st_size


def test_the_days_pass_notes_what_lies_in_output_and_status_says_it(
    demo_feeds: DemoServer, aggregator: Aggregator, tmp_path: Path
):
    assert demo_feeds.port
    assert aggregator("once").returncode == 0
    db = open_store(tmp_path / "store.sqlite")
    (day,) = growth.read(db)
    db.close()
    assert day.output_files == sum(1 for path in (tmp_path / "output").rglob("*") if path.is_file())
    shown = aggregator("status").stdout
    assert f"output {day.output_files:,} files" in shown
    assert "its growth is known after a day" in shown


def test_the_future_is_said_in_days(tmp_path: Path):
    config = Config(store=tmp_path / "s.sqlite", output=tmp_path / "output")
    db = open_store(config.store)
    seen = disk.look(db, config)
    assert disk.summary(seen).endswith("free; its growth is known after a day")
    growth.note(db, "2026-11-01", 0, 0)
    growth.note(db, "2026-11-11", 10**9, 1000)
    free = min(map(resources.free_disk, (tmp_path, tmp_path))) - resources.LEAST_FREE
    seen = disk.look(db, config)
    db.close()
    assert seen.days_until_full is not None
    assert abs(seen.days_until_full - free / 10**8) <= 2
    assert "grows 100.0 MB a day, full in " in disk.summary(seen)


def test_a_disk_with_little_room_or_few_files_is_short(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    places = {"store": tmp_path / "to come"}
    assert resources.shortage(places) == ""
    monkeypatch.setattr(resources, "LEAST_FILES", 2**62)
    if resources.free_files(tmp_path) is not None:
        assert "has room for" in resources.shortage(places)
    monkeypatch.setattr(resources, "LEAST_FREE", 2**62)
    assert f"are free on the disk of the store ({tmp_path}" in resources.shortage(places)


def test_while_a_disk_is_short_nothing_is_added_and_all_goes_on_by_itself(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
):
    now = from_text("2026-11-24T06:00:00Z")
    with DemoServer(0) as server:
        config = Config(
            opml=tmp_path / "feeds.opml", store=tmp_path / "store.sqlite", output=tmp_path / "output",
            allow_private_hosts=True, host_spacing=timedelta(), engine="none", executor_poll="inline:",
        )  # fmt: skip
        config.opml.write_bytes(opml(server.port))
        db = open_store(config.store)
        session = Session(db=db, config=config, clock=lambda: now)
        take_up_opml(db, config, lambda: now)
        monkeypatch.setattr(resources, "LEAST_FREE", 2**62)
        for _ in range(2):
            assert not any(report.jobs for report in stages.run_round(session) if report.name != "retention")
        assert caplog.text.count("nothing_is_added") == 1
        assert db.execute("SELECT count(*) FROM polls").fetchone() == (0,)
        assert not config.output.exists()
        assert disk.summary(disk.look(db, config)).startswith("NOTHING IS ADDED: ")
        monkeypatch.undo()
        stages.run_round(session)
        assert "there_is_room_again" in caplog.text
        assert db.execute("SELECT count(*) FROM polls").fetchone() != (0,)
        assert (config.output / "index.html").exists()
        session.close()
        db.close()


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """Mount a file system of 190 MB, where this user may."""
    place = tmp_path / "small"
    place.mkdir()
    if os.geteuid() != 0:
        pytest.skip("only root may mount a file system")
    options = ["mount", "-t", "tmpfs", "-o", "size=190m", "none", str(place)]
    if subprocess.run(options, capture_output=True, check=False).returncode:
        pytest.skip("file systems cannot be mounted here")
    yield place
    subprocess.run(["umount", place], check=True)


@pytest.mark.slow
def test_a_run_on_a_small_disk_adds_nothing_and_ends_well(
    demo_feeds: DemoServer, aggregator: Aggregator, small_disk: Path
):
    assert demo_feeds.port
    ran = aggregator("once", AGGREGATOR_OUTPUT=str(small_disk / "output"))
    assert ran.returncode == 0
    assert "nothing_is_added" in ran.stderr
    assert "under 200 MB" in ran.stderr
    assert not (small_disk / "output").exists()
    subprocess.run(["mount", "-o", "remount,size=400m", str(small_disk)], check=True)
    assert aggregator("once", AGGREGATOR_OUTPUT=str(small_disk / "output")).returncode == 0
    assert (small_disk / "output" / "index.html").exists()
