"""What a feed reader and a browser see, from our server and from nginx as docs/deploy.md sets it up."""

import gzip
import os
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import brotli
import pytest

from aggregator.model import Document
from aggregator.publish.write import write
from tests import webservers
from tests.webservers import Answer, ask

ATOM = b"<feed>" + b"<entry>one and another</entry>" * 1000 + b"</feed>"
PAGE = b"<!doctype html><title>How to subscribe</title>"
TOKEN = "Ab-_567890123456789012"
FILES = {
    "atom.xml": ATOM, "rss.xml": b"<rss/>", "hot.rss.xml": b"<rss/>", "feed.json": b"{}", "style.css": b"a{}",
    "icon.svg": b"<svg/>", "subscribe.opml": b"<opml/>", "sitemap.xml": b"<urlset/>", "index.html": b"<!doctype html>",
    "subscribe.html": PAGE, "category/ai/index.html": b"ai", "category/ai/atom.xml": b"<feed>ai</feed>",
    f"{TOKEN}/atom.xml": b"<feed/>", f"{TOKEN}/subscribe.html": PAGE + b"private", "entries/1.html": b"one",
    "icon.png": b"png", "favicon.ico": b"ico", "robots.txt": b"User-agent: *", "days/2026-11-24.sitemap.xml": b"<urlset/>",
    ".demo": b"hidden", "entries/.secret/x.xml": b"hidden",
}  # fmt: skip
BROWSER = {
    "Sec_Fetch_Dest": "document",
    "Accept": "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8",
}
READER = {"Accept": "application/atom+xml, text/html;q=0.5, */*;q=0.1"}


@pytest.fixture(scope="module")
def output(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("site")
    output = folder / "output"
    documents = [Document(path=name, media_type="", body=body) for name, body in FILES.items()]
    write(output, documents)
    (folder / "store.sqlite").write_bytes(b"secret")
    (output / "leak.xml").symlink_to(folder / "store.sqlite")
    (output / "out").symlink_to(folder)
    (output / "entries/1.html.gz").symlink_to(folder / "store.sqlite")
    os.mkfifo(output / "pipe.xml")
    return output


@pytest.fixture(scope="module", params=["ours", "nginx"])
def port(
    request: pytest.FixtureRequest, output: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[int]:
    if request.param == "nginx" and not webservers.NGINX:
        pytest.skip("nginx is not installed")
    with ExitStack() as stack:
        if request.param == "ours":
            yield stack.enter_context(webservers.ours(output, visibility="public"))
        else:
            yield stack.enter_context(webservers.nginx(output, tmp_path_factory.mktemp("nginx") / "run"))


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("/atom.xml", "application/atom+xml; charset=utf-8"),
        ("/category/ai/atom.xml", "application/atom+xml; charset=utf-8"),
        ("/rss.xml", "application/rss+xml; charset=utf-8"),
        ("/hot.rss.xml", "application/rss+xml; charset=utf-8"),
        ("/feed.json", "application/feed+json; charset=utf-8"),
        ("/subscribe.opml", "text/x-opml; charset=utf-8"),
        ("/sitemap.xml", "application/xml; charset=utf-8"),
        ("/style.css", "text/css; charset=utf-8"),
        ("/icon.svg", "image/svg+xml"),
        ("/icon.png", "image/png"),
        ("/favicon.ico", "image/vnd.microsoft.icon"),
        ("/robots.txt", "text/plain"),
        ("/days/2026-11-24.sitemap.xml", "application/xml; charset=utf-8"),
        ("/", "text/html; charset=utf-8"),
        ("/entries/1.html", "text/html; charset=utf-8"),
    ],
)
def test_each_document_has_the_media_type_that_is_needed(port: int, path: str, kind: str):
    answer = ask(port, path)
    assert (answer.status, answer.headers["Content-Type"]) == (200, kind)


def test_what_is_known_is_answered_304_without_a_body(port: int):
    first = ask(port, "/atom.xml")
    assert (first.status, first.body) == (200, ATOM)
    for known in (
        {"If_None_Match": first.headers["ETag"]},
        {"If_Modified_Since": first.headers["Last-Modified"]},
    ):
        again = ask(port, "/atom.xml", **known)
        assert (again.status, again.body) == (304, b"")
        assert again.headers["ETag"] == first.headers["ETag"]
    assert ask(port, "/atom.xml", If_None_Match='"another"').status == 200
    assert ask(port, "/atom.xml", If_Modified_Since="Thu, 01 Jan 1970 00:00:00 GMT").status == 200


