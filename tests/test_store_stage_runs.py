"""When stages ran, when they did well, and what polls of a day came to."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
from sqlite_utils import Database

from aggregator.store import open_store, poll_days, stage_runs, verdicts
from aggregator.store.stage_runs import StageRun

NOW = datetime(2026, 11, 24, 6, 0, tzinfo=UTC)
TODAY = NOW.date()


@pytest.fixture
def db(tmp_path: Path) -> Iterator[Database]:
    store = open_store(tmp_path / "store.sqlite")
    yield store
    store.close()


def run(minute: int, **given: object) -> StageRun:
    started = NOW + timedelta(minutes=minute)
    return StageRun(
        stage="poll",
        started_at=started,
        ended_at=started + timedelta(seconds=2),
        **given,  # type: ignore[arg-type]
    )


def polled(db: Database, at: str, outcome: str, *, size: int = 10, added: int = 0) -> None:
    db.execute("INSERT OR IGNORE INTO feeds (feed_id, listed_url, fetch_url, host, domain, next_poll_at)"
               " VALUES (1, 'u', 'u', 'h', 'h', 'x')")  # fmt: skip
    db.execute(
        "INSERT INTO polls (feed_id, polled_at, outcome, bytes, seconds, added) VALUES (1, ?, ?, ?, 0.5, ?)",
        [at, outcome, size, added],
    )


def test_a_stage_is_known_by_its_last_run_and_by_all_of_them(db: Database):
    stage_runs.add(db, [run(0, worked=True, units=7, seconds=2.0), run(1, worked=True, units=3, seconds=1.5)])
    known = stage_runs.all_of(db)["poll"]
    assert (known.started_at, known.succeeded_at) == (NOW + timedelta(minutes=1), NOW + timedelta(seconds=62))
    assert (known.units, known.seconds, known.failures, known.failure) == (3, 1.5, 0, None)
    assert (known.runs, known.all_units, known.all_seconds, known.all_crashes) == (2, 10, 3.5, 0)


def test_a_run_that_had_nothing_to_do_leaves_what_the_last_one_did(db: Database):
    stage_runs.add(db, [run(0, worked=True, units=7, seconds=2.0), run(1, seconds=0.001)])
    known = stage_runs.all_of(db)["poll"]
    assert (known.units, known.seconds, known.worked_at) == (7, 2.0, NOW + timedelta(seconds=2))
    assert known.succeeded_at == NOW + timedelta(seconds=62)


def test_failures_count_in_a_row_and_the_last_success_stays(db: Database):
    failed = {"worked": True, "crashes": 2, "failure": "ValueError: no"}
    stage_runs.add(db, [run(0, worked=True, units=1), run(1, **failed), run(2, **failed)])
    known = stage_runs.all_of(db)["poll"]
    assert (known.failures, known.failure, known.all_crashes) == (2, "ValueError: no", 4)
    assert (known.succeeded_at, known.failed_at) == (NOW + timedelta(seconds=2), NOW + timedelta(seconds=122))


def test_a_success_ends_the_row_and_the_last_failure_can_still_be_read(db: Database):
    stage_runs.add(db, [run(0, failure="ValueError: no"), run(1)])
    known = stage_runs.all_of(db)["poll"]
    assert (known.failures, known.failure, known.failed_at) == (
        0,
        "ValueError: no",
        NOW + timedelta(seconds=2),
    )


def test_polls_are_summed_by_day_whoever_writes_them(db: Database):
    polled(db, "2026-11-23T23:59:59Z", "changed", size=100, added=2)
    polled(db, "2026-11-24T00:00:00Z", "changed", size=30, added=1)
    polled(db, "2026-11-24T01:00:00Z", "changed", size=20)
    polled(db, "2026-11-24T02:00:00Z", "not_modified", size=0)
    before, yesterday, today = poll_days.latest(db, TODAY, 3)
    assert (before.day, before.outcomes) == (date(2026, 11, 22), {})
    assert yesterday.outcomes["changed"] == poll_days.Tally(
        polls=1, bytes=100, seconds=0.5, added=2, changed=0
    )
    assert today.outcomes["changed"] == poll_days.Tally(polls=2, bytes=50, seconds=1.0, added=1, changed=0)
    assert poll_days.totals(db)["changed"].polls == 3


def test_days_stay_when_polls_go(db: Database):
    polled(db, "2026-11-24T01:00:00Z", "gone")
    db.execute("DELETE FROM polls")
    assert poll_days.totals(db)["gone"].polls == 1


def test_politeness_is_the_share_of_answers_that_were_304(db: Database):
    for outcome in ("not_modified", "not_modified", "not_modified", "unchanged", "failed", "gone"):
        polled(db, "2026-11-24T01:00:00Z", outcome)
    yesterday, today = poll_days.latest(db, TODAY, 2)
    assert (yesterday.politeness, today.politeness) == (None, 0.75)


def test_polls_before_the_table_are_in_it(tmp_path: Path):
    from aggregator.store.schema import migrations

    db = Database(tmp_path / "old.sqlite")
    migrations.apply(db, stop_before="runs_noted")
    with db.atomic():
        polled(db, "2026-11-24T01:00:00Z", "changed", size=5)
    db.close()
    migrated = open_store(tmp_path / "old.sqlite")
    assert poll_days.totals(migrated)["changed"].bytes == 5
    migrated.close()


def test_engines_are_known_by_what_the_checks_let_pass(db: Database):
    with db.atomic():
        verdicts.note(db, [("firefox", 8, 2)], [], NOW - timedelta(days=7))
        verdicts.note(db, [("firefox", 3, 1), ("deepl", 0, 0)], [], NOW)
    assert verdicts.engines(db)["firefox"] == verdicts.Verdicts(passed=11, refused=3)
    lately = verdicts.engines(db, TODAY - timedelta(days=6))
    assert (lately["firefox"].rate, lately["deepl"].rate) == (0.75, 0.0)


def test_waits_are_counted_by_the_bound_they_stayed_under(db: Database):
    seen = ["2026-11-24T05:55:00Z", "2026-11-24T05:54:59Z", "2026-11-22T06:00:00Z", "2026-11-24T06:01:00Z"]
    with db.atomic():
        verdicts.note(db, [], seen, NOW)
    lags = verdicts.lags(db)
    assert lags.within == {300: 2, 900: 1, 0: 1}  # a clock that was set back makes no wait below zero
    assert lags.seconds == 300 + 301 + 2 * 86400
    assert [day.within for day in verdicts.lag_days(db, TODAY, 2)] == [{}, lags.within]
