"""WordPress: a site's own number for an entry, asked for where its robots.txt agrees."""

import contextlib
from typing import Any

import pytest
from hypothesis import given

from aggregator.discuss import wordpress
from aggregator.discuss.answers import Answer
from aggregator.errors import BadAnswer
from aggregator.model import Discussion, NotModified
from tests.discussing import JSON, NOW, failed, fetched, numbers, play, replies, turn

ROBOTS = "https://orbit.example/robots.txt"
COMMENTS = "https://orbit.example/wp-json/wp/v2/comments?"
KEY = "https://orbit.example/?p=123"
PAGE = "https://orbit.example/2026/11/chips/"


def thread(number: int = 123, host: str = "orbit.example") -> Discussion:
    found = wordpress.thread_of(f"http://{host}/?p={number}")
    assert found
    return found


def total(number: str) -> Answer:
    return fetched([{"id": 9}], COMMENTS, x_wp_total=number, x_wp_totalpages="1")


@pytest.mark.parametrize(
    ("guid", "key"),
    [
        ("https://orbit.example/?p=123", KEY),
        ("http://www.orbit.example/?p=123", KEY),
        ("https://orbit.example/blog/?p=123", "https://orbit.example/blog/?p=123"),
        ("https://orbit.example/?post_type=news&p=123", KEY),
        ("https://orbit.example/?page_id=123", None),
        ("https://orbit.example/forum/viewtopic.php?p=123", None),
        ("https://orbit.example/?p=chips", None),
        ("https://orbit.example/?p=123&q=1", None),
        ("https://orbit.example/2026/11/chips/", None),
        ("tag:orbit.example,2026:123", None),
        ("", None),
    ],
)
def test_a_guid_names_a_thread_by_the_sites_own_number(guid: str, key: str | None):
    found = wordpress.thread_of(guid)
    assert found == (Discussion(provider="wordpress", key=key, url=f"{key}#comments") if key else None)


def test_the_number_stands_in_a_header_and_the_link_leads_to_the_entrys_comments():
    reply = replies({ROBOTS: b"User-agent: *\nDisallow: /wp-admin/", COMMENTS: total("12")})
    counted, asked = play(wordpress.look([turn(1, PAGE, threads=(thread(),)), turn(2)], NOW), reply)
    assert asked == [ROBOTS, f"{COMMENTS}post=123&per_page=1&_fields=id"]
    assert numbers(counted) == {(1, KEY): 12}
    assert counted.counts[0].discussion.url == f"{PAGE}#comments"
    assert counted.asked == {1, 2}


def test_a_site_is_asked_for_its_rules_once_a_job_and_each_site_for_its_own():
    waiting = [
        turn(1, PAGE, threads=(thread(1),)),
        turn(2, "http://moon.example:8080/b", threads=(thread(2, "moon.example:8080"),)),
        turn(3, PAGE, threads=(thread(3),)),
    ]
    _, asked = play(wordpress.look(waiting, NOW), replies({}, failed(404)))
    assert asked == [
        ROBOTS, f"{COMMENTS}post=1&per_page=1&_fields=id", f"{COMMENTS}post=3&per_page=1&_fields=id",
        "http://moon.example:8080/robots.txt",
        "http://moon.example:8080/wp-json/wp/v2/comments?post=2&per_page=1&_fields=id",
    ]  # fmt: skip


def test_a_site_in_a_folder_answers_there():
    assert wordpress.comments_request(
        "https://orbit.example", thread(5, "orbit.example/blog")
    ).url.startswith("https://orbit.example/blog/wp-json/wp/v2/comments?post=5&")


@pytest.mark.parametrize("link", ["https://elsewhere.example/story", "https://staging.orbit.example/a"])
def test_an_entry_whose_link_leads_to_another_host_than_its_guid_is_not_asked_about(link: str):
    counted, asked = play(wordpress.look([turn(1, link, threads=(thread(),))], NOW), replies({}))
    assert (asked, counted.counts, counted.asked) == ([], (), {1})


@pytest.mark.parametrize(
    "rules",
    [
        b"User-agent: *\nDisallow: /wp-json/",
        b"User-agent: aggregator\nDisallow: /",
        b"User-agent: *\nDisallow: /*_fields=",
    ],
)
def test_a_site_whose_robots_txt_disallows_it_is_not_asked_and_the_thread_counts_as_gone(rules: bytes):
    counted, asked = play(wordpress.look([turn(1, PAGE, threads=(thread(),))], NOW), replies({ROBOTS: rules}))
    assert (asked, numbers(counted)) == ([ROBOTS], {(1, KEY): None})


@pytest.mark.parametrize(
    "answer", [failed(404), failed(410), b"<!doctype html><title>Not found</title>", b""]
)
def test_a_site_without_a_robots_txt_allows_it(answer: Any):
    reply = replies({ROBOTS: answer, COMMENTS: total("3")})
    assert numbers(play(wordpress.look([turn(1, PAGE, threads=(thread(),))], NOW), reply)[0]) == {(1, KEY): 3}


NOTHING_NEW = NotModified(
    url=ROBOTS, etag=None, last_modified=None, fresh_for=None, moved_to=None, seconds=0.1
)


@pytest.mark.parametrize("answer", [failed(503), failed(429), failed(), NOTHING_NEW])
def test_a_robots_txt_that_cannot_be_read_forbids_everything_for_now(answer: Answer):
    counted, asked = play(
        wordpress.look([turn(1, PAGE, threads=(thread(),))], NOW), replies({ROBOTS: answer})
    )
    assert (asked, counted.counts, counted.asked) == ([ROBOTS], (), frozenset())


@pytest.mark.parametrize("status", [401, 403, 404, 410])
def test_a_site_that_refuses_is_not_to_be_asked_about_that_entry_again(status: int):
    reply = replies({ROBOTS: b"", COMMENTS: failed(status)})
    counted, _ = play(wordpress.look([turn(1, PAGE, threads=(thread(),))], NOW), reply)
    assert (numbers(counted), counted.asked) == ({(1, KEY): None}, {1})


@pytest.mark.parametrize(
    "answer",
    [
        failed(500),
        failed(429),
        failed(),
        b"<html>Checking your browser</html>",
        {"code": "rest_no_route"},
        [],
        fetched([], x_wp_total="many"),
    ],
)
def test_a_site_that_fails_is_asked_no_further_in_this_job(answer: Any):
    waiting = [turn(1, PAGE, threads=(thread(1),)), turn(2, PAGE, threads=(thread(2),))]
    counted, asked = play(wordpress.look(waiting, NOW), replies({ROBOTS: b"", COMMENTS: answer}))
    assert len(asked) == 2
    assert (counted.counts, counted.asked) == ((), frozenset())


@pytest.mark.parametrize("value", ["-1", "1.5", "٣", "9" * 30, "", " 3"])
def test_a_header_that_is_no_number_is_a_bad_answer(value: str):
    with pytest.raises(BadAnswer):
        wordpress.read_total(total(value))


@given(JSON)
def test_any_json_is_read_or_a_bad_answer(document: Any):
    with contextlib.suppress(BadAnswer):
        assert wordpress.read_total(fetched(document, x_wp_total="4")) == 4
