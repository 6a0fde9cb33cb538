"""A job at a provider: scripts played within its requests, until it refuses or falls silent."""

import re
from collections import defaultdict
from collections.abc import Callable, Generator, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Generic, TypeVar

from aggregator import urls
from aggregator.config import Config
from aggregator.discuss import access
from aggregator.discuss.answers import Answer, Asking
from aggregator.discuss.providers import KINDS, Kind
from aggregator.http import visits
from aggregator.http.headers import RETRY_FLOOR
from aggregator.model import Counted, CountJob, CountOutcome, CountTurn, Failure, Fetched, HostBatch, Request
from aggregator.poll import polite

_DOWN = frozenset({429, 502, 503, 504})  # whoever says it
_BLOCKED = timedelta(hours=1)  # where a 403 does not say how long it holds
PATIENCE = 30.0  # seconds that a provider's answers may take in all, or a slow one would hold a round up
_MOMENTS = 1_000_000_000  # what is no less is a moment, in seconds since 1970
T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class Played(Generic[T]):
    """What a job's scripts came to."""

    results: tuple[T, ...] = ()
    requests: int  # that were made
    failure: Failure | None = None  # why the rest was not asked
    rest: timedelta | None = None  # how long the provider wants to be left alone
    refusals: tuple[Failure, ...] = ()  # of single sites, where a provider is many of them


def count(config: Config, job: CountJob) -> CountOutcome:
    """Return what a provider says about the job's stories."""
    kind = KINDS[job.provider]
    played = play(config, job, lambda turns: kind.look(turns, job.now))
    return CountOutcome(
        counted=Counted(
            counts=tuple(each for part in played.results for each in part.counts),
            asked=frozenset().union(*(part.asked for part in played.results)),
            named=tuple(each for part in played.results for each in part.named),
        ),
        requests=played.requests,
        failure=played.failure,
        rest=played.rest,
        refusals=played.refusals,
    )


def play(config: Config, job: CountJob, script_of: Callable[[Sequence[CountTurn]], Asking[T]]) -> Played[T]:
    """Return what became of scripts about a job's stories.

    Shape: a provider that is many sites is asked site by site, side by side; one's refusal is no other's.
    """
    kind = KINDS[job.provider]
    logins = access.LOGINS.get(job.provider, 0)
    let_in = access.headers(config, job.provider)
    if isinstance(let_in, Failure):
        return Played(requests=logins, failure=let_in, rest=_rest(let_in))
    meter = _Meter(job.requests - logins)
    asked = [
        (domain, _Asking(config, kind, let_in, meter, job.now), script_of(turns))
        for domain, turns in _by_domain(kind, job.turns).items()
    ]
    batches = [
        (_batch(config, kind, domain, job.wait), [asking.played(script)]) for domain, asking, script in asked
    ]
    results = visits.run(_near(config), batches)
    ends = [asking for _, asking, _ in asked if asking.failure]
    failure = ends[0].failure if ends and kind.home else None
    return Played(
        results=tuple(results),
        requests=job.requests - meter.left,
        failure=failure,
        rest=ends[0].rest if failure else None,
        refusals=() if kind.home else tuple(end.failure for end in ends if end.failure),
    )


def apart(config: Config, kind: Kind, domain: str) -> timedelta:
    """Return the time between two requests to a domain; 0 where that is usual."""
    usual = config.host_spacing
    return max(kind.spacing, polite.spacing(domain, usual)) if usual else usual


def hosts(kind: Kind, turn: CountTurn) -> list[str]:
    """Return where a story is asked about: at the provider's host, or at those sites of its that are one."""
    if kind.home:
        return [urls.host(kind.home)]
    places = (kind.place_of(turn, thread) for thread in turn.threads if thread.provider == kind.name)
    return list(dict.fromkeys(urls.host(place) for place in places if place))


def domain_of(host: str) -> str:
    """Return the registrable domain of a host."""
    return urls.registrable_domain(f"https://{host}/")


def _by_domain(kind: Kind, turns: Iterable[CountTurn]) -> dict[str, list[CountTurn]]:
    grouped: defaultdict[str, list[CountTurn]] = defaultdict(list)
    for turn in turns:
        for host in hosts(kind, turn)[:1]:
            grouped[domain_of(host)].append(turn)
    return grouped


