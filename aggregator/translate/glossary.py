"""Terms with a rendering of their own: the program's table, the operator's over it, and what breaks it."""

import hashlib
import re
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from aggregator.errors import ConfigError
from aggregator.translate.segment import any_of

DEFAULT = Path(__file__).with_name("glossary.tsv")
NONE = Path()
KEEP = "="
BROKEN = "glossary: "

Rows = dict[str, tuple[str, ...]]  # term -> its rendering or KEEP, then what is accepted too


@dataclass(frozen=True, slots=True)
class Glossary:
    """The table, and a version that changes with its content."""

    version: str
    renderings: tuple[tuple[str, tuple[str, ...]], ...]  # term -> its rendering, then what is accepted too
    keep: tuple[str, ...]  # names that stay as they are
    spellings: tuple[tuple[str, tuple[str, ...]], ...] = ()  # name -> how else it may be written


def load(path: Path = DEFAULT) -> Glossary:
    """Read a glossary.

    Shape: lines `term<TAB>rendering|accepted|…<TAB>note`; rendering `=` keeps the term; `#` begins a comment.
    Raises: ConfigError naming file and line.
    """
    return _glossary(_rows(path))


def merged(own: Path = NONE) -> Glossary:
    """Read the program's glossary with the operator's over it, term by term.

    Raises: ConfigError naming file and line.
    """
    return over(own_text(own), str(own))


def own_text(own: Path = NONE) -> str:
    """Return the operator's glossary as its file reads, "" where there is none: what a job takes along.

    Raises: ConfigError naming the file.
    """
    return "" if own == NONE else _text(own)


@lru_cache(maxsize=4)
def over(own: str, name: str = "glossary") -> Glossary:
    """Return the program's glossary with the terms of an operator's text over it.

    Raises: ConfigError naming `name` and the line.
    """
    ours = read(own, name)
    if not ours:
        return _starter()
    replaced = {term.lower() for term in ours}
    kept = {term: forms for term, forms in _rows(DEFAULT).items() if term.lower() not in replaced}
    return _glossary(kept | ours)


def broken(glossary: Glossary, source: str, translated: str) -> tuple[str, ...]:
    """Name each term of the source that the translation renders otherwise.

    Shape: "glossary: startup is スタートアップ"; each begins with BROKEN.
    """
    said = translated.casefold()
    accepted = _accepted(glossary)
    found = {_term(match) for match in _pattern(glossary).finditer(source)}
    return tuple(
        f"{BROKEN}{term} is {accepted[term][0]}"
        for term in sorted(found)
        if not any(form.casefold() in said for form in accepted[term])
    )


def rendered(glossary: Glossary) -> tuple[tuple[str, str], ...]:
    """List the terms with the rendering that is to be used."""
    return tuple((term, forms[0]) for term, forms in glossary.renderings)


@lru_cache(maxsize=1)
def _starter() -> Glossary:
    return load()


def _rows(path: Path) -> Rows:
    return read(_text(path), str(path))


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8-sig")  # spreadsheets write the mark
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path}: cannot be read ({error})") from error


def read(text: str, name: str) -> Rows:
    """Return the terms of a glossary's text.

    Raises: ConfigError naming file and line.
    """
    lines = enumerate(text.splitlines(), 1)
    return dict(_row(name, number, line) for number, line in lines if is_row(line))


def is_row(line: str) -> bool:
    """Tell whether a line holds a term: is neither empty nor a comment."""
    return bool(line.strip()) and line[0] != "#"


def _row(path: str, number: int, line: str) -> tuple[str, tuple[str, ...]]:
    term, _, rest = line.partition("\t")
    forms = tuple(form.strip() for form in rest.partition("\t")[0].split("|"))
    if not term.strip() or not all(forms):
        raise ConfigError(f"{path}: line {number}: expected term<TAB>rendering or {KEEP}<TAB>note")
    return term.strip(), forms


def _glossary(rows: Rows) -> Glossary:
    content = "\n".join(f"{term}\t{'|'.join(forms)}" for term, forms in sorted(rows.items()))
    return Glossary(
        version=hashlib.sha256(content.encode()).hexdigest()[:12],
        renderings=tuple((term, forms) for term, forms in rows.items() if forms[0] != KEEP),
        keep=tuple(term for term, forms in rows.items() if forms[0] == KEEP),
        spellings=tuple((term, forms[1:]) for term, forms in rows.items() if forms[0] == KEEP),
    )


@lru_cache(maxsize=4)
def _accepted(glossary: Glossary) -> dict[str, tuple[str, ...]]:
    names = {term: (term, *others) for term, others in glossary.spellings}
    return names | {term.lower(): forms for term, forms in glossary.renderings}


@lru_cache(maxsize=4)
def _pattern(glossary: Glossary) -> re.Pattern[str]:
    """Names are found as they are written, terms in any case and in the plural; the longest first."""
    names = any_of(term for term, _ in glossary.spellings)
    terms = any_of(term for term, _ in glossary.renderings)
    return re.compile(rf"(?<![\w@#/.-])(?:(?P<name>{names})|(?i:(?P<term>{terms})s?))(?![\w/-]|\.\w)")


def _term(match: re.Match[str]) -> str:
    return match["name"] or match["term"].lower()
