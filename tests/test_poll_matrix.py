"""Every way a server can answer, each over three polls: what is stored, and what went over the wire."""

import gzip
import shutil
import time
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import brotli
import pytest
from backports import zstd
from sqlite_utils import Database

from aggregator import http
from aggregator.config import Config
from aggregator.executors import open_workers
from aggregator.http import addresses
from aggregator.model import Subscription
from aggregator.pipeline import run_stage
from aggregator.poll import stage
from aggregator.store import feeds, open_store
from tests.feedserver import Answer, FeedServer, Raw, Recorded, Write, reset
from tests.names import give_addresses

NOW = datetime(2026, 11, 24, 6, 0, tzinfo=UTC)
APART = timedelta(hours=30)  # beyond every back-off of three failures
MODIFIED = "Tue, 24 Nov 2026 05:00:00 GMT"
MIB = 1024 * 1024

Script = Answer | Raw


def rss(*guids: str) -> bytes:
    items = "".join(
        f"<item><guid isPermaLink='false'>{guid}</guid><title>{guid}</title></item>" for guid in guids
    )
    return f"<rss version='2.0'><channel><title>The feed</title>{items}</channel></rss>".encode()


ONE = rss("1")
GOOD = Answer(ONE, etag='"1"', last_modified=MODIFIED)


@dataclass(frozen=True)
class Seen:
    """What three polls left behind."""

    outcomes: list[str]
    statuses: list[int | None]
    details: list[str | None]
    feed: dict[str, Any]
    entries: int
    requests: list[Recorded]

    @property
    def asked(self) -> list[tuple[str | None, str | None]]:
        """The validators of each request: If-None-Match and If-Modified-Since."""
        names = ("if-none-match", "if-modified-since")
        return [(request.headers.get(names[0]), request.headers.get(names[1])) for request in self.requests]

    @property
    def kept(self) -> tuple[str | None, str | None]:
        """The validators in the store."""
        return self.feed["etag"], self.feed["last_modified"]


NONE = (None, None)
BOTH = ('"1"', MODIFIED)


@pytest.fixture(scope="module")
def running() -> Iterator[FeedServer]:
    with FeedServer(hosts=3) as server:
        yield server


@pytest.fixture
def server(running: FeedServer) -> FeedServer:
    running.requests.clear()
    return running


