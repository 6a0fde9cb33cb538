"""The server over output/, asked over a real socket."""

import http.client
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from aggregator.config import Config
from aggregator.errors import AggregatorError
from aggregator.serve import Server

ATOM = b"<feed/>" * 300


@pytest.fixture
def port(tmp_path: Path) -> Iterator[int]:
    output = tmp_path / "output"
    (output / "entries").mkdir(parents=True)
    (output / "atom.xml").write_bytes(ATOM)
    (output / "rss.xml").write_bytes(b"<rss/>")
    (output / "feed.json").write_bytes(b"{}")
    (output / "index.html").write_bytes(b"<!doctype html>")
    (output / ".demo").write_bytes(b"hidden")
    (tmp_path / "store.sqlite").write_bytes(b"secret")
    with Server(replace(Config(), output=output, listen="127.0.0.1:0")) as server:
        yield server.port


def _ask(port: int, path: str, method: str = "GET", **headers: str) -> tuple[http.client.HTTPResponse, bytes]:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    connection.putrequest(method, path, skip_accept_encoding=True)
    for name, value in headers.items():
        connection.putheader(name.replace("_", "-"), value)
    connection.endheaders()
    answer = connection.getresponse()
    body = answer.read()
    connection.close()
    return answer, body


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("/atom.xml", "application/atom+xml; charset=utf-8"),
        ("/rss.xml", "application/rss+xml; charset=utf-8"),
        ("/feed.json", "application/feed+json; charset=utf-8"),
        ("/", "text/html; charset=utf-8"),
    ],
)
def test_files_have_the_media_type_readers_need(port: int, path: str, kind: str):
    answer, _ = _ask(port, path)
    assert (answer.status, answer.getheader("Content-Type")) == (200, kind)
    assert answer.getheader("X-Content-Type-Options") == "nosniff"


def test_a_known_etag_or_date_is_answered_304(port: int):
    first, body = _ask(port, "/atom.xml")
    assert body == ATOM
    assert _ask(port, "/atom.xml", If_None_Match=first.getheader("ETag") or "")[0].status == 304
    assert _ask(port, "/atom.xml", If_Modified_Since=first.getheader("Last-Modified") or "")[0].status == 304


def test_head_and_range_are_answered(port: int):
    head, body = _ask(port, "/atom.xml", "HEAD")
    assert (head.status, head.getheader("Content-Length"), body) == (200, str(len(ATOM)), b"")
    part, body = _ask(port, "/atom.xml", Range="bytes=0-6")
    assert (part.status, body) == (206, b"<feed/>")


@pytest.mark.parametrize(
    "path",
    [
        "/../store.sqlite",
        "/%2e%2e/store.sqlite",
        "/..%2fstore.sqlite",
        "/.demo",
        "/entries/",
        "/none",
        "/a%00b",
        "//etc/passwd",
    ],
)
def test_nothing_outside_or_hidden_is_served(port: int, path: str):
    answer, body = _ask(port, path)
    assert answer.status in {400, 403, 404}
    assert b"secret" not in body
    assert b"hidden" not in body


def test_health_is_said(port: int):
    assert _ask(port, "/healthz")[0].status == 200


def test_a_busy_address_is_one_clear_line(port: int, tmp_path: Path):
    with (
        pytest.raises(AggregatorError) as caught,
        Server(replace(Config(), output=tmp_path, listen=f"127.0.0.1:{port}")),
    ):
        pass
    assert str(caught.value) == (
        f"cannot listen on 127.0.0.1:{port} (Address already in use); "
        "another address: --set listen=127.0.0.1:PORT"
    )


def test_a_private_feed_is_kept_out_of_indexes_and_referrers(tmp_path: Path):
    (tmp_path / "token").mkdir()
    (tmp_path / "token" / "atom.xml").write_bytes(ATOM)
    config = replace(Config(), output=tmp_path, listen="127.0.0.1:0", visibility="private")
    with Server(config) as server:
        answer, _ = _ask(server.port, "/token/atom.xml")
    assert answer.getheader("X-Robots-Tag") == "noindex, nofollow"
    assert answer.getheader("Referrer-Policy") == "no-referrer"
