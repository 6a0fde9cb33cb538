"""Turns of groups: who waits longest, once however late, whatever the clock does."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from aggregator import schedule
from aggregator.rota import Rota
from aggregator.schedule import Every

NOW = datetime(2026, 11, 24, 6, tzinfo=UTC)
SECOND, HOUR, DAY = timedelta(seconds=1), timedelta(hours=1), timedelta(days=1)


@pytest.fixture
def rota() -> Rota:
    started = Rota({"poll": Every(30 * SECOND), "translate": Every(60 * SECOND)})
    started.start(NOW)
    return started


def _turns(rota: Rota) -> list[str]:
    names = []
    while name := rota.turn():
        names.append(name)
    return names


def test_everything_has_a_turn_at_the_start(rota: Rota):
    assert _turns(rota) == ["poll", "translate"]
    assert rota.idle(NOW) == 30 * SECOND


def test_what_has_its_hour_waits_for_it():
    rota = Rota({"care": schedule.read("cron 0 3 * * * UTC", ZoneInfo("UTC"))})
    rota.start(NOW)
    assert _turns(rota) == []
    rota.look(NOW + 21 * HOUR)
    assert _turns(rota) == ["care"]
    rota.look(NOW + 21 * HOUR + SECOND)
    assert _turns(rota) == []


def test_a_group_whose_time_came_often_has_one_turn(rota: Rota):
    _turns(rota)
    rota.look(NOW + 3 * DAY)
    rota.look(NOW + 3 * DAY + SECOND)
    assert _turns(rota) == ["poll", "translate"]


def test_a_group_with_work_left_stands_behind_those_that_wait(rota: Rota):
    assert rota.turn() == "poll"
    rota.call(["poll"])
    assert _turns(rota) == ["translate", "poll"]


def test_a_group_that_always_has_work_left_keeps_nobody_waiting(rota: Rota):
    turns, now = [], NOW
    for _ in range(40):  # a turn takes ten seconds
        rota.look(now)
        if name := rota.turn():
            turns.append(name)
            rota.call([name] if name == "translate" else [])
        now += 10 * SECOND
    assert turns.count("poll") >= 12  # of the 13 half minutes that went by
    assert turns.count("translate") >= 25


def test_a_clock_set_back_stops_nobody(rota: Rota):
    _turns(rota)
    assert rota.look(NOW + SECOND) is None
    assert rota.look(NOW - DAY) == DAY + SECOND
    assert rota.idle(NOW - DAY) == 30 * SECOND
    rota.look(NOW - DAY + 30 * SECOND)
    assert _turns(rota) == ["poll"]


def test_a_clock_that_is_set_back_a_little_again_and_again_stops_nobody(rota: Rota):
    _turns(rota)
    now = NOW
    for _ in range(70):
        now += SECOND
        rota.look(now)
        now -= SECOND / 2
        rota.look(now)
    assert _turns(rota) == ["poll"]
