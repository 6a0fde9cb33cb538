"""add, remove, pause, resume: the command line against real sites on loopback."""

import json
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from aggregator import opml
from tests.conftest import Aggregator
from tests.feedserver import Answer, FeedServer, Write

RSS = b"""<?xml version="1.0"?><rss version="2.0"><channel><title>Bolt Weekly</title><link>http://a.example/</link>
<item><title>Acme ships a router</title><guid>1</guid><description>It has four ports. It is blue.</description></item>
</channel></rss>"""
PAGE = b"""<!doctype html><html><head><title>Bolt</title>
<link rel="alternate" type="application/rss+xml" title="Bolt" href="/feed.xml">
<link rel="alternate" type="application/atom+xml" title="Bolt, comments" href="/comments.xml"></head></html>"""


@pytest.fixture
def site() -> Iterator[FeedServer]:
    with FeedServer() as server:
        server.serve("/feed.xml", RSS, etag='"1"')
        server.serve("/", PAGE, content_type="text/html")
        server.serve("/plain", b"<!doctype html><title>No feed here</title>", content_type="text/html")
        server.serve("/missing", b"", status=404)
        yield server


def _listed(environment: dict[str, str]) -> list[str]:
    return [s.url for s in opml.parse(Path(environment["AGGREGATOR_OPML"]).read_bytes())]


def test_a_feed_is_added_with_one_request_and_needs_no_second_for_its_entries(
    site: FeedServer, aggregator: Aggregator, environment: dict[str, str]
):
    done = aggregator("add", site.url("/feed.xml"), "--category", "ニュース")
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines() == [
        "added Bolt Weekly",
        f"  {site.url('/feed.xml')} · 1 entry · ニュース",
    ]
    assert _listed(environment) == [site.url("/feed.xml")]
    assert aggregator("once").returncode == 0
    assert site.paths() == ["/feed.xml", "/robots.txt", "/.well-known/tdmrep.json", "/ai.txt"]
    (row,) = json.loads(aggregator("list", "--json").stdout)
    assert (row["title"], row["entries"], row["state"]) == ("Bolt Weekly", 1, "ok")


def test_an_added_feeds_old_entries_are_known_by_name_only(
    site: FeedServer, aggregator: Aggregator, environment: dict[str, str]
):
    items = "".join(
        f"<item><title>News {n}</title><guid>{n}</guid><description>Text.</description></item>"
        for n in range(12)
    )
    site.serve("/long", f"<rss version='2.0'><channel><title>Long</title>{items}</channel></rss>".encode())
    assert aggregator("add", site.url("/long")).returncode == 0
    store = sqlite3.connect(environment["AGGREGATOR_STORE"])
    found = store.execute("SELECT excluded, summary_html, count(*) FROM entries GROUP BY 1, 2").fetchall()
    store.close()
    assert found == [(None, "Text.", 10), ("first fill", "", 2)]


@pytest.mark.parametrize("scheme", ["feed:", "feed://"])
def test_an_address_as_feed_buttons_have_it_is_added(
    site: FeedServer, aggregator: Aggregator, environment: dict[str, str], scheme: str
):
    url = site.url("/feed.xml")
    done = aggregator("add", scheme + url.removeprefix("http://"))
    assert done.returncode == 0, done.stderr
    assert _listed(environment) == [url]
    again = aggregator("add", f"feed:{url}")
    assert "is listed already (Bolt Weekly)" in again.stderr


def test_a_site_is_asked_which_feed_it_offers(
    site: FeedServer, aggregator: Aggregator, environment: dict[str, str]
):
    done = aggregator("add", site.url("/"))
    assert done.returncode == 0, done.stderr
    assert f"also offered there: {site.url('/comments.xml')}" in done.stdout
    assert _listed(environment) == [site.url("/feed.xml")]
    assert [request.path for request in site.requests] == ["/", "/feed.xml"]


def test_a_page_that_names_no_feed_is_asked_for_one_at_one_usual_address(
    site: FeedServer, aggregator: Aggregator, environment: dict[str, str]
):
    page = b'<!doctype html><meta name="generator" content="Hugo 0.140"><title>No feed named</title>'
    site.serve("/blog/", page, content_type="text/html")
    site.serve("/index.xml", RSS)
    done = aggregator("add", site.url("/blog/"))
    assert done.returncode == 0, done.stderr
    assert site.paths() == ["/blog/", "/index.xml"]
    assert _listed(environment) == [site.url("/index.xml")]


def test_only_one_usual_address_is_tried(site: FeedServer, aggregator: Aggregator):
    done = aggregator("add", site.url("/plain"))
    assert f"its page names none, and {site.url('/feed')} is none" in done.stderr
    assert site.paths() == ["/plain", "/feed"]


