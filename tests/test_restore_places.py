"""A backup put back where another program has the store open, or where the store is a link to a file."""

import os
import sqlite3
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from aggregator.backup import making, restoring
from aggregator.errors import StoreLocked
from aggregator.lock import instance_lock
from tests.publishing import Newsroom


@pytest.fixture
def newsroom(tmp_path: Path) -> Newsroom:
    room = Newsroom(tmp_path, opml=tmp_path / "feeds.opml")
    room.config.opml.write_text('<opml version="2.0"><body/></opml>')
    room.translate(room.entry(room.feed(), "0"))
    room.publish()
    return room


def test_where_another_program_has_the_store_open_nothing_is_put_back(newsroom: Newsroom):
    backup = making.make(newsroom.config, newsroom.now).path
    newer = '<opml version="2.0"><body><!-- newer --></body></opml>'
    newsroom.config.opml.write_text(newer)
    newsroom.db.close()
    with closing(sqlite3.connect(newsroom.config.store)) as other:
        other.execute("SELECT count(*) FROM entries").fetchone()
        with pytest.raises(StoreLocked):
            restoring.restore(newsroom.config, backup, newsroom.now)
    assert newsroom.config.opml.read_text() == newer
    restoring.restore(newsroom.config, backup, newsroom.now)
    assert newsroom.config.opml.read_text() != newer


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give files away")
@pytest.mark.parametrize("there", ["sound", "damaged", "lost"])
def test_what_root_puts_back_belongs_to_whoever_had_it(newsroom: Newsroom, tmp_path: Path, there: str):
    backup = making.make(newsroom.config, newsroom.now, path=tmp_path / "elsewhere.tar.zst").path
    newsroom.db.close()
    config = replace(newsroom.config, backups=tmp_path / "aside" / "backups")
    if there == "damaged":
        config.store.write_bytes(b"torn" * 2000)
    if there == "lost":
        config.store.unlink()
        config.opml.unlink()
    for path in (tmp_path, *tmp_path.rglob("*")):
        os.chown(path, 4321, 4322)
    with instance_lock(config.store, "aggregator restore"):
        restoring.restore(config, backup, newsroom.now)
    owners = {path: (path.stat().st_uid, path.stat().st_gid) for path in tmp_path.rglob("*")}
    assert {config.store, config.opml, config.store.with_name("store.sqlite.lock")} <= owners.keys()
    assert there == "lost" or list(config.backups_folder.iterdir())
    assert set(owners.values()) == {(4321, 4322)}


def test_a_damaged_store_is_said_once_to_be_set_aside(newsroom: Newsroom, caplog: pytest.LogCaptureFixture):
    backup = making.make(newsroom.config, newsroom.now).path
    newsroom.db.close()
    newsroom.config.store.write_bytes(b"torn" * 2000)
    restoring.restore(newsroom.config, backup, newsroom.now)
    assert [line.split()[0] for line in caplog.messages].count("store_set_aside") == 1


def test_where_a_link_leads_to_a_store_that_is_lost_nothing_of_it_stays_beside_the_one_put_back(
    newsroom: Newsroom,
):
    store, backup = newsroom.config.store, making.make(newsroom.config, newsroom.now).path
    newsroom.db.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
    newsroom.db.execute("UPDATE feeds SET title = 'newer'")
    newsroom.db.conn.commit()
    log = store.with_name("real.sqlite-wal")
    log.write_bytes(store.with_name(f"{store.name}-wal").read_bytes())
    newsroom.db.close()
    store.unlink()
    store.symlink_to(store.with_name("real.sqlite"))
    restoring.restore(newsroom.config, backup, newsroom.now)
    assert store.is_symlink()
    assert not log.exists()  # SQLite would take it for the log of the store that is there now
    with closing(sqlite3.connect(store)) as db:
        assert db.execute("SELECT title FROM feeds").fetchone() != ("newer",)
