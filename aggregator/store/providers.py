"""Tables provider_requests and provider_states: what each provider was asked, and which of them rest."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlite_utils import Database

from aggregator.model import Provider, Used
from aggregator.times import from_text, maybe_time, to_text

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
_KEPT = timedelta(days=2)

_ADD = """INSERT INTO provider_requests (provider, minute, requests, counted, dropped) VALUES (?, ?, ?, ?, ?)
ON CONFLICT (provider, minute) DO UPDATE SET requests = requests + excluded.requests,
  counted = counted + excluded.counted, dropped = dropped + excluded.dropped"""
_ASKED = """INSERT INTO provider_states (provider, asked_at) VALUES (?, ?)
ON CONFLICT (provider) DO UPDATE SET asked_at = excluded.asked_at"""
_REST = """INSERT INTO provider_states (provider, rest_until, failures, failure) VALUES (?, ?, 1, ?)
ON CONFLICT (provider) DO UPDATE
SET rest_until = excluded.rest_until, failures = failures + 1, failure = excluded.failure"""
_USED = """SELECT coalesce(sum(requests) FILTER (WHERE minute >= :hour), 0), coalesce(sum(requests), 0)
FROM provider_requests WHERE provider = :provider AND minute >= :day"""
_COVERAGE = """
SELECT names.provider, coalesce(sum(r.counted), 0) AS counted, coalesce(sum(r.dropped), 0) AS dropped,
  coalesce(sum(r.requests), 0) AS requests, s.rest_until, s.failure
FROM (SELECT provider FROM provider_requests UNION SELECT provider FROM provider_states) AS names
  LEFT JOIN provider_requests AS r ON r.provider = names.provider AND r.minute >= :day
  LEFT JOIN provider_states AS s ON s.provider = names.provider AND s.rest_until > :now
GROUP BY names.provider ORDER BY names.provider
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Coverage:
    """What was counted at a provider in the last 24 hours."""

    provider: Provider
    counted: int  # stories, each time one was asked about
    dropped: int  # turns that the quota did not hold
    requests: int
    rests_until: datetime | None  # it is left alone until then
    failure: str | None  # why


def reserve(
    db: Database, provider: Provider, requests: int, now: datetime, *, of_counts: bool = True
) -> None:
    """Book requests before they are made, and forget what no quota looks at any more.

    Shape: only what is asked about numbers says when numbers were asked for last.
    """
    db.execute(_ADD, [provider, _minute(now), requests, 0, 0])
    if of_counts:
        db.execute(_ASKED, [provider, to_text(now)])
    db.execute("DELETE FROM provider_requests WHERE minute < ?", [_minute(now - _KEPT)])


def settle(db: Database, provider: Provider, requests_unused: int, now: datetime) -> None:
    """Give back requests that were reserved and not made, the latest first."""
    sql = """SELECT minute, requests FROM provider_requests
      WHERE provider = ? AND minute >= ? AND requests > 0 ORDER BY minute DESC"""
    left = requests_unused
    for minute, requests in db.execute(sql, [provider, _minute(now - DAY)]).fetchall():
        if left <= 0:
            return
        back = min(left, requests)
        db.execute(_ADD, [provider, minute, -back, 0, 0])
        left -= back


def used(db: Database, provider: Provider, now: datetime) -> Used:
    """Return what a provider was asked in the last 60 minutes and the last 24 hours."""
    values = {"provider": provider, "hour": _minute(now - HOUR), "day": _minute(now - DAY)}
    hour, day = db.execute(_USED, values).fetchone()
    return Used(hour=hour, day=day)


def note(db: Database, provider: Provider, counted: int, dropped: int, now: datetime) -> None:
    """Book how many stories were asked about, and how many the quota did not hold."""
    db.execute(_ADD, [provider, _minute(now), 0, counted, dropped])


def rest(db: Database, provider: Provider, until: datetime, failure: str) -> None:
    """Leave a provider alone for a while; one more failure in a row."""
    db.execute(_REST, [provider, to_text(until), failure])


def recover(db: Database, provider: Provider) -> None:
    """Forget a provider's failures: it has answered."""
    db.execute(
        "UPDATE provider_states SET rest_until = NULL, failures = 0, failure = NULL WHERE provider = ?",
        [provider],
    )


def failures(db: Database, provider: Provider) -> int:
    """Return how many times in a row a provider had to be left alone."""
    row = db.execute("SELECT failures FROM provider_states WHERE provider = ?", [provider]).fetchone()
    return int(row[0]) if row else 0


def resting(db: Database, now: datetime) -> dict[Provider, str]:
    """Return the providers that are left alone now, each with why."""
    rows = db.execute(
        "SELECT provider, coalesce(failure, '') FROM provider_states WHERE rest_until > ?", [to_text(now)]
    )
    return dict(rows.fetchall())


def asked_at(db: Database) -> dict[Provider, datetime]:
    """Return when each provider was asked last."""
    rows = db.execute("SELECT provider, asked_at FROM provider_states WHERE asked_at IS NOT NULL")
    return {provider: from_text(at) for provider, at in rows}


def coverage(db: Database, now: datetime) -> list[Coverage]:
    """List what was counted at each provider that was ever asked, in the last 24 hours."""
    rows = db.execute(_COVERAGE, {"day": _minute(now - DAY), "now": to_text(now)})
    return [
        Coverage(provider=provider, counted=counted, dropped=dropped, requests=requests,
                 rests_until=maybe_time(until), failure=failure)
        for provider, counted, dropped, requests, until, failure in rows
    ]  # fmt: skip


def _minute(moment: datetime) -> str:
    return to_text(moment)[:16]
