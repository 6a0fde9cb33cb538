"""The translate stage: entries with a summary in, checked translations out."""

import logging
from collections.abc import Iterator
from datetime import datetime

from sqlite_utils import Database

from aggregator.config import Config
from aggregator.model import (
    EngineChoice,
    TranslateEntry,
    TranslateJob,
    TranslateOutcome,
    Translation,
    Untranslated,
)
from aggregator.pipeline import Stage
from aggregator.store import translations as store
from aggregator.translate import chain, engines, glossary

log = logging.getLogger(__name__)

BATCH = 32  # entries a job: engines are fastest with many segments at once, and a kill loses one job


def _pending(db: Database, config: Config, now: datetime) -> Iterator[TranslateJob]:
    """Yield batches of stale entries; without an engine only of those that need none."""
    ready, version = engines.ready(config), glossary.merged(config.glossary).version
    ids = store.stale_ids(db, config.language, now)
    for start in range(0, len(ids), BATCH):
        entries = store.texts(db, config.language, ids[start : start + BATCH])
        if not ready:
            entries = [e for e in entries if chain.settle(e, config.language, version) is not None]
        for batch in _batches(entries, 1 if ready and ready[0].slow else BATCH):
            yield _job(db, config, ready, batch, version)


def _batches(entries: list[TranslateEntry], size: int) -> Iterator[tuple[TranslateEntry, ...]]:
    """Cut into batches; what failed before goes alone, lest it takes others along."""
    fresh = [entry for entry in entries if not entry.attempts]
    for start in range(0, len(fresh), size):
        yield tuple(fresh[start : start + size])
    for entry in entries:
        if entry.attempts:
            yield (entry,)


def _job(
    db: Database,
    config: Config,
    ready: tuple[EngineChoice, ...],
    batch: tuple[TranslateEntry, ...],
    version: str,
) -> TranslateJob:
    keys = chain.memory_keys(batch, ready, config.language, version)
    return TranslateJob(entries=batch, engines=ready, target=config.language, memory=store.recall(db, keys))


def _work(config: Config, job: TranslateJob) -> TranslateOutcome:
    return chain.translate(
        job, glossary.merged(config.glossary), lambda choice: engines.open_engine(choice, config)
    )


def _record(
    db: Database, config: Config, job: TranslateJob, outcome: TranslateOutcome, now: datetime
) -> None:
    for trouble in outcome.trouble:
        log.warning("engine_failed %s", trouble)
    for result in outcome.results:
        match result:
            case Translation():
                store.write_translation(db, config.language, result, now)
            case Untranslated():
                log.info("untranslated entry=%d reason=%s", result.entry_id, result.failure)
                store.write_failure(db, config.language, result, now)
    store.remember(db, outcome.memory, (key for key, _ in job.memory), now)
    store.add_usage(db, outcome.used, now.astimezone(config.zone).strftime("%Y-%m"))


def _postpone(db: Database, config: Config, job: TranslateJob, error: str, now: datetime) -> None:
    for entry in job.entries:
        failed = Untranslated(
            entry_id=entry.entry_id, input_fingerprint=entry.input_fingerprint, failure=f"crash: {error}"
        )
        store.write_failure(db, config.language, failed, now)


STAGE = Stage(
    name="translate",
    pending=_pending,
    work=_work,
    record=_record,
    postpone=_postpone,
    backlog=lambda db, config, _: store.count_waiting(db, config.language),
    size=lambda job: len(job.entries),
)
