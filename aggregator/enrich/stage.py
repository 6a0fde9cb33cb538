"""Stages article, page and summary: what feeds and pages carry, made readable."""

import logging
from collections import defaultdict
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta

from sqlite_utils import Database

from aggregator.config import Config
from aggregator.enrich import robots, work
from aggregator.enrich.article import extract
from aggregator.enrich.summary import summarise
from aggregator.model import (
    Article,
    ArticleJob,
    Looked,
    PageJob,
    PageOutcome,
    PageVisit,
    SiteBatch,
    SitePolicy,
    Summary,
    SummaryJob,
)
from aggregator.pipeline import Stage
from aggregator.poll.polite import reach, spacing
from aggregator.store import articles as store
from aggregator.store import pages, polls

_BATCH = 100  # entries in one job: one transaction, and no longer than a second of work
VISITS = 20  # in one job: what a kill can cost, and pages of 5 MiB held in memory at once
DOMAIN_TIME = timedelta(seconds=20)  # that one domain's spacing may cost a job
AT_ONCE = 500  # due visits looked at before the first job starts

log = logging.getLogger(__name__)

Articles = tuple[ArticleJob, ...]
Summaries = tuple[SummaryJob, ...]


def _pending_articles(db: Database, _: Config, now: datetime) -> Iterator[Articles]:
    jobs = tuple(store.stale_articles(db, now, _BATCH))
    if jobs:
        yield jobs


def _work_articles(_: Config, jobs: Articles) -> tuple[Article, ...]:
    return tuple(map(extract, jobs))


def _record_articles(
    db: Database, config: Config, _: Articles, outcome: tuple[Article, ...], now: datetime
) -> None:
    store.write_articles(db, outcome)
    pages.queue(db, outcome, config.extract, now)


def _postpone_articles(db: Database, _: Config, jobs: Articles, failure: str, now: datetime) -> None:
    store.postpone_articles(db, (job.entry_id for job in jobs), failure, now)


def _pending_pages(db: Database, config: Config, now: datetime) -> Iterator[PageJob]:
    """Yield visits, a domain's in one job and one after another."""
    domains: dict[str, list[PageVisit]] = defaultdict(list)
    for domain, visit in pages.due(db, now, AT_ONCE):
        domains[domain].append(visit)
    known = pages.policies(db, domains, now)
    free_at = polls.next_fetches(db, domains)
    batch: list[SiteBatch] = []
    for domain, visits in domains.items():
        wait = max(free_at.get(domain, now) - now, timedelta())
        if wait > DOMAIN_TIME:  # its Crawl-delay is longer than a job should be
            continue
        apart = _apart(domain, known, config)
        most = max(min(VISITS, DOMAIN_TIME // apart if apart else VISITS), 1)
        batch.append(SiteBatch(domain=domain, visits=tuple(visits[:most]), spacing=apart, wait=wait))
        if sum(len(each.visits) for each in batch) >= VISITS:
            yield PageJob(batches=tuple(batch), policies=tuple(known))
            batch = []
    if batch:
        yield PageJob(batches=tuple(batch), policies=tuple(known))


def _apart(domain: str, known: Sequence[SitePolicy], config: Config) -> timedelta:
    """Return the time between two requests: ours, or the longest Crawl-delay of the domain's sites."""
    delays = [
        robots.read(each.robots).crawl_delay for each in known if reach(each.origin, "domain") == domain
    ]
    return max([spacing(domain, config.host_spacing), *delays])


def _record_pages(db: Database, config: Config, job: PageJob, outcome: PageOutcome, now: datetime) -> None:
    pages.write_policies(db, outcome.policies, now)
    for batch in job.batches:
        apart = max(batch.spacing, _apart(batch.domain, outcome.policies, config))
        if apart:
            polls.write_host(db, batch.domain, now + apart, None, None)
    for looked in outcome.looked:
        pages.write(db, looked, now)
        _log(looked)
        if looked.refused and looked.refused.retry_after:
            polls.write_rest(db, reach(looked.refused.url, "host"), now + looked.refused.retry_after)


def _log(looked: Looked) -> None:
    if looked.signal:
        log.info("opt_out url=%s signal=%s", looked.visit.url, looked.signal.text)
    elif looked.failure:
        log.info("page_without_text url=%s reason=%s", looked.visit.url, looked.failure)


def _postpone_pages(db: Database, _: Config, job: PageJob, failure: str, now: datetime) -> None:
    for visit in (visit for batch in job.batches for visit in batch.visits):
        pages.write(db, Looked(visit=visit, failure=f"crash: {failure}", again=True), now)


def _visits(job: PageJob) -> int:
    return sum(len(batch.visits) for batch in job.batches)


def _pending_summaries(db: Database, config: Config, now: datetime) -> Iterator[Summaries]:
    jobs = tuple(store.stale_summaries(db, now, _BATCH, config.summary))
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
PAGE = Stage(
    name="page",
    pending=_pending_pages,
    work=work.look,
    record=_record_pages,
    postpone=_postpone_pages,
    backlog=lambda db, _, now: pages.count_due(db, now),
    size=_visits,
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
