"""Reddit: known threads a hundred at a time, others by address."""

import contextlib
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given

from aggregator.discuss import reddit
from aggregator.errors import BadAnswer
from aggregator.model import Discussion
from tests.discussing import HOUR, JSON, NOW, PAGE, failed, fetched, numbers, play, replies, turn

BY_ID = "https://oauth.reddit.com/api/info?id="
BY_URL = "https://oauth.reddit.com/api/info?url="


def thread(key: str = "t3_abc") -> Discussion:
    return Discussion(provider="reddit", key=key, url=f"https://www.reddit.com/comments/{key[3:]}/")


def link(name: str = "t3_abc", comments: Any = 75, **fields: Any) -> dict[str, Any]:
    return {
        "kind": "t3",
        "data": {
            "id": name[3:], "name": name, "subreddit": "programming", "title": "チップ", "url": PAGE,
            "permalink": f"/r/programming/comments/{name[3:]}/title/", "num_comments": comments, "score": 210,
            "created_utc": 1790000000.0, "over_18": False, "removed_by_category": None, "author": "x", **fields,
        },
    }  # fmt: skip


def listing(*links: Any) -> dict[str, Any]:
    return {"kind": "Listing", "data": {"after": None, "before": None, "children": list(links)}}


@pytest.mark.parametrize(
    ("url", "key"),
    [
        ("https://www.reddit.com/r/programming/comments/abc/title/", "t3_abc"),
        ("https://old.reddit.com/r/programming/comments/abc/title/def/?context=3", "t3_abc"),
        ("http://np.reddit.com/comments/abc", "t3_abc"),
        ("https://www.reddit.com/user/orbit/comments/abc/title/", "t3_abc"),
        ("https://www.reddit.com/gallery/abc", "t3_abc"),
        ("https://redd.it/abc", "t3_abc"),
        ("https://www.reddit.com/r/programming/", None),
        ("https://i.redd.it/abc", None),
        ("https://reddit.com.example/comments/abc", None),
        ("", None),
    ],
)
def test_a_link_names_a_thread_by_its_number(url: str, key: str | None):
    found = reddit.thread_of(url)
    assert found == (thread(key) if key else None)


def test_known_threads_are_asked_about_together_and_their_own_address_is_kept():
    waiting = [turn(1, threads=(thread(), thread("t3_def"))), turn(2), turn(3, threads=(thread("t3_xyz"),))]
    answer = listing(link(), link("t3_def", 0), link("t3_xyz", 3))
    counted, asked = play(reddit.look(waiting, NOW), replies({BY_ID: answer}))
    assert asked == ["https://oauth.reddit.com/api/info?id=t3_abc,t3_def,t3_xyz&raw_json=1"]
    assert numbers(counted) == {(1, "t3_abc"): 75, (1, "t3_def"): 0, (3, "t3_xyz"): 3}
    assert counted.counts[0].discussion.url == "https://www.reddit.com/r/programming/comments/abc/title/"
    assert counted.asked == {1, 2, 3}


def test_more_than_a_hundred_threads_take_a_second_request():
    waiting = [
        turn(number, threads=(thread(f"t3_{number}"), thread(f"t3_x{number}"))) for number in range(60)
    ]
    _, asked = play(reddit.look(waiting, NOW), replies({}, failed(500)))
    assert [url.count("t3_") for url in asked] == [100, 20]


@pytest.mark.parametrize("category", ["deleted", "moderator", "reddit", "automod_filtered"])
def test_a_thread_that_was_removed_is_gone(category: str):
    answer = listing(link(removed_by_category=category, author="[deleted]"))
    counted, _ = play(reddit.look([turn(threads=(thread(),))], NOW), replies({BY_ID: answer}))
    assert numbers(counted) == {(1, "t3_abc"): None}


def test_a_thread_that_the_answer_leaves_out_is_gone_but_an_answer_without_any_is_not_believed():
    waiting = [turn(1, threads=(thread(),)), turn(2, threads=(thread("t3_def"),))]
    counted, _ = play(reddit.look(waiting, NOW), replies({BY_ID: listing(link())}))
    assert numbers(counted) == {(1, "t3_abc"): 75, (2, "t3_def"): None}
    counted, _ = play(reddit.look(waiting, NOW), replies({BY_ID: listing()}))
    assert (counted.counts, counted.asked) == ((), frozenset())
    counted, _ = play(reddit.look(waiting[:1], NOW), replies({BY_ID: listing()}))
    assert numbers(counted) == {(1, "t3_abc"): None}


def test_the_account_of_a_thread_may_be_deleted_while_the_thread_stands():
    counted, _ = play(
        reddit.look([turn(threads=(thread(),))], NOW), replies({BY_ID: listing(link(author="[deleted]"))})
    )
    assert numbers(counted) == {(1, "t3_abc"): 75}


@pytest.mark.parametrize(
    ("age", "is_searched"),
    [(timedelta(minutes=15), False), (HOUR, True), (6 * HOUR, False), (12 * HOUR, True)],
)
def test_a_story_without_a_thread_is_searched_for_at_some_ages(age: timedelta, is_searched: bool):
    answer = listing(
        link(),
        link("t3_def", 5),
        link("t3_ghi", 9, url="https://orbit.example/b"),
        link("t3_jkl", removed_by_category="moderator"),
    )
    counted, asked = play(reddit.look([turn(age=age)], NOW), replies({BY_URL: answer}))
    assert numbers(counted) == ({(1, "t3_abc"): 75, (1, "t3_def"): 5} if is_searched else {})
    assert asked == [f"{BY_URL}https%3A%2F%2Forbit.example%2Fa&limit=100&raw_json=1"] * is_searched
    assert counted.asked == {1}


@pytest.mark.parametrize(
    "permalink",
    [None, "//evil.example/r/a/comments/abc/", "javascript:alert(1)", '/r/a/comments/abc/"onclick', "/r/a/"],
)
def test_an_address_of_another_form_is_not_taken_over(permalink: Any):
    answer = fetched(listing(link(permalink=permalink)))
    assert reddit.read_found(answer, [turn()])[0].discussion == thread()


@pytest.mark.parametrize(
    "answer",
    [
        failed(403),
        failed(429),
        failed(401),
        b"<html>whoa there, pardner!</html>",
        [],
        {"data": None},
        {"data": {"children": 1}},
    ],
)
def test_an_answer_that_says_nothing_leaves_its_stories_to_be_asked_again(answer: Any):
    waiting = [turn(1, threads=(thread(),)), turn(2, age=HOUR), turn(3)]
    counted, _ = play(reddit.look(waiting, NOW), replies({BY_ID: answer, BY_URL: answer}))
    assert (counted.counts, counted.asked) == ((), {3})


@pytest.mark.parametrize(
    "broken",
    [None, 7, {}, {"data": []}, link("t1_abc"), link("t3_../x"), link(comments="75"), link(comments=None)],
)
def test_a_child_of_another_shape_spoils_none_beside_it(broken: Any):
    assert [each.count for each in reddit.read_found(fetched(listing(broken, link("t3_ok"))), [turn()])] == [
        75
    ]


@given(JSON)
def test_any_json_is_read_or_a_bad_answer(document: Any):
    waiting = [turn(threads=(thread(),))]
    for read in (reddit.read_known, reddit.read_found):
        for shape in (
            document,
            listing(document),
            listing({"data": document}),
            listing(link(comments=document, url=document)),
        ):
            with contextlib.suppress(BadAnswer):
                read(fetched(shape), waiting)
