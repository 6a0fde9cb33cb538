"""Whether every poll came as late as the server's answers allow, told from the server's account alone.

The rules are those that docs/polling.md promises, written once more and from the other end: nothing of the
program is used. Times are simulated seconds; the program keeps times in whole ones.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from itertools import pairwise

from newsserver import Visit

FLOOR, CEILING = 15 * 60.0, 24 * 3600.0
BACKOFF = tuple(3600.0 * hours for hours in (1, 2, 4, 8, 24, 48, 96, 168))
REDIRECTS = 5
REST = (60.0, 7 * 24 * 3600.0)  # what a Retry-After is taken for, at least and at most
_WELL = frozenset({"ok", "same"})
_SILENT = frozenset({"none", "reset"})  # no answer of any kind: our own network might be down
_AGAIN = 30.0  # real seconds within which a redirect is followed, or a request made once more after a reset


@dataclass(slots=True)
class Poll:
    """One look at a feed: a request, with those that redirects and a reset made of it."""

    visits: list[Visit]

    @property
    def began(self) -> float:
        """When it was asked first."""
        return self.visits[0].arrived

    @property
    def ended(self) -> float:
        """When its last answer was there."""
        return self.visits[-1].answered

    @property
    def kind(self) -> str:
        """What its last answer was."""
        return self.visits[-1].kind


@dataclass(frozen=True, slots=True, kw_only=True)
class Early:
    """A request that came before it was allowed."""

    rule: str
    place: str
    arrived: float
    allowed: float

    def __str__(self) -> str:
        return f"{self.rule} {self.place} at {self.arrived:.1f}: {self.allowed - self.arrived:.1f} s early"


@dataclass(slots=True)
class Verdict:
    """What came of the account."""

    polls: int = 0
    conditional_share: float = 0.0  # of good answers, how many were 304
    early: list[Early] = field(default_factory=list)
    unbooked: int = 0  # polls whose outcome a kill took: the feed is asked again, as nobody knows of them
    least_spacing: float = float("inf")  # between two requests to one host


@dataclass(frozen=True, slots=True, kw_only=True)
class Loss:
    """A SIGKILL: what had not been written down by then is not known to the next process."""

    at: float
    booked: dict[int, float]  # by feed, when its last poll was written down


def judge(
    visits: Sequence[Visit], losses: Sequence[Loss], spacing: float, speed: float, *, network_was_down: bool
) -> Verdict:
    """Return what was asked too early."""
    verdict = Verdict()
    known = [visit for visit in visits if visit.answered]
    lost = _judge_feeds(known, losses, speed, verdict, network_was_down=network_was_down)
    _judge_hosts(known, losses, lost, spacing, speed, verdict)
    good = [visit.kind for visit in known if visit.kind in _WELL]
    verdict.conditional_share = good.count("same") / max(len(good), 1)
    return verdict


def _judge_feeds(
    visits: Sequence[Visit], losses: Sequence[Loss], speed: float, verdict: Verdict, *, network_was_down: bool
) -> set[int]:
    by_source: dict[int, list[Visit]] = defaultdict(list)
    for visit in visits:
        if visit.source is not None:
            by_source[visit.source].append(visit)
    lost: set[int] = set()
    for source, seen in by_source.items():
        polls = polls_of(seen, speed)
        verdict.polls += len(polls)
        unknown = [poll for poll in polls if any(_is_lost(source, poll, loss) for loss in losses)]
        verdict.unbooked += len(unknown)
        lost |= {id(visit) for poll in unknown for visit in poll.visits}
        known = [poll for poll in polls if poll not in unknown]
        verdict.early += _early(source, known, polls, network_was_down=network_was_down)
    return lost


def _is_lost(source: int, poll: Poll, loss: Loss) -> bool:
    booked = loss.booked.get(source, float("-inf"))
    return poll.began < loss.at and poll.ended >= booked + 1  # times are written in whole seconds


def polls_of(visits: Iterable[Visit], speed: float) -> list[Poll]:
    """Tell which requests for one feed belong together."""
    polls: list[Poll] = []
    for visit in visits:
        if polls and visit.arrived - polls[-1].ended < _at_once(speed) and _may_follow(polls[-1].visits):
            polls[-1].visits.append(visit)
        else:
            polls.append(Poll([visit]))
    return polls


def _may_follow(visits: Sequence[Visit]) -> bool:
    """Return whether one more request belongs to the poll: five redirects, and one reset in each of them."""
    kinds = [visit.kind for visit in visits]
    if kinds[-1] == "redirect":
        return kinds.count("redirect") <= REDIRECTS
    return kinds[-1] == "reset" and kinds[-2:] != ["reset", "reset"]


def _at_once(speed: float) -> float:
    """Return what is less than any poll may come after another, however fast the clock runs."""
    return min(_AGAIN * speed, FLOOR / 2)


def _early(
    source: int, known: Sequence[Poll], polls: Sequence[Poll], *, network_was_down: bool
) -> list[Early]:
    """Hold each poll against the last one before it of which the program can know."""
    found: list[Early] = []
    failures, gone, ttl = 0, 0, 0.0
    for index, poll in enumerate(known):
        later = known[index + 1].began if index + 1 < len(known) else float("inf")
        nexts = [other for other in polls if poll.began < other.began <= later]
        last = poll.visits[-1]
        failures = 0 if poll.kind in _WELL else failures + 1
        gone = gone + 1 if poll.kind == "gone" else 0
        ttl = last.ttl or 0.0 if poll.kind == "ok" else ttl
        rule, wait = _wait(last, poll.kind, failures, gone, ttl, network_was_down=network_was_down)
        found += [
            Early(rule=rule, place=f"feed {source}", arrived=other.began, allowed=poll.ended + wait)
            for other in nexts
            if other.began < poll.ended + wait
        ]
    return found


def _wait(
    last: Visit, kind: str, failures: int, gone: int, ttl: float, *, network_was_down: bool
) -> tuple[str, float]:
    if gone >= 2:
        return "gone", float("inf")
    if kind in _WELL:
        stated = {"floor": FLOOR, "max-age": min(last.max_age or 0.0, CEILING), "ttl": min(ttl, CEILING)}
    elif network_was_down and kind in _SILENT:
        stated = {"network": FLOOR}
    else:
        stated = {"backoff": BACKOFF[min(failures, len(BACKOFF)) - 1], "retry-after": _rest(last)}
    rule = max(stated, key=lambda name: stated[name])
    return rule, stated[rule]


def _rest(visit: Visit) -> float:
    return min(max(visit.retry_after, REST[0]), REST[1]) if visit.retry_after else 0.0


def _judge_hosts(
    visits: Sequence[Visit],
    losses: Sequence[Loss],
    lost: set[int],
    spacing: float,
    speed: float,
    verdict: Verdict,
) -> None:
    """Hold each request against those before it to the same host: apart, and none in a rest."""
    by_host: dict[str, list[Visit]] = defaultdict(list)
    for visit in sorted(visits, key=lambda each: each.arrived):
        by_host[visit.host].append(visit)
    for host, seen in by_host.items():
        rest = 0.0
        for last, visit in pairwise(seen):
            if id(last) not in lost:
                rest = max(rest, last.answered + _rest(last) if last.retry_after else 0.0)
            if visit.arrived < rest:
                early = Early(rule="rest", place=f"{host}{visit.path}", arrived=visit.arrived, allowed=rest)
                verdict.early.append(early)
            gap = visit.arrived - last.answered
            between = any(last.arrived < loss.at <= visit.arrived for loss in losses)
            again = last.kind == "reset" and gap < _at_once(speed)
            if between or again:
                continue
            verdict.least_spacing = min(verdict.least_spacing, gap)
            if gap < spacing:
                allowed = last.answered + spacing
                verdict.early.append(
                    Early(rule="spacing", place=f"{host}{visit.path}", arrived=visit.arrived, allowed=allowed)
                )
