"""One story in several feeds, in whole rounds: feeds over loopback in, one entry out, translated and counted once."""

import re
from collections.abc import Iterator
from pathlib import Path

import feedparser
import pytest

from aggregator.store import unions
from tests.chatserver import ChatServer
from tests.feedserver import FeedServer
from tests.providers import Providers, Thread
from tests.translating import Desk

FIRST = "Brindle buys rival Oakfen for $2.5 billion"
SECOND = "Brindle acquires Oakfen for $2.5bn"
PATH = "2026/oakfen"
SLUGS = """
SELECT feeds.title, slug FROM publications JOIN stories USING (story_id)
  JOIN entries ON entry_id = lead_entry_id JOIN feeds USING (feed_id)
"""
THREAD = "https://news.ycombinator.com/item?id=40000001"


def item(host: str, title: str, *, body: str = "", comments: str = "", at: str = "05:00") -> str:
    said = f"<comments>{comments}</comments>" if comments else ""
    return (
        f"<item><guid>{host} {title}</guid><link>https://{host}.example/{PATH}</link><title>{title}</title>{said}"
        f"<pubDate>Tue, 24 Nov 2026 {at}:00 GMT</pubDate>"
        f"<description>{body or f'{host.title()} has read the contract, and it is signed.'}</description></item>"
    )


def japanese(segment: str) -> str:
    if "2.5" in segment:
        return "ブリンドル、オークフェンを25億ドルで買収"
    return "契約は署名された。"


class Newsroom(Desk):
    """Three feeds, a service that translates, Hacker News, and what readers are given."""

    def __init__(self, folder: Path, feeds: FeedServer, web: Providers, chat: ChatServer) -> None:
        super().__init__(
            folder, feeds, engine="openai", openai_url=chat.url, extract="feed", counts="hackernews",
            counts_via=web.config.counts_via, contact=web.config.contact,
        )  # fmt: skip
        self.chat, self.web = chat, web
        self.subscribe_all()

    def subscribe_all(self, **attributes: str) -> None:
        extra = "".join(f' {name}="{value}"' for name, value in attributes.items())
        outlines = [
            f'<outline text="Of {name}">'
            f'<outline type="rss" text="{name}" xmlUrl="{self.feeds.url(f"/{name}")}"{extra}/></outline>'
            for name in ("alpha", "beta", "gamma")
        ]
        self.opml.write_text(f'<opml version="2.0"><body>{"".join(outlines)}</body></opml>')

    def carry(self, name: str, *items: str) -> None:
        channel = f"<title>{name}</title><link>https://{name}.example/</link><language>en</language>"
        body = f'<?xml version="1.0"?><rss version="2.0"><channel>{channel}{"".join(items)}</channel></rss>'
        self.feeds.serve(f"/{name}", body=body.encode())

    def given(self, name: str = "atom.xml") -> list[tuple[str, str, str, str]]:
        """Return what readers compare of each entry."""
        entries = feedparser.parse(self.read(name)).entries
        return [(entry.id, entry.title, entry.updated, entry.content[0].value) for entry in entries]

    def pages(self) -> dict[str, str]:
        """Return each entry's page by the host that leads it."""
        found = [path.read_text(encoding="utf-8") for path in self.config.output.glob("entries/**/*.html")]
        return {re.search(r'class="from".*?https://(\w+)\.example', page)[1]: page for page in found}


@pytest.fixture
def room(tmp_path: Path) -> Iterator[Newsroom]:
    with FeedServer() as feeds, Providers() as web, ChatServer(japanese) as chat:
        made = Newsroom(tmp_path, feeds, web, chat)
        for name in ("alpha", "beta", "gamma"):
            made.carry(name)
        yield made
        made.db.conn.close()


