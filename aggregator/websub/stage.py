"""The websub stage: requests that are due to hubs, and delivered bodies through the path that polls take."""

import logging
from collections import defaultdict
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

from sqlite_utils import Database

from aggregator import urls
from aggregator.config import Config
from aggregator.model import (
    Changed,
    DeliveryJob,
    Failure,
    HubDelivery,
    HubJob,
    HubNotice,
    HubRequest,
    PollOutcome,
)
from aggregator.pipeline import Stage
from aggregator.store import deliveries, entries, websub
from aggregator.websub import protocol, spool
from aggregator.websub.work import Outcome, work

AT_ONCE = 2000  # requests in one job; a silent hub costs each job its time

log = logging.getLogger(__name__)

Job = HubJob | DeliveryJob


def take_up(db: Database, config: Config, now: datetime) -> None:
    """Bring into the store what hubs told the server since the last round.

    A file goes once its content is committed; one that is read twice after a kill changes nothing more.
    """
    if not spool.is_open(config):
        return
    try:
        for path in spool.waiting(config):
            _take_up_file(db, path, now)
    except OSError as error:
        log.error("hub_events_unreadable folder=%s error=%s", spool.folder(config), error.strerror)
    with db.atomic():
        websub.review(db, protocol.callback_url(config, ""), now)


def _take_up_file(db: Database, path: Path, now: datetime) -> None:
    try:
        event = spool.read(path)
        with db.atomic():
            _take_up(db, event, now)
        path.unlink()
    except OSError as error:  # the others are taken up, and polls go on
        log.error("hub_event_unreadable file=%s error=%s", path, error.strerror)


def _take_up(db: Database, event: spool.Event | None, now: datetime) -> None:
    match event:
        case HubNotice():
            websub.note(db, event, now)
        case HubDelivery():
            deliveries.keep(db, event)
        case None:
            log.error("hub_event_broken")


def pending(db: Database, config: Config, now: datetime) -> Iterator[Job]:
    """Yield the bodies that wait, then the requests that are due."""
    if not spool.is_open(config):
        return
    yield from deliveries.waiting(db)
    domains: dict[str, list[HubRequest]] = defaultdict(list)
    for request in websub.due_requests(db, protocol.callback_url(config, ""), now, AT_ONCE):
        domains[urls.registrable_domain(request.hub_url)].append(request)
    if domains:
        yield HubJob(batches=tuple(tuple(batch) for batch in domains.values()))


def record(db: Database, config: Config, job: Job, outcome: Outcome, now: datetime) -> None:
    """Write what hubs said, or the entries that one delivered."""
    match job, outcome:
        case HubJob(), tuple():
            for answer in outcome:
                websub.asked(db, answer.request, answer.failure, now)
        case DeliveryJob(), PollOutcome():
            _record_delivery(db, config, job, outcome, now)


def _record_delivery(
    db: Database, config: Config, job: DeliveryJob, outcome: PollOutcome, now: datetime
) -> None:
    """Write entries alone: validators, hints and the next poll are the polls' own."""
    added = changed = 0
    if isinstance(outcome.result, Changed):
        # A hub may leave out what it delivered before (section 7): what is missing is still listed.
        counts = entries.record(db, job.feed, outcome.result.feed, now, whole=False, zone=config.zone)
        added, changed = counts.added, counts.changed
    elif isinstance(outcome.result, Failure):
        log.warning("delivery_failed url=%s failure=%s", job.feed.fetch_url, outcome.result.detail)
    log.info("delivered url=%s added=%d changed=%d", job.feed.fetch_url, added, changed)
    deliveries.done(db, job, now, added, changed)


def postpone(db: Database, config: Config, job: Job, error: str, now: datetime) -> None:  # noqa: ARG001 - as all
    """Drop a body whose parse crashed: the next poll brings it; try requests again later."""
    match job:
        case DeliveryJob():
            deliveries.done(db, job, now)
        case HubJob():
            crash = Failure(kind="Crash", detail=error, url="")
            for request in (request for batch in job.batches for request in batch):
                websub.asked(db, request, crash, now)


def backlog(db: Database, config: Config, now: datetime) -> int:
    """Count the requests that are due and the bodies that wait."""
    return websub.count_due(db, now) + deliveries.count(db) if spool.is_open(config) else 0


def size(job: Job) -> int:
    """Count the requests of a job; a body is one."""
    return sum(len(batch) for batch in job.batches) if isinstance(job, HubJob) else 1


STAGE = Stage(
    name="websub",
    pending=pending,
    work=work,
    record=record,
    postpone=postpone,
    backlog=backlog,
    size=size,
)
