"""The poll stage over a real server and a real store."""

import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlite_utils import Database

from aggregator.config import Config
from aggregator.executors import open_workers
from aggregator.http import shards as http_shards
from aggregator.model import (
    Changed,
    DueFeed,
    Failure,
    FeedSettings,
    Fetched,
    HostBatch,
    Shard,
    ShardOutcome,
    Subscription,
    Unchanged,
)
from aggregator.pipeline import StageReport, run_stage
from aggregator.poll import clean, lenient, parse, stage
from aggregator.poll import shard as shard_work
from aggregator.poll.shards import PER_DOMAIN
from aggregator.store import due as due_store
from aggregator.store import feeds, network, open_store, polls
from aggregator.times import to_text
from tests.feedserver import Answer, FeedServer
from tests.names import give_addresses

NOW = datetime(2026, 11, 24, 6, 0, tzinfo=UTC)
CONFIG = Config(allow_private_hosts=True, host_spacing=timedelta())


def rss(*guids: str, extra: str = "") -> bytes:
    items = "".join(
        f"<item><guid isPermaLink='false'>{guid}</guid><title>Title {guid}</title>"
        f"<link>https://a.example/{guid}</link><description>Text of {guid}.</description></item>"
        for guid in guids
    )
    return f"""<?xml version="1.0"?><rss version="2.0"><channel><title>The feed</title>
      <link>https://a.example/</link><language>en</language>{extra}{items}</channel></rss>""".encode()


@pytest.fixture
def server() -> Iterator[FeedServer]:
    with FeedServer(hosts=3) as running:
        yield running


@pytest.fixture
def db(tmp_path: Path) -> Iterator[Database]:
    store = open_store(tmp_path / "store.sqlite")
    yield store
    store.close()


def follow(db: Database, *urls: str) -> None:
    feeds.sync(db, [Subscription(url=url) for url in urls], NOW)


def run(db: Database, now: datetime = NOW, executor: str = "inline:", config: Config = CONFIG) -> StageReport:
    workers = open_workers(executor)
    try:
        return run_stage(stage.STAGE, db, config, workers, lambda: now)
    finally:
        workers.close()


def again(db: Database, now: datetime) -> StageReport:
    feeds.make_due(db, now)
    return run(db, now)


def row(db: Database, feed_id: int = 1) -> dict[str, Any]:
    return next(db.query("SELECT * FROM feeds WHERE feed_id = ?", [feed_id]))


def pending(db: Database) -> Iterator[Shard]:
    return stage.pending(db, CONFIG, NOW)


def outcomes(db: Database) -> list[tuple[str, int, int]]:
    return db.execute("SELECT outcome, added, changed FROM polls ORDER BY poll_id").fetchall()


# --- the whole path -----------------------------------------------------------------------------------------


def test_a_poll_stores_entries_and_what_the_feed_says_of_itself(server: FeedServer, db: Database):
    follow(db, server.serve("/feed", rss("1", "2", extra="<ttl>120</ttl>"), etag='"1"'))
    report = run(db)
    assert (report.units, report.crashes, report.finished) == (1, 0, True)
    assert outcomes(db) == [("changed", 2, 0)]
    assert db.table("entries").count == 2
    feed = row(db)
    assert (feed["title"], feed["site_url"], feed["language"]) == ("The feed", "https://a.example/", "en")
    assert (feed["etag"], feed["failures"], feed["last_poll_at"]) == ('"1"', 0, "2026-11-24T06:00:00Z")
    next_poll = datetime.fromisoformat(feed["next_poll_at"])
    assert NOW + timedelta(hours=2) <= next_poll <= NOW + timedelta(hours=2.4)


def test_polling_again_at_once_makes_no_request(server: FeedServer, db: Database):
    follow(db, server.serve("/feed", rss("1")))
    run(db)
    assert run(db).jobs == 0
    assert len(server.requests) == 1


