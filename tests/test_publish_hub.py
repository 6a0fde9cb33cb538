"""The hub of our own feeds, over real sockets, is told what changed and never holds publishing up."""

import logging
import sqlite3
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import feedparser
import pytest

from aggregator.executors import open_workers
from aggregator.pipeline import StageReport, run_stage
from aggregator.publish.hub_stage import AT_ONCE, STAGE
from aggregator.status import collect
from aggregator.store import hub_pings
from tests.hub import Hub
from tests.publishing import Newsroom

MAIN = {f"https://news.example/{name}" for name in ("atom.xml", "rss.xml", "feed.json")}


@pytest.fixture
def hub() -> Iterator[Hub]:
    with Hub() as running:
        yield running


@pytest.fixture
def room(tmp_path: Path, hub: Hub) -> Newsroom:
    return Newsroom(
        tmp_path, visibility="public", contact="a@b.example", hub=hub.url, allow_private_hosts=True,
        host_spacing=timedelta(), engine="none",
    )  # fmt: skip


def add(room: Newsroom, guid: str = "1") -> None:
    [*known] = room.db.query("SELECT feed_id FROM feeds")
    feed = known[0]["feed_id"] if known else room.feed()
    room.translate(room.entry(feed, guid))


def tell(room: Newsroom, minutes: float = 0) -> StageReport:
    """Let time pass, then run the hub's stage until nothing is due."""
    room.now += timedelta(minutes=minutes)
    return run_stage(STAGE, room.db, room.config, open_workers("inline:"), lambda: room.now)


def told(hub: Hub) -> list[str]:
    """Return the feeds the hub was told of since the last call."""
    asked, hub.asked = hub.asked, []
    assert {fields["hub.mode"] for fields in asked} <= {"publish"}
    assert all(set(fields) == {"hub.mode", "hub.url"} for fields in asked)
    return [fields["hub.url"] for fields in asked]


def said(room: Newsroom) -> str:
    return str(collect(room.db, room.config, room.now)[0]["own hub"])


def settle(room: Newsroom, hub: Hub) -> None:
    """Publish one entry and tell the hub."""
    add(room)
    room.publish()
    tell(room)
    told(hub)


def test_the_hub_is_told_once_of_every_feed_that_changed(room: Newsroom, hub: Hub):
    add(room)
    room.publish()
    tell(room)
    topics = told(hub)
    assert set(topics) >= {*MAIN, "https://news.example/category/news/atom.xml"}
    assert len(topics) == len({*topics})
    for topic in topics:
        assert room.path(topic.removeprefix("https://news.example/")).exists()
    tell(room)
    assert told(hub) == []


def test_what_did_not_change_is_not_told_of(room: Newsroom, hub: Hub):
    settle(room, hub)
    assert b'rel="hub"' in room.path("hot.xml").read_bytes()
    add(room, "2")
    room.publish(hours=1)
    tell(room)
    topics = told(hub)
    assert {*topics} >= MAIN
    assert "https://news.example/hot.xml" not in topics


def test_the_feed_and_the_ping_name_the_same_hub_and_topic(room: Newsroom, hub: Hub):
    settle(room, hub)
    feed = feedparser.parse(room.path("atom.xml").read_bytes()).feed
    links = {link.rel: link.href for link in feed.links}
    assert (links["hub"], links["self"]) == (hub.url, "https://news.example/atom.xml")


def test_a_topic_is_written_as_its_feed_writes_itself(room: Newsroom, hub: Hub):
    room.translate(room.entry(room.feed(category="個人")))
    room.publish()
    tell(room)
    feed = feedparser.parse(room.path("category/個人/atom.xml").read_bytes()).feed
    own = next(link.href for link in feed.links if link.rel == "self")
    assert own in told(hub)


def test_a_hub_that_refuses_is_asked_again_ever_later(
    room: Newsroom, hub: Hub, caplog: pytest.LogCaptureFixture
):
    add(room)
    room.publish()
    room.db.execute("DELETE FROM hub_pings WHERE path NOT IN ('atom.xml', 'rss.xml')")
    hub.answer = 500
    with caplog.at_level(logging.WARNING):
        tell(room)
    first = told(hub)
    assert [record.getMessage().split()[0] for record in caplog.records] == ["ping_failed"]
    assert "failed=2 of=2 feed=rss.xml" in caplog.text
    assert "BadStatus" in said(room)
    tell(room)
    assert told(hub) == []
    tell(room, minutes=1)
    assert {*told(hub)} == {*first}
    tell(room, minutes=4)
    assert told(hub) == []
    hub.answer = 204
    tell(room, minutes=1)
    assert {*told(hub)} == {*first}
    assert said(room) == "told 0 s ago, 0 feeds wait"


