"""The translate stage: entries with a summary in, checked translations out."""

import logging
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import replace
from datetime import datetime
from pathlib import Path

from sqlite_utils import Database

from aggregator.config import Config
from aggregator.model import (
    ASKED,
    EngineChoice,
    TranslateEntry,
    TranslateJob,
    TranslateOutcome,
    Translation,
    Untranslated,
)
from aggregator.pipeline import Stage
from aggregator.store import remakes, unsettled, usage, verdicts
from aggregator.store import translations as store
from aggregator.translate import allowance, chain, engines, glossary, touched, writer
from aggregator.translate.engines import Engine
from aggregator.translate.engines.services import ServiceEngine
from aggregator.translate.route import Board, Route, failed, grouped, out_of_order, route, setup

log = logging.getLogger(__name__)

BATCH = 32  # entries a job: engines are fastest with many segments at once, and a kill loses one job
PAID_BATCH = 4  # a failure in the middle throws no more than this away

Ready = dict[str, tuple[EngineChoice, ...]]  # by the setting `engine` of feeds; "": the program's own


def note_engines(db: Database, config: Config, now: datetime) -> Ready:
    """Return the engines that are ready, and note since when those are that cost money."""
    settings = ("", *store.feed_engines(db))
    ready = {own: engines.ready(engines.of_feed(own, config)) for own in settings}
    paid = {choice.name for chain in ready.values() for choice in chain if choice.paid}
    if paid - usage.configured(db).keys():
        with db.atomic():
            usage.note_configured(db, paid, now)
    return ready


def _setups(ready: Ready, version: str) -> dict[str, str]:
    return {own: setup(chain, version) for own, chain in ready.items()}


def _pending(db: Database, config: Config, now: datetime) -> Iterator[TranslateJob]:
    """Yield batches of stale entries; without an engine only of those that need none."""
    ready, own = note_engines(db, config, now), glossary.own_text(config.glossary)
    version = glossary.over(own, str(config.glossary)).version
    resting = frozenset(usage.resting(db, now))
    board = Board(resting=resting, configured=usage.configured(db), glossary=version)
    back = {choice.name for chain in ready.values() for choice in chain} - resting
    setups = _setups(ready, version)
    unsettled.follow(db, config.language, setups)
    ids = store.stale_ids(db, config.language, now, back, setups)
    for start in range(0, len(ids), BATCH):
        entries = store.texts(db, config.language, ids[start : start + BATCH])
        routed = ((route(e, ready.get(e.engine, ready[""]), board), e) for e in entries)
        for way, group in grouped(routed).items():
            for batch in _batches(group, _size(config, way, group)):
                if not resting.issuperset(usage.resting(db, now)):
                    return  # one failed since: what is left goes another way, and does not wait for it too
                jobs = _jobs(db, config, way, batch, version, now)
                yield from (replace(job, glossary=own) for job in jobs)


def _size(config: Config, way: Route, entries: list[TranslateEntry]) -> int:
    if way.engines and way.engines[0].slow:
        return 1
    if writer.writer_of(way.engines, config.language) and writer.size(
        entries, headline=config.headline == "write"
    ):
        return 1  # a kill loses one written text, and one that the budget has no room for leaves it to others
    return PAID_BATCH if any(choice.paid for choice in way.engines) else BATCH


def _batches(entries: list[TranslateEntry], size: int) -> Iterator[tuple[TranslateEntry, ...]]:
    """Cut into batches; what failed before goes alone, lest it takes others along."""
    fresh = [entry for entry in entries if not entry.attempts]
    for start in range(0, len(fresh), size):
        yield tuple(fresh[start : start + size])
    for entry in entries:
        if entry.attempts:
            yield (entry,)


def _jobs(
    db: Database,
    config: Config,
    way: Route,
    batch: tuple[TranslateEntry, ...],
    version: str,
    now: datetime,
) -> Iterator[TranslateJob]:
    """Yield the job of a batch, if there is anything to do for the engines it may use."""
    meant = allowance.reserved(db, config, way.engines, batch, now)
    if not meant:
        batch = tuple(e for e in batch if chain.settle(e, config.language, version) is not None)
    if batch:
        headline = config.headline == "write"
        keys = [] if way.anew else chain.memory_keys(batch, meant, config.language, version)
        keys += writer.keys(batch, meant, config.language, config.style, headline=headline)
        yield TranslateJob(
            entries=batch, engines=meant, target=config.language, memory=store.recall(db, keys),
            refused=store.refused(db, keys), missed=way.missed, style=config.style,
            headline=headline,
            setup=way.setup if len(meant) == len(way.engines) else "",
        )  # fmt: skip


def _work(config: Config, job: TranslateJob) -> TranslateOutcome:
    outcome = work_alone(config, _informed(config, job))
    _last.clear()
    _last[config.store] = outcome
    return outcome


def work_alone(config: Config, job: TranslateJob) -> TranslateOutcome:
    """Return what engines make of a batch, whatever this process was asked before."""
    opened: dict[EngineChoice, Engine] = {}

    def open_engine(choice: EngineChoice) -> Engine:
        if choice not in opened:  # one meter for all that it is sent in this job
            opened[choice] = engines.open_engine(choice, config)
        return opened[choice]

    outcome = writer.translate(job, glossary.over(job.glossary), open_engine)
    # A service counts by itself: what it was sent again is part of it.
    spent = {engine.name: engine.spent for engine in opened.values() if isinstance(engine, ServiceEngine)}
    return replace(outcome, used=tuple((dict(outcome.used) | spent).items()))


