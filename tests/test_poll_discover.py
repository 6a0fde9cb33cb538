"""Autodiscovery: the feeds a page names."""

import pytest

from aggregator.poll.discover import FeedLink, feed_links

URL = "https://quillon.example/blog/index.html"


def _page(head: str) -> bytes:
    return f"<!DOCTYPE html><html><head><title>Quillon</title>{head}</head><body>text</body></html>".encode()


def test_feeds_come_absolute_and_in_the_pages_order():
    page = _page(
        """<link rel="stylesheet" href="style.css"><link rel="canonical" href="/">
        <link rel="alternate" type="application/atom+xml" title="News &amp; views" href="../atom.xml">
        <link rel="Alternate HOME" type="application/rss+xml;charset=utf-8" href="//feeds.q.example/rss">
        <link rel="alternate" type="application/feed+json" href="feed.json">"""
    )
    assert feed_links(page, URL) == (
        FeedLink(
            url="https://quillon.example/atom.xml", title="News & views", media_type="application/atom+xml"
        ),
        FeedLink(url="https://feeds.q.example/rss", title="", media_type="application/rss+xml"),
        FeedLink(url="https://quillon.example/blog/feed.json", title="", media_type="application/feed+json"),
    )


def test_feeds_of_comments_come_last():
    page = _page(
        """<link rel="alternate" type="application/rss+xml" title="Comments" href="/c">
        <link rel="alternate" type="application/rss+xml" title="Q" href="/comments/feed/">
        <link rel="alternate" type="application/rss+xml" title="Q" href="/feed/">"""
    )
    assert [link.url.removeprefix("https://quillon.example") for link in feed_links(page, URL)] == [
        "/feed/", "/c", "/comments/feed/",
    ]  # fmt: skip


def test_a_base_element_counts():
    page = _page('<base href="/sub/"><link rel="alternate" type="text/xml" href="rss">')
    assert [link.url for link in feed_links(page, URL)] == ["https://quillon.example/sub/rss"]


def test_a_feed_named_twice_is_one():
    link = '<link rel="alternate" type="application/rss+xml" href="/feed">'
    assert len(feed_links(_page(link * 2), URL)) == 1


@pytest.mark.parametrize(
    "link",
    [
        '<link rel="alternate" type="application/json" href="/wp-json/wp/v2/pages/2">',
        '<link rel="alternate" hreflang="de" href="/de/">',
        '<link rel="alternate stylesheet" type="text/xml" href="/style">',
        '<link rel="alternate" type="application/rss+xml">',
        '<link rel="alternate" type="application/rss+xml" href="javascript:x()">',
        '<!-- <link rel="alternate" type="application/rss+xml" href="/feed"> -->',
        "",
    ],
)
def test_other_links_are_no_feeds(link: str):
    assert feed_links(_page(link), URL) == ()


@pytest.mark.parametrize("page", [b"", b"   ", b"plain", b"\xff\xfe\x00", b"<", b"<!-- -->"])
def test_any_bytes_are_taken(page: bytes):
    assert feed_links(page, URL) == ()


def test_titles_are_read_in_the_pages_encoding():
    head = '<meta charset="{}"><link rel="alternate" type="application/rss+xml" title="技術" href="/feed">'
    for encoding in ("utf-8", "shift_jis", "euc-jp"):
        page = _page(head.format(encoding)).decode().encode(encoding)
        assert [link.title for link in feed_links(page, URL)] == ["技術"]
    assert [link.title for link in feed_links(_page(head.replace('<meta charset="{}">', "")), URL)] == [
        "技術"
    ]
