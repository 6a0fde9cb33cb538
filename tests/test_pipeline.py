"""How a stage runs: batches, crashes, budgets, broken workers."""

import os
import time
from collections.abc import Iterator
from concurrent.futures import Future
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

import pytest
from sqlite_utils import Database

from aggregator.config import Config
from aggregator.executors import InlineExecutor, Workers, WorkersLost, open_workers
from aggregator.pipeline import Stage, run_stage
from aggregator.store import open_store

NOW = datetime(2026, 11, 24, tzinfo=UTC)


def _pending(db: Database, _: Config, __: datetime) -> Iterator[int]:
    for row in db.execute("SELECT key FROM meta WHERE value = 'due' ORDER BY key").fetchall():
        yield int(row[0])


def _work(_: Config, job: int) -> int:
    if job == 13:
        raise ValueError("unlucky")
    return job * job


def _work_or_die(_: Config, job: int) -> int:
    if job == 13:
        os._exit(9)
    return job * job


def _die(_: Config, __: int) -> int:
    os._exit(9)


def _die_once(mark: Path, _: Config, job: int) -> int:
    if mark.exists():
        mark.unlink()
        os._exit(9)
    return job * job


def _record(db: Database, _: Config, job: int, outcome: int, __: datetime) -> None:
    db.table("meta").update(str(job), {"value": str(outcome)})


def _postpone(db: Database, _: Config, job: int, failure: str, __: datetime) -> None:
    db.table("meta").update(str(job), {"value": failure})


def _stage(work=_work) -> Stage:
    return Stage(
        name="square", pending=_pending, work=work, record=_record, postpone=_postpone,
        backlog=lambda db, config, now: len(list(_pending(db, config, now))), size=lambda _: 1,
    )  # fmt: skip


@pytest.fixture
def db(tmp_path: Path) -> Iterator[Database]:
    db = open_store(tmp_path / "s.sqlite")
    yield db
    db.close()


def _due(db: Database, *jobs: int) -> None:
    db.table("meta").insert_all({"key": str(job), "value": "due"} for job in jobs)


def _values(db: Database) -> dict[str, str]:
    return dict(db.execute("SELECT key, value FROM meta").fetchall())


def test_a_stage_runs_until_nothing_is_due(db: Database):
    _due(db, *range(20, 29))
    report = run_stage(_stage(), db, Config(), open_workers("inline:"), lambda: NOW)
    assert (report.jobs, report.crashes, report.finished) == (9, 0, True)
    assert _values(db)["25"] == "625"


def test_a_crash_is_postponed_counted_and_stops_nobody_else(db: Database, caplog: pytest.LogCaptureFixture):
    _due(db, 12, 13, 14)
    report = run_stage(_stage(), db, Config(), open_workers("inline:"), lambda: NOW)
    assert (report.jobs, report.crashes) == (3, 1)
    assert _values(db) == {"12": "144", "13": "ValueError: unlucky", "14": "196"}
    assert "crash stage=square" in caplog.text
    assert "Traceback" in caplog.text


def test_a_spent_budget_leaves_the_rest_due(db: Database):
    _due(db, *range(10))
    report = run_stage(_stage(), db, Config(), open_workers("inline:"), lambda: NOW, budget=timedelta(0))
    assert not report.finished
    assert list(_values(db).values()) == ["due"] * 10


def test_stop_ends_after_the_batch_in_hand(db: Database):
    _due(db, *range(10))
    asked = iter([False, True])
    report = run_stage(_stage(), db, Config(), open_workers("inline:"), lambda: NOW, stop=lambda: next(asked))
    assert 0 < report.jobs < 10
    assert not report.finished


def test_a_stop_while_workers_are_had_leaves_one_job_to_be_done(db: Database):
    _due(db, *range(10))
    stopped: list[bool] = []

    class Slow(InlineExecutor):
        width = 3

        def __init__(self) -> None:
            stopped.append(True)

    report = run_stage(
        _stage(), db, Config(), Workers("slow:", Slow), lambda: NOW, stop=lambda: bool(stopped)
    )
    assert (report.jobs, report.finished) == (1, False)


def _work_the_first_slowly(_: Config, job: int) -> int:
    time.sleep(0.5 if job == 20 else 0)
    return job * job


def test_jobs_are_booked_in_the_order_they_were_given_out(db: Database):
    _due(db, *range(20, 26))
    booked: list[int] = []

    def record(db: Database, config: Config, job: int, outcome: int, now: datetime) -> None:
        booked.append(job)
        _record(db, config, job, outcome, now)

    stage = replace(_stage(_work_the_first_slowly), record=record)
    workers = open_workers("processes:2")
    run_stage(stage, db, Config(), workers, lambda: NOW)
    workers.close()
    assert booked == [20, 21, 22, 23, 24, 25]


