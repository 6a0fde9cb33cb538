"""Backups: one file that holds all of it, is whole or not there, and can be told from a broken one."""

import json
import re
import shutil
import sqlite3
import stat
import subprocess
import threading
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from aggregator.backup import bundle, checking, making, settings
from aggregator.backup.stage import STAGE, summary
from aggregator.config import load
from aggregator.errors import StoreError
from aggregator.executors import open_workers
from aggregator.pipeline import run_stage
from aggregator.session import Session
from aggregator.stages import care
from aggregator.store import backups
from tests.publishing import NOON, Newsroom


@pytest.fixture
def newsroom(tmp_path: Path) -> Newsroom:
    (tmp_path / "own").mkdir()
    room = Newsroom(tmp_path / "own", opml=tmp_path / "own/feeds.opml", filters=tmp_path / "own/filters.toml")
    room.config.opml.write_text('<opml version="2.0"><body/></opml>')
    room.config.filters.write_text('mute = ["crypto"]\n')
    feed = room.feed()
    for number in range(5):
        room.translate(room.entry(feed, str(number)))
    room.publish()
    return room


def made(room: Newsroom, kind: str = making.MANUAL, **later: float) -> Path:
    return making.make(room.config, room.now + timedelta(**later), kind).path


def test_a_backup_holds_store_list_rules_settings_and_what_they_are(newsroom: Newsroom, tmp_path: Path):
    newsroom.settings(max_entries=50)
    path = made(newsroom)
    manifest = bundle.unpack(path, tmp_path)
    names = ["store.sqlite", "feeds.opml", "filters.toml", "settings.toml"]
    assert [member.name for member in manifest.members] == names
    assert (manifest.kind, manifest.at, manifest.rows["entries"], manifest.rows["publications"]) == (
        "manual", "2026-11-24T03:00:00Z", 5, 5,
    )  # fmt: skip
    assert "max_entries = 50" in (tmp_path / "settings.toml").read_text()
    assert (tmp_path / "filters.toml").read_text() == 'mute = ["crypto"]\n'
    assert sqlite3.connect(tmp_path / "store.sqlite").execute("PRAGMA integrity_check").fetchone() == ("ok",)


def test_a_backup_is_read_by_its_owner_alone_and_leaves_nothing_beside_it(newsroom: Newsroom):
    path = made(newsroom)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert [each.name for each in path.parent.iterdir()] == ["20261124T030000Z-manual.tar.zst"]


@pytest.mark.skipif(not shutil.which("zstd"), reason="tar unpacks it with the program zstd")
def test_tar_opens_a_backup_without_this_program(newsroom: Newsroom):
    done = subprocess.run(
        ["tar", "--zstd", "-tf", made(newsroom)], capture_output=True, text=True, check=True
    )
    assert done.stdout.split()[:2] == ["manifest.json", "store.sqlite"]


def test_a_backup_made_while_another_process_writes_holds_one_moment(newsroom: Newsroom, tmp_path: Path):
    """Two rows of one transaction are both in it, or neither."""
    ended = threading.Event()

    def write() -> None:
        db = sqlite3.connect(newsroom.config.store)
        number = 0
        while not ended.is_set():
            number += 1
            with db:
                for key in ("one", "two"):
                    db.execute("INSERT OR REPLACE INTO meta VALUES (?, ?)", [key, str(number)])
        db.close()

    writer = threading.Thread(target=write)
    writer.start()
    try:
        for minute in range(5):
            (folder := tmp_path / str(minute)).mkdir()
            bundle.unpack(made(newsroom, minutes=minute), folder)
            db = sqlite3.connect(folder / "store.sqlite")
            values = db.execute("SELECT value FROM meta WHERE key IN ('one', 'two')").fetchall()
            assert len(values) in {0, 2}
            assert len(set(values)) <= 1
            db.close()
    finally:
        ended.set()
        writer.join()


@pytest.mark.parametrize("place", [0.0, 0.3, 0.6, 0.95])
def test_a_backup_of_which_a_byte_changed_is_refused(newsroom: Newsroom, tmp_path: Path, place: float):
    path = made(newsroom)
    data = bytearray(path.read_bytes())
    data[int(len(data) * place)] ^= 0x5A
    path.write_bytes(data)
    with pytest.raises(StoreError, match=path.name):
        checking.verify(path, tmp_path)


@pytest.mark.parametrize("left", [0, 10, 0.5, 0.99])
def test_a_backup_that_was_cut_off_is_refused(newsroom: Newsroom, tmp_path: Path, left: float):
    path = made(newsroom)
    data = path.read_bytes()
    path.write_bytes(data[: left if isinstance(left, int) else int(len(data) * left)])
    with pytest.raises(StoreError, match=path.name):
        checking.verify(path, tmp_path)


