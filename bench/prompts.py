"""Compare prompts for the llamacpp engine: chrF, seconds a segment, script, and which placeholders survive.

python bench/prompts.py PAIRS.tsv [PAIRS.tsv …] [--rows N] [--model GGUF] [--prompt NAME …]
    [--placeholders] [--show]

A row of a TSV file is an English text, a tab and its Japanese reference; further columns are ignored.
Rows are taken evenly from each file.
"""

import argparse
import os
import re
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from sacrebleu.metrics import CHRF

from aggregator.config import Config
from aggregator.translate.check import check
from aggregator.translate.engines import llamacpp, prompts
from aggregator.translate.engines.llamacpp import LlamaCppEngine
from aggregator.translate.style import DEARU

INSTRUCTION = (
    "Translate the English technology news into natural Japanese. Answer with the translation alone."
)
JAPANESE = re.compile(r"[\u3041-\u30ff]")
FORMS = ("[{n}]", "⟦{n}⟧", "{{{n}}}", "<{n}>", "XQ{n}X")
CARRIERS = (
    "The company released {0} for Linux on Monday.",
    "{0} now supports WebAssembly, says {1}.",
    "Users of {0} should update to {1} as soon as possible.",
    "How we moved from {0} to {1} without downtime",
    "The bug in {0} lets attackers read memory.",
    "Developers can install it with {0} or build it from source.",
)


def few_shot(segment: str) -> str:
    """Return the engine's examples and the text."""
    return prompts.few_shot(segment, DEARU)


def two_shot(segment: str) -> str:
    """Return the engine's prompt with the first and the last of its examples."""
    first, *_, last = prompts.EXAMPLES
    shots = "".join(f"English: {e}\nJapanese: {j}\n\n" for e, j, _ in (first, last))
    return f"{shots}English: {segment}\nJapanese:"


def zero_shot(segment: str) -> str:
    """Return an instruction and the text."""
    return f"{INSTRUCTION}\n\nEnglish: {segment}\nJapanese:"


def chat(segment: str) -> str:
    """Return the engine's message of a chat."""
    return prompts.chat(segment, DEARU)


def cat(segment: str) -> str:
    """Return CAT-Translate's message."""
    return prompts.cat(segment, DEARU)


# The model goes on from the first ones, and answers the others by its own chat template.
CONTINUED: dict[str, Callable[[str], str]] = {
    "few_shot": few_shot,
    "two_shot": two_shot,
    "zero_shot": zero_shot,
}
ANSWERED: dict[str, Callable[[str], str]] = {"chat": chat, "cat": cat}
PROMPTS: dict[str, Callable[[str], str]] = CONTINUED | ANSWERED


@dataclass(frozen=True, slots=True, kw_only=True)
class Score:
    """How one prompt did."""

    chrf: float
    passed: float  # share that the checks let through
    seconds: float  # for each segment
    japanese: float  # share with kana
    foreign: float  # share with ideographs Japanese does not use


def rows_of(path: Path, count: int) -> list[tuple[str, str]]:
    """Return `count` pairs taken evenly from a TSV file."""
    rows = [line.split("\t")[:2] for line in path.read_text(encoding="utf-8").splitlines()]
    step = max(1, len(rows) // count)
    return [(english, japanese) for english, japanese in rows[::step][:count]]


def score(engine: LlamaCppEngine, prompt: str, rows: list[tuple[str, str]], *, show: bool) -> Score:
    """Return what a prompt scores over the rows; the first answer, which fills the cache, is not timed."""
    build, ask = PROMPTS[prompt], engine.complete if prompt in CONTINUED else engine.reply
    ask(build("Hello"), 8)
    started = time.monotonic()
    answers = [ask(build(english), llamacpp.answer_limit(english)) for english, _ in rows]
    seconds = time.monotonic() - started
    for (english, _), answer in zip(rows, answers, strict=True):
        if show:
            print(f"  {english}\n  {answer}\n  {'; '.join(check(english, answer, 'ja')) or 'passed'}\n")
    return Score(
        chrf=CHRF().corpus_score(answers, [[japanese for _, japanese in rows]]).score,
        passed=sum(
            not check(english, answer, "ja") for (english, _), answer in zip(rows, answers, strict=True)
        )
        / len(rows),
        seconds=seconds / len(rows),
        japanese=sum(bool(JAPANESE.search(answer)) for answer in answers) / len(rows),
        foreign=sum(map(llamacpp.is_foreign, answers)) / len(rows),
    )


def surviving(engine: LlamaCppEngine, form: str) -> tuple[int, int]:
    """Return how many placeholders came through, and how many went in; the examples show the same form."""
    kept = asked = 0
    for carrier in CARRIERS:
        marks = [form.format(n=n) for n in (1, 2)][: carrier.count("{")]
        text = few_shot(carrier.format(*marks)).replace("[1]", form.format(n=1))
        answer = engine.complete(text, 120)
        kept += sum(mark in answer for mark in marks)
        asked += len(marks)
    return kept, asked


def main() -> None:
    """Print a line for each prompt, and with --placeholders one for each written form."""
    arguments = _arguments()
    rows = [row for path in arguments.pairs for row in rows_of(path, arguments.rows // len(arguments.pairs))]
    print(f"segments={len(rows)} cores={len(os.sched_getaffinity(0))} model={arguments.model.name}")
    for label, banned in (("banned", llamacpp.is_foreign), ("free", lambda _: False)):
        engine = LlamaCppEngine(arguments.model, arguments.model.stem, banned=banned)
        for name in arguments.prompt if label == "banned" else arguments.prompt[:1]:
            print(name, label, score(engine, name, rows, show=arguments.show), flush=True)
        if arguments.placeholders and label == "banned":
            for form in FORMS:
                kept, asked = surviving(engine, form)
                print(f"{form} kept {kept} of {asked}", flush=True)
        del engine


def _arguments() -> argparse.Namespace:
    model = Config().models_folder / "qwen2.5-coder-1.5b-instruct-q4_k_m.gguf"
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("pairs", nargs="+", type=Path)
    parser.add_argument("--rows", type=int, default=60)
    parser.add_argument("--model", type=Path, default=model)
    parser.add_argument("--prompt", nargs="+", choices=PROMPTS, default=list(PROMPTS))
    parser.add_argument("--placeholders", action="store_true")
    parser.add_argument("--show", action="store_true", help="print every answer with its verdict")
    return parser.parse_args()


if __name__ == "__main__":
    main()
