"""Texts as the terms of search: words, and in Japanese, which has no spaces, each two letters side by side.

A run of Japanese letters becomes its overlapping pairs and its last letter, which keeps it apart from the
next run; so a query of two letters is one term, and a longer one a phrase. Each letter stands once more by
itself behind it all: to look for it as the start of pairs would take in half of all there are.
"""

import re
import unicodedata
from dataclasses import dataclass

MAX_LENGTH = 100  # characters of a query that are read
MAX_PARTS = 8
_STEM = 3  # letters of a word that may be the start of a longer one: kernel finds kernels, AI no air

_JAPANESE = (
    "\u3005-\u3007\u3031-\u3035\u303b\u3041-\u3096\u309d-\u309f\u30a1-\u30fa\u30fc-\u30ff\u31f0-\u31ff"
    "\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff"
)
# C++ and C# are words of their own; any other sign ends one.
_PIECE = re.compile(rf"([{_JAPANESE}]+)|(?:(?![{_JAPANESE}])[^\W_])+(?:\+\+|#)?")
_ACCENTS = re.compile("[\u0300-\u036f]")  # of Latin letters; a voiced kana's mark is none of them


@dataclass(frozen=True, slots=True, kw_only=True)
class Query:
    """What is looked for, read from what somebody typed."""

    text: str  # to be shown again
    match: str = ""  # an FTS5 expression that every hit fulfils; empty: there is nothing to look for

    @property
    def titles(self) -> str:
        """The same, of titles alone."""
        return f"{{title original}} : ({self.match})"


def terms(text: str) -> str:
    """Return the terms of a text, a space between each two."""
    pieces = _pieces(text)
    letters = dict.fromkeys(pair[0] for is_japanese, found in pieces if is_japanese for pair in found)
    return " ".join((*(term for _, found in pieces for term in found), *letters))


def query(text: str) -> Query:
    """Read a query; whatever stands in it is looked for, nothing is an instruction.

    Shape: all words have to be there, in any order; what is joined by signs (GPT-5.1) stands side by side.
    """
    shown = _printable(text)[:MAX_LENGTH].strip()
    parts = list(dict.fromkeys(part for word in _fold(shown).split() for part in _parts(word)))
    return Query(text=shown, match=" AND ".join(parts[:MAX_PARTS]))


def _parts(word: str) -> list[str]:
    """Return phrases of FTS5: of each run of Japanese, and of what else stands between them."""
    parts: list[str] = []
    joined: list[str] = []
    for is_japanese, found in _pieces(word):
        if is_japanese:
            parts += [*_phrase(joined), _run(found)]
            joined = []
        else:
            joined += found
    return [*parts, *_phrase(joined)]


def _run(found: list[str]) -> str:
    pairs = found[:-1] or found  # what ends the query need not end a run of the text
    return f'"{" ".join(pairs)}"'


def _phrase(words: list[str]) -> list[str]:
    if not words:
        return []
    star = " *" if words[-1].isalpha() and len(words[-1]) >= _STEM else ""
    return [f'"{" ".join(words)}"{star}']


def _pieces(text: str) -> list[tuple[bool, list[str]]]:
    """Cut a text into runs of Japanese and words, each as its terms."""
    return [
        (True, _pairs(found[0])) if found[1] else (False, [found[0]])
        for found in _PIECE.finditer(_fold(text))
    ]


def _pairs(run: str) -> list[str]:
    return [run[at : at + 2] for at in range(len(run))]


def _fold(text: str) -> str:
    """Write what looks alike in one way: ＡＩ, ai; ｶﾞ, ガ; café, cafe."""
    bare = _ACCENTS.sub("", unicodedata.normalize("NFKD", text))
    return unicodedata.normalize("NFKC", bare.casefold())


def _printable(text: str) -> str:
    return " ".join("".join(letter if letter.isprintable() else " " for letter in text).split())
