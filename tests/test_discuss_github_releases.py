"""Releases of GitHub: what is counted is reactions."""

import contextlib
from typing import Any

import pytest
from hypothesis import given

from aggregator.discuss import github_discussions, github_releases
from aggregator.errors import BadAnswer
from tests.discussing import JSON, NOW, failed, fetched, numbers, play, replies, turn

API = "https://api.github.com/repos/orbit/moon/releases/tags/"
RELEASE = {"tag_name": "v2.0", "reactions": {"total_count": 31, "+1": 25, "rocket": 6}}


@pytest.mark.parametrize(
    ("url", "key", "page"),
    [
        ("https://github.com/Orbit/Moon/releases/tag/V2.0", "orbit/moon/releases/tags/V2.0", "https://github.com/Orbit/Moon/releases/tag/V2.0"),
        ("http://www.github.com/orbit/moon/releases/tag/v2.0?x=1#a", "orbit/moon/releases/tags/v2.0", "https://github.com/orbit/moon/releases/tag/v2.0"),
        ("https://github.com/orbit/moon/releases/tag/cli/v2", "orbit/moon/releases/tags/cli%2Fv2", "https://github.com/orbit/moon/releases/tag/cli%2Fv2"),
        ("https://github.com/orbit/moon/releases/tag/cli%2Fv2", "orbit/moon/releases/tags/cli%2Fv2", "https://github.com/orbit/moon/releases/tag/cli%2Fv2"),
        ("https://github.com/orbit/moon/releases/tag/../../x", "orbit/moon/releases/tags/..%2F..%2Fx", "https://github.com/orbit/moon/releases/tag/..%2F..%2Fx"),
    ],
)  # fmt: skip
def test_a_link_names_a_release_by_its_tag(url: str, key: str, page: str):
    found = github_releases.thread_of(url)
    assert found
    assert (found.key, found.url) == (key, page)


@pytest.mark.parametrize(
    "url",
    ["https://github.com/orbit/moon/releases", "https://github.com/orbit/moon/releases/latest",
     "https://github.com/orbit/../releases/tag/v1", "https://gist.github.com/orbit/moon/releases/tag/v1", ""],
)  # fmt: skip
def test_nothing_else_is_a_release(url: str):
    assert github_releases.thread_of(url) is None


def thread(tag: str = "v2.0"):
    return github_releases.thread_of(f"https://github.com/orbit/moon/releases/tag/{tag}")


@pytest.mark.parametrize(("answer", "expected"), [(RELEASE, 31), ({"tag_name": "v2.0"}, 0)])
def test_a_release_is_counted_by_its_reactions_and_without_any_has_none(answer: Any, expected: int):
    waiting = [turn(1), turn(2, threads=(thread(),))]
    counted, asked = play(github_releases.look(waiting, NOW), replies({API: answer}))
    assert asked == [f"{API}v2.0"]
    assert numbers(counted) == {(2, "orbit/moon/releases/tags/v2.0"): expected}
    assert counted.asked == {1, 2}


def test_the_discussion_that_belongs_to_a_release_is_named_to_be_asked_about():
    talk = "https://github.com/Orbit/Moon/discussions/90"
    reply = replies({API: RELEASE | {"discussion_url": talk}})
    counted, _ = play(github_releases.look([turn(2, threads=(thread(),))], NOW), reply)
    assert counted.named == ((2, github_discussions.thread_of(talk)),)
    elsewhere = replies({API: RELEASE | {"discussion_url": "https://orbit.example/90"}})
    assert play(github_releases.look([turn(threads=(thread(),))], NOW), elsewhere)[0].named == ()


def test_a_release_that_was_withdrawn_is_gone():
    counted, _ = play(github_releases.look([turn(threads=(thread(),))], NOW), replies({API: failed(404)}))
    assert list(numbers(counted).values()) == [None]


@pytest.mark.parametrize(
    "answer", [failed(500), {"message": "API rate limit exceeded"}, [], b"",
               RELEASE | {"reactions": {}}, RELEASE | {"reactions": 31}],
)  # fmt: skip
def test_an_answer_that_says_nothing_leaves_the_story_to_be_asked_again(answer: Any):
    counted, _ = play(github_releases.look([turn(threads=(thread(),))], NOW), replies({API: answer}))
    assert (counted.counts, counted.asked) == ((), frozenset())


@given(JSON)
def test_any_json_is_read_or_a_bad_answer(document: Any):
    for shape in (document, {"tag_name": "v", "reactions": document}, {"tag_name": document}):
        with contextlib.suppress(BadAnswer):
            assert github_releases.read_release(fetched(shape))[0] >= 0
