"""The llamacpp engine: a GGUF language model in this process, asked to go on from examples, or in a chat.

The one that `models pull` brings is a last resort: a small general model translates far worse than the
firefox engine. The figures behind each choice here are in docs/translation.md; bench/prompts.py makes them.
"""

import ctypes
import importlib
import json
import os
import secrets
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from aggregator.errors import EngineUnavailable
from aggregator.translate.engines.gguf import read_header
from aggregator.translate.engines.prompts import CHATS, few_shot
from aggregator.translate.style import DEARU

PACKAGE = "xllamacpp"
VERSION = "1"  # of prompt, ban and placeholder form: part of the memory's key
PLACEHOLDER = "[{n}]"

_CONTEXT = 2048  # tokens: the examples take 190, an answer at most a third


def version(prompt: str, style: str) -> str:
    """Return the prompt's version as the memory's key takes it; CAT-Translate is told no style."""
    return f"{VERSION} cat" if prompt == "cat" else f"{VERSION} {prompt} {style}"


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
    placeholder = PLACEHOLDER
    steady = True

    def __init__(
        self,
        path: Path,
        model: str,
        target: str = "ja",
        banned: Callable[[str], bool] = is_foreign,
        prompt: str = "few_shot",
        style: str = DEARU,
    ) -> None:
        self.model = model
        self.target = target
        self.version = version(prompt, style)
        self._prompt, self._style = prompt, style
        if not path.is_file():
            raise EngineUnavailable(f"{path}: no such model; run `aggregator models pull llamacpp`")
        # False is llama.cpp's word for "never".
        self._banned = [[n, False] for n, text in enumerate(read_header(path).vocabulary) if banned(text)]
        self._server = _open_server(path, len(os.sched_getaffinity(0)))

    def translate(self, segments: Sequence[str]) -> list[str]:
        """Return one translation for each segment, in order, unchecked.

        Shape: "" where a segment is too long for the context.
        Raises: EngineUnavailable where the model does not answer.
        """
        return [self._segment(segment) for segment in segments]

    def write(self, instructions: str, source_text: str, max_tokens: int) -> str:
        """Return what the model writes about a text, unchecked; "" where that is too long for the context.

        Raises: EngineUnavailable where the model does not answer.
        """
        quoted = json.dumps(source_text, ensure_ascii=False)
        return self.reply(f"{instructions}\n\n{quoted}", max_tokens)

    def _segment(self, segment: str) -> str:
        limit = answer_limit(segment)
        if self._prompt in CHATS:
            return self.reply(CHATS[self._prompt](segment, self._style), limit)
        return self.complete(few_shot(segment, self._style), limit)

    def complete(self, text: str, limit: int, stop: str = "\n") -> str:
        """Return how the model continues a text, up to a stop or `limit` tokens.

        Shape: "" where the text is too long for the context.
        Raises: EngineUnavailable where the model does not answer.
        """
        return self._ask(self._server.handle_completions, {"prompt": text, "stop": [stop]}, limit)

    def reply(self, message: str, limit: int) -> str:
        """Return what the model says to a message, by its own chat template, up to `limit` tokens.

        Shape: "" where the message is too long for the context.
        Raises: EngineUnavailable where the model does not answer.
        """
        request = {
            "messages": [{"role": "user", "content": message}],
            "chat_template_kwargs": {"enable_thinking": False},  # thoughts would use up the limit
        }
        return self._ask(self._server.handle_chat_completions, request, limit)

    def _ask(self, ask: Callable[[dict[str, Any]], Any], request: dict[str, Any], limit: int) -> str:
        common = {
            "max_tokens": limit,
            "temperature": 0,
            "cache_prompt": True,
            "id_slot": 0,
            "logit_bias": self._banned,
        }
        try:
            answer = ask(request | common)
        except (RuntimeError, ValueError, TypeError) as error:
            raise EngineUnavailable(f"llamacpp: {self.model} did not answer ({error})") from error
        match answer:
            case {"choices": [{"text": str(text)} | {"message": {"content": str(text)}}, *_]}:
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