def test_a_second_poll_gets_304_and_writes_only_polling_columns(server: FeedServer, db: Database):
    follow(db, server.serve("/feed", rss("1"), etag='W/"1"', last_modified="Tue, 24 Nov 2026 05:00:00 GMT"))
    run(db)
    before = {table: list(db.query(f"SELECT * FROM {table}")) for table in ("entries", "stories", "hosts")}
    feed = row(db)
    again(db, NOW + timedelta(hours=5))
    assert server.requests[1].headers["if-none-match"] == 'W/"1"'
    assert outcomes(db)[1] == ("not_modified", 0, 0)
    assert {table: list(db.query(f"SELECT * FROM {table}")) for table in before} == before
    changed = {name for name, value in row(db).items() if value != feed[name]}
    assert changed <= {"next_poll_at", "next_poll_reasons", "last_poll_at", "seconds"}


def test_the_same_body_under_churning_validators_is_unchanged(server: FeedServer, db: Database):
    body = rss("1")
    follow(db, server.script("/feed", Answer(body, etag='"1"'), Answer(body, etag='"2"')))
    run(db)
    again(db, NOW + timedelta(hours=5))
    assert [outcome for outcome, *_ in outcomes(db)] == ["changed", "unchanged"]
    assert row(db)["etag"] == '"2"'


def test_a_new_entry_is_added_to_those_known(server: FeedServer, db: Database):
    follow(db, server.script("/feed", Answer(rss("1")), Answer(rss("2", "1"))))
    run(db)
    again(db, NOW + timedelta(hours=5))
    assert outcomes(db) == [("changed", 1, 0), ("changed", 1, 0)]


def test_one_bad_feed_does_not_stop_the_others(server: FeedServer, db: Database):
    server.serve("/html", b"<!doctype html><title>no feed</title>", content_type="text/html", etag='"h"')
    server.serve("/good", rss("1"))
    urls = [server.url("/missing"), server.url("/html", host=2), server.url("/good", host=3)]
    follow(db, *urls)
    run(db)
    states = {feed["listed_url"]: (feed["state"], feed["entries"]) for feed in feeds.overview(db)}
    assert states == {urls[0]: ("failing", 0), urls[1]: ("failing", 0), urls[2]: ("ok", 1)}
    assert row(db)["failure"] == "BadStatus: 404 Not Found"
    assert row(db, 2)["failure"].startswith("NotAFeed: ")
    assert row(db, 2)["etag"] is None


def test_a_body_that_arrives_short_costs_the_validators(server: FeedServer, db: Database):
    body = rss("1")
    cut = Answer(body, headers={"Content-Length": str(len(body) + 9)}, etag='"2"')
    follow(db, server.script("/feed", Answer(body, etag='"1"'), cut, Answer(body, etag='"1"')))
    run(db)
    again(db, NOW + timedelta(hours=5))
    assert row(db)["etag"] is None
    again(db, NOW + timedelta(hours=10))
    assert "if-none-match" not in server.requests[2].headers
    assert [outcome for outcome, *_ in outcomes(db)] == ["changed", "failed", "unchanged"]


def test_retry_after_outranks_poll_all(server: FeedServer, db: Database):
    busy = Answer(status=429, headers={"Retry-After": "36000"})
    server.serve("/other", rss("2"))
    follow(db, server.script("/busy", busy, Answer(rss("1"))), server.url("/other"))
    run(db)
    assert server.paths() == ["/busy"]
    assert outcomes(db) == [("failed", 0, 0)]
    again(db, NOW + timedelta(hours=9))
    assert server.paths() == ["/busy"]
    again(db, NOW + timedelta(hours=11))
    assert sorted(server.paths()) == ["/busy", "/busy", "/other"]
    assert row(db)["retry_after_at"] is None


def shared(server: FeedServer, db: Database, monkeypatch: pytest.MonkeyPatch, **settings: Any) -> None:
    """Follow a busy feed, one beside it on its host, and one on another host of its domain."""
    names = ("a.shared.example", "b.shared.example")
    give_addresses(monkeypatch, {name: ["127.0.0.1"] for name in names})
    busy = Answer(status=429, headers={"Retry-After": "36000"})
    server.script("/busy", busy, Answer(rss("1")))
    server.serve("/beside", rss("2"))
    server.serve("/far", rss("3"))
    places = [
        ("a", "/busy", FeedSettings(**settings)),
        ("a", "/beside", FeedSettings()),
        ("b", "/far", FeedSettings()),
    ]
    feeds.sync(
        db,
        [
            Subscription(url=f"http://{host}.shared.example:{server.port}{path}", settings=own)
            for host, path, own in places
        ],
        NOW,
    )


