"""Whether a text is taken from another one, by its words, whatever stands around them. Pure."""

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

RUN = 12  # words in a row that two texts share by no chance, short of a quotation
_WORD = re.compile(r"[^\W\d_]\w*|\d+")

Words = tuple[str, ...]


def words(text: str) -> Words:
    """Return the words of a text, without case and what stands between them."""
    return tuple(_WORD.findall(text.casefold()))


def runs(text: str, length: int = RUN) -> frozenset[Words]:
    """Return each run of so many words within a line of the text."""
    return frozenset(run for line in text.splitlines() for run in _runs(words(line), length))


def _runs(said: Words, length: int) -> Iterator[Words]:
    return (said[start : start + length] for start in range(len(said) - length + 1))


@dataclass(frozen=True, slots=True)
class Traces:
    """What tells that a sentence is one of some texts', or was before an edit; made by `of`."""

    lines: dict[str, list[frozenset[str]]]  # those that have a word
    runs: frozenset[Words]

    def are_in(self, text: str) -> bool:
        """Tell whether all words of a text stand in one line, or some in a row that stand so there.

        Shape: numbers are left out, for they may be those of placeholders; of numbers alone nothing is told.
        """
        said = words(text)
        told = {word for word in said if not word.isdigit()}
        # The word that the fewest lines have: of a whole feed's a common one is in thousands.
        rarest = min((self.lines.get(word, []) for word in told), key=len, default=[])
        return any(told <= line for line in rarest) or any(run in self.runs for run in _runs(said, _EDITED))


_EDITED = 6  # words in a row that stay where a sentence is edited


def of(texts: Iterable[str]) -> Traces:
    """Return the traces of texts, each line of them for itself."""
    found: defaultdict[str, list[frozenset[str]]] = defaultdict(list)
    every: set[Words] = set()
    for said in {words(line) for text in texts for line in text.splitlines()}:
        line = frozenset(said)
        every.update(_runs(said, _EDITED))
        for word in line:
            found[word].append(line)
    return Traces(dict(found), frozenset(every))
