"""The operator's glossary: its lines beside the program's, and edits of single ones."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from sqlite_utils import Database

from aggregator import files
from aggregator.config import Config
from aggregator.errors import ConfigError
from aggregator.translate import glossary, glossary_lines
from aggregator.translate.glossary_lines import Line

COLUMNS = ("term", "rendering", "note", "of")


@dataclass(frozen=True, slots=True, kw_only=True)
class Term:
    """A line that holds, and whose it is."""

    line: Line
    own: bool  # the operator's; else the program's


def terms(config: Config) -> tuple[Term, ...]:
    """Return all lines that hold: the operator's, then those of the program that these do not replace.

    Raises: ConfigError naming file and line.
    """
    own = {line.term: line for line in _lines(config.glossary, _data(config))} if is_set(config) else {}
    replaced = {term.lower() for term in own}
    program = _lines(glossary.DEFAULT, glossary.DEFAULT.read_bytes())
    return (
        *(Term(line=line, own=True) for line in own.values()),
        *(Term(line=line, own=False) for line in program if line.term.lower() not in replaced),
    )


def is_set(config: Config) -> bool:
    """Tell whether the operator has a glossary."""
    return config.glossary != glossary.NONE


def put(db: Database, config: Config, line: Line, *, was: str | None = None) -> None:
    """Write a term's line; the rest of the file stays as it is.

    Shape: `was` is the line as whoever edits it saw it, "" where there was none.
    Raises: ConfigError where the line is none, or was changed meanwhile.
    """
    _edit(db, config, line.term, was, lambda data, name: glossary_lines.put(data, line, name))


def drop(db: Database, config: Config, term: str, *, was: str | None = None) -> None:
    """Take a term out; where the program has it too, the program's line holds again.

    Raises: ConfigError where it is not there, or was changed meanwhile.
    """
    _edit(db, config, term, was, lambda data, name: glossary_lines.drop(data, term, name))


def _edit(
    db: Database, config: Config, term: str, was: str | None, change: Callable[[bytes, str], bytes]
) -> None:
    if not is_set(config):
        raise ConfigError('glossary is not set; set it to a file of your own: glossary = "glossary.tsv"')
    with db.atomic():  # so that two who edit take turns
        data = _data(config)
        if was is not None and was != _present(config.glossary, data, term):
            raise ConfigError(f"{config.glossary}: {term!r} was changed meanwhile; look at it again")
        try:
            files.replace(config.glossary, change(data, str(config.glossary)))
        except OSError as error:
            raise ConfigError(f"{config.glossary}: cannot be written ({error.strerror})") from error


def _present(path: Path, data: bytes, term: str) -> str:
    found = [line.written() for line in _lines(path, data) if line.term == term]
    return found[-1] if found else ""


def _lines(path: Path, data: bytes) -> tuple[Line, ...]:
    return glossary_lines.lines(data, str(path))


def _data(config: Config) -> bytes:
    """Return what the file holds; nothing where it is not there yet."""
    try:
        return config.glossary.read_bytes()
    except FileNotFoundError:
        return b""
    except OSError as error:
        raise ConfigError(f"{config.glossary}: cannot be read ({error.strerror})") from error