@pytest.mark.parametrize(
    ("scope", "first", "resting"),
    [
        ("url", ["/busy", "/beside", "/far"], ["/beside", "/far"]),
        ("host", ["/busy", "/far"], ["/far"]),
        ("domain", ["/busy"], []),
    ],
)
@pytest.mark.parametrize("whose", ["setting", "feed"])
def test_what_a_retry_after_holds_for_is_left_alone(
    server: FeedServer,
    db: Database,
    monkeypatch: pytest.MonkeyPatch,
    scope: Any,
    first: list[str],
    resting: list[str],
    whose: str,
):
    other = "domain" if scope == "url" else "url"
    shared(server, db, monkeypatch, **({"retry_scope": scope} if whose == "feed" else {}))
    config = replace(CONFIG, retry_scope=scope if whose == "setting" else other)
    run(db, config=config)
    assert server.paths() == first
    for hours, expected in ((9, resting), (11, ["/beside", "/busy", "/far"])):
        server.requests.clear()
        feeds.make_due(db, NOW + timedelta(hours=hours))
        run(db, NOW + timedelta(hours=hours), config=config)
        assert sorted(server.paths()) == expected
    assert db.table("host_rests").count == 0


def test_a_feed_listed_meanwhile_waits_for_its_host(
    server: FeedServer, db: Database, monkeypatch: pytest.MonkeyPatch
):
    shared(server, db, monkeypatch)
    run(db)
    follow(db, f"http://a.shared.example:{server.port}/new")
    server.requests.clear()
    run(db, NOW + timedelta(hours=1))
    assert server.requests == []
    assert due_store.next_at(db) == NOW + timedelta(hours=10)


def test_a_rest_asked_for_at_a_redirects_end_is_that_hosts(server: FeedServer, db: Database):
    busy = server.url("/busy", host=2)
    server.serve("/busy", status=429, headers={"Retry-After": "3600"})
    server.serve("/good", rss("1"))
    follow(db, server.serve("/a", status=302, headers={"Location": busy}), server.url("/good"), busy)
    run(db)
    assert list(db.query("SELECT host FROM host_rests")) == [{"host": "127.0.0.2"}]
    assert sorted(set(server.paths())) == ["/a", "/busy", "/good"]


def test_a_domain_is_remembered_where_there_is_spacing(server: FeedServer, db: Database):
    follow(db, server.serve("/feed", rss("1")))
    run(db, config=Config(allow_private_hosts=True, host_spacing=timedelta(seconds=2)))
    assert list(db.query("SELECT domain, next_fetch_at, retry_after_at FROM hosts")) == [
        {"domain": "127.0.0.1", "next_fetch_at": "2026-11-24T06:00:02Z", "retry_after_at": None}
    ]


def test_gone_twice_is_never_asked_again(server: FeedServer, db: Database):
    follow(db, server.serve("/feed", status=410))
    for days in range(5):
        again(db, NOW + timedelta(days=days))
    assert len(server.requests) == 2
    assert [outcome for outcome, *_ in outcomes(db)] == ["failed", "gone"]
    assert feeds.overview(db)[0]["state"] == "gone"


def test_a_moved_feed_is_fetched_at_its_new_place_after_two_polls(server: FeedServer, db: Database):
    target = server.url("/new", host=2)
    server.serve("/new", rss("1"), etag='"1"')
    follow(db, server.serve("/old", status=301, headers={"Location": target}))
    for hours in (0, 5, 10):
        again(db, NOW + timedelta(hours=hours))
    assert server.paths() == ["/old", "/new", "/old", "/new", "/new"]
    feed = row(db)
    assert (feed["listed_url"], feed["fetch_url"], feed["domain"]) == (
        server.url("/old"),
        target,
        "127.0.0.2",
    )
    assert outcomes(db)[2][0] == "not_modified"


