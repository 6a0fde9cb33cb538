"""The poll stage: due feeds in, what became of each written down."""

import logging
import zlib
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from itertools import islice
from typing import TypeGuard

from sqlite_utils import Database

from aggregator.config import Config
from aggregator.model import (
    Changed,
    DueFeed,
    Failure,
    PollAnswer,
    PollOutcome,
    RetryScope,
    Shard,
    ShardOutcome,
)
from aggregator.pipeline import Stage
from aggregator.poll import outage, shards
from aggregator.poll.decide import FeedWrite, Later, crashed, decide, read_again
from aggregator.poll.polite import reach, scope_of
from aggregator.poll.revise import FIRST_FILL
from aggregator.poll.work import work
from aggregator.store import admission, due, entries, network, polls, websub
from aggregator.store.entries import EntryCounts
from aggregator.store.polls import Polled
from aggregator.websub import spool
from aggregator.websub.protocol import is_possible

AT_ONCE = 2000  # due feeds in memory
PATIENCE = timedelta(minutes=10)  # several times what fetching and reading may take, on a busy machine too

log = logging.getLogger(__name__)


def pending(db: Database, config: Config, now: datetime) -> Iterator[Shard]:
    """Yield all due feeds once, grouped so that a domain's feeds are fetched by one job, one after another.

    A domain has one turn, or two jobs might ask it side by side; the rest of its feeds stays due.
    """
    mutes = bool(admission.of_all(db).mute)
    seen: Counter[str] = Counter()
    crowded: set[str] = set()  # domains with many feeds left, which are not even read any more
    for page in due.pages(db, now, AT_ONCE, crowded):
        domains = shards.by_domain(limited(feed, mutes=mutes) for feed in page if feed.domain not in seen)
        seen.update(feed.domain for feed in page)
        crowded.update(feed.domain for feed in page if seen[feed.domain] > shards.PER_DOMAIN)
        yield from _jobs(db, config, domains, now)


def _jobs(
    db: Database, config: Config, domains: Mapping[str, Sequence[DueFeed]], now: datetime
) -> Iterator[Shard]:
    free_at = polls.next_fetches(db, domains)
    batches = [
        shards.batch(domain, members, free_at.get(domain, now) - now, config.host_spacing)
        for domain, members in domains.items()
    ]
    rests = polls.rests(db, now) if batches else ()
    yield from (Shard(batches=job, rests=rests) for job in shards.shards(batches))


def limited(feed: DueFeed, *, mutes: bool) -> DueFeed:
    """Return the feed, told to leave unread what its first fill leaves out.

    Shape: `mutes` says whether some rule for all feeds does.
    """
    # Which entries are a first fill's is not known before the rules that mute have seen them all.
    is_limited = feed.first_poll and not (mutes or feed.settings.mute)
    return replace(feed, first_fill=FIRST_FILL) if is_limited else feed


def record(db: Database, config: Config, job: Shard, outcome: ShardOutcome, now: datetime) -> None:
    """Write what a shard brought: entries, polling columns, polls and hosts; what it left stays due."""
    outcomes = _asked(job, outcome)
    since = _note_network(db, outcomes, now)
    if since:
        missed = [poll for poll in outcomes if outage.is_unreached(poll)]
        network.put_off(db, [(p, outage.later(p, now, _jitter(p.feed, now), since)) for p in missed], now)
        outcomes = [poll for poll in outcomes if not outage.is_unreached(poll)]
    record_polls(db, config, outcomes, now)
    _space_out(db, job, outcome, now)
    _record_rests(db, config, outcomes, now)
    polls.forget_old(db, now)


def _asked(job: Shard, outcome: ShardOutcome) -> list[PollOutcome]:
    """Return the polls that a job had the time for."""
    feeds_polled = (feed for batch in job.batches for feed in batch.feeds)
    outcomes = [
        PollOutcome(feed=feed, result=result)
        for feed, result in zip(feeds_polled, outcome.results, strict=True)
    ]
    asked = [poll for poll in outcomes if not _is_left(poll.result)]
    if len(asked) < len(outcomes):
        log.info("feeds_left feeds=%d of=%d", len(outcomes) - len(asked), len(outcomes))
    return asked


