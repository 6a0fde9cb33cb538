"""Whether two titles tell one event: by what must be the same in both, then by how much of the rest is.

Precision comes first. Names (any word that is not a common one), numbers, versions, negations, words of
another stage or direction are a title's key, and titles of different keys are never compared: whatever else
is alike, another version is another event. So is what the same words tell in another order.
"""

import functools
import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from typing import Literal

from aggregator.poll.wordings import EMPTY, NAMELESS, PHRASES, PLAIN, SAME, SERIES, TELLING, WAYS, stem
from aggregator.translate.casing import is_common

# Chosen on one half of tests/quality/pairs.tsv, and shown to hold on the other.
LIKENESS = 0.7  # of the words that either title has, so many are in both
LONG = 6  # words: a shorter title has to have all that the other one has, and no more
EVIDENCE = 5  # a name or a number weighs 2, any other word 1: less than that may be said of two events
LONGEST = 300  # letters of a title
ENOUGH = 7  # words that do for a title without a name, all of them in both

_Part = Literal["name", "number", "way", "rest", "word"]
_WEIGHTS: dict[_Part, int] = {"name": 2, "number": 2, "way": 1, "rest": 1, "word": 0}
_SCALES = {
    "k": 10**3, "thousand": 10**3, "m": 10**6, "mn": 10**6, "million": 10**6, "b": 10**9, "bn": 10**9,
    "billion": 10**9, "tn": 10**12, "trillion": 10**12,
}  # fmt: skip
_UNITS = {
    "dollar": "$", "dollars": "$", "euro": "€", "euros": "€", "pounds": "£", "yen": "¥", "percent": "%",
    "per cent": "%",
}  # fmt: skip
_COUNTED = "one two three four five six seven eight nine ten eleven twelve".split()
_DIGITS = {word: str(number) for number, word in enumerate(_COUNTED, 1)}
_TOKEN = re.compile(
    r"(?P<before>[$€£¥])?(?P<number>\d{1,3}(?:,\d{3})+(?:\.\d+)?|\d+(?:\.\d+)*)"
    r"(?:[\s-]?(?P<scale>thousand|[mb]illion|trillion|[mbt]n|[kmb])(?!\w))?"
    r"(?:\s?(?P<after>%|percent|per cent|dollars?|euros?|pounds|yen)(?!\w))?(?!\w)"
    r"|(?P<word>\w+(?:[.&]\w+)*[+#]*)"
)
_CAPITAL = re.compile(r"[\w.&]*[^\W\d_a-z][\w.&]*[+#]*")
_VERSION = re.compile(r"\bv(?=\d)")
_LABEL = re.compile(r"^\W*(?:breaking|exclusive|updated?|show hn)\b\W+")
_KIND = re.compile(
    r"^\W*(?:podcast|video|watch|listen|photos?|q&a|ask hn)\s*[:|–—]|\bhow to\b|(?<!llion )\bdeal\W*$"
    r"|\bwhat (?:happened|we know|to know|to expect)\b|\bheres (?:what|how|why)\b"
)
_PHRASES = [(re.compile(rf"\b(?:{said})(?!\w)"), meant) for said, meant in PHRASES.items()]
_FROM, _TO = re.compile(r"\bfrom\b"), re.compile(r"\bto\b")  # one alone says no more than the order of names
_ASKS = re.compile(
    r"(?:is|are|was|were|do|does|did|can|could|will|would|should|has|have|who|what|when|where|why|how|which)\b.*"
    r"|.*\?\W*"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Telling:
    """What a title says."""

    key: str  # has to be the same
    words: frozenset[str]  # all others
    order: tuple[str, ...]  # of both
    weight: int  # of the key
    length: int  # of the key, in words
    is_named: bool


@functools.lru_cache(maxsize=512)
def telling(title: str) -> Telling | None:
    """Return what an English title says; None where many may say it."""
    if len(title) > LONGEST:
        return None
    text = _plain(title)
    tokens = list(_tokens(text))
    if _KIND.search(text) or not SERIES.isdisjoint(tokens):
        return None
    said = [each for each in map(_meaning, tokens) if each]
    # The order of names counts, and that of numbers, each with the words that point to them: who buys whom.
    ordered = [[word for part, word in said if part in {kind, "way"}] for kind in ("name", "number")]
    rest = sorted(word for part, word in said if part == "rest")
    written = {word.casefold().rstrip(".") for word in _CAPITAL.findall(title)}
    asks = ["?"] if _ASKS.fullmatch(text) else []
    key = " | ".join(map(" ".join, (*ordered, rest, asks)))
    told = Telling(
        key=key,
        words=frozenset(word for part, word in said if part == "word"),
        order=tuple(dict.fromkeys(word for _, word in said)),
        weight=sum(_WEIGHTS[part] for part, _ in said),
        length=sum(part != "word" for part, _ in said),
        is_named=any(part == "name" and word in written for part, word in said),
    )
    return told if _is_telling(told, len(told.words)) else None


def same(one: str, other: str) -> bool:
    """Say whether two English titles tell one event."""
    left, right = telling(one), telling(other)
    return left is not None and right is not None and left.key == right.key and _is_likely(left, right)


def _is_telling(told: Telling, shared: int) -> bool:
    if not told.is_named:
        return told.length + shared >= ENOUGH
    return told.weight + shared >= EVIDENCE


def _is_likely(left: Telling, right: Telling) -> bool:
    shared, either = left.words & right.words, left.words | right.words
    if _in(right, left) != _in(left, right):  # a recall after a crash is no crash after a recall
        return False
    if shared == either or not (left.is_named and right.is_named):
        return shared == either
    # A word more is little beside all that is shared, but much beside two names; the last one says of what.
    if shared not in {left.words, right.words} or not _is_telling(left, len(shared) - 1):
        return False
    length = left.length + len(either)
    is_inside = left.order[0] == right.order[0] and left.order[-1] == right.order[-1]
    return is_inside and length >= LONG and left.length + len(shared) >= LIKENESS * length


def _in(other: Telling, told: Telling) -> list[str]:
    """Return which words of a title stand in another one, in their order."""
    return [word for word in told.order if word in other.order]


def _plain(title: str) -> str:
    text = unicodedata.normalize("NFKC", title).casefold().replace("’", "'")
    text = _VERSION.sub("", _LABEL.sub("", text)).replace("won't", "will not").replace("n't", " not")
    text = re.sub(r"'(?:s\b)?", "", text)
    for said, meant in _PHRASES:
        text = said.sub(meant, text)
    return text if _TO.search(text) else _FROM.sub("", text)


def _tokens(text: str) -> Iterator[str]:
    """Yield words, and numbers by value: "2500000000$" for "$2.5bn"; of a version the final zeros go."""
    for match in _TOKEN.finditer(text):
        word, number = match["word"], match["number"]
        if word:
            yield _DIGITS.get(word, word)
            continue
        unit = match["before"] or _UNITS.get(match["after"] or "", match["after"] or "")
        number = number.replace(",", "")
        if match["scale"] and number.count(".") < 2:
            number = f"{Decimal(number) * _SCALES[match['scale']]:f}"
        whole, _, rest = number.partition(".")
        yield (number if rest.strip("0") else whole) + unit


def _meaning(token: str) -> tuple[_Part, str] | None:
    """Return which part of what a title says a word is, and what it means; None where it means nothing."""
    if any(map(str.isdigit, token)):
        return "number", token
    root = stem(token)
    if token in WAYS:
        return "way", token
    if root in EMPTY:
        return None
    sense = SAME.get(root, root)
    if sense in TELLING or root in NAMELESS:
        return "rest", sense
    return ("word", sense) if root in SAME or root in PLAIN or is_common(token) else ("name", token)
