"""Hatena: counts of many addresses in a request, of http and https the larger."""

import contextlib
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aggregator.discuss import hatena
from aggregator.discuss.answers import Answer
from aggregator.errors import BadAnswer
from aggregator.model import Discussion
from tests.discussing import JSON, NOW, PAGE, failed, fetched, numbers, play, replies, turn

COUNTS = "https://bookmark.hatenaapis.com/count/entries?"
PLAIN = "http://orbit.example/a"
KNOWN = Discussion(provider="hatena", key=PLAIN, url="https://b.hatena.ne.jp/entry/orbit.example/a")


def asked_of(url: str) -> list[str]:
    return parse_qs(urlsplit(url).query)["url"]


@pytest.mark.parametrize(
    ("url", "key"),
    [
        ("https://b.hatena.ne.jp/entry/s/orbit.example/a", PAGE),
        ("https://b.hatena.ne.jp/entry/orbit.example/a?b=1", "http://orbit.example/a?b=1"),
        ("https://b.hatena.ne.jp/entry/4700000000000000000", None),
        ("https://b.hatena.ne.jp/hotentry", None),
        ("", None),
    ],
)
def test_a_link_names_the_page_that_is_bookmarked(url: str, key: str | None):
    thread = hatena.thread_of(url)
    assert (thread.key if thread else None) == key
    assert thread is None or thread.url == url


def test_many_stories_are_asked_about_at_once_under_both_schemes_without_tracking():
    waiting = [turn(1), turn(2, "http://www.orbit.example/チ/?utm_source=x&b=1")]
    counted, asked = play(
        hatena.look(waiting, NOW),
        replies({COUNTS: {PAGE: 41, PLAIN: 3, "http://www.orbit.example/チ/?b=1": 2}}),
    )
    assert len(asked) == 1
    assert asked_of(asked[0]) == [
        PAGE, PLAIN, "http://www.orbit.example/チ/?b=1", "https://www.orbit.example/チ/?b=1",
    ]  # fmt: skip
    assert numbers(counted) == {(1, PAGE): 41, (2, "http://www.orbit.example/チ/?b=1"): 2}
    assert counted.asked == {1, 2}


def test_the_page_for_people_says_which_scheme_it_is_of():
    pages = [each.discussion.url for each in hatena.threads(turn(threads=(KNOWN,)), [(PAGE, 5), (PLAIN, 2)])]
    assert pages == [
        "https://b.hatena.ne.jp/entry/s/orbit.example/a",
        "https://b.hatena.ne.jp/entry/orbit.example/a",
    ]


@pytest.mark.parametrize("answer", [{}, {PAGE: 0, PLAIN: 0}, {PAGE: 0}])
def test_an_address_nobody_bookmarked_has_no_thread_whether_zero_is_said_or_left_out(answer: Any):
    counted, _ = play(hatena.look([turn()], NOW), replies({COUNTS: answer}))
    assert (counted.counts, counted.asked) == ((), {1})


def test_a_known_page_that_lost_its_bookmarks_has_none():
    counted, _ = play(hatena.look([turn(threads=(KNOWN,))], NOW), replies({COUNTS: {PAGE: 2, PLAIN: 0}}))
    assert numbers(counted) == {(1, PAGE): 2, (1, PLAIN): 0}


def test_where_http_and_https_are_one_page_it_is_counted_once():
    counted, _ = play(hatena.look([turn()], NOW), replies({COUNTS: {PAGE: 7, PLAIN: 7}}))
    assert numbers(counted) == {(1, PAGE): 7}


def test_a_request_asks_for_fifty_addresses_at_most_and_stays_below_its_length():
    waiting = [turn(number, f"https://orbit.example/{number}") for number in range(60)]
    _, asked = play(hatena.look(waiting, NOW), replies({COUNTS: {}}))
    assert [len(asked_of(url)) for url in asked] == [50, 50, 20]
    long = [turn(number, f"https://orbit.example/{number}/{'チ' * 60}") for number in range(10)]
    _, asked = play(hatena.look(long, NOW), replies({COUNTS: {}}))
    assert len(asked) > 1
    assert sum(len(asked_of(url)) for url in asked) == 20
    assert max(map(len, asked)) <= 4000


def test_an_address_too_long_to_ask_about_is_left_out():
    counted, asked = play(hatena.look([turn(1, f"https://orbit.example/{'チ' * 600}")], NOW), replies({}))
    assert (asked, counted.asked) == ([], {1})


def test_a_story_of_many_feeds_is_asked_about_under_six_addresses():
    assert len(hatena.addresses(turn(1, *(f"https://orbit.example/{number}" for number in range(9))))) == 6


def test_a_batch_that_fails_leaves_its_own_stories_to_be_asked_again():
    waiting = [turn(number, f"https://orbit.example/{number}") for number in range(50)]

    def reply(url: str) -> Answer:
        return (
            failed(503)
            if "https://orbit.example/0" in asked_of(url)
            else fetched({"https://orbit.example/30": 3})
        )

    counted, _ = play(hatena.look(waiting, NOW), reply)
    assert counted.asked == set(range(25, 50))
    assert numbers(counted) == {(30, "https://orbit.example/30"): 3}


@pytest.mark.parametrize(
    "answer",
    [failed(403), failed(414), b"", b"41", [], {"error": "bad"}, {PAGE: None}, {PAGE: "41"}, {PAGE: -1}],
)
def test_an_answer_that_says_nothing_leaves_the_story_to_be_asked_again(answer: Any):
    counted, _ = play(hatena.look([turn()], NOW), replies({COUNTS: answer}))
    assert (counted.counts, counted.asked) == ((), frozenset())


@given(JSON)
def test_any_json_is_read_or_a_bad_answer(document: Any):
    for shape in (document, {PAGE: document}):
        with contextlib.suppress(BadAnswer):
            assert all(count >= 0 for count in hatena.read_counts(fetched(shape), [PAGE, PLAIN]).values())


@given(st.lists(st.text(min_size=1, max_size=300), max_size=80))
def test_batches_hold_each_address_once_within_number_and_length(addresses: list[str]):
    batches = list(hatena.batches(addresses))
    assert [address for batch in batches for address in batch] == list(dict.fromkeys(addresses))
    for batch in batches:
        assert len(batch) <= 50
        assert len(batch) == 1 or len(hatena.counts_request(batch).url) <= 4000
