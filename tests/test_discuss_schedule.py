"""When discussions are counted, which first, and what a quota holds."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aggregator.discuss import schedule
from aggregator.discuss.schedule import STEPS, DueTurn
from aggregator.model import CountPoint, Quota, Used

OUT = datetime(2026, 11, 24, 6, tzinfo=UTC)
MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)


def point(at: timedelta, count: int, source: str = "hackernews") -> CountPoint:
    return CountPoint(source=source, at=OUT + at, count=count)


def turn(story_id: int) -> DueTurn:
    return DueTurn(story_id=story_id, came_out_at=OUT, rise=0, failures=0)


def test_a_story_is_first_counted_a_quarter_of_an_hour_after_it_came_out():
    assert schedule.first_count_at(OUT, OUT + MINUTE) == OUT + 15 * MINUTE
    assert schedule.first_count_at(OUT, OUT + HOUR) == OUT + HOUR


def test_a_quiet_story_is_counted_at_nine_ages_and_then_left_alone():
    ages, now = [], schedule.first_count_at(OUT, OUT)
    while now is not None:
        ages.append(now - OUT)
        now = schedule.next_count_at(OUT, now, rise=0)
    assert ages == [15 * MINUTE, HOUR, 3 * HOUR, 6 * HOUR, 12 * HOUR, DAY, 2 * DAY, 3 * DAY, 7 * DAY]


def test_a_story_older_than_a_week_is_counted_once():
    now = OUT + 30 * DAY
    assert schedule.first_count_at(OUT, now) == now
    assert schedule.next_count_at(OUT, now, rise=100) is None


@pytest.mark.parametrize(
    ("age", "rise", "wait"),
    [
        (12 * HOUR, 9.9, 12 * HOUR),
        (12 * HOUR, 10, 6 * HOUR),
        (12 * HOUR, 40, 3 * HOUR),
        (23 * HOUR, 40, HOUR),  # the step itself comes first
        (15 * MINUTE, 40, 15 * MINUTE),  # a quarter of 45 minutes would be too soon
        (6 * DAY + 23 * HOUR + 55 * MINUTE, 0, 15 * MINUTE),  # and so would the step
    ],
)
def test_what_rises_is_counted_sooner(age: timedelta, rise: float, wait: timedelta):
    assert schedule.next_count_at(OUT, OUT + age, rise) == OUT + age + wait


@given(
    late=st.timedeltas(min_value=timedelta(), max_value=30 * DAY),
    rises=st.lists(st.floats(min_value=0, max_value=1e6), max_size=700),
)
def test_a_story_is_never_counted_again_within_a_quarter_of_an_hour_and_not_for_ever(
    late: timedelta, rises: list[float]
):
    now = schedule.first_count_at(OUT, OUT + late)
    assert now >= OUT + STEPS[0]
    for rise in rises:
        following = schedule.next_count_at(OUT, now, rise)
        if following is None:
            assert now >= OUT + 7 * DAY
            return
        assert following >= now + 15 * MINUTE
        assert following <= max(OUT + 7 * DAY, now + 15 * MINUTE)
        now = following
    assert len(rises) < 7 * 24 * 4 + 1


@given(late=st.timedeltas(min_value=timedelta(), max_value=30 * DAY))
def test_a_story_that_never_can_be_counted_is_given_up(late: timedelta):
    now = OUT + late
    for failures in range(1, 15):
        again = schedule.retry_at(OUT, now, failures)
        if again is None:
            assert failures >= 4
            return
        assert again > now
        now = again
    pytest.fail("it is tried for ever")


def test_failures_wait_longer_each_time_and_a_day_at_most():
    waits = [schedule.backoff(failures) for failures in (1, 2, 3, 4, 9)]
    assert waits == [15 * MINUTE, HOUR, 4 * HOUR, DAY, DAY]


def test_the_first_number_seen_is_no_rise():
    assert schedule.rise([], OUT) == 0
    assert schedule.rise([point(HOUR, 400)], OUT + 2 * HOUR) == 0


def test_a_rise_is_comments_an_hour_since_the_first_number():
    points = [point(HOUR, 10), point(3 * HOUR, 70)]
    assert schedule.rise(points, OUT + 3 * HOUR) == 30
    assert schedule.rise(points, OUT + 4 * HOUR) == 20


def test_a_rise_looks_six_hours_back_and_knows_what_held_then():
    points = [point(HOUR, 10), point(DAY - 7 * HOUR, 100), point(DAY, 160)]
    assert schedule.rise(points, OUT + DAY) == 10
    assert schedule.rise(points, OUT + DAY + 7 * HOUR) == 0


def test_numbers_seen_within_minutes_are_no_great_speed():
    assert schedule.rise([point(HOUR, 0), point(HOUR + MINUTE, 1)], OUT + HOUR + MINUTE) == 4


def test_what_became_less_is_no_rise_and_takes_nothing_from_other_sources():
    fallen = [point(HOUR, 100), point(2 * HOUR, 10)]
    risen = [point(HOUR, 0, "hatena"), point(2 * HOUR, 5, "hatena")]
    assert schedule.rise(fallen, OUT + 2 * HOUR) == 0
    assert schedule.rise(fallen + risen, OUT + 2 * HOUR) == 5


def test_sources_add_up_but_the_feed_tells_of_the_same_comments():
    both = [
        point(at, count, source)
        for source in ("hackernews", "reddit")
        for at, count in ((HOUR, 0), (2 * HOUR, 8))
    ]
    feed = [point(HOUR, 0, "feed"), point(2 * HOUR, 8, "feed")]
    assert schedule.rise(both, OUT + 2 * HOUR) == 16
    assert schedule.rise(both + feed, OUT + 2 * HOUR) == 16
    assert schedule.rise(feed, OUT + 2 * HOUR) == 8


def test_numbers_of_later_are_not_known_yet():
    assert schedule.rise([point(HOUR, 0), point(3 * HOUR, 60)], OUT + 2 * HOUR) == 0


def test_the_young_the_rising_and_those_in_front_go_first():
    def urgency(age: timedelta, rise: float = 0, *, in_front: bool = False) -> float:
        turn = DueTurn(story_id=1, came_out_at=OUT - age, rise=rise, failures=0, in_front=in_front)
        return schedule.urgency(turn, OUT)

    assert urgency(HOUR) > urgency(DAY) > 0
    assert urgency(DAY, 30) > urgency(HOUR)
    assert urgency(4 * HOUR, in_front=True) > urgency(2 * HOUR)
    assert urgency(-HOUR) == urgency(timedelta())


@pytest.mark.parametrize(
    ("used", "left"), [((0, 0), 40), ((39, 39), 1), ((0, 690), 10), ((45, 45), 0), ((0, 701), 0)]
)
def test_a_quota_holds_for_the_hour_and_for_the_day(used: tuple[int, int], left: int):
    assert schedule.allowed(Quota(hourly=40, daily=700), Used(hour=used[0], day=used[1])) == left


def test_what_the_requests_do_not_hold_is_dropped_from_the_end():
    due = [turn(number) for number in range(5)]
    assert schedule.taken(due, requests=2, stories=2) == (due[:4], due[4:])
    assert schedule.taken(due, requests=0, stories=50) == ([], due)
    assert schedule.taken(due, requests=-1, stories=50) == ([], due)