def test_a_hub_that_refuses_three_feeds_alike_is_told_of_no_more_in_that_run(
    room: Newsroom, hub: Hub, caplog: pytest.LogCaptureFixture
):
    add(room)
    room.publish()
    more = [f"source/{number}.xml" for number in range(3 * AT_ONCE)]
    hub_pings.note(room.db, more, room.now)
    waiting = STAGE.backlog(room.db, room.config, room.now)
    hub.answer = 500
    with caplog.at_level(logging.WARNING):
        assert tell(room).finished
    refused = told(hub)
    assert len(refused) == 3
    assert [record.getMessage().split()[0] for record in caplog.records] == ["ping_failed"]
    assert f"failed=3 of={AT_ONCE}" in caplog.text
    hub.answer = 204
    tell(room, minutes=1)
    assert len(told(hub)) == waiting
    assert STAGE.backlog(room.db, room.config, room.now) == 0


def test_feeds_that_a_hub_refuses_keep_no_others_from_it(room: Newsroom, hub: Hub):
    add(room)
    room.publish()
    hub.answer = 500
    tell(room)
    first = {*told(hub)}
    tell(room, minutes=1)
    told(hub)
    tell(room, minutes=1)
    later = {*told(hub)}
    assert len(later) == 3
    assert not later & first


def test_news_do_not_hurry_a_hub_that_refused(room: Newsroom, hub: Hub):
    settle(room, hub)
    hub.answer = 500
    add(room, "2")
    room.publish(hours=1)
    tell(room)
    told(hub)
    add(room, "3")
    room.publish()
    tell(room)
    assert told(hub) == []


def test_a_hub_that_is_away_leaves_the_others_of_its_round_unasked(room: Newsroom, hub: Hub):
    room.settings(hub="http://127.0.0.1:9/")
    add(room)
    room.publish()
    tell(room)
    kinds = [row["failures"] for row in room.db.query("SELECT failures FROM hub_pings")]
    assert sorted(kinds)[-2:] == [0, 1]
    assert room.path("atom.xml").exists()


def test_a_hub_among_private_addresses_is_not_asked_unless_they_are_allowed(room: Newsroom, hub: Hub):
    room.settings(allow_private_hosts=False)
    add(room)
    room.publish()
    tell(room)
    assert told(hub) == []
    assert "HostForbidden" in said(room)


def test_what_carries_no_secret_goes_to_the_hub_s_own_address(room: Newsroom):
    room.settings(hub="http://127.0.0.1:9/hub", allow_private_hosts=False)
    add(room)
    room.publish()
    [job] = STAGE.pending(room.db, room.config, room.now)
    failure = STAGE.work(room.config, job)[0].failure
    assert failure is not None
    assert (failure.kind, failure.url) == ("HostForbidden", "http://127.0.0.1:9/hub")


def test_a_crash_is_a_failure_like_another(room: Newsroom):
    add(room)
    room.publish()
    [job] = STAGE.pending(room.db, room.config, room.now)
    STAGE.postpone(room.db, room.config, job, "ValueError: x", room.now)
    assert [*STAGE.pending(room.db, room.config, room.now)] == []
    assert STAGE.backlog(room.db, room.config, room.now + timedelta(minutes=1)) == STAGE.size(job)


def test_without_a_hub_nothing_is_noted_or_said(tmp_path: Path):
    room = Newsroom(tmp_path, engine="none")
    add(room)
    room.publish()
    assert room.db.execute("SELECT count(*) FROM hub_pings").fetchone()[0] == 0
    assert said(room) == "-"
    assert STAGE.backlog(room.db, room.config, room.now) == 0


def test_what_waits_is_noted_with_the_edition_that_brought_it(
    room: Newsroom, monkeypatch: pytest.MonkeyPatch
):
    """A run that is killed between the two would never tell the hub."""
    add(room)

    def broken(*_: object) -> None:
        raise sqlite3.OperationalError("disk full")

    monkeypatch.setattr("aggregator.store.publications.note", broken)
    with pytest.raises(sqlite3.OperationalError):
        room.publish()
    assert room.db.execute("SELECT count(*) FROM hub_pings").fetchone()[0] == 0
