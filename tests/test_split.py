"""Two aggregators that share a list, and a third that subscribes to their feeds: all in processes of their own."""

import re
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from urllib.request import urlopen

import feedparser
import pytest

from tests.chatserver import ChatServer
from tests.cluster import free_port
from tests.feedserver import FeedServer

pytestmark = pytest.mark.slow
FEEDS, ENTRIES = 6, 2
SHARED = "http://127.0.0.9/told/by/all"


def _item(number: int, title: str = "The editor opens document", updated: str = "", link: str = "") -> str:
    link = link or f"http://127.0.0.{number // 100}/story/{number}"
    return (
        f"<entry><id>urn:{number}</id><title>{title} {number}</title><link href='{link}'/>"
        f"<published>2026-11-24T05:{number % 100:02}:00Z</published>"
        f"<updated>{updated or '2026-11-24T05:30:00Z'}</updated><author><name>Ann Example</name></author>"
        f"<link rel='replies' type='text/html' href='{link}#talk' thr:count='{number % 100}'/>"
        f"<content type='html'>The editor saves document {number} on its own. It is free for {number} people.</content></entry>"
    )


def _feed(feed: int, *items: str) -> bytes:
    head = f"<title>Wire {feed}</title><id>urn:feed:{feed}</id><updated>2026-11-24T05:00:00Z</updated>"
    return (
        "<feed xmlns='http://www.w3.org/2005/Atom' xmlns:thr='http://purl.org/syndication/thread/1.0' "
        f"xml:lang='en'>{head}{''.join(items)}</feed>"
    ).encode()


def _japanese(segment: str) -> str:
    numbers = "と".join(re.findall(r"\[\d\]|\d+", segment))
    if segment.startswith("Correction"):
        return f"訂正：エディターが{numbers}番の文書を開く"
    if segment.endswith("."):
        return f"エディターは{numbers}番の文書を自動で保存する。"
    return f"エディターが{numbers}番の文書を開く"


