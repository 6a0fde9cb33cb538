"""Counting in whole rounds: feeds and providers over loopback in, feeds and pages out; errors, silence, kills."""

import json
import os
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import feedparser
import pytest

from aggregator import http
from aggregator.discuss import access
from aggregator.store import providers
from tests.chatserver import ChatServer
from tests.feedserver import Answer, FeedServer, Write
from tests.providers import HTML_BLOCK, Providers, Thread, answer
from tests.translating import BODY, TITLE, Desk, translated

HOSTS = (
    "hn.algolia.com", "hacker-news.firebaseio.com", "lobste.rs", "www.reddit.com", "oauth.reddit.com",
    "bookmark.hatenaapis.com", "orbit.example", "api.github.com", "talk.example",
)  # fmt: skip
SPACES = {
    "wfw": "http://wellformedweb.org/CommentAPI/",
    "slash": "http://purl.org/rss/1.0/modules/slash/",
}
SECRETS = {access.REDDIT: "client-1:secret-2", access.GITHUB: "ghp-3"}


def entry(number: int, **elements: str) -> str:
    """Write an entry of a WordPress site that names its thread at Hacker News."""
    said = {
        "guid": f"https://orbit.example/?p={number}",
        "link": f"https://orbit.example/{number}?utm_source=rss",
        "title": TITLE,
        "comments": f"https://news.ycombinator.com/item?id=4000000{number}",
        "pubDate": f"Tue, 24 Nov 2026 05:5{number}:00 GMT",
        "description": f"<![CDATA[<p>{BODY}</p>]]>",
    } | elements
    return f"<item>{''.join(f'<{name}>{text}</{name}>' for name, text in said.items() if text)}</item>"


def rss(*entries: str) -> bytes:
    channel = f"<title>Wire</title><link>https://orbit.example/</link>{''.join(entries)}"
    spaces = " ".join(f'xmlns:{name}="{url}"' for name, url in SPACES.items())
    return f'<?xml version="1.0"?><rss version="2.0" {spaces}><channel>{channel}</channel></rss>'.encode()


class Newsroom(Desk):
    """Feeds, a service that translates, every provider, and what readers are given."""

    def __init__(self, folder: Path, feeds: FeedServer, web: Providers, chat: ChatServer) -> None:
        settings = {
            name: getattr(web.config, name) for name in ("counts", "counts_via", "contact", "reddit_user")
        }
        super().__init__(folder, feeds, engine="openai", openai_url=chat.url, extract="feed", **settings)
        self.web = web

    def totals(self) -> list[str]:
        """Return each entry's number of comments, newest entry first, as a parser of feeds reads it."""
        return [entry.get("thr_total", "-") for entry in feedparser.parse(self.read("atom.xml")).entries]

    def line(self) -> str:
        """Return the line of counts of the one entry's page."""
        [page] = self.config.output.glob("entries/**/*.html")
        lines = page.read_text(encoding="utf-8").splitlines()
        return next((line for line in lines if "コメント" in line and "件" in line), "")


@pytest.fixture
def web(monkeypatch: pytest.MonkeyPatch) -> Iterator[Providers]:
    for name, secret in SECRETS.items():
        monkeypatch.setenv(name, secret)
    with Providers() as running:
        running.hackernews["40000001"] = Thread(url="https://orbit.example/1", count=230)
        running.hackernews["40000009"] = Thread(url="http://www.orbit.example/1/", count=4)
        running.lobsters["abc123"] = Thread(url="https://orbit.example/1", count=18)
        running.reddit["abc"] = Thread(url="https://orbit.example/1", count=75)
        running.hatena["https://orbit.example/1"] = 41
        running.wordpress["orbit.example/1"] = Thread(count=12)
        yield running


@pytest.fixture
def room(tmp_path: Path, web: Providers) -> Iterator[Newsroom]:
    with FeedServer() as feeds, ChatServer(translated) as chat:
        feeds.serve("/feed", body=rss(entry(1)))
        made = Newsroom(tmp_path, feeds, web, chat)
        yield made
        made.db.conn.close()


