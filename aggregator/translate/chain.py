"""One batch of entries through the engines of a chain: ask, check, ask again, ask the next, or leave out.

Nothing that failed its checks gets past this module, neither into a translation nor into the memory. An
engine is opened only where the memory leaves something to ask it.
"""

import hashlib
import json
import re
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from aggregator.errors import BadTranslation, TranslationError
from aggregator.model import (
    EngineChoice,
    FailureKind,
    MemoryWrite,
    TranslateEntry,
    TranslateJob,
    TranslateOutcome,
    Translation,
    Untranslated,
)
from aggregator.translate.casing import sentence_cased
from aggregator.translate.check import check, has_words
from aggregator.translate.engines import Engine
from aggregator.translate.glossary import BROKEN, Glossary, broken, rendered
from aggregator.translate.language import code, is_english, is_japanese, is_plainly_english
from aggregator.translate.segment import Masked, join_title, mask, split_title, unmask
from aggregator.translate.style import DEARU, plain
from aggregator.translate.typography import typeset

ORIGINAL = "original"  # the engine's name where the source is in the target language already
SOURCE_LANGUAGE = "en"
ESSENTIAL_LINES = 2  # of a summary: all that a slow engine gets, with the title

Open = Callable[[EngineChoice], Engine]


@dataclass(frozen=True, slots=True)
class Answer:
    """A segment's translation that passed, and whose it is."""

    text: str
    choice: EngineChoice | None  # None: nothing in it needed translating


@dataclass(slots=True)
class _Batch:
    """What is wanted, and what came of it so far."""

    job: TranslateJob
    glossary: Glossary
    wanted: dict[str, bool]  # segment -> is essential
    answers: dict[str, Answer] = field(default_factory=dict)
    reasons: dict[str, str] = field(default_factory=dict)  # segment -> why the last answer failed
    memory: list[MemoryWrite] = field(default_factory=list)
    refused: list[tuple[str, str]] = field(default_factory=list)  # key, reason
    steady: bool = True  # what was refused would be refused again
    used: Counter[str] = field(default_factory=Counter)
    sent: Counter[str] = field(default_factory=Counter)  # by key
    judged: list[tuple[str, int, int]] = field(default_factory=list)
    trouble: list[str] = field(default_factory=list)


def translate(job: TranslateJob, glossary: Glossary, open_engine: Open) -> TranslateOutcome:
    """Return each entry's translation, or why there is none, in the order of the job's entries."""
    settled = {entry.entry_id: settle(entry, job.target, glossary.version) for entry in job.entries}
    batch = _Batch(job, glossary, _wanted(entry for entry in job.entries if settled[entry.entry_id] is None))
    batch.answers = {segment: Answer(segment, None) for segment in batch.wanted if not has_words(segment)}
    for choice in job.engines:
        _ask(batch, choice, open_engine)
    return TranslateOutcome(
        results=tuple(settled[entry.entry_id] or _compose(batch, entry) for entry in job.entries),
        memory=tuple(batch.memory), refused=tuple(batch.refused),
        used=tuple(batch.used.items()), sent=tuple(batch.sent.items()),
        trouble=tuple(batch.trouble), judged=tuple(batch.judged),
    )  # fmt: skip


def settle(entry: TranslateEntry, target: str, glossary_version: str) -> Translation | Untranslated | None:
    """Return the outcome of an entry that needs no engine, None where one is needed.

    A feed's language tag is believed only where the text does not contradict it: some Japanese feeds carry
    English entries and the other way round.
    """
    text = f"{entry.title}\n{entry.summary}"
    language = code(entry.language)
    if is_japanese(text, tagged=language == target) if target == "ja" else language == target:
        return _original(entry, glossary_version)
    if language not in {"", SOURCE_LANGUAGE, target} and not is_plainly_english(text):
        return _refuse(entry, f"language {language} is not translated", "final")
    if not is_english(text):
        return _refuse(entry, "the text is not in English", "final")
    return None if has_words(text) else _original(entry, glossary_version)


