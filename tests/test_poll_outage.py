"""When everything fails at once it is our own network: no feed is to blame."""

from datetime import UTC, datetime, timedelta

import pytest

from aggregator.check import feed_rows
from aggregator.config import Config
from aggregator.executors import open_workers
from aggregator.model import DueFeed, Failure, FeedSettings, Hints, NotModified, PollOutcome, Subscription
from aggregator.pipeline import run_stage
from aggregator.poll import stage
from aggregator.poll.outage import is_ours, is_unreached, later, tried
from aggregator.status import collect
from aggregator.store import feeds, open_store
from aggregator.why import collect as why
from tests.feedserver import FeedServer

NOW = datetime(2026, 11, 24, 6, tzinfo=UTC)
QUARTER = timedelta(minutes=15)
RSS = b'<rss version="2.0"><channel><title>Wire</title></channel></rss>'


def poll(domain, *, kind="ConnectionFailed", status=None, failures=0):
    feed = DueFeed(
        feed_id=1, listed_url=f"https://{domain}/f", fetch_url=f"https://{domain}/f", domain=domain,
        settings=FeedSettings(), hints=Hints(), failures=failures,
    )  # fmt: skip
    result = Failure(kind=kind, detail="Could not resolve host", url=feed.fetch_url, status=status)
    return PollOutcome(feed=feed, result=result)


def answered(domain):
    result = NotModified(url="u", etag=None, last_modified=None, fresh_for=None, moved_to=None, seconds=0.1)
    return PollOutcome(feed=poll(domain).feed, result=result)


THREE = [poll("a.example"), poll("b.example", kind="FetchTimeout"), poll("c.example")]


def test_three_domains_without_an_answer_are_an_outage_and_two_are_not():
    assert is_ours(THREE, known=False)
    assert not is_ours(THREE[:2], known=False)
    assert not is_ours([poll("a.example")] * 5, known=False)
    assert not is_ours([], known=True)


@pytest.mark.parametrize("other", [answered("d.example"), poll("d.example", kind="BadStatus", status=503)])
def test_one_answer_of_whatever_kind_proves_that_the_network_is_up(other):
    assert not is_ours([*THREE, other], known=False)
    assert not is_ours([*THREE, other], known=True)


def test_a_body_that_broke_off_was_an_answer():
    assert not is_unreached(poll("a.example", status=200))


def test_feeds_that_have_been_failing_prove_nothing():
    dead = [poll(f"{name}.example", failures=4) for name in "abcd"]
    assert not is_ours(dead, known=False)
    assert is_ours(dead, known=True)


def test_what_was_not_tried_says_nothing():
    silent = [poll("d.example", kind="Skipped"), poll("e.example", kind="HostForbidden")]
    assert tried([*silent, *THREE]) == THREE


def test_a_feed_that_was_not_reached_is_due_again_in_a_quarter_of_an_hour():
    put_off = later(THREE[0], NOW, 0.5, NOW - 20 * QUARTER)
    assert put_off.next_poll_at == NOW + QUARTER * 1.1
    assert dict(put_off.next_poll_reasons) == {"network": 900, "winner": "network"}


@pytest.mark.parametrize(
    ("days", "hours"), [(0, 0.25), (0.25, 0.25), (1, 1), (2.5, 2.5), (24, 24), (400, 24)]
)
def test_an_outage_that_lasts_is_asked_after_less_and_less_often(days: float, hours: float):
    put_off = later(THREE[0], NOW, 0, NOW - timedelta(days=days))
    assert put_off.next_poll_at == NOW + timedelta(hours=hours)


# --- the stage over real sockets ----------------------------------------------------------------------------


@pytest.fixture
def config(tmp_path):
    opml = tmp_path / "feeds.opml"
    opml.write_text('<opml version="2.0"><body/></opml>')
    return Config(
        opml=opml,
        store=tmp_path / "store.sqlite",
        allow_private_hosts=True,
        host_spacing=timedelta(),
        engine="none",
    )


@pytest.fixture
def db(config):
    db = open_store(config.store)
    yield db
    db.close()


@pytest.fixture
def server():
    with FeedServer(hosts=3) as running:
        running.serve("/feed", RSS)
        yield running


def run(db, config, now):
    return run_stage(stage.STAGE, db, config, open_workers("inline:"), lambda: now)


def follow(db, *ports):
    urls = [f"http://127.0.0.{number}:{port}/feed" for number, port in enumerate(ports, 1)]
    feeds.sync(db, [Subscription(url=url) for url in urls], NOW)


def columns(db):
    sql = "SELECT failures, failure, next_poll_at FROM feeds ORDER BY feed_id"
    return list(db.execute(sql))


CLOSED = 1  # nobody listens there


def test_an_outage_counts_against_no_feed_and_is_said(db, config, caplog):
    follow(db, CLOSED, CLOSED, CLOSED)
    run(db, config, NOW)
    for failures, failure, at in columns(db):
        assert (failures, failure) == (0, None)
        assert "2026-11-24T06:15:00Z" <= at <= "2026-11-24T06:18:00Z"
    assert "network_down feeds=3 since=2026-11-24T06:00:00+00:00" in caplog.text
    assert feeds.all_failed_since(db, 0)
    assert run(db, config, NOW + timedelta(minutes=14)).jobs == 0
    later = NOW + timedelta(hours=2)
    assert run(db, config, later).jobs == 1
    assert {failures for failures, *_ in columns(db)} == {0}
    said = "down: no feed could be reached for 2 h; they are asked every 15 min"
    assert collect(db, config, later)[0]["network"] == said
    [winner] = [rule for rule in why(db, "1")["rules"] if rule["won"]]
    assert winner["rule"] == "network"
    days = NOW + timedelta(days=3)
    assert run(db, config, days).jobs == 1
    assert {at[:13] for *_, at in columns(db)} == {"2026-11-27T09"}
    assert collect(db, config, days)[0]["network"].endswith("asked every 3 h")
    assert feed_rows(db, config, later)[0]["problem"] == "no feed could be reached since 2026-11-24T06:00:00Z"


def test_an_outage_ends_with_the_first_answer_and_the_dead_then_count(db, config, server, caplog):
    follow(db, CLOSED, CLOSED, CLOSED)
    run(db, config, NOW)
    db.execute("UPDATE feeds SET fetch_url = ? WHERE feed_id = 1", [server.url("/feed")])
    run(db, config, NOW + timedelta(minutes=20))
    assert [failures for failures, *_ in columns(db)] == [0, 1, 1]
    assert "network_back after=0:20:00" in caplog.text
    assert collect(db, config, NOW)[0]["network"] == "up"


def test_while_one_feed_answers_the_others_back_off_as_ever(db, config, server):
    follow(db, server.port, CLOSED, CLOSED, CLOSED)
    run(db, config, NOW)
    rows = columns(db)
    assert [failures for failures, *_ in rows] == [0, 1, 1, 1]
    assert all(at >= "2026-11-24T07:00:00Z" for _, _, at in rows[1:])


def test_a_single_dead_feed_is_no_outage(db, config):
    follow(db, CLOSED)
    run(db, config, NOW)
    assert [failures for failures, *_ in columns(db)] == [1]
