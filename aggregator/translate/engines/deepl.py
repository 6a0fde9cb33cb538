"""The deepl engine: DeepL's translation API, asked directly.

Source: developers.deepl.com/docs/api-reference/translate (JSON bodies, at most 50 texts and 128 KiB a
request; 429 too many requests, 456 the account's quota is spent; `formality` means plain or polite in
Japanese, and `prefer_` keeps it from being an error elsewhere).
"""

from collections.abc import Iterator, Sequence
from itertools import islice
from typing import Any

from aggregator.errors import BadTranslation, EngineUnavailable
from aggregator.translate.engines.service import Service
from aggregator.translate.style import DEARU, DESU_MASU

VARIABLE = "AGGREGATOR_DEEPL_KEY"
MODEL = "DeepL API"
VERSION = "1"  # of the request's form and the placeholders': part of the memory's key
PLACEHOLDER = "[{n}]"
AT_ONCE = 50  # texts a request
_QUOTA = 456
_FORMALITY = {DESU_MASU: "prefer_more", DEARU: "prefer_less"}


def address(key: str) -> str:
    """Return where a key is served: free ones end in `:fx` and have a host of their own."""
    host = "api-free.deepl.com" if key.endswith(":fx") else "api.deepl.com"
    return f"https://{host}/v2/translate"


def version(target: str, style: str) -> str:
    """Return the request's version as the memory's key takes it."""
    return f"{VERSION} {style}" if target == "ja" else VERSION


class DeepLEngine:
    """DeepL's API, with one key."""

    name = "deepl"
    placeholder = PLACEHOLDER
    steady = True

    def __init__(self, service: Service, model: str, target: str = "ja", style: str = DESU_MASU) -> None:
        self.model = model
        self.target = target
        self.version = version(target, style)
        self._formality = {"formality": _FORMALITY[style]} if target == "ja" else {}
        self._service = service

    @property
    def spent(self) -> int:
        """Return how many characters were sent, retries included."""
        return self._service.meter.spent

    def translate(self, segments: Sequence[str]) -> list[str]:
        """Return one translation for each segment, in order, unchecked.

        Raises: EngineUnavailable where DeepL does not answer or the quota is spent, BadTranslation where it
        answers oddly.
        """
        return [text for part in _parts(segments) for text in self._part(part)]

    def _part(self, segments: list[str]) -> list[str]:
        languages = {"source_lang": "EN", "target_lang": self.target.upper()}
        request = {"text": segments} | languages | self._formality
        reply = self._service.ask(request, sum(map(len, segments)))
        if reply.status == _QUOTA:
            raise EngineUnavailable("the account's quota is spent")
        return texts(self._service.read(reply), len(segments))


def texts(answer: Any, wanted: int) -> list[str]:
    """Return the texts of an answer.

    Raises: BadTranslation where they are not as many as were sent.
    """
    match answer:
        case {"translations": [*found]} if len(found) == wanted:
            return [_text(each) for each in found]
    raise BadTranslation(f"the answer does not hold {wanted} translations")


def _text(translation: Any) -> str:
    match translation:
        case {"text": str(text)}:
            return text
    raise BadTranslation("a translation without text")


def _parts(segments: Sequence[str]) -> Iterator[list[str]]:
    rest = iter(segments)
    while part := list(islice(rest, AT_ONCE)):
        yield part
