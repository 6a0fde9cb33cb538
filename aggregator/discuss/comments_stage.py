"""Stages comments and comment_translate: what people wrote, read where they wrote it, and made Japanese."""

import logging
from collections.abc import Iterator
from datetime import datetime, timedelta

from sqlite_utils import Database

from aggregator.config import Config
from aggregator.discuss import access, comments, stage, work
from aggregator.discuss.providers import KINDS, Kind
from aggregator.model import (
    CommentJob,
    CommentLook,
    CommentOutcome,
    CountJob,
    CountTurn,
    Provider,
    TranslateEntry,
    TranslateJob,
    TranslateOutcome,
    Translation,
    Untranslated,
)
from aggregator.pipeline import Stage
from aggregator.store import comments as store
from aggregator.store import network, providers, translations, usage, verdicts
from aggregator.translate import allowance, chain, engines, glossary
from aggregator.translate.stage import BATCH, PAID_BATCH, note_trouble, work_alone

_REFUSED = "refused before"
WAITING = 500  # texts looked at before the first of them goes to an engine

log = logging.getLogger(__name__)


def wanted(config: Config) -> tuple[Provider, ...]:
    """Return the providers whose comments are shown: those named, as far as they are asked for numbers."""
    named = {name.strip() for name in config.comments.split(",")}
    return tuple(name for name in comments.READABLE if name in named and name in stage.wanted(config))


def unasked(config: Config) -> tuple[Provider, ...]:
    """Return the providers whose comments are named in vain."""
    names = [name.strip() for name in config.comments.split(",")]
    return tuple(name for name in comments.READABLE if name in names and name not in wanted(config))


def _pending(db: Database, config: Config, now: datetime) -> Iterator[CommentJob]:
    """Yield a job for each provider that may be asked now; first forget what may not be kept."""
    names = wanted(config)
    with db.atomic():
        store.forget(db, names, now)
    if network.down_since(db):
        return
    resting = providers.resting(db, now)
    for name in names:
        with db.atomic():
            job = None if name in resting else _job(db, config, KINDS[name], now)
        if job:
            yield job