def test_a_store_that_lost_rows_without_being_damaged_is_no_good_backup(newsroom: Newsroom, tmp_path: Path):
    path = made(newsroom)
    manifest = bundle.unpack(path, tmp_path)
    members = {member.name: tmp_path / member.name for member in manifest.members}
    db = sqlite3.connect(members["store.sqlite"])
    db.execute("DELETE FROM translations WHERE entry_id = 1")
    db.commit()
    db.close()
    bundle.write(path, manifest, members)
    with pytest.raises(StoreError, match="were copied"):
        checking.verify(path, tmp_path / "work")


def test_of_a_damaged_store_no_backup_is_made_and_older_ones_stay(newsroom: Newsroom):
    newsroom.settings(backup_keep=1)
    good = made(newsroom, making.DAILY)
    newsroom.db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    newsroom.db.close()
    with newsroom.config.store.open("r+b") as store:
        store.seek(4096 * 3)
        store.write(b"\xff" * 4096 * 20)
    with pytest.raises(StoreError, match=r"damaged|malformed"):
        made(newsroom, making.DAILY, days=1)
    assert making.newest(newsroom.config, newsroom.now) == good


def test_no_backup_is_begun_where_the_disk_is_short(newsroom: Newsroom, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(making.resources, "free_disk", lambda _: 100_000_000)
    with pytest.raises(StoreError, match=r"needs 20. MB free, 100 are"):
        made(newsroom)
    assert not newsroom.config.backups_folder.exists()


def test_what_a_kill_left_of_a_backup_goes_with_the_next_and_what_another_makes_stays(newsroom: Newsroom):
    home = newsroom.config.backups_folder
    left = home / ".aggregator-left"
    left.mkdir(parents=True)
    (left / "store.sqlite-journal").write_text("half a copy")
    with making.staged(home) as another:
        path = made(newsroom)
        assert another.exists()
    assert list(home.iterdir()) == [path]


def test_of_each_kind_the_newest_are_kept_and_all_that_were_asked_for(newsroom: Newsroom):
    newsroom.settings(backup_keep=2)
    for day in range(4):
        for kind in (making.DAILY, making.MIGRATION, making.MANUAL):
            made(newsroom, kind, days=day)
    names = sorted(path.name for path in newsroom.config.backups_folder.iterdir())
    kinds = [(name[:8], re.sub(r"-\d+", "", name[16:]).removesuffix(".tar.zst")) for name in names]
    assert kinds == [
        ("20261124", "-manual"), ("20261125", "-manual"), ("20261126", "-before-migration"),
        ("20261126", "-daily"), ("20261126", "-manual"), ("20261127", "-before-migration"),
        ("20261127", "-daily"), ("20261127", "-manual"),
    ]  # fmt: skip


def test_backups_that_a_clock_that_was_ahead_dated_go_before_those_of_today(newsroom: Newsroom):
    newsroom.settings(backup_keep=2)
    for ahead in (400, 401):
        made(newsroom, "daily", days=ahead)
    today = [made(newsroom, "daily", hours=hours) for hours in (0, 1, 2)]
    assert [path for path, _ in making.there(newsroom.config)] == today[:0:-1]


def test_the_newest_is_none_that_a_clock_that_was_ahead_dated_where_there_is_another(newsroom: Newsroom):
    ahead, now = made(newsroom, "daily", days=400), newsroom.now
    assert making.newest(newsroom.config, now) == ahead
    made(newsroom, "daily", days=-1)
    last = made(newsroom, "daily", minutes=30)
    assert making.newest(newsroom.config, now) == last


def test_settings_are_read_back_as_they_were_without_places_and_secrets(tmp_path: Path):
    extra = {"max_entries": "50", "hold_time": "90m", "digest_at": "off", "morning_at": "05:45", "contact": 'Ä "x"',
             "engine": "deepl,firefox", "openai_url": "http://me:secret@127.0.0.1/v1", "search": "off",
             "counts_via": "http://127.0.0.1/?key=1", "output": "/srv/news"}  # fmt: skip
    config = load(None, {}, extra)
    file = tmp_path / "aggregator.toml"
    file.write_bytes(settings.written(config))
    assert "secret" not in file.read_text().replace("may hold a secret", "")
    kept = replace(config, openai_url="", counts_via="", output=load(None, {}).output)
    assert load(file, {}) == kept


def day_of(room: Newsroom, **later: float) -> backups.State:
    room.now += timedelta(**later)
    report = run_stage(STAGE, room.db, room.config, open_workers("inline:"), lambda: room.now)
    assert report.crashes == 0
    return backups.state(room.db)


def test_a_new_store_has_its_first_backup_a_day_later_and_one_each_day(newsroom: Newsroom):
    assert day_of(newsroom).path == ""
    assert day_of(newsroom, hours=11).path == ""
    first = day_of(newsroom, hours=2)  # past midnight in Tokyo
    assert first.path.endswith("20261124T160000Z-daily.tar.zst")
    assert first.tried == first.path
    assert day_of(newsroom, hours=3).path == first.path
    assert day_of(newsroom, days=1).path != first.path
    assert len([*newsroom.config.backups_folder.iterdir()]) == 2
    assert summary(newsroom.db, newsroom.config).endswith("MB; restored to try it 2026-11-24: good")


def test_a_backup_is_tried_monthly_and_again_the_next_day_where_that_failed(newsroom: Newsroom):
    day_of(newsroom)
    tried = day_of(newsroom, days=1).tried_at
    assert day_of(newsroom, days=29).tried_at == tried
    newsroom.settings(backup_keep=0)
    day_of(newsroom, hours=20)
    newsroom.settings(backup_keep=7)
    known = backups.state(newsroom.db)
    Path(known.path).write_bytes(b"torn")
    backups.note(newsroom.db, replace(known, day="2026-12-26"))
    newsroom.db.conn.commit()
    newsroom.now = NOON.replace(year=2026, month=12, day=26)
    failed = day_of(newsroom)
    assert "is no backup, or a damaged one" in failed.trial_failure
    assert "TRIAL FAILED 2026-12-26" in summary(newsroom.db, newsroom.config)
    assert day_of(newsroom, days=1).trial_failure == ""  # the new day's backup is good


def test_a_trial_that_a_clock_that_was_ahead_dated_puts_no_other_off_for_years(newsroom: Newsroom):
    ahead = backups.State(day="2026-11-24", made_at="2026-11-24T03:00:00Z", tried_at="2036-01-01T00:00:00Z")
    backups.note(newsroom.db, ahead)
    made(newsroom)
    assert STAGE.backlog(newsroom.db, newsroom.config, newsroom.now) == 1


def test_a_backup_that_fails_is_said_and_tried_again_tomorrow(
    newsroom: Newsroom, monkeypatch: pytest.MonkeyPatch
):
    day_of(newsroom)
    with monkeypatch.context() as patch:
        patch.setattr(making.resources, "free_disk", lambda _: 0)
        assert "MB free, 0 are" in day_of(newsroom, days=1).failure
        assert "NOT MADE" in summary(newsroom.db, newsroom.config)
    assert day_of(newsroom).path == ""
    assert day_of(newsroom, days=1).failure == ""


def test_a_clock_that_was_never_set_makes_no_backup_and_takes_none_away(newsroom: Newsroom):
    day_of(newsroom)
    newsroom.settings(backup_keep=1)
    path, right = made(newsroom, making.DAILY, days=1), newsroom.now
    newsroom.now = NOON.replace(year=1970)
    assert day_of(newsroom).path == ""
    assert path.exists()
    newsroom.now = right
    assert day_of(newsroom, days=2).path


def test_no_backup_is_made_by_itself_where_none_is_kept(newsroom: Newsroom):
    newsroom.settings(backup_keep=0)
    day_of(newsroom)
    assert day_of(newsroom, days=3) == backups.State()


def test_a_command_is_told_of_each_backup(newsroom: Newsroom, tmp_path: Path):
    told = tmp_path / "told"
    newsroom.settings(after_backup=f"sh -c 'cat >> {told}'", engine="none")
    for _ in range(4):
        session = Session(db=newsroom.db, config=newsroom.config, clock=lambda: newsroom.now)
        care(session)
        session.end_hooks()
        session.close()
        newsroom.now += timedelta(days=1)
    assert told.read_text().split() == [f"202611{day}T030000Z-daily.tar.zst" for day in (25, 26, 27)]


def test_the_command_makes_lists_and_verifies(aggregator, environment, tmp_path: Path):
    Path(environment["AGGREGATOR_OPML"]).write_text('<opml version="2.0"><body/></opml>')
    assert aggregator("backup").returncode == 4
    assert aggregator("once").returncode == 0
    done = aggregator("backup")
    assert done.returncode == 0, done.stderr
    assert "20261124T060000Z-manual.tar.zst: 0 entries" in done.stdout
    own = tmp_path / "elsewhere" / "mine.tar.zst"
    assert aggregator("backup", str(own)).returncode == 0
    listed = json.loads(aggregator("backup", "--list", "--json").stdout)
    assert [(row["kind"], row["entries"]) for row in listed] == [("manual", 0)]
    assert (
        "mine.tar.zst: good; 0 entries as of 2026-11-24T06:00:00Z"
        in aggregator("backup", "--verify", str(own)).stdout
    )
    own.write_bytes(own.read_bytes()[:-9])
    broken = aggregator("backup", "--verify", str(own))
    assert (broken.returncode, broken.stderr.count("\n")) == (4, 1)
