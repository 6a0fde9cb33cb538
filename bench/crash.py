"""Kill and hinder real runs some hundred times, and print what was hit and what was found.

python bench/crash.py [--kills 300] [--faults 60] [--seed 1] [--keep FOLDER]

Kills come in rounds of five, faults in rounds of three. Half of the kills hit runs that count comments too
and make digests: there only what readers compare is compared, for a count that a kill cut short comes at the
story's next turn. In all other rounds every file of output/, archives aside, and every row of entries equals
those of a store left alone.
Ends with 1 where anything was found.
"""

import argparse
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterable, Mapping
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent))

from tests.crash.harness import MANNERS, STAGES, Figures, Harness


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kills", type=int, default=300)
    parser.add_argument("--faults", type=int, default=60)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--keep", type=Path, help="a new folder, for what the runs leave")
    options = parser.parse_args()
    counting = options.kills // 2
    with tempfile.TemporaryDirectory() as folder, ProcessPoolExecutor(2, get_context("spawn")) as pool:
        base = options.keep or Path(folder)
        both = [
            pool.submit(_part, base / "files", options.seed, options.kills - counting, options.faults),
            pool.submit(_part, base / "counts", options.seed + 1, counting, 0, counting=True),
        ]
        parts = [each.result() for each in both]
    _print(parts)
    sys.exit(any(part.findings for part in parts))


def _part(folder: Path, seed: int, kills: int, faults: int, *, counting: bool = False) -> Figures:
    folder.mkdir(parents=True)
    started = time.monotonic()
    with Harness(folder, seed, counting=counting) as harness:
        done = harness.figures
        while (left := kills - done.kills.total()) > 0 or done.faults.total() < faults:
            hinder = done.faults.total() < faults and (done.rounds % 4 == 3 or left <= 0)
            harness.round(*(harness.faults(3) if hinder else harness.kills(min(5, left))))
            said = f"{done.kills.total()} kills, {done.faults.total()} faults, {len(done.findings)} findings"
            print(f"{folder.name}: {said}, {time.monotonic() - started:.0f} s", file=sys.stderr, flush=True)
        print(
            f"{folder.name}: {done.rounds} rounds, {done.entries} entries; {done.runs} runs were hindered and"
            f" {done.missed} over sooner; the reader looked {harness.reader.looks} times and saw"
            f" {harness.reader.changes} states of feeds; {time.monotonic() - started:.0f} s\n"
        )
    return done


def _print(parts: Iterable[Figures]) -> None:
    kills: Counter[tuple[str, str]] = Counter()
    faults: Counter[tuple[str, str, str]] = Counter()
    commands: Counter[str] = Counter()
    for part in parts:
        kills, faults, commands = kills + part.kills, faults + part.faults, commands + part.commands
    _table("stage", STAGES, MANNERS, {(stage, manner): count for (manner, stage), count in kills.items()})
    print(f"\n{kills.total()} kills: {', '.join(f'{commands[name]} of `{name}`' for name in commands)}\n")
    if faults:
        codes: Counter[tuple[str, str]] = Counter()
        for (error, _, code), count in faults.items():
            codes[error, code] += count
        _table(
            "fault, by exit code",
            sorted({error for error, _ in codes}),
            sorted({code for _, code in codes}),
            codes,
        )
        calls = Counter(call for _, call, _ in faults.elements())
        print("\n", ", ".join(f"{count} at {call}" for call, count in calls.most_common()), sep="")
        print(f"\n{faults.total()} faults\n")
    for finding in (finding for part in parts for finding in part.findings):
        print(f"FOUND {finding}")


def _table(
    name: str, rows: Iterable[str], columns: Iterable[str], cells: Mapping[tuple[str, str], int]
) -> None:
    columns = list(columns)
    print(f"| {name} | {' | '.join(columns)} | all |\n|{'---|' * (len(columns) + 2)}")
    for row in [*rows, *sorted({row for row, _ in cells} - {*rows})]:
        counts = [cells.get((row, column), 0) for column in columns]
        print(f"| {row} | {' | '.join(map(str, counts))} | {sum(counts)} |")


if __name__ == "__main__":
    main()
