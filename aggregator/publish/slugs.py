"""Names as folders."""

import re
import unicodedata
from collections.abc import Container
from itertools import count

_LONGEST = 60  # letters


def slug(name: str) -> str:
    """Return a name as a folder: names that differ in signs alone share one."""
    letters = re.sub(r"[\W_]+", "-", unicodedata.normalize("NFKC", name).lower()).strip("-")
    return letters[:_LONGEST] or "-"


def free(name: str, taken: Container[str]) -> str:
    """Return a name as a folder that is not taken yet: with a number where it would be."""
    plain = slug(name)
    numbered = (f"{plain}-{number}" for number in count(2))
    return plain if plain not in taken else next(each for each in numbered if each not in taken)
