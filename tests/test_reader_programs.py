"""Programs people read feeds with: each gets every entry over HTTP, and shows none of them twice."""

import json
import mailbox
import os
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from email import policy
from email.parser import BytesParser
from pathlib import Path
from typing import NamedTuple, Protocol

import pytest
from aiohttp import web

from aggregator import serve
from tests import webservers
from tests.publishing import Newsroom

pytestmark = [pytest.mark.slow, pytest.mark.timeout(120)]

ENTRIES = 12


class Shown(NamedTuple):
    """An entry as a program shows it."""

    title: str
    told: str  # everything else that it says of it
    comments: int | None = None  # where it can tell


class Program(Protocol):
    """A feed reader with a folder of its own."""

    unconditional: int  # polls, before the first that can be answered 304

    def look(self) -> list[Shown]:
        """Poll, and return what is shown as new."""


class Newsboat:
    """The terminal reader, told to show as unread again whatever changed; everything is read after each look.

    It keeps validators from its second poll on (its issue 2734).
    """

    unconditional = 2

    def __init__(self, folder: Path, url: str) -> None:
        self.folder = folder
        (folder / "urls").write_text(url)
        (folder / "config").write_text(f'reset-unread-on-update "{url}"\nmax-items 0\n')

    def look(self) -> list[Shown]:
        _run(self.folder, "newsboat", "-u", "urls", "-C", "config", "-c", "cache.db", "-x", "reload")
        db = sqlite3.connect(self.folder / "cache.db")
        rows = db.execute("SELECT title, enclosure_url FROM rss_item WHERE unread = 1").fetchall()
        db.execute("UPDATE rss_item SET unread = 0")
        db.commit()
        db.close()
        return [Shown(title, told) for title, told in rows]


class Sfeed:
    """The shell's feed reader, with the fetch that its README gives for conditional requests."""

    unconditional = 1

    def __init__(self, folder: Path, url: str) -> None:
        self.folder, self.seen = folder, set[str]()
        (folder / "etags").mkdir()
        (folder / "sfeedrc").write_text(f"""
sfeedpath="{folder}/feeds"
fetch() {{
  etag="{folder}/etags/$(basename "$3")"
  curl -L --max-redirs 0 -H "User-Agent:" -f -s -m 15 --compressed \\
    --etag-save "$etag" --etag-compare "$etag" -z "$etag" "$2" 2>/dev/null
}}
feeds() {{
  feed "ours" "{url}"
}}
""")

    def look(self) -> list[Shown]:
        _run(self.folder, "sfeed_update", "sfeedrc")
        lines = (self.folder / "feeds" / "ours").read_text().splitlines()
        fresh = [line for line in lines if line not in self.seen]
        self.seen |= set(lines)
        return [Shown(line.split("\t")[1], line) for line in fresh]


class Rss2email:
    """The reader that sends mails, here into a folder."""

    unconditional = 1

    def __init__(self, folder: Path, url: str) -> None:
        self.folder = folder
        (folder / "config").write_text(f"""[DEFAULT]
to = reader@example.com
from = feeds@example.com
email-protocol = maildir
maildir-path = {folder}/mail
maildir-mailbox = INBOX
html-mail = True
""")
        (folder / "mail").mkdir()
        self.box = mailbox.Maildir(folder / "mail" / "INBOX")
        self._do("add", "ours", url)

    def look(self) -> list[Shown]:
        self._do("run")
        mails = [BytesParser(policy=policy.default).parsebytes(mail.as_bytes()) for mail in self.box]
        self.box.clear()
        return [Shown(mail["Subject"], mail.get_body().get_content()) for mail in mails]

    def _do(self, *command: str) -> None:
        _run(self.folder, "r2e", "-c", "config", "-d", "seen.json", *command)


_READER = """
import json, sys
from reader import make_reader
with make_reader("store.sqlite") as reader:
    reader.add_feed(sys.argv[1], exist_ok=True)
    found = reader.update_feed(sys.argv[1])
    fresh = (found.new + found.modified) if found else 0
    entries = list(reader.get_entries(read=False))
    for entry in entries:
        reader.mark_entry_as_read(entry)
    assert fresh == len(entries), found
    print(json.dumps([[e.title, repr(e), None] for e in entries]))
"""
_FEEDPARSER = """
import json, pathlib, sys
import feedparser
state = pathlib.Path("state.json")
etag, modified, seen = json.loads(state.read_text()) if state.exists() else (None, None, {})
found = feedparser.parse(sys.argv[1], etag=etag, modified=modified)
assert not found.bozo, found.bozo_exception
fresh = [e for e in found.entries if seen.get(e.id) != [e.updated, e.title]]
seen |= {e.id: [e.updated, e.title] for e in found.entries}
state.write_text(json.dumps([found.get("etag"), found.get("modified"), seen]))
comments = [e.get("thr_total", e.get("slash_comments")) for e in fresh]
print(json.dumps([[e.title, str(e), n and int(n)] for e, n in zip(fresh, comments)]))
"""