def test_an_etag_outranks_a_date(port: int):
    modified = ask(port, "/atom.xml").headers["Last-Modified"]
    assert ask(port, "/atom.xml", If_None_Match='"another"', If_Modified_Since=modified).status == 200


def test_head_is_a_get_without_its_body(port: int):
    head, whole = ask(port, "/atom.xml", "HEAD"), ask(port, "/atom.xml")
    assert (head.status, head.body) == (200, b"")
    for name in ("Content-Length", "Content-Type", "ETag", "Last-Modified"):
        assert head.headers[name] == whole.headers[name]
    assert head.headers["Content-Length"] == str(len(ATOM))


@pytest.mark.parametrize(
    ("asked", "start", "end"),
    [("bytes=0-5", 0, 6), ("bytes=6-", 6, len(ATOM)), ("bytes=-7", len(ATOM) - 7, len(ATOM)),
     ("bytes=29990-99999999", 29990, len(ATOM))],
)  # fmt: skip
def test_a_part_is_sent_as_a_part(port: int, asked: str, start: int, end: int):
    part = ask(port, "/atom.xml", Range=asked)
    assert (part.status, part.body) == (206, ATOM[start:end])
    assert part.headers["Content-Range"] == f"bytes {start}-{end - 1}/{len(ATOM)}"


def test_a_part_beyond_the_end_is_refused(port: int):
    beyond = ask(port, "/atom.xml", Range="bytes=99999999-")
    assert (beyond.status, beyond.headers["Content-Range"]) == (416, f"bytes */{len(ATOM)}")


def test_the_rest_of_another_version_is_never_sent(port: int):
    etag = ask(port, "/atom.xml").headers["ETag"]
    assert ask(port, "/atom.xml", Range="bytes=6-", If_Range=etag).status == 206
    whole = ask(port, "/atom.xml", Range="bytes=6-", If_Range='"another"')
    assert (whole.status, whole.body) == (200, ATOM)


def test_who_takes_gzip_gets_the_copy_with_an_etag_of_its_own(port: int):
    plain, packed = ask(port, "/atom.xml"), ask(port, "/atom.xml", Accept_Encoding="gzip, deflate")
    assert packed.headers["Content-Encoding"] == "gzip"
    assert len(packed.body) < len(ATOM) / 10
    assert gzip.decompress(packed.body) == ATOM
    assert packed.headers["Content-Type"] == plain.headers["Content-Type"]
    assert packed.headers["ETag"] != plain.headers["ETag"]
    assert packed.headers["Last-Modified"] == plain.headers["Last-Modified"]
    assert "Accept-Encoding" in packed.varies()
    again = ask(port, "/atom.xml", Accept_Encoding="gzip", If_None_Match=packed.headers["ETag"])
    assert again.status == 304


@pytest.mark.parametrize("accepted", ["gzip;q=0", "identity", "deflate"])
def test_who_takes_no_gzip_gets_none(port: int, accepted: str):
    answer = ask(port, "/atom.xml", Accept_Encoding=accepted)
    assert (answer.headers["Content-Encoding"], answer.body) == (None, ATOM)


@pytest.mark.parametrize(
    "path", ["/atom.xml", "/rss.xml", "/feed.json", "/category/ai/atom.xml", "/atom.xml?x=1"]
)
def test_a_browser_that_opens_a_feed_sees_the_page_about_feeds(port: int, path: str):
    answer = ask(port, path, **BROWSER)
    assert (answer.status, answer.body) == (200, PAGE)
    assert answer.headers["Content-Type"] == "text/html; charset=utf-8"
    assert {"Accept", "Sec-Fetch-Dest"} <= answer.varies()


def test_under_a_private_path_the_page_is_that_of_the_path(port: int):
    assert ask(port, f"/{TOKEN}/atom.xml", **BROWSER).body == PAGE + b"private"


