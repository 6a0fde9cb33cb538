"""A shard's feeds fetched: domains side by side, each one's feeds one after another."""

import asyncio
import time
from collections import Counter
from collections.abc import Callable
from typing import TypeGuard

from aggregator.config import Config
from aggregator.errors import FetchTimeout
from aggregator.http import Answer, fetch
from aggregator.http.curl import open_session
from aggregator.http.turns import Turns
from aggregator.model import DueFeed, Failure, Fetched, HostBatch, PollOutcome, Request, Shard
from aggregator.poll.polite import reach, scope_of

FEED_TYPES = (
    "application/atom+xml, application/rss+xml, application/feed+json, application/rdf+xml;q=0.9, "
    "application/xml;q=0.8, text/xml;q=0.8, application/json;q=0.7, */*;q=0.5"
)
BUDGET = 60.0  # seconds after which a job begins no request: a host that drips would hold up all its others
READING = 60.0  # seconds of CPU after which a job reads no further body: a host may serve many that take long
_SILENT = 2  # feeds that a host gave no answer for: the others would take half a minute each, too
_HELD = 32 * 1024 * 1024
_BUSY = frozenset({429, 503})

Read = Callable[[DueFeed, Answer], PollOutcome]


def fetch_shard(config: Config, shard: Shard, read: Read) -> tuple[PollOutcome, ...]:
    """Fetch every feed of a shard and return what `read` makes of each answer, in the shard's order.

    Bodies are read once all have come, lest a slow `read` let others time out; beyond 32 MiB at once. What a
    429, a 503 or a Retry-After holds for is not fetched any more, nor what is left of a host that is silent:
    a Failure of kind "Skipped". What is not begun within the job's time is one of kind "Left"; what is under
    way by then has a fetch's own time. So is what came and is not read within a time of its own.
    """
    shelf = _Shelf(read)
    asyncio.run(_fetch_shard(config, shard, shelf))
    return tuple(shelf.outcome(feed) for batch in shard.batches for feed in batch.feeds)


class _Shelf:
    """Answers that wait to be read, up to a weight."""

    def __init__(self, read: Read) -> None:
        self._read = read
        self._weight = 0
        self._spent = 0.0  # on reading
        self._answers: dict[int, Answer | PollOutcome] = {}

    def put(self, feed: DueFeed, answer: Answer) -> None:
        weight = len(answer.body) if isinstance(answer, Fetched) else 0
        fits = self._weight + weight <= _HELD
        self._weight += weight if fits else 0
        self._answers[feed.feed_id] = answer if fits else self._outcome(feed, answer)

    def outcome(self, feed: DueFeed) -> PollOutcome:
        answer = self._answers.pop(feed.feed_id)
        return answer if isinstance(answer, PollOutcome) else self._outcome(feed, answer)

    def _outcome(self, feed: DueFeed, answer: Answer) -> PollOutcome:
        if isinstance(answer, Fetched) and self._spent > READING:
            left = "the job had no time left to read it"
            failure = Failure(kind="Left", detail=left, url=answer.url, status=answer.status)
            return PollOutcome(feed=feed, result=failure)
        began = time.thread_time()
        outcome = self._read(feed, answer)
        self._spent += time.thread_time() - began
        return outcome


async def _fetch_shard(config: Config, shard: Shard, shelf: _Shelf) -> None:
    turns = Turns(shard.batches, config.host_spacing, shard.rests, BUDGET)
    async with open_session(config) as session, asyncio.TaskGroup() as group:

        async def ask_all(batch: HostBatch) -> None:
            silent: Counter[str] = Counter()
            for feed in batch.feeds:
                answer = await fetch(session, _request(feed), turns.at)
                if _is_refusal(answer):
                    turns.close(scope_of(feed.settings, config.retry_scope), answer)
                if _is_silence(answer):
                    silent[host := reach(answer.url, "host")] += 1
                    if silent[host] == _SILENT:
                        turns.close("host", answer)
                shelf.put(feed, answer)

        for batch in shard.batches:
            group.create_task(ask_all(batch))


def _is_refusal(answer: Answer) -> TypeGuard[Failure]:
    return isinstance(answer, Failure) and (
        answer.status in _BUSY or (answer.status is not None and answer.retry_after is not None)
    )


def _is_silence(answer: Answer) -> TypeGuard[Failure]:
    return isinstance(answer, Failure) and answer.kind == FetchTimeout.__name__ and answer.status is None


def _request(feed: DueFeed) -> Request:
    return Request(url=feed.fetch_url, etag=feed.etag, last_modified=feed.last_modified, accept=FEED_TYPES)
