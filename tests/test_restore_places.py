"""A backup put back where another program has the store open, or where the store is a link to a file."""

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from aggregator.backup import making, restoring
from aggregator.errors import StoreLocked
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
