"""Whether it is our own network that is down: then no feed is to blame, and none backs off. Pure."""

from collections.abc import Iterable, Sequence
from datetime import datetime

from aggregator.model import Failure, PollOutcome
from aggregator.poll.decide import FLOOR, JITTER, Later

LEAST = 3  # domains that answered the last time and now cannot be reached
RULE = "network"  # in a feed's reasons
_UNREACHED = frozenset({"ConnectionFailed", "FetchTimeout"})
_NOT_TRIED = frozenset({"Skipped", "HostForbidden"})


def is_unreached(poll: PollOutcome) -> bool:
    """Return whether no server answered, with whatever status: no name, no connection, silence."""
    result = poll.result
    return isinstance(result, Failure) and result.kind in _UNREACHED and result.status is None


def tried(polls: Iterable[PollOutcome]) -> list[PollOutcome]:
    """Leave out the polls that say nothing about the network: no request was made."""
    return [p for p in polls if not (isinstance(p.result, Failure) and p.result.kind in _NOT_TRIED)]


def is_ours(polls: Sequence[PollOutcome], *, known: bool) -> bool:
    """Return whether these polls, made at one time, failed because of our own network.

    Shape: nobody answered, and three domains of feeds that were well until now are among them; feeds that
    have been failing prove nothing. While an outage is `known`, whatever is not reached is part of it.
    """
    if not polls or not all(map(is_unreached, polls)):
        return False
    return known or len({poll.feed.domain for poll in polls if not poll.feed.failures}) >= LEAST


def later(poll: PollOutcome, now: datetime, jitter: float) -> Later:
    """Return when a feed that could not be reached is due again: soon, and without a failure of its own."""
    reasons = ((RULE, round(FLOOR.total_seconds())), ("winner", RULE))
    moment = now + FLOOR * (1 + JITTER * jitter)
    return Later(feed_id=poll.feed.feed_id, next_poll_at=moment, next_poll_reasons=reasons)
