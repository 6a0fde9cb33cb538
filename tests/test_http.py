"""The wire: what is asked, what is taken, what is refused."""

import asyncio
import gzip
import itertools
import socket
import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any
from urllib.parse import parse_qsl

import pytest

from aggregator import __version__, http, urls
from aggregator.config import Config
from aggregator.http import addresses, curl, fetch_one, shards, turns
from aggregator.http.post import post_form
from aggregator.http.shards import fetch_shard
from aggregator.model import (
    DueFeed,
    Failure,
    Fetched,
    HostBatch,
    NotModified,
    PollOutcome,
    Request,
    Shard,
)
from tests.feedserver import Answer, FeedServer, Write
from tests.names import give_addresses

LOCAL = Config(allow_private_hosts=True, contact="https://aggregator.example/about")
RSS = b"<rss version='2.0'><channel><title>t</title></channel></rss>"


@pytest.fixture
def server() -> Iterator[FeedServer]:
    with FeedServer(hosts=3) as running:
        yield running


def ask(url: str, config: Config = LOCAL, **options: Any) -> Fetched | NotModified | Failure:
    return fetch_one(config, Request(url=url, **options))


def failed(url: str, config: Config = LOCAL, **options: Any) -> Failure:
    answer = ask(url, config, **options)
    assert isinstance(answer, Failure)
    return answer


def fetched(url: str, **options: Any) -> Fetched:
    answer = ask(url, **options)
    assert isinstance(answer, Fetched), answer
    return answer


# --- asking -------------------------------------------------------------------------------------------------


def test_a_request_says_who_asks(server: FeedServer):
    fetched(server.serve("/feed", RSS), accept="text/xml")
    headers = server.requests[0].headers
    assert headers["user-agent"] == f"aggregator/{__version__} (+https://aggregator.example/about)"
    assert headers["accept"] == "text/xml"
    assert headers["accept-encoding"] == "gzip, deflate, br, zstd"
    assert "cookie" not in headers
    assert "if-none-match" not in headers


KEYED = (("Authorization", "Bearer k-123"), ("User-Agent", "python:aggregator:0 (by /u/acme)"))


def test_headers_of_a_request_are_sent_over_our_own(server: FeedServer):
    fetched(server.serve("/api", b"{}"), headers=KEYED)
    headers = server.requests[0].headers
    assert headers["authorization"] == "Bearer k-123"
    assert headers["user-agent"] == "python:aggregator:0 (by /u/acme)"
    assert "k-123" not in repr(Request(url="https://api.example/", headers=KEYED))


def test_a_redirect_carries_a_requests_headers_within_its_origin_only(server: FeedServer):
    server.serve("/end", b"{}")
    server.script("/api", redirect(302, "/here"))
    server.script("/here", redirect(302, server.url("/end", host=2)))
    fetched(server.url("/api"), headers=KEYED)
    sent = [request.headers.get("authorization") for request in server.requests]
    assert sent == ["Bearer k-123", "Bearer k-123", None]
    assert "u/acme" not in server.requests[2].headers["user-agent"]


def test_a_request_with_a_body_is_posted_and_follows_no_redirect(server: FeedServer):
    said = {
        "headers": (("Content-Type", "application/json"), ("Authorization", "Bearer t")),
        "body": b'{"n": 1}',
    }
    server.script("/graphql", Answer(b"{}", content_type="application/json"), redirect(307, "/elsewhere"))
    assert fetched(server.url("/graphql"), **said).body == b"{}"
    [request] = server.requests
    assert (request.method, request.body) == ("POST", b'{"n": 1}')
    assert request.headers["content-type"] == "application/json"
    assert request.headers["authorization"] == "Bearer t"
    failure = failed(server.url("/graphql"), **said)
    assert (failure.kind, failure.status) == ("BadStatus", 307)
    assert len(server.requests) == 2


def test_after_a_post_the_same_connection_asks_as_before(server: FeedServer):
    server.script("/a", Answer(RSS))

    async def both() -> None:
        async with curl.open_session(LOCAL) as session:
            for body in (b"x", b""):
                await http.fetch(session, Request(url=server.url("/a"), body=body))

    asyncio.run(both())
    assert [request.method for request in server.requests] == ["POST", "GET"]


