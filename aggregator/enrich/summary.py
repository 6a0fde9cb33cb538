"""Whole sentences of an article: its summary and its story. Nothing is invented."""

import hashlib
import re
from collections.abc import Sequence

from aggregator.enrich.article import is_boilerplate
from aggregator.enrich.choice import choose
from aggregator.enrich.furniture import is_furniture, without_dateline
from aggregator.enrich.sentences import is_cut_off, is_whole, sentences
from aggregator.model import Origin, Summary, SummaryJob

WRITTEN_FROM = 400  # characters of an article; a model would make no less of a shorter one, and invent
STORY_SENTENCES = 12
STORY_CHARACTERS = 1600
STORY_PARAGRAPHS = 5
STORY_LEAST = 6  # fewer sentences make no story beside the summary
_PER_PARAGRAPH = 3  # so that a story reaches past a long first paragraph
_LEAST_WORDS = 6  # a phrase without a full stop counts as a sentence from here on


def summarise(job: SummaryJob) -> Summary:
    """Return the summary, and the story where the feed's rights are `full`; nothing where they are `titles`.

    What is not shown is not handed to an engine either.
    """
    paragraphs = _readable(job) if job.rights != "titles" else []
    text = "\n".join(choose(paragraphs, job.title))
    story = _story(paragraphs) if job.rights == "full" else ""
    origin: Origin = job.origin if text and len(job.text) >= WRITTEN_FROM else "extract"
    parts = (job.title, text, story, *([job.text] if origin == "llm" else []))
    return Summary(
        entry_id=job.entry_id,
        input_fingerprint=job.input_fingerprint,
        text=text,
        story=story,
        origin=origin,
        fingerprint=hashlib.sha256("\0".join(parts).encode()).hexdigest(),
    )


def _readable(job: SummaryJob) -> list[list[str]]:
    """Return the paragraphs as sentences fit to show: no title again, no furniture, nothing cut off."""
    kept: list[list[str]] = []
    for paragraph in job.text.split("\n\n"):
        fit = [s for s in map(without_dateline, sentences(paragraph)) if _is_fit(s, job.title)]
        if fit:
            kept.append(fit)
    return kept


def _is_fit(sentence: str, title: str) -> bool:
    if is_cut_off(sentence) or is_boilerplate(sentence) or is_furniture(sentence):
        return False
    if _bare(sentence) == _bare(title):
        return False
    return is_whole(sentence) or len(sentence.split()) >= _LEAST_WORDS


def _bare(text: str) -> str:
    return re.sub(r"\W+", "", text).casefold()


def _story(paragraphs: Sequence[Sequence[str]]) -> str:
    """Take 6-12 sentences in 3-5 paragraphs, in order; "" where there are fewer."""
    taken = _take(paragraphs, _PER_PARAGRAPH)
    if sum(map(len, taken)) < STORY_LEAST:
        taken = _take(paragraphs, STORY_SENTENCES)
    if sum(map(len, taken)) < STORY_LEAST:
        return ""
    return "\n\n".join("\n".join(paragraph) for paragraph in _regroup(taken))


def _take(paragraphs: Sequence[Sequence[str]], each: int) -> list[list[str]]:
    taken: list[list[str]] = []
    count = characters = 0
    for paragraph in paragraphs:
        part: list[str] = []
        for sentence in paragraph[:each]:
            if count == STORY_SENTENCES or characters + len(sentence) > STORY_CHARACTERS:
                return [*taken, part] if part else taken
            part.append(sentence)
            count, characters = count + 1, characters + len(sentence)
        taken.append(part)
    return taken


def _regroup(paragraphs: list[list[str]]) -> list[list[str]]:
    """Merge the shortest neighbours down to five paragraphs, split the longest up to three."""
    groups = [list(paragraph) for paragraph in paragraphs]
    while len(groups) > STORY_PARAGRAPHS:
        at = min(range(len(groups) - 1), key=lambda i: len(groups[i]) + len(groups[i + 1]))
        groups[at : at + 2] = [groups[at] + groups[at + 1]]
    while len(groups) < min(3, sum(map(len, groups)) // 2):
        at = max(range(len(groups)), key=lambda i: len(groups[i]))
        half = (len(groups[at]) + 1) // 2
        groups[at : at + 1] = [groups[at][:half], groups[at][half:]]
    return groups
