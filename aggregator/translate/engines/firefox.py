"""The firefox engine: a Firefox Translations model on the CPU, in this process, by way of fxtranslate."""

import importlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from aggregator.errors import EngineUnavailable

PACKAGE = "fxtranslate"
VERSION = "1"  # of the placeholder form: part of the memory's key
PLACEHOLDER = "[{n}]"  # ⟦1⟧, {1}, #1# and <1> were lost by models of this family, [1] kept

# The time grows with the square of the length (80 s for 15,000 characters), and what is far longer than any
# sentence of the training data comes out cut short: no translation is the honest answer.
_LONGEST = 2000  # characters of one sentence
_UNSPACED = frozenset({"ja", "zh", "th"})  # languages that put no space between sentences


class FirefoxEngine:
    """A model folder, loaded. It belongs to the thread that made it: a call from another one panics."""

    name = "firefox"
    version = VERSION
    placeholder = PLACEHOLDER
    steady = True

    def __init__(self, folder: Path, model: str, target: str = "ja") -> None:
        self.model = model
        self.target = target
        self._package = _package()
        self._translator = _load(self._package, folder)
        self._joint = "" if target in _UNSPACED else " "

    def translate(self, segments: Sequence[str]) -> list[str]:
        """Return one translation for each segment, in order, unchecked.

        Shape: "" where a segment holds a sentence no model of this kind can take.
        """
        return [self._segment(segment) for segment in segments]

    def _segment(self, segment: str) -> str:
        # The model was trained on single sentences and drops what follows the first one now and then.
        sentences = self._package.discovery.segment_sentences(segment)
        if any(len(sentence) > _LONGEST for sentence in sentences):
            return ""
        return self._joint.join(self._translator.translate(sentence) for sentence in sentences)


def _package() -> Any:
    try:
        return importlib.import_module(PACKAGE)  # native code: only in the process that translates
    except ImportError as error:
        raise EngineUnavailable(f"firefox: {PACKAGE} cannot be imported ({error})") from error


def _load(package: Any, folder: Path) -> Any:
    source = _content(folder, "srcvocab.*.spm", "vocab.*.spm")
    target = _content(folder, "trgvocab.*.spm", "vocab.*.spm")
    model, shortlist = _content(folder, "model.*.bin"), _content(folder, "lex.*.bin")
    try:
        return package.Translator(model, source, target, shortlist)
    except ValueError as error:
        raise EngineUnavailable(f"{folder}: is no model of this family ({error})") from error


def _content(folder: Path, *patterns: str) -> bytes:
    """Languages of one script share one vocabulary; Japanese has one for each side."""
    found = [file for pattern in patterns for file in sorted(folder.glob(pattern))]
    try:
        return found[0].read_bytes()
    except (IndexError, OSError) as error:
        wanted = " or ".join(patterns)
        raise EngineUnavailable(
            f"{folder}: {wanted} is missing; run `aggregator models pull firefox`"
        ) from error