def memory_key(choice: EngineChoice, glossary_version: str, source: str, target: str, segment: str) -> str:
    """Return the translation memory's key: SHA-256 of everything the translation depends on."""
    parts = [choice.name, choice.model, choice.version, glossary_version, source, target, segment]
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()


def memory_keys(
    entries: Iterable[TranslateEntry], engines: Iterable[EngineChoice], target: str, glossary_version: str
) -> list[str]:
    """List the keys a job over these entries may look up."""
    segments = [segment for segment in _wanted(entries) if has_words(segment)]
    return [memory_key(c, glossary_version, SOURCE_LANGUAGE, target, s) for c in engines for s in segments]


def _original(entry: TranslateEntry, glossary_version: str) -> Translation:
    return Translation(
        entry_id=entry.entry_id, input_fingerprint=entry.input_fingerprint, engine=ORIGINAL, model="",
        glossary_version=glossary_version, title=entry.title, summary=entry.summary, story=entry.story,
        verdict="original",
    )  # fmt: skip


def _refuse(entry: TranslateEntry, failure: str, kind: FailureKind) -> Untranslated:
    return Untranslated(
        entry_id=entry.entry_id, input_fingerprint=entry.input_fingerprint, failure=failure, kind=kind
    )


def _wanted(entries: Iterable[TranslateEntry]) -> dict[str, bool]:
    """List the segments of the entries, each once, titles and leading sentences marked as essential."""
    wanted: dict[str, bool] = {}
    for entry in entries:
        lines = entry.summary.splitlines()
        for segment in (split_title(entry.title).core, *lines[:ESSENTIAL_LINES]):
            wanted[segment] = True
        for segment in (*lines, *entry.story.splitlines()):
            wanted.setdefault(segment, False)
    return {segment: essential for segment, essential in wanted.items() if segment.strip()}


def _ask(batch: _Batch, choice: EngineChoice, open_engine: Open) -> None:
    """Get what is still wanted from the memory, the rest from the engine."""
    recalled, refused = dict(batch.job.memory), dict(batch.job.refused)
    asked = []
    for segment, essential in batch.wanted.items():
        if segment in batch.answers or (choice.slow and not essential):
            continue
        key = _key(batch, choice, segment)
        if text := recalled.get(key):
            batch.answers[segment] = Answer(text, choice)
        elif reason := refused.get(key):
            batch.reasons[segment] = reason
        else:
            asked.append(segment)
    if not asked:
        return
    try:
        _ask_engine(batch, choice, open_engine(choice), asked)
    except TranslationError as error:
        batch.trouble.append(f"{choice.name}: {error}")


def _ask_engine(batch: _Batch, choice: EngineChoice, engine: Engine, segments: list[str]) -> None:
    keep, titles = batch.glossary.keep, {split_title(entry.title).core for entry in batch.job.entries}
    sent = {s: sentence_cased(s, keep) if s in titles else s for s in segments}
    masked = {segment: mask(text, keep, engine.placeholder) for segment, text in sent.items()}
    _round(batch, choice, engine, masked)
    # The same words again would bring the same answer: what is asked once more is masked less, or more.
    again = {}
    for segment, m in masked.items():
        if segment in batch.answers:
            continue
        if BROKEN in batch.reasons[segment]:
            again[segment] = mask(sent[segment], keep, engine.placeholder, rendered(batch.glossary))
        elif m.originals:
            again[segment] = Masked(sent[segment], (), engine.placeholder)
    _round(batch, choice, engine, again)
    refused = [segment for segment in segments if segment not in batch.answers]
    batch.judged.append((choice.name, len(segments) - len(refused), len(refused)))
    if engine.steady:
        batch.refused += [(_key(batch, choice, segment), batch.reasons[segment]) for segment in refused]
    elif refused:
        batch.steady = False


def _round(batch: _Batch, choice: EngineChoice, engine: Engine, masked: dict[str, Masked]) -> None:
    if not masked:
        return
    sent = [m.text for m in masked.values()]
    batch.used[choice.name] += sum(map(len, sent))
    for segment, m in masked.items():
        batch.sent[_key(batch, choice, segment)] += len(m.text)
    answers = engine.translate(sent)
    if len(answers) != len(sent):
        raise BadTranslation(f"{len(answers)} answers for {len(sent)} segments")
    for (segment, m), answer in zip(masked.items(), answers, strict=True):
        _judge(batch, choice, segment, unmask(m, answer.strip()), m.originals)


