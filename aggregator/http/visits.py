"""Scripts of requests run: domains side by side, each one's scripts one after another."""

import asyncio
from collections.abc import Generator, Sequence
from typing import TypeVar

from aggregator.config import Config
from aggregator.http import Answer, fetch
from aggregator.http.curl import Session, open_session
from aggregator.http.turns import Turns
from aggregator.model import Failure, HostBatch, Request

T = TypeVar("T")
Script = Generator[Request, Answer, T]  # yields what to ask, takes the answer, returns what came of it
_BUSY = frozenset({429, 503})


def run(config: Config, batches: Sequence[tuple[HostBatch, Sequence[Script[T]]]]) -> list[T]:
    """Return what each script came to, in order; a domain that asks for rest gets no further requests."""
    return asyncio.run(_run(config, batches))


async def _run(config: Config, batches: Sequence[tuple[HostBatch, Sequence[Script[T]]]]) -> list[T]:
    turns = Turns([batch for batch, _ in batches], config.host_spacing)
    async with open_session(config) as session, asyncio.TaskGroup() as group:

        async def play_all(scripts: Sequence[Script[T]]) -> list[T]:
            return [await _play(session, turns, script) for script in scripts]

        tasks = [group.create_task(play_all(scripts)) for _, scripts in batches]
    return [result for task in tasks for result in task.result()]


async def _play(session: Session, turns: Turns, script: Script[T]) -> T:
    try:
        request = next(script)
        while True:
            answer = await fetch(session, request, turns.at)
            if isinstance(answer, Failure) and answer.status in _BUSY:
                turns.close("host", answer)
            request = script.send(answer)
    except StopIteration as end:
        result: T = end.value
        return result
