"""A batch of entries through a writer, where one is wanted, and what it does not write through the chain.

Nothing is written twice: what passed is kept in the translation memory, what was refused beside it, both
under the text, the instructions and the model. Where no answer passes, the translation takes its place.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from itertools import chain as joined

from aggregator.errors import EngineUnavailable, TranslationError
from aggregator.model import (
    EngineChoice,
    MemoryWrite,
    Part,
    TranslateEntry,
    TranslateJob,
    TranslateOutcome,
    Translation,
    Untranslated,
)
from aggregator.translate import chain, writing
from aggregator.translate.chain import ORIGINAL, Open
from aggregator.translate.engines import Writer
from aggregator.translate.glossary import Glossary
from aggregator.translate.typography import typeset

TARGET = "ja"  # the one language it is checked for
_ATTEMPTS = 2  # the second is told what was wrong with the first


@dataclass(frozen=True, slots=True)
class Order:
    """One text to be written."""

    entry_id: int
    part: Part
    source: str


@dataclass(slots=True)
class _Desk:
    """What is written with, and what came of it so far."""

    job: TranslateJob
    glossary: Glossary
    choice: EngineChoice
    open_engine: Open
    texts: dict[tuple[int, Part], str] = field(default_factory=dict)
    memory: list[MemoryWrite] = field(default_factory=list)
    refused: list[tuple[str, str]] = field(default_factory=list)
    trouble: list[str] = field(default_factory=list)


def orders(entry: TranslateEntry, *, headline: bool) -> list[Order]:
    """List what is to be written of an entry; nothing where there is no text to write of."""
    found = []
    if entry.article.strip() and entry.summary.strip():
        found.append(Order(entry.entry_id, "summary", entry.article))
    if headline and entry.title.strip() and entry.summary.strip():
        found.append(Order(entry.entry_id, "headline", f"{entry.title}\n{entry.summary}"))
    return found


def size(entries: Iterable[TranslateEntry], *, headline: bool) -> int:
    """Return how many characters a writer would be sent."""
    return sum(len(order.source) for entry in entries for order in orders(entry, headline=headline))


def writer_of(engines: Iterable[EngineChoice], target: str) -> EngineChoice | None:
    """Return the first engine that is fit to write, None where none is."""
    return next((choice for choice in engines if choice.writes), None) if target == TARGET else None


def keys(
    entries: Iterable[TranslateEntry],
    engines: Iterable[EngineChoice],
    target: str,
    style: str,
    *,
    headline: bool,
) -> list[str]:
    """List the memory's keys that a job over these entries may look up for what is written."""
    choice = writer_of(engines, target)
    if choice is None:
        return []
    wanted = joined.from_iterable(orders(entry, headline=headline) for entry in entries)
    return [_key(choice, style, order) for order in wanted]


def translate(job: TranslateJob, glossary: Glossary, open_engine: Open) -> TranslateOutcome:
    """Return each entry's translation, with what a writer wrote in the place of what it would translate."""
    choice = writer_of(job.engines, job.target)
    if choice is None:
        return chain.translate(job, glossary, open_engine)
    desk = _Desk(job, glossary, choice, open_engine)
    for entry in job.entries:
        if chain.settle(entry, job.target, glossary.version) is None:
            for order in orders(entry, headline=job.headline):
                _write(desk, order)
    rest = replace(job, entries=tuple(_rest(desk, entry) for entry in job.entries))
    return _together(desk, chain.translate(rest, glossary, open_engine))


def _key(choice: EngineChoice, style: str, order: Order) -> str:
    # The glossary is left out: a change of it asks for no text anew.
    asked = f"{writing.VERSION}\n{writing.instructions(order.part, style)}\n{order.source}"
    return chain.memory_key(choice, "", chain.SOURCE_LANGUAGE, TARGET, asked)


def _write(desk: _Desk, order: Order) -> None:
    """Take a text from the memory or the writer; nothing where it was, or is, refused."""
    key = _key(desk.choice, desk.job.style, order)
    if text := dict(desk.job.memory).get(key):
        desk.texts[order.entry_id, order.part] = text
    elif key not in dict(desk.job.refused) and not desk.trouble:
        try:
            _ask(desk, key, order)
        except TranslationError as error:
            desk.trouble.append(f"{desk.choice.name}: {error}")


def _ask(desk: _Desk, key: str, order: Order) -> None:
    engine = desk.open_engine(desk.choice)
    if not isinstance(engine, Writer):
        raise EngineUnavailable("it cannot write")
    reason = ""
    for _ in range(_ATTEMPTS):
        told = writing.instructions(order.part, desk.job.style, reason)
        text = _tidy(order, engine.write(told, order.source, writing.TOKENS[order.part]))
        faults = writing.faults(order.part, order.source, text, desk.glossary)
        if not faults:
            _keep(desk, key, order, text)
            return
        reason = faults[0]
    desk.refused.append((key, f"{desk.choice.name}: {order.part}: {reason}"))


def _tidy(order: Order, answer: str) -> str:
    text = typeset(answer.strip())
    return writing.lines(text) if order.part == "summary" else text


def _keep(desk: _Desk, key: str, order: Order, text: str) -> None:
    desk.texts[order.entry_id, order.part] = text
    choice = desk.choice
    write = MemoryWrite(key=key, engine=choice.name, model=choice.model, source=order.source, text=text)
    desk.memory.append(write)


def _rest(desk: _Desk, entry: TranslateEntry) -> TranslateEntry:
    """Return what of an entry is still to be translated."""
    title = "" if (entry.entry_id, "headline") in desk.texts else entry.title
    summary = "" if (entry.entry_id, "summary") in desk.texts else entry.summary
    return replace(entry, title=title, summary=summary)


def _together(desk: _Desk, outcome: TranslateOutcome) -> TranslateOutcome:
    written = (desk.choice.name, len(desk.memory), len(desk.refused))
    return replace(
        outcome, results=tuple(_merged(desk, result) for result in outcome.results),
        memory=(*desk.memory, *outcome.memory), refused=(*desk.refused, *outcome.refused),
        trouble=(*desk.trouble, *outcome.trouble), judged=(written, *outcome.judged),
    )  # fmt: skip


def _merged(desk: _Desk, made: Translation | Untranslated) -> Translation | Untranslated:
    headline = desk.texts.get((made.entry_id, "headline"))
    summary = desk.texts.get((made.entry_id, "summary"))
    if not isinstance(made, Translation) or not (headline or summary):
        return made
    choice = desk.choice
    if made.engine == ORIGINAL:  # nothing was left to translate
        made = replace(made, engine=choice.name, model=choice.model, verdict="passed 0/0")
    return replace(
        made, title=headline or made.title, summary=summary or made.summary, headline=int(bool(headline)),
        origin="llm" if summary else "extract", writer=f"{choice.name} {choice.model}",
        verdict=_verdict(made.verdict, bool(headline) + bool(summary)),
    )  # fmt: skip


def _verdict(verdict: str, written: int) -> str:
    """Count what was written among what passed."""
    counts, colon, reason = verdict.removeprefix("passed ").partition(":")
    passed, _, judged = counts.partition("/")
    return f"passed {int(passed) + written}/{int(judged) + written}{colon}{reason}"