class Site:
    """An aggregator in a folder of its own."""

    def __init__(self, folder: Path, environment: dict[str, str], chat: ChatServer, **settings: str) -> None:
        self.folder, self.port = folder, free_port()
        folder.mkdir()
        own = {
            "OPML": folder / "feeds.opml", "STORE": folder / "store.sqlite", "OUTPUT": folder / "output",
            "LISTEN": f"127.0.0.1:{self.port}", "ENGINE": "openai", "OPENAI_URL": chat.url,
            "OPENAI_MODEL": "stand-in", **settings,
        }  # fmt: skip
        self.environ = environment | {f"AGGREGATOR_{name}": str(value) for name, value in own.items()}

    def run(self, *arguments: str, at: str) -> None:
        done = subprocess.run(
            [sys.executable, "-m", "aggregator", *arguments], env=self.environ | {"AGGREGATOR_NOW": at},
            cwd=self.folder, capture_output=True, text=True, timeout=100, check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr

    def serve(self) -> "subprocess.Popen[bytes]":
        process = subprocess.Popen(
            [sys.executable, "-m", "aggregator", "serve"], env=self.environ, cwd=self.folder,
            stdout=subprocess.DEVNULL,
        )  # fmt: skip
        for _ in range(200):
            try:
                urlopen(f"http://127.0.0.1:{self.port}/atom.xml", timeout=5).close()
            except OSError:
                time.sleep(0.05)
            else:
                return process
        raise AssertionError("it does not serve")

    def entries(self) -> dict[str, feedparser.FeedParserDict]:
        """Return what its feed holds, by the original's address."""
        found = feedparser.parse((self.folder / "output" / "atom.xml").read_bytes()).entries
        assert len({entry.link for entry in found}) == len(found)
        return {entry.link: entry for entry in found}


class Trio:
    """Two that share a list, and the one that readers know."""

    def __init__(
        self, folder: Path, environment: dict[str, str], feeds: FeedServer, chat: ChatServer
    ) -> None:
        self.feeds, self.chat = feeds, chat
        self.parts = [Site(folder / name, environment, chat) for name in ("first", "second")]
        self.whole = Site(folder / "whole", environment, chat, COUNTS="none")
        outlines = "".join(
            f'<outline text="Wire {n}" xmlUrl="{feeds.url(f"/{n}", host=n)}"/>' for n in range(1, FEEDS + 1)
        )
        (folder / "feeds.opml").write_text(f'<opml version="2.0"><body>{outlines}</body></opml>')
        subprocess.run(
            [sys.executable, "-m", "aggregator", "split", "2"], env=environment, cwd=folder, check=True,
            stdout=subprocess.DEVNULL,
        )  # fmt: skip
        for number, part in enumerate(self.parts, 1):
            shutil.copy(folder / f"feeds-{number}-of-2.opml", part.folder / "feeds.opml")
        listed = "".join(
            f'<outline text="Part" xmlUrl="http://127.0.0.1:{part.port}/atom.xml" extract="feed"/>'
            for part in self.parts
        )
        (self.whole.folder / "feeds.opml").write_text(f'<opml version="2.0"><body>{listed}</body></opml>')

    def relay(self, at: str) -> int:
        """Let the third work, and return for how many segments it asked for a translation."""
        asked = len(self.chat.segments)
        self.whole.run("once", "--all", at=at)
        return len(self.chat.segments) - asked


@pytest.fixture
def trio(tmp_path: Path, environment: dict[str, str]) -> Iterator[Trio]:
    """Serve feeds, share them out, and have the two served."""
    with ExitStack() as stack:
        feeds = stack.enter_context(FeedServer(FEEDS))
        chat = stack.enter_context(ChatServer(_japanese))
        for feed in range(1, FEEDS + 1):
            own = [_item(100 * feed + n) for n in range(1, ENTRIES + 1)]
            feeds.serve(f"/{feed}", _feed(feed, *own, _item(100 * feed + 50, link=SHARED)))
        made = Trio(tmp_path, environment, feeds, chat)
        for part in made.parts:
            part.run("once", at="2026-11-24T06:00:00Z")
            process = part.serve()
            stack.callback(process.wait)
            stack.callback(process.terminate)
        yield made


def test_a_third_shows_each_entry_of_two_once_as_they_do(trio: Trio):
    assert trio.relay("2026-11-24T06:10:00Z") == 0
    given = {link: entry for part in trio.parts for link, entry in part.entries().items()}
    shown = trio.whole.entries()
    assert len(given) == FEEDS * ENTRIES + 1
    assert all(SHARED in part.entries() for part in trio.parts)
    assert all(0 < len(part.entries()) < len(given) for part in trio.parts)
    assert shown.keys() == given.keys()
    for link, entry in shown.items():
        assert "番の文書を開く" in entry.title
        if link == SHARED:
            continue  # as one of the two tells it
        for name in ("title", "content", "author", "source", "thr_total"):
            told, told_first = entry.get(name), given[link].get(name)
            if name == "content":
                told, told_first = told[0].value, told_first[0].value
            if name == "source":
                told, told_first = told.title, told_first.title
            assert told == told_first, name
        assert [each.href for each in entry.links if each.rel == "replies"] == [f"{link}#talk"]

    # What changes at the source goes all the way; ids stay.
    ids = {link: entry.id for link, entry in shown.items()}
    link = "http://127.0.0.1/story/102"
    trio.feeds.serve(
        "/1",
        _feed(
            1,
            _item(103),
            _item(102, "Correction: the editor opens document", "2026-11-24T07:00:00Z"),
            _item(101),
        ),
    )
    home = next(part for part in trio.parts if link in part.entries())
    home.run("once", "--all", at="2026-11-24T07:00:10Z")
    assert trio.relay("2026-11-24T07:10:00Z") == 0
    again = trio.whole.entries()
    assert again.keys() - shown.keys() == {"http://127.0.0.1/story/103"}
    assert again[link].title == "訂正：エディターが102番の文書を開く"
    assert again[link].updated == "2026-11-24T07:10:00+00:00"
    assert {each: entry.id for each, entry in again.items() if each in ids} == ids

    # A takedown does not: what it wrote is handed on.
    home.run("takedown", link, "--reason", "asked", "--yes", at="2026-11-24T07:20:00Z")
    trio.relay("2026-11-24T07:30:00Z")
    assert link not in home.entries()
    assert link in trio.whole.entries()
    shutil.copy(home.folder / "store.sqlite.denied", trio.whole.folder / "store.sqlite.denied")
    trio.relay("2026-11-24T07:40:00Z")
    assert link not in trio.whole.entries()
