"""Whose turn it is: a domain is asked one request at a time, redirects from elsewhere included."""

import asyncio
import math
import time
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import timedelta
from typing import get_args

from aggregator import urls
from aggregator.model import Failure, HostBatch, Rest, RetryScope
from aggregator.poll.polite import reach, spacing

SIDE_BY_SIDE = 64
PATIENCE = 60.0  # seconds; a shard waits for its slowest feed


class TurnTaken(Exception):
    """There is no turn: too many others wait for it, the server wants to be left alone, or time is up."""

    def __init__(self, detail: str, retry_after: timedelta | None = None) -> None:
        super().__init__(detail)
        self.detail, self.retry_after = detail, retry_after


class TimeIsUp(TurnTaken):
    """The job's time is over: what was not asked yet is left to the next one."""


@dataclass(slots=True)
class _Turn:
    spacing: float
    free_at: float = 0.0
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)


class Turns:
    """The turns of one shard's domains; others that redirects lead to are added.

    Units: `lasts` is in seconds; after them nobody gets a turn.
    """

    def __init__(
        self,
        batches: Iterable[HostBatch],
        usual: timedelta,
        rests: Iterable[Rest] = (),
        lasts: float = math.inf,
    ) -> None:
        now = time.monotonic()
        self._usual = usual
        self._over_at = now + lasts
        self.gate = asyncio.Semaphore(SIDE_BY_SIDE)
        # What gets no turns: why, and how long not.
        self._closed: dict[tuple[RetryScope, str], tuple[str, timedelta | None]] = {
            (rest.scope, rest.place): (f"{rest.place} wants to be left alone", rest.lasts) for rest in rests
        }
        self._turns = {
            batch.domain: _Turn(batch.spacing.total_seconds(), now + batch.wait.total_seconds())
            for batch in batches
        }

    def at(self, url: str) -> "_Stay":
        """Wait until a URL's domain may be asked, and keep others from it meanwhile.

        Nothing is held while waiting, so that two domains that redirect to each other cannot block.
        Raises: TurnTaken after a minute, and where a refusal holds for the URL; TimeIsUp.
        """
        return _Stay(self, url, self._turn(urls.registrable_domain(url)))

    def close(self, scope: RetryScope, refusal: Failure) -> None:
        """Give no more turns to what a refusal holds for."""
        why = f"{refusal.url} " + (f"was answered {refusal.status}" if refusal.status else "got no answer")
        self._closed[scope, reach(refusal.url, scope)] = why, refusal.retry_after

    def _turn(self, domain: str) -> _Turn:
        if domain not in self._turns:
            self._turns[domain] = _Turn(spacing(domain, self._usual).total_seconds())
        return self._turns[domain]

    def admit(self, url: str) -> None:
        """Let a request go on.

        Raises: TurnTaken where a refusal holds for its URL.
        """
        for scope in get_args(RetryScope) if self._closed else ():
            closed = self._closed.get((scope, reach(url, scope)))
            if closed:
                raise TurnTaken(*closed)

    async def wait(self, moment: float) -> None:
        """Wait for a moment, and until no more than 64 requests are under way, or for the end.

        Units: `moment` as time.monotonic().
        Raises: TimeIsUp.
        """
        until = min(moment, self._over_at)
        if until > time.monotonic():
            await asyncio.sleep(until - time.monotonic())
        await self.gate.acquire()
        if max(moment, time.monotonic()) >= self._over_at:
            self.gate.release()
            raise TimeIsUp("the job had no time left for it")


@dataclass(slots=True)
class _Stay:
    """A turn from its begin to its end; a class, as a generator costs more and each request takes one."""

    turns: Turns
    url: str
    turn: _Turn

    async def __aenter__(self) -> None:
        await _acquire(self.turn.lock)
        try:
            self.turns.admit(self.url)
            await self.turns.wait(self.turn.free_at)
        except BaseException:
            self.turn.lock.release()
            raise

    async def __aexit__(self, *_: object) -> None:
        self.turn.free_at = time.monotonic() + self.turn.spacing
        self.turns.gate.release()
        self.turn.lock.release()


async def _acquire(lock: asyncio.Lock) -> None:
    if not lock.locked():
        await lock.acquire()
        return
    try:
        async with asyncio.timeout(PATIENCE):
            await lock.acquire()
    except TimeoutError as error:
        raise TurnTaken("too many others wait for its domain") from error
