"""Settings' values, read from text or TOML by the type they have."""

import re
from collections.abc import Callable
from datetime import time, timedelta
from pathlib import Path
from typing import Literal, get_args, get_origin

from aggregator.times import parse_duration


def reader(kind: object) -> tuple[str, Callable[[object], object]]:
    """Return what a setting of a type expects, in words, and what turns its text or TOML value into it.

    Raises: the function returned raises ValueError or TypeError.
    """
    if get_origin(kind) is Literal:
        choices = get_args(kind)
        return " | ".join(choices), lambda raw: choices[choices.index(raw)]
    return _READERS[kind]


_MOST = 1_000_000_000
_CLOCK = re.compile(r"\d\d:\d\d")
_LONGEST = timedelta(days=3650)  # what can still be taken from today's date


def _bool(raw: object) -> bool:
    if isinstance(raw, bool):
        return raw
    return {
        "1": True,
        "true": True,
        "yes": True,
        "on": True,
        "0": False,
        "false": False,
        "no": False,
        "off": False,
    }[_text(raw).lower()]


def _text(raw: object) -> str:
    if not isinstance(raw, str):
        raise TypeError(raw)
    return raw


def _int(raw: object) -> int:
    if isinstance(raw, bool) or not isinstance(raw, int | str):
        raise TypeError(raw)
    number = int(raw)
    if not 0 <= number <= _MOST:
        raise ValueError(raw)
    return number


def _duration(raw: object) -> timedelta:
    if isinstance(raw, bool) or not isinstance(raw, int | float | str):
        raise TypeError(raw)
    duration = parse_duration(str(raw))
    if duration > _LONGEST:
        raise ValueError(raw)
    return duration


def _time(raw: object) -> time | None:
    if isinstance(raw, time):  # TOML writes 18:00:00 without quotes
        return raw
    text = _text(raw)
    if text == "off":
        return None
    if not _CLOCK.fullmatch(text):
        raise ValueError(raw)
    return time.fromisoformat(text)


def _path(raw: object) -> Path:
    try:
        return Path(_text(raw)).expanduser()
    except RuntimeError as error:  # ~ of a user that does not exist
        raise ValueError(raw) from error


def _looked_up(convert: Callable[[object], object]) -> Callable[[object], object]:
    def read(raw: object) -> object:
        try:
            return convert(raw)
        except KeyError as error:
            raise ValueError(raw) from error

    return read


_READERS: dict[object, tuple[str, Callable[[object], object]]] = {
    Path: ("a path", _path),
    str: ("text", _text),
    bool: ("true or false", _looked_up(_bool)),
    int: (f"a whole number of 0 or more, up to {_MOST}", _int),
    time | None: ("a time of day such as 18:00, or off", _time),
    timedelta: ("a duration such as 30s, 15m, 6h or 2d, ten years at most", _duration),
}
