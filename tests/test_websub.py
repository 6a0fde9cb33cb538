"""The whole way: a feed names a hub, the hub is asked, verifies, delivers, is renewed, denies, dies, is left."""

import json
import logging
import shutil
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlite_utils import Database

from aggregator import stages, status
from aggregator.config import Config
from aggregator.model import FeedSettings, Subscription
from aggregator.serve import Server
from aggregator.session import Session
from aggregator.store import feeds, open_store
from aggregator.websub import spool
from aggregator.websub.stage import STAGE, take_up
from tests.feedserver import Answer, FeedServer
from tests.hub import Hub, call, signed

NOW = datetime(2026, 11, 24, 6, 0, tzinfo=UTC)
HOUR = timedelta(hours=1)
DAY = timedelta(days=1)


def rss(hub: str, topic: str, *guids: str) -> bytes:
    links = f'<atom:link rel="hub" href="{hub}"/><atom:link rel="self" href="{topic}"/>' if hub else ""
    items = "".join(
        f"<item><guid isPermaLink='false'>{guid}</guid><title>Title {guid}</title>"
        f"<link>https://a.example/{guid}</link><description>Text of {guid}.</description></item>"
        for guid in guids
    )
    return f"""<?xml version="1.0"?><rss version="2.0" xmlns:atom="http://www.w3.org/2005/Atom"><channel>
      <title>The feed</title><link>https://a.example/</link>{links}{items}</channel></rss>""".encode()


class World:
    """A feed, its hub, our server and our rounds, with a clock that is set by hand."""

    def __init__(self, tmp_path: Path, server: FeedServer, hub: Hub, config: Config, db: Database) -> None:
        self.server, self.hub, self.config, self.db = server, hub, config, db
        self.now = NOW
        self.topic = server.url("/feed")
        self.session = Session(db=db, config=config, clock=lambda: self.now)

    def publish(self, *guids: str, hub: str | None = None) -> bytes:
        body = rss(self.hub.url if hub is None else hub, self.topic, *guids)
        self.server.serve("/feed", body)
        return body

    def round(self, after: timedelta = timedelta(seconds=30)) -> None:
        self.now += after
        assert [report.name for report in stages.run_round(self.session) if report.crashes] == []

    def poll(self) -> None:
        feeds.make_due(self.db, self.now)
        self.round()

    def follow(self, **settings: Any) -> None:
        feeds.sync(self.db, [Subscription(url=self.topic, settings=FeedSettings(**settings))], self.now)

    def subscribe(self) -> None:
        """Go to the point where the hub has verified and we know."""
        self.publish("1")
        self.follow()
        self.round()
        self.round()
        assert self.hub.verify() == [200]
        self.round()

    def rely(self) -> None:
        """Go to the point where the hub brought news."""
        self.subscribe()
        assert self.hub.deliver(self.publish("2", "1")) == [202]
        self.round()

    @property
    def lease(self) -> dict[str, Any]:
        return next(self.db.query("SELECT * FROM websub ORDER BY lease_id DESC"), {})

    @property
    def feed(self) -> dict[str, Any]:
        return next(self.db.query("SELECT * FROM feeds"))

    def guids(self) -> list[str]:
        return [guid for (guid,) in self.db.execute("SELECT guid FROM entries ORDER BY guid")]

    def modes(self) -> list[str]:
        return [fields["hub.mode"] for fields in self.hub.asked]

    def wait(self) -> timedelta:
        """Return how far away the next poll is."""
        return datetime.fromisoformat(self.feed["next_poll_at"]) - self.now


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    config = Config(
        store=tmp_path / "store.sqlite", output=tmp_path / "output", listen="127.0.0.1:0", engine="none",
        visibility="public", contact="a@example.jp", allow_private_hosts=True, host_spacing=timedelta(),
        executor_poll="inline:", executor_translate="inline:",
    )  # fmt: skip
    db = open_store(config.store)
    # The address is known once the server runs; the server itself does not look at it.
    with FeedServer() as feed_server, Hub() as hub, Server(config) as ours:
        config = replace(config, base_url=f"http://127.0.0.1:{ours.port}")
        yield World(tmp_path, feed_server, hub, config, db)
    db.close()


def test_a_feed_that_names_a_hub_is_asked_for_there(world: World):
    world.publish("1")
    world.follow()
    world.round()
    assert world.hub.asked == []
    world.round()
    (asked,) = world.hub.asked
    token = asked["hub.callback"].rpartition("/websub/")[2]
    assert asked["hub.topic"] == world.topic
    assert asked["hub.mode"] == "subscribe"
    assert asked["hub.callback"] == f"{world.config.base_url}/websub/{token}"
    assert len(token) >= 32
    assert len(asked["hub.secret"]) == 64
    assert asked["hub.lease_seconds"] == "864000"
    world.round()
    assert len(world.hub.asked) == 1


