"""Whose turn it is: a domain is asked one request at a time, redirects from elsewhere included."""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Iterable
from dataclasses import dataclass, field
from datetime import timedelta

from aggregator import urls
from aggregator.model import HostBatch
from aggregator.poll.polite import spacing

SIDE_BY_SIDE = 64
PATIENCE = 60.0  # seconds; a shard waits for its slowest feed


class TurnTaken(Exception):
    """Too many others wait for the same domain."""


@dataclass(slots=True)
class _Turn:
    spacing: float
    free_at: float = 0.0
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)


class Turns:
    """The turns of one shard's domains; others that redirects lead to are added."""

    def __init__(self, batches: Iterable[HostBatch], usual: timedelta) -> None:
        now = time.monotonic()
        self._usual = usual
        self._gate = asyncio.Semaphore(SIDE_BY_SIDE)
        self._turns = {
            batch.domain: _Turn(batch.spacing.total_seconds(), now + batch.wait.total_seconds())
            for batch in batches
        }

    @contextlib.asynccontextmanager
    async def at(self, url: str) -> AsyncIterator[None]:
        """Wait until a URL's domain may be asked, and keep others from it meanwhile.

        Nothing is held while waiting, so that two domains that redirect to each other cannot block.
        Raises: TurnTaken after a minute.
        """
        domain = urls.registrable_domain(url)
        turn = self._turns.get(domain)
        if turn is None:
            turn = self._turns[domain] = _Turn(spacing(domain, self._usual).total_seconds())
        await _wait(turn)
        try:
            async with self._gate:
                yield
        finally:
            turn.free_at = time.monotonic() + turn.spacing
            turn.lock.release()


async def _wait(turn: _Turn) -> None:
    """Take the lock once it is free and the spacing is over."""
    try:
        async with asyncio.timeout(PATIENCE):
            await turn.lock.acquire()
    except TimeoutError as error:
        raise TurnTaken from error
    pause = turn.free_at - time.monotonic()
    if pause <= 0:
        return
    try:
        await asyncio.sleep(pause)
    except asyncio.CancelledError:
        turn.lock.release()
        raise