def test_pending_is_asked_once_for_all_and_once_more_for_none(db: Database):
    _due(db, *range(20, 40))
    asked: list[datetime] = []

    def pending(db: Database, config: Config, now: datetime) -> Iterator[int]:
        asked.append(now)
        return _pending(db, config, now)

    run_stage(replace(_stage(), pending=pending), db, Config(), open_workers("inline:"), lambda: NOW)
    assert len(asked) == 2


def test_a_job_that_kills_its_worker_twice_is_postponed_and_the_others_are_done(db: Database):
    _due(db, 13, 14, 15)
    workers = open_workers("processes:1")
    report = run_stage(_stage(_work_or_die), db, Config(), workers, lambda: NOW)
    workers.close()
    assert (report.crashes, report.finished) == (2, True)
    assert _values(db) == {"13": "the worker process died", "14": "196", "15": "225"}


def test_a_worker_killed_once_costs_its_jobs_nothing(db: Database, tmp_path: Path):
    _due(db, 20, 21)
    workers = open_workers("processes:1")
    (tmp_path / "once").touch()
    report = run_stage(_stage(partial(_die_once, tmp_path / "once")), db, Config(), workers, lambda: NOW)
    workers.close()
    assert (report.crashes, report.finished) == (1, True)
    assert _values(db) == {"20": "400", "21": "441"}


def test_workers_that_always_die_leave_the_jobs_due(db: Database):
    _due(db, *range(20, 25))
    workers = open_workers("processes:1")
    report = run_stage(_stage(_die), db, Config(), workers, lambda: NOW)
    workers.close()
    assert not report.finished
    assert list(_values(db).values()).count("due") >= 3


def test_a_worker_that_ends_because_everything_ends_is_no_crash(
    db: Database, caplog: pytest.LogCaptureFixture
):
    _due(db, 13)
    workers = open_workers("processes:1")
    asked = iter([False, True])
    report = run_stage(
        _stage(_work_or_die), db, Config(), workers, lambda: NOW, stop=lambda: next(asked, True)
    )
    assert (report.crashes, report.finished) == (0, False)
    assert "worker_died" not in caplog.text
    assert _values(db) == {"13": "due"}


def _hang_once(mark: Path, _: Config, job: int) -> int:
    if mark.exists():
        mark.unlink()
        time.sleep(600)
    return job * job


def test_a_job_that_hangs_ends_its_worker_and_is_done_by_the_next(
    db: Database, tmp_path: Path, caplog: pytest.LogCaptureFixture
):
    _due(db, 20, 21)
    workers = open_workers("processes:1")
    workers.submit(os.getpid).result()  # its start is no part of a job's time
    (tmp_path / "once").touch()
    stage = replace(_stage(partial(_hang_once, tmp_path / "once")), patience=timedelta(seconds=3))
    report = run_stage(stage, db, Config(), workers, lambda: NOW)
    workers.close()
    assert report.crashes >= 1
    assert "error=a job was not done after 0:00:03" in caplog.text
    assert _values(db) == {"20": "400", "21": "441"}


class Lost:
    """Workers that are lost whenever they get a job."""

    width = 1

    def submit(self, *_: object) -> Future[int]:
        future: Future[int] = Future()
        future.set_exception(WorkersLost("the network is cut"))
        return future

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None: ...

    def kill_workers(self) -> None: ...


def test_workers_that_are_lost_are_no_jobs_fault(db: Database, caplog: pytest.LogCaptureFixture):
    _due(db, 20)
    report = run_stage(_stage(), db, Config(), Workers("lost:", Lost), lambda: NOW)
    assert (report.jobs, report.finished) == (0, False)
    assert _values(db) == {"20": "due"}
    assert caplog.text.count("workers_lost stage=square error=the network is cut") == 3


def test_what_record_wrote_is_gone_with_its_transaction(db: Database):
    _due(db, 1)

    def failing(db: Database, *_: object) -> None:
        db.table("meta").update("1", {"value": "half"})
        raise RuntimeError("in the middle")

    stage = Stage(
        name="half", pending=_pending, work=_work, record=failing, postpone=_postpone,
        backlog=lambda *_: 1, size=lambda _: 1,
    )  # fmt: skip
    with pytest.raises(RuntimeError):
        run_stage(stage, db, Config(), open_workers("inline:"), lambda: NOW)
    assert _values(db) == {"1": "due"}
