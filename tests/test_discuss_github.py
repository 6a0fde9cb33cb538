"""GitHub: the comments of an issue or pull request that an entry is."""

import contextlib
from typing import Any

import pytest
from hypothesis import given

from aggregator.discuss import github
from aggregator.errors import BadAnswer
from tests.discussing import JSON, NOW, failed, fetched, numbers, play, replies, turn

API = "https://api.github.com/repos/"
ISSUE = {
    "number": 7, "comments": 12, "html_url": "https://github.com/Orbit/Moon/issues/7", "state": "open", "locked": False,
    "reactions": {"total_count": 31, "+1": 25},
}  # fmt: skip


def thread(number: int = 7):
    return github.thread_of(f"https://github.com/Orbit/Moon/issues/{number}")


@pytest.mark.parametrize(
    ("url", "key", "page"),
    [
        ("https://github.com/Orbit/Moon/issues/7", "orbit/moon/issues/7", "https://github.com/Orbit/Moon/issues/7"),
        ("http://www.github.com/Orbit/Moon/pull/7/files?w=1#diff", "orbit/moon/issues/7", "https://github.com/Orbit/Moon/pull/7"),
        ("https://github.com/orbit/moon.js/issues/7#issuecomment-1", "orbit/moon.js/issues/7", "https://github.com/orbit/moon.js/issues/7"),
    ],
)  # fmt: skip
def test_a_link_names_an_issue_which_a_pull_request_is_too(url: str, key: str, page: str):
    found = github.thread_of(url)
    assert found
    assert (found.key, found.url) == (key, page)


@pytest.mark.parametrize(
    "url",
    [
        "https://github.com/orbit/moon/releases/tag/v2.0", "https://github.com/orbit/moon/discussions/7",
        "https://github.com/orbit/moon", "https://github.com/orbit/moon/issues", "https://github.com/orbit/../issues/7",
        "https://gist.github.com/orbit/moon/issues/7", "https://github.com/orbit/moon/issues/7x", "",
    ],
)  # fmt: skip
def test_a_release_a_discussion_and_anything_else_have_no_thread_that_can_be_counted(url: str):
    assert github.thread_of(url) is None


def test_an_issue_is_counted_by_its_comments_not_by_its_reactions():
    waiting = [turn(1), turn(2, threads=(thread(),))]
    counted, asked = play(github.look(waiting, NOW), replies({API: ISSUE}))
    assert numbers(counted) == {(2, "orbit/moon/issues/7"): 12}
    assert asked == ["https://api.github.com/repos/orbit/moon/issues/7"]
    assert counted.asked == {1, 2}
    assert github.issue_request(thread()).accept == "application/vnd.github+json"


@pytest.mark.parametrize("status", [404, 410, 451])
def test_an_issue_that_is_gone_private_switched_off_or_forbidden_is_gone(status: int):
    counted, _ = play(github.look([turn(threads=(thread(),))], NOW), replies({API: failed(status)}))
    assert numbers(counted) == {(1, "orbit/moon/issues/7"): None}


@pytest.mark.parametrize(
    "answer", [failed(403), failed(500), {"message": "API rate limit exceeded"}, {"comments": "12"}, [], b""]
)
def test_an_answer_that_says_nothing_leaves_the_story_to_be_asked_again_and_the_next_is_asked(answer: Any):
    waiting = [turn(1, threads=(thread(7),)), turn(2, threads=(thread(8),))]
    counted, _ = play(github.look(waiting, NOW), replies({f"{API}orbit/moon/issues/7": answer, API: ISSUE}))
    assert numbers(counted) == {(2, "orbit/moon/issues/8"): 12}
    assert counted.asked == {2}


@given(JSON)
def test_any_json_is_read_or_a_bad_answer(document: Any):
    for shape in (document, {"comments": document}):
        with contextlib.suppress(BadAnswer):
            assert github.read_issue(fetched(shape)) >= 0
