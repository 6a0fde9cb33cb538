"""Lobsters: one page for many stories, and a known thread by itself."""

import contextlib
from typing import Any

import pytest
from hypothesis import given

from aggregator.discuss import lobsters
from aggregator.errors import BadAnswer
from aggregator.model import Discussion
from tests.discussing import JSON, NOW, PAGE, failed, fetched, numbers, play, replies, turn

NEWEST = "https://lobste.rs/newest.json"
STORY = "https://lobste.rs/s/"
OLD = Discussion(provider="lobsters", key="old123", url="https://lobste.rs/s/old123")


def story(key: str = "abc123", url: Any = PAGE, comments: Any = 12) -> dict[str, Any]:
    return {
        "short_id": key, "short_id_url": f"https://lobste.rs/s/{key}", "created_at": "2026-11-24T01:00:00.000-06:00",
        "title": "チップ", "url": url, "score": 31, "flags": 0, "comment_count": comments, "description": "",
        "description_plain": "", "comments_url": f"https://lobste.rs/s/{key}/title", "submitter_user": "name",
        "user_is_author": False, "tags": ["web"],
    }  # fmt: skip


@pytest.mark.parametrize(
    ("url", "key"),
    [
        ("https://lobste.rs/s/abc123", "abc123"),
        ("https://lobste.rs/s/abc123/chips_are_faster#c_xyz", "abc123"),
        ("http://lobste.rs/s/abc123.json", None),
        ("https://lobste.rs/t/web", None),
        ("https://lobste.rs/~abc123", None),
        ("", None),
    ],
)
def test_a_link_names_a_thread_by_its_short_id(url: str, key: str | None):
    thread = lobsters.thread_of(url)
    assert (thread.key if thread else None) == key


def test_one_page_counts_many_stories_and_a_known_thread_that_left_it_is_asked_about_by_itself():
    waiting = [
        turn(1),
        turn(2, "https://orbit.example/b"),
        turn(3, "https://orbit.example/c", threads=(OLD,)),
    ]
    page = [story(), story("bcd", "http://orbit.example/b/", 0), story("cde", "https://other.example/")]
    reply = replies({NEWEST: page, f"{STORY}old123.json": {**story("old123", "", 40), "comments": []}})
    counted, asked = play(lobsters.look(waiting, NOW), reply)
    assert numbers(counted) == {(1, "abc123"): 12, (2, "bcd"): 0, (3, "old123"): 40}
    assert asked == [NEWEST, "https://lobste.rs/s/old123.json"]
    assert counted.asked == {1, 2, 3}
    assert counted.counts[0].discussion.url == "https://lobste.rs/s/abc123"


def test_without_a_story_nothing_is_asked():
    assert play(lobsters.look([], NOW), replies({}))[1] == []


def test_a_known_thread_on_the_page_is_not_asked_about_again():
    counted, asked = play(
        lobsters.look([turn(threads=(OLD,))], NOW), replies({NEWEST: [story("old123", "", 5)]})
    )
    assert (numbers(counted), asked) == ({(1, "old123"): 5}, [NEWEST])


def test_a_thread_that_is_not_found_is_gone():
    counted, _ = play(lobsters.look([turn(threads=(OLD,))], NOW), replies({NEWEST: [], STORY: failed(404)}))
    assert numbers(counted) == {(1, "old123"): None}


def test_one_thread_a_job_is_asked_about_by_itself_and_the_others_later():
    others = [turn(n, threads=(Discussion(provider="lobsters", key=f"k{n}", url=""),)) for n in range(3)]
    counted, asked = play(lobsters.look(others, NOW), replies({NEWEST: [], STORY: story("k0")}))
    assert (asked, counted.asked) == ([NEWEST, f"{STORY}k0.json"], {0})


@pytest.mark.parametrize("answer", [failed(500), failed(429), fetched(b""), {"error": "slow down"}])
def test_a_page_that_says_nothing_leaves_its_stories_to_be_asked_again(answer: Any):
    waiting = [turn(1), turn(2, threads=(OLD,))]
    counted, _ = play(lobsters.look(waiting, NOW), replies({NEWEST: answer, STORY: story("old123")}))
    assert counted.asked == {2}
    assert numbers(counted) == {(2, "old123"): 12}


@pytest.mark.parametrize(
    "broken", [story("../x"), story(comments=None), story(comments="3"), {}, None, 7, story(key="")]
)
def test_a_story_of_another_shape_spoils_none_beside_it(broken: Any):
    assert [each.count for each in lobsters.read_newest(fetched([broken, story(comments=3)]), [turn()])] == [
        3
    ]


def test_a_submitter_who_is_an_object_is_an_older_version():
    older = {**story(), "submitter_user": {"username": "name", "karma": 3}}
    assert lobsters.read_newest(fetched([older]), [turn()])[0].count == 12


@given(JSON)
def test_any_json_is_read_or_a_bad_answer(document: Any):
    for read in (lobsters.read_story, lambda answer: lobsters.read_newest(answer, [turn(threads=(OLD,))])):
        for shape in (
            document,
            [document],
            {"comment_count": document},
            [{"short_id": document, "comment_count": 1}],
        ):
            with contextlib.suppress(BadAnswer):
                read(fetched(shape))