def _judge(
    batch: _Batch, choice: EngineChoice, segment: str, text: str | None, literals: tuple[str, ...]
) -> None:
    """Keep an answer that passes, in one style of writing, or the reason it does not."""
    reasons = ("placeholder lost",) if text is None else _faults(batch, segment, text)
    if text is None or reasons:
        batch.reasons[segment] = f"{choice.name}: {reasons[0]}"
        return
    if batch.job.target == "ja":
        text = typeset(text, literals)
    batch.answers[segment] = Answer(text, choice)
    write = MemoryWrite(
        key=_key(batch, choice, segment), engine=choice.name, model=choice.model, source=segment, text=text
    )
    batch.memory.append(write)


def _faults(batch: _Batch, segment: str, text: str) -> tuple[str, ...]:
    faults = check(segment, text, batch.job.target)
    return faults if faults or batch.job.target != "ja" else broken(batch.glossary, segment, text)


def _key(batch: _Batch, choice: EngineChoice, segment: str) -> str:
    return memory_key(choice, batch.glossary.version, SOURCE_LANGUAGE, batch.job.target, segment)


def _compose(batch: _Batch, entry: TranslateEntry) -> Translation | Untranslated:
    """Put an entry together from what passed: the title must have, and a sentence of the summary."""
    title = split_title(entry.title)
    head = batch.answers.get(title.core) if title.core.strip() else Answer("", None)
    summary = [s for s in entry.summary.splitlines() if s.strip()]
    if head is None:
        return _failed(batch, entry, "title", [title.core])
    if summary and not any(s in batch.answers for s in summary):
        return _failed(batch, entry, "summary", summary)
    choice = head.choice or next((a.choice for s in summary if (a := batch.answers.get(s))), None)
    return Translation(
        entry_id=entry.entry_id, input_fingerprint=entry.input_fingerprint,
        engine=choice.name if choice else ORIGINAL, model=choice.model if choice else "",
        glossary_version=batch.glossary.version, title=join_title(title, head.text, batch.job.target),
        summary=_lines(batch, entry.summary), story=_story(batch, entry.story),
        verdict=_verdict(batch, entry),
    )  # fmt: skip


def _failed(batch: _Batch, entry: TranslateEntry, part: str, segments: list[str]) -> Untranslated:
    for segment in segments:
        if reason := batch.reasons.get(segment):
            is_sure = batch.job.setup and batch.steady and not batch.trouble
            return _refuse(entry, f"{part}: {reason}", "refused" if is_sure else "text")
    return _refuse(entry, f"{part}: {'; '.join(batch.trouble) or 'no engine is ready'}", "outage")


def _lines(batch: _Batch, text: str) -> str:
    lines = [batch.answers[line].text for line in text.splitlines() if line in batch.answers]
    if batch.job.style == DEARU and batch.job.target == "ja":
        lines = [plain(line) for line in lines]
    return "\n".join(lines)


def _story(batch: _Batch, story: str) -> str:
    """Return the story's paragraphs, nothing where less than half of it is left."""
    lines = [line for line in story.splitlines() if line.strip()]
    if 2 * sum(line in batch.answers for line in lines) < len(lines):
        return ""
    paragraphs = [_lines(batch, paragraph) for paragraph in re.split(r"\n\s*\n", story)]
    return "\n\n".join(paragraph for paragraph in paragraphs if paragraph)


def _verdict(batch: _Batch, entry: TranslateEntry) -> str:
    """Say how many of the segments that were judged passed, and why the first of the others did not."""
    segments = list(_wanted([entry]))
    failed = [batch.reasons[s] for s in segments if s not in batch.answers and s in batch.reasons]
    passed = sum(s in batch.answers for s in segments)
    return f"passed {passed}/{passed + len(failed)}" + (f": {failed[0]}" if failed else "")
