"""The corpus and the traps, what an engine makes of them, and the floors that hold."""

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

from sacrebleu.metrics import CHRF

from aggregator.model import EngineChoice, TranslateEntry, TranslateJob, Translation
from aggregator.translate import chain, glossary
from aggregator.translate.check import check
from aggregator.translate.engines import Engine
from aggregator.translate.style import DEARU

HERE = Path(__file__).parent
CORPUS, TRAPS, FLOORS = HERE / "corpus.tsv", HERE / "traps.tsv", HERE / "floors.json"


@dataclass(frozen=True, slots=True)
class Row:
    """A title or sentence and its reference."""

    kind: str
    english: str
    japanese: str


@dataclass(frozen=True, slots=True)
class Trap:
    """A sentence that is easily turned around, a right and a wrong translation, and how to tell them."""

    kind: str
    english: str
    right: str
    wrong: str
    holds: str  # a pattern
    lacks: str  # a pattern, or ""
    caught: bool  # whether the checks refuse the wrong one

    def is_right(self, translated: str) -> bool:
        """Return whether a translation says what the source does, by the trap's patterns."""
        wrong = self.lacks and re.search(self.lacks, translated)
        return bool(re.search(self.holds, translated)) and not wrong


def corpus() -> list[Row]:
    """Return the rows of the corpus."""
    return [Row(*fields) for fields in _table(CORPUS)]


def traps() -> list[Trap]:
    """Return the traps."""
    return [Trap(*fields[:-1], caught=fields[-1] == "caught") for fields in _table(TRAPS)]


def _table(path: Path) -> list[list[str]]:
    lines = path.read_text(encoding="utf-8").splitlines()
    return [line.split("\t") for line in lines if not line.startswith("#")]


def checksum() -> str:
    """Return the sum of corpus and traps, for which alone the floors hold."""
    return hashlib.sha256(CORPUS.read_bytes() + TRAPS.read_bytes()).hexdigest()


def faults(english: str, translated: str) -> tuple[str, ...]:
    """Return what the checks and the glossary have against a translation."""
    return check(english, translated, "ja") + glossary.broken(glossary.load(), english, translated)


def translated(engine: Engine, rows: list[tuple[str, str]]) -> list[str]:
    """Return what readers would get of each (kind, English), "" where nothing passed."""
    entries = [
        TranslateEntry(
            entry_id=number, input_fingerprint="", language="en",
            title=english if kind == "title" else "", summary="" if kind == "title" else english, story="",
        )
        for number, (kind, english) in enumerate(rows)
    ]  # fmt: skip
    choice = EngineChoice(name=engine.name, model=engine.model, target=engine.target, version=engine.version)
    job = TranslateJob(entries=tuple(entries), engines=(choice,), target=engine.target, style=DEARU)
    results = chain.translate(job, glossary.load(), lambda _: engine).results
    return [r.title or r.summary if isinstance(r, Translation) else "" for r in results]


def of_corpus(engine: Engine, rows: list[Row]) -> dict[str, float]:
    """Return the share that passes the checks and, for Japanese, chrF of what readers get."""
    said = translated(engine, [(row.kind, row.english) for row in rows])
    scores = {"passed": sum(map(bool, said)) / len(said)}
    if engine.target == "ja":
        scores["chrf"] = CHRF().corpus_score(said, [[row.japanese for row in rows]]).score
    return scores


@dataclass(frozen=True, slots=True)
class Verdict:
    """What became of one trap."""

    trap: Trap
    said: str  # what readers get, "" where it was refused

    @property
    def word(self) -> str:
        """Return "right", "refused", or "wrong" where readers would be misled."""
        if not self.said:
            return "refused"
        return "right" if self.trap.is_right(self.said) else "wrong"


def of_traps(engine: Engine, rows: list[Trap]) -> list[Verdict]:
    """Return what an engine makes of the traps."""
    said = translated(engine, [("sentence", row.english) for row in rows])
    return [Verdict(row, text) for row, text in zip(rows, said, strict=True)]


def fallen_into(verdicts: list[Verdict]) -> list[str]:
    """Return the traps that come out wrong and are shown."""
    return [verdict.trap.english for verdict in verdicts if verdict.word == "wrong"]


def floors() -> dict[str, dict[str, float]]:
    """Return the pinned scores: what is measured -> score -> floor."""
    pinned: dict[str, dict[str, float]] = json.loads(FLOORS.read_text(encoding="utf-8"))["floors"]
    return pinned


def known_traps() -> dict[str, list[str]]:
    """Return the traps that each engine is known to fall into."""
    pinned: dict[str, list[str]] = json.loads(FLOORS.read_text(encoding="utf-8"))["traps"]
    return pinned


def below(name: str, scores: dict[str, float]) -> list[str]:
    """Name the scores that are under their floor."""
    return [
        f"{name} {score}: {scores[score]:.3f} < {floor}"
        for score, floor in floors()[name].items()
        if scores[score] < floor
    ]


def pin(
    measured: dict[str, dict[str, float]],
    fallen: Mapping[str, list[str]] = MappingProxyType({}),
    *,
    lower: bool = False,
) -> list[str]:
    """Write floors a little under what was measured, and the traps fallen into; return what would sink.

    Nothing is written where one would sink, unless `lower` allows it. Engines that were not measured keep their floors.
    """
    kept = json.loads(FLOORS.read_text(encoding="utf-8"))
    new = {name: {s: _floor(s, v) for s, v in scores.items()} for name, scores in measured.items()}
    sinking = [
        f"{name} {score}: {floor} -> {new[name].get(score)}"
        for name, scores in kept["floors"].items()
        if name in new
        for score, floor in scores.items()
        if new[name].get(score, -1) < floor
    ]
    sinking += [
        f"{name} falls into: {trap}"
        for name, traps in fallen.items()
        for trap in traps
        if trap not in kept["traps"].get(name, traps)
    ]
    if kept["corpus"] not in {"", checksum()}:
        sinking.append("the corpus changed")
    if not sinking or lower:
        content = {
            "corpus": checksum(),
            "floors": dict(sorted((kept["floors"] | new).items())),
            "traps": dict(sorted((kept["traps"] | fallen).items())),
        }
        FLOORS.write_text(json.dumps(content, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    return sinking


def _floor(score: str, value: float) -> float:
    """Leave room for the last bits, which differ between processors."""
    return round(value - 0.5, 1) if score == "chrf" else round(value - 0.01, 2)
