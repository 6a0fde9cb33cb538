"""What people's readers show of us: newsboat and `reader` poll our feed over HTTP before and after a change."""

import json
import shutil
import sqlite3
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tests.chatserver import ChatServer
from tests.feedserver import FeedServer

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]

ENTRIES = 500
_READER = """
import json, sys
from reader import make_reader
store, url = sys.argv[1:]
with make_reader(store) as reader:
    reader.add_feed(url, exist_ok=True)
    found = reader.update_feed(url)
    entries = list(reader.get_entries())
    for entry in entries:
        reader.mark_entry_as_read(entry)
    print(json.dumps([found.new, found.modified, {e.id: str(e.updated) for e in entries}] if found else [0, 0, {}]))
"""


def _item(number: int) -> str:
    at = datetime(2026, 11, 24, 5, tzinfo=UTC) - timedelta(
        minutes=15 * number
    )  # no wave that shortens bodies
    return (
        f"<item><guid>{number}</guid><link>http://127.0.0.1/{number}</link><title>Editor {number} arrives</title>"
        f"<pubDate>{at:%a, %d %b %Y %H:%M:%S} GMT</pubDate>"
        f"<description>The editor {number} keeps drafts on its own.</description></item>"
    )


def _rss(count: int) -> bytes:
    items = "".join(map(_item, range(1, count + 1)))
    return f'<rss version="2.0"><channel><title>Wire</title><language>en</language>{items}</channel></rss>'.encode()


def _translated(segment: str, word: str) -> str:
    number = next(part for part in segment.split() if part.isdigit())
    if "arrives" in segment:
        return f"{word}{number}が登場"
    return f"{word}{number}は下書きを自動で保存する。"


class Newsboat:
    """The terminal reader, told to show as unread again whatever changed; everything read after each look."""

    def __init__(self, folder: Path, url: str) -> None:
        folder.mkdir()
        self.cache = folder / "cache.db"
        (folder / "urls").write_text(url)
        (folder / "config").write_text(f'reset-unread-on-update "{url}"\nmax-items 0\n')
        files = ["-u", folder / "urls", "-C", folder / "config", "-c", self.cache]
        self.command, self.environment = ["newsboat", *files], {"HOME": str(folder), "PATH": "/usr/bin:/bin"}

    def look(self) -> int:
        """Poll, and return how many entries are unread."""
        self._do("reload")
        unread = int(self._do("print-unread").split()[0])
        db = sqlite3.connect(self.cache)
        db.execute("UPDATE rss_item SET unread = 0")
        db.commit()
        db.close()
        return unread

    def _do(self, action: str) -> str:
        command = [*self.command, "-x", action]
        done = subprocess.run(command, env=self.environment, capture_output=True, text=True, check=True)
        return done.stdout


class Reader:
    """The library `reader`."""

    def __init__(self, store: Path, url: str) -> None:
        self.store, self.url = store, url
        self.updated: dict[str, str] = {}

    def look(self) -> tuple[int, int, int]:
        """Poll, and return how many entries are new, how many changed, and how many have another `updated`."""
        command = [sys.executable, "-W", "ignore", "-c", _READER, self.store, self.url]
        done = subprocess.run(command, capture_output=True, text=True, check=True)
        new, changed, updated = json.loads(done.stdout)
        moved = sum(self.updated[entry] != at for entry, at in updated.items() if entry in self.updated)
        self.updated = updated or self.updated
        return new, changed, moved


@pytest.fixture
def feeds():
    with FeedServer() as server:
        server.serve("/feed", body=_rss(1))
        yield server


