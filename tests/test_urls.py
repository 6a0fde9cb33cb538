"""URLs compared, taken apart and joined."""

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from aggregator.urls import (
    absolute,
    canonical,
    encoded,
    host,
    is_plain,
    is_web,
    normalise,
    registrable_domain,
    web_address,
)


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("HTTP://Example.COM", "http://example.com/"),
        ("https://example.com:443/a?b=1#c", "https://example.com/a?b=1"),
        ("http://example.com:8080/A", "http://example.com:8080/A"),
        (" https://bücher.example/ ", "https://xn--bcher-kva.example/"),
        ("http://[2001:DB8::1]:80/", "http://[2001:db8::1]/"),
        ("https://user:Pass@Example.com/", "https://user:Pass@example.com/"),
        ("no url at all", "no url at all"),
        ("http://[::1", "http://[::1"),
        ("http://host:port/", "http://host:port/"),
    ],
)
def test_listed_urls_are_compared_in_one_form(url: str, expected: str):
    assert normalise(url) == expected


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("http://www.Example.com/story/", "https://example.com/story"),
        ("https://example.com/story#comments", "https://example.com/story"),
        ("https://example.com/story?utm_source=rss&id=7&fbclid=x", "https://example.com/story?id=7"),
        ("https://example.com/?p=1&ref=hn", "https://example.com?p=1"),
        ("https://example.com/a?reference=1", "https://example.com/a?reference=1"),
        ("https://example.com/", "https://example.com"),
        ("http://example.com:80/a", "https://example.com/a"),
    ],
)
def test_links_to_one_story_have_one_key(url: str, expected: str):
    assert canonical(url) == expected


@pytest.mark.parametrize(
    "url", ["mailto:a@example.com", "", "/relative", "http://", "ftp://example.com/a", "http://[::1"]
)
def test_what_is_no_web_page_has_no_key(url: str):
    assert canonical(url) is None


def test_letter_case_of_a_path_matters():
    assert canonical("https://example.com/A") != canonical("https://example.com/a")


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("https://blog.example.co.uk/feed", "example.co.uk"),
        ("https://one.github.io/feed", "one.github.io"),  # a private suffix: each user's own domain
        ("http://127.0.0.7:8080/", "127.0.0.7"),
        ("http://[::1]/", "::1"),
        ("http://localhost:99/", "localhost"),
        ("http://a.b.internal/", "b.internal"),  # an unknown suffix counts as one label
        ("https://news.BÜCHER.example.com/", "example.com"),
    ],
)
def test_registrable_domain(url: str, expected: str):
    assert registrable_domain(url) == expected


def test_host_has_neither_port_nor_brackets():
    assert host("http://User@[2001:DB8::1]:81/") == "2001:db8::1"
    assert host("nothing") == ""


def test_a_reference_is_joined_to_its_base():
    assert absolute("https://example.com/a/b", "../c?d") == "https://example.com/c?d"
    assert absolute("https://example.com/a/b", "//cdn.example/x") == "https://cdn.example/x"
    assert absolute("https://example.com/", "http://[") == "http://["


@given(st.text(max_size=40), st.sampled_from(["", "http://", "https://example.com/", "HTTPS://[::1]:80"]))
def test_any_text_at_all_is_taken(text: str, start: str):
    url = start + text
    assert normalise(normalise(url)) == normalise(url)
    key = canonical(url)
    assert key is None or canonical(key) == key
    absolute(url, text)
    registrable_domain(url)


@given(
    st.sampled_from(["http://", "https://", "HTTP://", "ftp://", ""]),
    st.text("aZ.-:@w0", max_size=8),
    st.text("/a%;.~^|\"'é #?&= \t[", max_size=12),
)
@example("http://", "www.com", "/a//")
@example("https://", "www.e.example", "/")
@example("https://", "e.example", "?utm_source=x")
@example("https://", "e.example", "/?")
def test_plain_urls_take_a_short_cut_to_the_same_end(scheme: str, name: str, rest: str):
    url = f"{scheme}{name}{rest}"
    if is_plain(url):
        assert absolute("https://base.example/x", url) == absolute("http://base.example/x", url) == url
        assert host(url)
    # A tab in front is taken away, but only on the long way.
    assert canonical(url) == canonical(f"\t{url}")


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        (" feed:https://a.example/rss ", "https://a.example/rss"),
        ("feed://https://a.example/rss", "https://a.example/rss"),
        ("FEED:http://a.example/", "http://a.example/"),
        ("feed://a.example:8000/rss?a=1", "http://a.example:8000/rss?a=1"),
        ("feed:a.example/rss", "http://a.example/rss"),
        ("https://a.example/feed:x", "https://a.example/feed:x"),
        ("feeds.example", "feeds.example"),
        ("", ""),
    ],
)
def test_a_feed_address_stands_for_a_web_address(url: str, expected: str):
    assert web_address(url) == expected


@pytest.mark.parametrize(
    "url", ["ftp://a.example/", "http:", "http:///x", "a.example", "https://[a", "//a.example/"]
)
def test_what_names_no_host_of_the_web_is_no_web_address(url: str):
    assert not is_web(url)


@given(st.from_regex(r"https?://[a-z0-9.-]+/[!-~]*", fullmatch=True))
@example("https://a.example/b?")
@example("https://a.example//b?c=/?#")
def test_the_short_way_of_normalising_gives_what_the_long_one_does(url: str):
    assert normalise(url) == normalise(f"{url}#fragment")


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("https://[::1]:80/b?c=%20&d=[1]#e#f", "https://[::1]:80/b?c=%20&d=%5B1%5D#e%23f"),
        (
            "https://a.example/a b?c=<d>&e={f}|\\^`#g h",
            "https://a.example/a%20b?c=%3Cd%3E&e=%7Bf%7D%7C%5C%5E%60#g%20h",
        ),
        ("https://a.example/日本", "https://a.example/%E6%97%A5%E6%9C%AC"),
        ("https://例え.jp:8443/日?q=é", "https://xn--r8jz45g.jp:8443/%E6%97%A5?q=%C3%A9"),
        ("https://[::1/日", "https://[::1/%E6%97%A5"),
        ("", ""),
    ],
)
def test_an_address_in_a_document_has_only_the_characters_that_rfc_3986_allows(url: str, expected: str):
    assert encoded(url) == expected
    assert encoded(expected) == expected