def test_one_event_told_by_two_feeds_is_one_entry_translated_and_counted_once(room: Newsroom):
    room.web.hackernews["40000001"] = Thread(url="https://elsewhere.example/", count=230)
    room.carry("alpha", item("alpha", FIRST, comments=THREAD))
    room.carry("beta", item("beta", SECOND, comments=THREAD, at="05:30"))
    room.round()
    assert len(room.given()) == 1
    assert [segment for segment in room.chat.segments if "Oakfen" in segment] == [FIRST]
    assert not [segment for segment in room.chat.segments if "Beta" in segment]
    room.round(hours=1)
    assert feedparser.parse(room.read("atom.xml")).entries[0].thr_total == "230"
    [page] = room.pages().values()
    assert "コメント 230件" in page
    assert all(f'href="https://{name}.example/' in page for name in ("alpha", "beta"))


def test_who_joins_late_changes_nothing_that_readers_compare_and_stands_on_the_page(room: Newsroom):
    room.carry("alpha", item("alpha", FIRST))
    room.round()
    before = room.given()
    room.carry("gamma", item("gamma", SECOND, at="06:30"))
    room.round(hours=2)
    assert room.given() == before
    [page] = room.pages().values()
    assert 'href="https://gamma.example/' in page
    assert [segment for segment in room.chat.segments if "Oakfen" in segment] == [FIRST]


def test_an_entry_stands_in_the_category_of_every_feed_that_tells_it(room: Newsroom):
    """Whoever reads one category loses nothing by what another one's feed told first."""
    room.carry("alpha", item("alpha", FIRST))
    room.carry("beta", item("beta", SECOND))
    room.round()
    assert room.given("category/of-alpha/atom.xml") == room.given("category/of-beta/atom.xml") == room.given()
    assert room.given("category/of-gamma/atom.xml") == []
    room.carry("gamma", item("gamma", SECOND, at="06:30"))
    room.round(hours=2)
    assert room.given("category/of-gamma/atom.xml") == room.given()


def test_a_story_is_in_the_own_feed_and_in_the_number_of_every_feed_that_tells_it(room: Newsroom):
    numbers = "title || ' ' || published FROM feeds ORDER BY feed_id --"
    room.carry("alpha", item("alpha", FIRST))
    room.carry("beta", item("beta", SECOND))
    room.round()
    room.carry("gamma", item("gamma", SECOND, at="06:30"))
    room.round(hours=2)
    assert room.rows(numbers, "feeds") == [("alpha 1",), ("beta 1",), ("gamma 1",)]
    for name in ("alpha", "beta", "gamma"):
        assert room.given(f"source/{name}/atom.xml") == room.given()
    with room.db.atomic():
        assert unions.part(room.db, 3, room.now)
    room.round(minutes=1)
    [parted] = room.given("source/gamma/atom.xml")
    assert parted not in room.given("source/alpha/atom.xml")
    assert sorted(room.given()) == sorted([parted, *room.given("source/alpha/atom.xml")])


def test_feeds_told_to_join_by_addresses_alone_bring_two_entries(room: Newsroom):
    room.subscribe_all(merge="address")
    room.carry("alpha", item("alpha", FIRST))
    room.carry("beta", item("beta", SECOND))
    room.round()
    assert len(room.given()) == 2


def test_two_published_stories_found_to_be_one_stay_two_and_name_each_other(room: Newsroom):
    """Nobody loses an entry that was there, and nobody sees one again."""
    room.carry("alpha", item("alpha", "Oakfen is Brindle's at 2.5 billion"))
    room.carry("beta", item("beta", "What 2.5 billion buy", comments=THREAD))
    room.web.hackernews["40000001"] = Thread(url=f"https://alpha.example/{PATH}", count=9)
    room.round()
    before = room.given()
    room.round(hours=1)
    assert len(before) == 2
    assert room.given() == before
    slugs = dict(room.db.execute(SLUGS).fetchall())
    pages = room.pages()
    for one, other in (("alpha", "beta"), ("beta", "alpha")):
        assert re.findall(r'<dt>関連</dt><dd>\s*<a href="([^"]+)"', pages[one]) == [
            f"../../../entries/{slugs[other]}.html"
        ]
        assert "HN 9" in pages[one]
