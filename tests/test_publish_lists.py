"""Feeds of categories, feeds of titles alone, and the list of all our feeds, over a real store and folder."""

import json
from pathlib import Path
from urllib.parse import unquote

import feedparser
import pytest
from lxml import etree

from aggregator.executors import open_workers
from aggregator.pipeline import run_stage
from aggregator.publish.source_stage import STAGE as SOURCE
from aggregator.publish.stage import forget_published
from tests.publishing import SENTENCES, Newsroom


@pytest.fixture
def room(tmp_path: Path) -> Newsroom:
    return Newsroom(tmp_path)


def items(room: Newsroom, name: str) -> list[dict[str, object]]:
    return json.loads(room.path(name).read_bytes())["items"]


def two_categories(room: Newsroom) -> None:
    for name, category in (("alpha", "セキュリティ"), ("beta", "AI / ML")):
        room.translate(room.entry(room.feed(name, category=category), name), f"{name}の見出し")
    room.publish()


def test_each_category_has_its_feeds_in_three_forms(room: Newsroom):
    two_categories(room)
    for folder, title in (("セキュリティ", "alphaの見出し"), ("ai-ml", "betaの見出し")):
        assert [item["title"] for item in items(room, f"category/{folder}/feed.json")] == [title]
        for name in ("atom.xml", "rss.xml"):
            feed = feedparser.parse(room.path(f"category/{folder}/{name}").read_bytes())
            assert not feed.bozo
            assert [entry.title for entry in feed.entries] == [title]
    names = {name.split("/")[1] for name in room.outputs() if name.startswith("category/")}
    assert names == {"セキュリティ", "ai-ml"}


def test_a_category_names_its_own_address_and_gives_entries_as_the_main_feed_does(room: Newsroom):
    two_categories(room)
    feed = feedparser.parse(room.path("category/セキュリティ/atom.xml").read_bytes())
    main = feedparser.parse(room.path("atom.xml").read_bytes())
    address = "https://news.example/category/%E3%82%BB%E3%82%AD%E3%83%A5%E3%83%AA%E3%83%86%E3%82%A3/atom.xml"
    assert [link.href for link in feed.feed.links if link.rel == "self"] == [address]
    assert feed.feed.title == "テックニュース日本語版（セキュリティ）"
    assert feed.feed.id != main.feed.id
    given = {entry.id: (entry.title, entry.updated, entry.content) for entry in main.entries}
    assert {e.id: given[e.id] for e in feed.entries} == {
        e.id: (e.title, e.updated, e.content) for e in feed.entries
    }


def test_a_category_keeps_entries_that_left_the_main_feed(room: Newsroom):
    room.settings(max_entries=1)
    two_categories(room)
    alpha = items(room, "category/セキュリティ/feed.json")
    room.translate(room.entry(2, "new"))
    room.publish(hours=49)
    assert len(items(room, "feed.json")) == 1
    assert items(room, "category/セキュリティ/feed.json") == alpha


def test_a_category_holds_48_hours_beyond_max_entries(room: Newsroom):
    room.settings(max_entries=1)
    feed = room.feed(category="AI")
    for number in range(4):
        room.translate(room.entry(feed, str(number), age=number))
    room.publish()
    assert len(items(room, "category/ai/feed.json")) == 4


def test_categories_whose_names_differ_in_signs_share_a_feed(room: Newsroom):
    for name, category in (("alpha", "AI/ML"), ("beta", "AI ML")):
        room.translate(room.entry(room.feed(name, category=category), name))
    room.publish()
    assert len(items(room, "category/ai-ml/feed.json")) == 2


def test_a_feed_without_category_stands_in_no_other(room: Newsroom):
    room.translate(room.entry(room.feed(category="")))
    room.publish()
    assert not room.path("category").exists()


def test_a_renamed_category_has_its_feeds_under_the_new_name_alone(room: Newsroom):
    two_categories(room)
    room.db.execute("UPDATE feeds SET category = 'Security' WHERE feed_id = 1")
    room.publish(hours=1)
    assert [item["title"] for item in items(room, "category/security/feed.json")] == ["alphaの見出し"]
    assert not room.path("category/セキュリティ").exists()
    assert room.path("category/ai-ml/atom.xml").exists()


