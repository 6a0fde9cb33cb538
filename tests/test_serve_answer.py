"""What a request is answered, from values alone."""

from datetime import UTC, datetime

import pytest

from aggregator.serve.answer import Form, answer, encodings, is_feed, is_navigation

WRITTEN = 1_795_500_000_123_456_789
DATE = datetime.fromtimestamp(WRITTEN // 10**9, UTC).strftime("%a, %d %b %Y %H:%M:%S GMT")
FORM = Form(size=1000, modified_ns=WRITTEN)
LATER, EARLIER = "Fri, 01 Jan 2100 00:00:00 GMT", "Thu, 01 Jan 1970 00:00:00 GMT"


@pytest.mark.parametrize(
    ("accepted", "expected"),
    [
        ("", []),
        ("gzip", ["gzip"]),
        ("gzip, deflate, br, zstd", ["br", "gzip"]),
        ("GZIP;q=1.0, br;q=0.5", ["br", "gzip"]),
        ("br;q=0, gzip", ["gzip"]),
        ("br; q=0.000, *", ["gzip"]),
        ("*;q=0", []),
        ("identity", []),
        ("brotli, xgzip", []),
        ("gzip;q=nonsense", ["gzip"]),
    ],
)
def test_a_copy_is_sent_to_whoever_takes_it(accepted: str, expected: list[str]):
    assert encodings(accepted) == expected


@pytest.mark.parametrize(
    ("asked", "status"),
    [
        ({}, 200),
        ({"If-None-Match": FORM.etag}, 304),
        ({"If-None-Match": f'"a", W/{FORM.etag}'}, 304),
        ({"If-None-Match": "*"}, 304),
        ({"If-None-Match": '"a"'}, 200),
        ({"If-None-Match": ""}, 200),
        ({"If-Modified-Since": DATE}, 304),
        ({"If-Modified-Since": LATER}, 304),
        ({"If-Modified-Since": EARLIER}, 200),
        ({"If-Modified-Since": "yesterday"}, 200),
        ({"If-Modified-Since": "Thu, 99 Jan 2026 00:00:00 GMT"}, 200),
        ({"If-None-Match": '"a"', "If-Modified-Since": DATE}, 200),
        ({"If-Match": FORM.etag}, 200),
        ({"If-Match": "*"}, 200),
        ({"If-Match": f"W/{FORM.etag}"}, 412),
        ({"If-Match": '"a"'}, 412),
        ({"If-Unmodified-Since": DATE}, 200),
        ({"If-Unmodified-Since": EARLIER}, 412),
        ({"If-Match": FORM.etag, "If-Unmodified-Since": EARLIER}, 200),
    ],
)
def test_conditions_are_judged_as_rfc_9110_says(asked: dict[str, str], status: int):
    assert answer("atom.xml", FORM, asked).status == status


@pytest.mark.parametrize(
    ("asked", "status", "start", "length"),
    [
        ({"Range": "bytes=0-0"}, 206, 0, 1),
        ({"Range": "bytes=10-19"}, 206, 10, 10),
        ({"Range": "bytes=990-"}, 206, 990, 10),
        ({"Range": "bytes=-10"}, 206, 990, 10),
        ({"Range": "bytes=-5000"}, 206, 0, 1000),
        ({"Range": "bytes=1000-"}, 416, 0, 0),
        ({"Range": "bytes=-0"}, 416, 0, 0),
        ({"Range": "bytes=20-10"}, 200, 0, 1000),
        ({"Range": "bytes=-"}, 200, 0, 1000),
        ({"Range": "bytes=0-1,5-6"}, 200, 0, 1000),
        ({"Range": "lines=0-1"}, 200, 0, 1000),
        ({"Range": "bytes=" + "9" * 5000 + "-"}, 200, 0, 1000),
        ({"Range": "bytes=0-9", "If-Range": FORM.etag}, 206, 0, 10),
        ({"Range": "bytes=0-9", "If-Range": f"W/{FORM.etag}"}, 200, 0, 1000),
        ({"Range": "bytes=0-9", "If-Range": DATE}, 206, 0, 10),
        ({"Range": "bytes=0-9", "If-Range": LATER}, 200, 0, 1000),
    ],
)
def test_one_range_is_sent_where_it_fits(asked: dict[str, str], status: int, start: int, length: int):
    given = answer("atom.xml", FORM, asked)
    assert (given.status, given.start, given.length) == (status, start, length)


def test_a_part_of_nothing_is_refused():
    assert answer("a.css", Form(size=0, modified_ns=WRITTEN), {"Range": "bytes=0-"}).status == 416


def test_each_form_has_an_etag_of_its_own_and_one_date():
    packed = [
        answer("a", Form(size=9, modified_ns=WRITTEN, encoding=name), {}) for name in ("", "gzip", "br")
    ]
    assert len({given.headers["ETag"] for given in packed}) == 3
    assert {given.headers["Last-Modified"] for given in packed} == {DATE}
    assert [given.headers.get("Content-Encoding") for given in packed] == [None, "gzip", "br"]


def test_a_304_says_nothing_of_a_body():
    assert set(answer("a", FORM, {"If-None-Match": "*"}).headers) == {"ETag", "Last-Modified"}


def test_feeds_are_what_readers_read():
    names = [
        "atom.xml",
        "x/rss.xml",
        "hot.rss.xml",
        "feed.json",
        "index.html",
        "sitemap.xml",
        "subscribe.opml",
    ]
    assert [is_feed(name) for name in names] == [True] * 4 + [False] * 3


def test_only_a_browsers_window_is_a_navigation():
    browser = {"Sec-Fetch-Dest": "document", "Accept": "text/html,*/*;q=0.8"}
    assert is_navigation(browser)
    assert not is_navigation(browser | {"Accept": "*/*"})
    assert not is_navigation(browser | {"Sec-Fetch-Dest": "empty"})
    assert not is_navigation({"Accept": "text/html"})
