"""One page in other dress has one key; other pages keep theirs."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aggregator.discuss.links import key, twins

PAGE = "https://orbit.example/2026/11/chips-are-faster"


@pytest.mark.parametrize(
    "url",
    [
        "http://www.orbit.example/2026/11/chips-are-faster/",
        "https://orbit.example/2026/11/chips-are-faster?utm_source=x&fbclid=1#top",
        "https://orbit.example/2026/11/chips-are-faster/amp/",
        "https://orbit.example/2026/11/chips-are-faster/amp",
        "https://orbit.example/2026/11/chips-are-faster?amp=1",
        "https://orbit.example/2026/11/chips-are-faster?amp",
        "https://orbit.example/2026/11/chips-are-faster?outputType=amp&amp_js_v=0.1",
        "https://orbit.example/2026/11/chips-are-faster.amp",
        "https://orbit.example/amp/2026/11/chips-are-faster",
        "https://amp.orbit.example/2026/11/chips-are-faster",
        "https://m.orbit.example/2026/11/chips-are-faster",
        "https://mobile.orbit.example/2026/11/chips-are-faster",
        "https://m.www.orbit.example/2026/11/chips-are-faster",
        "https://orbit.example/2026/11/chips-are-faster/index.html",
        "https://www.google.com/amp/s/orbit.example/2026/11/chips-are-faster/amp/",
        "https://google.co.jp/amp/orbit.example/2026/11/chips-are-faster",
        "https://orbit-example.cdn.ampproject.org/c/s/orbit.example/2026/11/chips-are-faster?amp=1",
        "https://orbit-example.cdn.ampproject.org/v/s/www.google.com/amp/s/amp.orbit.example/2026/11/chips-are-faster",
    ],
)
def test_a_page_in_other_dress_has_the_same_key(url: str):
    assert key(url) == PAGE


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("https://github.com/orbit/amp", "https://github.com/orbit/amp"),
        ("https://guitars.example/gear/amp", "https://guitars.example/gear/amp"),
        ("https://amp.dev/about", "https://amp.dev/about"),
        ("https://m.example/a", "https://m.example/a"),
        ("https://m.co.uk/a", "https://m.co.uk/a"),
        ("https://mobile.github.io/a", "https://mobile.github.io/a"),
        ("https://orbit.example/a?page=2", "https://orbit.example/a?page=2"),
        ("https://orbit.example/a.amp.html", "https://orbit.example/a.html"),
        ("https://en.m.wikipedia.org/wiki/RSS", "https://en.wikipedia.org/wiki/RSS"),
        ("https://m.orbit.example:8080/a", "https://orbit.example:8080/a"),
        ("https://www.google.com/amp/s/", "https://google.com/amp/s"),
        ("https://orbit.example/", "https://orbit.example"),
    ],
)
def test_another_page_keeps_its_own_key(url: str, expected: str):
    assert key(url) == expected


@pytest.mark.parametrize("url", ["", "mailto:a@orbit.example", "no url", "http://[::1", "urn:uuid:1"])
def test_what_is_no_page_has_neither_key_nor_twins(url: str):
    assert (key(url), twins(url)) == (None, ())


def test_twins_are_the_address_as_it_is_without_tracking_under_both_schemes():
    assert twins("http://www.Orbit.example/A/?b=1&utm_source=x#c") == (
        "http://www.orbit.example/A/?b=1",
        "https://www.orbit.example/A/?b=1",
    )
    assert twins("https://me:pw@orbit.example") == ("https://orbit.example/", "http://orbit.example/")


@given(st.text(), st.text())
def test_no_text_breaks_a_key_or_a_twin(host: str, rest: str):
    for url in (host, f"https://{host}/{rest}", f"https://www.google.com/amp/s/{host}/{rest}/amp"):
        assert key(url) is None or key(url).startswith("https://")
        assert len(twins(url)) in {0, 2}


@given(st.text(alphabet="ab-/.?=&%7", max_size=40))
def test_the_key_of_a_page_in_both_its_twins_is_one(rest: str):
    assert {key(twin) for twin in twins(f"http://www.orbit.example/{rest}")} == {
        key(f"http://www.orbit.example/{rest}")
    }
