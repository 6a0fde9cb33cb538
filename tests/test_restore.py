"""A backup put back: what readers have stays as they have it, whatever is killed, broken or missing."""

import os
import random
import re
import signal
import sqlite3
import subprocess
import sys
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from aggregator import takedown
from aggregator.backup import bundle, making, restoring
from aggregator.deny_list import Denial
from aggregator.errors import StoreError, StoreTooNew
from aggregator.store import open_store, publications
from aggregator.store.carrying import Carried
from tests.chatserver import ChatServer
from tests.feedreader import NOTHING, Reader
from tests.feedserver import FeedServer
from tests.publishing import Newsroom
from tests.translating import Desk, item, rss, translated


@pytest.fixture
def newsroom(tmp_path: Path) -> Newsroom:
    (tmp_path / "own").mkdir()
    room = Newsroom(tmp_path / "own", opml=tmp_path / "own/feeds.opml", filters=tmp_path / "own/filters.toml")
    room.config.opml.write_text('<opml version="2.0"><body/></opml>')
    room.alpha = room.feed()
    for number in range(5):
        room.translate(room.entry(room.alpha, str(number)))
    room.waiting = room.entry(room.alpha, "waiting")
    room.publish()
    return room


def a_day_later(room: Newsroom) -> Path:
    """Make a backup, then let come a new feed, new entries, a translation that was waited for."""
    backup = making.make(room.config, room.now).path
    room.now += timedelta(days=1)
    beta = room.feed("beta")
    for number in range(5, 9):
        room.translate(room.entry(beta if number % 2 else room.alpha, str(number)))
    room.translate(room.waiting, title="待っていた見出し")
    room.publish()
    return backup


def restored(room: Newsroom, backup: Path, **later: float) -> restoring.Restored:
    room.db.close()
    try:
        return restoring.restore(room.config, backup, room.now + timedelta(**later))
    finally:
        room.db = open_store(room.config.store)


def test_yesterdays_store_publishes_what_readers_have_byte_for_byte(newsroom: Newsroom):
    backup = a_day_later(newsroom)
    rows, outputs, touched = newsroom.rows(), newsroom.outputs(), newsroom.touched()
    done = restored(newsroom, backup, minutes=5)
    assert (done.carried.entries, done.carried.stories) == (4, 5)
    assert newsroom.rows() == rows
    newsroom.publish(hours=1)
    assert newsroom.outputs() == outputs
    assert newsroom.touched() == touched  # nothing was written again
    assert newsroom.db.execute("PRAGMA foreign_key_check").fetchall() == []
    assert newsroom.db.execute("PRAGMA journal_mode").fetchone() == ("wal",)


def test_what_was_there_is_a_backup_that_can_be_put_back_in_turn(newsroom: Newsroom):
    newsroom.config.filters.write_text('mute = ["one"]\n')
    backup = a_day_later(newsroom)
    newsroom.config.filters.write_text('mute = ["two"]\n')
    newsroom.db.execute("UPDATE translations SET summary = 'another' WHERE entry_id = 1")
    newsroom.db.conn.commit()
    done = restored(newsroom, backup)
    assert newsroom.config.filters.read_text() == 'mute = ["one"]\n'
    summary = "SELECT summary FROM translations WHERE entry_id = 1"
    assert newsroom.db.execute(summary).fetchone() != ("another",)
    restored(newsroom, done.kept, minutes=1)
    assert newsroom.config.filters.read_text() == 'mute = ["two"]\n'
    assert newsroom.db.execute(summary).fetchone() == ("another",)


def test_triggers_are_there_again_and_what_is_made_of_rows_fits_them(newsroom: Newsroom):
    schema = "SELECT name, sql FROM sqlite_master WHERE type = 'trigger' ORDER BY name"
    backup = a_day_later(newsroom)
    made = ("SELECT listed_url, published, newest_published_at FROM feeds", "SELECT * FROM promotable",
            "SELECT public_id FROM searchable ORDER BY 1", "SELECT * FROM days", schema)  # fmt: skip
    before = [newsroom.db.execute(sql).fetchall() for sql in made]
    restored(newsroom, backup)
    newsroom.publish(hours=1)
    assert [newsroom.db.execute(sql).fetchall() for sql in made] == before


