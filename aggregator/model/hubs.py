"""Leases with WebSub hubs, and what hubs send."""

from dataclasses import dataclass, field
from datetime import timedelta
from typing import Literal

from aggregator.model.feeds import DueFeed
from aggregator.model.fetches import Failure

HubMode = Literal["subscribe", "unsubscribe", "denied", "publish"]  # the last is for feeds of our own


@dataclass(frozen=True, slots=True, kw_only=True)
class HubLease:
    """What the callback has to know of one lease: what we want of a hub, or were denied."""

    lease_id: int
    mode: HubMode
    topic_url: str
    secret: str = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class HubNotice:
    """What a hub told the callback: our intent is verified, or the lease is denied."""

    lease_id: int
    mode: HubMode
    lasts: timedelta = timedelta()
    challenge: str = ""
    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class HubDelivery:
    """A body that a hub delivered and signed, as it waits for the next round."""

    lease_id: int
    content_type: str | None
    body: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class HubRequest:
    """One request to a hub."""

    lease_id: int
    mode: HubMode
    hub_url: str
    topic_url: str
    callback_url: str = field(repr=False)
    secret: str = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class HubJob:
    """The requests that are due; domains are asked side by side, each one's requests one after another."""

    batches: tuple[tuple[HubRequest, ...], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class HubAnswer:
    """What a hub said to one request; no failure means that it will verify our intent."""

    request: HubRequest
    failure: Failure | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class DeliveryJob:
    """A delivered body that waits to be parsed."""

    delivery_id: int
    lease_id: int
    feed: DueFeed
    content_type: str | None
    body: bytes = field(repr=False)