def _batch(config: Config, kind: Kind, domain: str, wait: timedelta) -> HostBatch:
    door = urls.registrable_domain(access.through(config, f"https://{domain}/"))
    return HostBatch(domain=door, feeds=(), spacing=apart(config, kind, domain), wait=wait)


def _near(config: Config) -> Config:
    """Allow private addresses where the operator named the one that all are asked through."""
    return replace(config, allow_private_hosts=True) if config.counts_via else config


@dataclass(slots=True)
class _Meter:
    """The requests of a job that are left, for all its scripts."""

    left: int


class _Asking:
    """One script's requests on their way out, and its answers on their way in."""

    def __init__(
        self, config: Config, kind: Kind, let_in: access.Headers, meter: _Meter, now: datetime
    ) -> None:
        self.failure: Failure | None = None  # what ended it
        self.rest: timedelta | None = None
        self._seconds = 0.0
        self._config, self._let_in, self._meter, self._now = config, let_in, meter, now
        self._busy = kind.busy | _DOWN

    def played(self, script: Asking[T]) -> Asking[T]:
        """Play a script; what it may not ask any more is answered with a Failure of kind "Skipped"."""
        try:
            request = next(script)
            while True:
                answer: Answer = _skipped(request)
                if self._meter.left > 0 and not self.failure:
                    answer = yield from self._ask(request)
                request = script.send(answer)
        except StopIteration as end:
            result: T = end.value
            return result

    def _ask(self, request: Request) -> Generator[Request, Answer, Answer]:
        url = access.through(self._config, request.url)
        self._meter.left -= 1
        answer = yield replace(request, url=url, headers=(*request.headers, *self._let_in))
        if answer.url == url:  # scripts, rests and log lines know providers by their own names
            answer = replace(answer, url=request.url)
        self._judge(answer)
        return answer

    def _judge(self, answer: Answer) -> None:
        self._seconds += answer.seconds
        if isinstance(answer, Failure) and answer.kind == "Skipped":
            self._meter.left += 1  # its turn did not come
        if isinstance(answer, Failure) and self._is_end(answer):
            self.failure, self.rest = answer, _rest(answer)
        elif isinstance(answer, Fetched) and (wait := _spent(dict(answer.headers), self._now)):
            self.failure, self.rest = _ended(answer, "its quota is spent, it says"), wait
        elif self._seconds > PATIENCE:
            self.failure = _ended(answer, f"its answers took {self._seconds:.0f} s")

    def _is_end(self, answer: Failure) -> bool:
        """Say whether a provider refuses, is down or keeps silent, so that asking on would be no use."""
        silent = answer.status is None or answer.kind == "FetchTimeout"
        return silent or answer.status in self._busy


def _ended(answer: Answer, why: str) -> Failure:
    return Failure(kind="Skipped", detail=why, url=answer.url)


def _skipped(request: Request) -> Failure:
    return Failure(kind="Skipped", detail="not asked", url=request.url)


def _rest(failure: Failure) -> timedelta | None:
    """Return how long a refusal holds, None where it does not say."""
    blocked = _BLOCKED if failure.status == 403 else None
    return failure.retry_after or blocked


def _spent(headers: Mapping[str, str], now: datetime) -> timedelta | None:
    """Return how long there is nothing left to ask for, as a good answer's headers say; None where there is.

    Source: docs.github.com "Rate limits for the REST API" (a moment), reddit-archive's wiki/API (seconds).
    """
    left, reset = (headers.get(f"x-ratelimit-{name}", "") for name in ("remaining", "reset"))
    if not re.fullmatch(r"0{1,9}(?:\.0*)?", left):
        return None
    seconds = int(reset.partition(".")[0]) if re.fullmatch(r"[0-9]{1,10}(?:\.0*)?", reset) else 0
    wait = timedelta(seconds=seconds) if seconds < _MOMENTS else datetime.fromtimestamp(seconds, UTC) - now
    return min(max(wait, RETRY_FLOOR), _BLOCKED)
