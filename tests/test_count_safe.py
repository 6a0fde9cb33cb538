"""Numbers of comments move, and nothing that readers were given moves with them."""

import json
import re
import shutil
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import feedparser
import pytest
from lxml import etree

from aggregator.discuss.stage import COUNT
from aggregator.executors import open_workers
from aggregator.model import Counted, CountJob, CountOutcome, Discussion, Provider, ThreadCount
from aggregator.pipeline import run_stage
from aggregator.store import counts, discussions
from tests.feedserver import FeedServer
from tests.providers import Providers, Thread
from tests.publishing import Newsroom
from tests.test_readers import Newsboat, Reader

XML = ("atom.xml", "rss.xml", "all.xml", "all.rss.xml")
JSON = ("feed.json", "all.json")
HOT = ("hot.xml", "hot.rss.xml", "hot.json")
HN, LOBSTERS = "https://news.ycombinator.com/item?id=40000001", "https://lobste.rs/s/abc123"
HATENA, REDDIT = "https://b.hatena.ne.jp/entry/s/alpha.example/0", "https://www.reddit.com/r/a/comments/b/"
# What follows from counts, and where else a story stands: neither is an entry's text or date.
_COUNTED = (
    r"<thr:total>[^<]*</thr:total>|<link rel=\"(?:replies|via)\"[^>]*/>|<((?:slash:)?comments)>[^<]*</\1>"
)


@pytest.fixture
def room(tmp_path: Path) -> Newsroom:
    """Return a newsroom that has published three entries."""
    room = Newsroom(tmp_path)
    feed = room.feed()
    for number in range(3):
        room.translate(room.entry(feed, str(number), age=number + 1), f"見出し{number}")
    room.publish()
    return room


def count(room: Newsroom, entry: int, **numbers: tuple[int | None, str]) -> None:
    with room.db.atomic():
        for source, (number, url) in numbers.items():
            counts.write(room.db, entry, source, number, url, room.now)


def refresh(room: Newsroom, factor: int = 1, entry: int = 1) -> None:
    """Count what four providers say, and publish a quarter of an hour later."""
    count(room, entry, hatena=(41 * factor, HATENA), hackernews=(230 * factor, HN),
          lobsters=(18 * factor, LOBSTERS), reddit=(75 * factor, REDDIT))  # fmt: skip
    room.publish(hours=0.25)


def uncounted(room: Newsroom, name: str) -> str:
    """Return a feed without its numbers."""
    text = room.path(name).read_text()
    if name in XML:
        return re.sub(_COUNTED, "", text)
    feed = json.loads(text)
    for item in feed["items"]:
        item.pop("_discussion", None)
    return json.dumps(feed)


def read_back(room: Newsroom, name: str) -> list[tuple[str, ...]]:
    """Return what readers compare: the feed's own date, and each entry's id, dates, title and body."""
    if name.endswith(".json"):
        fields = ("id", "date_published", "date_modified", "title", "content_html", "url")
        return [tuple(item[field] for field in fields) for item in items(room, name)]
    feed = feedparser.parse(room.path(name).read_bytes(), sanitize_html=False)
    assert not feed.bozo
    return [(feed.feed.updated,)] + [
        (entry.id, entry.published, entry.updated, entry.title, entry.link, body(entry))
        for entry in feed.entries
    ]


def body(entry: feedparser.FeedParserDict) -> str:
    return entry.content[0].value if "content" in entry else entry.summary


def items(room: Newsroom, name: str = "feed.json") -> list[dict]:
    return json.loads(room.path(name).read_bytes())["items"]


def discussion(room: Newsroom, number: int = 0) -> dict:
    return items(room)[number]["_discussion"]


def test_a_refresh_leaves_every_id_date_title_and_body_equal_in_all_formats(room: Newsroom):
    given = {name: (uncounted(room, name), read_back(room, name)) for name in (*XML, *JSON)}
    before, frozen = room.outputs(), room.rows()
    refresh(room)
    first = room.outputs()
    refresh(room, 2)
    assert {name: (uncounted(room, name), read_back(room, name)) for name in given} == given
    assert room.rows() == frozen
    for name in given:  # each refresh did reach each of them
        assert len({before[name], first[name], room.outputs()[name]}) == 3


