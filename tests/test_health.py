"""Whether the work goes on: said by /healthz, judged by when polling and publishing last went well."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from aggregator import health
from aggregator.config import Config
from aggregator.serve import Server
from aggregator.store import open_store, stage_runs
from aggregator.store.stage_runs import StageRun
from tests.webservers import ask

NOW = datetime(2026, 11, 24, 6, 0, tzinfo=UTC)
HOUR = timedelta(hours=1)


def an_hour(_: str, last: datetime) -> datetime:
    return last + HOUR


@pytest.fixture
def config(tmp_path: Path) -> Config:
    return Config(store=tmp_path / "store.sqlite", output=tmp_path / "output", listen="127.0.0.1:0")


def ran(config: Config, stage: str, ended_at: datetime, failure: str = "") -> None:
    db = open_store(config.store)
    run = StageRun(stage=stage, started_at=ended_at, ended_at=ended_at, failure=failure)
    stage_runs.add(db, [run])
    db.close()


def said(config: Config, *, since: datetime = NOW - 9 * HOUR) -> str:
    return health.trouble(config, an_hour, since, NOW)


def test_it_is_well_where_polls_and_publishing_went_well_lately(config: Config):
    for stage in health.WATCHED:
        ran(config, stage, NOW - HOUR)
    assert said(config) == ""


@pytest.mark.parametrize("late", health.WATCHED)
def test_it_is_not_well_where_one_of_them_did_not(config: Config, late: str):
    for stage in health.WATCHED:
        ran(config, stage, NOW - (3 * HOUR if stage == late else HOUR))
    assert said(config) == f"{late}: nothing went well for 3 h"


def test_runs_that_fail_are_none_that_went_well(config: Config):
    for stage in health.WATCHED:
        ran(config, stage, NOW - 3 * HOUR)
        ran(config, stage, NOW, failure="output: No space left on device")
    assert said(config) == "poll: nothing went well for 3 h"


def test_what_just_began_has_its_time(config: Config):
    assert said(config, since=NOW - HOUR) == ""
    assert said(config, since=NOW - 2 * HOUR) == "poll: never went well"


def test_a_machine_that_slept_has_its_time_again_once_the_server_is_started(config: Config):
    for stage in health.WATCHED:
        ran(config, stage, NOW - 9 * HOUR)
    assert said(config, since=NOW) == ""


def test_a_store_that_cannot_be_read_is_not_well(config: Config):
    config.store.write_bytes(b"no database at all, but as long as the head of one" * 100)
    assert said(config, since=NOW) == "the store cannot be read"


def test_beside_cron_two_intervals_of_polling_are_waited(config: Config):
    assert health.beside_cron(config)("poll", NOW) == NOW + 2 * HOUR


def test_under_run_two_turns_and_a_while_are_waited(config: Config):
    given = replace(config, schedule_poll="30m", schedule_publish="cron 0 7 * * * UTC")
    patience = health.under_run(given)
    assert patience("poll", NOW) == NOW + HOUR + timedelta(minutes=15)
    assert patience("publish", NOW) == NOW + 25 * HOUR + timedelta(minutes=15)


def test_the_server_answers_200_and_503_with_a_line_and_head_the_same(config: Config):
    with Server(config, an_hour) as server:
        well = ask(server.port, "/healthz")
    with Server(config, lambda _, last: last) as server:
        answers = [ask(server.port, "/healthz", method) for method in ("GET", "HEAD")]
    assert (well.status, well.body, well.headers["Cache-Control"]) == (200, b"ok\n", "no-store")
    assert [(each.status, each.body) for each in answers] == [(503, b"poll: never went well\n"), (503, b"")]
