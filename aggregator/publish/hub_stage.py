"""The hub stage: telling the hub of our own feeds which of them changed.

It comes after publishing and holds nothing up: what could not be told waits in `hub_pings`.
Source: PubSubHubbub 0.3, section 7.1; WebSub leaves to publisher and hub how they do this.
"""

import logging
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from urllib.parse import quote

from sqlite_utils import Database

from aggregator.config import Config
from aggregator.model import HubAnswer, HubJob, HubRequest
from aggregator.pipeline import Stage
from aggregator.store import hub_pings

AT_ONCE = 20  # requests in one job, for a stage looks at its time between jobs

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """Feeds by their paths, and the requests that tell of them."""

    paths: tuple[str, ...]
    requests: HubJob


def pending(db: Database, config: Config, now: datetime) -> Iterator[Job]:
    """Yield what the hub has to be told, if there is one."""
    paths = hub_pings.due(db, now, AT_ONCE) if config.hub else []
    if paths:
        requests = HubJob(batches=(tuple(_ping(config, path) for path in paths),))
        yield Job(paths=tuple(paths), requests=requests)


def _ping(config: Config, path: str) -> HubRequest:
    topic = config.site_url + quote(path)
    return HubRequest(
        lease_id=0, mode="publish", hub_url=config.hub, topic_url=topic, callback_url="", secret=""
    )


def work(config: Config, job: Job) -> tuple[HubAnswer, ...]:
    """Tell the hub."""
    from aggregator.http.hubs import ask_hubs  # a fifth of a second to load: only where there is a hub

    return ask_hubs(config, job.requests)


def record(db: Database, config: Config, job: Job, outcome: tuple[HubAnswer, ...], now: datetime) -> None:
    """Write which feeds the hub knows of, and which it is told of again."""
    for path, answer in zip(job.paths, outcome, strict=True):
        failure = answer.failure
        if failure is None:
            hub_pings.told(db, path, now)
        elif failure.kind == "Skipped":
            hub_pings.skipped(db, path, now)
        else:
            log.warning("ping_failed hub=%s feed=%s failure=%s", config.hub, path, failure.detail)
            hub_pings.failed(db, path, f"{failure.kind}: {failure.detail}", now)


def postpone(db: Database, _: Config, job: Job, error: str, now: datetime) -> None:
    """Try again later."""
    for path in job.paths:
        hub_pings.failed(db, path, error, now)


def backlog(db: Database, config: Config, now: datetime) -> int:
    """Count the feeds that the hub has to be told of."""
    return hub_pings.count_due(db, now) if config.hub else 0


def size(job: Job) -> int:
    """Count a job's feeds."""
    return len(job.paths)


STAGE = Stage(
    name="hub", pending=pending, work=work, record=record, postpone=postpone, backlog=backlog, size=size
)