def test_hosts_hubs_and_budgets_are_as_they_are_now(newsroom: Newsroom):
    """Whoever asked to be left alone, and what a service was paid, is not forgotten with the day."""
    backup = a_day_later(newsroom)
    newsroom.db.execute(
        "INSERT INTO hosts (domain, retry_after_at) VALUES ('alpha.example', '2026-12-01T00:00:00Z')"
    )
    newsroom.db.execute(
        "INSERT INTO engine_usage (engine, month, characters) VALUES ('deepl', '2026-11', 400000)"
    )
    newsroom.db.execute("UPDATE feeds SET retry_after_at = '2026-11-30T00:00:00Z' WHERE feed_id = 1")
    newsroom.db.conn.commit()
    restored(newsroom, backup)
    assert newsroom.db.execute("SELECT retry_after_at FROM hosts").fetchall() == [("2026-12-01T00:00:00Z",)]
    assert newsroom.db.execute("SELECT characters FROM engine_usage").fetchall() == [(400000,)]
    assert newsroom.db.execute("SELECT retry_after_at FROM feeds WHERE feed_id = 1").fetchone() == (
        "2026-11-30T00:00:00Z",
    )


def test_a_story_that_went_into_another_one_since_is_no_story_of_its_own_again(newsroom: Newsroom):
    backup = making.make(newsroom.config, newsroom.now).path
    with newsroom.db.atomic():
        story = newsroom.db.execute(
            "SELECT story_id FROM entries WHERE entry_id = ?", [newsroom.waiting]
        ).fetchone()
        newsroom.db.execute("DELETE FROM publications WHERE story_id = ?", story)
        newsroom.db.execute("UPDATE entries SET story_id = 1 WHERE entry_id = ?", [newsroom.waiting])
    restored(newsroom, backup)
    newsroom.translate(newsroom.waiting)
    newsroom.publish(hours=24)
    assert len(newsroom.rows()) == 5


def test_what_was_taken_down_since_stays_so_and_a_feed_that_was_is_not_listed_again(newsroom: Newsroom):
    outline = '<outline type="rss" text="Alpha" xmlUrl="https://gamma.example/feed"/>'
    newsroom.config.opml.write_text(f'<opml version="2.0"><body>{outline}</body></opml>')
    gamma = newsroom.feed("gamma")
    newsroom.translate(newsroom.entry(gamma, "secret", title="Unmistakable"), title="見出しの秘密")
    newsroom.publish()
    backup = a_day_later(newsroom)
    takedown.deny(newsroom.config, Denial(
        target="gamma", denied_at=newsroom.now, reason="asked", feeds=("https://gamma.example/feed",)
    ))  # fmt: skip
    for _ in range(2):
        restored(newsroom, backup)
        assert "gamma.example" not in newsroom.config.opml.read_text()
        newsroom.db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        data = newsroom.config.store.read_bytes()
        assert [word for word in ("Unmistakable", "見出しの秘密") if word.encode() in data] == []
        newsroom.publish()
        assert [name for name, body in newsroom.outputs().items() if "見出しの秘密".encode() in body] == []
        newsroom.now += timedelta(hours=1)


def test_a_row_without_the_one_it_belongs_to_keeps_no_backup_from_being_put_back(newsroom: Newsroom):
    newsroom.db.execute("PRAGMA foreign_keys = OFF")
    newsroom.db.execute(
        "INSERT INTO comment_counts (entry_id, source, count, counted_at) VALUES (999, 'feed', 1, '')"
    )
    newsroom.db.conn.commit()
    newsroom.db.execute("PRAGMA foreign_keys = ON")
    backup = a_day_later(newsroom)
    outputs = newsroom.outputs()
    assert restored(newsroom, backup).carried == Carried(entries=4, stories=5)
    newsroom.publish()
    assert newsroom.outputs() == outputs


