"""GGUF files: name, chat template and vocabulary, read from the header without loading the model.

Source: the GGUF specification of the ggml project (little endian, version 2 and 3).
"""

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

from aggregator.errors import EngineUnavailable

_TOKENS, _KIND = "tokenizer.ggml.tokens", "tokenizer.ggml.model"
_NAME, _TEMPLATE = "general.name", "tokenizer.chat_template"
_WANTED = frozenset({_TOKENS, _KIND, _NAME, _TEMPLATE})
_SCALARS = {0: "B", 1: "b", 2: "H", 3: "h", 4: "I", 5: "i", 6: "f", 7: "?", 10: "Q", 11: "q", 12: "d"}
_STRING, _ARRAY = 8, 9


@dataclass(frozen=True, slots=True)
class Header:
    """What a model's file says of it."""

    name: str
    template: str  # "" where it has none
    vocabulary: tuple[str, ...]


def read_header(path: Path) -> Header:
    """Return what a model's file says of it; in the vocabulary a token's place is its number.

    Shape: a token that is no whole UTF-8 text by itself stands as "".
    Raises: EngineUnavailable where the file is no GGUF file or holds no vocabulary.
    """
    try:
        with path.open("rb") as file:
            found = {key: value for key, value in _metadata(file) if key in _WANTED}
    except (OSError, struct.error, KeyError, MemoryError, OverflowError) as error:
        raise EngineUnavailable(f"{path}: cannot be read as a GGUF file ({error})") from error
    if _TOKENS not in found:
        raise EngineUnavailable(f"{path}: holds no vocabulary")
    # Byte-level BPE calls itself gpt2; the others write text, and a space as U+2581.
    plain = _plain if found.get(_KIND, "gpt2") == "gpt2" else _with_spaces
    return Header(
        name=str(found.get(_NAME, "")),
        template=str(found.get(_TEMPLATE, "")),
        vocabulary=tuple(plain(str(token)) for token in found[_TOKENS]),
    )


def _metadata(file: BinaryIO) -> Iterator[tuple[str, Any]]:
    magic, version = file.read(4), _scalar(file, "I")
    if magic != b"GGUF" or version not in {2, 3}:
        raise EngineUnavailable(f"{file.name}: is no GGUF file of version 2 or 3")
    _scalar(file, "Q")  # number of tensors
    for _ in range(_scalar(file, "Q")):
        yield _string(file), _value(file, _scalar(file, "I"))


def _value(file: BinaryIO, kind: int) -> Any:
    if kind == _STRING:
        return _string(file)
    if kind == _ARRAY:
        inner, count = _scalar(file, "I"), _scalar(file, "Q")
        return [_value(file, inner) for _ in range(count)]
    return _scalar(file, _SCALARS[kind])


def _scalar(file: BinaryIO, code: str) -> Any:
    return struct.unpack("<" + code, file.read(struct.calcsize("<" + code)))[0]


def _string(file: BinaryIO) -> str:
    return file.read(_scalar(file, "Q")).decode("utf-8", "replace")


def _byte_alphabet() -> dict[str, int]:
    """Byte-level BPE writes each byte as a visible character: Latin-1 where it is one, else U+0100 and up."""
    visible = {*range(33, 127), *range(161, 173), *range(174, 256)}
    hidden = (byte for byte in range(256) if byte not in visible)
    return {chr(byte): byte for byte in visible} | {chr(256 + n): byte for n, byte in enumerate(hidden)}


_BYTES = _byte_alphabet()


def _plain(token: str) -> str:
    try:
        return bytes(_BYTES[char] for char in token).decode("utf-8")
    except (KeyError, UnicodeDecodeError):
        return ""


def _with_spaces(token: str) -> str:
    return token.replace("\u2581", " ")
