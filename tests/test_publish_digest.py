"""When digests are due, and which entries stand in one."""

import zoneinfo
from dataclasses import replace
from datetime import UTC, datetime, time, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aggregator.model import CommentCount, Related, SourceRef, Viewpoint
from aggregator.publish.digest import Candidate, candidate, chosen, due
from tests.test_publish_edition import FACTS, SOURCE, T

TOKYO = zoneinfo.ZoneInfo("Asia/Tokyo")
EVENING, MORNING = time(18), time(6, 30)


def at(text: str) -> datetime:
    """Return a moment in Tokyo."""
    return datetime.fromisoformat(text).replace(tzinfo=TOKYO).astimezone(UTC)


def dues(now: str, day: str = "sat", evening: time | None = EVENING, morning: time | None = MORNING):
    return {each.kind: each for each in due(at(now), TOKYO, evening, day, morning)}


def test_the_days_digest_holds_what_came_from_hour_to_hour_in_japan():
    found = dues("2026-11-24 18:00")["daily"]
    assert (found.name, found.title) == ("2026-11-24", "今日のまとめ 11月24日（火）")
    assert (found.since, found.until) == (at("2026-11-23 18:00"), at("2026-11-24 18:00"))


def test_before_its_hour_yesterdays_is_the_last_one():
    assert dues("2026-11-24 17:59:59")["daily"].name == "2026-11-23"
    assert dues("2026-11-25 00:00")["daily"].name == "2026-11-24"


def test_the_hour_is_japans_whatever_the_machines_zone():
    moment = datetime(2026, 11, 23, 21, 30, tzinfo=UTC).astimezone(zoneinfo.ZoneInfo("America/New_York"))
    [morning] = due(moment, TOKYO, None, "sat", MORNING)
    assert (morning.name, morning.title) == ("2026-11-24", "朝刊 11月24日（火）")


def test_the_weeks_digest_has_the_number_of_its_week_and_names_its_days():
    found = dues("2026-11-28 18:00")["weekly"]
    assert (found.name, found.title) == ("2026-W48", "今週のまとめ 11月22日〜11月28日")
    assert (found.since, found.until) == (at("2026-11-21 18:00"), at("2026-11-28 18:00"))
    assert dues("2026-11-28 17:59")["weekly"].name == "2026-W47"
    assert dues("2027-01-02 18:00")["weekly"].name == "2026-W53"


def test_each_may_be_switched_off():
    assert set(dues("2026-11-24 18:00", day="off")) == {"daily", "morning"}
    assert set(dues("2026-11-24 18:00", evening=None)) == {"morning"}
    assert set(dues("2026-11-24 18:00", morning=None)) == {"daily", "weekly"}


def one(
    key: str, score: float = 0, feed: str = "", category: str = "", age: float = 0, *marks: str
) -> Candidate:
    return Candidate(
        story_id=int(key), feed=feed or f"feed {key}", category=category, score=score,
        came_out_at=T - timedelta(hours=age), public_id=f"urn:{key}", marks=frozenset({key, *marks}),
    )  # fmt: skip


def test_what_is_talked_about_most_comes_first():
    assert chosen([one("1", 2), one("2", 5), one("3", 3)], 2) == (2, 3)


def test_of_equals_the_newer_comes_first_and_then_the_lower_id():
    assert chosen([one("1", age=5), one("2", age=1), one("3", age=9)], 3) == (2, 1, 3)
    assert chosen([one("3"), one("1"), one("2")], 3) == (1, 2, 3)


def test_where_nobody_counts_categories_take_turns():
    ai = [one(str(n), category="AI", age=n) for n in (1, 2, 3)]
    rest = [one("4", category="Linux", age=8), one("5", category="Web", age=9)]
    assert chosen([*ai, *rest], 4) == (1, 4, 5, 2)


