"""What documents of output/ were written from, by fingerprints: what stands is not rendered again."""

import json
from typing import Literal

from sqlite_utils import Database

from aggregator.store import meta

Kind = Literal["categories", "pages"]  # pages: those of the editions' entries


def written(db: Database, kind: Kind) -> dict[str, str]:
    """Return the fingerprint of what each document of a kind was written from, by its path."""
    return dict(json.loads(meta.value(db, kind) or "{}"))


def note(db: Database, kind: Kind, fingerprints: dict[str, str]) -> None:
    """Write what `written` reads."""
    meta.note(db, kind, json.dumps(fingerprints))
