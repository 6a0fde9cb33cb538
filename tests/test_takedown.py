"""What is taken down is gone from store and output to the last byte, and nothing brings it back."""

import gzip
import html
import json
import random
import re
import shutil
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
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
            try:
                data = path.read_bytes()
            except FileNotFoundError:  # a daemon put it in its place
                continue
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
    # Its feed lists it still, and another one its address.
    press.other(item(f"{PATH}/?utm_source=other", "Seen: quokka", BODY, press.feeds.url(""), 50))
    done(aggregator("once", "--all", AGGREGATOR_NOW="2026-11-25T06:00:00Z"))
    assert press.traces() == {}

    press.put_back(yesterday)
    done(aggregator("once", "--all", AGGREGATOR_NOW="2026-11-25T07:00:00Z"))
    assert press.traces() == {}
    assert len(press.rows("SELECT 1 FROM publications WHERE state = 'translated'")) == 10


def test_it_goes_out_of_feeds_and_pages_on_a_disk_that_is_full_for_all_else(
    press: Press, aggregator: Aggregator
):
    done(aggregator("once"))
    full = press.folder / "full"
    full.mkdir()
    (full / "sitecustomize.py").write_text("from aggregator import resources\nresources.LEAST_FREE = 2**62\n")
    ran = aggregator("takedown", press.link, "--reason", "a court", "--yes", PYTHONPATH=str(full))
    assert "nothing_is_added" in ran.stderr
    assert "1 entry" in done(ran)
    assert press.traces() == {}


def test_a_feed_goes_out_of_its_list_and_is_not_listed_again(press: Press, aggregator: Aggregator):
    done(aggregator("once"))
    feed = press.feeds.url("/daily")
    dry = done(aggregator("takedown", feed, "--reason", "its publisher asked", "--dry-run"))
    assert "10 entries, 1 feed" in dry
    assert TITLE in dry
    assert press.traces()

    said = done(aggregator("takedown", feed, "--reason", "its publisher asked", "--yes"))
    assert "taken down: 11 entries, 1 feed" in said or "taken down: 10 entries, 1 feed" in said
    assert press.traces(*TOLD, "daily garden", "garden notice", "paper /daily") == {}
    assert "/other" in (press.folder / "feeds.opml").read_text()
    assert "/daily" not in (press.folder / "feeds.opml").read_text()
    assert "77番" in (press.output / "atom.xml").read_text()

    refused = aggregator("add", feed)
    assert refused.returncode == 1
    assert "taken down on 2026-11-24: its publisher asked; see: aggregator takedown --list" in refused.stderr
    press.subscribe("/daily", ("/other", 2))  # by hand, or from a backup
    assert "feed_taken_down" in aggregator("once", "--all", AGGREGATOR_NOW="2026-11-25T06:00:00Z").stderr
    asked = len(press.feeds.asked("/daily"))
    shutil.copy(press.folder / "feeds.opml", press.folder / "others.opml")
    press.subscribe(("/other", 2))
    imported = done(aggregator("import", "others.opml"))
    assert f"left out: {feed}: taken down on 2026-11-24: its publisher asked" in imported
    done(aggregator("once", "--all", AGGREGATOR_NOW="2026-11-26T06:00:00Z"))
    assert len(press.feeds.asked("/daily")) == asked == 1
    assert press.traces(*TOLD, "daily garden", "garden notice") == {}


def test_a_host_is_denied_to_every_feed_also_before_it_was_ever_seen(press: Press, aggregator: Aggregator):
    link = item("/x", TITLE, BODY, press.feeds.url("", 3), 40, AUTHOR)
    done(aggregator("takedown", "127.0.0.3", "--reason", "asked", "--yes"))
    press.daily(3)
    press.feeds.serve("/daily", rss("Daily Garden", link))
    done(aggregator("once"))
    assert press.traces() == {}
    assert [row[0] for row in press.rows("SELECT count(*) FROM entries")] == [1]  # of the other feed


def test_it_asks_first_and_says_what_it_did_in_json(press: Press, aggregator: Aggregator):
    done(aggregator("once"))
    plan = json.loads(done(aggregator("takedown", press.link, "--reason", "asked", "--dry-run", "--json")))
    assert (plan["entries"], plan["gone"], [*plan["titles"].values()]) == (1, 1, [TITLE])
    refused = aggregator("takedown", press.link, "--reason", "asked")
    assert refused.returncode == 2
    assert "to go on say --yes" in refused.stderr
    assert not (press.folder / "store.sqlite.denied").exists()
    assert aggregator("takedown", press.link, "--yes").returncode == 2  # no reason
    assert aggregator("takedown", "no such feed at all", "--reason", "r", "--yes").returncode == 1

    said = done(aggregator("takedown", press.link, "--reason", "asked", "--yes", "--json"))
    assert json.loads(said) == {
        "by": "", "entries": 1, "feeds": 0, "gone": 1, "handed_on": 0, "trouble": "", "backups": [], "backup": "",
    }  # fmt: skip
    [row] = json.loads(done(aggregator("takedown", "--list", "--json")))
    assert (row["target"], row["reason"], row["denied_at"]) == (press.link, "asked", "2026-11-24T06:00:00Z")
    assert "asked" in done(aggregator("takedown", "--list"))


def test_what_is_allowed_again_comes_back_as_new(press: Press, aggregator: Aggregator):
    done(aggregator("once"))
    before = press.rows(f"SELECT public_id FROM publications WHERE title = '{TITLE_JA}'")
    done(aggregator("takedown", press.link, "--reason", "asked", "--yes"))
    assert aggregator("takedown", "https://else.example/", "--undo").returncode == 2
    done(aggregator("takedown", press.link, "--undo"))
    press.daily(8)
    done(aggregator("once", "--all", AGGREGATOR_NOW="2026-11-25T06:00:00Z"))
    assert TITLE_JA in (press.output / "atom.xml").read_text()
    after = press.rows(f"SELECT public_id FROM publications WHERE title = '{TITLE_JA}'")
    assert len(after) == 1
    assert after != before


