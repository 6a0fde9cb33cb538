"""feeds.opml taken up: once as it is, and again by another version of the program."""

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from sqlite_utils import Database

from aggregator import session
from aggregator.config import Config
from aggregator.session import mirror, take_up_opml
from aggregator.store import feeds, open_store

NOW = datetime(2026, 11, 24, 6, 0, tzinfo=UTC)
LIST = b"""<opml version="2.0"><body><outline text="A" xmlUrl="https://a.example/rss"/></body></opml>"""


@pytest.fixture
def config(tmp_path: Path) -> Config:
    (tmp_path / "feeds.opml").write_bytes(LIST)
    return Config(opml=tmp_path / "feeds.opml", store=tmp_path / "store.sqlite")


@pytest.fixture
def db(config: Config) -> Iterator[Database]:
    store = open_store(config.store)
    yield store
    store.close()


def test_a_list_is_taken_up_once(db: Database, config: Config):
    assert take_up_opml(db, config, lambda: NOW) == feeds.Synced(added=1)
    assert take_up_opml(db, config, lambda: NOW) is None
    assert mirror(db, config, LIST, NOW) is None


def test_another_version_takes_the_same_list_up_again(
    db: Database, config: Config, monkeypatch: pytest.MonkeyPatch
):
    take_up_opml(db, config, lambda: NOW)
    db.execute("UPDATE feeds SET settings = '{}'")  # as a version left it that mirrored fewer attributes
    monkeypatch.setattr(session, "_READER", b"0.0.1 rights ")
    assert take_up_opml(db, config, lambda: NOW) == feeds.Synced(changed=1)


def test_the_settings_of_a_feed_count_as_a_version():
    assert {b"rights", b"max_per_day"} <= set(session._READER.split())
