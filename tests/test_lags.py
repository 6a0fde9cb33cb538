"""How far behind the work is, in words and in figures."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlite_utils import Database

from aggregator import figures, lags, status
from aggregator.config import Config
from aggregator.store import open_store, stage_runs, verdicts
from aggregator.store.stage_runs import StageRun

NOW = datetime(2026, 11, 24, 6, 0, tzinfo=UTC)


@pytest.fixture
def config(tmp_path: Path) -> Config:
    return Config(store=tmp_path / "store.sqlite", output=tmp_path / "output", engine="none")


@pytest.fixture
def db(config: Config) -> Iterator[Database]:
    opened = open_store(config.store)
    yield opened
    opened.close()


def ran(db: Database, stage: str, minutes: int, failure: str = "") -> None:
    at = NOW - timedelta(minutes=minutes)
    stage_runs.add(db, [StageRun(stage=stage, started_at=at, ended_at=at, failure=failure)])


def test_in_a_new_store_nothing_is_behind(db: Database):
    assert lags.lines(db, NOW) == {
        "stages": "none ran yet",
        "lag": "no feed is due; nothing waits for a translation",
        "passed by the checks": "-",
    }


def test_stages_are_said_by_what_readers_wait_for_and_by_what_fails(db: Database):
    for name, minutes in (("poll", 1), ("publish", 3), ("count", 90)):
        ran(db, name, minutes)
    assert lags.lines(db, NOW)["stages"] == "all well: poll 60 s ago, publish 3 min ago".replace(
        "60 s", "1 min"
    )
    for minutes in (2, 1):
        ran(db, "count", minutes, "disk full")
        ran(db, "round", minutes, "disk full")
    assert lags.lines(db, NOW)["stages"] == "count failed 2 times in a row, last well 90 min ago: disk full"


def test_what_waits_longest_is_said(db: Database):
    feed = {"listed_url": "u", "fetch_url": "u", "host": "h", "domain": "h"}
    db.table("feeds").insert({**feed, "next_poll_at": "2026-11-24T05:50:00Z"})
    db.execute("INSERT INTO stories (story_id) VALUES (1)")
    held = {"public_id": "b", "slug": "b", "story_id": 1, "state": "held", "held_at": "2026-11-24T03:00:00Z"}
    db.table("publications").insert(held)
    said = "a feed is due for 10 min; the first of 1 untranslated waits for 3 h"
    assert lags.lines(db, NOW)["lag"] == said
    found = lags.figures(db, NOW)
    assert (found["oldest_due_at"], found["waiting_since"]) == (
        "2026-11-24T05:50:00Z",
        "2026-11-24T03:00:00Z",
    )


def test_engines_are_said_by_what_passed_in_a_week(db: Database):
    with db.atomic():
        verdicts.note(db, [("firefox", 900, 100)], [], NOW - timedelta(days=7))
        verdicts.note(db, [("firefox", 1960, 40)], [], NOW - timedelta(days=6))
    assert lags.lines(db, NOW)["passed by the checks"] == "firefox 98.0% of 2,000 segments in 7 days"
    assert lags.figures(db, NOW)["verdicts"] == {"firefox": {"passed": 1960, "refused": 40}}


def test_status_and_its_figures_hold_them_and_what_is_trouble(db: Database, config: Config):
    for _ in range(3):
        ran(db, "publish", 1, "disk full")
    overview, _ = status.collect(db, config, NOW)
    assert overview["trouble"] == "publish failed 3 times in a row: disk full"
    assert overview["stages"].startswith("publish failed 3 times in a row")
    found = figures.collect(db, config, NOW)
    assert found["troubles"] == {"stage publish": "publish failed 3 times in a row: disk full"}
    assert found["stages"]["publish"]["succeeded_at"] is None