def test_a_list_that_cannot_be_read_is_said_and_what_is_denied_stays_so(press: Press, aggregator: Aggregator):
    done(aggregator("once"))
    done(aggregator("takedown", press.link, "--reason", "asked", "--yes"))
    with (press.folder / "store.sqlite.denied").open("a") as file:
        file.write("{broken\n")
    press.daily(8)
    run = aggregator("once", "--all", AGGREGATOR_NOW="2026-11-25T06:00:00Z")
    assert run.returncode == 2
    assert "store.sqlite.denied, line 2: no takedown" in run.stderr
    assert press.traces() == {}
    assert len(press.feeds.asked("/daily")) == 2  # all else goes on


def test_while_the_daemon_runs_it_does_the_erasing(
    press: Press, aggregator: Aggregator, environment: dict[str, str]
):
    done(aggregator("once"))
    command = [sys.executable, "-m", "aggregator", "run", "--no-server"]
    own = environment | {"AGGREGATOR_SCHEDULE_POLL": "1s", "AGGREGATOR_SCHEDULE_PUBLISH": "1s"}
    with (
        (press.folder / "daemon.log").open("w") as log,
        subprocess.Popen(command, env=own, cwd=press.folder, stdout=log, stderr=log) as daemon,
    ):
        try:
            held = press.folder / "store.sqlite.lock"
            _until(lambda: held.exists() and "run" in held.read_text())
            said = done(aggregator("takedown", press.link, "--reason", "asked", "--yes"))
            assert "erased by another run, which publishes next" in said
            _until(lambda: not [name for name in press.traces() if not name.endswith("-wal")])
        finally:
            daemon.terminate()
    assert press.traces() == {}


def _until(is_so: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 30
    while not is_so():
        assert time.monotonic() < deadline
        time.sleep(0.1)


@pytest.mark.slow
def test_a_kill_at_any_moment_leaves_a_takedown_that_the_next_run_ends(
    press: Press, aggregator: Aggregator, environment: dict[str, str], tmp_path: Path
):
    done(aggregator("once"))
    shutil.copytree(press.output, tmp_path / "output-before")
    yesterday = press.keep_store()
    command = [sys.executable, "-m", "aggregator", "takedown", press.link, "--reason", "asked", "--yes"]
    started = time.monotonic()
    subprocess.run(command, env=environment, cwd=tmp_path, check=True, capture_output=True)
    length = time.monotonic() - started
    chance = random.Random(20261124)
    killed = 0
    while killed < 3:
        press.put_back(yesterday)
        shutil.rmtree(press.output)
        shutil.copytree(tmp_path / "output-before", press.output)
        (press.folder / "store.sqlite.denied").unlink(missing_ok=True)
        started = time.monotonic()
        process = subprocess.Popen(command, env=environment, cwd=tmp_path, stdout=subprocess.DEVNULL)
        try:
            process.wait(chance.uniform(0.3 * length, length))
            length = min(length, time.monotonic() - started)  # it was measured on a busier machine
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
            killed += 1
        if not (press.folder / "store.sqlite.denied").exists():
            assert press.traces() != {}  # it had not begun
            continue
        done(aggregator("once"))
        assert press.traces() == {}


def test_a_backup_of_yesterday_brings_nothing_back_of_today_or_of_others(
    press: Press, aggregator: Aggregator
):
    done(aggregator("once"))
    done(aggregator("backup", "yesterday.tar.zst"))
    day = {"AGGREGATOR_NOW": "2026-11-25T06:00:00Z"}
    press.other(item("/new", "Kettle notice 78", "Notice 78 is new.", press.feeds.url("", 2), 50))
    done(aggregator("once", "--all", **day))
    done(aggregator("takedown", press.link, "--reason", "asked", "--yes", **day))
    done(aggregator("takedown", press.feeds.url("/daily"), "--reason", "asked", "--yes", **day))
    shown = (press.output / "atom.xml").read_bytes()

    done(aggregator("restore", "yesterday.tar.zst", **day))

    assert press.traces(*TOLD, "daily garden", "garden notice") == {}
    assert "/daily" not in (press.folder / "feeds.opml").read_text()
    done(aggregator("once", "--all", AGGREGATOR_NOW="2026-11-25T07:00:00Z"))
    assert press.traces(*TOLD, "daily garden", "garden notice") == {}
    assert "78番" in (press.output / "atom.xml").read_text()
    assert (press.output / "atom.xml").read_bytes() == shown


def test_backups_that_hold_it_are_said_and_deleted_on_request(press: Press, aggregator: Aggregator):
    done(aggregator("once"))
    done(aggregator("backup"))
    said = done(aggregator("takedown", press.link, "--reason", "asked", "--yes"))
    assert "may hold it still; --backups deletes" in said
    folder = next(press.folder.rglob("*.tar.zst")).parent
    before = {path.name for path in folder.glob("*.tar.zst")}
    aside = folder / "20261123T000000Z-damaged.sqlite"
    aside.write_bytes(b"x")
    done(aggregator("takedown", "127.0.0.3", "--reason", "asked", "--yes", "--backups",
                    AGGREGATOR_NOW="2026-11-25T06:00:00Z"))  # fmt: skip
    after = {path.name for path in folder.glob("*.tar.zst")}
    assert len(after) == 1
    assert not after & before
    assert not aside.exists()
