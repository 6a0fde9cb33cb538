"""The stage viewpoints: a model's two comments on each new entry, where the operator wants them."""

import logging
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime

from sqlite_utils import Database

from aggregator.config import Config
from aggregator.discuss import viewpoints
from aggregator.errors import EngineUnavailable, TranslationError
from aggregator.model import TranslateEntry, ViewpointJob, ViewpointOrder, ViewpointOutcome
from aggregator.pipeline import Stage
from aggregator.store import usage
from aggregator.store import viewpoints as store
from aggregator.translate import allowance, chain, engines, glossary, writer
from aggregator.translate.engines import Engine, Writer
from aggregator.translate.engines.services import ServiceEngine
from aggregator.translate.route import Board, route
from aggregator.translate.stage import note_engines, note_trouble
from aggregator.translate.typography import typeset

ATTEMPTS = 2  # the second is told what was wrong with the first

log = logging.getLogger(__name__)


def _pending(db: Database, config: Config, now: datetime) -> Iterator[ViewpointJob]:
    """Yield the comments that are to be written, one a job; where none are wanted, forget all there are."""
    if not config.viewpoints:
        with db.atomic():
            store.forget(db)
        return
    ready = note_engines(db, config, now)
    board = Board(resting=frozenset(usage.resting(db, now)), configured=usage.configured(db))
    own = glossary.own_text(config.glossary)
    for order in store.due(db, now):
        entry = _as_entry(order)
        way = route(entry, ready.get(order.engine, ready[""]), board)  # the way its text goes anyhow
        if choice := writer.writer_of(way.engines, config.language):
            for meant in allowance.reserved(db, config, [choice], [entry], now):
                yield ViewpointJob(order=order, engine=meant, glossary=own)


def _as_entry(order: ViewpointOrder) -> TranslateEntry:
    """Return an order as what decides on engines and budgets knows it."""
    return TranslateEntry(
        entry_id=order.story_id, input_fingerprint=order.input_fingerprint, language=None, title=order.title,
        summary="", story=order.text, engine=order.engine, first_seen_at=order.first_seen_at,
    )  # fmt: skip


def _work(config: Config, job: ViewpointJob) -> ViewpointOutcome:
    """Return a comment that holds to its source, or why there is none."""
    if reason := _refusal(config, job.order):
        return ViewpointOutcome(failure=reason)
    try:
        engine = engines.open_engine(job.engine, config)
    except TranslationError as error:
        return ViewpointOutcome(trouble=f"{job.engine.name}: {error}")
    try:
        outcome = _written(config, job, engine)
    except TranslationError as error:
        outcome = ViewpointOutcome(trouble=f"{job.engine.name}: {error}")
    return replace(outcome, sent=engine.spent) if isinstance(engine, ServiceEngine) else outcome


def _refusal(config: Config, order: ViewpointOrder) -> str:
    if chain.settle(_as_entry(order), config.language, "") is not None:
        return "the article is not in English"  # in which alone its subject is known
    return viewpoints.refusal(order.title, order.text)


def _written(config: Config, job: ViewpointJob, engine: Engine) -> ViewpointOutcome:
    if not isinstance(engine, Writer):
        raise EngineUnavailable("it cannot write")
    order = job.order
    source, terms = f"{order.title}\n{order.text}", glossary.over(job.glossary)
    reason = ""
    for _ in range(ATTEMPTS):
        told = viewpoints.instructions(order.persona, config.style, reason)
        text = typeset(engine.write(told, source, viewpoints.TOKENS).strip())
        reason = viewpoints.fault(source, text, terms)
        if not reason:
            return ViewpointOutcome(text=text)
    return ViewpointOutcome(failure=reason)


def _record(
    db: Database, config: Config, job: ViewpointJob, outcome: ViewpointOutcome, now: datetime
) -> None:
    if outcome.trouble:
        note_trouble(db, [outcome.trouble], now)
    if outcome.failure:
        log.info("no_viewpoint story=%d reason=%s", job.order.story_id, outcome.failure)
    store.write(db, job, outcome, now)
    allowance.settle(db, config, [job.engine], [(job.engine.name, outcome.sent)], now)


def _postpone(db: Database, _: Config, job: ViewpointJob, error: str, now: datetime) -> None:
    store.write(db, job, ViewpointOutcome(trouble=f"crash: {error}"), now)


VIEWPOINTS = Stage(
    name="viewpoints",
    pending=_pending,
    work=_work,
    record=_record,
    postpone=_postpone,
    backlog=lambda db, config, now: len(store.due(db, now)) if config.viewpoints else 0,
    size=lambda _: 1,
)
