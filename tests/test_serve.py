"""The server over output/, asked over a real socket: what nginx has no part in. See test_serve_files.py too."""

import os
import socket
import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from aggregator.config import Config
from aggregator.errors import AggregatorError
from aggregator.model import Document
from aggregator.publish.write import write
from aggregator.serve import Server, documents
from tests import webservers
from tests.test_serve_files import BROWSER
from tests.webservers import ask

ATOM = b"<feed/>" * 3000
LARGE = b"0123456789abcdef" * 1_000_000  # more than sockets hold for a client that does not read


@pytest.fixture
def port(tmp_path: Path) -> Iterator[int]:
    write(tmp_path, [Document(path="atom.xml", media_type="", body=ATOM)])
    with webservers.ours(tmp_path) as port:
        yield port


def test_other_settings_are_answered_by_without_a_client_turned_away(tmp_path: Path):
    write(tmp_path, [Document(path="atom.xml", media_type="", body=ATOM)])
    config = Config(output=tmp_path, store=tmp_path / ".none.sqlite", listen="127.0.0.1:0")
    statuses: list[int] = []
    asked = threading.Event()
    asked.set()
    with Server(config) as server:
        assert ask(server.port, "/search?q=x").status == 503

        def keep_asking() -> None:
            while asked.is_set():
                statuses.append(ask(server.port, "/atom.xml").status)

        asking = threading.Thread(target=keep_asking)
        asking.start()
        for _ in range(4):
            server.adopt(replace(config, search=False))
        asked.clear()
        asking.join()
        assert ask(server.port, "/search?q=x").status == 404
    assert len(statuses) > 100
    assert {*statuses} == {200}


def _started(port: int, path: str) -> socket.socket:
    """Ask, and read no more than the beginning of the answer."""
    client = socket.socket()
    client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    client.settimeout(10)
    client.connect(("127.0.0.1", port))
    client.sendall(f"GET {path} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
    assert client.recv(15, socket.MSG_WAITALL) == b"HTTP/1.1 200 OK"
    return client


def _rest(client: socket.socket) -> bytes:
    received = bytearray()
    while chunk := client.recv(1 << 16):
        received += chunk
    return bytes(received)


def test_health_is_said(port: int):
    answer = ask(port, "/healthz")
    assert (answer.status, answer.body, answer.headers["Cache-Control"]) == (200, b"ok\n", "no-store")
    assert ask(port, "/healthz", "HEAD").status == 200


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


def test_a_private_feed_is_kept_out_of_indexes_caches_and_referrers(tmp_path: Path):
    write(tmp_path / "token", [Document(path="atom.xml", media_type="", body=ATOM)])
    with webservers.ours(tmp_path, visibility="private") as port:
        answers = [ask(port, "/token/atom.xml"), ask(port, "/token/none")]
    for answer in answers:
        assert answer.headers["X-Robots-Tag"] == "noindex, nofollow"
        assert answer.headers["Referrer-Policy"] == "no-referrer"
        assert answer.headers["Cache-Control"] == "private, no-cache"


def test_here_every_look_shows_what_is_there(port: int):
    assert ask(port, "/atom.xml").headers["Cache-Control"] == "no-cache"


def test_a_copy_of_another_age_than_its_document_is_left_aside(port: int, tmp_path: Path):
    os.utime(tmp_path / "atom.xml", (1, 1))
    answer = ask(port, "/atom.xml", Accept_Encoding="gzip, br")
    assert (answer.headers["Content-Encoding"], answer.body) == (None, ATOM)


def test_a_browser_gets_the_feed_where_there_is_no_page_about_feeds(port: int):
    assert ask(port, "/atom.xml", **BROWSER).body == ATOM


def test_a_changed_document_has_another_etag_though_its_size_and_second_are_the_same(
    port: int, tmp_path: Path
):
    first = ask(port, "/atom.xml").headers["ETag"]
    document = tmp_path / "atom.xml"
    document.write_bytes(ATOM.swapcase())
    os.utime(document, ns=(0, document.stat().st_mtime_ns // 10**9 * 10**9 + 1))
    assert ask(port, "/atom.xml", If_None_Match=first).status == 200


@pytest.mark.skipif(os.geteuid() == 0, reason="root reads everything")
def test_what_may_not_be_read_is_not_there(port: int, tmp_path: Path):
    (tmp_path / "atom.xml").chmod(0)
    assert ask(port, "/atom.xml").status == 404


@pytest.mark.parametrize("size", [200_000, len(LARGE)])
def test_a_request_under_way_is_finished_before_the_server_ends(tmp_path: Path, size: int):
    (tmp_path / "large.bin").write_bytes(LARGE[:size])
    with webservers.ours(tmp_path) as port:
        client = _started(port, "/large.bin")
        received: list[bytes] = []

        def read_late() -> None:
            time.sleep(0.3)  # the server is ending by now
            received.append(_rest(client))

        reader = threading.Thread(target=read_late)
        reader.start()
    reader.join()
    client.close()
    assert received[0].partition(b"\r\n\r\n")[2] == LARGE[:size]


def test_a_client_that_takes_nothing_is_let_go(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(documents, "_STALL", 0.2)
    (tmp_path / "large.bin").write_bytes(LARGE)
    with webservers.ours(tmp_path) as port:
        with _started(port, "/large.bin") as client:
            time.sleep(0.6)
            assert len(_rest(client)) < len(LARGE)
        assert ask(port, "/healthz").status == 200


def test_a_client_that_goes_away_is_no_error(tmp_path: Path, caplog: pytest.LogCaptureFixture):
    (tmp_path / "large.bin").write_bytes(LARGE)
    with webservers.ours(tmp_path) as port, caplog.at_level("DEBUG", "aggregator.serve.documents"):
        _started(port, "/large.bin").close()
        for _ in range(100):
            if caplog.messages:
                break
            time.sleep(0.02)
    assert caplog.messages == ["client_gone path=/large.bin"]


def test_nobody_is_waited_for_who_asks_nothing(tmp_path: Path):
    with webservers.ours(tmp_path) as port:
        client = socket.create_connection(("127.0.0.1", port), timeout=5)
        time.sleep(0.2)  # until it is taken
        began = time.monotonic()
    assert time.monotonic() - began < 2
    client.close()
