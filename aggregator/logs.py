"""Where log lines go and what they look like: text or JSON, to stderr or into a file that stays small."""

import json
import logging
import os
import re
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal, TextIO

from aggregator.errors import ConfigError

Format = Literal["text", "json"]

FILE_BYTES = 10_000_000
FILES = 3  # older ones: path.1 and so on
_TEXT = "%(asctime)s %(levelname)s %(name)s %(message)s"
_JOURNALS = "%(levelname)s %(name)s %(message)s"  # the journal knows the time
_EVENT = re.compile(r"[a-z][a-z0-9_]*(?= |$)")
_FIELD = re.compile(r"(?:(\w+)=('?))?(%[-#0 +]*\d*(?:\.\d+)?[a-z])\2?|(\w+)=('[^']*'|[^\s%]+)")
# What lets one in: the user of an address, and what its query calls so.
_USER = re.compile(r"(?<=://)[^\s/?#@]+(?=@)")
_KEY = re.compile(r"(?i)([?&;][^=&\s]*(?:token|key|secret|passw|pwd|auth|sig|session)[^=&\s]*=)[^&\s\"'<>#]+")
_CONTROL = re.compile(
    r"[\x00-\x08\x0b-\x1f\x7f-\x9f]"
)  # but tab and line feed: a feed's text may paint terminals
# JSON lets them stand, and others take them for the end of a line or a word to a terminal; half characters.
_RAW = re.compile(r"[\x7f-\x9f\u2028\u2029\ud800-\udfff]")
_PRIORITIES = {logging.DEBUG: 7, logging.INFO: 6, logging.WARNING: 4, logging.ERROR: 3, logging.CRITICAL: 2}


def start(
    level: int, form: Format, file: Path | None, stream: TextIO, environ: Mapping[str, str] = os.environ
) -> None:
    """Have everything that is logged written.

    Raises: ConfigError where the file cannot be written.
    """
    to_journal = file is None and _is_journal(stream, environ)
    handler = _file(file) if file else logging.StreamHandler(stream)
    line = JsonLine() if form == "json" else TextLine(_JOURNALS if to_journal else _TEXT)
    handler.setFormatter(_Prioritised(line) if to_journal else line)
    logging.basicConfig(level=level, handlers=[handler], force=True)


def _file(path: Path) -> logging.Handler:
    from logging.handlers import RotatingFileHandler  # and sockets with it, which few commands need

    try:
        return RotatingFileHandler(path, maxBytes=FILE_BYTES, backupCount=FILES, encoding="utf-8")
    except OSError as error:
        raise ConfigError(f"--log-file {path}: cannot be written ({error.strerror})") from error


def _is_journal(stream: TextIO, environ: Mapping[str, str]) -> bool:
    """Tell whether a stream leads to systemd's journal, as systemd.exec(5) has it said."""
    named = environ.get("JOURNAL_STREAM", "")
    try:
        there = os.fstat(stream.fileno())
    except (OSError, ValueError):
        return False
    return named == f"{there.st_dev}:{there.st_ino}"


def redacted(text: str) -> str:
    """Return a text without what lets one in: passwords and keys in addresses."""
    return _KEY.sub(r"\1…", _USER.sub("…", text))


class TextLine(logging.Formatter):
    """Lines for people."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the record's lines; one, unless it says where something broke."""
        text = redacted(super().format(record))
        if "\n" not in str(record.msg) and not record.exc_info:
            text = text.replace("\n", "\\n")  # or a feed could write lines of its own
        return _CONTROL.sub(lambda match: f"\\x{ord(match[0]):02x}", text)


class JsonLine(logging.Formatter):
    """One JSON object a line: time, level, logger, event and its fields."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the record's line."""
        event = _EVENT.match(str(record.msg))
        told = dict(_fields(record)) if event else {"message": redacted(record.getMessage())}
        if record.exc_info:
            told["traceback"] = redacted(self.formatException(record.exc_info))
        moment = datetime.fromtimestamp(record.created, UTC)
        line = {
            "time": f"{moment:%Y-%m-%dT%H:%M:%S}.{moment.microsecond // 1000:03}Z",
            "level": record.levelname.lower(),
            "logger": record.name,
            "event": event[0] if event else None,
            "fields": told,
        }
        return _RAW.sub(lambda match: f"\\u{ord(match[0]):04x}", json.dumps(line, ensure_ascii=False))


def _fields(record: logging.LogRecord) -> Iterator[tuple[str, object]]:
    """Yield what a message `event key=%s …` names, with the values as they were given."""
    given = iter(record.args if isinstance(record.args, tuple) else (record.args,))
    for match in _FIELD.finditer(str(record.msg)):
        key, _, placeholder, fixed, text = match.groups()
        if fixed:
            yield fixed, text.strip("'")
            continue
        value = next(given, placeholder)
        # Only what tells where something broke stands on lines of its own.
        yield key or ("traceback" if "\n" in str(record.msg) else "detail"), _plain(value)


def _plain(value: object) -> object:
    if isinstance(value, bool | int | None):
        return value
    return round(value, 3) if isinstance(value, float) else redacted(str(value))


class _Prioritised(logging.Formatter):
    """Each line with its priority, as sd-daemon(3) has it said to the journal."""

    def __init__(self, line: logging.Formatter) -> None:
        super().__init__()
        self._line = line

    def format(self, record: logging.LogRecord) -> str:
        priority = f"<{_PRIORITIES.get(record.levelno, 6)}>"
        return priority + self._line.format(record).replace("\n", f"\n{priority}")
