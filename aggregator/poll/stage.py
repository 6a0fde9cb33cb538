"""The poll stage: due feeds in, what became of each written down."""

import itertools
import logging
import zlib
from collections import defaultdict
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta

from sqlite_utils import Database

from aggregator.config import Config
from aggregator.model import Changed, DueFeed, Failure, HostBatch, PollOutcome, Shard, ShardOutcome
from aggregator.pipeline import Stage
from aggregator.poll.decide import FeedWrite, Later, crashed, decide
from aggregator.poll.work import work
from aggregator.store import entries, feeds, polls, websub
from aggregator.websub.protocol import is_possible

SHARD = 200  # feeds in one job: what a kill can cost
PER_DOMAIN = 20  # of one domain in one job; they wait for each other, and the whole job for them
AT_ONCE = 2000  # due feeds looked at before the first job starts

log = logging.getLogger(__name__)


def pending(db: Database, config: Config, now: datetime) -> Iterator[Shard]:
    """Yield the due feeds, grouped so that a domain's feeds are fetched by one job, one after another."""
    batches: dict[str, list[DueFeed]] = defaultdict(list)
    for feed in feeds.due(db, now, AT_ONCE):
        if len(batches[feed.domain]) < PER_DOMAIN:
            batches[feed.domain].append(feed)
    free_at = polls.next_fetches(db, batches)
    hosts = [
        HostBatch(
            domain=domain,
            feeds=tuple(members),
            spacing=config.host_spacing,
            wait=min(max(free_at.get(domain, now) - now, timedelta()), config.host_spacing),
        )
        for domain, members in batches.items()
    ]
    yield from _shards(hosts)


def _shards(hosts: Sequence[HostBatch]) -> Iterator[Shard]:
    shard: list[HostBatch] = []
    for host in hosts:
        if shard and sum(len(each.feeds) for each in (*shard, host)) > SHARD:
            yield Shard(batches=tuple(shard))
            shard = []
        shard.append(host)
    if shard:
        yield Shard(batches=tuple(shard))


def record(db: Database, config: Config, job: Shard, outcome: ShardOutcome, now: datetime) -> None:
    """Write what a shard brought: entries, polling columns, polls and hosts."""
    for poll in outcome.polls:
        record_poll(db, config, poll, now)
    for batch in job.batches:
        _record_host(db, config, batch.domain, outcome.polls, now)
    polls.forget_old(db, now)


def record_poll(db: Database, config: Config, poll: PollOutcome, now: datetime) -> None:
    """Write what one poll brought."""
    feed, added, changed = poll.feed, 0, 0
    if isinstance(poll.result, Changed):
        counts = entries.record(db, feed, poll.result.feed, now)
        added, changed = counts.added, counts.changed
        polls.fill_in(db, feed.feed_id, poll.result.feed)
    hub_works = is_possible(config) and _hub_works(db, poll, added, now)
    recent = polls.recent_times(db, feed.feed_id)
    match decide(poll, recent, config.poll_every, now, _jitter(feed, now), hub_works=hub_works):
        case Later() as later:
            polls.put_off(db, later)
        case FeedWrite() as write:
            _log(feed, write)
            polls.write(db, write, now, added, changed)


def _hub_works(db: Database, poll: PollOutcome, added: int, now: datetime) -> bool:
    """Write what a poll shows about the feed's hub and return whether the hub can be relied on."""
    if isinstance(poll.result, Changed):
        websub.note_links(db, poll.feed.feed_id, poll.result.feed, now)
    if added:
        websub.note_missed(db, poll.feed.feed_id)
    return websub.works(db, poll.feed.feed_id, now)


def _log(feed: DueFeed, write: FeedWrite) -> None:
    if write.failure:
        log.warning(
            "poll_failed url=%s failures=%d failure=%s", feed.fetch_url, write.failures, write.failure
        )
    if write.gone:
        log.warning("feed_gone url=%s", feed.fetch_url)
    if write.fetch_url != feed.fetch_url:
        log.info("feed_moved from=%s to=%s", feed.fetch_url, write.fetch_url)


def _record_host(
    db: Database, config: Config, domain: str, outcomes: Sequence[PollOutcome], now: datetime
) -> None:
    failures = [
        poll.result for poll in outcomes if poll.feed.domain == domain and isinstance(poll.result, Failure)
    ]
    asked_for = max((failure.retry_after for failure in failures if failure.retry_after), default=None)
    if asked_for:
        polls.write_host(db, domain, now + config.host_spacing, now + asked_for, "Retry-After")
    elif config.host_spacing:
        polls.write_host(db, domain, now + config.host_spacing, None, None)


def postpone(db: Database, config: Config, job: Shard, error: str, now: datetime) -> None:  # noqa: ARG001 - as all
    """Back off every feed of a shard whose work crashed; by different lengths, so that they part company."""
    for feed in itertools.chain.from_iterable(batch.feeds for batch in job.batches):
        polls.write(db, crashed(feed, error, now, _jitter(feed, now)), now)


def backlog(db: Database, config: Config, now: datetime) -> int:  # noqa: ARG001 - a stage's signature
    """Count the feeds that are due."""
    return feeds.count_due(db, now)


def size(job: Shard) -> int:
    """Count the feeds of a job."""
    return sum(len(batch.feeds) for batch in job.batches)


def _jitter(feed: DueFeed, now: datetime) -> float:
    # A hash spreads feeds as well as chance does, and the same run gives the same times.
    return zlib.crc32(f"{feed.listed_url} {now.isoformat()}".encode()) / 2**32


STAGE = Stage(
    name="poll",
    pending=pending,
    work=work,
    record=record,
    postpone=postpone,
    backlog=backlog,
    size=size,
)
