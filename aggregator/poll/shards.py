"""Which due feeds one job polls: a domain's together, jobs of one size, slow hosts with their like. Pure."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import timedelta

from aggregator.model import DueFeed, HostBatch
from aggregator.poll.polite import spacing

SHARD = 200  # feeds in one job: what a kill can cost, and what is held in memory at once
PER_DOMAIN = 20  # of one domain in one job; they wait for each other, and the whole job for them
DOMAIN_TIME = timedelta(seconds=20)  # that one domain's spacing may cost a job
_STEP = timedelta(seconds=2)  # what differs by less is alike


def by_domain(feeds: Iterable[DueFeed]) -> dict[str, list[DueFeed]]:
    """Return feeds grouped by domain, in the order in which each domain comes first."""
    domains: dict[str, list[DueFeed]] = defaultdict(list)
    for feed in feeds:
        domains[feed.domain].append(feed)
    return domains


def batch(domain: str, members: Sequence[DueFeed], free_in: timedelta, usual: timedelta) -> HostBatch:
    """Return a domain's turn: of its feeds the first that a job may wait for.

    Shape: `free_in` is how long the domain is to be left alone yet, `usual` the time between two requests.
    """
    apart = spacing(domain, usual)
    most = min(PER_DOMAIN, DOMAIN_TIME // apart) if apart else PER_DOMAIN
    wait = min(max(free_in, timedelta()), apart)
    return HostBatch(domain=domain, feeds=tuple(members[: max(most, 1)]), spacing=apart, wait=wait)


def shards(batches: Sequence[HostBatch]) -> list[tuple[HostBatch, ...]]:
    """Return jobs of all batches, none of them cut: as few as there can be, and of about the same size.

    Shape: those that take longest stand together in the first jobs, for a job lasts as long as its slowest
    host, and the last ones of a call should be short; else the order stays. No job differs from the mean by
    more than one batch.
    """
    total = sum(len(batch.feeds) for batch in batches)
    count = -(-total // SHARD)
    jobs: list[list[HostBatch]] = [[] for _ in range(count)]
    before = 0
    for each in sorted(batches, key=lambda batch: -(lasts(batch) // _STEP)):
        jobs[before * count // total].append(each)
        before += len(each.feeds)
    return [tuple(job) for job in jobs if job]


def lasts(batch: HostBatch) -> timedelta:
    """Return about how long a host's turn takes, if its feeds take as long as the last time.

    Shape: in whole seconds, so that no order hangs on milliseconds that were measured.
    """
    fetching = timedelta(seconds=sum(int(feed.seconds) for feed in batch.feeds))
    return batch.wait + batch.spacing * max(len(batch.feeds) - 1, 0) + fetching