def test_a_story_is_published_counted_everywhere_and_published_again_with_its_numbers(
    room: Newsroom, web: Providers
):
    room.round()
    before = {
        kept: room.read("atom.xml").partition(f"<{kept}>")[2][:60] for kept in ("id", "title", "updated")
    }
    assert room.totals() == ["-"]
    assert web.requests == [], "a story has its turns a quarter of an hour after it came out"
    room.round(hours=1, minutes=10)
    numbers = dict(room.db.execute("SELECT source, count FROM comment_counts").fetchall())
    assert numbers == {"hackernews": 234, "lobsters": 18, "reddit": 75, "hatena": 41, "wordpress": 12}
    assert room.totals() == ["380"]
    shown = room.line()
    for part in ("380件", "はてブ 41", "HN 234", "Lobsters 18", "Reddit 75", "元記事 12"):
        assert part in shown
    assert 'href="https://news.ycombinator.com/item?id=40000001"' in shown
    [given] = json.loads(room.read("feed.json"))["items"]
    assert given["_discussion"]["comments"] == 380
    after = {kept: room.read("atom.xml").partition(f"<{kept}>")[2][:60] for kept in before}
    assert after == before


def test_what_is_ready_is_published_before_anybody_is_asked(room: Newsroom, web: Providers):
    room.round()
    room.feeds.serve("/feed", body=rss(entry(2), entry(1)))
    seen: list[int] = []

    def look(write: Write) -> None:
        seen.append(len(room.totals()))
        write(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}")

    web.trouble["hn.algolia.com"] = look
    room.round(hours=2)
    assert seen
    assert set(seen) == {2}


TROUBLES = pytest.mark.parametrize(
    "trouble",
    [
        Answer(b"", 429, {"Retry-After": "120"}),
        Answer(HTML_BLOCK, 403, content_type="text/html"),
        Answer(b"", 500),
        Answer(b"{", content_type="application/json"),
        Answer(b"[" * 50_000, content_type="application/json"),
        answer({"hits": [None, 5, {}], "data": [], "comments": "many"}),
        Answer(b"{}", wait=0.5),
        lambda write: None,
        Answer(b"[" + b'"x",' * 13_000_000 + b"0]", content_type="application/json"),
    ],
    ids=["429", "403", "500", "broken", "deep", "another shape", "silent", "hung up", "50 MB"],
)


@TROUBLES
def test_when_all_providers_fail_a_round_ends_with_everything_published(
    room: Newsroom, web: Providers, monkeypatch: pytest.MonkeyPatch, trouble: Any
):
    monkeypatch.setattr(http, "TOTAL", 0.3)
    room.round()
    kept = room.feeds_bytes()
    web.trouble = dict.fromkeys(HOSTS, trouble)
    room.round(hours=1, minutes=10)
    assert {"hn.algolia.com", "lobste.rs", "www.reddit.com", *HOSTS[5:7]} <= set(web.hosts())
    assert room.feeds_bytes() == kept
    assert room.db.execute("SELECT count(*) FROM comment_counts").fetchone() == (0,)
    web.trouble = {}
    room.round(hours=2)
    room.round(hours=11)  # an age at which Reddit is searched again
    is_forbidden = (
        isinstance(trouble, Answer) and trouble.status == 403
    )  # a site that says so is asked no more
    assert room.totals() == ["368" if is_forbidden else "380"]


DISCUSSION, RELEASE = (
    "https://github.com/acme/router/discussions/7",
    "https://github.com/acme/router/releases/tag/v2",
)
COMMENTS = "https://talk.example/4/feed"


@pytest.fixture
def elsewhere(room: Newsroom, web: Providers) -> Newsroom:
    """Entries that are a discussion, a release, and an article whose comments have a feed."""
    room.feeds.serve(
        "/feed",
        body=rss(
            entry(2, link=DISCUSSION, guid=DISCUSSION, comments=""),
            entry(3, link=RELEASE, guid="tag:github.com,2008:Repository/1/v2", comments=""),
            entry(4, guid="d4", comments="", **{"wfw:commentRss": COMMENTS}),
        ),
    )
    web.github["acme/router/discussions/7"] = Thread(count=9)
    web.github["acme/router/releases/tags/v2"] = Thread(count=31)
    web.comment_feeds["talk.example/4/feed"] = Thread(count=12)
    return room


def _numbers_of(room: Newsroom) -> dict[str, int]:
    return dict(room.db.execute("SELECT source, count FROM comment_counts").fetchall())