def _job(db: Database, config: Config, kind: Kind, now: datetime) -> CommentJob | None:
    """Choose the threads to read, within half of what the quota leaves: numbers come first."""
    looks = {look.story_id: look for look in store.due(db, kind.name, now)}
    turns = {story_id: _turn(look) for story_id, look in looks.items()}
    open_to = stage.reachable(db, kind, turns.values(), now)
    most = min(stage.left_of(db, config, kind, now) // 2, stage.most_of(config, kind))
    chosen = [look for story_id, look in looks.items() if story_id in open_to][:most]
    if not chosen:
        return None
    requests = len(chosen) * stage.cost(kind) + access.LOGINS.get(kind.name, 0)
    providers.reserve(db, kind.name, requests, now, of_counts=False)
    asked = CountJob(
        provider=kind.name, turns=tuple(turns[look.story_id] for look in chosen), requests=requests, now=now,
        wait=max(open_to[look.story_id] for look in chosen),
    )  # fmt: skip
    return CommentJob(asked=asked, looks=tuple(chosen))


def _turn(look: CommentLook) -> CountTurn:
    thread = look.discussion
    return CountTurn(story_id=look.story_id, urls=(thread.url,), threads=(thread,), age=timedelta())


def _read(config: Config, job: CommentJob) -> CommentOutcome:
    looks = {look.story_id: look for look in job.looks}
    played = work.play(
        config, job.asked, lambda turns: comments.look([looks[turn.story_id] for turn in turns])
    )
    return CommentOutcome(
        read=tuple(each for part in played.results for each in part), requests=played.requests,
        failure=played.failure, rest=played.rest, refusals=played.refusals,
    )  # fmt: skip


def _record(db: Database, config: Config, job: CommentJob, outcome: CommentOutcome, now: datetime) -> None:
    kind = KINDS[job.asked.provider]
    providers.settle(db, kind.name, job.asked.requests - outcome.requests, now)
    found = {each.look.story_id: each.comments for each in outcome.read}
    for look in job.looks:  # what was not asked any more is tried later, as what failed
        store.write(db, look, found.get(look.story_id), now)
    stage.space_out(db, config, kind, job.asked.turns, now)
    stage.note_refusals(db, kind, outcome, answered=bool(found), now=now)


def _postpone(db: Database, _: Config, job: CommentJob, __: str, now: datetime) -> None:
    for look in job.looks:
        store.write(db, look, None, now)


COMMENTS = Stage(
    name="comments",
    pending=_pending,
    work=_read,
    record=_record,
    postpone=_postpone,
    backlog=lambda db, config, now: store.count_due(db, wanted(config), now),
    size=lambda job: len(job.looks),
)


def _pending_texts(db: Database, config: Config, now: datetime) -> Iterator[TranslateJob]:
    """Yield batches of comments for the engines that work; what failed before goes alone."""
    waiting = store.untranslated(db, now, WAITING)
    if not waiting:
        return
    resting = usage.resting(db, now)
    ready = tuple(choice for choice in engines.ready(config) if choice.name not in resting)
    fresh = [entry for entry in waiting if not entry.attempts]
    size = PAID_BATCH if any(choice.paid or choice.slow for choice in ready) else BATCH
    batches = [tuple(fresh[start : start + size]) for start in range(0, len(fresh), size)]
    own = glossary.own_text(config.glossary)
    version = glossary.over(own, str(config.glossary)).version
    # Read before the first is given out: what one brings changes none of the others, whoever works them when.
    keys = chain.memory_keys(waiting, ready, config.language, version)
    memory, refused = translations.recall(db, keys), translations.refused(db, keys)
    for batch in (*batches, *((entry,) for entry in waiting if entry.attempts)):
        meant = allowance.reserved(db, config, ready, batch, now)
        if meant:
            yield TranslateJob(
                entries=batch, engines=meant, target=config.language, style=config.style,
                memory=memory, refused=refused, glossary=own,
            )  # fmt: skip


def _record_texts(
    db: Database, config: Config, job: TranslateJob, outcome: TranslateOutcome, now: datetime
) -> None:
    note_trouble(db, outcome.trouble, now)
    for entry, result in zip(job.entries, outcome.results, strict=True):
        made = _whole(entry, result)
        if isinstance(made, Translation):
            store.write_translation(db, made)
        else:
            log.info("comment_untranslated comment=%d", made.entry_id)
            store.write_failure(db, made, now)
    # What people wrote must be able to go: neither their words nor a translation's are kept elsewhere.
    translations.note_refused(db, [(key, _REFUSED) for key, _ in outcome.refused], now)
    verdicts.note(db, outcome.judged, (), now)
    allowance.settle(db, config, job.engines, outcome.used, now)


def _whole(entry: TranslateEntry, made: Translation | Untranslated) -> Translation | Untranslated:
    """Refuse a translation that lacks a sentence: left out, it would change what a person said."""
    if isinstance(made, Untranslated) or len(made.summary.splitlines()) == len(entry.summary.splitlines()):
        return made
    return Untranslated(
        entry_id=made.entry_id, input_fingerprint=made.input_fingerprint, failure=f"not whole: {made.verdict}"
    )


def _postpone_texts(db: Database, _: Config, job: TranslateJob, error: str, now: datetime) -> None:
    for entry in job.entries:
        failed = Untranslated(
            entry_id=entry.entry_id, input_fingerprint=entry.input_fingerprint, failure=f"crash: {error}"
        )
        store.write_failure(db, failed, now)


COMMENT_TRANSLATE = Stage(
    name="comment_translate",
    pending=_pending_texts,
    work=work_alone,
    record=_record_texts,
    postpone=_postpone_texts,
    backlog=lambda db, _, now: store.count_untranslated(db, now),
    size=lambda job: len(job.entries),
)
