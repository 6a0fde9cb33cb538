"""What the server answers to hubs: no work, no writes to the database."""

from collections.abc import Mapping
from dataclasses import dataclass

from aggregator.config import Config
from aggregator.model import HubDelivery, HubLease
from aggregator.store import websub
from aggregator.websub import protocol, spool

MAX_BODY = 10 * 1024 * 1024  # as for a feed that is polled


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """An answer to a hub."""

    status: int
    text: str = ""


GONE = Reply(status=410)  # section 7: the hub may end the lease
_NOT_WANTED = Reply(status=404)
_NO_ROOM = Reply(status=503)
_TAKEN = Reply(status=202)


def lease(config: Config, token: str) -> HubLease | None:
    """Return the lease that a callback's address belongs to.

    Raises: StoreError.
    """
    return websub.lease_of(config.store, token) if protocol.is_possible(config) else None


def on_get(config: Config, token: str, query: Mapping[str, str]) -> Reply:
    """Answer a verification of intent or a denial.

    Raises: StoreError, OSError.
    Source: sections 5.2 and 5.3
    """
    known = lease(config, token)
    said = protocol.notice(known, query) if known else None
    if said is None:
        return _NOT_WANTED
    return Reply(status=200, text=said.challenge) if spool.put(config, said) else _NO_ROOM


def on_post(config: Config, known: HubLease, headers: Mapping[str, str], body: bytes) -> Reply:
    """Answer a delivery; one that is not signed is thanked for and forgotten.

    Raises: OSError.
    Source: section 7.1
    """
    if not protocol.is_signed(known.secret, body, headers.get("X-Hub-Signature", "")):
        return _TAKEN
    delivery = HubDelivery(lease_id=known.lease_id, content_type=headers.get("Content-Type"), body=body)
    return _TAKEN if spool.put(config, delivery) else _NO_ROOM


def refusal(known: HubLease, headers: Mapping[str, str]) -> Reply | None:
    """Return why a delivery is not read at all, or None where it is."""
    if known.mode != "subscribe":
        return GONE
    if headers.get("Content-Encoding", "identity").lower() != "identity":
        return Reply(status=415)  # nobody asked for it, and a bomb would unpack in the server
    length = headers.get("Content-Length", "0")
    return Reply(status=413) if length.isdecimal() and int(length) > MAX_BODY else None