def test_onto_another_machines_store_a_backup_is_put_as_it_is(newsroom: Newsroom, tmp_path: Path):
    backup = a_day_later(newsroom)
    (tmp_path / "other").mkdir()
    other = Newsroom(tmp_path / "other", opml=tmp_path / "other/feeds.opml")
    feed = other.feed("gamma")
    other.feed("delta")
    for number in range(9):
        other.translate(other.entry(feed if number else 2, f"other {number}"))
    other.publish()
    done = restored(other, backup)
    assert (done.carried, done.recalled) == (Carried(), 0)
    assert len(other.rows()) == 6
    assert done.kept.exists()


def test_where_nothing_is_a_backup_brings_all_of_it(newsroom: Newsroom, tmp_path: Path):
    newsroom.settings(max_entries=50)
    backup = a_day_later(newsroom)
    home = tmp_path / "new"
    config = replace(
        newsroom.config, store=home / "store.sqlite", opml=home / "feeds.opml", output=home / "output"
    )
    done = restoring.restore(config, backup, newsroom.now, home / "aggregator.toml")
    assert (done.kept, done.settings) == (None, ())
    assert "max_entries = 50" in (home / "aggregator.toml").read_text()
    assert config.opml.read_bytes() == newsroom.config.opml.read_bytes()
    db = open_store(config.store)
    assert db.execute("SELECT count(*) FROM publications").fetchone() == (6,)
    db.close()


def test_settings_that_are_there_stay_and_what_was_another_one_is_said(newsroom: Newsroom, tmp_path: Path):
    newsroom.settings(max_entries=50)
    backup = a_day_later(newsroom)
    newsroom.settings(max_entries=80)
    (tmp_path / "aggregator.toml").write_text("max_entries = 80\n")
    newsroom.db.close()
    done = restoring.restore(newsroom.config, backup, newsroom.now, tmp_path / "aggregator.toml")
    assert done.settings == ("max_entries = 50",)
    assert (tmp_path / "aggregator.toml").read_text() == "max_entries = 80\n"


def test_a_backup_of_a_newer_version_is_refused_by_name(newsroom: Newsroom, tmp_path: Path):
    backup = a_day_later(newsroom)
    manifest = bundle.unpack(backup, tmp_path)
    newer = replace(manifest, migration="from_tomorrow", version="9.1")
    bundle.write(backup, newer, {member.name: tmp_path / member.name for member in manifest.members})
    with pytest.raises(StoreTooNew, match=r"made by version 9\.1"):
        restored(newsroom, backup)


def test_a_damaged_backup_changes_nothing(newsroom: Newsroom):
    backup = a_day_later(newsroom)
    rows = newsroom.rows()
    backup.write_bytes(backup.read_bytes()[:-20])
    with pytest.raises(StoreError, match=backup.name):
        restored(newsroom, backup)
    assert newsroom.rows() == rows
    assert [path.name for path in newsroom.config.store.parent.glob(".aggregator-*")] == []


def story(number: int) -> str:
    return item(number, f"Editor {number} opens files at once")


@pytest.fixture
def desk(tmp_path: Path):
    with FeedServer() as feeds, ChatServer(_translated) as chat:
        feeds.serve("/feed", body=rss(*map(story, range(1, 4))))
        yield Desk(tmp_path, feeds, engine="openai", openai_url=chat.url, extract="feed")


def _translated(segment: str) -> str:
    number = next((part for part in segment.split() if part.isdigit()), None)
    return f"エディター{number}はファイルを同時に開く" if number else translated(segment)


def test_what_is_polled_again_is_shown_to_no_reader_again(desk: Desk):
    """Yesterday's store, and sources that list some of what came since, not all of it, and more."""
    desk.round()
    reader = Reader(desk.config.output)
    assert reader.look()["new"] == 9
    backup = making.make(desk.config, desk.now).path
    for latest in (5, 7):
        desk.feeds.serve("/feed", body=rss(*map(story, range(latest - 2, latest + 1))))
        desk.round(hours=5)
    assert reader.look() == {"new": 12, "changed": 0, "gone": 0}
    desk.db.close()
    restoring.restore(desk.config, backup, desk.now)
    desk.db = open_store(desk.config.store)
    desk.feeds.serve("/feed", body=rss(*map(story, range(6, 10))))
    desk.round(hours=5)
    assert reader.look() == {"new": 6, "changed": 0, "gone": 0}  # 8 and 9
    desk.round(hours=5)
    assert reader.look() == NOTHING
    assert desk.rows("count(*), count(DISTINCT guid)", "entries") == [(9, 9)]


