"""Memory and disk: the tightest limit counts."""

import os
from pathlib import Path

import pytest

from aggregator import resources
from aggregator.resources import available_memory, disk_obstacle, free_disk, memory_obstacle

GIB = 1024**3


@pytest.fixture
def machine(tmp_path: Path) -> Path:
    """Make a machine with 4 GiB available and no control group."""
    _write(
        tmp_path / "proc/meminfo", "MemTotal:        8388608 kB\nMemAvailable:    4194304 kB\nBuffers: 1 kB\n"
    )
    return tmp_path


def _write(file: Path, text: str) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text)


def _available(machine: Path) -> int:
    return available_memory(machine / "proc", machine / "cgroup")


def test_without_control_groups_the_machine_decides(machine: Path):
    assert _available(machine) == 4 * GIB


def test_a_version_2_limit_counts_less_what_is_in_use(machine: Path):
    _write(machine / "proc/self/cgroup", "0::/app\n")
    _write(machine / "cgroup/app/memory.max", f"{GIB}\n")
    _write(machine / "cgroup/app/memory.current", f"{GIB // 2}\n")
    _write(machine / "cgroup/app/memory.stat", f"anon 5\ninactive_file {GIB // 4}\n")
    assert _available(machine) == GIB // 2 + GIB // 4


def test_a_parents_limit_binds_too(machine: Path):
    _write(machine / "proc/self/cgroup", "0::/slice/app\n")
    _write(machine / "cgroup/slice/app/memory.max", "max\n")
    _write(machine / "cgroup/slice/memory.max", f"{2 * GIB}\n")
    assert _available(machine) == 2 * GIB


def test_inside_a_container_the_root_is_the_own_group(machine: Path):
    _write(machine / "proc/self/cgroup", "0::/../../elsewhere\n")
    _write(machine / "cgroup/memory.max", f"{GIB}\n")
    assert _available(machine) == GIB


def test_a_version_1_limit_counts(machine: Path):
    _write(machine / "proc/self/cgroup", "5:cpu,cpuacct:/\n4:memory:/job\n")
    _write(machine / "cgroup/memory/job/memory.limit_in_bytes", f"{3 * GIB}\n")
    _write(machine / "cgroup/memory/job/memory.usage_in_bytes", f"{GIB}\n")
    _write(machine / "cgroup/memory/job/memory.stat", f"total_inactive_file {GIB // 2}\n")
    assert _available(machine) == 2 * GIB + GIB // 2


def test_version_1_without_a_limit_leaves_the_machines(machine: Path):
    _write(machine / "proc/self/cgroup", "4:memory:/\n")
    _write(machine / "cgroup/memory/memory.limit_in_bytes", "9223372036854771712\n")
    assert _available(machine) == 4 * GIB


def test_a_group_over_its_limit_has_nothing_left(machine: Path):
    _write(machine / "proc/self/cgroup", "0::/\n")
    _write(machine / "cgroup/memory.max", "1000\n")
    _write(machine / "cgroup/memory.current", "2000\n")
    assert _available(machine) == 0


def test_this_machine_has_memory_but_not_more_than_it_has():
    whole = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    assert 0 < available_memory() <= whole


def test_free_disk_is_told_for_a_folder_that_is_not_there_yet(tmp_path: Path):
    told, there = free_disk(tmp_path / "not" / "yet"), free_disk(tmp_path)
    assert there > 0
    assert abs(told - there) < GIB  # other programs write meanwhile


def test_memory_up_to_60_per_cent_of_what_is_available_is_no_obstacle(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(resources, "available_memory", lambda: 1_000_000_000)
    assert memory_obstacle(600_000_000) == ""
    assert memory_obstacle(601_000_000) == "needs 601 MB of memory, over 60% of the 1,000 MB available"


def test_disk_up_to_half_of_what_is_free_is_no_obstacle(tmp_path: Path):
    assert disk_obstacle(free_disk(tmp_path) // 3, tmp_path) == ""
    assert "over 50% of the" in disk_obstacle(free_disk(tmp_path) * 2 // 3, tmp_path)