def test_a_form_is_posted_and_no_redirect_is_followed(server: FeedServer):
    server.script("/token", Answer(b"{}", content_type="application/json"), redirect(302, "/elsewhere"))
    fields = {"grant_type": "client_credentials", "name": "京 &"}
    for status in (200, 302):
        reply = post_form(server.url("/token"), fields, {"User-Agent": "a"}, timedelta(seconds=5))
        assert reply.status == status
    sent = server.requests[0]
    assert (sent.method, sent.headers["user-agent"]) == ("POST", "a")
    assert sent.headers["content-type"] == "application/x-www-form-urlencoded"
    assert dict(parse_qsl(sent.body.decode())) == fields
    assert server.paths() == ["/token", "/token"]


def test_a_contact_cannot_break_the_header():
    assert curl.user_agent(Config(contact="a\r\nX: é")).isprintable()
    assert curl.user_agent(Config()) == f"aggregator/{__version__} (feed reader)"


def test_an_answer_comes_back_whole(server: FeedServer):
    url = server.serve(
        "/feed",
        RSS,
        etag='"1"',
        last_modified="Tue, 24 Nov 2026 06:00:00 GMT",
        headers={"Cache-Control": "max-age=60"},
    )
    answer = fetched(url)
    assert (answer.url, answer.body, answer.status) == (url, RSS, 200)
    assert (answer.etag, answer.last_modified) == ('"1"', "Tue, 24 Nov 2026 06:00:00 GMT")
    assert answer.content_type == "application/rss+xml"
    assert answer.fresh_for == timedelta(minutes=1)
    assert answer.wire_bytes == len(RSS)
    assert answer.moved_to is None
    assert dict(answer.headers)["cache-control"] == "max-age=60"


@pytest.mark.parametrize(
    "etag", ['"strong"', 'W/"weak"', "unquoted", '"caf\xe9"', '"\xc3\xa9"', '"' + "x" * 1500 + '"']
)
def test_an_etag_is_echoed_byte_for_byte(server: FeedServer, etag: str):
    url = server.serve("/feed", RSS, etag=etag)
    first = fetched(url)
    assert first.etag == etag
    second = ask(url, etag=first.etag)
    assert server.requests[1].headers["if-none-match"] == etag
    assert isinstance(second, NotModified)
    assert second.etag == etag


def test_last_modified_alone_is_echoed(server: FeedServer):
    url = server.serve("/feed", RSS, last_modified="sometime in November")
    answer = ask(url, last_modified=fetched(url).last_modified)
    assert server.requests[1].headers["if-modified-since"] == "sometime in November"
    assert isinstance(answer, NotModified)
    assert answer.last_modified == "sometime in November"


def test_a_validator_too_long_to_send_back_is_dropped(server: FeedServer):
    assert fetched(server.serve("/feed", RSS, etag="x" * 9000)).etag is None


def test_304_to_an_unconditional_request_is_a_failure(server: FeedServer):
    answer = failed(server.serve("/feed", status=304))
    assert (answer.kind, answer.status) == ("BadStatus", 304)


@pytest.mark.parametrize("status", [204, 206, 400, 401, 403, 404, 410, 500, 502])
def test_any_other_status_is_a_failure_that_names_it(server: FeedServer, status: int):
    answer = failed(server.serve("/feed", status=status))
    assert (answer.kind, answer.status, answer.retry_after) == ("BadStatus", status, None)
    assert str(status) in answer.detail


def test_a_reason_in_another_encoding_can_be_stored(server: FeedServer):
    sent = b"HTTP/1.1 404 Non trouv\xe9\r\nContent-Length: 0\r\n\r\n"
    assert failed(server.script("/feed", lambda write: write(sent))).detail == "404 Non trouv?"


@pytest.mark.parametrize("status", [403, 429, 503])
def test_retry_after_is_passed_on(server: FeedServer, status: int):
    url = server.serve("/feed", status=status, headers={"Retry-After": "7200"})
    assert failed(url).retry_after == timedelta(hours=2)


# --- redirects ----------------------------------------------------------------------------------------------


def redirect(status: int, to: str) -> Answer:
    return Answer(status=status, headers={"Location": to})


