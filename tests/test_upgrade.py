"""A store of an earlier version taken up by the service, and given back to that version: nothing comes twice."""

import contextlib
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path

import pytest
from sqlite_utils import Database

from aggregator.store import carrying, snapshot
from aggregator.store.schema import migrations
from tests.chatserver import ChatServer
from tests.feedreader import NOTHING, Reader
from tests.feedserver import FeedServer

pytestmark = [pytest.mark.slow, pytest.mark.timeout(240)]
# What the version before is here: a store as it was before this migration.
BEFORE = "runs_noted"
NAMES = ("Ada", "Brendan", "Guido", "Larry", "Bjarne", "Dennis", "Anders", "James", "Graydon", "Rob")


def feed(*numbers: int) -> bytes:
    now = datetime.now(UTC)
    items = "".join(
        f"<item><guid>{number}</guid><link>http://127.0.0.1/{number}</link>"
        f"<title>{NAMES[number]} presents a new compiler for scripts</title>"
        f"<pubDate>{format_datetime(now - timedelta(hours=20 - number))}</pubDate>"
        f"<description>The compiler by {NAMES[number]} is free for everyone.</description></item>"
        for number in sorted(numbers, reverse=True)
    )
    channel = f"<title>Wire</title><link>http://127.0.0.1/</link><language>en</language>{items}"
    return f'<?xml version="1.0"?><rss version="2.0"><channel>{channel}</channel></rss>'.encode()


def japanese(segment: str) -> str:
    name = next((name for name in NAMES if name in segment), "")
    said = "が新しいコンパイラーを発表" if "presents" in segment else "のコンパイラーは誰でも無料で使える。"
    return name + said


class Site:
    """A store, output/ and a reader of it; a feed that gets new entries."""

    def __init__(self, folder: Path, feeds: FeedServer, environment: dict[str, str]) -> None:
        self.folder, self.feeds, self.environment = folder, feeds, environment
        self.store = folder / "store.sqlite"
        self.reader = Reader(folder / "output")
        outline = f'<outline type="rss" text="Wire" xmlUrl="{feeds.url("/feed")}"/>'
        (folder / "feeds.opml").write_text(f'<opml version="2.0"><body>{outline}</body></opml>')

    def list(self, *numbers: int) -> None:
        self.feeds.serve("/feed", body=feed(*numbers))

    def do(self, *arguments: str) -> str:
        command = [sys.executable, "-m", "aggregator", *arguments]
        done = subprocess.run(
            command, env=self.environment, cwd=self.folder, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stderr
        return done.stdout + done.stderr

    @contextlib.contextmanager
    def service(self) -> Iterator[None]:
        with (self.folder / "log.txt").open("a") as log:
            running = subprocess.Popen(
                [sys.executable, "-m", "aggregator", "--verbose", "run", "--no-server"],
                env=self.environment, cwd=self.folder, stdout=log, stderr=log,
            )  # fmt: skip
            try:
                yield
            finally:
                running.send_signal(signal.SIGTERM)
                running.wait(60)
        assert running.returncode == 0, (self.folder / "log.txt").read_text()

    def published(self) -> int:
        with contextlib.closing(sqlite3.connect(self.store)) as db:
            sql = "SELECT count(*) FROM publications WHERE state = 'translated'"
            return int(db.execute(sql).fetchone()[0])

    def wait_for(self, entries: int) -> None:
        """Poll as a reader does until all of these are there."""
        deadline = time.monotonic() + 100
        while len(self.reader.known["atom.xml"]) < entries and time.monotonic() < deadline:
            time.sleep(0.2)
            found = self.reader.look()
            assert (found["changed"], found["gone"]) == (0, 0)
        assert self.reader.look() == NOTHING
        assert {len(shown) for shown in self.reader.known.values()} == {entries}

    def downgrade(self, before: str) -> None:
        """Write the store anew in the tables that it had before a migration, all polls due."""
        older = self.folder / "older.sqlite"
        db = Database(older)
        db.execute("PRAGMA journal_mode = WAL")
        migrations.apply(db, stop_before=before)
        db.close()
        carrying.carry(older, self.store)
        with contextlib.closing(sqlite3.connect(older)) as plain, plain:
            plain.execute("ATTACH ? AS present", [str(self.store)])
            plain.execute("INSERT OR REPLACE INTO meta SELECT * FROM present.meta")
            plain.execute("UPDATE feeds SET next_poll_at = '2026-01-01T00:00:00Z'")
        carrying.let_go(self.store)
        older.replace(self.store)


@pytest.fixture
def site(tmp_path: Path, environment: dict[str, str]) -> Iterator[Site]:
    with FeedServer() as feeds, ChatServer(japanese) as chat:
        extra = {
            "AGGREGATOR_ENGINE": "openai", "AGGREGATOR_OPENAI_URL": chat.url,
            "AGGREGATOR_OPENAI_MODEL": "stand-in", "AGGREGATOR_SCHEDULE_POLL": "1s",
            "AGGREGATOR_SCHEDULE_TRANSLATE": "1s", "AGGREGATOR_SCHEDULE_PUBLISH": "1s",
        }  # fmt: skip
        own = {name: value for name, value in environment.items() if name != "AGGREGATOR_NOW"}
        yield Site(tmp_path, feeds, own | extra)


def test_the_service_takes_up_an_earlier_store_and_a_rollback_gives_it_back(site: Site):
    site.list(0, 1, 2)
    site.do("once")
    assert site.reader.look()["new"] == 9
    site.downgrade(BEFORE)
    schema = snapshot.kind(site.store).schema

    site.list(1, 2, 3, 4)  # an upgrade, with news
    with site.service():
        site.wait_for(5)
    log = (site.folder / "log.txt").read_text()
    [backup] = (site.folder / "backups").iterdir()
    assert backup.name.endswith(f"-before-migration-{schema}.tar.zst")
    assert f"store_brought_to_this_version backup={backup}" in log
    assert snapshot.kind(site.store).schema == len(migrations._migrations)

    assert str(backup) in site.do("rollback", "--dry-run")
    assert "install version" in site.do("rollback")
    assert snapshot.kind(site.store).schema == schema
    assert site.published() == 5
    shutil.rmtree(site.folder / "backups")

    with (
        contextlib.closing(sqlite3.connect(site.store)) as db,
        db,
    ):  # the version before, as far as one is here
        db.execute("UPDATE feeds SET next_poll_at = '2026-01-01T00:00:00Z'")
    site.list(4, 5)
    with site.service():
        site.wait_for(6)
    assert site.published() == 6


def test_an_older_version_refuses_a_newer_store_by_the_version_that_wrote_it(site: Site):
    site.list(0)
    site.do("once")
    with contextlib.closing(sqlite3.connect(site.store)) as db, db:
        db.execute(
            "INSERT INTO _sqlite_migrations (migration_set, name) VALUES ('aggregator', 'of_tomorrow')"
        )
        db.execute("INSERT OR REPLACE INTO meta VALUES ('version', '9.1')")
    before = site.store.read_bytes()
    command = [sys.executable, "-m", "aggregator", "once"]
    done = subprocess.run(
        command, env=site.environment, cwd=site.folder, capture_output=True, text=True, check=False
    )
    assert done.returncode == 4
    assert "written by version 9.1" in done.stderr
    assert "aggregator rollback" in done.stderr
    assert site.store.read_bytes() == before
