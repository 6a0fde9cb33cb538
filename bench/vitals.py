"""Memory, descriptors and threads of a process and all it starts, sampled; and whether they grow."""

import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """One look at a process and its children."""

    at: float  # real seconds since the start
    process: int  # which one since the start, from 0
    pss: float  # megabytes of all; pages they share count once
    rss: float  # the same, pages they share counted in each
    parent: float  # megabytes of the parent alone, pss
    files: int  # open descriptors of the parent
    threads: int  # of the parent
    processes: int


def sample(pid: int, at: float, process: int) -> Sample:
    """Look at a process and its children; one that has ended has nothing."""
    family = [pid, *children(pid)]
    return Sample(
        at=at,
        process=process,
        pss=sum(megabytes(each, "Pss") for each in family),
        rss=sum(megabytes(each, "Rss") for each in family),
        parent=megabytes(pid, "Pss"),
        files=_count(pid, "fd"),
        threads=_count(pid, "task"),
        processes=len(family),
    )


def children(pid: int) -> list[int]:
    """List the processes that a process has started, theirs too."""
    found: list[int] = []
    try:
        for task in Path(f"/proc/{pid}/task").iterdir():
            found += map(int, (task / "children").read_text().split())
    except (FileNotFoundError, ProcessLookupError):
        return []
    return [each for child in found for each in (child, *children(child))]


def megabytes(pid: int, name: str) -> float:
    """Return what a process has in memory, 0 where it has ended."""
    try:
        for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
            if line.startswith(f"{name}:"):
                return int(line.split()[1]) / 1024
    except (FileNotFoundError, ProcessLookupError, PermissionError):
        pass
    return 0.0


def _count(pid: int, folder: str) -> int:
    try:
        return sum(1 for _ in Path(f"/proc/{pid}/{folder}").iterdir())
    except (FileNotFoundError, ProcessLookupError, PermissionError):
        return 0


def slope(points: Sequence[tuple[float, float]], most: int = 400) -> float:
    """Return by how much a figure grows with each step of the first one; single peaks change nothing.

    Source: the Theil-Sen estimator: the median of the slopes between all pairs.
    """
    step = max(1, len(points) // most)
    thin = points[::step]
    slopes = [
        (later - earlier) / (end - begin)
        for index, (begin, earlier) in enumerate(thin)
        for end, later in thin[index + 1 :]
        if end > begin
    ]
    return statistics.median(slopes) if slopes else 0.0


def settled(samples: Sequence[Sample], warm_up: float = 0.25) -> list[Sample]:
    """Return the samples of the process that lived longest, without the first part of its life."""
    lives: dict[int, list[Sample]] = {}
    for each in samples:
        lives.setdefault(each.process, []).append(each)
    longest = max(lives.values(), key=lambda life: life[-1].at - life[0].at, default=[])
    return longest[int(len(longest) * warm_up) :]


def percentile(figures: Sequence[float], share: float) -> float:
    """Return the figure below which a share of them lies."""
    ordered = sorted(figures)
    return ordered[min(int(len(ordered) * share), len(ordered) - 1)] if ordered else 0.0
