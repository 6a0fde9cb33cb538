"""What this machine has to spare: memory, with the limits of control groups, and disk."""

import os
import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path

MEMORY_SHARE = 0.6  # of what is available: the rest is for the other stages and the system
DISK_SHARE = 0.5  # of what is free

LEAST_FREE = 200_000_000  # bytes; with less nothing is added, so that there is room to mend and to go on
LEAST_FILES = 1000  # that a file system still has room for; the same

_PROC = Path("/proc")
_CGROUPS = Path("/sys/fs/cgroup")


def available_memory(proc: Path = _PROC, cgroups: Path = _CGROUPS) -> int:
    """Return how much memory a new process could use without swapping, the tightest limit counting.

    Units: bytes.
    """
    rooms = [_machine_room(proc), *_group_rooms(proc, cgroups)]
    return max(0, min(rooms))


def free_disk(path: Path) -> int:
    """Return the free space of the file system a path is on or will be on.

    Units: bytes.
    """
    return shutil.disk_usage(_existing(path)).free


def free_files(path: Path) -> int | None:
    """Return how many files more the file system has room for; None where it knows no limit."""
    found = os.statvfs(_existing(path))
    return found.f_favail if found.f_files else None


def shortage(places: Mapping[str, Path]) -> str:
    """Say which of these places has so little room that nothing may be added to any, or ""."""
    for name, path in places.items():
        free, files = free_disk(path), free_files(path)
        if free < LEAST_FREE:
            left = f"{megabytes(free)} are free on the disk of the {name} ({path})"
            return f"{left}, under {megabytes(LEAST_FREE)}"
        if files is not None and files < LEAST_FILES:
            return f"the disk of the {name} ({path}) has room for {files} files, under {LEAST_FILES}"
    return ""


def _existing(path: Path) -> Path:
    return next(folder for folder in (path.absolute(), *path.absolute().parents) if folder.exists())


def memory_obstacle(need: int) -> str:
    """Return why so many bytes are too much for this machine's memory, or ""."""
    available = available_memory()
    if need <= MEMORY_SHARE * available:
        return ""
    return (
        f"needs {megabytes(need)} of memory, over {MEMORY_SHARE:.0%} of the {megabytes(available)} available"
    )


def disk_obstacle(need: int, path: Path) -> str:
    """Return why so many bytes are too much for the disk a path is on, or ""."""
    free = free_disk(path)
    if need <= DISK_SHARE * free:
        return ""
    return f"needs {megabytes(need)} of disk, over {DISK_SHARE:.0%} of the {megabytes(free)} free at {path}"


def megabytes(size: int) -> str:
    """Write a number of bytes as people read it: `1,093 MB`."""
    return f"{size / 1e6:,.0f} MB"


def _machine_room(proc: Path) -> int:
    for line in (proc / "meminfo").read_text(encoding="ascii").splitlines():
        name, _, rest = line.partition(":")
        if name == "MemAvailable":
            return int(rest.split()[0]) * 1024
    raise RuntimeError(f"{proc}/meminfo: no MemAvailable; Linux 3.14 or newer is needed")


def _group_rooms(proc: Path, cgroups: Path) -> Iterator[int]:
    """Yield what each control group around this process leaves, version 2 and version 1."""
    file = proc / "self" / "cgroup"
    for line in file.read_text(encoding="utf-8").splitlines() if file.exists() else ():
        _, controllers, inside = line.split(":", 2)
        if not controllers:
            yield from _rooms(cgroups, inside, "memory.max", "memory.current", "inactive_file")
        elif "memory" in controllers.split(","):
            names = ("memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file")
            yield from _rooms(cgroups / "memory", inside, *names)


def _rooms(root: Path, inside: str, limit: str, usage: str, cache: str) -> Iterator[int]:
    group = root / inside.strip("/")
    # A parent's limit binds too; and inside a container the own group may be mounted as the root itself.
    for folder in (group, *group.parents):
        top = _number(folder / limit)
        if top is not None:
            # The kernel gives back file pages nobody used lately before it kills, so they count as free.
            yield top - (_number(folder / usage) or 0) + _statistic(folder / "memory.stat", cache)
        if folder == root:
            return


def _number(file: Path) -> int | None:
    """`max` and a missing file mean no limit here."""
    text = file.read_text(encoding="ascii").strip() if file.exists() else "max"
    return int(text) if text.isdigit() else None


def _statistic(file: Path, name: str) -> int:
    for line in file.read_text(encoding="ascii").splitlines() if file.exists() else ():
        key, _, value = line.partition(" ")
        if key == name:
            return int(value)
    return 0
