"""A glossary's text, and edits of single lines of it that leave the rest as it is."""

import codecs
from dataclasses import dataclass

from aggregator.errors import ConfigError
from aggregator.markup import xml_legal
from aggregator.translate import glossary

LONGEST = 200  # characters of a term, of its renderings and of a note


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One term as it is written."""

    term: str
    rendering: str  # all of them, with | between; KEEP for a name that stays
    note: str = ""

    def written(self) -> str:
        """Return the line without its end."""
        return f"{self.term}\t{self.rendering}\t{self.note}".rstrip("\t")


def lines(data: bytes, name: str) -> tuple[Line, ...]:
    """Return the terms of a file in its order; of one that stands there twice, both.

    Raises: ConfigError naming file and line.
    """
    text = _text(data, name)
    glossary.read(text, name)
    return tuple(_line(each) for each in text.splitlines() if glossary.is_row(each))


def put(data: bytes, line: Line, name: str) -> bytes:
    """Return the file with a term's line replaced, or added at its end.

    Raises: ConfigError where the line or the file is no glossary's.
    """
    line = Line(term=line.term.strip(), rendering=line.rendering.strip(), note=line.note.strip())
    _check(line, name)
    text = _text(data, name)
    kept = text.splitlines(keepends=True)
    places = _places(kept, line.term)
    if places:
        at = places[-1]  # the one that counts
        kept[at] = line.written() + _end(kept[at])
        return _bytes("".join(kept), data, name)
    end = (_end(kept[0]) if kept else "") or "\n"
    text += "" if not text or _end(kept[-1]) else end
    return _bytes(text + line.written() + end, data, name)


def drop(data: bytes, term: str, name: str) -> bytes:
    """Return the file without a term.

    Raises: ConfigError where it is not there, or the file is no glossary.
    """
    kept = _text(data, name).splitlines(keepends=True)
    places = set(_places(kept, term))
    if not places:
        raise ConfigError(f"{name}: has no line for {term!r}")
    return _bytes("".join(line for at, line in enumerate(kept) if at not in places), data, name)


def _check(line: Line, name: str) -> None:
    for what, text in (("term", line.term), ("rendering", line.rendering), ("note", line.note)):
        if not _is_plain(text) or not (text or what == "note"):
            raise ConfigError(
                f"{name}: {what} {text[:40]!r}: expected one line without tabs, {LONGEST} letters at most"
            )
    written = line.written()
    if not glossary.is_row(written):
        raise ConfigError(f"{name}: {written!r}: expected a term that does not begin with #")
    glossary.read(written, name)


def _is_plain(text: str) -> bool:
    is_one_line = text.splitlines() in ([text], []) and "\t" not in text
    return is_one_line and len(text) <= LONGEST and xml_legal(text) == text


def _places(kept: list[str], term: str) -> list[int]:
    rows = ((at, line) for at, line in enumerate(kept) if glossary.is_row(line))
    return [at for at, line in rows if _line(line).term == term]


def _line(text: str) -> Line:
    term, _, rest = text.splitlines()[0].partition("\t")
    rendering, _, note = rest.partition("\t")
    return Line(term=term.strip(), rendering=rendering.strip(), note=note.strip())


def _end(line: str) -> str:
    return line[len(line.splitlines()[0]) :]


def _text(data: bytes, name: str) -> str:
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise ConfigError(f"{name}: cannot be read ({error})") from error


def _bytes(text: str, before: bytes, name: str) -> bytes:
    glossary.read(text, name)
    mark = codecs.BOM_UTF8 if before.startswith(codecs.BOM_UTF8) else b""
    return mark + text.encode()
