"""One number a source out of what providers and feeds count, and where readers are sent."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aggregator.model import CommentCount
from aggregator.publish.counts import Shown, discussion_url, reactions, shown, tally, threads, total

NOON = datetime(2026, 11, 24, 12, tzinfo=UTC)
HN, LOBSTERS = "https://news.ycombinator.com/item?id=40000001", "https://lobste.rs/s/abc123/title"


def count(source: str, number: int, url: str | None = None, hours: float = 0) -> CommentCount:
    return CommentCount(source=source, count=number, url=url, counted_at=NOON + timedelta(hours=hours))


def numbers(*counts: CommentCount) -> dict[str, int]:
    return {each.source: each.count for each in tally(counts)}


def test_sources_come_in_the_order_of_pages_whatever_the_order_of_rows():
    rows = [count(source, 1) for source in ("feed", "github", "reddit", "lobsters", "hackernews", "hatena")]
    order = ["hatena", "hackernews", "lobsters", "reddit", "github", "site"]
    assert [each.source for each in tally(rows)] == order
    assert tally(rows) == tally(rows[::-1])


@pytest.mark.parametrize(
    ("url", "source"),
    [(HN, "hackernews"), (LOBSTERS, "lobsters"), ("https://old.reddit.com/r/a/comments/b/", "reddit"),
     ("https://github.com/o/r/issues/7", "github"), ("https://notreddit.com/1", "site"),
     ("https://kw.example/1#comments", "site"), (None, "site"), ("javascript:1", "site")],
)  # fmt: skip
def test_a_number_that_a_feed_says_belongs_to_whom_its_link_names(url: str | None, source: str):
    assert numbers(count("feed", 64, url)) == {source: 64}


def test_the_same_thread_is_not_counted_twice_where_a_provider_counts_it_too():
    assert numbers(count("feed", 64, HN, 5), count("hackernews", 70, HN)) == {"hackernews": 70}


def test_two_feeds_that_name_one_thread_count_once_and_the_newer_number_holds():
    rows = [count("feed", 64, HN), count("feed", 60, HN.replace("https", "http"), 1)]
    assert numbers(*rows) == numbers(*rows[::-1]) == {"hackernews": 60}


def test_two_threads_that_feeds_name_are_added_and_the_longer_one_is_linked():
    [both] = tally([count("feed", 3, HN + "9"), count("feed", 64, HN)])
    assert (both.count, both.url) == (67, HN)


def test_a_site_and_its_wordpress_are_one_number_the_newer():
    feed, wordpress = "https://www.kw.example/1#comments", "https://kw.example/?p=7"
    assert numbers(count("feed", 9, feed), count("wordpress", 12, wordpress, 1)) == {"site": 12}
    assert numbers(count("feed", 14, feed, 2), count("wordpress", 12, wordpress, 1)) == {"site": 14}


def test_a_page_without_comments_yet_and_with_them_is_one_place():
    rows = [
        count("feed", 0, "https://kw.example/1#respond"),
        count("feed", 5, "https://kw.example/1#comments", 1),
    ]
    assert numbers(*rows) == {"site": 5}


def test_comments_at_two_sites_are_added():
    rows = [count("feed", 9, "https://kw.example/1"), count("feed", 5, "https://planet.example/1")]
    assert numbers(*rows) == {"site": 14}


def test_a_number_without_a_link_is_taken_where_there_is_no_other():
    assert numbers(count("feed", 9), count("feed", 8, None, 1)) == {"site": 8}
    assert numbers(count("feed", 9), count("feed", 5, "https://kw.example/1", -1)) == {"site": 5}


FEED = "https://kw.example/1"


@pytest.mark.parametrize(
    ("others", "expected"),
    [
        ((), 7),
        ((count("feed", 3, "https://kw.example/1#comments", -9),), 3),
        ((count("wordpress", 0, "https://kw.example/1#comments", -9),), 0),
        ((count("feed", 3, HN), count("hackernews", 4, HN)), 7),
    ],
    ids=["alone", "the feed's own number", "wordpress", "a thread elsewhere"],
)
def test_a_feed_of_comments_is_the_sites_number_only_where_the_site_says_none(
    others: tuple[CommentCount, ...], expected: int
):
    for rows in ((count("comment-feeds", 7, FEED), *others), (*others, count("comment-feeds", 7, FEED))):
        assert numbers(*rows)["site"] == expected


@pytest.mark.parametrize(("held", "at_least"), [(9, False), (10, True), (12, True)])
def test_a_feed_of_comments_that_may_be_cut_is_a_least(held: int, at_least: bool):
    [site] = shown(tally([count("comment-feeds", held, FEED)]))
    assert site == Shown(label="元記事", count=held, url=FEED, at_least=at_least)
    [said] = shown(tally([count("comment-feeds", held, FEED), count("feed", held, FEED)]))
    assert not said.at_least


def test_discussions_and_issues_are_both_githubs():
    rows = [count("github", 7, "https://github.com/o/r/issues/1"), count("github-discussions", 5, "https://github.com/o/r/discussions/2"),
            count("feed", 6, "https://github.com/o/r/discussions/2")]  # fmt: skip
    assert tally(rows) == (CommentCount(source="github", count=12, url="https://github.com/o/r/issues/1"),)


def test_reactions_are_no_comments_and_told_apart_where_there_are_any():
    page = "https://github.com/o/r/releases/tag/v2.0"
    rows = [count("github-releases", 31, page), count("hackernews", 2, HN)]
    assert numbers(*rows) == {"hackernews": 2}
    assert total(tally(rows)) == 2
    assert reactions(rows) == CommentCount(source="github-releases", count=31, url=page)
    assert page not in threads(None, tally(rows))
    assert reactions([count("github-releases", 0, page)]) is None
    assert reactions([count("github", 3)]) is None


def test_a_page_nobody_bookmarked_has_no_discussion_and_an_empty_thread_is_one():
    assert numbers(count("hatena", 0, "https://b.hatena.ne.jp/entry/s/kw.example/1")) == {}
    assert numbers(count("hackernews", 0, HN)) == {"hackernews": 0}


def test_when_something_was_counted_is_nothing_to_publish():
    assert tally([count("hackernews", 3, HN)]) == tally([count("hackernews", 3, HN, 9)])


def test_no_link_leads_elsewhere_than_to_the_web():
    assert [each.url for each in tally([count("hackernews", 3, "javascript:alert(1)")])] == [None]


def test_absence_is_not_zero():
    assert total(()) is None
    assert total(tally([count("hackernews", 0, HN)])) == 0
    assert total(tally([count("hackernews", 2, HN), count("lobsters", 40, LOBSTERS)])) == 42


def test_a_page_names_the_sources_that_have_comments():
    counts = tally([count("hackernews", 230, HN), count("lobsters", 0, LOBSTERS), count("feed", 4)])
    assert shown(counts) == (
        Shown(label="HN", count=230, url=HN), Shown(label="元記事", count=4, url=None),
    )  # fmt: skip


def test_readers_are_sent_where_most_people_talk():
    counts = tally([count("hackernews", 2, HN), count("lobsters", 40, LOBSTERS), count("feed", 99)])
    assert discussion_url("https://talk.example/1", counts) == LOBSTERS


def test_before_the_first_comment_readers_are_sent_where_the_feed_says():
    empty = tally([count("hackernews", 0, HN)])
    assert discussion_url("https://talk.example/1", empty) == "https://talk.example/1"
    assert discussion_url(None, empty) == HN
    assert discussion_url("https://talk.example/1", ()) == "https://talk.example/1"
    assert discussion_url(None, tally([count("feed", 3)])) is None


def test_each_thread_has_its_own_number_and_the_feeds_link_stands_once():
    own = "https://kw.example/1#comments"
    counts = tally([count("hackernews", 2, HN), count("lobsters", 0, LOBSTERS), count("feed", 9, own)])
    assert threads("https://kw.example/1#respond", counts) == {own: 9, HN: 2, LOBSTERS: 0}
    assert list(threads("https://talk.example/1", counts).items()) == [
        (own, 9), (HN, 2), ("https://talk.example/1", None), (LOBSTERS, 0),
    ]  # fmt: skip


ROWS = st.lists(
    st.builds(
        count,
        st.sampled_from(["feed", "wordpress", "hackernews", "hatena", "lobsters", "reddit", "github"]),
        st.integers(0, 10_000),
        st.sampled_from([None, "", HN, LOBSTERS, "https://kw.example/1", "https://kw.example/2", "http://["]),
        st.integers(0, 3),
    ),
    max_size=8,
)


@given(ROWS, st.randoms())
def test_a_tally_has_each_source_once_and_does_not_depend_on_the_order_of_rows(rows, order):
    once = tally(rows)
    assert len({each.source for each in once}) == len(once)
    order.shuffle(rows)
    assert tally(rows) == once
    assert (total(once) or 0) <= sum(row.count for row in rows)