def test_a_discussion_a_release_and_a_feed_of_comments_are_counted_each_as_what_it_is(elsewhere: Newsroom):
    elsewhere.round()
    before = elsewhere.feeds_bytes()
    elsewhere.round(hours=1, minutes=10)
    assert _numbers_of(elsewhere) == {"github-discussions": 9, "github-releases": 31, "comment-feeds": 10}
    assert elsewhere.totals() == ["10", "-", "9"]
    items = json.loads(elsewhere.read("feed.json"))["items"]
    told = {item["url"]: item.get("_discussion", {}).get("sources") for item in items}
    assert told[RELEASE] is None, "reactions are no comments"
    assert told[DISCUSSION] == [{"name": "github", "comments": 9, "url": DISCUSSION}]
    pages = {path: path.read_text("utf-8") for path in elsewhere.config.output.glob("entries/**/*.html")}
    [release] = [page for page in pages.values() if f'<a href="{RELEASE}">31件</a>' in page]
    assert "コメント" not in release.partition("<article")[2].partition("</main>")[0]
    assert sum("元記事 10以上" in page for page in pages.values()) == 1
    assert elsewhere.read("rss.xml").count("<slash:comments>") == 2
    elsewhere.round(hours=5)
    assert elsewhere.db.execute("SELECT count(*) FROM count_history").fetchone() == (3,)
    changed = {name: body for name, body in elsewhere.feeds_bytes().items() if body != before[name]}
    assert changed, "the numbers are told"


def test_the_discussion_that_belongs_to_a_release_is_the_releases_comments(
    elsewhere: Newsroom, web: Providers
):
    talk = "https://github.com/acme/router/discussions/90"
    web.github["acme/router/releases/tags/v2"].url = talk
    web.github["acme/router/discussions/90"] = Thread(count=5)
    elsewhere.round()
    elsewhere.round(hours=1, minutes=10)
    assert elsewhere.totals() == ["10", "-", "9"]
    elsewhere.round(hours=2)
    assert elsewhere.totals() == ["10", "5", "9"]
    elsewhere.round(hours=3)  # the release is asked about again
    assert elsewhere.totals() == ["10", "5", "9"]
    items = json.loads(elsewhere.read("feed.json"))["items"]
    [release] = [item for item in items if item["url"] == RELEASE]
    assert release["_discussion"] == {
        "comments": 5, "url": talk, "sources": [{"name": "github", "comments": 5, "url": talk}]
    }  # fmt: skip


def test_a_rise_of_reactions_makes_nothing_hot(elsewhere: Newsroom, web: Providers):
    elsewhere.round()
    elsewhere.round(minutes=20)
    web.github["acme/router/releases/tags/v2"].count = 500
    web.github["acme/router/discussions/7"].count = 60
    elsewhere.round(minutes=50)
    assert _numbers_of(elsewhere)["github-releases"] == 500
    assert [item["url"] for item in json.loads(elsewhere.read("hot.json"))["items"]] == [DISCUSSION]


