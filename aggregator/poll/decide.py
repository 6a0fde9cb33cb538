"""What one poll means for its feed, and when to look again: values and `now` in, values out."""

import hashlib
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Literal, NamedTuple

from aggregator.model import Changed, DueFeed, Failure, Hints, NotModified, PollOutcome, Unchanged

PARSER_VERSION = "2"  # raise it when the same body parses to something else: bodies seen are parsed again
FLOOR = timedelta(minutes=15)
CEILING = timedelta(hours=24)
BACKOFF = tuple(timedelta(hours=hours) for hours in (1, 2, 4, 8, 24, 48, 96, 168))
JITTER = 0.2  # later, never earlier
GONE_AFTER = 2  # 410 answers in a row
MOVED_AFTER = 2  # polls in a row that a permanent redirect led to a feed
HUB_FACTOR = 12  # a feed whose hub works is polled so much less often
RECENT = 20  # entries the adaptive interval looks at
_ENOUGH = 3
_HOUR = timedelta(hours=1)

PollResult = Literal["changed", "unchanged", "not_modified", "failed", "gone"]
Reasons = tuple[tuple[str, int | str], ...]


class Pace(NamedTuple):
    """How often a feed brought entries of late: when the oldest of its newest ones came, and how many later.

    Entries of the oldest moment tell nothing of the gaps between them: a feed without dates has all its first
    ones from the poll that found them.
    """

    since: datetime
    later: int


@dataclass(frozen=True, slots=True, kw_only=True)
class FeedWrite:
    """All polling columns of one feed after a poll, and its row in `polls`."""

    feed_id: int
    fetch_url: str
    moved_to: str | None
    moved_seen: int
    led_to: str | None  # where redirects ended this time
    gone: bool
    gone_seen: int
    etag: str | None
    last_modified: str | None
    body_fingerprint: str | None
    entry_marks: bytes
    refused_fingerprint: str | None
    hints: Hints
    next_poll_at: datetime
    retry_after_at: datetime | None
    next_poll_reasons: Reasons
    last_change_at: datetime | None
    failures: int
    failure: str | None
    outcome: PollResult
    status: int | None
    wire_bytes: int
    seconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Later:
    """A feed that was not asked, and when it is due again."""

    feed_id: int
    next_poll_at: datetime
    next_poll_reasons: Reasons


def fingerprint(body: bytes, parser_version: str) -> str:
    """Return the fingerprint under which a body counts as known.

    It includes the parser's version: what a newer parser would read differently is read again.
    """
    return hashlib.sha256(parser_version.encode() + b"\0" + body).hexdigest()


def decide(
    poll: PollOutcome,
    pace: Pace | None,
    base: timedelta,
    now: datetime,
    jitter: float,
    *,
    hub_works: bool = False,
) -> FeedWrite | Later:
    """Return what to write about a feed after one poll.

    `pace` is None of a feed without entries, `base` the configured interval; `jitter` is from [0, 1).
    """
    feed = poll.feed
    match poll.result:
        case Failure(kind="Skipped", retry_after=wanted):
            moment, reasons = _no_sooner({"floor": FLOOR, "retry_after": wanted}, now, jitter)
            return Later(feed_id=feed.feed_id, next_poll_at=moment, next_poll_reasons=reasons)
        case Failure() as failure:
            return _failed(feed, failure, now, jitter)
        case Changed() as result:
            parsed = result.feed
            hints = Hints(
                ttl=parsed.ttl,
                update_every=parsed.update_every,
                skip_hours=parsed.skip_hours,
                skip_days=parsed.skip_days,
            )
            return _succeeded(feed, result, hints, pace, base, now, jitter, hub_works=hub_works)
        case result:
            return _succeeded(feed, result, feed.hints, pace, base, now, jitter, hub_works=hub_works)


def read_again(write: FeedWrite) -> FeedWrite:
    """Return what to write where the next poll has to bring the whole body, and to read all of it."""
    return replace(write, etag=None, last_modified=None, body_fingerprint="", entry_marks=b"")


def crashed(feed: DueFeed, error: str, now: datetime, jitter: float) -> FeedWrite:
    """Return what to write about a feed whose poll ended in an unexpected error."""
    failure = Failure(kind="Crash", detail=error, url=feed.fetch_url)
    return _failed(feed, failure, now, jitter)


def next_poll(
    hints: Hints,
    fresh_for: timedelta | None,
    pace: Pace | None,
    base: timedelta,
    now: datetime,
    jitter: float,
    *,
    hub_works: bool = False,
) -> tuple[datetime, Reasons]:
    """Return when to look again after a poll that worked, and each rule's opinion.

    Shape: reasons are (rule, seconds) pairs, then ("winner", rule), then what moved the moment.
    """
    opinions = {
        "max_age": fresh_for,
        "ttl": hints.ttl,
        "update_every": hints.update_every,
        **_own_interval(pace, base, now),
    }
    stated = {rule: length for rule, length in opinions.items() if length is not None}
    winner = max(stated, key=lambda rule: stated[rule])
    if hub_works:
        stated["websub"] = HUB_FACTOR * max(stated[winner], FLOOR)
        winner = "websub"
    wanted = stated[winner]
    if wanted < FLOOR:
        winner, wanted = "floor", FLOOR
    elif wanted > CEILING:
        winner, wanted = "ceiling", CEILING
    moment = now + wanted * (1 + JITTER * jitter)
    allowed = _outside_skipped(moment, hints, jitter)
    moved: Reasons = () if allowed == moment else (("skipped_until", f"{allowed:%a %H:%M} UTC"),)
    return allowed, (*_seconds(stated), ("winner", winner), *moved)


