"""The search page and its feed, asked over a real socket, and the command."""

import http.client
import json
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from urllib.parse import quote

import lxml.html
import pytest

from aggregator.errors import StoreError
from aggregator.publish.place import private_root
from aggregator.serve import Server
from aggregator.store import reading
from tests.conftest import Aggregator
from tests.publishing import Newsroom


@dataclass
class Answer:
    status: int
    headers: http.client.HTTPMessage
    body: bytes

    @property
    def page(self) -> lxml.html.HtmlElement:
        return lxml.html.fromstring(self.body.decode())

    def links(self) -> list[str]:
        return self.page.xpath("//article//a/@href")

    def said(self) -> str:
        return "".join(self.page.xpath("//*[@role='status']//text()"))


class Site:
    """A newsroom with a server in front of it."""

    def __init__(self, room: Newsroom, port: int) -> None:
        self.room, self.port = room, port

    def ask(self, path: str, method: str = "GET", **headers: str) -> Answer:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=10)
        try:
            connection.request(method, path, headers=headers)
            answer = connection.getresponse()
            return Answer(answer.status, answer.headers, answer.read())
        finally:
            connection.close()

    def search(self, text: str, more: str = "") -> Answer:
        return self.ask(f"/search?q={quote(text)}{more}")


def stories(
    room: Newsroom, count: int = 1, title: str = "半導体の工場", original: str = "New <b>fab</b> & co"
) -> None:
    feed = room.feed()
    for number in range(count):
        entry = room.entry(feed, str(number), age=count - number, title=original)
        room.translate(entry, f"{title}{number}", "要約です。\n続きです。")
    room.publish()


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    room = Newsroom(tmp_path, listen="127.0.0.1:0")
    with Server(room.config) as server:
        yield Site(room, server.port)
    room.db.close()


def test_a_hit_is_a_line_with_a_link_to_its_page(site: Site):
    stories(site.room, 2)
    found = site.search("半導体")
    assert (found.status, found.headers["Content-Type"]) == (200, "text/html; charset=utf-8")
    assert found.links() == [f"entries/{row['slug']}.html" for row in newest_first(site.room)]
    assert found.said().startswith("「半導体」を含む記事は2件です。")
    assert found.page.xpath("//input/@value") == ["半導体"]
    assert found.page.xpath("//nav//a[@aria-current='page']/@href") == ["search"]
    for link in found.links():
        assert site.ask(f"/{link}").status == 200


def newest_first(room: Newsroom) -> list[dict[str, object]]:
    return sorted(room.rows(), key=lambda row: str(row["title"]), reverse=True)


@pytest.mark.parametrize("path", ["/search", "/search?q=", "/search?q=%20%E3%80%80", "/search?page=2"])
def test_an_empty_query_shows_the_form_alone(site: Site, path: str):
    stories(site.room)
    asked = site.ask(path)
    assert asked.status == 200
    assert asked.links() == []
    assert asked.said() == ""
    assert asked.page.xpath("//form[@role='search']/@action") == ["search"]


def test_nothing_found_is_said(site: Site):
    stories(site.room)
    assert site.search("量子").said() == "「量子」を含む記事は見つかりませんでした。"
    assert site.search("?!").said() == "「?!」を含む記事は見つかりませんでした。"


@pytest.mark.parametrize(
    "text",
    [
        '"',
        "'",
        "*",
        "NEAR(",
        "title:",
        "a AND",
        ") OR (",
        "--",
        "%00",
        "^x",
        '半導体"',
        "\x00",
        "{a b}:c",
        "x" * 5000,
    ],
)
def test_no_query_is_an_error(site: Site, text: str):
    stories(site.room)
    for more in ("", "&format=json"):
        assert site.search(text, more).status == 200


def test_a_byte_that_is_no_text_is_no_error(site: Site):
    stories(site.room)
    assert site.ask("/search?q=%ff%fe%ed%a0%80").status == 200


def test_what_was_asked_and_what_was_found_is_escaped(site: Site):
    stories(site.room)
    found = site.search('fab "><script>alert(1)</script>')
    assert b"<script" not in found.body
    assert found.page.xpath("//input/@value") == ['fab "><script>alert(1)</script>']
    assert b"New &lt;b&gt;fab&lt;/b&gt; &amp; co" in site.search("fab").body
    assert not site.search("fab").page.xpath("//script|//@onload|//b")


def test_many_hits_are_cut_into_pages_that_lead_to_each_other(site: Site):
    stories(site.room, 65)
    first = site.search("半導体")
    assert len(first.links()) == 30
    assert first.page.xpath("//nav[@class='pager']//a/@rel") == ["next"]
    [link] = first.page.xpath("//a[@rel='next']/@href")
    second = site.ask(f"/{link}")
    [link] = second.page.xpath("//a[@rel='next']/@href")
    last = site.ask(f"/{link}")
    assert len(last.links()) == 5
    assert last.page.xpath("//nav[@class='pager']//a/@rel") == ["prev"]
    assert len({*first.links(), *second.links(), *last.links()}) == 65


@pytest.mark.parametrize(
    ("page", "count"), [("0", 30), ("-1", 30), ("x", 30), ("9", 1), ("9" * 30, 30), ("²", 30)]
)
def test_a_page_that_is_not_there_is_one_that_is(site: Site, page: str, count: int):
    stories(site.room, 31)
    assert len(site.search("半導体", f"&page={quote(page)}").links()) == count


