"""A call on a worker, without a cluster around it."""

import threading
from concurrent.futures import Future
from pathlib import Path
from typing import Any

import pytest

from aggregator import remote
from aggregator.config import Config
from aggregator.errors import VersionMismatch


def _given(answer: bytes) -> Future[Any]:
    future: Future[Any] = Future()
    remote.settle(future, answer)
    return future


def test_a_call_gives_its_value_or_what_it_raised():
    assert _given(remote.run(remote.VERSION, "a", remote.packed(divmod, (7, 3)))).result() == (2, 1)
    with pytest.raises(ZeroDivisionError):
        _given(remote.run(remote.VERSION, "a", remote.packed(divmod, (1, 0)))).result()


def test_another_version_is_refused_before_anything_is_read():
    with pytest.raises(VersionMismatch, match=r"has aggregator .*; jobs are given by aggregator 9\.9"):
        remote.run("aggregator 9.9", "a", b"no pickle")


def test_an_answer_that_cannot_be_read_is_an_error_and_no_wait_for_ever():
    with pytest.raises(EOFError):
        _given(b"").result(timeout=1)


def _store(config: Config) -> Path:
    return config.store


def test_two_runs_whose_stores_have_one_path_share_nothing_that_a_process_keeps():
    call = remote.packed(_store, (Config(store=Path("store.sqlite")),))
    stores = [_given(remote.run(remote.VERSION, owner, call)).result() for owner in ("a:/x", "b:/x")]
    assert len({*stores}) == 2


def _look(owner: str, seen: list[bool]) -> None:
    seen.append(remote.is_at_work_for(owner))


def test_a_process_knows_whose_call_it_has_in_hand_and_no_longer_than_that():
    assert _given(
        remote.run(remote.VERSION, "ours", remote.packed(remote.is_at_work_for, ("ours",)))
    ).result()
    call = remote.packed(remote.is_at_work_for, ("theirs",))
    assert not _given(remote.run(remote.VERSION, "ours", call)).result()
    assert not remote.is_at_work_for("ours")
    remote.drop("ours")  # or this would be the end


ENTERED = threading.Event()
LEAVE = threading.Event()


def _stay() -> None:
    ENTERED.set()
    LEAVE.wait(10)


def test_a_second_call_waits_for_the_first():
    first = threading.Thread(target=remote.run, args=(remote.VERSION, "a", remote.packed(_stay, ())))
    first.start()
    ENTERED.wait(10)
    second = threading.Thread(target=remote.run, args=(remote.VERSION, "b", remote.packed(divmod, (7, 3))))
    second.start()
    second.join(0.2)
    assert second.is_alive()
    LEAVE.set()
    for each in (first, second):
        each.join(10)
        assert not each.is_alive()