def test_a_verified_lease_alone_changes_no_poll(world: World):
    world.subscribe()
    assert (world.lease["verified_at"], world.lease["failures"]) == ("2026-11-24T06:01:30Z", 0)
    assert world.lease["expires_at"] == "2026-12-04T06:01:30Z"
    world.poll()
    assert HOUR <= world.wait() <= 1.2 * HOUR


def test_a_hub_may_verify_before_it_answers(world: World):
    world.hub.at_once = True
    world.publish("1")
    world.follow()
    world.round()
    world.round()
    world.round()
    assert world.lease["verified_at"]
    assert len(world.hub.asked) == 1


def test_a_delivery_becomes_an_entry_without_a_poll(world: World):
    world.subscribe()
    polled = len(world.server.requests)
    before = world.feed
    assert world.hub.deliver(rss(world.hub.url, world.topic, "2")) == [202]
    world.round()
    assert world.guids() == ["1", "2"]
    assert len(world.server.requests) == polled
    changed = {name for name, value in world.feed.items() if value != before[name]}
    assert changed == {"last_change_at"}
    assert world.db.execute("SELECT count(*) FROM entries WHERE unlisted_at IS NOT NULL").fetchone() == (0,)
    assert world.db.execute("SELECT title, summary_html FROM entries WHERE guid = '2'").fetchone() == (
        "Title 2",
        "Text of 2.",
    )
    assert list(spool.folder(world.config).iterdir()) == []
    assert world.db.table("websub_deliveries").count == 0


def test_a_hub_that_brought_news_makes_polls_twelve_times_rarer_and_says_so(world: World):
    world.rely()
    world.poll()
    assert 12 * HOUR <= world.wait() <= 14.4 * HOUR
    reasons = dict(json.loads(world.feed["next_poll_reasons"]))
    assert (reasons["base"], reasons["websub"], reasons["winner"]) == (3600, 43200, "websub")


def test_a_delivery_without_news_proves_nothing(world: World):
    world.subscribe()
    world.hub.deliver(world.publish("1"))
    world.round()
    assert (world.lease["deliveries"], world.lease["works"]) == (1, 0)


def test_a_poll_that_finds_what_the_hub_did_not_deliver_ends_the_trust_until_the_next_news(world: World):
    world.rely()
    world.publish("3", "2", "1")
    world.poll()
    assert world.lease["works"] == 0
    assert world.wait() <= 1.2 * HOUR
    assert "websub" not in world.feed["next_poll_reasons"]
    world.hub.deliver(world.publish("4", "3", "2", "1"))
    world.round()
    assert world.lease["works"] == 1


def test_a_lease_is_renewed_at_half_its_time_and_nothing_is_missed_meanwhile(world: World):
    world.rely()
    world.round(4 * DAY)
    assert world.modes() == ["subscribe"]
    world.round(1 * DAY)
    assert world.modes() == ["subscribe", "subscribe"]
    first, second = world.hub.asked
    assert first == second
    assert world.lease["works"] == 1
    assert world.hub.verify() == [200]
    world.round()
    assert world.lease["expires_at"] == "2026-12-09T06:02:30Z"
    assert world.lease["works"] == 1


def test_a_hub_that_dies_leaves_the_feed_to_polls(world: World):
    world.rely()
    world.poll()
    assert world.wait() > 11 * HOUR
    world.hub.answer = 500
    polled = len(world.server.requests)
    world.now = NOW + 5 * DAY
    world.db.execute("UPDATE feeds SET next_poll_at = '2026-12-24T00:00:00Z'")
    world.round(HOUR)
    assert world.lease["works"] == 0
    assert world.lease["failure"].startswith("BadStatus: 500")
    assert len(world.server.requests) == polled + 1
    assert HOUR <= world.wait() <= 1.2 * HOUR
    world.round(timedelta(minutes=59))
    assert world.modes() == ["subscribe"] * 2
    world.round(timedelta(minutes=2))
    assert world.modes() == ["subscribe"] * 3
    world.round(timedelta(minutes=119))
    assert world.modes() == ["subscribe"] * 3


def test_a_lease_that_nobody_renews_runs_out(world: World):
    world.rely()
    world.now = NOW + 5 * DAY
    world.round()
    world.now = NOW + 10 * DAY
    world.round(HOUR)
    assert world.lease["works"] == 0
    assert HOUR <= world.wait() <= 1.2 * HOUR


