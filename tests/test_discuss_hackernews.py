"""Hacker News: the newest stories first, known threads by number, a search where neither helps."""

import contextlib
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given

from aggregator.discuss import hackernews
from aggregator.errors import BadAnswer
from aggregator.model import Discussion
from tests.discussing import HOUR, JSON, NOW, PAGE, failed, fetched, numbers, play, replies, turn

LISTING = "https://hn.algolia.com/api/v1/search_by_date"
SEARCH = "https://hn.algolia.com/api/v1/search?"
ITEM = "https://hacker-news.firebaseio.com/v0/item/"
OLD = Discussion(provider="hackernews", key="39000001", url="https://news.ycombinator.com/item?id=39000001")


def hit(number: str = "40000001", url: Any = PAGE, comments: Any = 64) -> dict[str, Any]:
    return {
        "objectID": number, "title": "チップ 🚀", "url": url, "author": "a", "points": 120, "num_comments": comments,
        "created_at": "2026-11-24T01:00:00Z", "created_at_i": 1795482000, "_tags": ["story", f"story_{number}"],
    }  # fmt: skip


def hits(*found: Any) -> dict[str, Any]:
    return {"hits": list(found), "page": 0, "nbHits": len(found), "nbPages": 1, "hitsPerPage": 1000}


def item(**fields: Any) -> dict[str, Any]:
    return {
        "id": 39000001,
        "type": "story",
        "by": "a",
        "title": "…",
        "url": PAGE,
        "descendants": 12,
        **fields,
    }


@pytest.mark.parametrize(
    ("url", "key"),
    [
        ("https://news.ycombinator.com/item?id=40000001", "40000001"),
        ("http://news.ycombinator.com/item?id=40000001#40000002", "40000001"),
        ("https://news.ycombinator.com/item?goto=news&id=40000001&p=2", "40000001"),
        ("https://news.ycombinator.com/user?id=a", None),
        ("https://news.ycombinator.com/item?id=abc", None),
        ("https://news.ycombinator.com.example/item?id=1", None),
        ("https://orbit.example/item?id=1", None),
        ("", None),
    ],
)
def test_a_link_names_a_thread_by_its_number(url: str, key: str | None):
    thread = hackernews.thread_of(url)
    assert (thread.key if thread else None) == key
    assert thread is None or thread.url == f"https://news.ycombinator.com/item?id={key}"


def test_without_a_story_nothing_is_asked():
    assert play(hackernews.look([], NOW), replies({})) == (hackernews.turns.Found().of([]), [])


def test_one_listing_counts_many_stories_and_nothing_else_is_asked_of_those():
    waiting = [turn(1, age=HOUR), turn(2, "https://orbit.example/b", age=HOUR), turn(3, age=5 * HOUR)]
    listing = hits(
        hit(),
        hit("40000002", "http://www.orbit.example/b/?utm_source=hn", 0),
        hit("40000003", None),
        hit("40000004"),
    )
    counted, asked = play(hackernews.look(waiting, NOW), replies({LISTING: listing}))
    assert numbers(counted) == {
        (1, "40000001"): 64, (1, "40000004"): 64, (2, "40000002"): 0, (3, "40000001"): 64, (3, "40000004"): 64,
    }  # fmt: skip
    assert counted.asked == {1, 2, 3}
    assert len(asked) == 1
    assert counted.counts[0].discussion.url == "https://news.ycombinator.com/item?id=40000001"


def test_the_listing_asks_for_a_thousand_stories_of_the_last_three_days_and_filters_by_nothing_but_time():
    asked = hackernews.listing_request(NOW)
    assert asked.url == (
        "https://hn.algolia.com/api/v1/search_by_date?tags=story&hitsPerPage=1000"
        "&numericFilters=created_at_i%3E1795240800&attributesToRetrieve=url,num_comments,created_at_i"
        "&attributesToHighlight=%5B%5D"
    )
    assert asked.max_bytes == 4 * 1024 * 1024


def test_a_known_thread_is_counted_from_the_listing_even_where_it_is_about_another_address():
    waiting = [turn(threads=(OLD,))]
    counted, asked = play(hackernews.look(waiting, NOW), replies({LISTING: hits(hit(OLD.key, None, 7))}))
    assert numbers(counted) == {(1, OLD.key): 7}
    assert len(asked) == 1


def test_a_known_thread_that_left_the_listing_is_asked_about_by_its_number():
    counted, asked = play(
        hackernews.look([turn(threads=(OLD,), age=HOUR)], NOW), replies({LISTING: hits(), ITEM: item()})
    )
    assert numbers(counted) == {(1, OLD.key): 12}
    assert asked[1:] == [f"{ITEM}39000001.json"]


@pytest.mark.parametrize(
    "answer",
    [
        None,
        item(deleted=True),
        {"id": 39000001, "dead": True, "type": "story"},
        item(type="comment"),
        failed(404),
        failed(410),
    ],
)
def test_a_known_thread_that_is_no_more_is_gone(answer: Any):
    counted, _ = play(hackernews.look([turn(threads=(OLD,))], NOW), replies({LISTING: hits(), ITEM: answer}))
    assert numbers(counted) == {(1, OLD.key): None}
    assert counted.asked == {1}