def _lose(store: Path, how: str) -> None:
    if how == "lost":
        store.unlink()
    elif how == "empty":
        store.write_bytes(b"")
    else:
        with store.open("r+b") as file:
            file.seek(100 if how == "no header" else 4096 * 2)
            file.write(b"\xff" * 4096 * 30)


@pytest.mark.parametrize("how", ["lost", "empty", "damaged", "no header"])
def test_of_a_store_that_cannot_be_read_output_says_what_readers_have(desk: Desk, how: str):
    """Entries that came since the backup, of which sources list some still: none comes twice, none is lost."""
    desk.round()
    reader = Reader(desk.config.output)
    assert reader.look()["new"] == 9
    backup = making.make(desk.config, desk.now).path
    for latest in (5, 7):
        desk.feeds.serve("/feed", body=rss(*map(story, range(latest - 2, latest + 1))))
        desk.round(hours=5)
    assert reader.look() == {"new": 12, "changed": 0, "gone": 0}
    ids = {path.name for path in (desk.config.output / "entries").rglob("*.html")}
    frozen = desk.feeds_bytes()
    desk.db.close()
    for ending in ("-wal", "-shm"):
        desk.config.store.with_name(desk.config.store.name + ending).unlink(missing_ok=True)
    _lose(desk.config.store, how)
    done = restoring.restore(desk.config, backup, desk.now)
    assert (done.carried, done.recalled) == (None, 4)
    assert bool(done.kept) == (how != "lost")
    desk.db = open_store(desk.config.store)
    desk.feeds.serve("/feed", body=rss(*map(story, range(6, 8))))
    desk.round(hours=1)
    assert reader.look() == NOTHING
    assert _titles(desk.feeds_bytes()) == _titles(frozen)
    desk.feeds.serve("/feed", body=rss(*map(story, range(6, 10))))
    desk.round(hours=5)
    assert reader.look() == {"new": 6, "changed": 0, "gone": 0}  # 8 and 9
    desk.round(hours=5)
    assert reader.look() == NOTHING
    assert desk.rows("count(*), count(DISTINCT story_id)", "entries") == [(9, 9)]
    assert ids < {path.name for path in (desk.config.output / "entries").rglob("*.html")}
    assert "【未訳】" not in (desk.config.output / "index.html").read_text(encoding="utf-8")


@pytest.mark.parametrize("is_lost", [False, True])
def test_a_private_address_that_was_replaced_since_stays_replaced(newsroom: Newsroom, is_lost: bool):
    newsroom.settings(visibility="private")
    newsroom.publish()
    backup = making.make(newsroom.config, newsroom.now).path
    with newsroom.db.atomic():
        path = publications.private_path(newsroom.db, rotate=True)
    newsroom.publish(hours=1)
    outputs = newsroom.outputs()
    newsroom.db.close()
    if is_lost:
        newsroom.config.store.unlink()
    restored(newsroom, backup)
    assert publications.private_path(newsroom.db) == path
    newsroom.publish()
    assert newsroom.outputs() == outputs


def test_a_digest_that_output_alone_knows_is_none_again(newsroom: Newsroom):
    """Neither is it made again, nor changed; its page says what it said."""
    newsroom.settings(morning_at=None)
    for number in range(20, 32):
        newsroom.count(
            entry := newsroom.entry(newsroom.alpha, str(number)), number, f"https://a.example/?{number}"
        )
        newsroom.translate(entry, title=f"見出し{number} & <b>")
    newsroom.publish()
    backup = making.make(newsroom.config, newsroom.now).path
    newsroom.publish(hours=6.5)  # past 18:00
    assert newsroom.db.execute("SELECT kind FROM digests").fetchall() == [("daily",)]
    reader, pages = Reader(newsroom.config.output), newsroom.outputs()
    rows = "SELECT * FROM digest_entries ORDER BY position"
    kept = newsroom.db.execute(rows).fetchall()
    reader.look()
    newsroom.db.close()
    newsroom.config.store.unlink()
    restored(newsroom, backup)
    assert newsroom.db.execute(rows).fetchall() == kept
    newsroom.publish(hours=1)
    assert reader.look() == NOTHING
    [name] = (name for name in pages if name.startswith("digest/2026"))
    assert newsroom.outputs()[name] == pages[name]