def test_a_request_that_is_never_verified_is_made_ever_more_rarely(world: World):
    world.publish("1")
    world.follow()
    world.round()
    world.round()
    gaps = []
    for _ in range(9):
        due = datetime.fromisoformat(world.lease["ask_at"])
        gaps.append(due - world.now)
        world.now = due
        world.round()
    assert [gap // HOUR for gap in gaps] == [1, 2, 4, 8, 24, 48, 96, 168, 168]


def test_a_denial_is_final_and_polls_go_on(world: World):
    world.rely()
    world.poll()
    (fields,) = world.hub.verified.values()
    assert world.hub.deny(fields, "not you") == 200
    world.round()
    assert (world.lease["mode"], world.lease["failure"]) == ("denied", "denied: not you")
    assert HOUR <= world.wait() <= 1.2 * HOUR
    assert world.hub.deliver(world.publish("9", "1")) == [410]
    world.round(30 * DAY)
    assert world.modes() == ["subscribe"]


def test_a_removed_feed_is_unsubscribed(world: World):
    world.rely()
    feeds.sync(world.db, [], world.now)
    world.round()
    assert world.modes() == ["subscribe", "unsubscribe"]
    assert world.hub.asked[1]["hub.callback"] == world.hub.asked[0]["hub.callback"]
    assert world.hub.deliver(b"<rss/>") == [410]
    assert world.hub.verify() == [200]
    world.round()
    assert world.lease == {}
    assert world.hub.verified == {}


def test_a_paused_feed_is_unsubscribed_and_one_that_goes_on_is_asked_for_anew(world: World):
    world.rely()
    world.follow(paused=True)
    world.round()
    assert world.modes()[1:] == ["unsubscribe"]
    world.follow()
    world.publish("3", "2", "1")
    world.poll()
    world.round()
    assert world.modes()[2:] == ["subscribe"]
    assert world.hub.asked[2]["hub.callback"] != world.hub.asked[0]["hub.callback"]
    assert world.hub.verify() == [200, 200]
    world.round()
    assert [row["mode"] for row in world.db.query("SELECT mode FROM websub")] == ["subscribe"]


def test_a_hub_that_never_verifies_the_end_is_left_after_three_requests(world: World):
    world.subscribe()
    feeds.sync(world.db, [], world.now)
    for _ in range(5):
        world.round(DAY)
    assert world.modes() == ["subscribe"] + ["unsubscribe"] * 3
    assert world.lease == {}


def test_a_feed_that_names_another_hub_moves_there(world: World):
    world.subscribe()
    with Hub() as other:
        world.publish("2", "1", hub=other.url)
        world.poll()
        world.round()
        assert world.modes() == ["subscribe", "unsubscribe"]
        assert [fields["hub.mode"] for fields in other.asked] == ["subscribe"]


def test_a_feed_that_names_no_hub_any_more_is_unsubscribed(world: World):
    world.subscribe()
    world.publish("2", "1", hub="")
    world.poll()
    world.round()
    assert world.modes() == ["subscribe", "unsubscribe"]


def test_a_link_header_outranks_the_document(world: World):
    other = f'<{world.hub.url}>; rel="hub"', '</canonical>; rel="self"'
    body = rss("https://elsewhere.example/", "https://elsewhere.example/feed", "1")
    world.server.script("/feed", Answer(body, headers={"Link": ", ".join(other)}))
    world.follow()
    world.round()
    world.round()
    assert world.hub.asked[0]["hub.topic"] == world.server.url("/canonical")


def test_hub_and_self_link_may_come_as_a_header_each(world: World):
    body = rss("", "", "1")
    head = f"HTTP/1.1 200 OK\r\nContent-Length: {len(body)}\r\n"
    links = f'Link: <{world.hub.url}>; rel="hub"\r\nLink: </feed>; rel="self"\r\n\r\n'
    world.server.script("/feed", lambda write: write(head.encode() + links.encode() + body))
    world.follow()
    world.round()
    world.round()
    assert [fields["hub.topic"] for fields in world.hub.asked] == [world.topic]


def test_a_new_public_address_is_told_to_the_hub(world: World):
    world.rely()
    world.session.config = replace(world.config, base_url=world.config.base_url + "/moved")
    world.round()
    assert (
        world.hub.asked[1]["hub.callback"] == f"{world.config.base_url}/moved/websub/{world.lease['token']}"
    )
    assert world.lease["works"] == 0
    world.round()
    assert len(world.hub.asked) == 2


@pytest.mark.parametrize("visibility", ["local", "private"])
def test_where_nobody_can_reach_us_no_hub_is_asked(world: World, visibility: Any):
    world.session.config = replace(world.config, visibility=visibility)
    world.publish("1")
    world.follow()
    world.round()
    world.round()
    assert world.hub.asked == []
    assert world.db.table("websub").count == 0


def rounds_with(world: World, **settings: Any) -> int:
    """Return how many requests two rounds over a feed with a hub make there."""
    world.session.config = replace(world.config, **settings)
    world.publish("1")
    world.follow()
    world.round()
    world.round()
    return len(world.hub.asked)


def test_hubs_can_be_switched_off(world: World):
    assert rounds_with(world, websub="off") == 0
    assert world.db.table("websub").count == 0


def test_a_site_of_files_alone_asks_no_hub(world: World, tmp_path: Path):
    """No server runs beside its store, so nobody would answer the hub."""
    alone = open_store(tmp_path / "alone" / "store.sqlite")
    world.db = world.session.db = alone
    assert rounds_with(world, store=tmp_path / "alone" / "store.sqlite") == 0
    hubs = status.collect(alone, world.session.config, world.now)[0]["hubs"]
    assert hubs.endswith("none is asked while no server runs beside the store")
    assert rounds_with(world, store=tmp_path / "alone" / "store.sqlite", websub="on") == 1
    alone.close()


def test_a_hub_is_left_to_itself_while_the_server_is_away(world: World, tmp_path: Path):
    world.rely()
    away = replace(world.config, store=tmp_path / "elsewhere" / "store.sqlite")
    world.session.config = away
    world.poll()
    assert world.wait() < 2 * HOUR
    world.session.config = world.config
    world.poll()
    assert world.wait() >= 12 * HOUR


def test_a_forged_delivery_is_thanked_for_and_ignored(world: World):
    world.subscribe()
    body = rss(world.hub.url, world.topic, "evil")
    (callback,) = world.hub.verified
    secret = world.lease["secret"]
    for headers in (
        {},
        signed("wrong", body),
        signed(secret, body + b" "),
        {"X-Hub-Signature": signed(secret, body)["X-Hub-Signature"].replace("sha256", "md5")},
    ):
        assert call("POST", callback, body, headers)[0] == 202
    world.round()
    assert world.guids() == ["1"]
    assert call("POST", callback, body, signed(secret, body, "sha1"))[0] == 202
    world.round()
    assert world.guids() == ["1", "evil"]


def test_a_delivery_that_is_no_feed_harms_nothing(world: World):
    world.subscribe()
    before = world.feed
    assert world.hub.deliver(b"<!doctype html><title>no feed</title>") == [202]
    world.round()
    assert world.feed == before
    assert world.db.table("websub_deliveries").count == 0


def test_the_answer_to_a_verification_is_nothing_a_browser_runs(world: World):
    world.publish("1")
    world.follow()
    world.round()
    world.round()
    (fields,) = world.hub.asked
    status, body = world.hub.ask(fields, **{"hub.mode": "subscribe", "hub.challenge": "<script>"})
    assert (status, body) == (200, b"<script>")
    assert world.hub.ask(fields, **{"hub.mode": "unsubscribe", "hub.challenge": "x"})[0] == 404
    elsewhere = {"hub.mode": "subscribe", "hub.challenge": "x", "hub.topic": "https://b.example/"}
    assert world.hub.ask(fields, **elsewhere)[0] == 404
    unknown = fields | {"hub.callback": f"{world.config.base_url}/websub/unknown"}
    assert world.hub.ask(unknown, **{"hub.mode": "subscribe", "hub.challenge": "x"})[0] == 404
    assert call("POST", unknown["hub.callback"], b"<rss/>")[0] == 410


def test_neither_secret_nor_token_is_logged_or_kept_in_a_failure(
    world: World, caplog: pytest.LogCaptureFixture
):
    caplog.set_level(logging.DEBUG)
    world.publish("1")
    world.follow()
    world.round()
    lease = world.lease
    world.hub.answer = 400
    world.hub.says = (
        f"bad callback {world.config.base_url}/websub/{lease['token']} or {lease['secret']}".encode()
    )
    world.round()
    assert world.lease["failure"].startswith("BadStatus: 400 Bad Request bad callback http://")
    for text in (caplog.text, world.lease["failure"]):
        assert lease["secret"] not in text
        assert lease["token"] not in text


def test_a_restart_between_spool_and_store_loses_no_delivery(world: World):
    world.subscribe()
    world.hub.deliver(rss(world.hub.url, world.topic, "2"))
    (path,) = spool.folder(world.config).iterdir()
    kept = path.read_bytes()
    world.round()
    path.write_bytes(kept)  # as if the kill had come before the file went
    world.round()
    assert world.guids() == ["1", "2"]
    assert world.lease["works"] == 1


def test_broken_files_in_the_spool_are_dropped(world: World):
    world.subscribe()
    for name, data in (
        ("1.a.1", b""),
        ("2.a.1", b"{}\n"),
        ("3.a.1", b"[1]\nbody"),
        ("4.a.1", b'{"mode": 1}\n'),
    ):
        (spool.folder(world.config) / name).write_bytes(data)
    world.round()
    assert list(spool.folder(world.config).iterdir()) == []


def test_jobs_and_outcomes_travel_to_a_worker_process(world: World):
    world.session.config = replace(world.config, executor_poll="processes:1")
    try:
        world.rely()
        assert world.guids() == ["1", "2"]
        assert world.lease["works"] == 1
    finally:
        world.session.close()


def test_a_crash_costs_a_delivery_and_puts_requests_off(world: World):
    world.subscribe()
    world.hub.deliver(rss(world.hub.url, world.topic, "2"))
    take_up(world.db, world.config, world.now)
    world.db.execute("UPDATE websub SET ask_at = '2026-11-24T06:00:00Z'")
    assert STAGE.backlog(world.db, world.config, world.now) == 2
    jobs = list(STAGE.pending(world.db, world.config, world.now))
    assert [STAGE.size(job) for job in jobs] == [1, 1]
    for job in jobs:
        STAGE.postpone(world.db, world.config, job, "ValueError: bad", world.now)
    assert list(STAGE.pending(world.db, world.config, world.now)) == []
    assert world.lease["failure"] == "Crash: ValueError: bad"


def test_what_cannot_be_read_in_the_spool_stops_nothing_else(world: World, caplog: pytest.LogCaptureFixture):
    world.subscribe()
    (spool.folder(world.config) / "1.a.1").mkdir()
    world.hub.deliver(rss(world.hub.url, world.topic, "2"))
    world.publish("3", "1")
    world.poll()
    assert world.guids() == ["1", "2", "3"]
    assert "hub_event_unreadable" in caplog.text
    shutil.rmtree(spool.folder(world.config))
    spool.folder(world.config).write_bytes(b"no folder")
    world.publish("4", "3", "1")
    world.poll()
    assert world.guids() == ["1", "2", "3", "4"]
    assert "hub_events_unreadable" in caplog.text


def test_two_deliveries_between_rounds_are_both_recorded(world: World):
    world.subscribe()
    for guid in ("2", "3"):
        world.hub.deliver(rss(world.hub.url, world.topic, guid))
    world.round()
    assert world.guids() == ["1", "2", "3"]
    assert world.lease["deliveries"] == 2


@pytest.mark.parametrize("rounds", [True, False], ids=["a round between", "in one round"])
def test_what_a_hub_revises_and_takes_back_is_as_it_was(world: World, rounds: bool):
    world.subscribe()
    polled = world.publish("1")
    for body in (polled.replace(b"Text of 1.", b"Another text of 1."), polled):
        assert world.hub.deliver(body) == [202]
        if rounds:
            world.round()
    world.round()
    assert world.db.execute("SELECT summary_html FROM entries").fetchall() == [("Text of 1.",)]


def test_a_poll_takes_back_what_a_hub_revised(world: World):
    world.subscribe()
    polled = world.publish("1")
    world.hub.deliver(polled.replace(b"Text of 1.", b"Another text of 1."))
    world.round()
    assert world.db.execute("SELECT summary_html FROM entries").fetchall() == [("Another text of 1.",)]
    world.poll()
    assert world.db.execute("SELECT summary_html FROM entries").fetchall() == [("Text of 1.",)]


def test_a_removed_feed_gets_no_entries_from_what_was_delivered_before(world: World):
    world.subscribe()
    world.hub.deliver(rss(world.hub.url, world.topic, "2"))
    feeds.sync(world.db, [], world.now)
    world.round()
    assert world.guids() == ["1"]
    assert world.db.table("websub_deliveries").count == 0


def test_a_denied_end_is_an_end(world: World):
    world.subscribe()
    feeds.sync(world.db, [], world.now)
    world.round()
    assert world.hub.deny(world.hub.asked[1], "no such lease") == 200
    world.round()
    assert world.lease == {}