def _own_interval(pace: Pace | None, base: timedelta, now: datetime) -> dict[str, timedelta]:
    """Half the mean gap between the newest entries, silence since the last one included.

    Never under a quarter of the configured interval; the configured one where too little is known.
    """
    if pace is None or 1 + pace.later < _ENOUGH:
        return {"base": base}
    mean_gap = (now - pace.since) / (1 + pace.later)
    return {"adaptive": min(max(mean_gap / 2, base / 4), CEILING)}


def _outside_skipped(moment: datetime, hints: Hints, jitter: float) -> datetime:
    """Move a moment out of the feed's skipHours and skipDays, to the next hour that is open.

    Source: RSS 2.0, skipHours and skipDays. A feed that skips everything skips nothing.
    """
    for ahead in range(8 * 24):
        hour = moment.replace(minute=0, second=0, microsecond=0) + ahead * _HOUR
        if hour.hour not in hints.skip_hours and hour.weekday() not in hints.skip_days:
            return hour + JITTER * jitter * _HOUR if ahead else moment
    return moment


def _succeeded(
    feed: DueFeed,
    result: Changed | Unchanged | NotModified,
    hints: Hints,
    pace: Pace | None,
    base: timedelta,
    now: datetime,
    jitter: float,
    *,
    hub_works: bool,
) -> FeedWrite:
    moment, reasons = next_poll(hints, result.fresh_for, pace, base, now, jitter, hub_works=hub_works)
    fetch_url, moved_to, moved_seen = _moved(feed, result)
    changed = isinstance(result, Changed)
    ended = result.url if isinstance(result, NotModified) else result.fetched_url
    return FeedWrite(
        feed_id=feed.feed_id,
        fetch_url=fetch_url,
        moved_to=moved_to,
        moved_seen=moved_seen,
        led_to=ended if ended != fetch_url else None,
        gone=False,
        gone_seen=0,
        etag=result.etag,
        last_modified=result.last_modified,
        body_fingerprint=result.body_fingerprint if isinstance(result, Changed) else feed.body_fingerprint,
        entry_marks=result.feed.marks if isinstance(result, Changed) else feed.entry_marks,
        refused_fingerprint=None,
        hints=hints,
        next_poll_at=moment,
        retry_after_at=None,
        next_poll_reasons=reasons,
        last_change_at=now if changed else feed.last_change_at,
        failures=0,
        failure=None,
        outcome=_OUTCOMES[type(result)],
        status=304 if isinstance(result, NotModified) else result.status,
        wire_bytes=result.wire_bytes,
        seconds=result.seconds,
    )


_OUTCOMES: dict[type, PollResult] = {
    Changed: "changed",
    Unchanged: "unchanged",
    NotModified: "not_modified",
}


def _moved(feed: DueFeed, result: Changed | Unchanged | NotModified) -> tuple[str, str | None, int]:
    """Return the URL to fetch from now on, and what is known of a move in progress."""
    target = result.moved_to
    if target is None:
        return feed.fetch_url, None, 0
    seen = feed.moved_seen if target == feed.moved_to else 0
    if seen or not isinstance(result, NotModified):  # a 304 proves a feed only where a body came before
        seen += 1
    if seen >= MOVED_AFTER:
        return target, None, 0
    return feed.fetch_url, target, seen


def _failed(feed: DueFeed, failure: Failure, now: datetime, jitter: float) -> FeedWrite:
    failures = feed.failures + 1
    backoff = BACKOFF[min(failures, len(BACKOFF)) - 1]
    moment, reasons = _no_sooner({"backoff": backoff, "retry_after": failure.retry_after}, now, jitter)
    gone_seen = feed.gone_seen + 1 if failure.status == 410 else 0
    gone = gone_seen >= GONE_AFTER
    # These are bodies that did not parse or arrived short: nothing may vouch for them.
    useless_body = failure.status in {200, 203}
    return FeedWrite(
        feed_id=feed.feed_id,
        fetch_url=feed.fetch_url,
        moved_to=None,
        moved_seen=0,
        led_to=None,
        gone=gone,
        gone_seen=gone_seen,
        etag=None if useless_body else feed.etag,
        last_modified=None if useless_body else feed.last_modified,
        body_fingerprint=feed.body_fingerprint,
        entry_marks=feed.entry_marks,
        refused_fingerprint=failure.body_fingerprint,
        hints=feed.hints,
        next_poll_at=moment,
        retry_after_at=None if failure.retry_after is None else now + failure.retry_after,
        next_poll_reasons=reasons,
        last_change_at=feed.last_change_at,
        failures=failures,
        failure=f"{failure.kind}: {failure.detail}",
        outcome="gone" if gone else "failed",
        status=failure.status,
        wire_bytes=0,
        seconds=failure.seconds,
    )


def _no_sooner(
    opinions: dict[str, timedelta | None], now: datetime, jitter: float
) -> tuple[datetime, Reasons]:
    stated = {rule: length for rule, length in opinions.items() if length is not None}
    winner = max(stated, key=lambda rule: stated[rule])
    return now + stated[winner] * (1 + JITTER * jitter), (*_seconds(stated), ("winner", winner))


def _seconds(stated: dict[str, timedelta]) -> Reasons:
    return tuple((rule, round(length.total_seconds())) for rule, length in stated.items())