class Library:
    """A library for Python, in an interpreter of its own."""

    unconditional = 1
    code = ""

    def __init__(self, folder: Path, url: str) -> None:
        self.folder, self.url = folder, url

    def look(self) -> list[Shown]:
        said = _run(self.folder, sys.executable, "-W", "ignore", "-c", self.code, self.url)
        return [Shown(*fields) for fields in json.loads(said)]


class Reader(Library):
    """The library `reader`."""

    code = _READER


class Feedparser(Library):
    """The library feedparser; what it has seen is compared as most of its users do, by id, date and title."""

    code = _FEEDPARSER


PROGRAMS = {Newsboat: "newsboat", Sfeed: "sfeed_update", Rss2email: "r2e", Reader: "", Feedparser: ""}


def _run(folder: Path, *command: str) -> str:
    environment = {"HOME": str(folder), "PATH": f"{os.environ['PATH']}:/usr/bin:/bin", "LANG": "C.UTF-8"}
    done = subprocess.run(
        command, cwd=folder, env=environment, capture_output=True, text=True, check=False, timeout=60
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture
def room(tmp_path: Path) -> Newsroom:
    room = Newsroom(tmp_path)
    feed = room.feed()
    for number in range(ENTRIES):
        enclosure = {"url": f"https://alpha.example/{number}.mp3", "media_type": "audio/mpeg", "length": 3000}
        entry = room.entry(feed, str(number), age=number + 1, enclosures=json.dumps([enclosure]))
        room.translate(entry, title=f"半導体の記事{number}")
        room.count(entry, 40 + number, f"https://news.ycombinator.com/item?id={number}")
    room.publish()
    return room


@pytest.fixture
def answers(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, int]]:
    """Record what our server answers: paths and statuses."""
    said: list[tuple[str, int]] = []

    async def note(request: web.Request, response: web.StreamResponse) -> None:
        said.append((request.path, response.status))

    make = serve.application

    def noting(*given: object) -> web.Application:
        app = make(*given)
        app.on_response_prepare.append(note)
        return app

    monkeypatch.setattr(serve, "application", noting)
    return said


@pytest.fixture
def port(room: Newsroom, answers: list[tuple[str, int]]) -> Iterator[int]:
    with webservers.ours(room.config.output) as port:
        yield port


@pytest.mark.parametrize("name", ["atom.xml", "rss.xml"])
@pytest.mark.parametrize("kind", PROGRAMS)
def test_every_entry_is_read_once_and_a_count_is_no_news(
    kind: type[Program], name: str, room: Newsroom, port: int, answers: list[tuple[str, int]], tmp_path: Path
):
    if PROGRAMS[kind] and not shutil.which(PROGRAMS[kind]):
        pytest.skip(f"{PROGRAMS[kind]} is not installed")
    folder = tmp_path / "program"
    folder.mkdir()
    program = kind(folder, f"http://127.0.0.1:{port}/{name}")

    first = sorted(program.look())
    assert [shown.title for shown in first] == sorted(f"半導体の記事{n}" for n in range(ENTRIES))
    for shown in first:
        number = shown.title.removeprefix("半導体の記事")
        assert f"https://alpha.example/{number}.mp3" in shown.told
        assert shown.comments in {None, 40 + int(number)}
    assert kind is not Feedparser or all(shown.comments for shown in first)

    assert [program.look() for _ in range(program.unconditional)] == [[]] * program.unconditional
    assert answers == [*([(f"/{name}", 200)] * program.unconditional), (f"/{name}", 304)]

    for entry in range(1, ENTRIES + 1):
        room.count(entry, 900 + entry, f"https://news.ycombinator.com/item?id={entry}")
    room.publish(hours=1)
    assert program.look() == []
    assert answers[-2:] == [(f"/{name}", 304), (f"/{name}", 200)]