@pytest.mark.parametrize(
    ("first", "second", "moved"), [(301, 308, True), (301, 302, False), (307, 301, False), (303, 303, False)]
)
def test_only_a_chain_of_permanent_redirects_moves_a_feed(
    server: FeedServer, first: int, second: int, moved: bool
):
    server.serve("/target", RSS)
    server.script("/b", redirect(second, "/target#top"))
    url = server.script("/a", redirect(first, server.url("/b", host=2)))
    answer = fetched(url)
    target = server.url("/target", host=2)
    assert answer.url == target
    assert answer.moved_to == (target if moved else None)


def test_validators_go_to_the_end_of_a_redirect(server: FeedServer):
    server.serve("/target", RSS, etag='"1"')
    answer = ask(server.script("/a", redirect(301, "/target")), etag='"1"')
    assert isinstance(answer, NotModified)
    assert answer.moved_to == server.url("/target")


def test_five_redirects_are_followed_and_no_sixth(server: FeedServer):
    for number in range(6):
        server.script(f"/{number}", redirect(302, f"/{number + 1}"))
    server.serve("/6", RSS)
    assert fetched(server.url("/1")).url == server.url("/6")
    assert "more than 5 redirects" in failed(server.url("/0")).detail


def test_a_loop_ends(server: FeedServer):
    assert failed(server.script("/a", redirect(301, "/a"))).kind == "BadStatus"
    assert len(server.requests) == 6


def test_a_redirect_without_a_location_is_a_failure(server: FeedServer):
    assert failed(server.serve("/a", status=302)).detail == "302 without a location"


@pytest.mark.parametrize(
    "to", ["file:///etc/passwd", "ftp://127.0.0.1/", "data:text/xml,<rss/>", "gopher://x/", "javascript:1"]
)
def test_a_redirect_out_of_http_is_refused(server: FeedServer, to: str):
    answer = failed(server.script("/a", redirect(301, to)))
    assert answer.kind == "HostForbidden"
    assert answer.url == to


@pytest.mark.parametrize("raw", ["/caf\xc3\xa9", "/caf%C3%A9"])
def test_a_location_may_be_utf8_as_it_is(server: FeedServer, raw: str):
    server.serve("/caf%C3%A9", RSS)
    assert fetched(server.script("/a", redirect(302, raw))).body == RSS


# --- refused addresses --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "host",
    ["127.0.0.1", "localhost", "2130706433", "0x7f.0.0.1", "0177.0.0.1", "127.1", "[::ffff:127.0.0.1]"],
)
def test_private_addresses_are_refused_in_every_notation(server: FeedServer, host: str):
    server.serve("/", RSS)
    answer = failed(f"http://{host}:{server.port}/", Config())
    assert answer.kind == "HostForbidden"
    assert server.requests == []


def test_a_redirect_to_a_private_address_is_refused(server: FeedServer, monkeypatch: pytest.MonkeyPatch):
    server.serve("/secret", RSS)
    url = server.script("/a", redirect(302, server.url("/secret", host=2)))
    allowed = addresses.refusal
    monkeypatch.setattr(  # the test's own server is the public host here
        addresses,
        "refusal",
        lambda address, **k: None if address == "127.0.0.1" else allowed(address, **k),
    )
    assert failed(url, Config()).kind == "HostForbidden"
    assert server.paths() == ["/a"]


@pytest.mark.parametrize(
    "url", ["http://169.254.169.254/latest/", "http://[fe80::1]/", "http://0.0.0.0/", "http://2852039166/"]
)
def test_link_local_is_refused_even_where_private_hosts_are_allowed(url: str):
    assert failed(url).kind == "HostForbidden"


def test_a_name_that_turns_private_after_the_first_look_up_is_refused(
    server: FeedServer, monkeypatch: pytest.MonkeyPatch
):
    """The check sees the address that is connected to, whatever a resolver said before."""
    give_addresses(monkeypatch, {"rebind.example": ["127.0.0.1"]})
    answer = failed(f"http://rebind.example:{server.port}/", Config())
    assert answer.kind == "HostForbidden"
    assert answer.detail == "refused to connect: 127.0.0.1 is private (see allow_private_hosts)"
    assert server.requests == []


@pytest.mark.parametrize("url", ["file:///etc/passwd", "ftp://example.com/", "", "feed"])
def test_only_http_is_fetched(url: str):
    assert failed(url).kind == "HostForbidden"


