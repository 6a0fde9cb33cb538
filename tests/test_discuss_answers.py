"""Nothing a provider answers is as documented until that was looked at."""

import contextlib
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aggregator.discuss import answers
from aggregator.errors import BadAnswer
from aggregator.model import Failure, NotModified, Request
from tests.discussing import failed, fetched


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (0, 0),
        (64, 64),
        (64.0, 64),
        (10_000_000, 10_000_000),
        (10_000_001, None),
        (-1, None),
        (1.5, None),
        (float("inf"), None),
        (float("nan"), None),
        (True, None),
        ("64", None),
        (None, None),
        ([64], None),
    ],
)
def test_a_count_is_a_whole_number_and_no_other_thing(value: Any, expected: int | None):
    found = answers.number(value)
    assert (found, type(found)) == (expected, type(expected))


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"<html>Rate limited</html>",
        b'{"a": ',
        b"[" * 100_000,
        b'{"n": ' + b"9" * 5000 + b"}",
        b"\xff\xfe",
    ],
)
def test_a_body_that_is_no_json_is_a_bad_answer_that_names_the_url(body: bytes):
    with pytest.raises(BadAnswer) as caught:
        answers.json_of(fetched(body, "https://hn.algolia.com/x"))
    assert caught.value.url == "https://hn.algolia.com/x"
    assert len(caught.value.message) <= 300


@pytest.mark.parametrize("body", [b'"a\\ud800b"', b'"a\\uDFFFb"', b'{"a\\ud800": 1}'])
def test_half_a_character_becomes_a_question_mark(body: bytes):
    assert "?" in str(answers.json_of(fetched(body)))
    str(answers.json_of(fetched(body))).encode()


def test_a_surrogate_in_raw_bytes_is_no_surrogate_in_the_text():
    str(answers.json_of(fetched(b'"a\xed\xa0\x80b"'))).encode()


def test_a_whole_pair_is_the_character_it_stands_for_and_a_mark_before_the_body_is_none_of_it():
    assert answers.json_of(fetched(b'\xef\xbb\xbf"\\ud83d\\ude80"')) == "🚀"


def test_objects_and_arrays_are_asked_for_by_name():
    assert answers.object_of(fetched({"a": 1})) == {"a": 1}
    assert answers.array_of(fetched([1])) == [1]
    for wrong in (None, 1, "a"):
        with pytest.raises(BadAnswer):
            answers.object_of(fetched(wrong))
        with pytest.raises(BadAnswer):
            answers.array_of(fetched(wrong))
    assert answers.objects([{"a": 1}, None, 2, [3]]) == [{"a": 1}]
    assert answers.objects("abc") == []


def test_what_was_asked_comes_back_read_or_as_the_reason_why_not():
    request = Request(url="https://a.example/x")

    def asked(answer: answers.Answer) -> object:
        script = answers.ask(request, lambda got: answers.object_of(got)["n"])
        assert next(script) is request
        with pytest.raises(StopIteration) as end:
            script.send(answer)
        return end.value.value

    nothing_new = NotModified(
        url="https://a.example/x", etag=None, last_modified=None, fresh_for=None, moved_to=None, seconds=0.1
    )
    assert asked(fetched({"n": 3})) == 3
    assert asked(failed(503)) == failed(503)
    bad = asked(fetched([]))
    assert isinstance(bad, Failure)
    assert bad.kind == "BadAnswer"
    assert isinstance(asked(nothing_new), Failure)


@given(st.binary())
def test_any_bytes_are_json_or_a_bad_answer(body: bytes):
    with contextlib.suppress(BadAnswer):
        answers.json_of(fetched(body))
