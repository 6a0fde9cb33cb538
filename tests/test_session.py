"""feeds.opml taken up: once as it is, and again by another version of the program."""

import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from sqlite_utils import Database

from aggregator import session as session_module
from aggregator.config import Config
from aggregator.errors import PublishError, StoreLocked
from aggregator.pipeline import Stage
from aggregator.session import Session, mirror, take_up_opml
from aggregator.store import feeds, open_store, stage_runs

NOW = datetime(2026, 11, 24, 6, 0, tzinfo=UTC)
LIST = b"""<opml version="2.0"><body><outline text="A" xmlUrl="https://a.example/rss"/></body></opml>"""


@pytest.fixture
def config(tmp_path: Path) -> Config:
    (tmp_path / "feeds.opml").write_bytes(LIST)
    return Config(opml=tmp_path / "feeds.opml", store=tmp_path / "store.sqlite")


@pytest.fixture
def db(config: Config) -> Iterator[Database]:
    store = open_store(config.store)
    yield store
    store.close()


def test_a_list_is_taken_up_once(db: Database, config: Config):
    assert take_up_opml(db, config, lambda: NOW) == feeds.Synced(added=1)
    assert take_up_opml(db, config, lambda: NOW) is None
    assert mirror(db, config, LIST, NOW) is None


def test_another_version_takes_the_same_list_up_again(
    db: Database, config: Config, monkeypatch: pytest.MonkeyPatch
):
    take_up_opml(db, config, lambda: NOW)
    db.execute("UPDATE feeds SET settings = '{}'")  # as a version left it that mirrored fewer attributes
    monkeypatch.setattr(session_module, "_READER", b"0.0.1 rights ")
    assert take_up_opml(db, config, lambda: NOW) == feeds.Synced(changed=1)


def test_the_settings_of_a_feed_count_as_a_version():
    assert {b"rights", b"max_per_day"} <= set(session_module._READER.split())


class Clock:
    """Time that goes on as told."""

    def __init__(self) -> None:
        self.now = NOW

    def __call__(self) -> datetime:
        return self.now


def stage(
    *jobs: int, work: Callable[[Config, int], int] = lambda _, job: job, fails: Exception | None = None
) -> Stage:
    """Return a stage that has each job once."""
    left = list(jobs)

    def record(*_: Any) -> None:
        if fails:
            raise fails

    return Stage(
        name="count", pending=lambda *_: [left.pop() for _ in list(left)], work=work, record=record,
        postpone=lambda *_: None, backlog=lambda *_: len(left), size=lambda _: 1,
    )  # fmt: skip


def leave_marks(folder: Path, _: Config, job: int) -> int:
    """Say when a job begins and ends; all but one take a while."""
    (folder / f"{time.time_ns()} {job} begun").touch()
    time.sleep(0 if job == 20 else 1)
    (folder / f"{time.time_ns()} {job} done").touch()
    return job


def broken(_: Config, job: int) -> int:
    raise ValueError(f"no {job}")


@pytest.fixture
def session(db: Database, config: Config, monkeypatch: pytest.MonkeyPatch) -> Iterator[Session]:
    monkeypatch.setitem(session_module.EXECUTORS, "count", "executor_enrich")  # inline
    held = Session(db=db, config=config, clock=Clock())
    yield held
    held.close()


def test_what_a_stage_did_is_written_as_soon_as_it_did_something(session: Session):
    session.run(stage(1, 2))
    known = stage_runs.all_of(session.db)["count"]
    assert (known.units, known.failures, known.succeeded_at) == (2, 0, NOW)


def test_idle_stages_are_written_together_once_in_half_a_minute(session: Session):
    assert isinstance(session.clock, Clock)
    for _ in range(30):
        session.run(stage())
        session.clock.now += timedelta(seconds=1)
    assert stage_runs.all_of(session.db) == {}
    session.run(stage())
    assert stage_runs.all_of(session.db)["count"].runs == 31


def test_what_is_not_written_yet_is_written_at_the_end(session: Session):
    session.run(stage())
    session.close()
    assert stage_runs.all_of(session.db)["count"].succeeded_at == NOW


def test_a_crash_is_a_failure_of_its_stage_with_the_reason(session: Session):
    session.run(stage(7, work=broken))
    known = stage_runs.all_of(session.db)["count"]
    assert (known.failures, known.failure, known.all_crashes) == (1, "ValueError: no 7", 1)
    assert known.succeeded_at is None


def test_a_stage_that_cannot_go_on_has_failed_and_the_round_hears_of_it(session: Session):
    with pytest.raises(PublishError):
        session.run(stage(1, fails=PublishError("output: disk full")))
    session.write_runs()
    known = stage_runs.all_of(session.db)["count"]
    assert (known.failures, known.failure, known.worked_at) == (1, "output: disk full", None)


def test_where_a_record_fails_what_is_in_flight_is_not_done_twice_at_once(session: Session, tmp_path: Path):
    session.config = replace(session.config, executor_enrich="processes:2")
    (marks := tmp_path / "marks").mkdir()
    failing = StoreLocked("another program holds the database")
    with pytest.raises(StoreLocked):
        session.run(stage(21, 20, work=partial(leave_marks, marks), fails=failing))
    session.run(stage(21, 20, work=partial(leave_marks, marks)))
    steps = [mark.name.split(" ", 1)[1] for mark in sorted(marks.iterdir()) if " 21 " in mark.name]
    assert steps == ["21 begun", "21 done"] * 2


def test_runs_wait_while_the_store_takes_nothing(session: Session):
    session.db.execute("ALTER TABLE stage_runs RENAME TO elsewhere")
    session.run(stage(1))
    session.db.execute("ALTER TABLE elsewhere RENAME TO stage_runs")
    session.run(stage(1))
    assert stage_runs.all_of(session.db)["count"].all_units == 2