@pytest.mark.parametrize(
    "url", ["http://", "http://[::1", "http://127.0.0.1:99999/", "http://" + "a" * 300 + ".example/"]
)
def test_a_malformed_url_is_a_failure_not_a_crash(url: str):
    assert failed(url).kind in {"ConnectionFailed", "HostForbidden"}


def test_nobody_listening_is_a_failure():
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        answer = failed(f"http://127.0.0.1:{free.getsockname()[1]}/")
    assert (answer.kind, answer.status) == ("ConnectionFailed", None)
    assert answer.detail.startswith("Failed to connect to 127.0.0.1")


# --- bodies -------------------------------------------------------------------------------------------------


def test_gzip_is_unpacked_and_counted_as_it_came(server: FeedServer):
    packed = gzip.compress(RSS * 50)
    answer = fetched(server.serve("/feed", packed, headers={"Content-Encoding": "gzip"}))
    assert answer.body == RSS * 50
    assert answer.wire_bytes == len(packed)


def test_a_bomb_is_refused(server: FeedServer):
    url = server.serve("/feed", gzip.compress(bytes(8 * 1024 * 1024)), headers={"Content-Encoding": "gzip"})
    assert failed(url).kind == "BodyTooLarge"


def test_a_gzip_body_that_was_cut_off_is_a_failure(server: FeedServer):
    url = server.serve("/feed", gzip.compress(RSS)[:-4], headers={"Content-Encoding": "gzip"})
    assert (failed(url).kind, failed(url).status) == ("ConnectionFailed", 200)


def test_an_announced_size_over_the_limit_is_not_read(server: FeedServer):
    answer = failed(server.serve("/feed", bytes(2000)), max_bytes=1000)
    assert (answer.kind, answer.detail) == ("BodyTooLarge", "announces more than 1000 bytes")


HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/rss+xml\r\n"


def endless(write: Write) -> None:
    write(HEAD + b"\r\n")
    while True:
        write(b"<!-- more -->" * 1000)


def drip(write: Write) -> None:
    write(HEAD + b"\r\n")
    while True:
        write(b" ")
        time.sleep(0.05)


def silent(_: Write) -> None:
    time.sleep(0.6)


def test_an_endless_body_is_cut_at_the_limit(server: FeedServer):
    assert failed(server.script("/feed", endless), max_bytes=100_000).kind == "BodyTooLarge"