@pytest.fixture
def press(feeds, aggregator, environment, tmp_path):
    """Return a function that runs a command at an hour of the day, and shows the feed as it then is."""
    outline = f'<outline type="rss" text="Wire" xmlUrl="{feeds.url("/feed")}"/>'
    Path(environment["AGGREGATOR_OPML"]).write_text(f'<opml version="2.0"><body>{outline}</body></opml>')
    words = ["エディター"]
    with ChatServer(lambda segment: _translated(segment, words[0])) as chat:
        settings = {
            "ENGINE": "deepl", "DEEPL_KEY": "key:fx", "DEEPL_URL": f"http://127.0.0.1:{chat.port}/v2/translate",
            "DEEPL_BUDGET": "100000000", "MAX_ENTRIES": str(ENTRIES), "EXECUTOR_TRANSLATE": "inline:",
            "EXECUTOR_POLL": "inline:", "DIGEST_AT": "off",
        }  # fmt: skip
        here = {f"AGGREGATOR_{name}": value for name, value in settings.items()}

        def run(hour: int, *command: str, word: str = "エディター", **more: str) -> str:
            words[0] = word
            done = aggregator(*command, **here, **more, AGGREGATOR_NOW=f"2026-11-24T{hour:02}:00:00Z")
            assert done.returncode == 0, done.stderr
            feeds.serve("/atom.xml", body=(tmp_path / "output" / "atom.xml").read_bytes())
            return done.stdout

        run(6, "once")
        feeds.serve("/feed", body=_rss(ENTRIES))
        run(7, "once", "--all")
        yield run


def _published(folder: Path) -> dict[str, bytes]:
    return {name: (folder / name).read_bytes() for name in ("atom.xml", "rss.xml", "feed.json", "all.xml")}


def _pages(folder: Path, word: str) -> int:
    return sum(word in path.read_text(encoding="utf-8") for path in (folder / "entries").rglob("*.html"))


def test_a_glossary_change_that_touches_500_entries_shows_none_as_new_until_they_are_republished(
    feeds, press, tmp_path
):
    output, url = tmp_path / "output", feeds.url("/atom.xml")
    newsboat = Newsboat(tmp_path / "newsboat", url) if shutil.which("newsboat") else None
    reader = Reader(tmp_path / "reader.sqlite", url)
    assert reader.look() == (ENTRIES, 0, 0)
    assert newsboat is None or newsboat.look() == ENTRIES
    frozen = _published(output)
    assert _pages(output, "編集ソフト") == 0

    glossary = tmp_path / "glossary.tsv"
    glossary.write_text("editor\t編集ソフト\tours\n")
    ours = {"word": "編集ソフト", "AGGREGATOR_GLOSSARY": str(glossary)}
    said = press(8, "retranslate", "--glossary-changed", **ours)
    assert said.startswith(f"{ENTRIES} entries, ")
    press(8, "publish", **ours)
    assert _pages(output, "編集ソフト") == ENTRIES
    assert _published(output) == frozen
    assert reader.look() == (0, 0, 0)
    assert newsboat is None or newsboat.look() == 0

    assert f"{ENTRIES} entries will appear again" in press(9, "publish", "--republish", "--dry-run", **ours)
    assert _published(output) == frozen
    assert f"{ENTRIES} entries will appear again" in press(9, "publish", "--republish", **ours)
    assert _published(output).items().isdisjoint(frozen.items())
    assert reader.look() == (0, ENTRIES, ENTRIES)
    assert newsboat is None or newsboat.look() == ENTRIES

    assert "0 entries will appear again" in press(10, "publish", "--republish", **ours)
    assert reader.look() == (0, 0, 0)
    assert newsboat is None or newsboat.look() == 0
    if newsboat is None:
        pytest.skip("shown with `reader` alone: newsboat is not installed")


def test_what_is_translated_again_and_republished_appears_once_and_nothing_else_does(feeds, press, tmp_path):
    url = feeds.url("/atom.xml")
    reader = Reader(tmp_path / "reader.sqlite", url)
    reader.look()
    one = ("retranslate", "--entry", "http://127.0.0.1/7", "--republish")
    assert "up to 1 entries will appear again" in press(8, *one, "--dry-run", word="編集ソフト")
    assert reader.look() == (0, 0, 0)
    assert "\n1 entries will appear again" in press(8, *one, word="編集ソフト")
    assert reader.look() == (0, 1, 1)
    assert "\n0 entries will appear again" in press(9, *one, word="編集ソフト")
    assert reader.look() == (0, 0, 0)
