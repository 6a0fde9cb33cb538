"""Stages article and summary: what feeds carry, made readable."""

from collections.abc import Iterator
from datetime import datetime

from sqlite_utils import Database

from aggregator.config import Config
from aggregator.enrich.article import extract
from aggregator.enrich.summary import summarise
from aggregator.model import Article, ArticleJob, Summary, SummaryJob
from aggregator.pipeline import Stage
from aggregator.store import articles as store

_BATCH = 100  # entries in one job: one transaction, and no longer than a second of work

Articles = tuple[ArticleJob, ...]
Summaries = tuple[SummaryJob, ...]


def _pending_articles(db: Database, _: Config, now: datetime) -> Iterator[Articles]:
    jobs = tuple(store.stale_articles(db, now, _BATCH))
    if jobs:
        yield jobs


def _work_articles(_: Config, jobs: Articles) -> tuple[Article, ...]:
    return tuple(map(extract, jobs))


def _record_articles(
    db: Database, _: Config, __: Articles, outcome: tuple[Article, ...], ___: datetime
) -> None:
    store.write_articles(db, outcome)


def _postpone_articles(db: Database, _: Config, jobs: Articles, failure: str, now: datetime) -> None:
    store.postpone_articles(db, (job.entry_id for job in jobs), failure, now)


def _pending_summaries(db: Database, _: Config, now: datetime) -> Iterator[Summaries]:
    jobs = tuple(store.stale_summaries(db, now, _BATCH))
    if jobs:
        yield jobs


def _work_summaries(_: Config, jobs: Summaries) -> tuple[Summary, ...]:
    return tuple(map(summarise, jobs))


def _record_summaries(
    db: Database, _: Config, __: Summaries, outcome: tuple[Summary, ...], ___: datetime
) -> None:
    store.write_summaries(db, outcome)


def _postpone_summaries(db: Database, _: Config, jobs: Summaries, failure: str, now: datetime) -> None:
    store.postpone_summaries(db, (job.entry_id for job in jobs), failure, now)


ARTICLE = Stage(
    name="article",
    pending=_pending_articles,
    work=_work_articles,
    record=_record_articles,
    postpone=_postpone_articles,
    backlog=lambda db, _, now: store.count_stale_articles(db, now),
    size=len,
)
SUMMARY = Stage(
    name="summary",
    pending=_pending_summaries,
    work=_work_summaries,
    record=_record_summaries,
    postpone=_postpone_summaries,
    backlog=lambda db, _, now: store.count_stale_summaries(db, now),
    size=len,
)
