"""Which entries stand in a body as they stood in the last one: their text need not be read again."""

import hashlib
import re
from itertools import pairwise

SIZE = 8  # bytes of a mark
_MOST = 1000  # entries of a body that are marked
_ROOT = re.compile(rb"<[^?!][^>]*>")  # whose prefixes hold in every entry
_START = re.compile(rb"<(item|entry)(?=[\s>])")


def of_entries(text: bytes, count: int, context: str) -> tuple[bytes, ...]:
    """Return a mark of each entry's source in a well-formed document; none where they are not told apart.

    Shape: `count` is how many entries the parser found, `context` what else decides how an entry is read.
    """
    starts = list(_START.finditer(text))
    if not starts or len(starts) != count or count > _MOST:
        return ()
    end = b"</" + starts[0][1] + b">"
    sources = [text[one:other] for one, other in pairwise([*(found.start() for found in starts), len(text)])]
    # One end in each, or "<item>" stands in some text.
    if any(source.count(end) != 1 for source in sources):
        return ()
    root = _ROOT.search(text)
    outside = (root[0] if root else b"") + context.encode("utf-8", "backslashreplace")
    key = hashlib.sha256(outside).digest()
    return tuple(
        hashlib.blake2b(source.partition(end)[0], digest_size=SIZE, key=key).digest() for source in sources
    )


def known(marks: bytes) -> frozenset[bytes]:
    """Return the marks that were joined for keeping."""
    return frozenset(marks[place : place + SIZE] for place in range(0, len(marks), SIZE))
