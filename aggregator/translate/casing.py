"""Titles In Title Case and TITLES IN CAPITALS as sentences, for engines that were trained on sentences.

A capital tells a name from a word, so only words that English hardly ever uses as names are lowered; they
stand in words.txt. All else keeps its capitals: an "Apple" too many is better than an apple.
"""

import re
from functools import lru_cache
from pathlib import Path

WORDS = Path(__file__).with_name("words.txt")

_WORD = re.compile(r"[^\W\d_](?:[\w'’]*\w)?")
_SMALL = frozenset("a an the and or but nor for of in on at to by with from as into vs via is it its".split())
_START = re.compile(r"(?:^|[.!?:]\s+|[“\"(]\s*)$")  # what stands before the first word of a sentence
_JOINED = re.compile(r"[\w./@#+&-]")  # a word glued to one of these is part of a name: Node.js, C++, AT&T


def sentence_cased(title: str, names: tuple[str, ...] = ()) -> str:
    """Return a title with its common words in lower case, the title itself where it is a sentence already.

    Shape: `names` are the glossary's; in a title in capitals they get their own spelling back.
    """
    words = _WORD.findall(title)
    if _in_capitals(words):
        return _lowered(_respelled(title, names), names)
    return _lowered(title, names) if _in_title_case(words) else title


def _in_capitals(words: list[str]) -> bool:
    return len(words) > 2 and all(word.isupper() for word in words) and sum(map(is_common, words)) > 1


def _in_title_case(words: list[str]) -> bool:
    """Tell by the common words, the first one left out: names have capitals in every sentence."""
    told = [word for word in words[1:] if is_common(word) and word.lower() not in _SMALL and len(word) > 2]
    return len(told) > 1 and sum(word[0].isupper() for word in told) >= 0.75 * len(told)


def is_common(word: str) -> bool:
    """Return whether a word, in any case, is one that English hardly ever uses as a name."""
    plain = word.lower().replace("’", "'")
    return not _common().isdisjoint({plain.removesuffix("n't"), plain.partition("'")[0]})


@lru_cache(maxsize=1)
def _common() -> frozenset[str]:
    return frozenset(WORDS.read_text(encoding="utf-8").split())


def _respelled(title: str, names: tuple[str, ...]) -> str:
    if not names:
        return title
    spelled = {name.upper(): name for name in names}
    return _pattern(tuple(spelled)).sub(lambda match: spelled[match[0]], title)


def _lowered(title: str, names: tuple[str, ...]) -> str:
    kept = [match.span() for match in _pattern(names).finditer(title)] if names else []

    def lower(match: re.Match[str]) -> str:
        start, end = match.span()
        if any(first < end and start < last for first, last in kept) or not _stands_alone(title, match):
            return match[0]
        if not is_common(match[0]) or match[0] in {"I", "US", "IT", "AI"} or _is_mixed(match[0]):
            return match[0]
        lowered = match[0].lower()
        return lowered[0].upper() + lowered[1:] if _START.search(title[:start]) else lowered

    return _WORD.sub(lower, title)


def _stands_alone(title: str, match: re.Match[str]) -> bool:
    before, after = title[max(0, match.start() - 1) : match.start()], title[match.end() : match.end() + 2]
    if before and _JOINED.match(before):
        return False
    return not (_JOINED.match(after) and (after[0] != "." or re.match(r"\.\w", after)))


def _is_mixed(word: str) -> bool:
    return any(c.isupper() for c in word[1:]) and not word.isupper()


@lru_cache(maxsize=8)
def _pattern(names: tuple[str, ...]) -> re.Pattern[str]:
    longest_first = sorted(names, key=len, reverse=True)
    return re.compile(rf"(?<!\w)(?:{'|'.join(map(re.escape, longest_first))})(?!\w)")
