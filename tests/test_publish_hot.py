"""What is hot: a discussion that rises, of an entry that is young."""

from dataclasses import replace
from datetime import timedelta

from hypothesis import given
from hypothesis import strategies as st

from aggregator.model import CommentCount, CountPoint, EditionEntry, Related
from aggregator.publish import hot
from aggregator.publish.edition import present
from tests.test_publish_edition import FACTS, ROW, T


def entry(public_id: str, hours: float = 0, comments: int = 0) -> EditionEntry:
    """Return an entry that came out so many hours before T."""
    at = T - timedelta(hours=hours)
    counts = (CommentCount(source="hackernews", count=comments),)
    return replace(present(FACTS), public_id=public_id, first_published_at=T, published_at=at, counts=counts)


def ids(entries: tuple[EditionEntry, ...]) -> list[str]:
    return [each.public_id for each in entries]


def test_of_two_of_one_age_the_one_that_rises_faster_comes_first():
    entries = [entry("slow", 3), entry("fast", 3)]
    assert ids(hot.ranked(entries, {"slow": 4.0, "fast": 9.0}, T)) == ["fast", "slow"]


def test_what_is_older_has_to_rise_more():
    entries = [entry("old", 34), entry("young", 2)]  # (34 + 2) ** 1.5 = 216, (2 + 2) ** 1.5 = 8
    assert ids(hot.ranked(entries, {"old": 26.0, "young": 1.0}, T)) == ["young", "old"]
    assert ids(hot.ranked(entries, {"old": 28.0, "young": 1.0}, T)) == ["old", "young"]


def test_of_two_entries_that_tell_one_story_the_hotter_one_stands_for_both():
    """Their discussion is one."""
    both = [(entry("late", 1, 9), "late"), (entry("early", 5, 9), "early")]
    told = [
        replace(each, slug=name, related=(Related(slug=other, title=other, state="translated"),))
        for (each, name), (_, other) in zip(both, reversed(both), strict=True)
    ]
    assert ids(hot.ranked(told, {"late": 4.0, "early": 4.0}, T)) == ["late"]
    assert ids(hot.discussed(told)) == ["late"]


def test_a_discussion_that_does_not_rise_is_not_hot_however_long_it_is():
    assert hot.ranked([entry("long", 3, 900), entry("unknown", 3)], {"long": 0.0}, T) == ()


def test_what_a_new_feed_brings_along_is_as_old_as_it_says():
    fresh = replace(entry("fresh"), published_at=None)
    assert ids(hot.ranked([entry("old", 90), fresh], {"old": 9.0, "fresh": 1.0}, T)) == ["fresh", "old"]


def test_equally_hot_entries_keep_the_order_of_the_edition():
    entries = [entry("b"), entry("a"), entry("c")]
    assert ids(hot.ranked(entries, dict.fromkeys("abc", 1.0), T)) == ["b", "a", "c"]


def test_the_ranking_is_cut_and_says_how_fast_each_rises():
    [first] = hot.ranked([entry("a"), entry("b")], {"a": 2.0, "b": 3.4}, T, most=1)
    assert (first.public_id, first.rise) == ("b", 3)


def test_a_ranking_holds_for_the_moment_of_the_last_count():
    late = CommentCount(source="feed", count=1, counted_at=T + timedelta(hours=1))
    early = CommentCount(source="hackernews", count=2, counted_at=T)
    stories = [replace(FACTS, counts=(late,)), replace(FACTS, counts=(early,)), FACTS]
    assert hot.counted_at(stories) == T + timedelta(hours=1)
    assert hot.counted_at([FACTS]) is None


def test_a_story_nobody_counted_for_six_hours_is_not_looked_up():
    lately, long_ago = (
        replace(FACTS, counts=(CommentCount(source="feed", count=1, counted_at=T - timedelta(hours=hours)),))
        for hours in (6, 7)
    )
    assert hot.counted_since([lately, long_ago, FACTS], T - hot.WINDOW) == [lately]


def test_a_rise_is_what_came_within_six_hours():
    first = CountPoint(source="hackernews", at=T - timedelta(hours=6), count=10)
    last = CountPoint(source="hackernews", at=T, count=40)
    other = replace(FACTS, publication=replace(ROW, public_id="quiet", story_id=2))
    assert hot.rises([FACTS, other], {1: [first, last]}, T) == {"urn:uuid:1": 5.0, "quiet": 0.0}


def test_what_has_most_comments_is_most_discussed_and_what_has_none_is_not():
    entries = [entry("two", 0, 2), entry("none"), entry("many", 9, 40), replace(entry("unknown"), counts=())]
    assert ids(hot.discussed(entries)) == ["many", "two"]


@given(st.lists(st.tuples(st.floats(0, 1e6), st.floats(-10, 1e4)), max_size=40))
def test_any_rise_and_any_age_give_a_ranking(found):
    entries = [entry(str(n), hours) for n, (_, hours) in enumerate(found)]
    rises = {str(n): rise for n, (rise, _) in enumerate(found)}
    shown = hot.ranked(entries, rises, T)
    assert len(shown) == min(hot.MOST, sum(rise > 0 for rise in rises.values()))
