"""What hubs tell the callback, put down as files beside the store until the next round takes them up.

The server writes nothing into the database, which has one writer, and a round may be long.
"""

import json
import secrets
import time
from collections.abc import Iterator
from contextlib import suppress
from datetime import timedelta
from pathlib import Path

from aggregator import files, lock
from aggregator.config import Config
from aggregator.model import HubDelivery, HubNotice
from aggregator.websub import protocol

MAX_FILES = 20  # of one lease: more than any hub sends between two rounds
MAX_BYTES = 64 * 1024 * 1024  # of all

Event = HubNotice | HubDelivery


def folder(config: Config) -> Path:
    """Return where events wait."""
    return config.store.parent / "websub"


def is_open(config: Config) -> bool:
    """Tell whether hubs are to be asked: where they can reach us and a server is there to hear them.

    Raises: StoreError.
    """
    return protocol.is_possible(config) and (config.websub == "on" or lock.is_served(config.store))


def put(config: Config, event: Event) -> bool:
    """Put an event down whole; False where there is no room for it.

    Raises: OSError.
    """
    place = folder(config)
    place.mkdir(mode=0o700, parents=True, exist_ok=True)
    body = event.body if isinstance(event, HubDelivery) else b""
    if not _has_room(place, event.lease_id, len(body)):
        return False
    # Named by arrival; two of one moment are told apart by chance.
    name = f"{time.time_ns():020d}.{secrets.token_hex(4)}.{event.lease_id}"
    files.replace(place / name, json.dumps(_head(event)).encode() + b"\n" + body)
    return True


def _has_room(place: Path, lease_id: int, size: int) -> bool:
    waiting = list(_waiting(place))
    own = sum(path.suffix == f".{lease_id}" for path in waiting)
    return own < MAX_FILES and size + sum(_size(path) for path in waiting) <= MAX_BYTES


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except FileNotFoundError:  # taken up meanwhile
        return 0


def _waiting(place: Path) -> Iterator[Path]:
    # A name with a dot in front is still being written.
    with suppress(FileNotFoundError):
        yield from (path for path in place.iterdir() if not path.name.startswith("."))


def _head(event: Event) -> dict[str, object]:
    match event:
        case HubNotice():
            return {
                "lease_id": event.lease_id,
                "mode": event.mode,
                "lasts": event.lasts.total_seconds(),
                "reason": event.reason,
            }
        case HubDelivery():
            return {"lease_id": event.lease_id, "content_type": event.content_type}


def waiting(config: Config) -> list[Path]:
    """List the files of events in the order in which those came.

    Raises: OSError.
    """
    return sorted(_waiting(folder(config)))


def read(path: Path) -> Event | None:
    """Return the event of a file, or None where it is broken.

    Raises: OSError.
    """
    head, _, body = path.read_bytes().partition(b"\n")
    try:
        values = json.loads(head)
        if "mode" in values:
            return HubNotice(**values | {"lasts": timedelta(seconds=values["lasts"])})
        return HubDelivery(**values, body=body)
    except (ValueError, TypeError, KeyError):
        return None