def test_without_a_token_no_discussion_is_asked_about(
    elsewhere: Newsroom, web: Providers, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.delenv(access.GITHUB)
    elsewhere.round()
    elsewhere.round(hours=1, minutes=10)
    assert _numbers_of(elsewhere) == {"github-releases": 31, "comment-feeds": 10}
    assert [request.path for request in web.asked_of("api.github.com")] == [
        "/api.github.com/repos/acme/router/releases/tags/v2"
    ]


@TROUBLES
def test_what_fails_there_holds_nothing_up_and_is_counted_once_it_works(
    elsewhere: Newsroom, web: Providers, monkeypatch: pytest.MonkeyPatch, trouble: Any
):
    monkeypatch.setattr(http, "TOTAL", 0.3)
    elsewhere.round()
    kept = elsewhere.feeds_bytes()
    web.trouble = dict.fromkeys(HOSTS, trouble)
    elsewhere.round(hours=1, minutes=10)
    assert {"api.github.com", "talk.example"} <= set(web.hosts())
    assert elsewhere.feeds_bytes() == kept
    assert _numbers_of(elsewhere) == {}
    web.trouble = {}
    elsewhere.round(hours=2)
    elsewhere.round(hours=11)
    is_forbidden = isinstance(trouble, Answer) and trouble.status == 403  # by a site, for good
    expected = {"github-discussions": 9, "github-releases": 31, "comment-feeds": 10}
    assert _numbers_of(elsewhere) == {
        name: count for name, count in expected.items() if name != "comment-feeds" or not is_forbidden
    }


def test_a_feed_of_comments_is_left_alone_once_the_entrys_own_feed_says_a_number(
    elsewhere: Newsroom, web: Providers
):
    elsewhere.round()
    elsewhere.round(hours=1, minutes=10)
    asked = len(web.asked_of("talk.example"))
    own = {"wfw:commentRss": COMMENTS, "slash:comments": "12"}
    elsewhere.feeds.serve("/feed", body=rss(entry(4, guid="d4", comments="", **own)))
    elsewhere.round(hours=5)
    assert elsewhere.totals()[0] == "12", "not the sum of both"
    assert len(web.asked_of("talk.example")) == asked


def test_a_feed_of_comments_that_two_stories_name_is_about_neither(elsewhere: Newsroom, web: Providers):
    again = {"wfw:commentRss": COMMENTS}
    other = entry(5, guid="d5", comments="", title="A new battery lasts nine days", **again)
    elsewhere.feeds.serve("/feed", body=rss(entry(4, guid="d4", comments="", **again), other))
    elsewhere.round()
    elsewhere.round(hours=1, minutes=10)
    asked = len(web.asked_of("talk.example"))
    assert asked
    assert _numbers_of(elsewhere) == {}
    elsewhere.round(hours=5)
    assert len(web.asked_of("talk.example")) == asked


def test_a_deleted_feed_of_comments_takes_its_number_with_it(elsewhere: Newsroom, web: Providers):
    elsewhere.round()
    elsewhere.round(hours=1, minutes=10)
    web.comment_feeds["talk.example/4/feed"].gone = True
    elsewhere.round(hours=3)
    assert elsewhere.totals()[0] == "-"


def test_a_site_that_says_to_be_wordpress_on_its_page_alone_is_counted_without_another_look_at_it(
    room: Newsroom, web: Providers
):
    room.config = replace(room.config, extract="auto")
    page = room.feeds.url("/story")
    host = page.split("/")[2]
    head = "<link rel='https://api.w.org/' href='/wp-json/'><link rel='shortlink' href='/?p=7'>"
    room.feeds.serve("/story", body=f"<html><head>{head}</head><body><p>Short.</p></body></html>".encode())
    room.feeds.serve("/feed", body=rss(entry(1, link=page, guid="story-1", comments="")))
    web.wordpress[f"{host}/7"] = Thread(count=12)
    room.round()
    room.round(hours=1, minutes=10)
    assert _numbers_of(room) == {"wordpress": 12}
    assert room.totals() == ["12"]
    assert f'<a href="{page}#comments">元記事 12</a>' in room.line()
    assert len(room.feeds.asked("/story")) == 1
    [comments] = [each for each in web.asked_of(host) if "wp-json" in each.path]
    assert comments.path == f"/{host}/wp-json/wp/v2/comments?post=7&per_page=1&_fields=id"


def test_a_silent_provider_costs_a_round_one_fetchs_time_and_is_then_left_alone(
    room: Newsroom, web: Providers, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(http, "TOTAL", 0.4)
    room.round()
    web.trouble["hn.algolia.com"] = Answer(b"{}", wait=1.0)
    started = time.monotonic()
    room.round(hours=1, minutes=10)
    assert time.monotonic() - started < 4
    assert "hackernews" in providers.resting(room.db, room.now)
    assert room.totals() == ["146"], "the others' numbers are there"
    asked = len(web.asked_of("hn.algolia.com"))
    room.round(minutes=5)
    assert len(web.asked_of("hn.algolia.com")) == asked


def test_a_thread_that_is_deleted_takes_its_number_with_it(room: Newsroom, web: Providers):
    room.round()
    room.round(hours=1, minutes=10)
    assert room.totals() == ["380"]
    web.hackernews["40000001"].gone = True
    room.round(hours=3)
    assert room.totals() == ["150"]
    assert "HN 4" in room.line()


def test_a_story_that_comes_in_a_second_feed_too_is_counted_once(room: Newsroom, web: Providers):
    room.round()
    room.round(hours=1, minutes=10)
    other = entry(1, guid="x-1", comments="https://lobste.rs/s/abc123/acme")
    room.feeds.serve("/other", body=rss(other))
    outlines = "".join(
        f'<outline type="rss" xmlUrl="{room.feeds.url(path)}"/>' for path in ("/feed", "/other")
    )
    room.opml.write_text(f'<opml version="2.0"><body>{outlines}</body></opml>')
    room.round(minutes=30)
    web.hatena["https://orbit.example/1"] = 43
    room.round(hours=3)
    assert room.totals() == ["382"]
    assert room.db.execute("SELECT count(*) FROM stories").fetchone() == (1,)


def test_no_key_is_in_the_store_the_output_or_the_log(room: Newsroom, tmp_path: Path, caplog: Any):
    caplog.set_level("DEBUG")
    room.feeds.serve("/feed", body=rss(entry(1, comments="https://github.com/acme/router/issues/7")))
    room.web.github["acme/router/issues/7"] = Thread(count=5)
    room.round()
    room.round(hours=1, minutes=10)
    assert len({each.headers.get("authorization") for each in room.web.requests}) == 4  # with none at all
    room.web.trouble = {host: Answer(b"", 401) for host in HOSTS}
    room.round(hours=5)
    room.db.conn.close()
    written = (
        b"".join(path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()) + caplog.text.encode()
    )
    for secret in (b"secret-2", b"ghp-3", b"tok-1", b"Y2xpZW50LTE6c2VjcmV0LTI="):
        assert secret not in written


# --- processes ----------------------------------------------------------------------------------------------


def _settings(web: Providers, folder: Path) -> dict[str, str]:
    own = {
        "STORE": folder / "store.sqlite", "OUTPUT": folder / "output", "COUNTS": "hackernews,hatena,lobsters",
        "COUNTS_VIA": web.url("/"), "CONTACT": "https://reader.example/", "UNTRANSLATED": "publish", "HOLD_TIME": "0",
    }  # fmt: skip
    folder.mkdir()
    return {f"AGGREGATOR_{name}": str(value) for name, value in own.items()}


def _once(environment: dict[str, str], now: str) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [sys.executable, "-m", "aggregator", "once"], env=environment | {"AGGREGATOR_NOW": now},
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True,
    )  # fmt: skip


def _numbers(folder: str) -> dict[str, int]:
    db = sqlite3.connect(Path(folder) / "store.sqlite")
    try:
        return dict(db.execute("SELECT source, count FROM comment_counts").fetchall())
    finally:
        db.close()


@pytest.mark.timeout(120)
def test_a_run_that_is_killed_while_a_provider_is_silent_is_repeated_to_the_same_end(
    tmp_path: Path, environment: dict[str, str], web: Providers
):
    ends = []
    with FeedServer() as feeds:
        feeds.serve("/feed", body=rss(entry(1)))
        listed = f'<opml version="2.0"><body><outline xmlUrl="{feeds.url("/feed")}"/></body></opml>'
        Path(environment["AGGREGATOR_OPML"]).write_text(listed)
        for is_killed in (False, True):
            folder = tmp_path / str(is_killed)
            settings = environment | _settings(web, folder)
            assert _once(settings, "2026-11-24T06:00:00Z").wait(60) == 0
            if is_killed:
                web.trouble["bookmark.hatenaapis.com"] = Answer(b"{}", wait=30)
                asked = len(web.asked_of("bookmark.hatenaapis.com"))
                run = _once(settings, "2026-11-24T07:10:00Z")
                while len(web.asked_of("bookmark.hatenaapis.com")) == asked:
                    assert run.poll() is None
                    time.sleep(0.02)
                os.killpg(run.pid, signal.SIGKILL)
                run.wait()
                web.trouble.clear()
            assert _once(settings, "2026-11-24T07:16:00Z").wait(60) == 0
            assert _once(settings, "2026-11-24T07:32:00Z").wait(60) == 0
            ends.append((_numbers(str(folder)), (folder / "output" / "all.xml").read_bytes()))
    assert ends[0][0] == {"hackernews": 234, "hatena": 41, "lobsters": 18}
    assert ends[1] == ends[0]
