"""A feed of each source, at an address of its own that stays."""

import json
from datetime import timedelta
from pathlib import Path

import feedparser
import pytest
from lxml import etree

from aggregator.executors import open_workers
from aggregator.pipeline import StageReport, run_stage
from aggregator.publish import slugs
from aggregator.publish.source_feeds import FEW, Feed, kept, named
from aggregator.publish.source_stage import STAGE
from aggregator.publish.stage import forget_published
from aggregator.store import joins
from aggregator.store.joins import Join
from aggregator.times import to_text
from tests.publishing import NOON, Newsroom

ALPHA = "source/alpha-wire/feed.json"


@pytest.fixture
def room(tmp_path: Path) -> Newsroom:
    return Newsroom(tmp_path, digest_at=None, morning_at=None)


def publish(room: Newsroom, hours: float = 0) -> StageReport:
    """Publish the editions, then the feeds of sources, as a round does."""
    room.publish(hours)
    return run_stage(STAGE, room.db, room.config, open_workers("inline:"), lambda: room.now)


def add(room: Newsroom, feed: int, guid: str, **columns: object) -> int:
    entry = room.entry(feed, guid, **columns)
    room.translate(entry, f"{guid}の見出し")
    return entry


def titles(room: Newsroom, name: str = ALPHA) -> list[str]:
    return [item["title"] for item in json.loads(room.path(name).read_bytes())["items"]]


def files(room: Newsroom) -> set[str]:
    return {name for name in room.outputs() if name.startswith("source/")}


def test_a_title_is_an_address_and_the_second_of_a_name_gets_a_number():
    assert slugs.slug("Ars Technica — All Content!") == "ars-technica-all-content"
    assert slugs.free("The Wire", {"the-wire", "the-wire-2"}) == "the-wire-3"
    given = named([Feed(1, "Wire"), Feed(2, "wire!"), Feed(3, "Other", "kept")], {"wire"})
    assert [each.slug for each in given] == ["wire-2", "wire-3", "kept"]


def test_a_source_s_feed_is_short_but_covers_two_days():
    old = [(NOON - timedelta(hours=60 + n), n) for n in range(100)]
    assert list(kept(old[:FEW])) == list(range(FEW))
    assert list(kept([(NOON - timedelta(minutes=n), n) for n in range(90)])) == list(range(90))
    assert list(kept([(NOON, -1), *old])) == [-1, *range(FEW - 1)]
    assert kept([]) == {}


def test_each_source_has_its_feed_in_three_forms(room: Newsroom):
    alpha, beta = room.feed("alpha"), room.feed("beta")
    add(room, alpha, "a")
    add(room, beta, "b")
    room.feed("silent")
    publish(room)
    names = ("atom.xml", "feed.json", "rss.xml")
    assert files(room) == {f"source/{each}-wire/{name}" for each in ("alpha", "beta") for name in names}
    for name in ("atom.xml", "rss.xml"):
        feed = feedparser.parse(room.path(f"source/alpha-wire/{name}").read_bytes())
        assert not feed.bozo
        assert feed.feed.title == "Alpha Wire（日本語）"
        assert [entry.title for entry in feed.entries] == ["aの見出し"]
        own = [link.href for link in feed.feed.links if link.rel == "self"]
        assert own == [f"https://news.example/source/alpha-wire/{name}"]
    assert titles(room) == ["aの見出し"]


def test_entries_are_as_the_main_feed_gives_them(room: Newsroom):
    add(room, room.feed("alpha"), "a")
    publish(room)
    main, own = (json.loads(room.path(name).read_bytes()) for name in ("feed.json", ALPHA))
    assert own["items"] == main["items"]