@pytest.fixture(scope="module")
def empty(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a store that has its tables; making them takes longer than three polls."""
    path = tmp_path_factory.mktemp("store") / "store.sqlite"
    open_store(path).close()
    return path


@pytest.fixture
def db(empty: Path, tmp_path: Path) -> Iterator[Database]:
    store = open_store(Path(shutil.copy(empty, tmp_path)))
    yield store
    store.close()


Poll3 = Callable[..., Seen]


@pytest.fixture
def poll3(server: FeedServer, db: Database) -> Poll3:
    """Return a function that follows one feed, polls it three times and says what was seen."""

    def poll(*answers: Script, url: str = "", apart: timedelta = APART, **settings: Any) -> Seen:
        if answers:
            url = server.script("/feed", *answers)
        config = Config(**{"allow_private_hosts": True, "host_spacing": timedelta(), **settings})
        feeds.sync(db, [Subscription(url=url)], NOW)
        workers = open_workers("inline:")
        for number in range(3):
            now = NOW + number * apart
            feeds.make_due(db, now)
            assert run_stage(stage.STAGE, db, config, workers, lambda now=now: now).crashes == 0
        workers.close()
        rows = list(db.query("SELECT * FROM polls ORDER BY poll_id"))
        return Seen(
            outcomes=[row["outcome"] for row in rows],
            statuses=[row["status"] for row in rows],
            details=[row["detail"] for row in rows],
            feed=next(db.query("SELECT * FROM feeds")),
            entries=db.table("entries").count,
            requests=list(server.requests),
        )

    return poll


# --- validators ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "etag",
    ['"strong"', 'W/"weak"', "unquoted", '""', '"caf\xe9"', '"\xc3\xa9"', '"a, b"', '"' + "x" * 2046 + '"'],
    ids=["strong", "weak", "unquoted", "empty", "latin-1", "utf-8", "comma", "2048 characters"],
)
def test_an_etag_is_echoed_byte_for_byte(poll3: Poll3, etag: str):
    seen = poll3(Answer(ONE, etag=etag))
    assert seen.outcomes == ["changed", "not_modified", "not_modified"]
    assert seen.asked == [NONE, (etag, None), (etag, None)]
    assert seen.kept == (etag, None)
    assert seen.entries == 1


def test_an_etag_too_huge_to_send_back_is_not_kept(poll3: Poll3):
    seen = poll3(Answer(ONE, headers={"ETag": '"' + "x" * 9000 + '"'}))
    assert seen.outcomes == ["changed", "unchanged", "unchanged"]
    assert seen.asked == [NONE] * 3
    assert seen.kept == NONE


@pytest.mark.parametrize("date", [MODIFIED, "2026-11-24 05:00", "-1"])
def test_last_modified_alone_is_echoed_whatever_it_says(poll3: Poll3, date: str):
    seen = poll3(Answer(ONE, last_modified=date))
    assert seen.outcomes == ["changed", "not_modified", "not_modified"]
    assert seen.asked == [NONE, (None, date), (None, date)]


def test_both_validators_go_together(poll3: Poll3):
    seen = poll3(GOOD)
    assert seen.outcomes == ["changed", "not_modified", "not_modified"]
    assert seen.asked == [NONE, BOTH, BOTH]


def test_a_server_without_validators_gets_none(poll3: Poll3):
    seen = poll3(Answer(ONE), Answer(ONE), Answer(rss("2", "1")))
    assert seen.outcomes == ["changed", "unchanged", "changed"]
    assert seen.asked == [NONE] * 3
    assert seen.entries == 2


def test_a_server_that_ignores_validators_brings_the_same_body(poll3: Poll3):
    seen = poll3(Answer(ONE, headers={"ETag": '"1"', "Last-Modified": MODIFIED}))
    assert seen.outcomes == ["changed", "unchanged", "unchanged"]
    assert seen.asked == [NONE, BOTH, BOTH]
    assert seen.kept == BOTH


def test_validators_that_churn_while_the_body_stays_are_followed(poll3: Poll3):
    seen = poll3(*(Answer(ONE, etag=f'"{n}"') for n in (1, 2, 3)))
    assert seen.outcomes == ["changed", "unchanged", "unchanged"]
    assert seen.asked == [NONE, ('"1"', None), ('"2"', None)]
    assert seen.kept == ('"3"', None)
    assert seen.entries == 1


def test_a_body_that_changes_under_the_same_validators_is_read(poll3: Poll3):
    seen = poll3(*(Answer(rss(*guids), headers={"ETag": '"1"'}) for guids in ("1", "21", "321")))
    assert seen.outcomes == ["changed"] * 3
    assert seen.entries == 3


def test_validators_that_disappear_are_forgotten(poll3: Poll3):
    seen = poll3(GOOD, Answer(rss("2")))
    assert seen.asked == [NONE, BOTH, NONE]
    assert seen.kept == NONE


def test_a_304_may_bring_newer_validators(poll3: Poll3):
    """RFC 9111 section 4.3.4: a 304 updates the stored header fields."""
    seen = poll3(GOOD, Answer(status=304, headers={"ETag": '"2"'}))
    assert seen.asked == [NONE, BOTH, ('"2"', MODIFIED)]
    assert seen.outcomes == ["changed", "not_modified", "not_modified"]


def test_a_304_nobody_asked_for_is_a_failure_and_asked_again_the_same_way(poll3: Poll3):
    seen = poll3(Answer(status=304), Answer(status=304, headers={"ETag": '"1"'}), GOOD)
    assert seen.outcomes == ["failed", "failed", "changed"]
    assert seen.details[0] == "BadStatus: 304 though no validator was sent"
    assert seen.asked == [NONE] * 3
    assert seen.entries == 1


def test_a_304_for_ever_is_never_a_feed_we_hold(poll3: Poll3):
    seen = poll3(Answer(status=304))
    assert seen.outcomes == ["failed"] * 3
    assert (seen.feed["failures"], seen.feed["body_fingerprint"], seen.kept) == (3, None, NONE)


# --- statuses -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("status", [200, 203])
def test_a_body_is_taken(poll3: Poll3, status: int):
    seen = poll3(Answer(ONE, status=status))
    assert seen.outcomes == ["changed", "unchanged", "unchanged"]
    assert seen.statuses == [status] * 3


def test_a_203_that_is_no_feed_leaves_no_validator(poll3: Poll3):
    seen = poll3(GOOD, Answer(b"<html>", status=203))
    assert seen.outcomes == ["changed", "failed", "failed"]
    assert (seen.statuses, seen.kept) == ([200, 203, 203], NONE)


@pytest.mark.parametrize(
    "status",
    [202, 204, 205, 206, 300, 305, 400, 401, 403, 404, 405, 406, 408, 418, 421, 429, 451, 499, 500, 501, 502,
     503, 504, 520, 599, 999],
)  # fmt: skip
def test_any_other_status_is_a_failure_that_costs_nothing(poll3: Poll3, status: int):
    """What was held stays, validators too; those of the failure itself are not taken."""
    bad = Answer(b"" if status in {204, 205} else rss("bad"), status=status, headers={"ETag": '"bad"'})
    seen = poll3(GOOD, bad, GOOD)
    assert seen.outcomes == ["changed", "failed", "not_modified"]
    assert seen.details[1].startswith(f"BadStatus: {status}")
    assert seen.asked == [NONE, BOTH, BOTH]
    assert (seen.kept, seen.entries, seen.feed["failures"]) == (BOTH, 1, 0)


@pytest.mark.parametrize("status", [401, 403, 404, 429, 500, 503])
def test_a_failure_backs_off_longer_each_time_and_never_gives_up(poll3: Poll3, status: int):
    seen = poll3(Answer(status=status))
    assert seen.outcomes == ["failed"] * 3
    assert (seen.feed["failures"], seen.feed["gone"]) == (3, 0)
    wait = datetime.fromisoformat(seen.feed["next_poll_at"]) - (NOW + 2 * APART)
    assert timedelta(hours=4) <= wait <= timedelta(hours=4.8)


def test_gone_twice_is_not_asked_a_third_time(poll3: Poll3):
    seen = poll3(Answer(status=410))
    assert seen.outcomes == ["failed", "gone"]
    assert seen.feed["gone"] == 1
    assert len(seen.requests) == 2


def test_gone_once_is_forgiven(poll3: Poll3):
    seen = poll3(GOOD, Answer(status=410), GOOD)
    assert seen.outcomes == ["changed", "failed", "not_modified"]
    assert (seen.feed["gone"], seen.feed["gone_seen"]) == (0, 0)


# --- Retry-After --------------------------------------------------------------------------------------------

DATE = "Tue, 24 Nov 2026 12:00:00 GMT"  # of the server's own clock, whatever ours says


@pytest.mark.parametrize("status", [401, 403, 404, 410, 429, 503])
@pytest.mark.parametrize(
    ("value", "rest"),
    [
        ("7200", timedelta(hours=2)),
        ("Tue, 24 Nov 2026 15:00:00 GMT", timedelta(hours=3)),
        ("0", timedelta(minutes=1)),
        ("Tue, 24 Nov 2026 11:00:00 GMT", timedelta(minutes=1)),  # past
        ("3155760000", timedelta(days=7)),  # a hundred years
        ("Thu, 24 Nov 2126 12:00:00 GMT", timedelta(days=7)),
        ("9" * 400, timedelta(days=7)),
        ("-3600", None),
        ("soon", None),
        ("", None),
        ("1e3", None),
        ("Tue, 99 Nov 2026 99:00:00 GMT", None),
    ],
)
def test_retry_after_is_kept_within_reason(poll3: Poll3, status: int, value: str, rest: timedelta | None):
    """The polls are 70 minutes apart: one that falls into the rest is not made."""
    busy = Answer(status=status, headers={"Retry-After": value, "Date": DATE})
    seen = poll3(busy, GOOD, apart=timedelta(minutes=70))
    made = sum(1 for number in (1, 2) if rest is None or number * timedelta(minutes=70) >= rest)
    assert len(seen.requests) == 1 + made
    assert seen.outcomes == ["failed", "changed", "not_modified"][: 1 + made]
    if not made:
        assert seen.feed["retry_after_at"] == (NOW + rest).strftime("%Y-%m-%dT%H:%M:%SZ")


# --- redirects ----------------------------------------------------------------------------------------------


def to(location: str, status: int = 302) -> Answer:
    return Answer(status=status, headers={"Location": location})


@pytest.mark.parametrize("status", [301, 308])
@pytest.mark.parametrize(
    "location", ["/new", "new", "//127.0.0.1:{port}/new", "http://127.0.0.2:{port}/new#top"]
)
def test_a_permanent_redirect_moves_the_feed_once_it_led_to_one_twice(
    poll3: Poll3, server: FeedServer, status: int, location: str
):
    server.script("/new", GOOD)
    target = server.url("/new", host=2 if "127.0.0.2" in location else 1)
    seen = poll3(to(location.format(port=server.port), status))
    assert [request.path for request in seen.requests] == ["/feed", "/new", "/feed", "/new", "/new"]
    assert seen.feed["fetch_url"] == target
    assert seen.feed["listed_url"] == server.url("/feed")
    assert seen.outcomes == ["changed", "not_modified", "not_modified"]


@pytest.mark.parametrize("status", [302, 303, 307])
def test_a_temporary_redirect_is_followed_each_time(poll3: Poll3, server: FeedServer, status: int):
    server.script("/new", GOOD)
    seen = poll3(to("/new", status))
    assert [request.path for request in seen.requests] == ["/feed", "/new"] * 3
    assert seen.feed["fetch_url"] == server.url("/feed")
    assert seen.asked[3] == seen.asked[5] == BOTH


@pytest.mark.parametrize(
    ("chain", "moves"),
    [((301, 308), True), ((301, 302), False), ((307, 301), False), ((303, 308, 301), False)],
)
def test_a_chain_moves_a_feed_only_where_each_step_is_permanent(
    poll3: Poll3, server: FeedServer, chain: tuple[int, ...], moves: bool
):
    server.script("/new", GOOD)
    for number, status in enumerate(chain[1:], 1):
        server.script(f"/{number}", to(f"/{number + 1}" if number < len(chain) - 1 else "/new", status))
    seen = poll3(to("/1", chain[0]))
    assert seen.feed["fetch_url"] == server.url("/new" if moves else "/feed")
    assert len(seen.requests) == (2 * (len(chain) + 1) + 1 if moves else 3 * (len(chain) + 1))


def test_a_permanent_redirect_to_no_feed_moves_nothing(poll3: Poll3, server: FeedServer):
    """A domain that was sold sends everything to its front page."""
    server.serve("/parked", b"<!doctype html><title>For sale</title>", content_type="text/html")
    seen = poll3(to("/parked", 301))
    assert seen.outcomes == ["failed"] * 3
    assert (seen.feed["fetch_url"], seen.feed["moved_to"]) == (server.url("/feed"), None)


@pytest.mark.parametrize("loop", [["/feed"], ["/b", "/feed"]])
def test_a_loop_ends_after_five_redirects(poll3: Poll3, server: FeedServer, loop: list[str]):
    server.script("/b", to("/feed", 301))
    seen = poll3(to(loop[0], 301))
    assert seen.outcomes == ["failed"] * 3
    assert seen.details == ["BadStatus: more than 5 redirects"] * 3
    assert len(seen.requests) == 18


@pytest.mark.parametrize(
    "location",
    [
        "file:///etc/passwd",
        "data:text/xml,<rss/>",
        "ftp://127.0.0.1/",
        "gopher://x/",
        "javascript:1",
        "ws://x/",
    ],
)
def test_a_redirect_out_of_http_is_refused(poll3: Poll3, location: str):
    seen = poll3(GOOD, to(location, 301), GOOD)
    assert seen.outcomes == ["changed", "failed", "not_modified"]
    assert seen.details[1] == "HostForbidden: only http and https are fetched"
    assert len(seen.requests) == 3


@pytest.fixture
def public(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let 127.0.0.1 pass for a public address, so that redirects away from it are judged as in the wild."""
    judge = addresses.refusal

    def refusal(address: str, *, allow_private: bool) -> str | None:
        return None if address == "127.0.0.1" else judge(address, allow_private=allow_private)

    monkeypatch.setattr(addresses, "refusal", refusal)


METADATA = [
    "169.254.169.254", "2852039166", "0xa9fea9fe", "0251.0376.0251.0376", "169.254.43518", "[fd00:ec2::254]",
    "[::ffff:169.254.169.254]", "[::ffff:a9fe:a9fe]", "[64:ff9b::a9fe:a9fe]", "100.100.100.200", "168.63.129.16",
]  # fmt: skip
LINK_LOCAL = [
    "169.254.0.1",
    "[fe80::1]",
    "[fe80::1%25lo]",
    "[::ffff:169.254.0.1]",
    "0.0.0.0",
    "[::]",
    "224.0.0.1",
]
PRIVATE = [
    "127.0.0.2", "2130706434", "0x7f000002", "0x7f.0.0.2", "0177.0.0.2", "127.2", "127.0.2", "[::1]",
    "[::ffff:127.0.0.2]", "[::ffff:7f00:2]", "[64:ff9b::7f00:2]", "[2002:7f00:2::]", "10.0.0.1", "172.16.0.1",
    "192.168.0.1", "100.64.0.1", "[fc00::1]", "127.0.0.2.", "\xe2\x91\xa0\xe2\x91\xa1\xe2\x91\xa6.0.0.2",
]  # fmt: skip


@pytest.mark.usefixtures("public")
@pytest.mark.parametrize("host", [*METADATA, *LINK_LOCAL, *PRIVATE])
def test_a_redirect_to_a_private_address_is_refused_in_every_notation(
    poll3: Poll3, server: FeedServer, host: str
):
    server.script("/secret", GOOD)
    seen = poll3(to(f"http://{host}:{server.port}/secret"), allow_private_hosts=False)
    assert seen.outcomes == ["failed"] * 3
    assert {detail.partition(":")[0] for detail in seen.details} == {"HostForbidden"}
    assert [request.path for request in seen.requests] == ["/feed"] * 3


def test_an_encoded_host_is_judged_by_where_it_leads(poll3: Poll3, server: FeedServer):
    seen = poll3(to(f"http://%31%36%39.254.169.254:{server.port}/"))
    assert {detail.partition(":")[0] for detail in seen.details} == {"HostForbidden"}
    assert [request.path for request in seen.requests] == ["/feed"] * 3


@pytest.mark.parametrize("host", [*METADATA, *LINK_LOCAL])
def test_allow_private_hosts_still_refuses_link_local_and_metadata(
    poll3: Poll3, server: FeedServer, host: str
):
    seen = poll3(to(f"http://{host}:{server.port}/"))
    assert {detail.partition(":")[0] for detail in seen.details} == {"HostForbidden"}
    assert len(seen.requests) == 3


@pytest.fixture
def names(server: FeedServer, monkeypatch: pytest.MonkeyPatch) -> dict[str, list[str]]:
    """Return a table of names whose addresses are given in turn, the last one for ever."""
    table: dict[str, list[str]] = {}
    give_addresses(monkeypatch, table)
    return table


@pytest.mark.usefixtures("public")
@pytest.mark.parametrize("second", ["127.0.0.2", "10.0.0.1", "169.254.169.254", "::ffff:127.0.0.2"])
def test_a_name_that_turns_private_on_a_later_look_up_is_refused(
    poll3: Poll3, server: FeedServer, names: dict[str, list[str]], second: str
):
    names["rebind.example"] = ["127.0.0.1", second]
    server.script("/feed", GOOD)
    seen = poll3(url=f"http://rebind.example:{server.port}/feed", allow_private_hosts=False)
    assert seen.outcomes == ["changed", "failed", "failed"]
    assert seen.details[1].startswith("HostForbidden: refused to connect: ")
    assert len(seen.requests) == 1
    assert seen.kept == BOTH


# --- encodings ----------------------------------------------------------------------------------------------


def raw_deflate(data: bytes) -> bytes:
    stream = zlib.compressobj(wbits=-zlib.MAX_WBITS)
    return stream.compress(data) + stream.flush()


PACKERS = {
    "gzip": gzip.compress,
    "x-gzip": gzip.compress,
    "deflate": zlib.compress,
    "raw": raw_deflate,
    "br": brotli.compress,
    "zstd": zstd.compress,
}


def packed(body: bytes, encoding: str, name: str = "", **validators: str) -> Answer:
    return Answer(body, headers={"Content-Encoding": name or encoding}, **validators)


@pytest.mark.parametrize("how", sorted(PACKERS))
def test_a_compressed_body_is_read_and_known_again(poll3: Poll3, how: str):
    name = "deflate" if how == "raw" else how
    seen = poll3(
        packed(PACKERS[how](ONE), name), packed(PACKERS[how](ONE + b"\n"), name), Answer(ONE + b"\n")
    )
    assert seen.outcomes == ["changed", "changed", "unchanged"]
    assert seen.entries == 1


LONG = rss(*(str(number) for number in range(300)))
BAD_BODIES: dict[str, tuple[Answer, str]] = {
    "gzip, corrupt": (packed(b"\x1f\x8b\x08" + ONE, "gzip"), "ConnectionFailed: compressed body is corrupt"),
    "gzip, not at all": (packed(ONE, "gzip"), "ConnectionFailed: compressed body is corrupt"),
    "gzip, bad checksum": (
        packed(gzip.compress(LONG)[:-8] + bytes(8), "gzip"),
        "ConnectionFailed: compressed body is corrupt",
    ),
    "gzip, truncated": (
        packed(gzip.compress(LONG)[:-20], "gzip"),
        "ConnectionFailed: compressed body was cut off",
    ),
    "gzip, empty": (packed(b"", "gzip"), "NotAFeed: "),
    "deflate, corrupt": (
        packed(b"\x78\x9c" + ONE, "deflate"),
        "ConnectionFailed: compressed body is corrupt",
    ),
    "deflate, truncated": (
        packed(zlib.compress(LONG)[:-20], "deflate"),
        "ConnectionFailed: compressed body was",
    ),
    "raw deflate, truncated": (
        packed(raw_deflate(LONG)[:-9], "deflate"),
        "ConnectionFailed: compressed body was",
    ),
    "gzip bomb": (
        packed(gzip.compress(bytes(5 * MIB)), "gzip"),
        "BodyTooLarge: unpacks to more than 10 times",
    ),
    "deflate bomb": (
        packed(zlib.compress(bytes(5 * MIB)), "deflate"),
        "BodyTooLarge: unpacks to more than 10",
    ),
    "br, corrupt": (
        packed(brotli.compress(LONG)[::-1], "br"),
        "ConnectionFailed: compressed body is corrupt",
    ),
    "br, truncated": (
        packed(brotli.compress(LONG)[:-9], "br"),
        "ConnectionFailed: compressed body was cut off",
    ),
    "br bomb": (packed(brotli.compress(bytes(5 * MIB)), "br"), "BodyTooLarge: unpacks to more than 10 times"),
    "zstd, corrupt": (
        packed(zstd.compress(LONG)[::-1], "zstd"),
        "ConnectionFailed: compressed body is corrupt",
    ),
    "zstd, truncated": (
        packed(zstd.compress(LONG)[:-9], "zstd"),
        "ConnectionFailed: compressed body was cut off",
    ),
    "zstd bomb": (
        packed(zstd.compress(bytes(5 * MIB)), "zstd"),
        "BodyTooLarge: unpacks to more than 10 times",
    ),
    "unknown encoding": (packed(ONE, "zip"), "ConnectionFailed: content-encoding 'zip' was not asked for"),
    "two encodings": (
        packed(gzip.compress(ONE), "gzip, gzip"),
        "ConnectionFailed: content-encoding 'gzip, gzip'",
    ),
    "no feed": (Answer(b"<!doctype html><title>no</title>", content_type="text/html"), "NotAFeed: "),
    "empty": (Answer(b""), "NotAFeed: "),
    "too large": (Answer(b" " * (10 * MIB + 1)), "BodyTooLarge: announces more than 10485760 bytes"),
}


@pytest.mark.parametrize("case", sorted(BAD_BODIES))
def test_a_body_that_is_no_use_leaves_no_validator_behind(poll3: Poll3, case: str):
    answer, reason = BAD_BODIES[case]
    bad = Answer(answer.body, headers={**answer.headers, "ETag": '"bad"'}, content_type=answer.content_type)
    seen = poll3(GOOD, bad, GOOD)
    assert seen.outcomes == ["changed", "failed", "unchanged"]
    assert seen.details[1].startswith(reason)
    assert seen.asked == [NONE, BOTH, NONE]
    assert (seen.kept, seen.entries) == (BOTH, 1)


# --- transport ----------------------------------------------------------------------------------------------

HEAD = b'HTTP/1.1 200 OK\r\nContent-Type: application/rss+xml\r\nETag: "bad"\r\n'


def sends(*parts: bytes) -> Raw:
    def send(write: Write) -> None:
        for part in parts:
            write(part)
            time.sleep(0.05 if len(parts) > 1 else 0)  # so that they arrive one by one

    return send


def drip(write: Write) -> None:
    write(HEAD + b"\r\n" + ONE)
    while True:
        write(b" ")
        time.sleep(0.05)


def slow_headers(write: Write) -> None:
    for byte in HEAD * 100:
        write(bytes([byte]))
        time.sleep(0.02)


def endless(write: Write) -> None:
    write(HEAD + b"\r\n")
    while True:
        write(b"<!-- more -->" * 5000)


def endless_chunks(write: Write) -> None:
    write(HEAD + b"Transfer-Encoding: chunked\r\n\r\n")
    while True:
        write(b"ffff\r\n" + b" " * 0xFFFF + b"\r\n")


def breaks(write: Write) -> None:
    write(HEAD + b"Content-Length: 9999\r\n\r\n" + ONE)
    reset(write)


SHORT = HEAD + b"Content-Length: 999\r\n\r\n"
LONG_LENGTH = HEAD + b"Content-Length: 5\r\n\r\n"
CHUNKED = HEAD + b"Transfer-Encoding: chunked\r\n\r\n"

# The answer, and how its failure starts. With a status line the body was no use; without, what we hold stands.
BROKEN_BODIES: dict[str, tuple[Raw, str]] = {
    "shorter than announced": (sends(SHORT + ONE), "ConnectionFailed"),
    "longer than announced": (sends(LONG_LENGTH, ONE), "NotAFeed"),
    "chunk cut off": (sends(CHUNKED + b"fff\r\n" + ONE), "ConnectionFailed"),
    "no last chunk": (sends(CHUNKED + b"%x\r\n%s\r\n" % (len(ONE), ONE)), "ConnectionFailed"),
    "bad chunk size": (sends(CHUNKED, b"zz\r\n" + ONE), "ConnectionFailed"),
    "reset": (breaks, "ConnectionFailed"),
    "endless": (endless, "BodyTooLarge"),
    "endless chunks": (endless_chunks, "BodyTooLarge"),
    "drip": (drip, "FetchTimeout"),
}
BROKEN_HEADS: dict[str, tuple[Raw, str]] = {
    "another protocol": (sends(b"SSH-2.0-OpenSSH_9.2\r\n"), "ConnectionFailed"),
    "header without end": (sends(b"HTTP/1.1 200 OK\r\nX: " + b"x" * 200_000), "ConnectionFailed"),
    "slow headers": (slow_headers, "FetchTimeout"),
    "silence": (lambda _: time.sleep(0.8), "FetchTimeout"),
}


@pytest.mark.parametrize("case", sorted([*BROKEN_BODIES, *BROKEN_HEADS]))
def test_an_answer_that_breaks_is_a_failure_in_time(poll3: Poll3, case: str, monkeypatch: pytest.MonkeyPatch):
    with_status = case in BROKEN_BODIES
    answer, kind = (BROKEN_BODIES | BROKEN_HEADS)[case]
    if kind == "FetchTimeout":
        monkeypatch.setattr(http, "TOTAL", 0.4)
    started = time.monotonic()
    seen = poll3(GOOD, answer, GOOD)
    assert time.monotonic() - started < 5
    assert seen.outcomes == ["changed", "failed", "unchanged" if with_status else "not_modified"]
    assert seen.details[1].startswith(f"{kind}: ")
    assert seen.asked == [NONE, BOTH, NONE if with_status else BOTH]
    assert (seen.kept, seen.entries) == (BOTH, 1)


@pytest.mark.parametrize("answer", [sends(b""), sends(HEAD), reset], ids=["nothing", "half a head", "reset"])
def test_a_connection_lost_before_an_answer_is_tried_once_more(poll3: Poll3, answer: Raw):
    """RFC 9110 section 9.2.2 allows it; the server may have closed a connection that it kept."""
    seen = poll3(GOOD, answer, answer, GOOD)
    assert seen.outcomes == ["changed", "failed", "not_modified"]
    assert seen.details[1].startswith("ConnectionFailed: ")
    assert seen.asked == [NONE, BOTH, BOTH, BOTH]


def test_a_cut_body_without_length_leaves_no_validator_behind(poll3: Poll3):
    """RFC 9112 section 6.3: where the connection's end is the body's, nobody is told that it came too early."""
    whole, cut = sends(HEAD + b"\r\n" + rss("1", "2")), sends(HEAD + b"\r\n" + rss("1", "2")[:-60])
    seen = poll3(cut, whole, whole)
    assert seen.asked == [NONE, NONE, ('"bad"', None)]
    assert seen.entries == 2
