"""Quality, speed, memory and price of each engine that is here, cold, and the speed of the memory warm.

python bench/translate.py [--rows N] [--engine NAME …]

openai and deepl are asked where they are named, as the settings say; that costs what 128 segments cost.
"""

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import time
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent))

from aggregator.config import Config, load
from aggregator.model import EngineChoice, MemoryWrite, TranslateEntry, TranslateJob
from aggregator.store import open_store
from aggregator.store import translations as store
from aggregator.translate import chain, engines, glossary
from aggregator.translate.engines import Engine, services
from aggregator.translate.engines.services import SERVICES
from aggregator.translate.manifest import read_manifest
from tests.quality import scoring
from tests.quality.engines import downloaded, small_model

NAMES = ("firefox-enpt", "firefox", "llamacpp")
LICENCES = {model.engine: model.licence for model in read_manifest()} | {
    "firefox-enpt": "MIT, says its wheel"
}
SLOW = frozenset({"llamacpp"})  # a few rows tell enough
FEW = 14  # every ninth row, as the gate takes them
DAY = 1000 * 8  # segments of a day of 1,000 entries: a title, three sentences and four of a story
SLOW_DAY = 1000 * 3  # a slow engine gets a title and two sentences
CHARACTERS = 1000 * (60 + 7 * 125)  # of the same day, by the mean of titles and of sentences of news
SENTENCES, BATCH, BATCHES = 9, 32, 60  # of an entry, of a job, of the warm run
CHOICE = EngineChoice(name="warm", model="m", version="1")


def opened(name: str) -> Engine | None:
    """Return an engine by its name here, None where it is not ready."""
    if name in SERVICES:
        ready = engines.ready(settings(name))
        return engines.open_engine(ready[0], settings(name)) if ready else None
    return small_model() if name == "firefox-enpt" else downloaded(name)


def settings(name: str) -> Config:
    """Return the operator's settings for one service."""
    return replace(load(), engine=name, style="である")


def cold(name: str, count: int) -> dict[str, float] | None:
    """Return what one engine takes in this process, from nothing to `count` translations."""
    started, before = time.perf_counter(), _megabytes()
    engine = opened(name)
    if engine is None:
        return None
    rows = scoring.corpus()
    rows = rows[:: len(rows) // count]
    scoring.of_corpus(engine, rows[:1])
    loaded = time.perf_counter()
    scores = scoring.of_corpus(engine, rows)
    rate = len(rows) / (time.perf_counter() - loaded)
    return {"load": loaded - started, "rate": rate, "megabytes": _megabytes(), "before": before} | scores


def line(name: str, took: dict[str, float]) -> str:
    """Return a row of the table."""
    day = (SLOW_DAY if name in SLOW else DAY) / took["rate"] / 60
    yen = f"{services.price(name, settings(name)) * CHARACTERS / 1e6:,.0f}" if name in SERVICES else "0"
    cells = [
        name, LICENCES.get(name, "-"), f"{took['chrf']:.1f}" if "chrf" in took else "-",
        f"{took['passed']:.0%}", f"{took['rate']:.1f}", f"{took['load']:.1f}",
        f"{took['megabytes']:.0f} ({took['before']:.0f} before)", f"{day:.1f}", yen,
    ]  # fmt: skip
    return f"| {' | '.join(cells)} |"


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
    print("| engine | licence | chrF | passed | segments/s | load, s | MB | 1,000 entries, min | yen |")
    print("|---|---|---|---|---|---|---|---|---|")
    for name in arguments.engine:
        took = in_a_process(name, min(arguments.rows, FEW) if name in SLOW else arguments.rows)
        if took is None:
            print(f"| {name} | not here |")
            continue
        print(line(name, took), flush=True)
    print(f"memory, warm: {warm():,.0f} segments/s")


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rows", type=int, default=128)
    parser.add_argument("--engine", nargs="*", choices=(*NAMES, *SERVICES), default=NAMES)
    parser.add_argument("--child", choices=(*NAMES, *SERVICES), help=argparse.SUPPRESS)
    return parser.parse_args()


if __name__ == "__main__":
    main()