def test_a_temporary_redirect_moves_nothing(server: FeedServer, db: Database):
    server.serve("/new", rss("1"))
    follow(db, server.serve("/old", status=302, headers={"Location": "/new"}))
    for hours in (0, 5, 10):
        again(db, NOW + timedelta(hours=hours))
    assert row(db)["fetch_url"] == server.url("/old")


def test_a_worker_process_polls_as_well(server: FeedServer, db: Database):
    follow(db, server.serve("/feed", rss("1")))
    assert run(db, executor="processes:1").crashes == 0
    assert outcomes(db) == [("changed", 1, 0)]


def test_paused_feeds_are_left_alone(server: FeedServer, db: Database):
    url = server.serve("/feed", rss("1"))
    feeds.sync(db, [Subscription(url=url, settings=FeedSettings(paused=True))], NOW)
    assert stage.backlog(db, CONFIG, NOW) == 0
    again(db, NOW)
    assert server.requests == []


def test_a_crash_backs_the_shard_off_and_says_why(db: Database):
    follow(db, "https://a.example/feed", "https://b.example/feed")
    (job,) = stage.pending(db, CONFIG, NOW)
    stage.postpone(db, CONFIG, job, "ValueError: bad", NOW)
    assert list(stage.pending(db, CONFIG, NOW)) == []
    assert row(db)["failure"] == "Crash: ValueError: bad"
    assert outcomes(db) == [("failed", 0, 0)] * 2


# --- jobs ---------------------------------------------------------------------------------------------------


def test_a_domain_is_in_one_shard_and_a_shard_is_bounded(db: Database):
    follow(
        db,
        *(f"https://{n % 50}.site{n % 30}.example.com/{n}" for n in range(40)),
        *(f"https://h{n}.example/" for n in range(450)),
    )
    shards = list(stage.pending(db, CONFIG, NOW))
    domains = [batch.domain for shard in shards for batch in shard.batches]
    assert len(domains) == len(set(domains)) == 451
    assert [stage.size(shard) for shard in shards] == [157, 157, 156]
    assert len(shards[0].batches[0].feeds) == PER_DOMAIN == 20