def test_the_numbers_are_where_readers_look_for_them(room: Newsroom):
    refresh(room)
    space = {"a": "http://www.w3.org/2005/Atom", "t": "http://purl.org/syndication/thread/1.0"}
    atom = etree.fromstring(room.path("atom.xml").read_bytes()).find("a:entry", space)
    links = [(link.get("href"), link.get(f"{{{space['t']}}}count")) for link in atom.findall("a:link", space)]
    assert [link for link in links if link[1]] == [
        (HN, "230"), (REDDIT, "75"), (HATENA, "41"), (LOBSTERS, "18"),
    ]  # fmt: skip
    assert atom.findtext("t:total", None, space) == "364"
    rss = feedparser.parse(room.path("rss.xml").read_bytes()).entries[0]
    assert (rss.slash_comments, rss.comments) == ("364", HN)
    assert discussion(room) == {
        "comments": 364, "url": HN,
        "sources": [
            {"name": "hatena", "comments": 41, "url": HATENA},
            {"name": "hackernews", "comments": 230, "url": HN},
            {"name": "lobsters", "comments": 18, "url": LOBSTERS},
            {"name": "reddit", "comments": 75, "url": REDDIT},
        ],
    }  # fmt: skip


def test_a_refresh_writes_the_lists_and_the_one_page_it_is_about(room: Newsroom):
    before = room.touched()
    refresh(room)
    changed = {name for name, at in room.touched().items() if at != before[name]}
    [row] = [row for row in room.rows() if row["title"] == "見出し0"]
    lists = {*XML, *JSON, "index.html", "discussed.html"}
    lists |= {f"titles{form}" for form in (".xml", ".rss.xml", ".json")}
    lists |= {f"category/news/{name}" for name in ("atom.xml", "rss.xml", "feed.json", "index.html")}
    assert changed == {*lists, f"entries/{row['slug']}.html"}  # a first number is no rise


def test_the_same_numbers_counted_again_write_nothing(room: Newsroom):
    refresh(room)
    before = room.touched()
    count(room, 1, hackernews=(230, HN))
    assert room.publish(hours=3).jobs == 0
    assert room.touched() == before


def test_a_discussion_found_later_does_not_enter_a_body_that_readers_have(room: Newsroom):
    feed = 1
    refresh(room)
    late = room.entry(feed, "late", age=0)
    count(room, late, hackernews=(1, HN))
    room.translate(late, "後から")
    room.publish(hours=1)
    bodies = {item["title"]: item["content_html"] for item in items(room)}
    assert "ディスカッション" in bodies["後から"]
    assert "ディスカッション" not in bodies["見出し0"]


def test_numbers_that_fall_or_go_are_told_as_they_are(room: Newsroom):
    given = {name: read_back(room, name) for name in (*XML, *JSON)}
    refresh(room)
    count(room, 1, hackernews=(200, HN), reddit=(None, REDDIT))
    room.publish(hours=1)
    assert discussion(room)["comments"] == 41 + 200 + 18
    count(room, 1, **dict.fromkeys(("hatena", "hackernews", "lobsters"), (None, "")))
    room.publish(hours=1)
    assert "_discussion" not in items(room)[0]
    assert {name: read_back(room, name) for name in given} == given


def look(room: Newsroom, provider: Provider, *found: tuple[str, int | None]) -> None:
    """Do what the count step records of a story's threads."""
    threads = [Discussion(provider=provider, key=url[-8:], url=url) for url, _ in found]
    numbers = [
        ThreadCount(story_id=1, discussion=thread, count=number)
        for thread, (_, number) in zip(threads, found, strict=True)
    ]
    counted = Counted(counts=tuple(numbers), asked=frozenset({1}))
    job = CountJob(provider=provider, turns=(), requests=1, now=room.now)
    with room.db.atomic():
        discussions.record(room.db, job, CountOutcome(counted=counted, requests=1), room.now)
    room.publish(hours=1)


def test_two_threads_are_added_and_one_that_is_deleted_takes_its_comments_with_it(room: Newsroom):
    given = {name: read_back(room, name) for name in (*XML, *JSON)}
    room.count(1, 60, HN)  # what a feed of Hacker News said of the same thread
    look(room, "hackernews", (HN, 64), (HN + "9", 7))
    assert discussion(room)["comments"] == 71
    look(room, "hackernews", (HN, None))
    assert (discussion(room)["comments"], discussion(room)["url"]) == (7, HN + "9")
    look(room, "hackernews", (HN + "9", None))
    assert "_discussion" not in items(room)[0]
    assert {name: read_back(room, name) for name in given} == given


def test_a_feed_that_joins_a_story_adds_its_own_comments_and_no_number_twice(room: Newsroom):
    given = {name: uncounted(room, name) for name in (*XML, *JSON)}
    look(room, "hackernews", (HN, 64))
    aggregator, planet = room.feed("talk"), room.feed("planet")
    room.count(room.entry(aggregator, "hn", story=1, age=0), 60, HN)
    room.count(room.entry(planet, "p", story=1, age=0), 5, "https://planet.example/1#comments")
    room.publish(hours=1)
    assert discussion(room)["comments"] == 64 + 5
    assert [source["name"] for source in discussion(room)["sources"]] == ["hackernews", "site"]
    assert {name: uncounted(room, name) for name in given} == given


