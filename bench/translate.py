"""Sentences a second and megabytes of each engine that is here, cold and with the memory warm.

python bench/translate.py [--rows N] [--engine NAME …]
"""

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent))

from aggregator.model import EngineChoice, MemoryWrite, TranslateEntry, TranslateJob
from aggregator.store import open_store
from aggregator.store import translations as store
from aggregator.translate import chain, glossary
from aggregator.translate.engines import Engine
from tests.quality import scoring
from tests.quality.engines import downloaded, small_model

NAMES = ("firefox-enpt", "firefox", "llamacpp")
SLOW = frozenset({"llamacpp"})  # a few rows tell enough
FEW = 8
DAY = 1000 * 8  # segments of a day of 1,000 entries: a title, three sentences and four of a story
SLOW_DAY = 1000 * 3  # a slow engine gets a title and two sentences
SENTENCES, BATCH, BATCHES = 9, 32, 60  # of an entry, of a job, of the warm run
CHOICE = EngineChoice(name="warm", model="m", version="1")


def opened(name: str) -> Engine | None:
    """Return an engine by its name here, None where it is not ready."""
    return small_model() if name == "firefox-enpt" else downloaded(name)


def cold(name: str, count: int) -> dict[str, float] | None:
    """Return what one engine takes in this process, from nothing to `count` translations."""
    started, before = time.perf_counter(), _megabytes()
    engine = opened(name)
    if engine is None:
        return None
    rows = [(row.kind, row.english) for row in scoring.corpus()][:count]
    scoring.translated(engine, rows[:1])
    loaded = time.perf_counter()
    said = scoring.translated(engine, rows)
    seconds = time.perf_counter() - loaded
    return {
        "load": loaded - started, "rate": len(rows) / seconds, "passed": sum(map(bool, said)) / len(said),
        "megabytes": _megabytes(), "before": before,
    }  # fmt: skip


def _megabytes() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def in_a_process(name: str, count: int) -> dict[str, float] | None:
    """Return what `cold` returns, measured in a process of its own."""
    command = [sys.executable, __file__, "--child", name, "--rows", str(count)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    result: dict[str, float] | None = json.loads(done.stdout.splitlines()[-1])
    return result


def warm() -> float:
    """Return how many segments a second come out of the memory: keys, SQLite, the chain."""
    rows = [row for row in scoring.corpus() if row.kind == "sentence"]
    pairs = [
        (f"{row.english} {n}", f"{row.japanese}{n}")
        for n in range(1 + BATCH * BATCHES * SENTENCES // len(rows))
        for row in rows
    ]
    entries = [
        TranslateEntry(
            entry_id=n, input_fingerprint="", language="en", title="",
            summary="\n".join(english for english, _ in pairs[n * SENTENCES : (n + 1) * SENTENCES]), story="",
        )
        for n in range(BATCH * BATCHES)
    ]  # fmt: skip
    with tempfile.TemporaryDirectory() as folder:
        db = open_store(Path(folder) / "store.sqlite")
        with db.atomic():
            store.remember(db, _writes(pairs), (), datetime.now(UTC))
        started = time.perf_counter()
        done = sum(_recalled(db, entries[n : n + BATCH]) for n in range(0, len(entries), BATCH))
        return done / (time.perf_counter() - started)


def _writes(pairs: list[tuple[str, str]]) -> list[MemoryWrite]:
    version = glossary.load().version
    return [
        MemoryWrite(
            key=chain.memory_key(CHOICE, version, "en", "ja", english),
            engine="warm", model="m", source=english, text=japanese,
        )
        for english, japanese in pairs
    ]  # fmt: skip


def _recalled(db: object, entries: list[TranslateEntry]) -> int:
    terms = glossary.merged()
    keys = chain.memory_keys(entries, (CHOICE,), "ja", terms.version)
    job = TranslateJob(entries=tuple(entries), engines=(CHOICE,), target="ja", memory=store.recall(db, keys))
    outcome = chain.translate(job, terms, _unopened)
    return sum(result.summary.count("\n") + 1 for result in outcome.results)


def _unopened(choice: EngineChoice) -> Engine:
    raise AssertionError(f"{choice.name} was asked though the memory holds everything")


def main() -> None:
    """Print a line for each engine and one for the memory."""
    arguments = _arguments()
    if arguments.child:
        print(json.dumps(cold(arguments.child, arguments.rows)))
        return
    print("| engine | load, s | segments/s | a day of 1,000 entries, min | MB | passed |")
    print("|---|---|---|---|---|---|")
    for name in arguments.engine:
        took = in_a_process(name, min(arguments.rows, FEW) if name in SLOW else arguments.rows)
        if took is None:
            print(f"| {name} | not here |")
            continue
        day = (SLOW_DAY if name in SLOW else DAY) / took["rate"] / 60
        print(
            f"| {name} | {took['load']:.1f} | {took['rate']:.1f} | {day:.1f} | {took['megabytes']:.0f}"
            f" ({took['before']:.0f} before) | {took['passed']:.0%} |",
            flush=True,
        )
    print(f"| memory, warm | | {warm():,.0f} | | | |")


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rows", type=int, default=128)
    parser.add_argument("--engine", nargs="*", choices=NAMES, default=NAMES)
    parser.add_argument("--child", choices=NAMES, help=argparse.SUPPRESS)
    return parser.parse_args()


if __name__ == "__main__":
    main()