def _titles(feeds: dict[str, bytes]) -> list[str]:
    return re.findall("<title>(.*?)</title>", feeds["atom.xml"].decode())


# Ends itself at the n-th change of a file's name, or at the n-th time that one is made safe on the disk.
_KILLED = """
import os, signal, sys
left = int(sys.argv.pop(1))
def counted(do):
    def counting(*given, **named):
        global left
        left -= 1
        if not left:
            os.kill(os.getpid(), signal.SIGKILL)
        return do(*given, **named)
    return counting
for name in ("replace", "rename", "unlink", "fsync"):
    setattr(os, name, counted(getattr(os, name)))
from aggregator.__main__ import main
main()
"""


def _restore_killed(newsroom: Newsroom, backup: Path, at: int) -> int:
    flags = [
        "--store",
        newsroom.config.store,
        "--opml",
        newsroom.config.opml,
        "--output",
        newsroom.config.output,
    ]
    command = [sys.executable, "-c", _KILLED, str(at), *map(str, flags), "restore", str(backup)]
    extra = {"AGGREGATOR_NOW": "2026-11-25T03:00:00Z", "AGGREGATOR_FILTERS": str(newsroom.config.filters)}
    done = subprocess.run(
        command, env=os.environ | extra, capture_output=True, cwd=newsroom.folder, check=False
    )
    assert done.returncode in {0, -signal.SIGKILL}, done.stderr
    return done.returncode


@pytest.mark.slow
def test_a_kill_at_any_step_leaves_the_old_store_or_the_new_one_whole(newsroom: Newsroom):
    """Which one is told by a row that only the present store has; after it the same command ends the work."""
    backup = a_day_later(newsroom)
    outputs = newsroom.outputs()
    (newsroom.folder / "aggregator.toml").write_text("")
    seen, ended, step = set(), False, random.Random(1).randint(1, 2)
    while not ended:
        newsroom.db.execute("INSERT OR REPLACE INTO meta VALUES ('mark', 'old')")
        newsroom.db.conn.commit()
        newsroom.db.close()
        ended = _restore_killed(newsroom, backup, step) == 0
        db = sqlite3.connect(newsroom.config.store)
        assert db.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        assert db.execute("SELECT count(*) FROM publications").fetchone() == (10,)
        mark = db.execute("SELECT value FROM meta WHERE key = 'mark'").fetchone()
        seen.add(mark)
        db.close()
        newsroom.db = open_store(newsroom.config.store)
        newsroom.publish(hours=1)
        assert newsroom.outputs() == outputs
        step += 2
    assert seen == {("old",), None}
    assert step > 10


def test_a_damaged_store_is_refused_with_the_command_that_brings_it_back(aggregator, environment, demo_feeds):
    store = Path(environment["AGGREGATOR_STORE"])
    assert aggregator("once").returncode == 0
    assert aggregator("backup").returncode == 0
    pages = set(Path(environment["AGGREGATOR_OUTPUT"]).rglob("*.html"))
    _lose(store, "damaged")
    store.with_name(f"{store.name}.lock").write_text("aggregator run (process 1)")  # killed, it left its name
    refused = aggregator("once")
    backup = store.parent / "backups" / "20261124T060000Z-manual.tar.zst"
    assert (refused.returncode, refused.stdout) == (4, "")
    assert f"aggregator restore {backup}" in refused.stderr
    done = aggregator("restore", str(backup))
    assert done.returncode == 0, done.stderr
    assert "what was there: " in done.stdout
    assert aggregator("once").returncode == 0
    assert set(Path(environment["AGGREGATOR_OUTPUT"]).rglob("*.html")) == pages
