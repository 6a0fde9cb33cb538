"""Discussions of GitHub: comments and the replies to them, by GraphQL."""

import contextlib
import json
from typing import Any

import pytest
from hypothesis import given

from aggregator.discuss import github_discussions
from aggregator.errors import BadAnswer
from tests.discussing import JSON, NOW, failed, fetched, numbers, play, replies, turn

API = "https://api.github.com/graphql"
NOT_FOUND = {
    "data": {"repository": {"discussion": None}},
    "errors": [{"type": "NOT_FOUND", "path": ["repository", "discussion"], "message": "Could not resolve"}],
}


def said(total: Any, *replies_to: Any) -> dict[str, Any]:
    comments = {"totalCount": total, "nodes": [{"replies": {"totalCount": n}} for n in replies_to]}
    return {"data": {"repository": {"discussion": {"comments": comments}}}}


def thread(number: int = 7):
    return github_discussions.thread_of(f"https://github.com/Orbit/Moon/discussions/{number}")


@pytest.mark.parametrize(
    "url",
    ["https://github.com/Orbit/Moon/discussions/7", "http://www.github.com/Orbit/Moon/discussions/7?sort=top",
     "https://github.com/Orbit/Moon/discussions/7#discussioncomment-1"],
)  # fmt: skip
def test_a_link_names_a_discussion(url: str):
    found = github_discussions.thread_of(url)
    assert found
    assert (found.key, found.url) == (
        "orbit/moon/discussions/7", "https://github.com/Orbit/Moon/discussions/7"
    )  # fmt: skip


@pytest.mark.parametrize(
    "url",
    ["https://github.com/orgs/orbit/discussions/7", "https://github.com/orbit/moon/discussions",
     "https://github.com/orbit/moon/discussions/categories/ideas", "https://github.com/orbit/moon/issues/7",
     "https://github.com/orbit/../discussions/7", ""],
)  # fmt: skip
def test_an_organisations_discussion_and_anything_else_is_none(url: str):
    assert github_discussions.thread_of(url) is None


def test_a_discussion_is_counted_with_the_replies_to_its_comments():
    waiting = [turn(1), turn(2, threads=(thread(),))]
    counted, asked = play(github_discussions.look(waiting, NOW), replies({API: said(12, 3, 0, 5)}))
    assert asked == [API]
    assert numbers(counted) == {(2, "orbit/moon/discussions/7"): 20}
    assert counted.asked == {1, 2}


def test_what_names_it_is_no_part_of_the_query():
    request = github_discussions.discussion_request(thread())
    asked = json.loads(request.body)
    assert asked["variables"] == {"owner": "orbit", "name": "moon", "number": 7}
    assert "orbit" not in asked["query"]
    assert ("Content-Type", "application/json") in request.headers


def test_a_discussion_that_is_not_found_is_gone():
    counted, _ = play(github_discussions.look([turn(threads=(thread(),))], NOW), replies({API: NOT_FOUND}))
    assert list(numbers(counted).values()) == [None]


@pytest.mark.parametrize(
    "answer",
    [failed(401), failed(502), {"errors": [{"type": "RATE_LIMITED", "message": "API rate limit exceeded"}]},
     {**NOT_FOUND, "errors": [*NOT_FOUND["errors"], {"type": "FORBIDDEN", "message": "no"}]},
     {"data": {"repository": None}}, said("12"), said(12, "3"), said(None), {}, [], b""],
)  # fmt: skip
def test_an_answer_that_says_nothing_leaves_the_story_to_be_asked_again(answer: Any):
    counted, _ = play(github_discussions.look([turn(threads=(thread(),))], NOW), replies({API: answer}))
    assert (counted.counts, counted.asked) == ((), frozenset())


@given(JSON)
def test_any_json_is_read_or_a_bad_answer(document: Any):
    for shape in (document, {"data": document}, {"errors": document}, said(document), said(1, document)):
        with contextlib.suppress(BadAnswer):
            assert (github_discussions.read_discussion(fetched(shape)) or 0) >= 0