def test_one_call_gives_out_all_that_is_due_and_each_feed_once(db: Database, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(stage, "AT_ONCE", 50)
    follow(db, *(f"https://h{n}.example/" for n in range(230)))
    given = [[feed.feed_id for batch in shard.batches for feed in batch.feeds] for shard in pending(db)]
    assert [len(shard) for shard in given] == [50, 50, 50, 50, 30]
    assert sorted(feed_id for shard in given for feed_id in shard) == list(range(1, 231))


def test_no_worker_waits_between_two_pages(db: Database, monkeypatch: pytest.MonkeyPatch):
    """All jobs come from one call, and a second one that finds nothing: each call's end waits for all workers."""
    monkeypatch.setattr(stage, "AT_ONCE", 50)
    follow(db, *(f"https://h{n}.example/" for n in range(230)))
    calls: list[int] = []

    def counted(*given: Any) -> Iterator[Shard]:
        calls.append(1)
        return stage.pending(*given)

    def crash(*_: Any) -> None:
        raise ValueError("nobody is asked")

    workers = open_workers("inline:")
    report = run_stage(replace(stage.STAGE, pending=counted, work=crash), db, CONFIG, workers, lambda: NOW)
    assert (report.jobs, report.units, len(calls)) == (5, 230, 2)


def test_what_is_booked_while_jobs_are_given_out_changes_none_of_them(
    db: Database, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(stage, "AT_ONCE", 50)
    follow(db, *(f"https://h{n % 60}.site{n % 90}.example/{n}" for n in range(300)))
    alone = [shard.batches for shard in pending(db)]
    beside = []
    for shard in pending(db):
        beside.append(shard.batches)
        stage.postpone(db, CONFIG, shard, "ValueError: bad", NOW)
    assert beside == alone


def test_a_feed_that_is_due_again_by_the_time_it_is_booked_waits_for_the_next_call(
    db: Database, monkeypatch: pytest.MonkeyPatch
):
    """As where the clock was set back, or somebody asked for it meanwhile."""
    monkeypatch.setattr(stage, "AT_ONCE", 20)
    feeds.sync(db, [Subscription(url=f"https://h{n}.example/") for n in range(90)], NOW - timedelta(hours=1))
    for _ in range(2):
        given = []
        for shard in pending(db):
            given += [feed.feed_id for batch in shard.batches for feed in batch.feeds]
            db.execute(
                f"UPDATE feeds SET next_poll_at = ? WHERE feed_id IN ({str(given)[1:-1]})", [to_text(NOW)]
            )
        assert sorted(given) == list(range(1, 91))


def test_two_workers_never_ask_one_domain_at_the_same_time(server: FeedServer, db: Database):
    for number in range(50):
        server.serve(f"/{number}", rss("1"), wait=0.005)
    follow(db, *(server.url(f"/{number}") for number in range(50)))
    assert run(db, executor="processes:2").units == 50
    assert (len(server.requests), server.busiest) == (50, 1)


def test_a_domain_with_half_of_all_feeds_has_its_turn_and_no_more_of_them_are_read(
    db: Database, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(stage, "AT_ONCE", 100)
    read: list[int] = []
    monkeypatch.setattr(due_store, "due_feed_of", lambda row: read.append(1) or feeds.due_feed_of(row))
    follow(
        db,
        *(f"https://u{n}.huge.example/" for n in range(500)),
        *(f"https://h{n}.example/" for n in range(500)),
    )
    turns = []
    for _ in range(3):
        shards = list(pending(db))
        turns.append(sum(stage.size(shard) for shard in shards))
        for shard in shards:
            stage.postpone(db, CONFIG, shard, "ValueError: bad", NOW)
    assert turns == [520, 20, 20]
    assert len(read) == (100 + 500) + 100 + 100


def test_domains_with_a_few_feeds_on_every_page_are_read_no_further_either(
    db: Database, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(stage, "AT_ONCE", 20)
    read: list[int] = []
    monkeypatch.setattr(due_store, "due_feed_of", lambda row: read.append(1) or feeds.due_feed_of(row))
    follow(db, *(f"https://u{n}.site{n % 5}.example/" for n in range(500)))
    assert sum(stage.size(shard) for shard in pending(db)) == 20
    assert len(read) == 120


def test_a_host_that_was_asked_just_now_is_waited_for(db: Database):
    follow(db, "https://a.example/feed", "https://b.example/feed")
    db.table("hosts").insert({"domain": "a.example", "next_fetch_at": "2026-11-24T06:00:02Z"})
    config = Config(host_spacing=timedelta(seconds=5))
    (shard,) = stage.pending(db, config, NOW)
    assert [batch.wait for batch in shard.batches] == [timedelta(seconds=2), timedelta()]
    assert [batch.spacing for batch in shard.batches] == [timedelta(seconds=5)] * 2


def test_a_redirect_into_a_host_that_rests_is_not_followed_until_it_is_over(
    server: FeedServer, db: Database, monkeypatch: pytest.MonkeyPatch
):
    give_addresses(monkeypatch, {"go.example": ["127.0.0.1"], "rests.example": ["127.0.0.1"]})
    go, there = (f"http://{name}:{server.port}" for name in ("go.example", "rests.example"))
    server.script("/go", Answer(status=302, headers={"Location": f"{there}/feed"}))
    server.serve("/feed", rss("1"))
    polls.write_rest(db, "rests.example", NOW + timedelta(hours=3))
    follow(db, f"{go}/go")
    run(db)
    assert server.paths() == ["/go"]
    assert (outcomes(db), row(db)["failures"]) == ([], 0)
    due_at = datetime.fromisoformat(row(db)["next_poll_at"])
    assert NOW + timedelta(hours=3) <= due_at <= NOW + timedelta(hours=4)
    run(db, due_at)
    assert server.paths() == ["/go", "/go", "/feed"]
    assert outcomes(db) == [("changed", 1, 0)]


def test_a_large_shared_domain_is_asked_slowly_and_a_few_feeds_a_job(db: Database):
    follow(db, *(f"https://medium.com/feed/@{n}" for n in range(9)))
    (shard,) = stage.pending(db, Config(), NOW)
    (batch,) = shard.batches
    assert (batch.spacing, len(batch.feeds)) == (timedelta(seconds=5), 4)
    (shard,) = stage.pending(db, CONFIG, NOW)
    assert (shard.batches[0].spacing, len(shard.batches[0].feeds)) == (timedelta(), 9)


def test_what_a_job_has_no_time_for_stays_due_without_a_failure_and_comes_first(
    server: FeedServer, db: Database, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(http_shards, "BUDGET", 0.1)
    for path in ("/a", "/b", "/c"):
        server.serve(path, rss("1"), wait=0.2)
    follow(db, *(server.url(path) for path in ("/a", "/b", "/c")), server.url("/a", host=2))
    (job,) = pending(db)
    stage.record(db, CONFIG, job, shard_work.fetch_and_parse(CONFIG, job), NOW)
    assert server.paths() == ["/a", "/a"]
    assert outcomes(db) == [("changed", 1, 0)] * 2
    left = row(db, 2)
    assert (left["next_poll_at"], left["failures"]) == ("2026-11-24T06:00:00Z", 0)
    assert (left["last_poll_at"], left["next_poll_reasons"]) == (None, "[]")
    follow(db, *(server.url(f"/{name}") for name in ("a", "b", "c", "new")), server.url("/a", host=2))
    (job,) = pending(db)
    assert [feed.feed_id for batch in job.batches for feed in batch.feeds] == [2, 3, 5]


def test_a_stage_goes_on_until_what_was_left_is_polled_too(
    server: FeedServer, db: Database, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(http_shards, "BUDGET", 0.1)
    for path in ("/a", "/b", "/c"):
        server.serve(path, rss("1"), wait=0.15)
    follow(db, *(server.url(path) for path in ("/a", "/b", "/c")))
    report = run(db)
    assert (report.finished, report.jobs) == (True, 3)
    assert outcomes(db) == [("changed", 1, 0)] * 3


def test_what_was_not_asked_says_nothing_about_our_network(db: Database):
    follow(db, *(f"https://{name}.example/" for name in "abcd"))
    (job,) = pending(db)
    down = [Failure(kind="ConnectionFailed", detail="no route", url="")] * 3
    left = Failure(kind="Left", detail="no time", url="")
    stage.record(db, CONFIG, job, ShardOutcome(results=(*down, left)), NOW)
    assert [row(db, feed_id)["failures"] for feed_id in (1, 2, 3, 4)] == [0] * 4
    due_at = [row(db, feed_id)["next_poll_at"] for feed_id in (1, 2, 3, 4)]
    assert [at > to_text(NOW) for at in due_at] == [True, True, True, False]
    assert network.down_since(db) == NOW


def test_a_domain_that_waits_longer_than_a_job_lasts_is_asked_all_the_same(db: Database):
    config = replace(CONFIG, host_spacing=timedelta(minutes=2))
    follow(db, "https://a.example/1", "https://a.example/2")
    polls.write_host(db, "a.example", NOW + timedelta(seconds=100), None, None)
    later = NOW + timedelta(seconds=60)
    (job,) = stage.pending(db, config, NOW)
    left = Failure(kind="Left", detail="no time", url="")
    stage.record(db, config, job, ShardOutcome(results=(left,)), later)
    (job,) = stage.pending(db, config, later)
    assert job.batches[0].wait == timedelta(seconds=40)

    unread = replace(left, status=200)  # it was asked, and there was no time to read what it said
    stage.record(db, config, job, ShardOutcome(results=(unread,)), later)
    (job,) = stage.pending(db, config, later)
    assert job.batches[0].wait == timedelta(minutes=2)


def test_a_slow_answer_is_remembered(server: FeedServer, db: Database):
    follow(db, server.serve("/feed", rss("1"), wait=0.3))
    run(db)
    feeds.make_due(db, NOW)
    (job,) = pending(db)
    assert 0.3 <= job.batches[0].feeds[0].seconds < 5


# --- one answer ---------------------------------------------------------------------------------------------


def due(**columns: Any) -> DueFeed:
    return DueFeed(
        feed_id=1,
        listed_url="https://a.example/",
        fetch_url="https://a.example/",
        domain="a.example",
        **columns,
    )


def answer(body: bytes) -> Fetched:
    return Fetched(
        url="https://a.example/", body=body, content_type="text/xml", etag=None, last_modified=None,
        fresh_for=None, moved_to=None, wire_bytes=len(body), seconds=0.0,
    )  # fmt: skip


def test_a_known_body_is_not_parsed(monkeypatch: pytest.MonkeyPatch):
    first = shard_work.outcome_of(due(), answer(rss("1"))).result
    assert isinstance(first, Changed)
    monkeypatch.setattr(parse, "parse", None)
    second = shard_work.outcome_of(due(body_fingerprint=first.body_fingerprint), answer(rss("1"))).result
    assert isinstance(second, Unchanged)


def test_what_a_first_poll_leaves_out_is_stored_by_name_and_never_revised(db: Database, server: FeedServer):
    guids = [str(n) for n in range(12)]
    server.serve("/f", rss(*guids))
    follow(db, server.url("/f"))
    run(db)
    stored = list(db.query("SELECT guid, title, summary_html, excluded FROM entries ORDER BY entry_id DESC"))
    assert stored[9] == {"guid": "9", "title": "Title 9", "summary_html": "Text of 9.", "excluded": None}
    assert stored[10] == {"guid": "10", "title": "Title 10", "summary_html": "", "excluded": "first fill"}
    server.serve("/f", rss("new", *guids))
    run(db, NOW + timedelta(days=1))
    poll = next(db.query("SELECT added, changed FROM polls ORDER BY poll_id DESC LIMIT 1"))
    assert poll == {"added": 1, "changed": 0}
    assert next(db.query("SELECT excluded, summary_html FROM entries WHERE guid = 'new'")) == {
        "excluded": None,
        "summary_html": "Text of new.",
    }


def test_entries_that_stand_as_they_stood_are_not_cleaned_again(
    db: Database, server: FeedServer, monkeypatch: pytest.MonkeyPatch
):
    cleaned: list[str] = []
    real = clean.sanitise
    monkeypatch.setattr(clean, "sanitise", lambda html, base: cleaned.append(html) or real(html, base))
    server.serve("/f", rss("1", "2"))
    follow(db, server.url("/f"))
    run(db)
    cleaned.clear()
    server.serve("/f", rss("3", "1", "2").replace(b"Text of 2.", b"Text of 2, corrected."))
    run(db, NOW + timedelta(days=1))
    assert {text for text in cleaned if text} == {"Text of 3.", "Text of 2, corrected."}
    poll = next(db.query("SELECT added, changed FROM polls ORDER BY poll_id DESC LIMIT 1"))
    assert poll == {"added": 1, "changed": 1}
    stored = {row["guid"]: row["summary_html"] for row in db.query("SELECT guid, summary_html FROM entries")}
    assert stored == {"1": "Text of 1.", "2": "Text of 2, corrected.", "3": "Text of 3."}


def test_an_entry_marked_as_known_that_the_store_has_not_is_read_by_the_next_poll(
    db: Database, server: FeedServer
):
    server.serve("/f", rss("1", "2"), headers={"ETag": '"1"'})
    follow(db, server.url("/f"))
    run(db)
    db.execute("DELETE FROM entries WHERE guid = '2'")
    server.serve("/f", rss("3", "1", "2"), headers={"ETag": '"2"'})
    run(db, NOW + timedelta(days=1))
    assert {row["guid"] for row in db.query("SELECT guid FROM entries")} == {"1", "3"}
    run(db, NOW + timedelta(days=3))
    found = {row["guid"]: row["summary_html"] for row in db.query("SELECT guid, summary_html FROM entries")}
    assert found == {"1": "Text of 1.", "2": "Text of 2.", "3": "Text of 3."}
    assert next(db.query("SELECT excluded FROM entries WHERE guid = '2'"))["excluded"] is None


def test_where_rules_mute_a_first_poll_reads_every_text(db: Database, server: FeedServer):
    server.serve("/f", rss(*(str(n) for n in range(12))))
    feeds.sync(db, [Subscription(url=server.url("/f"), settings=FeedSettings(mute="Title 3"))], NOW)
    run(db)
    excluded = db.query("SELECT guid, excluded, summary_html FROM entries WHERE excluded IS NOT NULL")
    assert [tuple(row.values()) for row in excluded] == [
        ("11", "first fill", "Text of 11."),
        ("3", "mute Title 3", "Text of 3."),
    ]


def test_a_body_that_was_no_feed_is_not_parsed_again_until_it_changes(
    db: Database, server: FeedServer, monkeypatch: pytest.MonkeyPatch
):
    parsed: list[bytes] = []
    real = parse.parse

    def counted(body: bytes, *rest: Any, **named: Any) -> Any:
        parsed.append(body)
        return real(body, *rest, **named)

    monkeypatch.setattr(parse, "parse", counted)
    server.serve("/f", b"<html><body>Moved.</body></html>")
    follow(db, server.url("/f"))
    polls = [run(db, NOW + timedelta(days=day)) for day in range(2)]
    assert [poll.units for poll in polls] == [1, 1]
    assert len(parsed) == 1
    row = next(db.query("SELECT failures, failure, etag FROM feeds"))
    assert row["failures"] == 2
    assert row["failure"].count("NotAFeed: ") == 1
    assert row["failure"].endswith("is an HTML page, not a feed")
    assert row["etag"] is None
    server.serve("/f", rss("1"))
    run(db, NOW + timedelta(days=9))
    assert len(parsed) == 2
    assert next(db.query("SELECT failures, refused_fingerprint FROM feeds")) == {
        "failures": 0,
        "refused_fingerprint": None,
    }


def in_main(feeds: int) -> list[Any]:
    return [shard_work.outcome_of(due(), answer(HOSTILE)).result for _ in range(feeds)]


def in_threads(feeds: int) -> list[Any]:
    with ThreadPoolExecutor(feeds) as pool:
        return [result for (result,) in pool.map(lambda _: in_main(1), range(feeds))]


HOSTILE = b"<rss><channel><item %s></channel></rss>" % b" ".join(b'a%d="1"' % n for n in range(40_000))


@pytest.mark.parametrize("where", [in_main, in_threads])
def test_a_parse_that_runs_away_is_cut_off(
    where: Callable[[int], list[Any]], monkeypatch: pytest.MonkeyPatch
):
    """A feed on which feedparser spends more than ten seconds where nobody refuses it; two at a time."""
    monkeypatch.setattr(lenient, "_MAX_ATTRIBUTES", 1_000_000)
    monkeypatch.setattr(shard_work, "PARSE_SECONDS", 0.3)
    started = time.process_time()
    results = where(2)
    assert time.process_time() - started < 8
    assert [(result.kind, result.status) for result in results] == [("NotAFeed", 200)] * 2
    assert "of CPU" in results[0].detail


def test_a_thread_parses_large_feeds_that_have_to_be_mended():
    large = rss("1", extra=f"<docs>{'x' * 40_000} & y</docs>")
    with ThreadPoolExecutor(1) as pool:
        result = pool.submit(shard_work.outcome_of, due(), answer(large)).result().result
    assert isinstance(result, Changed)
    assert [entry.guid for entry in result.feed.entries] == ["1"]


def test_work_returns_one_outcome_a_feed(server: FeedServer):
    server.serve("/feed", rss("1"))
    pair = tuple(
        DueFeed(feed_id=n, listed_url="", fetch_url=server.url(path), domain="127.0.0.1")
        for n, path in enumerate(("/feed", "/none"))
    )
    shard = Shard(batches=(HostBatch(domain="127.0.0.1", feeds=pair, spacing=timedelta()),))
    results = shard_work.fetch_and_parse(CONFIG, shard).results
    assert [type(result) for result in results] == [Changed, Failure]
