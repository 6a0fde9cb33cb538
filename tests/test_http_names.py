"""Look-ups of host names: who waits for them, and for how long."""

import asyncio
import socket
import threading
import time
from collections.abc import Iterator
from datetime import timedelta

import pytest

from aggregator import http
from aggregator.config import Config
from aggregator.http import fetch_one, names
from aggregator.http.response import TransferFailed
from aggregator.http.shards import fetch_shard
from aggregator.model import DueFeed, Failure, Fetched, HostBatch, PollOutcome, Request, Shard
from tests.feedserver import FeedServer

LOCAL = Config(allow_private_hosts=True)


@pytest.fixture
def hanging(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Let look-ups of names that start with "hang" hang, as where a name server is silent."""
    over = threading.Event()
    monkeypatch.setattr(names, "LONGEST", 0.3)

    def look_up(name: str, _: int) -> list[str]:
        if name.startswith("hang"):
            over.wait(30)
        return ["127.0.0.1"]

    monkeypatch.setattr(names, "look_up", look_up)
    yield
    over.set()


def shard(*urls: str) -> Shard:
    due = [
        DueFeed(feed_id=number, listed_url=url, fetch_url=url, domain=f"{number}.example")
        for number, url in enumerate(urls)
    ]
    return Shard(
        batches=tuple(HostBatch(domain=feed.domain, feeds=(feed,), spacing=timedelta()) for feed in due)
    )


def answers(*urls: str) -> list[object]:
    """Return what became of each."""
    found: dict[int, object] = {}

    def read(feed: DueFeed, answer: Fetched | object) -> PollOutcome:
        found[feed.feed_id] = answer
        return PollOutcome(feed=feed, result=Failure(kind="Read", detail="", url=feed.fetch_url))

    fetch_shard(LOCAL, shard(*urls), read)
    return [found[number] for number in range(len(urls))]


def test_a_name_that_cannot_be_asked_for_is_said_at_once(monkeypatch: pytest.MonkeyPatch):
    def look_up(name: str, _: int) -> list[str]:
        raise ValueError("label too long")

    monkeypatch.setattr(names, "look_up", look_up)
    started = time.monotonic()
    answer = fetch_one(LOCAL, Request(url="http://odd.example/"))
    assert isinstance(answer, Failure)
    assert "label too long" in answer.detail
    assert time.monotonic() - started < 2


@pytest.mark.usefixtures("hanging")
def test_a_look_up_takes_no_longer_than_the_whole_request_may(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(names, "LONGEST", 20.0)
    monkeypatch.setattr(http, "TOTAL", 0.3)
    started = time.monotonic()
    assert isinstance(fetch_one(LOCAL, Request(url="http://hang.example/")), Failure)
    assert time.monotonic() - started < 3


@pytest.mark.usefixtures("hanging")
def test_a_look_up_that_hangs_ends_with_its_time_and_holds_up_neither_others_nor_the_end():
    with FeedServer() as server:
        server.serve("/", b"<rss/>")
        started = time.monotonic()
        *hung, good = answers(
            *(f"http://hang{number}.example/" for number in range(40)),
            f"http://good.example:{server.port}/",
        )
        assert time.monotonic() - started < 5
    assert isinstance(good, Fetched)
    failures = [answer for answer in hung if isinstance(answer, Failure)]
    assert (len(failures), {failure.kind for failure in failures}) == (40, {"ConnectionFailed"})
    assert failures[0].detail == "Could not resolve host: hang0.example (no answer in time)"


@pytest.mark.usefixtures("hanging")
def test_a_name_is_looked_up_once_in_a_session(monkeypatch: pytest.MonkeyPatch):
    asked = []
    monkeypatch.setattr(names, "look_up", lambda name, port: asked.append((name, port)) or ["127.0.0.1"])

    async def three() -> list[list[str]]:
        known = names.Names()
        urls = ("http://a.example/1", "http://a.example/2", "https://a.example/")
        return [await known.pinned(url) for url in urls]

    pinned = [["a.example:80:127.0.0.1"], ["a.example:80:127.0.0.1"], ["a.example:443:127.0.0.1"]]
    assert asyncio.run(three()) == pinned
    assert asked == [("a.example", 80), ("a.example", 443)]


@pytest.mark.parametrize(
    "url",
    ["http://127.0.0.1/", "http://[::1]:80/", "http://2130706433/", "http://0x7f.1/", "http://127.0.0.1./"],
)
def test_a_literal_address_is_not_looked_up(url: str, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(names, "look_up", lambda *_: pytest.fail("looked up"))
    assert asyncio.run(names.Names().pinned(url)) == []


def test_all_addresses_of_a_name_are_told_but_those_with_a_zone(monkeypatch: pytest.MonkeyPatch):
    found = ["2001:db8::1", "fe80::1%eth0", "192.0.2.1"]
    monkeypatch.setattr(names, "look_up", lambda *_: found)
    pinned = asyncio.run(names.Names().pinned("http://a.example:8000/"))
    assert pinned == ["a.example:8000:[2001:db8::1],192.0.2.1"]
    monkeypatch.setattr(names, "look_up", lambda *_: found[1:2])
    assert asyncio.run(names.Names().pinned("http://a.example:8000/")) == []


def test_a_name_without_address_is_a_failure_that_says_so(monkeypatch: pytest.MonkeyPatch):
    def look_up(*_: object) -> list[str]:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(names, "look_up", look_up)
    with pytest.raises(
        TransferFailed, match=r"^Could not resolve host: a\.example \(Name or service not known\)$"
    ):
        asyncio.run(names.Names().pinned("http://a.example/"))
    answer = fetch_one(LOCAL, Request(url="http://a.example/"))
    assert isinstance(answer, Failure)
    assert (answer.kind, answer.status) == ("ConnectionFailed", None)


def test_the_machines_own_names_are_found():
    assert "127.0.0.1" in names.look_up("localhost", 80)