@pytest.mark.parametrize(
    "headers",
    [{}, {"Accept": "*/*"}, READER, {"Accept": "text/html"}, {**BROWSER, "Sec_Fetch_Dest": "empty"},
     {**BROWSER, "Accept": "*/*"}],
)  # fmt: skip
def test_everything_else_gets_the_feed(port: int, headers: dict[str, str]):
    answer = ask(port, "/atom.xml", **headers)
    assert (answer.status, answer.body) == (200, ATOM)
    assert {"Accept", "Sec-Fetch-Dest"} <= answer.varies()


def test_a_browser_sees_pages_as_ever(port: int):
    assert ask(port, "/entries/1.html", **BROWSER).body == b"one"
    assert "Sec-Fetch-Dest" not in ask(port, "/entries/1.html", **BROWSER).varies()


@pytest.mark.parametrize("path", ["/", "/atom.xml", "/entries/1.html"])
def test_headers_keep_pages_to_what_they_hold_themselves(port: int, path: str):
    answer = ask(port, path)
    policy = answer.headers["Content-Security-Policy"]
    assert policy.startswith("default-src 'none'; ")
    assert "unsafe" not in policy
    assert "frame-ancestors 'none'" in policy
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert answer.headers["Referrer-Policy"] == "strict-origin-when-cross-origin"
    assert answer.headers["Cross-Origin-Opener-Policy"] == "same-origin"
    assert answer.headers["Cache-Control"] == "public, max-age=60"


def test_a_folder_is_its_index_behind_a_slash(port: int):
    assert ask(port, "/category/ai/").body == b"ai"
    answer = ask(port, "/category/ai")
    assert answer.status == 301
    assert answer.headers["Location"] in {"./ai/", "/category/ai/"}


@pytest.mark.parametrize(
    "path",
    [
        "/../store.sqlite", "/%2e%2e/store.sqlite", "/..%2fstore.sqlite", "/%252e%252e/store.sqlite",
        "/%2e%2e%2fstore.sqlite", "/..%5cstore.sqlite", "/entries/../../store.sqlite", "/entries/..%2f..%2fstore.sqlite",
        "/out/store.sqlite", "/out", "/leak.xml", "/entries/1.html.gz", "/atom.xml.gz",
        "/.demo", "/%2edemo", "/entries/.secret/x.xml", "/entries/", "/none", "/none/atom.xml/", "/atom.xml/", "/atom.xml/x",
        "/a%00b", "/atom.xml%00", "/%ff", "/%ed%a0%80", "//etc/passwd", "/" + "x" * 300, "/" + "x/" * 1500, "/pipe.xml",
        "http://x/../store.sqlite",
    ],
)  # fmt: skip
@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_nothing_outside_or_hidden_is_served(port: int, path: str, method: str):
    answer = ask(port, path, method, Accept_Encoding="gzip, br")
    assert answer.status in {400, 403, 404}
    assert b"secret" not in answer.body
    assert b"hidden" not in answer.body


def test_nginx_calls_every_page_gone_that_is_not_there(port: int):
    ours = ask(port, "/atom.xml").headers["Server"] == "aggregator"
    for folder in ("", f"/{TOKEN}"):
        answer = ask(port, f"{folder}/entries/2026/01/0123abcd.html")
        assert answer.status == (404 if ours else 410)
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert ask(port, "/entries/1.html").body == b"one"


def test_a_copy_that_leads_elsewhere_is_no_copy(port: int):
    answer = ask(port, "/entries/1.html", Accept_Encoding="gzip")
    assert b"secret" not in answer.body


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE"])
def test_nothing_is_written(port: int, method: str):
    assert ask(port, "/atom.xml", method, Content_Length="0").status == 405


def test_what_a_server_has_to_answer_is_handed_on(port: int):
    ours = ask(port, "/atom.xml").headers["Server"] == "aggregator"
    assert ask(port, "/websub/token").status == (
        404 if ours else 502
    )  # nothing listens behind nginx here, and no hub knows us


def test_our_server_prefers_brotli(output: Path):
    with webservers.ours(output) as port:
        answer: Answer = ask(port, "/atom.xml", Accept_Encoding="gzip, deflate, br")
    assert answer.headers["Content-Encoding"] == "br"
    assert brotli.decompress(answer.body) == ATOM