def _is_left(result: PollAnswer) -> TypeGuard[Failure]:
    return isinstance(result, Failure) and result.kind == "Left"


def _is_unasked(result: PollAnswer) -> bool:
    return _is_left(result) and result.status is None


def _note_network(db: Database, outcomes: Sequence[PollOutcome], now: datetime) -> datetime | None:
    """Return since when our own network is down, and note it, or that it is back."""
    tried = outage.tried(outcomes)
    since = network.down_since(db)
    if outage.is_ours(tried, known=since is not None):
        log.warning("network_down feeds=%d since=%s", len(tried), (since or now).isoformat())
        network.note(db, since or now)
        return since or now
    if since and tried:
        log.warning("network_back after=%s", now - since)
        network.note(db, None)
    return None


def record_polls(db: Database, config: Config, outcomes: Sequence[PollOutcome], now: datetime) -> None:
    """Write what polls brought, one after another: entries are numbered in this order."""
    counts = [_record_entries(db, config, poll, now) for poll in outcomes]
    paces = polls.paces(db, [poll.feed.feed_id for poll in outcomes], now)
    polled: list[Polled] = []
    is_heard = spool.is_open(config)
    for poll, count in zip(outcomes, counts, strict=True):
        feed = poll.feed
        hub_works = is_possible(config) and _hub_works(db, poll, count.added, now) and is_heard
        jitter = _jitter(feed, now)
        match decide(poll, paces.get(feed.feed_id), config.poll_every, now, jitter, hub_works=hub_works):
            case Later() as later:
                polls.put_off(db, later)
            case FeedWrite() as write:
                if count.unread:
                    write = read_again(write)
                _log(feed, write)
                moved = write.fetch_url != feed.fetch_url
                polled.append(Polled(write=write, added=count.added, changed=count.changed, moved=moved))
    polls.write(db, polled, now)


def _record_entries(db: Database, config: Config, poll: PollOutcome, now: datetime) -> EntryCounts:
    if not isinstance(poll.result, Changed):
        return EntryCounts()
    polls.fill_in(db, poll.feed.feed_id, poll.result.feed)
    return entries.record(db, poll.feed, poll.result.feed, now, zone=config.zone)


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


def _space_out(db: Database, job: Shard, outcome: ShardOutcome, now: datetime) -> None:
    results = iter(outcome.results)
    for batch in job.batches:
        asked = [each for each in islice(results, len(batch.feeds)) if not _is_unasked(each)]
        # Who was not asked is not put off: a spacing longer than a job lasts would never end.
        if batch.spacing and asked:
            polls.write_host(db, batch.domain, now + batch.spacing, None, None)


def _record_rests(db: Database, config: Config, outcomes: Sequence[PollOutcome], now: datetime) -> None:
    for (scope, place), rest in _rests(config, outcomes).items():
        if scope == "host":
            polls.write_rest(db, place, now + rest)
        elif scope == "domain":
            polls.write_host(db, place, now + config.host_spacing, now + rest, "Retry-After")


def _rests(config: Config, outcomes: Sequence[PollOutcome]) -> dict[tuple[RetryScope, str], timedelta]:
    """Return the longest rest asked for, by what it holds for: a redirect's end may have asked for it."""
    rests: dict[tuple[RetryScope, str], timedelta] = {}
    for poll in outcomes:
        match poll.result:
            case Failure(kind=kind, url=url, retry_after=timedelta() as rest) if kind != "Skipped":
                scope = scope_of(poll.feed.settings, config.retry_scope)
                key = scope, reach(url, scope)
                rests[key] = max(rest, rests.get(key, rest))
    return rests


def postpone(db: Database, config: Config, job: Shard, error: str, now: datetime) -> None:  # noqa: ARG001 - as all
    """Back off every feed of a shard whose work crashed; by different lengths, so that they part company."""
    backed_off = (
        crashed(feed, error, now, _jitter(feed, now)) for batch in job.batches for feed in batch.feeds
    )
    polls.write(db, [Polled(write=write) for write in backed_off], now)


def backlog(db: Database, config: Config, now: datetime) -> int:  # noqa: ARG001 - a stage's signature
    """Count the feeds that are due."""
    return due.count(db, now)


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
    patience=PATIENCE,
)
