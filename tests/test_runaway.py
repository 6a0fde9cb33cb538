"""What uses up its CPU time is ended, in the main thread and in others, and nothing is interrupted later."""

import contextlib
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

import pytest

from aggregator import runaway
from aggregator.runaway import Overrun, in_time

LIMIT = 0.1


def in_main(call: Callable[[], Any]) -> Any:
    return call()


def in_thread(call: Callable[[], Any]) -> Any:
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(call).result()


anywhere = pytest.mark.parametrize("where", [in_main, in_thread])


def spin(seconds: float = 60.0) -> float:
    """Use CPU in Python code, as a parser does."""
    until = time.thread_time() + seconds
    while time.thread_time() < until:
        sum(range(100))
    return seconds


def spin_deaf(times: list[float], most: int) -> str:
    """Go on after an interruption, as a parser with a bare except does."""
    while len(times) < most:
        try:
            spin()
        except BaseException:  # noqa: BLE001 - that is the case
            times.append(time.thread_time())
    return "went on"


@anywhere
def test_a_result_comes_back_and_arguments_go_in(where: Callable[..., Any]):
    assert where(lambda: in_time(5, sorted, [1, 3, 2], reverse=True)) == [3, 2, 1]


@anywhere
def test_an_error_of_the_call_comes_out_as_it_is(where: Callable[..., Any]):
    with pytest.raises(ZeroDivisionError):
        where(lambda: in_time(5, divmod, 1, 0))


@anywhere
def test_a_call_that_runs_away_is_ended(where: Callable[..., Any]):
    started = time.process_time()
    with pytest.raises(Overrun):
        where(lambda: in_time(LIMIT, spin))
    assert LIMIT * 0.9 <= time.process_time() - started < 2


@anywhere
def test_no_handler_of_errors_sees_the_interruption(where: Callable[..., Any]):
    def spin_on() -> None:
        try:
            spin()
        except Exception:  # noqa: BLE001 - as parsers have them
            pytest.fail("a handler saw it")

    with pytest.raises(Overrun):
        where(lambda: in_time(LIMIT, spin_on))


@anywhere
def test_what_swallows_the_interruption_is_interrupted_again(
    where: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(runaway, "_AGAIN", 0.2)
    times: list[float] = []
    with pytest.raises(Overrun):
        where(lambda: in_time(LIMIT, lambda: (spin_deaf(times, 2), spin())))
    assert times[1] - times[0] >= 0.15


@anywhere
def test_waiting_costs_no_time(where: Callable[..., Any]):
    assert where(lambda: in_time(LIMIT, lambda: time.sleep(2 * LIMIT) or "slept")) == "slept"


def test_two_threads_are_ended_each_by_its_own_time():
    started = time.process_time()
    with ThreadPoolExecutor(3) as pool:
        runaways = [pool.submit(in_time, LIMIT, spin) for _ in range(2)]
        well = pool.submit(in_time, 10, spin, 3 * LIMIT)
        assert [type(each.exception()) for each in runaways] == [Overrun] * 2
        assert well.result() == 3 * LIMIT
    assert time.process_time() - started < 3


@anywhere
def test_nothing_is_interrupted_once_the_call_is_over(where: Callable[..., Any]):
    """Calls that end just when their time does: whatever happens happens inside."""

    def race() -> int:
        overruns = 0
        for number in range(20):
            try:
                in_time(0.02, spin, 0.018 + number * 0.0002)
            except Overrun:
                overruns += 1
            spin(0.004)
        return overruns

    assert 0 <= where(race) <= 20


def test_an_interruption_as_the_call_is_over_is_raised_and_no_other(monkeypatch: pytest.MonkeyPatch):
    """It may come in the midst of the watch's end, which is done all the same."""
    ends: list[int] = []
    real = runaway._Watch.end

    def late(watch: runaway._Watch) -> None:
        ends.append(1)
        if len(ends) == 1:
            runaway._raise_in(threading.get_ident(), Overrun)
        real(watch)

    monkeypatch.setattr(runaway._Watch, "end", late)

    def body() -> str:
        with pytest.raises(Overrun):
            in_time(60, sum, [1])
        return "unharmed"

    assert in_thread(body) == "unharmed"
    assert len(ends) == 2
    assert has_no_watch()


def test_a_watch_that_was_ended_interrupts_nobody():
    def body() -> str:
        watch = runaway._Watch(60)
        watch.end()
        watch._until = 0.0
        watch._look()
        spin(0.01)
        return "unharmed"

    assert in_thread(body) == "unharmed"


def test_a_watch_outlives_its_thread_in_peace(monkeypatch: pytest.MonkeyPatch):
    """Threads that end just when their time does: a watch may look at the clock of one that is gone."""
    failed: list[threading.ExceptHookArgs] = []
    monkeypatch.setattr(threading, "excepthook", failed.append)

    def body() -> None:
        with contextlib.suppress(Overrun):
            in_time(0.01, spin, 0.0102)

    for _ in range(40):
        thread = threading.Thread(target=body)
        thread.start()
        thread.join()
    assert has_no_watch()
    assert not failed


def has_no_watch() -> bool:
    """Wait for watches to end."""
    until = time.monotonic() + 10
    while time.monotonic() < until:
        if "cpu-watch" not in [thread.name for thread in threading.enumerate()]:
            return True
        time.sleep(0.01)
    return False


def test_the_watch_ends_with_the_call():
    in_thread(lambda: in_time(60, sum, [1]))
    assert has_no_watch()


def test_a_thread_that_was_interrupted_is_as_good_as_new():
    with ThreadPoolExecutor(1) as pool:
        first: Future[Any] = pool.submit(in_time, LIMIT, spin)
        assert isinstance(first.exception(), Overrun)
        assert pool.submit(in_time, 5, spin, 0.1).result() == 0.1