@pytest.mark.parametrize("slow", [drip, silent])
def test_the_whole_fetch_has_one_deadline(server: FeedServer, slow: Any, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(http, "TOTAL", 0.3)
    started = time.monotonic()
    assert failed(server.script("/feed", slow)).kind == "FetchTimeout"
    assert time.monotonic() - started < 2


@pytest.mark.parametrize(
    "sent",
    [
        HEAD + b"Content-Length: 1000\r\n\r\n" + RSS,
        HEAD + b"Transfer-Encoding: chunked\r\n\r\nff\r\n" + RSS,
        HEAD + b"Transfer-Encoding: chunked\r\n\r\n3c\r\n" + RSS,
        b"HTTP/1.1 200 OK\r\nContent-Le",
        b"SSH-2.0-OpenSSH_9.2\r\n",
        b"",
    ],
)
def test_an_answer_that_breaks_off_is_a_failure(server: FeedServer, sent: bytes):
    assert failed(server.script("/feed", lambda write: write(sent))).kind == "ConnectionFailed"


def test_a_body_longer_than_announced_is_what_was_announced(server: FeedServer):
    """RFC 9112 section 6.3: the rest is no part of the message, and the connection is not used again."""
    sent = HEAD + b"Content-Length: 5\r\n\r\n" + RSS
    assert fetched(server.script("/feed", lambda write: write(sent))).body == RSS[:5]


# --- shards -------------------------------------------------------------------------------------------------


def feed(number: int, url: str, **columns: Any) -> DueFeed:
    return DueFeed(feed_id=number, listed_url=url, fetch_url=url, domain=urls.host(url), **columns)


def batch(*feeds: DueFeed, spacing: float = 0, wait: float = 0) -> HostBatch:
    return HostBatch(
        domain=feeds[0].domain, feeds=feeds, spacing=timedelta(seconds=spacing), wait=timedelta(seconds=wait)
    )


def poll(
    *batches: HostBatch, read: Callable[..., Any] = lambda f, a: PollOutcome(feed=f, result=a)
) -> list[Any]:
    return [outcome.result for outcome in fetch_shard(LOCAL, Shard(batches=batches), read)]


def test_one_host_is_asked_one_request_at_a_time_with_spacing(server: FeedServer):
    for number in range(3):
        server.serve(f"/{number}", RSS, wait=0.05)
    answers = poll(batch(*(feed(n, server.url(f"/{n}")) for n in range(3)), spacing=0.1, wait=0.1))
    assert [answer.body for answer in answers] == [RSS] * 3
    assert server.busiest == 1
    times = [request.at for request in server.requests]
    assert all(later - earlier >= 0.15 for earlier, later in itertools.pairwise(times))


def test_hosts_are_asked_side_by_side(server: FeedServer):
    server.serve("/feed", RSS, wait=0.3)
    answers = poll(*(batch(feed(n, server.url("/feed", host=n))) for n in (1, 2, 3)))
    assert len(answers) == 3
    assert server.busiest == 3


@pytest.mark.parametrize(("status", "headers"), [(429, {}), (503, {"Retry-After": "600"})])
def test_after_429_or_503_the_domain_is_left_alone(server: FeedServer, status: int, headers: dict[str, str]):
    server.serve("/busy", status=status, headers=headers)
    server.serve("/other", RSS)
    feeds = [feed(1, server.url("/busy")), feed(2, server.url("/other"))]
    first, second, elsewhere = poll(batch(*feeds), batch(feed(3, server.url("/other", host=2))))
    assert first.status == status
    assert second.kind == "Skipped"
    assert second.retry_after == first.retry_after
    assert isinstance(elsewhere, Fetched)
    assert server.paths().count("/other") == 1


def test_what_is_left_of_a_silent_host_waits_for_the_next_time(
    server: FeedServer, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(http, "TOTAL", 0.3)
    server.serve("/feed", RSS)
    for name in ("/1", "/2"):
        server.script(name, silent)
    mute, well = ([feed(10 * host + n, server.url(path, host=host)) for n, path in enumerate(["/1", "/feed", "/2", "/feed"])]
                  for host in (1, 2))  # fmt: skip
    first, second, third, last, *others = poll(batch(*mute), batch(well[1], well[3]))
    assert [answer.kind for answer in (first, third, last)] == ["FetchTimeout", "FetchTimeout", "Skipped"]
    assert last.detail.endswith("/2 got no answer")
    assert isinstance(second, Fetched)
    assert [type(answer) for answer in others] == [Fetched, Fetched]


@pytest.mark.parametrize(
    ("scope", "asked"), [("url", ["/busy", "/other", "/x"]), ("host", ["/busy", "/x"]), ("domain", ["/busy"])]
)
def test_a_refusal_holds_as_far_as_its_scope(
    server: FeedServer, scope: Any, asked: list[str], monkeypatch: pytest.MonkeyPatch
):
    """Two hosts of one registrable domain, as medium.com has them by the thousand."""
    give_addresses(monkeypatch, {f"{host}.shared.example": ["127.0.0.1"] for host in "ab"})
    server.serve("/busy", status=429)
    server.serve("/other", RSS)
    server.serve("/x", RSS)
    urls = [f"http://{place}:{server.port}{path}" for place, path in (
        ("a.shared.example", "/busy"), ("a.shared.example", "/other"), ("b.shared.example", "/x"))]  # fmt: skip
    feeds = tuple(
        DueFeed(feed_id=n, listed_url=url, fetch_url=url, domain="shared.example")
        for n, url in enumerate(urls)
    )
    shard = Shard(batches=(HostBatch(domain="shared.example", feeds=feeds, spacing=timedelta()),))
    config = Config(allow_private_hosts=True, host_spacing=timedelta(), retry_scope=scope)
    answers = [poll.result for poll in fetch_shard(config, shard, lambda f, a: PollOutcome(feed=f, result=a))]
    assert server.paths() == asked
    assert [answer.kind == "Skipped" for answer in answers if isinstance(answer, Failure)] == [
        False, *[True] * (3 - len(asked))
    ]  # fmt: skip


def test_a_refusal_at_a_redirects_end_holds_for_that_hosts_own_feeds(server: FeedServer):
    server.script("/moved", redirect(302, server.url("/busy", host=2)))
    server.serve("/busy", status=429, headers={"Retry-After": "600"})
    server.serve("/slow", RSS, wait=0.3)
    server.serve("/own", RSS)
    theirs = batch(feed(2, server.url("/slow", host=2)), feed(3, server.url("/own", host=2)))
    first, slow, own = poll(batch(feed(1, server.url("/moved"))), theirs)
    assert (first.status, first.url) == (429, server.url("/busy", host=2))
    assert isinstance(slow, Fetched)
    assert (own.kind, own.retry_after) == ("Skipped", timedelta(minutes=10))


def test_a_redirect_to_a_host_that_wants_to_be_left_alone_is_not_followed(server: FeedServer):
    server.serve("/busy", status=503, headers={"Retry-After": "600"})
    server.script("/moved", Answer(status=302, headers={"Location": server.url("/x", host=2)}, wait=0.2))
    busy, moved = poll(batch(feed(1, server.url("/busy", host=2))), batch(feed(2, server.url("/moved"))))
    assert busy.status == 503
    assert (moved.kind, moved.retry_after) == ("Skipped", timedelta(minutes=10))
    assert sorted(server.paths()) == ["/busy", "/moved"]


def test_a_redirect_waits_for_the_turn_of_the_domain_it_leads_to(server: FeedServer):
    for number in range(3):
        server.script(f"/{number}", redirect(302, server.url(f"/shared{number}", host=3)))
        server.serve(f"/shared{number}", RSS, wait=0.1)
    own = batch(feed(9, server.url("/shared0", host=3)), spacing=0.1)
    feeds = [batch(feed(n, server.url(f"/{n}", host=n))) for n in (1, 2)]
    answers = poll(own, *feeds)
    assert [type(answer) for answer in answers] == [Fetched] * 3
    times = sorted(request.at for request in server.requests if request.host == "127.0.0.3")
    assert all(later - earlier >= 0.19 for earlier, later in itertools.pairwise(times))


def test_waiting_for_a_turn_is_not_held_against_the_server(
    server: FeedServer, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(http, "TOTAL", 0.5)
    server.serve("/feed", RSS, wait=0.3)
    target = server.url("/feed", host=3)
    server.script("/a", redirect(302, target))
    own = batch(feed(9, target), spacing=0.1)
    answers = poll(own, *(batch(feed(n, server.url("/a", host=n))) for n in (1, 2)))
    assert [type(answer) for answer in answers] == [Fetched] * 3
    assert all(answer.seconds < 0.5 for answer in answers)


def test_whose_turn_does_not_come_is_skipped_not_failed(server: FeedServer, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(turns, "PATIENCE", 0.1)
    server.serve("/feed", RSS, wait=0.4)
    target = server.url("/feed", host=3)
    server.script("/a", redirect(302, target))
    first, second = poll(batch(feed(9, target)), batch(feed(1, server.url("/a"))))
    assert isinstance(first, Fetched)
    assert (second.kind, second.retry_after) == ("Skipped", None)


def test_a_host_that_drips_holds_up_nothing_beyond_the_jobs_time_and_one_fetch(
    server: FeedServer, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(shards, "BUDGET", 0.4)
    monkeypatch.setattr(http, "TOTAL", 0.3)
    for number in range(4):
        server.script(f"/drip{number}", drip)
    server.serve("/feed", RSS)
    dripping = batch(*(feed(n, server.url(f"/drip{n}")) for n in range(4)))
    started = time.monotonic()
    answers = poll(dripping, batch(feed(9, server.url("/feed", host=2))))
    assert time.monotonic() - started < 0.4 + 0.3 + 0.5
    assert [getattr(answer, "kind", "") for answer in answers] == ["FetchTimeout"] * 2 + ["Left"] * 2 + [""]
    assert [path for path in server.paths() if "drip" in path] == ["/drip0", "/drip1"]


def test_bodies_that_take_long_to_read_hold_up_no_job(server: FeedServer, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(shards, "READING", 0.1)
    server.serve("/feed", RSS)
    read: list[int] = []

    def spin(feed: DueFeed, answer: Any) -> PollOutcome:
        read.append(feed.feed_id)
        until = time.thread_time() + 0.06
        while time.thread_time() < until:
            sum(range(100))
        return PollOutcome(feed=feed, result=answer)

    feeds = [feed(n, server.url("/feed" if n != 4 else "/none")) for n in range(5)]
    answers = poll(batch(*feeds), read=spin)
    assert [getattr(answer, "kind", "") for answer in answers] == ["", "", "Left", "Left", "BadStatus"]
    assert read == [0, 1, 4]


def test_what_is_under_way_when_the_jobs_time_is_over_is_waited_for(
    server: FeedServer, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(shards, "BUDGET", 0.1)
    server.serve("/feed", RSS, wait=0.3)
    answers = poll(*(batch(feed(n, server.url("/feed", host=n))) for n in (1, 2)))
    assert [type(answer) for answer in answers] == [Fetched] * 2


def test_what_waits_for_too_many_others_is_left_when_the_jobs_time_is_over(
    server: FeedServer, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(shards, "BUDGET", 0.1)
    monkeypatch.setattr(turns, "SIDE_BY_SIDE", 1)
    server.serve("/feed", RSS, wait=0.3)
    answers = poll(*(batch(feed(n, server.url("/feed", host=n))) for n in (1, 2, 3)))
    assert [getattr(answer, "kind", "") for answer in answers] == ["", "Left", "Left"]
    assert len(server.requests) == 1


def test_no_spacing_is_cut_short_by_the_end_of_the_jobs_time(
    server: FeedServer, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(shards, "BUDGET", 0.1)
    server.serve("/feed", RSS)
    (answer,) = poll(batch(feed(1, server.url("/feed")), wait=60))
    assert (answer.kind, server.requests) == ("Left", [])


def test_a_redirect_that_the_job_has_no_time_for_is_skipped_not_asked_again_at_once(
    server: FeedServer, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(shards, "BUDGET", 0.1)
    server.script("/a", Answer(status=302, headers={"Location": server.url("/feed", host=2)}, wait=0.2))
    (answer,) = poll(batch(feed(1, server.url("/a"))))
    assert (answer.kind, server.paths()) == ("Skipped", ["/a"])


def test_another_failure_does_not_stop_the_domains_other_feeds(server: FeedServer):
    server.serve("/good", RSS)
    first, second = poll(batch(feed(1, server.url("/missing")), feed(2, server.url("/good"))))
    assert first.status == 404
    assert isinstance(second, Fetched)


def test_outcomes_keep_the_shards_order(server: FeedServer):
    server.serve("/slow", RSS, wait=0.2)
    server.serve("/quick", RSS)
    answers = poll(batch(feed(1, server.url("/slow"))), batch(feed(2, server.url("/quick", host=2))))
    assert [answer.url for answer in answers] == [server.url("/slow"), server.url("/quick", host=2)]


def test_bodies_are_read_when_all_have_come(server: FeedServer):
    """A parse of seconds must not let other hosts time out."""
    server.serve("/quick", RSS)
    server.serve("/slow", RSS, wait=0.2)
    asked: list[int] = []

    def read(due: DueFeed, answer: Any) -> PollOutcome:
        asked.append(len(server.requests))
        return PollOutcome(feed=due, result=answer)

    feeds = [feed(1, server.url("/quick")), feed(2, server.url("/slow")), feed(3, server.url("/slow"))]
    poll(batch(*feeds), read=read)
    assert asked == [3, 3, 3]


def test_bodies_beyond_what_may_be_held_are_read_at_once(server: FeedServer, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(shards, "_HELD", len(RSS) * 2)
    server.serve("/feed", RSS)
    asked: list[tuple[int, int]] = []

    def read(due: DueFeed, answer: Any) -> PollOutcome:
        asked.append((due.feed_id, len(server.requests)))
        return PollOutcome(feed=due, result=answer)

    answers = poll(batch(*(feed(n, server.url("/feed")) for n in range(4))), read=read)
    assert asked == [(2, 3), (3, 4), (0, 4), (1, 4)]
    assert all(isinstance(answer, Fetched) for answer in answers)


def test_an_unexpected_error_of_the_reader_is_not_swallowed(server: FeedServer):
    def broken(*_: Any) -> Any:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        poll(batch(feed(1, server.url("/"))), read=broken)
