"""By which number WordPress knows a page: only what the page says of its own site is believed."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aggregator.discuss import wordpress
from aggregator.enrich import shortlink

PAGE = "https://orbit.example/2026/11/chips/"
ROOT = '<link rel="https://api.w.org/" href="https://orbit.example/wp-json/" />'
JSON = '<link rel="alternate" title="JSON" type="application/json" href="https://orbit.example/wp-json/wp/v2/posts/123" />'
SHORT = "<link rel='shortlink' href='https://orbit.example/?p=123' />"
KEY = "https://orbit.example/?p=123"


def named(*links: str, url: str = PAGE, **headers: str) -> str | None:
    body = f"<!doctype html><html><head><title>t</title>{''.join(links)}</head><body>b</body></html>"
    return shortlink.of_page(headers, body.encode(), url)


@pytest.mark.parametrize(
    "links",
    [
        (ROOT, SHORT),
        (ROOT, JSON),
        (SHORT, JSON, ROOT),
        (ROOT.replace('"', ""), SHORT.replace("'", "")),
        (ROOT, "<link rel='shortlink' href='https://wp.me/p1-1Z' />", JSON),
        (ROOT.replace("https://orbit", "//www.orbit"), "<link href='/?p=123' rel=SHORTLINK>"),
        (ROOT, "<link rel='alternate' type='application/rss+xml' href='https://orbit.example/feed/'>", JSON),
        (ROOT, JSON.replace("/posts/", "/episode-notes/")),
    ],
)
def test_a_page_of_wordpress_names_its_number(links: tuple[str, ...]):
    assert named(*links) == KEY


def test_a_header_names_it_too():
    header = (
        '<https://orbit.example/wp-json/>; rel="https://api.w.org/", '
        '<https://orbit.example/wp-json/wp/v2/posts/123>; rel="alternate"; title="JSON, all"; type="application/json", '
        "<https://wp.me/p1-1Z>; rel=shortlink"
    )
    assert named(link=header) == KEY
    assert named(SHORT, link='<https://orbit.example/wp-json/>; rel="https://api.w.org/"') == KEY


def test_a_site_in_a_folder_is_named_with_it():
    links = (ROOT.replace("/wp-json", "/blog/wp-json"), SHORT.replace("/?p", "/blog/?p"))
    assert named(*links, url="https://orbit.example/blog/chips") == "https://orbit.example/blog/?p=123"


@pytest.mark.parametrize(
    "links",
    [
        (SHORT, JSON),
        (ROOT,),
        (ROOT, JSON.replace("/posts/", "/categories/")),
        (ROOT, JSON.replace("/posts/", "/users/")),
        (ROOT, SHORT.replace("orbit", "moon")),
        (ROOT.replace("orbit", "moon"), SHORT.replace("orbit", "moon")),
        (ROOT, SHORT.replace("p=123", "p=chips")),
        (ROOT.replace("wp-json/", "?rest_route=/"), SHORT),
        ("<!-- " + "x" * 300_000 + " -->", ROOT, SHORT),
    ],
    ids=["no api", "no number", "a category", "an author", "another site's", "all another site's", "no digits",
         "no readable addresses", "too far down"],
)  # fmt: skip
def test_what_is_not_said_is_not_guessed(links: tuple[str, ...]):
    assert named(*links) is None


def test_it_is_read_as_a_guid_is():
    found = named(ROOT, SHORT)
    assert found
    assert wordpress.thread_of(found) == wordpress.thread_of("http://www.orbit.example/?p=123")


@given(st.text(), st.text(), st.text())
def test_no_text_breaks_the_search(header: str, href: str, url: str):
    named(ROOT.replace("https://orbit.example/wp-json/", href), SHORT, url=url, link=header)
    shortlink.of_page({"link": f'<{href}>; rel="https://api.w.org/"'}, href.encode("utf-8", "replace"), PAGE)
