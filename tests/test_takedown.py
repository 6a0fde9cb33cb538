"""What is taken down is gone from store and output to the last byte, and nothing brings it back."""

import gzip
import html
import re
import shutil
import sqlite3
from collections.abc import Iterator
from pathlib import Path

import brotli
import pytest

from tests.chatserver import ChatServer
from tests.conftest import Aggregator
from tests.feedserver import FeedServer

PATH = "/2026/quokka-reactor"
TITLE = "Quokka reactor melts the garden"
TITLE_JA = "クアッカの反応炉が庭を溶かす"
AUTHOR = "Ursula Pemberwick"
BODY = (
    "The quokka ate a zwieback in the greenhouse. Nobody expected the snorkelling marmot. "
    "A glockenspiel was heard from the pond at night."
)
BODY_JA = {
    "The quokka ate a zwieback in the greenhouse.": "クアッカは温室でラスクを食べた。",
    "Nobody expected the snorkelling marmot.": "誰もシュノーケルのマーモットを予想しなかった。",
    "A glockenspiel was heard from the pond at night.": "夜の池から鉄琴が聞こえた。",
}
TOLD = ("quokka", "zwieback", "snorkelling", "marmot", "glockenspiel", "pemberwick", "クアッカ", "ラスク",
  "マーモット", "鉄琴")  # fmt: skip


def item(path: str, title: str, body: str, base: str, minute: int = 1, author: str = "Jo Bloggs") -> str:
    return (
        f"<item><guid>{base}{path}</guid><link>{base}{path}</link><title>{html.escape(title)}</title>"
        f"<dc:creator>{author}</dc:creator><pubDate>Tue, 24 Nov 2026 05:{minute:02}:00 GMT</pubDate>"
        f"<description><![CDATA[<p>{body}</p>]]></description></item>"
    )


def rss(title: str, *items: str) -> bytes:
    return (
        '<?xml version="1.0"?><rss version="2.0" xmlns:dc="http://purl.org/dc/elements/1.1/"><channel>'
        f"<title>{title}</title><link>http://127.0.0.1/</link><language>en</language>{''.join(items)}"
        "</channel></rss>"
    ).encode()


def japanese(segment: str) -> str:
    known = {TITLE: TITLE_JA, **BODY_JA}
    if segment in known:
        return known[segment]
    number = re.search(r"\d+", segment)
    return f"庭の{number[0] if number else ''}番の知らせを伝える。"


@pytest.fixture
def feeds() -> Iterator[FeedServer]:
    with FeedServer(hosts=3) as server:
        yield server


@pytest.fixture
def press(feeds: FeedServer, environment: dict[str, str], tmp_path: Path) -> Iterator["Press"]:
    with ChatServer(japanese) as chat:
        environment |= {
            "AGGREGATOR_ENGINE": "openai", "AGGREGATOR_OPENAI_URL": chat.url,
            "AGGREGATOR_OPENAI_MODEL": "stand-in", "AGGREGATOR_COUNTS": "none",
            "AGGREGATOR_EXECUTOR_POLL": "inline:", "AGGREGATOR_EXECUTOR_TRANSLATE": "inline:",
        }  # fmt: skip
        yield Press(tmp_path, feeds)


class Press:
    """A feed with one story that is to go, another with what it stays beside, and where all of it lies."""

    def __init__(self, folder: Path, feeds: FeedServer) -> None:
        self.folder, self.feeds = folder, feeds
        self.store, self.output = folder / "store.sqlite", folder / "output"
        self.link = feeds.url(PATH)
        self.daily(9)
        self.other()
        self.subscribe("/daily", ("/other", 2))

    def daily(self, count: int, *more: str) -> None:
        base = self.feeds.url("")
        others = [item(f"/{n}", f"Garden notice {n}", f"Notice {n} is short.", base, n) for n in range(count)]
        story = item(PATH, TITLE, BODY, base, 30, AUTHOR)
        self.feeds.serve("/daily", rss("Daily Garden", story, *more, *others))

    def other(self, *items: str) -> None:
        note = item("/kept", "Kettle notice 77", "Notice 77 is about a kettle.", self.feeds.url("", 2), 20)
        self.feeds.serve("/other", rss("Other Paper", note, *items))

    def subscribe(self, *paths: str | tuple[str, int]) -> None:
        places = [(each, 1) if isinstance(each, str) else each for each in paths]
        lines = (
            f'<outline type="rss" text="Paper {path}" xmlUrl="{self.feeds.url(path, host)}" rights="full"/>'
            for path, host in places
        )
        text = f'<opml version="2.0"><body>\n{"".join(f"{line}{chr(10)}" for line in lines)}</body></opml>'
        (self.folder / "feeds.opml").write_text(text)

    def traces(self, *words: str) -> dict[str, set[str]]:
        """Return which words stand in which files of store and output, also in compressed copies."""
        found: dict[str, set[str]] = {}
        files = [*self.folder.glob("store.sqlite*"), *(p for p in self.output.rglob("*") if p.is_file())]
        for path in files:
            if path.name.endswith(".denied"):
                continue
            data = path.read_bytes()
            data = gzip.decompress(data) if path.suffix == ".gz" else data
            data = brotli.decompress(data) if path.suffix == ".br" else data
            text = data.decode("utf-8", "replace").casefold()
            if here := {word for word in words or TOLD if word in text}:
                found[str(path.relative_to(self.folder))] = here
        return found

    def rows(self, sql: str) -> list[tuple[object, ...]]:
        db = sqlite3.connect(self.store)
        try:
            return db.execute(sql).fetchall()
        finally:
            db.close()

    def keep_store(self) -> Path:
        """Copy the store as it is, as a backup would."""
        kept = self.folder / "kept"
        kept.mkdir()
        for path in self.folder.glob("store.sqlite*"):
            if path.suffix in {".sqlite", ".sqlite-wal"}:
                shutil.copy(path, kept)
        return kept

    def put_back(self, kept: Path) -> None:
        for name in ("store.sqlite-wal", "store.sqlite-shm"):
            (self.folder / name).unlink(missing_ok=True)
        for path in kept.iterdir():
            shutil.copy(path, self.folder)


def done(run: object) -> str:
    assert run.returncode == 0, run.stderr
    return run.stdout


def test_an_entry_is_gone_to_the_last_byte_and_stays_so(press: Press, aggregator: Aggregator):
    done(aggregator("once"))
    assert press.traces()["store.sqlite"] >= {"quokka", "クアッカ"} or press.traces()["store.sqlite-wal"]
    assert any(name.endswith("atom.xml") for name in press.traces())
    [(slug,)] = press.rows(f"SELECT slug FROM publications WHERE title = '{TITLE_JA}'")
    yesterday = press.keep_store()

    said = done(aggregator("takedown", press.link, "--reason", "its author asked", "--yes"))

    assert "1 entry" in said
    assert press.traces() == {}
    assert not (press.output / f"entries/{slug}.html").exists()
    assert "77番" in (press.output / "atom.xml").read_text()
    done(aggregator("once", "--all", AGGREGATOR_NOW="2026-11-25T06:00:00Z"))
    assert press.traces() == {}

    press.put_back(yesterday)
    done(aggregator("once", "--all", AGGREGATOR_NOW="2026-11-25T07:00:00Z"))
    assert press.traces() == {}
    assert len(press.rows("SELECT 1 FROM publications WHERE state = 'translated'")) == 10
