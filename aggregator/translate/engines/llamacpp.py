"""The llamacpp engine: a GGUF language model in this process, asked to continue a list of translations.

A last resort: a small general model translates far worse than the firefox engine. The figures behind each
choice here are in docs/translation.md; bench/prompts.py makes them.
"""

import ctypes
import importlib
import os
import secrets
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from aggregator.errors import EngineUnavailable
from aggregator.translate.engines.gguf import read_vocabulary

PACKAGE = "xllamacpp"
VERSION = "1"  # of prompt, ban and placeholder form: part of the memory's key
PLACEHOLDER = "[{n}]"

# Headlines and sentences, a placeholder, a sum of money, a quotation: what feeds are made of. No company's
# name: one that stood here turned up in translations of other news.
EXAMPLES = (
    (
        "New laptop gets a faster, cheaper chip",
        "新型ノートPC、より高速で安価なチップを搭載",
    ),
    (
        "The update fixes a bug that could let attackers read private messages.",
        "この更新では、攻撃者が非公開メッセージを読み取れる恐れのあった不具合が修正された。",
    ),
    (
        "Startup raises $20 million to build open-source developer tools",
        "スタートアップ企業、オープンソースの開発ツール構築に向け2000万ドルを調達",
    ),
    (
        '"We plan to release [1] for Linux next year," the company said on Tuesday.',
        "同社は火曜日、「来年、Linux向けに[1]を公開する予定だ」と述べた。",
    ),
)
_CONTEXT = 2048  # tokens: the examples take 190, an answer at most a third


def prompt(segment: str) -> str:
    """Return the text the model continues; its first part is the same for every segment, hence cached."""
    shots = "".join(f"English: {english}\nJapanese: {japanese}\n\n" for english, japanese in EXAMPLES)
    return f"{shots}English: {' '.join(segment.split())}\nJapanese:"


def is_foreign(text: str) -> bool:
    """Return whether a text holds Hangul or an ideograph that Japanese does not use.

    Japanese script is what cp932 can write: simplified Chinese forms are missing from it.
    """
    return any(_is_foreign_character(char) for char in text)


def _is_foreign_character(char: str) -> bool:
    if not ("\u3400" <= char <= "\u9fff" or "\uac00" <= char <= "\ud7a3" or "\uf900" <= char <= "\ufaff"):
        return False
    return not char.encode("cp932", "ignore")


def answer_limit(segment: str) -> int:
    """Return how many tokens a translation may take.

    Units: tokens. Japanese needs about half a token for each English letter; a loop is cut off soon after.
    """
    return min(32 + len(segment), _CONTEXT // 3)


class LlamaCppEngine:
    """A GGUF model behind xllamacpp's in-process server. One slot: more gain nothing on two cores."""

    name = "llamacpp"
    version = VERSION
    placeholder = PLACEHOLDER

    def __init__(
        self, path: Path, model: str, target: str = "ja", banned: Callable[[str], bool] = is_foreign
    ) -> None:
        self.model = model
        self.target = target
        if not path.is_file():
            raise EngineUnavailable(f"{path}: no such model; run `aggregator models pull llamacpp`")
        # False is llama.cpp's word for "never".
        self._banned = [[n, False] for n, text in enumerate(read_vocabulary(path)) if banned(text)]
        self._server = _open_server(path, len(os.sched_getaffinity(0)))

    def translate(self, segments: Sequence[str]) -> list[str]:
        """Return one translation for each segment, in order, unchecked.

        Shape: "" where a segment is too long for the context.
        Raises: EngineUnavailable where the model does not answer.
        """
        return [self.complete(prompt(segment), answer_limit(segment)) for segment in segments]

    def complete(self, text: str, limit: int, stop: str = "\n") -> str:
        """Return how the model continues a text, up to a stop or `limit` tokens.

        Shape: "" where the text is too long for the context.
        Raises: EngineUnavailable where the model does not answer.
        """
        request = {
            "prompt": text,
            "max_tokens": limit,
            "temperature": 0,
            "stop": [stop],
            "cache_prompt": True,
            "id_slot": 0,
            "logit_bias": self._banned,
        }
        try:
            answer = self._server.handle_completions(request)
        except (RuntimeError, ValueError, TypeError) as error:
            raise EngineUnavailable(f"llamacpp: {self.model} did not answer ({error})") from error
        match answer:
            case {"choices": [{"text": str(text)}, *_]}:
                return text.strip()
            case {"error": {"type": "exceed_context_size_error"}}:
                return ""
            case _:
                raise EngineUnavailable(f"llamacpp: {self.model} did not answer ({answer})")


def lacking() -> str:
    """Return what the system lacks for the package and how to get it, or ""."""
    _let_waiting_threads_sleep()
    try:
        ctypes.CDLL("libgomp.so.1")  # the wheel does not carry it, and minimal images lack it
    except OSError:
        return "the system library libgomp.so.1 is missing; on Debian run `apt-get install libgomp1`"
    return ""


def _let_waiting_threads_sleep() -> None:
    # Two threads that spin while they wait took five times as long as one on two busy cores. libgomp reads
    # this when it is loaded.
    os.environ.setdefault("OMP_WAIT_POLICY", "passive")


def _open_server(path: Path, threads: int) -> Any:
    _let_waiting_threads_sleep()
    try:
        xllamacpp = importlib.import_module(PACKAGE)  # 100 MB of native code: only where it is used
    except ImportError as error:
        raise EngineUnavailable(f"llamacpp: {PACKAGE} cannot be imported ({error})") from error
    try:
        return xllamacpp.Server(_parameters(xllamacpp, path, threads))
    except (RuntimeError, ValueError) as error:
        raise EngineUnavailable(f"{path}: cannot be loaded ({error})") from error


def _parameters(xllamacpp: Any, path: Path, threads: int) -> Any:
    given = xllamacpp.CommonParams()
    given.model.path = str(path)
    given.n_ctx = _CONTEXT
    given.n_parallel = 1
    given.cpuparams.n_threads = given.cpuparams_batch.n_threads = threads
    given.cache_ram_mib = 0  # the slot itself keeps the examples; no second cache of old prompts
    given.warmup = False
    given.verbosity = -1  # it would write to stderr
    given.ui = given.endpoint_slots = False
    given.api_keys = [secrets.token_hex(16)]  # it opens a loopback port nobody else is to use
    return given