def test_only_the_feeds_of_a_source_that_brought_something_are_written(room: Newsroom):
    alpha, beta = room.feed("alpha"), room.feed("beta")
    add(room, alpha, "a")
    add(room, beta, "b")
    publish(room)
    before = room.touched()
    assert publish(room, hours=1).jobs == 0
    add(room, beta, "b2")
    publish(room, hours=1)
    changed = {name for name, at in room.touched().items() if before.get(name) != at}
    assert {name for name in changed if name.startswith("source/")} == {
        f"source/beta-wire/{name}" for name in ("atom.xml", "feed.json", "rss.xml")
    }


def test_entries_that_left_the_main_feed_stay(room: Newsroom):
    room.settings(max_entries=2)
    alpha, beta = room.feed("alpha"), room.feed("beta")
    add(room, alpha, "a")
    publish(room)
    for number in range(4):
        add(room, beta, f"b{number}")
    publish(room, hours=72)
    add(room, alpha, "a2")
    publish(room, hours=72)
    assert titles(room) == ["a2の見出し", "aの見出し"]


def test_a_story_told_by_two_is_in_the_feeds_of_both(room: Newsroom):
    alpha, beta = room.feed("alpha"), room.feed("beta")
    first = add(room, alpha, "a")
    story = room.db.execute("SELECT story_id FROM entries WHERE entry_id = ?", [first]).fetchone()[0]
    room.entry(beta, "same", story=story)
    add(room, beta, "b")
    publish(room)
    assert set(titles(room, "source/beta-wire/feed.json")) == {"aの見出し", "bの見出し"}


def join(room: Newsroom, feed: int, guid: str, first: int) -> None:
    """Have a feed tell now what the feed of entry `first` told before it."""
    [story] = room.db.execute("SELECT story_id FROM entries WHERE entry_id = ?", [first]).fetchone()
    seen = {"first_seen_at": to_text(room.now), "sort_at": to_text(room.now)}
    entry = room.entry(feed, guid, story=story, **seen)
    found = Join(story_id=story, other_id=first, reason="address", detail="")
    with room.db.atomic():
        joins.write(room.db, [(entry, found)], room.now)


def test_what_a_feed_joins_late_stands_first_in_its_own_feed_and_in_its_category(room: Newsroom):
    """As readers were given it: the time it was published at is that of the feed that told it first."""
    room.settings(max_entries=FEW)
    alpha, beta = room.feed("alpha", category="Makers"), room.feed("beta", category="Press")
    first = add(room, alpha, "a")
    publish(room)
    for number in range(FEW):
        add(room, beta, f"b{number}", sort_at=to_text(room.now))
        publish(room, hours=4)
    room.now += timedelta(hours=1)
    join(room, beta, "late", first)
    publish(room)
    [given] = json.loads(room.path(ALPHA).read_bytes())["items"]
    for name in ("source/beta-wire/feed.json", "category/press/feed.json"):
        items = json.loads(room.path(name).read_bytes())["items"]
        assert len(items) == FEW
        assert items[0] == given
    add(room, beta, "new", sort_at=to_text(room.now))
    publish(room, hours=1)
    for name in ("source/beta-wire/feed.json", "category/press/feed.json"):
        assert titles(room, name)[:3] == ["newの見出し", "aの見出し", f"b{FEW - 1}の見出し"]


def test_what_a_feed_or_its_category_had_before_stays_where_it_stands(room: Newsroom):
    alpha, beta = room.feed("alpha"), room.feed("beta")
    first = add(room, alpha, "a")
    publish(room)
    add(room, alpha, "a2")
    publish(room, hours=72)
    for feed in (alpha, beta):
        join(room, feed, f"again {feed}", first)
    publish(room, hours=1)
    for name in (ALPHA, "category/news/feed.json"):
        assert titles(room, name) == ["a2の見出し", "aの見出し"]


def test_an_address_outlives_the_title_and_the_subscription(room: Newsroom):
    alpha = room.feed("alpha")
    add(room, alpha, "a")
    publish(room)
    room.db.table("feeds").update(alpha, {"title": "Alpha Weekly"})
    publish(room, hours=1)
    assert json.loads(room.path(ALPHA).read_bytes())["title"] == "Alpha Weekly（日本語）"
    room.db.table("feeds").update(alpha, {"listed": 0})
    publish(room, hours=1)
    assert files(room) == set()
    assert publish(room).jobs == 0
    room.db.table("feeds").update(alpha, {"listed": 1})
    publish(room, hours=1)
    assert titles(room) == ["aの見出し"]