def test_untranslated_entries_stand_in_a_category_only_where_they_stand_in_the_main_feed(room: Newsroom):
    room.entry(room.feed(category="AI"))
    room.publish()
    room.publish(hours=6)
    assert items(room, "category/ai/feed.json") == []
    room.settings(untranslated="publish")
    room.publish(hours=1)
    assert [item["title"] for item in items(room, "category/ai/feed.json")] == ["【未訳】Story 1"]


def test_titles_are_the_main_feed_without_its_text(room: Newsroom):
    two_categories(room)
    for name in ("titles.xml", "titles.rss.xml"):
        text = room.path(name).read_text()
        assert "alphaの見出し" in text
        assert SENTENCES[0] not in text
        feed, main = feedparser.parse(text), feedparser.parse(room.path("atom.xml").read_bytes())
        assert not feed.bozo
        assert [(e.id, e.title, e.link) for e in feed.entries] == [
            (e.id, e.title, e.link) for e in main.entries
        ]
    [first, _] = items(room, "titles.json")
    assert first["content_text"] == first["title"]
    assert "content_html" not in first


def test_the_list_of_feeds_names_each_once_with_an_address_that_is_there(room: Newsroom):
    two_categories(room)
    run_stage(SOURCE, room.db, room.config, open_workers("inline:"), lambda: room.now)
    outlines = list(etree.fromstring(room.path("subscribe.opml").read_bytes()).iter("outline"))
    addresses = [outline.get("xmlUrl") for outline in outlines]
    first = ("atom", "hot", "morning", "all", "titles")
    assert addresses[:5] == [f"https://news.example/{name}.xml" for name in first]
    assert len({*addresses}) == len(addresses) == 9
    for outline in outlines:
        path = unquote(outline.get("xmlUrl").removeprefix("https://news.example/"))
        assert feedparser.parse(room.path(path).read_bytes()).feed.title == outline.get("text")


def test_an_entry_renews_the_feeds_of_its_own_category_alone(room: Newsroom):
    two_categories(room)
    before = room.touched()
    room.translate(room.entry(2, "new"))
    room.publish(hours=1)
    after = room.touched()
    changed = {name for name in after if after[name] != before.get(name)}
    folders = {name.split("/")[1] for name in changed if name.startswith("category/")}
    assert folders == {"ai-ml"}
    room.path("category/セキュリティ/atom.xml").unlink()
    forget_published(room.db)
    room.publish()
    assert room.path("category/セキュリティ/atom.xml").exists()


def test_narrowed_rights_hold_in_a_category_for_entries_that_left_the_main_feed(room: Newsroom):
    room.settings(max_entries=1)
    feed = room.feed(category="AI")
    room.translate(room.entry(feed, "old", age=9))
    room.publish()
    room.translate(room.entry(room.feed("beta"), "new"))
    room.publish(hours=49)
    assert SENTENCES[0] in room.path("category/ai/atom.xml").read_text()
    room.db.table("feeds").update(feed, {"settings": '{"rights": "titles"}'})
    room.publish(hours=1)
    assert SENTENCES[0] not in room.path("category/ai/atom.xml").read_text()


def test_the_front_page_leads_to_the_categories_and_each_to_its_feeds(room: Newsroom):
    two_categories(room)
    page = etree.HTML(room.path("index.html").read_bytes())
    links = [unquote(str(link)) for link in page.xpath("//main/nav[@class='categories']//a/@href")]
    assert links == ["category/ai-ml/index.html", "category/セキュリティ/index.html"]
    for link in links:
        own = etree.HTML(room.path(link).read_bytes())
        feeds = [str(name) for name in own.xpath("//main//header/p/a/@href")]
        assert feeds == ["atom.xml", "rss.xml", "feed.json"]
        assert all(room.path(link).with_name(name).exists() for name in feeds)