def test_what_rises_is_hot_and_nothing_else_and_it_is_given_as_the_main_feeds_give_it(room: Newsroom):
    refresh(room)
    assert items(room, "hot.json") == []
    refresh(room, 2)
    main = {entry[0]: entry for entry in read_back(room, "feed.json")}
    assert read_back(room, "hot.json") == [main[items(room, "hot.json")[0]["id"]]]
    for name in HOT:
        assert "見出し0" in room.path(name).read_text()
        assert "見出し1" not in room.path(name).read_text()
    refresh(room, 99, entry=2)
    refresh(room, 100, entry=2)  # 36,400 comments in a quarter of an hour
    assert [item["title"] for item in items(room, "hot.json")] == ["見出し1", "見出し0"]
    assert "（1時間に+" in room.path("hot.html").read_text()
    assert "（1時間に+" not in room.path("index.html").read_text()


def test_a_ranking_holds_until_something_is_counted_and_no_clock_changes_it(room: Newsroom):
    refresh(room)
    refresh(room, 2)
    before = room.touched()
    assert room.publish(hours=100).jobs == 0
    assert room.touched() == before
    count(room, 3, hackernews=(1, HN))  # long after: what was hot then rises no more
    room.publish()
    assert items(room, "hot.json") == []


def test_untranslated_entries_are_neither_hot_nor_ranked(room: Newsroom):
    english = room.entry(1, "english", age=0)
    room.publish()
    room.publish(hours=6)
    refresh(room, entry=english)
    refresh(room, 2, entry=english)
    assert "コメント 728件" in room.path("index.html").read_text()
    assert items(room, "hot.json") == []
    assert "Story english" not in room.path("discussed.html").read_text()


def test_rounds_of_counting_bring_their_numbers_and_nothing_else(room: Newsroom):
    room.settings(contact="https://reader.example/about")  # feeds name it
    room.publish()
    given = {name: (uncounted(room, name), read_back(room, name)) for name in (*XML, *JSON)}
    page = "https://alpha.example/0"  # came out an hour ago
    with Providers() as web:
        room.config = replace(web.config, counts="hackernews,hatena,lobsters", store=room.config.store,
                              output=room.config.output, base_url=room.config.base_url)  # fmt: skip
        web.hackernews["40000001"] = Thread(url=page, count=64)
        web.lobsters["abc123"] = Thread(url=page, count=12)
        web.hatena[page] = 41
        ask(room)
        assert [(each["name"], each["comments"]) for each in discussion(room)["sources"]] == [
            ("hatena", 41), ("hackernews", 64), ("lobsters", 12),
        ]  # fmt: skip
        web.hackernews["40000001"].count, web.lobsters["abc123"].gone = 100, True
        ask(room, hours=3)
        assert (discussion(room)["comments"], discussion(room)["url"]) == (141, HN)
        assert [item["title"] for item in items(room, "hot.json")] == ["見出し0"]
    assert {name: (uncounted(room, name), read_back(room, name)) for name in given} == given


def ask(room: Newsroom, hours: float = 0) -> None:
    room.now += timedelta(hours=hours)
    assert run_stage(COUNT, room.db, room.config, open_workers("inline:"), lambda: room.now).crashes == 0
    room.publish()


@pytest.mark.slow
@pytest.mark.timeout(120)
@pytest.mark.parametrize("name", ["atom.xml", "rss.xml"])
def test_readers_show_no_entry_as_new_or_changed_after_a_refresh(name: str, room: Newsroom, tmp_path: Path):
    with FeedServer() as server:
        newsboat = Newsboat(tmp_path / "newsboat", server.url("/feed")) if shutil.which("newsboat") else None
        reader = Reader(tmp_path / "reader.sqlite", server.url("/feed"))

        def look() -> tuple[tuple[int, int, int], int | None]:
            server.serve("/feed", body=room.path(name).read_bytes())
            return reader.look(), newsboat.look() if newsboat else None

        nothing = ((0, 0, 0), 0 if newsboat else None)
        assert look() == ((3, 0, 0), 3 if newsboat else None)
        for factor in (1, 2, 3):
            before = room.path(name).read_bytes()
            refresh(room, factor)
            assert room.path(name).read_bytes() != before
            assert look() == nothing
        count(room, 1, hackernews=(None, HN))
        room.publish(hours=1)
        assert look() == nothing
        # That they would show a change, had there been one:
        later = {"body": "<p>別の本文</p>", "updated_at": "2026-11-24T09:00:00Z"}
        room.db.table("publications").update(room.rows()[0]["public_id"], later)
        room.publish(hours=1)
        assert look() == ((0, 1, 1), 1 if newsboat else None)
    if newsboat is None:
        pytest.skip("shown with `reader` alone: newsboat is not installed")
