"""Terms with a rendering of their own, read from a table that operators may replace."""

import hashlib
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from aggregator.errors import ConfigError

DEFAULT = Path(__file__).with_name("glossary.tsv")
KEEP = "="


@dataclass(frozen=True, slots=True)
class Glossary:
    """The table, and a version that changes with its content."""

    version: str
    renderings: tuple[tuple[str, str], ...]
    keep: tuple[str, ...]  # names that stay as they are


@lru_cache(maxsize=4)
def load(path: Path = DEFAULT) -> Glossary:
    """Read a glossary.

    Shape: lines `term<TAB>rendering<TAB>note`; rendering `=` keeps the term; `#` begins a comment line.
    Raises: ConfigError naming file and line.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path}: cannot be read ({error})") from error
    rows = [
        _row(path, n, line) for n, line in enumerate(text.splitlines(), 1) if line.strip() and line[0] != "#"
    ]
    content = "\n".join(f"{term}\t{rendering}" for term, rendering in sorted(rows))
    return Glossary(
        version=hashlib.sha256(content.encode()).hexdigest()[:12],
        renderings=tuple((term, rendering) for term, rendering in rows if rendering != KEEP),
        keep=tuple(term for term, rendering in rows if rendering == KEEP),
    )


def _row(path: Path, number: int, line: str) -> tuple[str, str]:
    term, _, rest = line.partition("\t")
    rendering = rest.partition("\t")[0].strip()
    if not term.strip() or not rendering:
        raise ConfigError(f"{path}: line {number}: expected term<TAB>rendering or {KEEP}<TAB>note")
    return term.strip(), rendering
