"""Stage count: whose turn it is at each provider, and what came of asking."""

import logging
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime, timedelta

from sqlite_utils import Database

from aggregator import urls
from aggregator.config import Config
from aggregator.discuss import access, schedule, work
from aggregator.discuss.providers import KINDS, Kind, enabled, thread_of
from aggregator.discuss.schedule import DueTurn
from aggregator.model import CommentOutcome, CountJob, CountOutcome, CountTurn, Failure, Provider
from aggregator.pipeline import Stage
from aggregator.poll.polite import reach
from aggregator.store import counts, links, network, polls, providers
from aggregator.store import discussions as store
from aggregator.store.links import StoryLinks

AT_ONCE = 2_000  # turns that are due, looked at before a job starts
REQUESTS = 20  # of one job: what a kill can cost
DOMAIN_TIME = timedelta(seconds=20)  # that one domain's spacing may cost a job
_NAMED: frozenset[Provider] = frozenset(  # nothing is searched for there
    {"wordpress", "github", "github-discussions", "github-releases", "comment-feeds"}
)
_NEVER = datetime.min.replace(tzinfo=UTC)

log = logging.getLogger(__name__)


def wanted(config: Config) -> tuple[Provider, ...]:
    """Return the providers that the settings ask."""
    return enabled(config.counts, config.contact, access.keys(config))


def _pending(db: Database, config: Config, now: datetime) -> Iterator[CountJob]:
    """Yield a job for each provider that may be asked now."""
    ready = _ready(db, config, now)
    if ready:
        with db.atomic():
            store.open_turns(db, [kind.name for kind in ready], now)
    for kind in ready:
        with db.atomic():
            job = _job(db, config, kind, now)
        if job:
            yield job


def _ready(db: Database, config: Config, now: datetime) -> list[Kind]:
    """List who may be asked now; first who was asked the longest ago, lest a short round starves one."""
    names = wanted(config)
    if not names or network.down_since(db):
        return []
    asked, resting = providers.asked_at(db), providers.resting(db, now)
    since = {name: now - asked.get(name, _NEVER) for name in names if name not in resting}
    ready = [KINDS[name] for name, passed in since.items() if passed >= KINDS[name].every]
    return sorted(ready, key=lambda kind: -since[kind.name])


def _job(db: Database, config: Config, kind: Kind, now: datetime) -> CountJob | None:
    """Choose what to ask a provider; book the requests, and what its quota does not hold."""
    left = left_of(db, config, kind, now)
    due = store.due(db, kind.name, now, AT_ONCE)
    turns = _turns(db, kind, due, now)
    open_to = reachable(db, kind, turns.values(), now)
    store.move_on(db, kind.name, [turn for turn in due if turn.story_id not in turns], now)
    there = [turn for turn in due if turn.story_id in open_to]
    kept, dropped = schedule.taken(there, left, kind.stories)
    store.drop(db, kind.name, dropped, now)
    most = min(left, most_of(config, kind))
    chosen = tuple(turns[turn.story_id] for turn in kept[: most * kind.stories])
    if not chosen:
        return None
    requests = min(most, _needed(chosen)) * cost(kind) + access.LOGINS.get(kind.name, 0)
    providers.reserve(db, kind.name, requests, now)
    wait = max(open_to[turn.story_id] for turn in chosen)
    return CountJob(provider=kind.name, turns=chosen, requests=requests, now=now, wait=wait)


def _needed(turns: Sequence[CountTurn]) -> int:
    """Return how many requests these stories can take: a listing, their threads, a search or two for each.

    What is reserved beyond that would be lost to the quota, should this run be killed.
    """
    return 1 + sum(2 + len(turn.threads) for turn in turns)


def left_of(db: Database, config: Config, kind: Kind, now: datetime) -> int:
    """Return how many requests for numbers the quota leaves, after what each of them costs beside itself."""
    quota = kind.keyed if kind.name in access.keys(config) else kind.quota
    allowed = schedule.allowed(quota, providers.used(db, kind.name, now))
    return max(0, allowed - access.LOGINS.get(kind.name, 0)) // cost(kind)


def cost(kind: Kind) -> int:
    """Return how many requests it takes to ask about one story."""
    return 1 if kind.home else 2  # a site is asked for its robots.txt first


