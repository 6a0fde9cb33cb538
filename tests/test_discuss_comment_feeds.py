"""Feeds of comments: how many one holds is the least that there are."""

import contextlib
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aggregator.discuss import comment_feeds
from aggregator.errors import BadAnswer
from aggregator.model import Discussion
from tests.discussing import NOW, failed, fetched, numbers, play, replies, turn

ROBOTS, FEED = "https://talk.example/robots.txt", "https://talk.example/a/feed/"
THREAD = Discussion(provider="comment-feeds", key=FEED, url="https://orbit.example/a")
OTHER = Discussion(
    provider="comment-feeds", key="https://talk.example/b/feed/", url="https://orbit.example/b"
)


def rss(*guids: str) -> bytes:
    items = "".join(f"<item><guid>{guid}</guid><title>By: A</title></item>" for guid in guids)
    return f'<rss version="2.0"><channel><title>Comments</title>{items}</channel></rss>'.encode()


ATOM = b"""<feed xmlns="http://www.w3.org/2005/Atom"><title>Comments</title><id>urn:f</id>
<entry><id>urn:c:1</id><title>A</title></entry><entry><id>urn:c:2</id><title>B</title></entry></feed>"""
JSON_FEED = b"""{"version": "https://jsonfeed.org/version/1.1", "title": "Comments",
"items": [{"id": "1", "content_text": "a"}, {"id": "2", "content_text": "b"}]}"""


@pytest.mark.parametrize(
    ("body", "expected"),
    [(rss("c1", "c2", "c3"), 3), (rss("c1", "c1", "c2"), 2), (rss(), 0), (ATOM, 2), (JSON_FEED, 2)],
    ids=["rss", "one twice", "none", "atom", "json"],
)
def test_a_feed_of_comments_is_counted_by_its_distinct_entries(body: bytes, expected: int):
    assert comment_feeds.read_feed(fetched(body, FEED)) == expected


def test_a_site_is_asked_for_its_rules_and_then_for_each_feed():
    waiting = [turn(1, threads=(THREAD,)), turn(2, threads=(OTHER,)), turn(3)]
    reply = replies({ROBOTS: b"User-agent: *\nDisallow: /b/", FEED: rss("c1", "c2")})
    counted, asked = play(comment_feeds.look(waiting, NOW), reply)
    assert asked == [ROBOTS, FEED]
    assert numbers(counted) == {(1, FEED): 2, (2, OTHER.key): None}
    assert counted.asked == {1, 2, 3}
    assert comment_feeds.feed_request(THREAD).max_bytes == 256 * 1024


@pytest.mark.parametrize("status", [401, 403, 404, 410])
def test_a_feed_that_is_gone_or_refused_is_not_asked_for_again(status: int):
    reply = replies({ROBOTS: failed(404), FEED: failed(status)})
    counted, _ = play(comment_feeds.look([turn(threads=(THREAD,))], NOW), reply)
    assert (numbers(counted), counted.asked) == ({(1, FEED): None}, {1})


@pytest.mark.parametrize(
    "answer", [failed(500), failed(429), failed(), b"<!doctype html><html><body>Hm</body></html>", b"", b"<rss",
               b"<feed>" + b"<a>" * 20_000],
)  # fmt: skip
def test_an_answer_that_is_no_feed_leaves_the_story_to_be_asked_again(answer: Any):
    reply = replies({ROBOTS: b"", FEED: answer})
    counted, _ = play(comment_feeds.look([turn(threads=(THREAD,))], NOW), reply)
    assert (counted.counts, counted.asked) == ((), frozenset())


def test_what_is_no_feed_is_named_once_with_its_address():
    with pytest.raises(BadAnswer) as caught:
        comment_feeds.read_feed(fetched(b"<html></html>", FEED))
    assert (caught.value.url, str(caught.value).count(FEED)) == (FEED, 1)


def test_no_link_alone_names_a_feed_of_comments():
    assert comment_feeds.thread_of(FEED) is None


@given(st.binary(max_size=200))
def test_any_bytes_are_a_number_or_a_bad_answer(body: bytes):
    with contextlib.suppress(BadAnswer):
        assert comment_feeds.read_feed(fetched(body, FEED)) >= 0
