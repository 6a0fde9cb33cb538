"""The callback over a real socket, and the spool behind it."""

import http.client
import socket
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlite_utils import Database

from aggregator.config import Config
from aggregator.model import HubDelivery, HubNotice, ParsedFeed, Subscription
from aggregator.serve import Server, hubs
from aggregator.store import feeds, open_store, websub
from aggregator.websub import callback, spool
from tests.hub import call, signed

NOW = datetime(2026, 11, 24, 6, 0, tzinfo=UTC)
TOPIC = "https://a.example/feed"
QUERY = "?hub.mode=subscribe&hub.topic=https%3A%2F%2Fa.example%2Ffeed&hub.challenge=abc&hub.lease_seconds=60"


@pytest.fixture
def config(tmp_path: Path) -> Config:
    return Config(
        store=tmp_path / "store.sqlite", output=tmp_path / "output", listen="127.0.0.1:0",
        visibility="public", base_url="http://127.0.0.1/", contact="a@example.jp", allow_private_hosts=True,
    )  # fmt: skip


@pytest.fixture
def db(config: Config) -> Iterator[Database]:
    store = open_store(config.store)
    feeds.sync(store, [Subscription(url=TOPIC)], NOW)
    parsed = ParsedFeed(
        title="", site_url=None, language=None, entries=(), hub_url="https://h.example/", self_url=TOPIC
    )
    websub.note_links(store, 1, parsed, NOW)
    yield store
    store.close()


@pytest.fixture
def secret(db: Database) -> str:
    return next(db.query("SELECT secret FROM websub"))["secret"]


@pytest.fixture
def url(config: Config, db: Database) -> Iterator[str]:
    (token,) = db.execute("SELECT token FROM websub").fetchone()
    with Server(config) as server:
        yield f"http://127.0.0.1:{server.port}/websub/{token}"


def events(config: Config) -> list[spool.Event | None]:
    return [spool.read(path) for path in spool.waiting(config)]


def test_what_a_hub_says_waits_in_the_spool(url: str, secret: str, config: Config):
    assert call("GET", url + QUERY) == (200, b"abc")
    assert call("POST", url, b"\n<rss/>\n\xff", signed(secret, b"\n<rss/>\n\xff"))[0] == 202
    assert events(config) == [
        HubNotice(lease_id=1, mode="subscribe", lasts=timedelta(minutes=1)),
        HubDelivery(lease_id=1, content_type="application/rss+xml", body=b"\n<rss/>\n\xff"),
    ]
    assert spool.folder(config).stat().st_mode & 0o777 == 0o700


def test_a_challenge_is_echoed_as_octets_that_nothing_sniffs(url: str):
    parts = url.removeprefix("http://").partition("/")
    connection = http.client.HTTPConnection(parts[0], timeout=10)
    connection.request("GET", f"/{parts[2]}{QUERY}")
    answer = connection.getresponse()
    connection.close()
    assert answer.getheader("Content-Type") == "application/octet-stream"
    assert answer.getheader("X-Content-Type-Options") == "nosniff"


def test_a_server_answers_while_no_round_has_the_store_open(url: str, db: Database):
    db.close()
    assert call("GET", url + QUERY) == (200, b"abc")


def test_a_body_beyond_the_limit_is_not_kept(
    url: str, secret: str, config: Config, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(callback, "MAX_BODY", 1000)
    large = b"x" * 1001
    assert call("POST", url, large, signed(secret, large))[0] == 413
    chunked = signed(secret, large) | {"Transfer-Encoding": "chunked"}
    assert call("POST", url, b"3e9\r\n" + large + b"\r\n0\r\n\r\n", chunked)[0] == 413
    fits = b"x" * 1000
    assert call("POST", url, fits, signed(secret, fits))[0] == 202
    assert len(events(config)) == 1


def test_a_packed_body_is_refused(url: str, secret: str, config: Config):
    headers = signed(secret, b"x") | {"Content-Encoding": "gzip"}
    assert call("POST", url, b"x", headers)[0] == 415
    assert events(config) == []


def test_a_body_that_drips_is_cut_off(url: str, secret: str, config: Config, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(hubs, "_DELIVERY", 0.2)
    address, _, path = url.removeprefix("http://").partition("/")
    host, _, port = address.partition(":")
    with socket.create_connection((host, int(port)), timeout=10) as connection:
        connection.sendall(f"POST /{path} HTTP/1.1\r\nHost: a\r\nContent-Length: 50\r\n\r\n<rss".encode())
        assert connection.recv(100).startswith(b"HTTP/1.1 408")
    assert events(config) == []


def test_a_hub_that_hangs_up_leaves_nothing(url: str, config: Config):
    address, _, path = url.removeprefix("http://").partition("/")
    host, _, port = address.partition(":")
    with socket.create_connection((host, int(port)), timeout=10) as connection:
        connection.sendall(f"POST /{path} HTTP/1.1\r\nHost: a\r\nContent-Length: 50\r\n\r\n<rss".encode())
    assert call("GET", url + QUERY)[0] == 200
    assert len(events(config)) == 1


def test_one_lease_fills_no_more_than_its_part_of_the_spool(url: str, secret: str, config: Config):
    for _ in range(spool.MAX_FILES):
        assert call("POST", url, b"x", signed(secret, b"x"))[0] == 202
    assert call("POST", url, b"x", signed(secret, b"x"))[0] == 503
    assert call("GET", url + QUERY)[0] == 503
    assert spool.put(config, HubNotice(lease_id=2, mode="denied"))


def test_all_leases_together_fill_no_more_than_the_spool(config: Config, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(spool, "MAX_BYTES", 300)
    assert spool.put(config, HubDelivery(lease_id=1, content_type=None, body=b"x" * 200))
    assert not spool.put(config, HubDelivery(lease_id=2, content_type=None, body=b"x" * 200))


def test_a_store_that_cannot_be_read_is_a_503(tmp_path: Path, config: Config):
    with Server(config) as server:
        url = f"http://127.0.0.1:{server.port}/websub/token"
        assert call("GET", url + QUERY)[0] == 503
        assert not config.store.exists()
        config.store.write_bytes(b"no database at all, but long enough to be read as one" * 20)
        assert call("POST", url, b"x")[0] == 503


def test_a_site_that_hubs_cannot_reach_has_no_callback(config: Config, tmp_path: Path):
    private = Config(store=config.store, output=tmp_path / "output", listen="127.0.0.1:0")
    with Server(private) as server:
        assert call("GET", f"http://127.0.0.1:{server.port}/websub/token{QUERY}")[0] == 404
        assert call("POST", f"http://127.0.0.1:{server.port}/websub/token", b"x")[0] == 405
