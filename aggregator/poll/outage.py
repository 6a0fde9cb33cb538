"""Whether it is our own network that is down: then no feed is to blame, and none backs off. Pure."""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta

from aggregator.model import Failure, PollOutcome
from aggregator.poll.decide import CEILING, FLOOR, JITTER, Later

LEAST = 3  # domains that answered the last time and now cannot be reached
_PART = 24  # of an outage's length: an hour after a day; so late, at most, a feed hears that it is over
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


def wait(lasted: timedelta) -> timedelta:
    """Return how long feeds are left alone in an outage that has lasted so long.

    Shape: a quarter of an hour, and after six hours a part of it; it may never end, where all feeds are dead.
    """
    return min(max(FLOOR, lasted / _PART), CEILING)


def later(poll: PollOutcome, now: datetime, jitter: float, since: datetime) -> Later:
    """Return when a feed that could not be reached is due again: without a failure of its own."""
    wanted = wait(now - since)
    reasons = ((RULE, round(wanted.total_seconds())), ("winner", RULE))
    moment = now + wanted * (1 + JITTER * jitter)
    return Later(feed_id=poll.feed.feed_id, next_poll_at=moment, next_poll_reasons=reasons)