def test_two_feeds_of_one_title_have_two_addresses(room: Newsroom):
    for name in ("one", "two"):
        add(room, room.feed(name, title="The Wire"), name)
    publish(room)
    found = {folder: titles(room, f"source/{folder}/feed.json") for folder in ("the-wire", "the-wire-2")}
    assert sorted(map(tuple, found.values())) == [("oneの見出し",), ("twoの見出し",)]


def test_what_is_taken_back_leaves_and_rights_hold(room: Newsroom):
    alpha = room.feed("alpha")
    for guid in ("a", "b"):
        add(room, alpha, guid)
    publish(room)
    room.db.execute("UPDATE publications SET state = 'withdrawn' WHERE title = 'aの見出し'")
    publish(room, hours=1)
    assert titles(room) == ["bの見出し"]
    assert "一つ目の文です。" in room.path(ALPHA).read_text()
    room.db.table("feeds").update(alpha, {"settings": '{"rights": "titles"}'})
    publish(room, hours=1)
    assert "一つ目の文です。" not in room.path(ALPHA).read_text()
    assert titles(room) == ["bの見出し"]


def test_they_are_listed_in_subscribe_opml_and_on_the_page_of_sources(room: Newsroom):
    add(room, room.feed("alpha"), "a")
    room.feed("silent")
    publish(room)
    outlines = etree.fromstring(room.path("subscribe.opml").read_bytes()).iter("outline")
    listed = {str(each.get("xmlUrl")): each.get("title") for each in outlines}
    assert listed["https://news.example/source/alpha-wire/atom.xml"] == "Alpha Wire（日本語）"
    assert not any("silent" in url for url in listed)
    page = room.path("sources.html").read_text()
    assert page.count('href="source/') == 3
    assert 'href="source/alpha-wire/atom.xml"' in page
    assert 'href="source/' not in room.path("index.html").read_text()
    assert "sources.html" in room.path("subscribe.html").read_text()


def test_they_move_with_the_address_and_come_back_when_they_are_lost(room: Newsroom):
    add(room, room.feed("alpha"), "a")
    publish(room)
    before = room.outputs()
    room.settings(base_url="https://moved.example/")
    publish(room, hours=1)
    assert json.loads(room.path(ALPHA).read_bytes())["feed_url"] == f"https://moved.example/{ALPHA}"
    room.settings(base_url="https://news.example/")
    publish(room, hours=1)
    for path in sorted(room.config.output.rglob("*"), reverse=True):
        path.rmdir() if path.is_dir() else path.unlink()
    publish(room, hours=1)
    assert room.outputs() == before
    forget_published(room.db)
    touched = room.touched()
    publish(room, hours=1)
    assert room.touched() == touched


def test_none_is_left_in_public_when_all_becomes_private(room: Newsroom):
    add(room, room.feed("alpha"), "a")
    publish(room)
    room.settings(visibility="private")
    publish(room, hours=1)
    assert files(room) == set()
    assert any("/source/alpha-wire/atom.xml" in name for name in room.outputs())


def test_a_feed_that_cannot_be_rendered_waits_for_its_next_change(room: Newsroom):
    alpha = room.feed("alpha")
    add(room, alpha, "a")
    room.publish()
    [job] = STAGE.pending(room.db, room.config, room.now)
    assert STAGE.backlog(room.db, room.config, room.now) == STAGE.size(job) == 1
    STAGE.postpone(room.db, room.config, job, "ValueError: x", room.now)
    assert [*STAGE.pending(room.db, room.config, room.now)] == []
    add(room, alpha, "b")
    publish(room, hours=1)
    assert len(titles(room)) == 2
