"""From an entry to its translation."""

from dataclasses import dataclass
from typing import Literal

from aggregator.model.feeds import Origin, Rights

Part = Literal["summary", "headline"]  # what a model may write


@dataclass(frozen=True, slots=True, kw_only=True)
class ArticleJob:
    """An entry whose article text is missing or stale."""

    entry_id: int
    fingerprint: str  # of the entry
    title: str
    permalink: str | None
    summary_html: str
    content_html: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Article:
    """The text of an entry.

    Shape: paragraphs separated by a blank line; inline code stands in backticks; empty where there is none.
    """

    entry_id: int
    input_fingerprint: str
    origin: Literal["feed", "page"]
    text: str
    fingerprint: str  # of title and text: the summary's input


@dataclass(frozen=True, slots=True, kw_only=True)
class SummaryJob:
    """An article whose summary is missing or stale."""

    entry_id: int
    input_fingerprint: str  # the article's fingerprint and the feed's rights
    title: str
    text: str
    rights: Rights
    origin: Origin = "extract"  # "llm": a written summary is wanted


@dataclass(frozen=True, slots=True, kw_only=True)
class Summary:
    """Whole sentences of the article.

    Shape: `text` is one sentence a line, 0-4 of them; `story` is paragraphs separated by a blank line, one
    sentence a line, empty where the feed's rights are not `full`.
    """

    entry_id: int
    input_fingerprint: str
    text: str
    story: str
    origin: Origin  # "llm": one is to be written of the article, and `text` stands in where that fails
    fingerprint: str  # of title, text and story, and the article to write of: the translation's input


@dataclass(frozen=True, slots=True, kw_only=True)
class EngineChoice:
    """An engine of the chain that is ready, resolved by `pending`; opened where the work runs."""

    name: str  # firefox, llamacpp, openai, deepl, none
    model: str  # what the memory's key and the page call it
    target: str = "ja"
    path: str = ""  # of the model, below the models folder of whoever opens it
    version: str = ""  # of prompt and placeholder form: part of the memory's key
    slow: bool = False  # under 2 sentences/s: summary alone, and two sentences of it
    paid: bool = False  # limited by a budget
    writes: bool = False  # fit to write summaries and headlines too
    allowance: int | None = None  # characters that this job may send, retries included; None: no limit


ASKED = "asked"  # TranslateEntry.redo where the operator wants it again, whatever made it


@dataclass(frozen=True, slots=True, kw_only=True)
class TranslateEntry:
    """One entry's text to translate; shapes as in Summary."""

    entry_id: int
    input_fingerprint: str
    language: str | None  # of the source, as far as known
    title: str
    summary: str
    story: str
    attempts: int = 0
    engine: str = ""  # the feed's own setting of this name
    first_seen_at: str = ""
    article: str = ""  # the beginning of its text, where a written summary is wanted
    redo: str | None = None  # why a good translation is made again: ASKED, or the engine that is back


@dataclass(frozen=True, slots=True, kw_only=True)
class TranslateJob:
    """A batch of up to 32 entries with all that an engine needs."""

    entries: tuple[TranslateEntry, ...]
    engines: tuple[EngineChoice, ...]
    target: str
    memory: tuple[tuple[str, str], ...] = ()  # key -> translated segment
    style: str = "です・ます"  # how sentences end: with "である" polite ones are made plain
    headline: bool = False  # headlines are to be written
    missed: str = ""  # the engine that would have come first, had it not been resting after a failure
    refused: tuple[tuple[str, str], ...] = ()  # key -> why the engine's answer was refused, once and for all
    setup: str = ""  # what a refusal rests on beside the text; "" while an engine is left out
    glossary: str = ""  # the operator's own, as its file reads


@dataclass(frozen=True, slots=True, kw_only=True)
class Translation:
    """A translation that passed its checks; shapes as in Summary, lines that failed left out."""

    entry_id: int
    input_fingerprint: str
    engine: str  # "original" where the source is in the target language already
    model: str
    glossary_version: str
    title: str
    summary: str
    story: str
    verdict: str  # "passed 4/4", "passed 3/4: <first reason>"
    origin: Origin = "extract"  # "llm": the summary was written of the article
    headline: int = 0  # 1: the title was written, not translated
    writer: str = ""  # engine and model that wrote either


# text: may go better another time. refused: never, with these engines and this glossary. outage: the engines
# failed. final: never at all.
FailureKind = Literal["text", "refused", "outage", "final"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Untranslated:
    """An attempt that brought nothing fit to show."""

    entry_id: int
    input_fingerprint: str
    failure: str
    kind: FailureKind = "text"


@dataclass(frozen=True, slots=True, kw_only=True)
class MemoryWrite:
    """A segment that passed, for the translation memory."""

    key: str
    engine: str
    model: str
    source: str
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class TranslateOutcome:
    """What one translate job brought."""

    results: tuple[Translation | Untranslated, ...]
    memory: tuple[MemoryWrite, ...] = ()
    refused: tuple[tuple[str, str], ...] = ()  # as in TranslateJob, what was refused now
    used: tuple[tuple[str, int], ...] = ()  # engine -> source characters sent
    sent: tuple[tuple[str, int], ...] = ()  # the same by the memory's keys of what was sent
    judged: tuple[tuple[str, int, int], ...] = ()  # engine, and how many of its segments passed, were refused
    trouble: tuple[str, ...] = ()  # engines that failed on the way, one line each, for the log
