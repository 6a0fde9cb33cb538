"""Translation in real processes: a kill in mid-batch, and an engine that comes back."""

import os
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from aggregator.translate.stage import BATCH
from tests.chatserver import ChatServer, Raw
from tests.feedserver import FeedServer
from tests.translating import TITLE_JA, item, rss, translated

pytestmark = [pytest.mark.slow, pytest.mark.timeout(120)]

ENTRIES = 2 * BATCH + 10
A_BATCH = 2 * BATCH  # segments: title and sentence of each entry


def _numbered(count: int) -> bytes:
    items = "".join(
        f"<item><guid>{n}</guid><title>Editor {n} arrives</title>"
        f"<description>The editor {n} keeps drafts on its own.</description></item>"
        for n in range(1, count + 1)
    )
    return f'<rss version="2.0"><channel><title>Wire</title><language>en</language>{items}</channel></rss>'.encode()


def _answer(segment: str) -> str:
    number = next(part for part in segment.split() if part.isdigit())
    return (
        f"エディター{number}が登場"
        if "arrives" in segment
        else f"エディター{number}は下書きを自動で保存する。"
    )


@pytest.fixture
def feeds():
    with FeedServer() as server:
        yield server


@pytest.fixture
def here(environment, feeds):
    url = feeds.url("/feed")
    Path(environment["AGGREGATOR_OPML"]).write_text(
        f'<opml version="2.0"><body><outline type="rss" text="Wire" xmlUrl="{url}"/></body></opml>'
    )
    return environment


def _settings(**values: str) -> dict[str, str]:
    return {f"AGGREGATOR_{name}": value for name, value in values.items()}


def _rows(store: str, sql: str) -> list[tuple[object, ...]]:
    db = sqlite3.connect(store)
    found = db.execute(sql).fetchall()
    db.close()
    return found


def _wait(until: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 30
    while not until():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def test_a_kill_in_mid_batch_loses_that_batch_and_no_more(here, feeds, aggregator, tmp_path):
    """The engine stands still in the second batch; the whole process group is killed there."""
    feeds.serve("/feed", body=_numbered(1))
    still = False

    def answer(segment: str) -> str:
        while still and len(chat.segments) > A_BATCH + 10:
            time.sleep(0.05)
        return _answer(segment)

    with ChatServer(answer) as chat:
        engine = _settings(ENGINE="openai", OPENAI_URL=chat.url, OPENAI_MODEL="m", NOW="2026-11-24T06:00:00Z")
        assert aggregator("once", **engine).returncode == 0
        feeds.serve("/feed", body=_numbered(ENTRIES + 1))
        chat.segments.clear()
        still = True
        later = engine | _settings(NOW="2026-11-24T08:00:00Z")
        done = "SELECT count(*) FROM translations WHERE title IS NOT NULL"
        store = here["AGGREGATOR_STORE"]
        running = subprocess.Popen(
            [sys.executable, "-m", "aggregator", "once", "--all"], env=here | later, cwd=tmp_path,
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True,
        )  # fmt: skip
        try:
            _wait(lambda: len(chat.segments) > A_BATCH + 10 and _rows(store, done) == [(1 + BATCH,)])
        finally:
            os.killpg(running.pid, signal.SIGKILL)
            running.wait()
        asked = list(chat.segments)
        still = False
        assert _rows(store, done) == [(1 + BATCH,)]  # the first batch stands
        assert aggregator("once", **later).returncode == 0
    assert _rows(store, done) == [(1 + ENTRIES,)]
    stood, again = set(asked[:A_BATCH]), set(chat.segments[len(asked) :])
    assert stood.isdisjoint(again)  # what stood was not asked for again
    assert len(stood | again) == 2 * ENTRIES
    assert len(again.intersection(asked)) <= A_BATCH


def _feeds_bytes(output: Path) -> dict[str, bytes]:
    names = ("atom.xml", "rss.xml", "feed.json", "all.xml")
    return {name: (output / name).read_bytes() for name in names}


def _pages(output: Path) -> str:
    return "".join(path.read_text(encoding="utf-8") for path in (output / "entries").rglob("*.html"))


def test_what_a_fallback_engine_made_is_made_again_once_on_the_page_alone(here, feeds, aggregator):
    feeds.serve("/feed", body=rss(item(1)))
    output, store = Path(here["AGGREGATOR_OUTPUT"]), here["AGGREGATOR_STORE"]
    with ChatServer(lambda _: Raw(403, b"closed")) as first, ChatServer(translated) as second:
        chain = _settings(
            ENGINE="openai,deepl", OPENAI_URL=first.url, OPENAI_MODEL="m", DEEPL_KEY="key:fx",
            DEEPL_URL=f"http://127.0.0.1:{second.port}/v2/translate",
        )  # fmt: skip

        def once(at: str) -> int:
            before = len(first.segments)
            done = aggregator("once", **chain, AGGREGATOR_NOW=f"2026-11-24T{at}:00Z")
            assert done.returncode == 0, done.stderr
            return len(first.segments) - before

        once("06:00")
        assert _rows(store, "SELECT engine, redo FROM translations") == [("deepl", "openai")]
        frozen = _feeds_bytes(output)
        assert TITLE_JA in _pages(output)
        first.translate = lambda segment: translated(segment).replace("新しい", "最新の")
        assert once("06:20") == 3
        assert _rows(store, "SELECT engine, redo FROM translations") == [("openai", None)]
        assert _feeds_bytes(output) == frozen
        assert "最新のエディター" in _pages(output)
        assert [once("06:40"), once("09:00"), once("20:00")] == [0, 0, 0]
