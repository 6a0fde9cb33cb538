"""`log`: what a feed's polls brought, and what became of its entries."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlite_utils import Database

from aggregator import feedlog
from aggregator.demo.server import DemoServer
from aggregator.errors import AggregatorError
from aggregator.store import open_store
from tests.conftest import Aggregator

ROWS = """
INSERT INTO feeds (feed_id, listed_url, fetch_url, host, domain, title, next_poll_at, last_poll_at) VALUES
  (1, 'https://a.example/', 'https://a.example/', 'a', 'a', 'Alpha', '2026-11-24T07:00:00Z', '2026-11-24T06:00:00Z'),
  (2, 'https://b.example/', 'https://b.example/', 'b', 'b', 'Beta', '2026-11-24T07:00:00Z', NULL);
INSERT INTO polls (feed_id, polled_at, outcome, status, bytes, seconds, added, changed, detail) VALUES
  (1, '2026-11-24T05:00:00Z', 'changed', 200, 2048, 0.251, 4, 1, NULL),
  (1, '2026-11-24T06:00:00Z', 'failed', 503, 0, 1.0, 0, 0, 'BadStatus: 503'),
  (2, '2026-11-24T06:00:00Z', 'changed', 200, 1, 1.0, 9, 0, NULL);
INSERT INTO stories (story_id) VALUES (1), (2), (3), (4), (5);
INSERT INTO entries (entry_id, feed_id, story_id, guid, title, first_seen_at, sort_at, fingerprint, excluded) VALUES
  (1, 1, 1, '1', 'Out', '2026-11-24T05:00:00Z', '2026-11-24T05:00:01Z', 'f', NULL),
  (2, 1, 2, '2', 'Held', '2026-11-24T05:00:00Z', '2026-11-24T05:00:02Z', 'f', NULL),
  (3, 1, 3, '3', 'Muted', '2026-11-24T05:00:00Z', '2026-11-24T05:00:03Z', 'f', 'mute: sponsored'),
  (4, 1, 4, '4', 'Told elsewhere', '2026-11-24T05:00:00Z', '2026-11-24T05:00:04Z', 'f', NULL),
  (5, 1, 5, '5', 'New', '2026-11-24T05:00:00Z', '2026-11-24T05:00:05Z', 'f', NULL),
  (6, 2, 4, '6', 'First', '2026-11-24T05:00:00Z', '2026-11-24T05:00:06Z', 'f', NULL),
  (7, 1, 5, '7', 'Old', '2026-11-20T05:00:00Z', '2026-11-20T05:00:00Z', '', 'dropped');
UPDATE stories SET lead_entry_id = story_id WHERE story_id < 4;
UPDATE stories SET lead_entry_id = 6 WHERE story_id = 4;
INSERT INTO publications (public_id, story_id, slug, state, held_at) VALUES
  ('a', 1, 'a', 'translated', 'x'), ('b', 2, 'b', 'held', 'x'), ('d', 4, 'd', 'translated', 'x');
INSERT INTO translations (entry_id, language, failure) VALUES (2, 'ja', 'title: firefox: number lost')
"""


@pytest.fixture
def db(tmp_path: Path) -> Iterator[Database]:
    store = open_store(tmp_path / "store.sqlite")
    for statement in ROWS.split(";\n"):
        with store.atomic():
            store.execute(statement)
    yield store
    store.close()


def test_polls_come_latest_first_with_all_that_is_known_of_them(db: Database):
    found = feedlog.collect(db, "Alpha", "ja", 20)
    assert found["feed"]["next_poll_at"] == "2026-11-24T07:00:00Z"
    assert found["polls"] == [
        {"polled_at": "2026-11-24T06:00:00Z", "outcome": "failed", "status": 503, "bytes": 0, "seconds": 1.0,
         "new": 0, "revised": 0, "detail": "BadStatus: 503"},
        {"polled_at": "2026-11-24T05:00:00Z", "outcome": "changed", "status": 200, "bytes": 2048, "seconds": 0.25,
         "new": 4, "revised": 1, "detail": None},
    ]  # fmt: skip


def test_each_entry_says_what_became_of_it(db: Database):
    found = feedlog.collect(db, "Alpha", "ja", 20)["entries"]
    assert {row["title"]: row["became"] for row in found} == {
        "New": "waits for its text and summary",
        "Told elsewhere": "told with entry 6",
        "Muted": "kept out: mute: sponsored",
        "Held": "waits for its translation (title: firefox: number lost)",
        "Out": "published",
        "Old": "its texts went with its age",
    }
    assert [row["title"] for row in found][:2] == ["New", "Told elsewhere"]


def test_as_many_are_shown_as_asked_for(db: Database):
    found = feedlog.collect(db, "Alpha", "ja", 1)
    assert (len(found["polls"]), len(found["entries"])) == (1, 1)


def test_a_feed_that_is_not_there_is_said(db: Database):
    with pytest.raises(AggregatorError, match="no such feed"):
        feedlog.collect(db, "Gamma", "ja", 20)


def test_the_command_shows_it_and_prints_json(demo_feeds: DemoServer, aggregator: Aggregator):
    assert aggregator("poll").returncode == 0
    url = f"http://127.0.0.1:{demo_feeds.port}"
    listed = json.loads(aggregator("list", "--json").stdout)
    feed = next(row for row in listed if row["listed_url"].startswith(url))
    shown = aggregator("log", str(feed["feed_id"]), "-n", "2")
    assert shown.returncode == 0
    assert "outcome\tstatus" in shown.stdout
    assert "\tchanged\t200\t" in shown.stdout
    as_json = json.loads(aggregator("log", str(feed["feed_id"]), "-n", "2", "--json").stdout)
    assert len(as_json["entries"]) == 2
    assert as_json["polls"][0]["new"] > 2