def test_a_json_feed_is_added(site: FeedServer, aggregator: Aggregator):
    body = (
        b'{"version": "https://jsonfeed.org/version/1.1", "title": "J", "items": [{"id": "1", "title": "T"}]}'
    )
    done = aggregator("add", site.serve("/feed.json", body, content_type="application/feed+json"))
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("added J\n")


@pytest.mark.parametrize("status", [301, 302])
def test_a_feed_that_leads_to_a_listed_one_is_refused(
    site: FeedServer, aggregator: Aggregator, environment: dict[str, str], status: int
):
    aggregator("add", site.url("/feed.xml"))
    site.script("/other", Answer(status=status, headers={"Location": "/feed.xml"}))
    done = aggregator("add", site.url("/other"))
    assert done.returncode == 1
    assert f"{site.url('/feed.xml')} is listed already (Bolt Weekly)" in done.stderr
    assert _listed(environment) == [site.url("/feed.xml")]


def test_what_a_listed_feed_moved_to_is_refused(
    site: FeedServer, aggregator: Aggregator, environment: dict[str, str]
):
    site.script("/old", Answer(status=301, headers={"Location": "/feed.xml"}))
    outline = f'<outline text="Old" xmlUrl="{site.url("/old")}"/>'
    Path(environment["AGGREGATOR_OPML"]).write_text(f'<opml version="2.0"><body>{outline}</body></opml>')
    aggregator("poll")
    aggregator("poll", "--all")
    done = aggregator("add", site.url("/feed.xml"))
    assert done.returncode == 1
    assert f"{site.url('/feed.xml')} is listed already (Old)" in done.stderr


@pytest.mark.parametrize(
    ("path", "said"),
    [("/plain", "its page names none"), ("/missing", "404"), ("/feed.xml", "is listed already")],
)
def test_what_cannot_be_added_is_one_line_and_changes_nothing(
    site: FeedServer, aggregator: Aggregator, environment: dict[str, str], path: str, said: str
):
    aggregator("add", site.url("/feed.xml"))
    before = Path(environment["AGGREGATOR_OPML"]).read_bytes()
    done = aggregator("add", site.url(path))
    assert done.returncode == 1
    assert said in done.stderr
    assert len(done.stderr.splitlines()) == 1
    assert Path(environment["AGGREGATOR_OPML"]).read_bytes() == before


@pytest.mark.parametrize("text", ["", "  ", "my favourite news"])
def test_what_is_no_address_is_one_line_before_anything_is_asked(aggregator: Aggregator, text: str):
    done = aggregator("add", text)
    expected = f"aggregator: {text!r} is no address; expected one such as https://news.example/feed\n"
    assert (done.returncode, done.stderr) == (2, expected)


def test_an_address_without_scheme_is_asked_over_https_and_the_way_out_is_said(
    site: FeedServer, aggregator: Aggregator
):
    bare = site.url("/feed.xml").removeprefix("http://")
    done = aggregator("add", bare)
    assert (done.returncode, len(done.stderr.splitlines())) == (1, 1)
    assert done.stderr.startswith(f"aggregator: https://{bare}: ")
    assert done.stderr.endswith(f"; where there is no https, say http://{bare}\n")


def test_wrong_rights_are_refused_before_anything_is_asked(site: FeedServer, aggregator: Aggregator):
    done = aggregator("add", site.url("/feed.xml"), "--rights", "all")
    assert done.returncode == 2
    assert "expected titles | excerpt | full" in done.stderr
    assert site.requests == []


def test_a_paused_feed_is_not_polled_until_it_is_resumed(site: FeedServer, aggregator: Aggregator):
    aggregator("add", site.url("/feed.xml"))
    assert aggregator("pause", "bolt").stdout == "paused Bolt Weekly\n"
    aggregator("poll", "--all")
    assert len(site.requests) == 1
    assert json.loads(aggregator("list", "--json").stdout)[0]["state"] == "paused"
    assert aggregator("resume", "1").stdout == "resumed Bolt Weekly\n"
    assert aggregator("poll").returncode == 0
    assert len(site.requests) == 2


def test_a_feed_is_tried_again_by_the_next_round(site: FeedServer, aggregator: Aggregator):
    aggregator("add", site.url("/feed.xml"))
    assert aggregator("retry", "bolt").stdout == "due now: Bolt Weekly\n"
    assert aggregator("poll").returncode == 0
    assert len(site.requests) == 2