_last: dict[Path, TranslateOutcome] = {}  # what this process's last job brought, by the store it was for


def _informed(config: Config, job: TranslateJob) -> TranslateJob:
    """Return a job that knows what the one before brought: that was not booked yet when this was made out.

    What the operator asked for again is made again.
    """
    last = _last.get(config.store)
    if last is None or _is_asked(job):
        return job
    made = ((write.key, write.text) for write in last.memory)
    return replace(job, memory=(*job.memory, *made), refused=(*job.refused, *last.refused))


def _is_asked(job: TranslateJob) -> bool:
    return any(entry.redo == ASKED for entry in job.entries)


def _once(db: Database, job: TranslateJob, outcome: TranslateOutcome) -> TranslateOutcome:
    """Return an outcome, before it is written, as if each segment had been asked for once.

    Jobs that are worked at the same time may ask for the same one, and how many are depends on the workers.
    What is paid for counts as often as it was sent.
    """
    if _is_asked(job):
        return outcome
    kept = dict(store.recall(db, [write.key for write in outcome.memory]))
    passed = [(write.engine, write.key) for write in outcome.memory if write.key in kept]
    known = store.refused(db, [key for key, _ in outcome.refused])
    refused = [(reason.partition(":")[0], key) for key, reason in known]
    good, bad = (Counter(engine for engine, _ in found) for found in (passed, refused))
    yes, no = Counter[str](), Counter[str]()  # of an engine that writes, too, there are two lines
    for name, fine, unfit in outcome.judged:
        yes[name] += fine
        no[name] += unfit
    judged = ((name, yes[name] - good[name], no[name] - bad[name]) for name in yes)
    sent, paid = dict(outcome.sent), {choice.name for choice in job.engines if choice.paid}
    twice: Counter[str] = Counter()
    for engine, key in (*passed, *refused):
        twice[engine] += 0 if engine in paid else sent.get(key, 0)
    return replace(
        outcome,
        judged=tuple(each for each in judged if any(each[1:])),
        used=tuple((name, characters - twice[name]) for name, characters in outcome.used),
    )


def _record(
    db: Database, config: Config, job: TranslateJob, outcome: TranslateOutcome, now: datetime
) -> None:
    note_trouble(db, outcome.trouble, now)
    owed, outcome = _owed(job, outcome), _once(db, job, outcome)
    for result in outcome.results:
        match result:
            case Translation():
                store.write_translation(db, config.language, result, now, owed.get(result.entry_id))
            case Untranslated():
                log.info("untranslated entry=%d reason=%s", result.entry_id, result.failure)
                store.write_failure(db, config.language, result, now, job.setup or None)
    store.note_refused(db, outcome.refused, now)
    store.remember(db, outcome.memory, (key for key, _ in job.memory), now)
    verdicts.note(db, outcome.judged, _waited(job, outcome), now)
    used = glossary.over(job.glossary)
    remakes.note_glossary(db, used.version, touched.terms(used))
    allowance.settle(db, config, job.engines, outcome.used, now)


def note_trouble(db: Database, trouble: Iterable[str], now: datetime) -> None:
    """Leave engines alone for a while that failed."""
    for line in trouble:
        log.warning("engine_failed %s", line)
    for engine, failure in failed(trouble).items():
        usage.rest(db, engine, now + store.OUTAGE, failure)


def _owed(job: TranslateJob, outcome: TranslateOutcome) -> dict[int, str]:
    """Return whose work each entry is that another engine did; once it was made again it stays as it is."""
    out = out_of_order(job.missed, job.engines, outcome.trouble)
    made = {r.entry_id: r.engine for r in outcome.results if isinstance(r, Translation)}
    return {
        entry.entry_id: out
        for entry in job.entries
        if out and not entry.redo and made.get(entry.entry_id, out) not in {out, chain.ORIGINAL}
    }


def _waited(job: TranslateJob, outcome: TranslateOutcome) -> list[str]:
    """Return since when those entries were known that an engine translated for the first time."""
    first_seen = {e.entry_id: e.first_seen_at for e in job.entries if not e.redo and e.first_seen_at}
    made = (r for r in outcome.results if isinstance(r, Translation) and r.engine != chain.ORIGINAL)
    return [first_seen[each.entry_id] for each in made if each.entry_id in first_seen]


def _postpone(db: Database, config: Config, job: TranslateJob, error: str, now: datetime) -> None:
    for entry in job.entries:
        failed = Untranslated(
            entry_id=entry.entry_id, input_fingerprint=entry.input_fingerprint, failure=f"crash: {error}"
        )
        store.write_failure(db, config.language, failed, now)


def waiting(db: Database, config: Config, now: datetime, most: int = -1) -> int:
    """Count the entries that wait for a translation, no more than `most` of them where that is given."""
    ready, version = note_engines(db, config, now), glossary.merged(config.glossary).version
    return store.count_waiting(db, config.language, _setups(ready, version), most)


STAGE = Stage(
    name="translate",
    pending=_pending,
    work=_work,
    record=_record,
    postpone=_postpone,
    backlog=waiting,
    size=lambda job: len(job.entries),
)