def test_a_search_is_a_json_feed_with_what_readers_were_given(site: Site):
    stories(site.room, 3)
    answer = site.search("半導体", "&format=json")
    assert answer.headers["Content-Type"] == "application/feed+json; charset=utf-8"
    feed = json.loads(answer.body)
    main = json.loads(site.room.path("feed.json").read_bytes())
    assert feed["items"] == main["items"]
    assert feed["version"] == "https://jsonfeed.org/version/1.1"
    assert feed["feed_url"] == f"https://news.example/search?q={quote('半導体')}&format=json"
    assert site.search("半導体").page.xpath("//link[@type='application/feed+json']/@href")[1:] == [
        f"search?q={quote('半導体')}&format=json"
    ]
    assert json.loads(site.search("量子", "&format=json").body)["items"] == []


@pytest.mark.parametrize(
    ("accept", "kind"),
    [
        ("application/feed+json", "application/feed+json"),
        ("application/json", "application/feed+json"),
        ("text/html,application/json;q=0.5", "text/html"),
        ("*/*", "text/html"),
    ],
)
def test_who_accepts_json_alone_is_given_the_feed(site: Site, accept: str, kind: str):
    answer = site.ask("/search?q=x", Accept=accept)
    assert answer.headers.get_content_type() == kind
    assert answer.headers["Vary"] == "Accept"


def test_head_is_answered_without_a_body(site: Site):
    answer = site.ask("/search?q=x", "HEAD")
    assert (answer.status, answer.body) == (200, b"")
    assert int(answer.headers["Content-Length"]) > 0


def test_what_is_published_while_the_server_runs_is_found(site: Site):
    assert site.search("半導体").links() == []
    stories(site.room)
    assert len(site.search("半導体").links()) == 1


def test_what_answers_a_search_cannot_write(site: Site):
    stories(site.room)
    with pytest.raises(StoreError, match="readonly"), reading(site.room.config.store) as db:
        db.execute("DELETE FROM search_due")


def test_without_a_store_the_rest_is_served_on(tmp_path: Path):
    room = Newsroom(tmp_path, listen="127.0.0.1:0")
    room.publish()
    room.db.close()
    with Server(replace(room.config, store=tmp_path / "none.sqlite")) as server:
        asked = Site(room, server.port)
        assert asked.search("x").status == 503
        assert asked.ask("/index.html").status == 200
    assert not (tmp_path / "none.sqlite").exists()


@pytest.mark.parametrize("indexable", [True, False])
def test_no_search_engine_lists_what_is_found(tmp_path: Path, indexable: bool):
    room = Newsroom(
        tmp_path, listen="127.0.0.1:0", visibility="public", contact="a@b.example", indexable=indexable
    )
    stories(room)
    with Server(room.config) as server:
        for asked in ("/search", "/search?q=fab"):
            page = Site(room, server.port).ask(asked).page
            assert page.xpath("//meta[@name='robots']/@content") == ["noindex"]
    room.db.close()


def test_a_private_site_is_searched_beneath_its_path_alone(tmp_path: Path):
    room = Newsroom(tmp_path, listen="127.0.0.1:0", visibility="private")
    stories(room)
    root = private_root(room.db, room.config)
    with Server(room.config) as server:
        asked = Site(room, server.port)
        found = asked.ask(f"/{root}/search?q=fab")
        assert len(found.links()) == 1
        assert asked.ask(f"/{root}/{found.links()[0]}").status == 200
        assert found.headers["X-Robots-Tag"] == "noindex, nofollow"
        assert asked.ask("/search?q=fab").status == 404
        assert asked.ask(f"/x{root}/search?q=fab").status == 404
        assert asked.ask("/entries/search?q=fab").status == 404
    room.db.close()


def test_a_static_host_has_neither_search_nor_links_to_it(tmp_path: Path):
    room = Newsroom(tmp_path, listen="127.0.0.1:0", search=False)
    stories(room)
    with Server(room.config) as server:
        assert Site(room, server.port).search("fab").status == 404
    pages = [body for name, body in room.outputs().items() if name.endswith(".html")]
    assert pages
    assert not any(b'search"' in body for body in pages)
    room.settings(search=True)
    room.publish(1)
    assert all(b'search"' in body for name, body in room.outputs().items() if name.endswith(".html"))
    room.db.close()


def test_the_command_prints_hits(tmp_path: Path, aggregator: Aggregator):
    room = Newsroom(tmp_path)
    stories(room, 2)
    room.db.close()
    done = aggregator("--set", "base_url=https://news.example/", "search", "半導体", "fab")
    heading, *rows, last = done.stdout.splitlines()
    assert heading == "published_at\ttitle\toriginal\tfeed\tpage"
    assert [row.split("\t")[:4] for row in rows] == [
        ["2026-11-24T03:00:00Z", "半導体の工場1", "New <b>fab</b> & co", "Alpha Wire"],
        ["2026-11-24T03:00:00Z", "半導体の工場0", "New <b>fab</b> & co", "Alpha Wire"],
    ]
    assert rows[0].split("\t")[4].startswith("https://news.example/entries/2026/11/")
    assert last == "2 entries found"
    assert json.loads(aggregator("search", "量子", "--json").stdout) == []
    assert aggregator("search", '"*').returncode == 0