@pytest.mark.parametrize(
    "answer", [failed(500), failed(429), failed(), fetched(b"<html>"), [], {}, item(descendants="12")]
)
def test_a_known_thread_about_which_nothing_is_said_leaves_its_story_to_be_asked_again(answer: Any):
    waiting = [turn(threads=(OLD,)), turn(2)]
    counted, _ = play(hackernews.look(waiting, NOW), replies({LISTING: hits(), ITEM: answer}))
    assert numbers(counted) == {}
    assert counted.asked == {2}


def test_a_job_offer_has_no_comments_and_says_so_by_leaving_them_out():
    offer = {"id": 39000001, "type": "job", "title": "…"}
    assert hackernews.read_item(fetched(offer)) == 0


@pytest.mark.parametrize(
    ("age", "is_searched"),
    [
        (timedelta(minutes=15), False), (HOUR, True), (3 * HOUR, False), (6 * HOUR, False), (12 * HOUR, True),
        (24 * HOUR, False), (48 * HOUR, False), (72 * HOUR, True), (24 * 90 * HOUR, True),
    ],
)  # fmt: skip
def test_a_story_that_the_listing_lacks_is_searched_for_at_some_ages(age: timedelta, is_searched: bool):
    reply = replies({LISTING: hits(), SEARCH: hits(hit())})
    counted, asked = play(hackernews.look([turn(age=age)], NOW), reply)
    assert numbers(counted) == ({(1, "40000001"): 64} if is_searched else {})
    assert len(asked) == 1 + is_searched
    assert counted.asked == {1}


def test_a_search_asks_for_the_words_of_the_address_as_a_phrase_within_what_a_query_may_hold():
    url = hackernews.search_request('https://orbit.example/a?b="c"').url
    assert url == (
        "https://hn.algolia.com/api/v1/search?query=%22orbit.example%2Fa%3Fb%3D%20c%20%22"
        "&restrictSearchableAttributes=url&tags=story&hitsPerPage=20&typoTolerance=false&advancedSyntax=true"
        "&attributesToRetrieve=url,num_comments,created_at_i&attributesToHighlight=%5B%5D"
    )
    assert len(hackernews.search_request("https://orbit.example/" + "チ" * 1000).url) < 2000


def test_a_similar_page_that_a_search_brings_is_not_counted():
    others = hits(
        hit("1", "https://orbit.example/a-b"),
        hit("2", "https://orbit.example/"),
        hit("3", "https://b.example/a"),
    )
    counted, _ = play(hackernews.look([turn(age=HOUR)], NOW), replies({LISTING: hits(), SEARCH: others}))
    assert counted.counts == ()


def test_where_the_listing_fails_what_is_known_and_searched_for_is_still_asked_about():
    waiting = [turn(1), turn(2, "https://orbit.example/b", age=HOUR), turn(3, threads=(OLD,))]
    reply = replies(
        {LISTING: failed(400), SEARCH: hits(hit("5", "https://orbit.example/b", 1)), ITEM: item()}
    )
    counted, _ = play(hackernews.look(waiting, NOW), reply)
    assert numbers(counted) == {(2, "5"): 1, (3, OLD.key): 12}
    assert counted.asked == {2, 3}


@pytest.mark.parametrize(
    "broken",
    [
        {"objectID": 40000001, "url": PAGE, "num_comments": 1}, {"objectID": "4", "url": 7}, {"objectID": "x/../y", "url": PAGE},
        {"objectID": "4", "url": PAGE, "num_comments": "9"}, {"objectID": "4", "url": PAGE, "num_comments": -1}, {}, None, [], "hit",
    ],
)  # fmt: skip
def test_a_hit_of_another_shape_spoils_none_beside_it(broken: Any):
    found = hackernews.read_hits(fetched(hits(broken, hit())), [turn()])
    assert [(each.discussion.key, each.count) for each in found] == [("40000001", 64)]


def test_a_hit_without_a_number_of_comments_has_none():
    assert hackernews.read_hits(fetched(hits(hit(comments=None))), [turn()])[0].count == 0


@pytest.mark.parametrize("answer", [{}, [], {"hits": None}, {"status": 400, "message": "…"}, None])
def test_an_answer_without_hits_is_a_bad_one(answer: Any):
    with pytest.raises(BadAnswer):
        hackernews.read_hits(fetched(answer), [turn()])


def test_a_listing_of_a_thousand_stories_is_matched_with_two_hundred_turns():
    waiting = [turn(number, f"https://orbit.example/{number}") for number in range(200)]
    listing = hits(*(hit(str(number), f"http://orbit.example/{number}/amp.") for number in range(500, 1300)),
                   *(hit(str(number), f"http://www.orbit.example/{number}/") for number in range(200)))  # fmt: skip
    assert len(hackernews.read_hits(fetched(listing), waiting)) == 200


@given(JSON)
def test_any_json_is_read_or_a_bad_answer(document: Any):
    for read in (hackernews.read_item, lambda answer: hackernews.read_hits(answer, [turn(threads=(OLD,))])):
        for shape in (
            document,
            {"hits": document},
            {"hits": [document]},
            {"id": 1, "type": "story", "descendants": document},
        ):
            with contextlib.suppress(BadAnswer):
                read(fetched(shape))
