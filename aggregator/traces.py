"""Whether a text repeats another one: by runs of words, whatever stands around them. Pure."""

import re
from collections.abc import Iterable
from dataclasses import dataclass

RUN = 8  # words in a row that two texts share by no chance
_WORD = re.compile(r"[^\W_]+")

Run = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Traces:
    """What shows that a text is taken from others: their short lines whole, and runs of words of all."""

    lines: frozenset[Run]
    runs: frozenset[Run]

    def are_in(self, text: str) -> bool:
        """Tell whether a text is one of these lines, or shares a run of words with them."""
        said = words(text)
        return said in self.lines or not self.runs.isdisjoint(_runs(said))


def of(texts: Iterable[str]) -> Traces:
    """Return the traces of texts, each line of them for itself."""
    lines = [words(line) for text in texts for line in text.splitlines()]
    return Traces(
        lines=frozenset(line for line in lines if line),
        runs=frozenset(run for line in lines for run in _runs(line)),
    )


def words(text: str) -> Run:
    """Return the words of a text, without case and what stands between them."""
    return tuple(_WORD.findall(text.casefold()))


def _runs(said: Run) -> Iterable[Run]:
    return (said[start : start + RUN] for start in range(len(said) - RUN + 1))
