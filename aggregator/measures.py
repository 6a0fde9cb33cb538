"""What /metrics tells: names and numbers by the conventions of Prometheus, straight from the store.

Source: prometheus.io/docs/practices/naming. Names stay, since rules and charts of operators rest on them.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from sqlite_utils import Database

from aggregator import __version__
from aggregator.config import Config
from aggregator.resources import free_disk
from aggregator.store import network, poll_days, providers, retention, stage_runs, verdicts, vitals

Labels = tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Measure:
    """One metric: its name without the prefix, what it says, and its value for each set of labels."""

    kind: Literal["gauge", "counter"]
    name: str
    meaning: str
    values: tuple[tuple[Labels, float], ...]


@dataclass(frozen=True, slots=True)
class Histogram:
    """How many took how long.

    Shape: `buckets` by their upper bound, cumulative, the last without one. Units: seconds.
    """

    name: str
    meaning: str
    buckets: tuple[tuple[str, float], ...]
    seconds: float


def collect(db: Database, config: Config, now: datetime) -> list[Measure | Histogram]:
    """Return all that is told."""
    return [
        _one("gauge", "build_info", "Which version runs.", 1, version=__version__),
        *_feeds(db, now), *_entries(db, now), *_stages(stage_runs.all_of(db)), *_engines(db),
        *_providers(db, now), *_room(db, config), _waits(verdicts.lags(db)),
    ]  # fmt: skip


def _feeds(db: Database, now: datetime) -> Iterator[Measure]:
    totals = poll_days.totals(db)
    yield _by("gauge", "feeds", "Feeds listed in feeds.opml, by health.", "state", vitals.states(db))
    yield _by("counter", "polls", "Looks at feeds, by what they found.", "outcome",
              {name: totals[name].polls if name in totals else 0 for name in poll_days.OUTCOMES})  # fmt: skip
    yield _one("counter", "poll_bytes", "Bytes that polls received.", sum(t.bytes for t in totals.values()))
    yield _one(
        "counter", "poll_entries", "New entries that polls brought.", sum(t.added for t in totals.values())
    )
    due = vitals.oldest_due(db, now)
    yield _one(
        "gauge", "poll_lag_seconds", "For how long the feed is due that waits longest.", _age(due, now)
    )
    up = int(network.down_since(db) is None)
    yield _one("gauge", "network_up", "0 while no feed at all can be reached.", up)


def _entries(db: Database, now: datetime) -> Iterator[Measure]:
    count, since = vitals.waiting(db)
    yield _one(
        "gauge", "entries", "Entries stored.", db.execute("SELECT count(*) FROM entries").fetchone()[0]
    )
    yield _by("gauge", "publications", "Stories, by what readers have of them.", "state", vitals.stories(db))
    yield _one("gauge", "translation_waiting", "Stories that wait for a translation.", count)
    yield _one(
        "gauge",
        "translation_lag_seconds",
        "For how long the story waits that waits longest.",
        _age(since, now),
    )
    newest = vitals.newest_published_at(db)
    if newest:
        yield _one(
            "gauge", "newest_publication_timestamp_seconds", "When readers were last given something.",
            newest.timestamp(),
        )  # fmt: skip


def _stages(known: Mapping[str, stage_runs.Known]) -> Iterator[Measure]:
    def told(
        kind: Literal["gauge", "counter"], name: str, meaning: str, values: Mapping[str, float]
    ) -> Measure:
        return _by(kind, f"stage_{name}", meaning, "stage", values)

    ended = {name: each.ended_at.timestamp() for name, each in known.items()}
    well = {name: each.succeeded_at.timestamp() for name, each in known.items() if each.succeeded_at}
    yield told("gauge", "last_run_timestamp_seconds", "When a stage last ran.", ended)
    yield told("gauge", "last_success_timestamp_seconds", "When a stage last went well.", well)
    yield told("gauge", "failures", "Failures in a row.", {n: each.failures for n, each in known.items()})
    yield told("counter", "runs", "Runs of a stage.", {n: each.runs for n, each in known.items()})
    yield told("counter", "units", "What it worked off.", {n: each.all_units for n, each in known.items()})
    yield told("counter", "crashes", "Jobs that crashed.", {n: each.all_crashes for n, each in known.items()})
    yield told("counter", "seconds", "Time it took.", {n: each.all_seconds for n, each in known.items()})


def _engines(db: Database) -> Iterator[Measure]:
    judged = [
        (engine, verdict, count)
        for engine, found in verdicts.engines(db).items()
        for verdict, count in (("passed", found.passed), ("refused", found.refused))
    ]
    values = tuple(
        ((("engine", engine), ("verdict", verdict)), float(count)) for engine, verdict, count in judged
    )
    yield Measure("counter", "engine_segments", "Segments translated, by what the checks said.", values)
    sent = dict(db.execute("SELECT engine, sum(characters) FROM engine_usage GROUP BY engine").fetchall())
    yield _by("counter", "engine_characters", "Characters that engines were sent.", "engine", sent)


def _providers(db: Database, now: datetime) -> Iterator[Measure]:
    asked = {str(each.provider): each.requests for each in providers.coverage(db, now)}
    yield _by("gauge", "provider_requests_last_day", "Requests for counts in 24 hours.", "provider", asked)


def _room(db: Database, config: Config) -> Iterator[Measure]:
    size = config.store.stat().st_size
    yield _one("gauge", "store_bytes", "Size of the database.", size)
    yield _one("gauge", "store_free_bytes", "What of it is free for what comes.", retention.free_bytes(db))
    places = {"store": config.store.parent, "output": config.output}
    free = {name: free_disk(path) for name, path in places.items()}
    yield _by("gauge", "disk_free_bytes", "Room left on the disk.", "place", free)


def _waits(lags: verdicts.Lags) -> Histogram:
    done, buckets = 0, []
    for bound in (*verdicts.BOUNDS, 0):
        done += lags.within.get(bound, 0)
        buckets.append((str(float(bound)) if bound else "+Inf", float(done)))
    meaning = "How long entries waited for their translation."
    return Histogram("translation_wait_seconds", meaning, tuple(buckets), lags.seconds)


def _one(kind: Literal["gauge", "counter"], name: str, meaning: str, value: float, **labels: str) -> Measure:
    return Measure(kind, name, meaning, ((tuple(labels.items()), value),))


def _by(
    kind: Literal["gauge", "counter"], name: str, meaning: str, label: str, values: Mapping[str, float]
) -> Measure:
    return Measure(kind, name, meaning, tuple((((label, key),), float(values[key])) for key in values))


def _age(since: datetime | None, now: datetime) -> float:
    return (now - since).total_seconds() if since else 0.0