def most_of(config: Config, kind: Kind) -> int:
    """Return how many requests one job holds: spacing counts where they all go to one domain."""
    apart = work.apart(config, kind, urls.registrable_domain(kind.home)) if kind.home else timedelta()
    return max(1, min(REQUESTS, DOMAIN_TIME // apart) if apart else REQUESTS // cost(kind))


def _turns(db: Database, kind: Kind, due: Sequence[DueTurn], now: datetime) -> dict[int, CountTurn]:
    """Return what to ask about each story, without those that the provider can say nothing of."""
    known = links.of_stories(db, [turn.story_id for turn in due])
    turns = (_turn(kind, turn, known[turn.story_id], now) for turn in due)
    return {
        turn.story_id: turn
        for turn in turns
        if (turn.threads or kind.name not in _NAMED) and work.hosts(kind, turn)
    }


def _turn(kind: Kind, due: DueTurn, found: StoryLinks, now: datetime) -> CountTurn:
    gone = {thread.key for thread in found.gone if thread.provider == kind.name}
    stored = [thread for thread in found.known if thread.provider == kind.name]
    named = [thread for url in found.named if (thread := kind.thread_of(url))]
    # A feed of what is said at a provider is its thread, and asked about there.
    named += [feed for feed in found.feeds if feed.provider == kind.name and not thread_of(feed.key)]
    threads = {thread.key: thread for thread in (*named, *stored) if thread.key not in gone}
    age = max(now - due.came_out_at, timedelta())
    return CountTurn(story_id=due.story_id, urls=found.urls, threads=tuple(threads.values()), age=age)


def reachable(db: Database, kind: Kind, turns: Iterable[CountTurn], now: datetime) -> dict[int, timedelta]:
    """Return the stories whose hosts may be asked soon, and after how long; others stay due."""
    hosts = {turn.story_id: work.hosts(kind, turn) for turn in turns}
    domains = {host: work.domain_of(host) for each in hosts.values() for host in each}
    free_at = polls.next_fetches(db, domains.values())
    closed = {(rest.scope, rest.place) for rest in polls.rests(db, now)}
    waits = {
        story_id: max(timedelta(), *(free_at.get(domains[host], now) - now for host in each))
        for story_id, each in hosts.items()
        if closed.isdisjoint(place for host in each for place in (("host", host), ("domain", domains[host])))
    }
    return {story_id: wait for story_id, wait in waits.items() if wait <= DOMAIN_TIME}


def _record(db: Database, config: Config, job: CountJob, outcome: CountOutcome, now: datetime) -> None:
    kind = KINDS[job.provider]
    providers.settle(db, kind.name, job.requests - outcome.requests, now)
    store.record(db, job, outcome, now)
    space_out(db, config, kind, job.turns, now)
    note_refusals(db, kind, outcome, answered=bool(outcome.counted.asked), now=now)
    counts.thin_daily(db, now)


def space_out(db: Database, config: Config, kind: Kind, turns: Iterable[CountTurn], now: datetime) -> None:
    """Keep everybody from the domains that were asked, for as long as requests there are apart."""
    for domain in {work.domain_of(host) for turn in turns for host in work.hosts(kind, turn)}:
        if apart := work.apart(config, kind, domain):
            polls.write_host(db, domain, now + apart, None, None)


def note_refusals(
    db: Database, kind: Kind, outcome: CountOutcome | CommentOutcome, *, answered: bool, now: datetime
) -> None:
    """Leave a provider alone that refused, or sites of it; one that answered is asked as before."""
    if outcome.failure:
        _rest(db, kind, outcome.rest, outcome.failure, now)
    elif answered:
        providers.recover(db, kind.name)
    for refusal in outcome.refusals:
        _leave_alone(db, kind, refusal, now)


def _rest(db: Database, kind: Kind, rest: timedelta | None, failure: Failure, now: datetime) -> None:
    wait = rest or schedule.backoff(providers.failures(db, kind.name) + 1)
    providers.rest(db, kind.name, now + wait, failure.detail)
    _leave_alone(db, kind, failure, now)


def _leave_alone(db: Database, kind: Kind, refusal: Failure, now: datetime) -> None:
    """Keep everybody from a host that said for how long it wants to be left alone."""
    log.warning("counts_refused provider=%s url=%s reason=%s", kind.name, refusal.url, refusal.detail)
    if refusal.retry_after:
        polls.write_rest(db, reach(refusal.url, "host"), now + refusal.retry_after)


def _postpone(db: Database, _: Config, job: CountJob, __: str, now: datetime) -> None:
    """Try the stories again later; how many requests were made nobody knows, so all stay booked."""
    store.put_off(db, job.provider, [turn.story_id for turn in job.turns], now)


def _backlog(db: Database, config: Config, now: datetime) -> int:
    return store.count_due(db, [kind.name for kind in _ready(db, config, now)], now)


COUNT = Stage(
    name="count",
    pending=_pending,
    work=work.count,
    record=_record,
    postpone=_postpone,
    backlog=_backlog,
    size=lambda job: len(job.turns),
)
