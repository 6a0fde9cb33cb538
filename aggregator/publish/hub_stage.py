"""The hub stage: telling the hub of our own feeds which of them changed.

It comes after publishing and holds nothing up: what could not be told waits in `hub_pings`.
Source: PubSubHubbub 0.3, section 7.1; WebSub leaves to publisher and hub how they do this.
"""

import logging
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from urllib.parse import quote

from sqlite_utils import Database

from aggregator.config import Config
from aggregator.model import Failure, HubAnswer, HubJob, HubRequest
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
    failures = {path: answer.failure for path, answer in zip(job.paths, outcome, strict=True)}
    refused = {path: failure for path, failure in failures.items() if failure and failure.kind != "Skipped"}
    for path, failure in failures.items():
        if failure is None:
            hub_pings.told(db, path, now)
        elif path in refused:
            hub_pings.failed(db, path, f"{failure.kind}: {failure.detail}", now)
    if any(failure and failure.kind == "Skipped" for failure in failures.values()):
        hub_pings.skip(db, now)
    if refused:
        _say_refused(config, refused, len(failures))


def _say_refused(config: Config, refused: Mapping[str, Failure], asked: int) -> None:
    path, failure = next(iter(refused.items()))
    log.warning(
        "ping_failed hub=%s failed=%d of=%d feed=%s failure=%s",
        config.hub, len(refused), asked, path, failure.detail,
    )  # fmt: skip


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
