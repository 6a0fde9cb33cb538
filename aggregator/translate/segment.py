"""What one translation call gets: text with numbered placeholders, and the way back.

Code, URLs, addresses, emoji and names that engines mangle leave the text before it is translated and come
back literally. A title's tags ("Show HN:", "[pdf]", "(2019)") never reach the engine.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache

from aggregator.translate.style import headline

_CODE = r"`[^`\n]+`"
_URL = (
    r"(?<![A-Za-z])(?:https?|ftp)://[!#-&(-;=?-_a-~]*[#-&*+\-/-9=@-Z_a-z~]"  # ASCII: 「…/を」 ends before を
)
_EMAIL = r"(?<![\w.+-])[A-Za-z0-9_.+-]+@[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)+"
_PICTURE = r"\U0001F1E6-\U0001F1FF\U0001F300-\U0001FAFF\u2600-\u27BF\u2B50\u2B55"
_EMOJI = rf"[{_PICTURE}][{_PICTURE}\uFE0F\u200D]*"
LITERAL = re.compile(f"{_URL}|{_EMAIL}")  # what every translation must hold unchanged
VERBATIM = re.compile(f"{_CODE}|{_URL}|{_EMAIL}")  # what no rule of writing may touch

_HEAD = re.compile(r"(?:(?:Show|Ask|Tell|Launch) HN:|\[[A-Za-z][\w ]{1,11}\](?=\s))\s*", re.IGNORECASE)
_TAIL = re.compile(r"\s*(?:\[(?:pdf|video|audio|slides|paper)\]|\((?:19|20)\d\d\))$", re.IGNORECASE)
_TAG = re.compile(r"\s*(\[[\w ]+\])")
_TAGS_JA = {
    "[pdf]": "[PDF]",
    "[video]": "[動画]",
    "[audio]": "[音声]",
    "[slides]": "[スライド]",
    "[paper]": "[論文]",
}


@dataclass(frozen=True, slots=True)
class Masked:
    """A segment as an engine gets it, and what its placeholders stand for, the first being number 1."""

    text: str
    originals: tuple[str, ...]
    form: str


@dataclass(frozen=True, slots=True)
class Title:
    """A title's tags and, between them, the text that is translated."""

    head: str
    core: str
    tail: str


def mask(text: str, keep: tuple[str, ...], form: str, renderings: tuple[tuple[str, str], ...] = ()) -> Masked:
    """Put numbered placeholders where the text must come through unchanged, or as its rendering says.

    Shape: `form` holds one {n} between two other characters, e.g. "[{n}]"; "%{n}" would take up a digit that
    follows it. Text that looks like a placeholder already is masked itself.
    """
    originals: list[str] = []
    rendered = {term.lower(): rendering for term, rendering in renderings}

    def replace(match: re.Match[str]) -> str:
        originals.append(rendered[match["term"].lower()] if match["term"] else match[0])
        return form.format(n=len(originals))

    terms = tuple(term for term, _ in renderings)
    return Masked(_maskable(keep, form, terms).sub(replace, text), tuple(originals), form)


def unmask(masked: Masked, translated: str) -> str | None:
    """Put the originals back; None where a placeholder was lost, doubled or made up."""
    pattern = _placeholder(masked.form)
    if sorted(pattern.findall(translated)) != sorted(pattern.findall(masked.text)):
        return None
    if not masked.originals:  # what looks like a placeholder is text of its own
        return translated
    return pattern.sub(lambda match: masked.originals[int(match[1]) - 1], translated)


@lru_cache(maxsize=32)
def _maskable(keep: tuple[str, ...], form: str, terms: tuple[str, ...]) -> re.Pattern[str]:
    names, rendered = any_of(keep), any_of(terms)
    words = rf"(?<![\w@#/])(?:{names}|(?i:(?P<term>{rendered})s?))(?![\w/]|\.\w)"
    return re.compile(f"{_CODE}|{_URL}|{_EMAIL}|{_EMOJI}|{_placeholder(form).pattern}|{words}")


def any_of(terms: Iterable[str]) -> str:
    """Return a pattern that finds any of the terms, the longest first; nothing where there are none."""
    return "|".join(re.escape(term) for term in sorted(terms, key=len, reverse=True)) or "(?!)"


@lru_cache(maxsize=32)
def _placeholder(form: str) -> re.Pattern[str]:
    before, _, after = form.partition("{n}")
    return re.compile(rf"{re.escape(before)}(\d{{1,3}}){re.escape(after)}")


def split_title(title: str) -> Title:
    """Take "Show HN:" and the like off the front, "[pdf]" and "(2019)" off the end."""
    head = match[0] if (match := _HEAD.match(title)) else ""
    core, tail = title[len(head) :], ""
    while match := _TAIL.search(core):
        core, tail = core[: match.start()], match[0] + tail
    if not core.strip():  # nothing but tags: then they are the title
        return Title("", title, "")
    return Title(head, core.strip(), tail)


def join_title(title: Title, core: str, target: str) -> str:
    """Put the tags back around the translated text, in the target language where that is natural."""
    if target != "ja":
        return title.head + core + title.tail
    head = _TAG.sub(_tag_ja, title.head).rstrip().replace(":", "：")
    tail = _TAG.sub(_tag_ja, re.sub(r"\s*\((\d{4})\)", r"（\1年）", title.tail))
    return head + _headline(core) + tail


def _tag_ja(match: re.Match[str]) -> str:
    return _TAGS_JA.get(match[1].lower(), match[1])


def _headline(text: str) -> str:
    """Return a title in the form of headlines; one of several sentences keeps its stops."""
    return text if "。" in text[:-1] else headline(text)
