"""One instance per store."""

import contextlib
import subprocess
import sys
import time
from datetime import timedelta
from pathlib import Path

import pytest

from aggregator.errors import ConfigError, StoreDamaged, StoreError, StoreLocked
from aggregator.lock import instance_lock, is_served, serving_lock

HOLD = """
import sys, time
from pathlib import Path
from aggregator.lock import instance_lock
with instance_lock(Path(sys.argv[1]), "aggregator once"):
    print("held", flush=True)
    time.sleep(60)
"""


def _holder(store: Path) -> subprocess.Popen[str]:
    process = subprocess.Popen([sys.executable, "-c", HOLD, str(store)], stdout=subprocess.PIPE, text=True)
    assert process.stdout
    assert process.stdout.readline() == "held\n"
    return process


def test_a_second_instance_is_refused_by_name_and_admitted_when_the_first_is_killed(tmp_path: Path):
    store = tmp_path / "s.sqlite"
    with _holder(store) as first:
        with (
            pytest.raises(StoreLocked, match=rf"held by aggregator once \(process {first.pid}\)"),
            instance_lock(store, "aggregator run"),
        ):
            pass
        first.kill()
        first.wait()
        with instance_lock(store, "aggregator run"):
            assert "aggregator run" in (tmp_path / "s.sqlite.lock").read_text()


def test_a_full_disk_is_an_error_of_the_store_that_names_the_file(tmp_path: Path):
    store = tmp_path / "s.sqlite"
    (tmp_path / "s.sqlite.lock").symlink_to("/dev/full")
    with (
        pytest.raises(StoreError, match=r"s\.sqlite\.lock: "),
        instance_lock(store, "aggregator once"),
    ):
        pass


def test_a_store_is_the_same_one_by_a_link_to_it(tmp_path: Path):
    store, link = tmp_path / "store.sqlite", tmp_path / "other" / "link.sqlite"
    store.touch()
    link.parent.mkdir()
    link.symlink_to(store)
    with instance_lock(link, "aggregator run"), serving_lock(link):
        assert is_served(store)
        with (
            pytest.raises(StoreLocked, match="held by aggregator run"),
            instance_lock(store, "aggregator once"),
        ):
            pass


def test_waiting_ends_when_its_time_is_over(tmp_path: Path):
    store = tmp_path / "s.sqlite"
    with _holder(store) as first:
        started = time.monotonic()
        with pytest.raises(StoreLocked), instance_lock(store, "x", timedelta(seconds=0.3)):
            pass
        assert time.monotonic() - started >= 0.3
        first.kill()


def test_a_server_is_seen_while_it_runs_and_several_may(tmp_path: Path):
    store = tmp_path / "new" / "s.sqlite"
    assert not is_served(store)
    with serving_lock(store):
        with serving_lock(store):
            assert is_served(store)
        assert is_served(store)
    assert not is_served(store)


def test_a_server_that_was_killed_is_seen_no_more(tmp_path: Path):
    store = tmp_path / "s.sqlite"
    held = HOLD.replace("instance_lock", "serving_lock").replace(', "aggregator once"', "")
    process = subprocess.Popen([sys.executable, "-c", held, str(store)], stdout=subprocess.PIPE, text=True)
    with process:
        assert process.stdout
        assert process.stdout.readline() == "held\n"
        assert is_served(store)
        process.kill()
        process.wait()
        assert not is_served(store)


def test_a_sign_that_cannot_be_written_is_said(tmp_path: Path):
    (tmp_path / "file").touch()
    with pytest.raises(StoreError, match="file"), serving_lock(tmp_path / "file" / "s.sqlite"):
        pass


def test_who_comes_after_a_kill_is_told_and_after_a_good_end_is_not(tmp_path: Path):
    store = tmp_path / "s.sqlite"
    with instance_lock(store, "aggregator once") as ended_well:
        assert ended_well
    with instance_lock(store, "aggregator once") as ended_well:
        assert ended_well
    with _holder(store) as killed:
        killed.kill()
        killed.wait()
    with instance_lock(store, "aggregator once") as ended_well:
        assert not ended_well
    with instance_lock(store, "aggregator once") as ended_well:
        assert ended_well


def test_an_error_of_the_store_is_no_good_end_and_another_error_is(tmp_path: Path):
    store = tmp_path / "s.sqlite"
    expected = ((StoreDamaged, False), (StoreError, False), (StoreLocked, True), (ValueError, True))
    for error, well in expected:
        with pytest.raises(error), instance_lock(store, "aggregator once"):
            raise error("as if")
        with instance_lock(store, "aggregator once") as ended_well:
            assert ended_well is well


@pytest.mark.parametrize(
    "broken_off", [KeyboardInterrupt(), ConfigError("a line of it"), StoreLocked("busy")]
)
def test_where_the_look_at_the_store_is_broken_off_who_comes_next_is_told_again(
    tmp_path: Path, broken_off: BaseException
):
    store = tmp_path / "store.sqlite"
    store.with_name("store.sqlite.lock").write_text("aggregator run (process 7)")
    with (
        contextlib.suppress(KeyboardInterrupt, ConfigError, StoreLocked),
        instance_lock(store, "aggregator once") as ended_well,
    ):
        assert not ended_well
        raise broken_off
    with instance_lock(store, "aggregator once") as ended_well:
        assert not ended_well
