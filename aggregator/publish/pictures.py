"""Pictures of entries, served from here: which may be, by what their bytes are, and what each is called."""

import hashlib
from collections.abc import Iterable

from aggregator.model import Document
from aggregator.publish.edition import Facts

FOLDER = "images"
MOST = 1_000_000  # bytes
_LEAST = 200  # bytes; less shows nothing, such as a dot that counts readers
# By their first bytes, whatever a server says. No SVG: it may hold scripts, and would be ours.
_KINDS = {
    b"\xff\xd8\xff": ("jpg", "image/jpeg"),
    b"\x89PNG\r\n\x1a\n": ("png", "image/png"),
    b"GIF87a": ("gif", "image/gif"),
    b"GIF89a": ("gif", "image/gif"),
}


def wanted(known: Iterable[Facts]) -> dict[int, str]:
    """Return the addresses of these stories' pictures, as far as their feeds' rights let them be shown."""
    return {
        each.publication.story_id: each.image_url
        for each in known
        if each.image_url and each.rights != "titles"
    }


def document(body: bytes) -> Document | None:
    """Return a picture as a file named by what it holds, None where it is none of the kinds that all show."""
    found = next((kind for start, kind in _KINDS.items() if body.startswith(start)), None)
    if body[:4] == b"RIFF" and body[8:12] == b"WEBP":
        found = ("webp", "image/webp")
    if found is None or len(body) < _LEAST:
        return None
    ending, media_type = found
    name = hashlib.sha256(body).hexdigest()[:32]
    return Document(path=f"{FOLDER}/{name}.{ending}", media_type=media_type, body=body)