def test_a_feed_at_rest_is_not_tried_again(
    site: FeedServer, aggregator: Aggregator, environment: dict[str, str]
):
    aggregator("add", site.url("/feed.xml"))
    with sqlite3.connect(environment["AGGREGATOR_STORE"]) as db:
        db.execute("UPDATE feeds SET retry_after_at = '2030-01-01T00:00:00Z'")
    asked = aggregator("retry", "1")
    assert (asked.returncode, "left alone until 2030-01-01T00:00:00Z" in asked.stderr) == (1, True)
    aggregator("pause", "1")
    paused = aggregator("retry", "1")
    assert (paused.returncode, "aggregator resume 1" in paused.stderr) == (1, True)


def test_a_feed_moves_to_another_category(
    site: FeedServer, aggregator: Aggregator, environment: dict[str, str]
):
    aggregator("add", site.url("/feed.xml"), "--category", "ニュース")
    assert aggregator("category", "bolt", "AI/半導体").stdout == "moved Bolt Weekly\n"
    (listed,) = opml.parse(Path(environment["AGGREGATOR_OPML"]).read_bytes())
    assert listed.category == "AI/半導体"
    assert json.loads(aggregator("list", "--json").stdout)[0]["category"] == "AI/半導体"


def test_a_removed_feed_keeps_its_entries_and_what_else_stands_in_the_file(
    site: FeedServer, aggregator: Aggregator, environment: dict[str, str]
):
    path = Path(environment["AGGREGATOR_OPML"])
    aggregator("add", site.url("/feed.xml"))
    kept = path.read_bytes().replace(b"<body>", b"<body><!-- mine -->")
    path.write_bytes(kept)
    assert aggregator("remove", site.url("/feed.xml")).returncode == 0
    assert b"<!-- mine -->" in path.read_bytes()
    assert _listed(environment) == []
    db = sqlite3.connect(environment["AGGREGATOR_STORE"])
    assert db.execute("SELECT count(*) FROM entries").fetchone() == (1,)
    assert db.execute("SELECT listed FROM feeds").fetchone() == (0,)
    db.close()


def test_an_unknown_feed_is_one_line(aggregator: Aggregator):
    done = aggregator("remove", "nothing like this")
    assert done.returncode == 1
    assert len(done.stderr.splitlines()) == 1


def test_a_list_put_back_as_it_was_before_an_edit_is_taken_up(
    site: FeedServer, aggregator: Aggregator, environment: dict[str, str]
):
    path = Path(environment["AGGREGATOR_OPML"])
    path.write_bytes(opml.EMPTY)
    aggregator("once")
    aggregator("add", site.url("/feed.xml"))
    path.write_bytes(opml.EMPTY)  # as `git restore feeds.opml` does
    aggregator("once")
    assert json.loads(aggregator("list", "--json").stdout) == []


def test_a_feed_taken_out_by_hand_can_be_added_again(
    site: FeedServer, aggregator: Aggregator, environment: dict[str, str]
):
    aggregator("add", site.url("/feed.xml"))
    Path(environment["AGGREGATOR_OPML"]).write_bytes(opml.EMPTY)
    done = aggregator("add", site.url("/feed.xml"))
    assert done.returncode == 0, done.stderr
    with sqlite3.connect(environment["AGGREGATOR_STORE"]) as db:
        assert db.execute("SELECT count(*) FROM entries").fetchone() == (1,)


def test_an_edit_made_while_a_feed_is_asked_for_is_kept(
    site: FeedServer, aggregator: Aggregator, environment: dict[str, str]
):
    path = Path(environment["AGGREGATOR_OPML"])

    def edit_then_answer(write: Write) -> None:
        path.write_bytes(opml.EMPTY.replace(b"<body>", b"<body><!-- written meanwhile -->"))
        head = f"HTTP/1.1 200 OK\r\nContent-Type: application/rss+xml\r\nContent-Length: {len(RSS)}\r\n\r\n"
        write(head.encode() + RSS)

    site.script("/slow.xml", edit_then_answer)
    path.write_bytes(opml.EMPTY)
    assert aggregator("add", site.url("/slow.xml")).returncode == 0
    assert b"<!-- written meanwhile -->" in path.read_bytes()
    assert _listed(environment) == [site.url("/slow.xml")]


def test_commands_that_edit_at_the_same_time_lose_nothing(
    site: FeedServer, environment: dict[str, str], tmp_path: Path
):
    urls = [site.serve(f"/{number}.xml", RSS, etag=f'"{number}"') for number in range(4)]
    started = [
        subprocess.Popen([sys.executable, "-m", "aggregator", "add", url], env=environment, cwd=tmp_path)
        for url in urls
    ]
    assert [process.wait() for process in started] == [0] * len(urls)
    assert sorted(_listed(environment)) == urls
