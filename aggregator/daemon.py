"""`aggregator run`: a round of all stages every half minute, until a signal ends it."""

import logging
import signal
import threading
from datetime import UTC, datetime

from apscheduler.executors.pool import ThreadPoolExecutor
from apscheduler.schedulers.background import BackgroundScheduler

from aggregator.config import Config
from aggregator.errors import AggregatorError, ConfigError, OpmlError
from aggregator.pipeline import Clock
from aggregator.session import Session, take_down, take_up_filters, take_up_opml
from aggregator.stages import run_round
from aggregator.store import feeds, open_store, store_errors

log = logging.getLogger(__name__)

TICK = 30  # seconds; what is due is in the database, so this only bounds how late a poll may be


def run(config: Config, clock: Clock) -> None:
    """Work until SIGTERM or SIGINT; the batch in hand is finished and recorded.

    The caller holds the instance lock.
    """
    ended = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: ended.set())
    db = open_store(config.store)
    session = Session(db=db, config=config, clock=clock, stop=ended.is_set)
    scheduler = _scheduler(session)
    scheduler.start()
    log.info("started store=%s output=%s", config.store, config.output)
    ended.wait()
    log.info("stopping")
    scheduler.shutdown(wait=True)
    session.close()
    db.close()


def _scheduler(session: Session) -> BackgroundScheduler:
    scheduler = BackgroundScheduler(
        executors={"default": ThreadPoolExecutor(1)},
        job_defaults={"coalesce": True, "max_instances": 1, "misfire_grace_time": None},
        timezone=UTC,
    )
    # The scheduler's own clock is the machine's: an injected one decides what is due, not when to look.
    scheduler.add_job(tick, "interval", seconds=TICK, args=[session], next_run_time=datetime.now(UTC))
    return scheduler


def tick(session: Session) -> None:
    """Run one round; an expected error is logged and the next round tries again."""
    try:
        with store_errors(session.config.store):
            polls_before = feeds.last_poll_id(session.db)
            reports = run_round(session, lambda: _take_up(session))
            if feeds.all_failed_since(session.db, polls_before):
                log.warning("every_poll_failed hint='is the network up? see: aggregator status'")
    except AggregatorError as error:
        log.error("round_failed error=%s", error)
        return
    for report in reports:
        if report.jobs:
            log.info(
                "stage name=%s units=%d crashes=%d seconds=%.1f",
                report.name,
                report.units,
                report.crashes,
                report.seconds,
            )


def _take_up(session: Session) -> None:
    try:
        synced = take_up_opml(session.db, session.config, session.clock)
        if synced:
            log.info("opml_taken_up %s", synced)
    except OpmlError as error:
        log.error("opml_refused error=%s", error)
    try:
        if take_up_filters(session.db, session.config):
            log.info("filters_taken_up file=%s", session.config.filters)
    except ConfigError as error:
        log.error("filters_refused error=%s", error)
    try:
        take_down(session.db, session.config, session.clock())
    except AggregatorError as error:
        log.error("takedown_failed error=%s", error)