def test_one_feed_has_a_fifth_while_others_have_anything():
    flood = [one(str(n), 9, "flood", age=n) for n in range(1, 31)]
    others = [one(str(n), 1, age=n) for n in range(31, 45)]
    taken = chosen([*flood, *others], 10)
    assert [story for story in taken if story <= 30] == [1, 2]
    assert len(taken) == 10


def test_one_feed_alone_fills_a_digest():
    assert len(chosen([one(str(n), feed="only") for n in range(30)], 10)) == 10


def test_what_tells_the_same_is_told_once_by_the_one_that_matters_more():
    twice = [one("1", 3, "a", "", 0, "thread"), one("2", 7, "b", "", 0, "thread"), one("3", 1)]
    assert chosen(twice, 3) == (2, 3)


FACTS_OF = replace(FACTS, category="AI", counts=(CommentCount(source="hackernews", count=15),))


def source(number: int) -> SourceRef:
    return replace(SOURCE, feed_url=f"https://{number}.example/feed")


def test_a_discussion_counts_by_how_often_it_doubled_and_by_where_it_goes():
    assert candidate(replace(FACTS, counts=()), 0).score == 0
    assert candidate(FACTS_OF, 0).score == pytest.approx(4)
    assert candidate(FACTS_OF, 8).score == pytest.approx(6)  # 15 and 6 hours of 8


def test_a_further_source_is_worth_a_discussion_four_times_as_long_and_many_are_worth_four():
    two = replace(FACTS_OF, sources=(SOURCE, source(2)))
    many = replace(FACTS_OF, sources=(SOURCE, *map(source, range(9))))
    assert candidate(two, 0).score == pytest.approx(6)
    assert candidate(many, 0).score == pytest.approx(12)


def test_machines_comments_are_no_discussion():

    view = Viewpoint(persona="hopeful", text="よい。", engine="e", model="m", written_at=T)
    assert candidate(replace(FACTS, counts=(), viewpoints=(view,)), 0).score == 0


def test_two_stories_are_the_same_by_title_link_or_thread():
    thread = CommentCount(source="hackernews", count=1, url="https://news.ycombinator.com/item?id=1")
    first = replace(FACTS, counts=(thread,), comments_url="https://forum.example/")
    row = replace(FACTS.publication, public_id="urn:uuid:2", story_id=2, slug="2026/11/2")
    other = replace(
        FACTS, publication=row, title="Else", permalink="https://b.example/2",
        translated=replace(FACTS.translated, title="別の見出し"), comments_url="https://forum.example/",
    )  # fmt: skip
    marks = candidate(first, 0).marks
    assert not marks & candidate(other, 0).marks
    for same in (
        replace(other, title=" TITLE"), replace(other, permalink="http://www.kw.example/1/"),
        replace(other, counts=(thread,)),
    ):  # fmt: skip
        assert marks & candidate(same, 0).marks


def test_published_stories_that_name_each_other_are_told_once():
    twin = Related(slug="2026/11/2", title="別の見出し", state="translated")
    first = candidate(replace(FACTS, related=(twin,)), 0)
    row = replace(FACTS.publication, public_id="urn:uuid:2", story_id=2, slug="2026/11/2")
    other = replace(FACTS, publication=row, title="Else", permalink="https://b.example/2",
                    translated=replace(FACTS.translated, title="別の見出し"))  # fmt: skip
    assert first.marks & candidate(other, 0).marks == {"2026/11/2"}


@given(
    st.lists(st.tuples(st.floats(0, 20), st.sampled_from("abc"), st.sampled_from("xyz")), max_size=60),
    st.integers(1, 20),
)
def test_any_candidates_give_a_digest_without_repeats_in_falling_order(found, most):
    candidates = [one(str(n), score, feed, kind) for n, (score, feed, kind) in enumerate(found)]
    taken = chosen(candidates, most)
    assert len({*taken}) == len(taken) == min(most, len(found))
    scores = [found[story][0] for story in taken]
    assert scores == sorted(scores, reverse=True)
    assert taken == chosen(candidates[::-1], most)
