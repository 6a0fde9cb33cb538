"""A store that an earlier version wrote, taken forward."""

import sqlite3
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from sqlite_utils import Database

from aggregator.errors import StoreTooNew
from aggregator.model import DueFeed, ParsedEntry, ParsedFeed
from aggregator.store import entries, open_store, publications, translations
from aggregator.store.entries import EntryCounts
from aggregator.store.schema import migrations
from tests import frozen
from tests.polling import due_feeds

NOW = datetime(2026, 11, 24, 6, 0, tzinfo=UTC)
EARLIER = [migration.name for migration in migrations._migrations][1:]
ROWS = """
INSERT INTO feeds (feed_id, listed_url, fetch_url, host, domain, title, etag, body_fingerprint, next_poll_at,
  failures, failure) VALUES
  (1, 'https://a.example/feed', 'https://a.example/feed', 'a.example', 'a.example', 'A', '"1"', 'seen',
    '2026-11-24T05:00:00Z', 0, NULL),
  (2, 'https://b.example/feed', 'https://b.example/feed', 'b.example', 'b.example', 'B', NULL, NULL,
    '2026-11-24T05:30:00Z', 3, 'NotAFeed: is an HTML page');
INSERT INTO polls (feed_id, polled_at, outcome, status) VALUES (1, '2026-11-24T04:00:00Z', 'changed', 200);
INSERT INTO stories (story_id) VALUES (1), (2);
INSERT INTO entries (entry_id, feed_id, story_id, guid, permalink, title, summary_html, published_at,
  first_seen_at, sort_at, fingerprint, excluded) VALUES
  (1, 1, 1, 'new', 'https://a.example/2', 'New', 'Text.', '2026-11-24T03:00:00Z', '2026-11-24T04:00:00Z',
    '2026-11-24T03:00:00Z', 'f new', NULL),
  (2, 1, 2, 'old', 'https://a.example/1', 'Old', 'Text.', '2026-11-01T04:00:00Z', '2026-11-24T04:00:00Z',
    '2026-11-01T04:00:00Z', 'f old', 'first fill');
UPDATE stories SET lead_entry_id = 1 WHERE story_id = 1;
INSERT INTO articles (entry_id, input_fingerprint, origin, text, fingerprint)
  VALUES (1, 'f new', 'feed', 'Text.', 'fa');
INSERT INTO summaries (entry_id, input_fingerprint, text, story, origin, fingerprint)
  VALUES (1, 'fa', 'Text.', '', 'extract', 'fs');
INSERT INTO translations (entry_id, language, input_fingerprint, engine, model, title, summary, translated_at)
  VALUES (1, 'ja', 'fs', 'firefox', 'm', '見出し', '本文。', '2026-11-24T04:10:00Z');
INSERT INTO publications (public_id, story_id, slug, state, held_at, first_published_at, updated_at, title,
  body, fingerprint) VALUES ('urn:uuid:1', 1, '2026/11/1', 'translated', '2026-11-24T04:00:00Z',
  '2026-11-24T04:10:00Z', '2026-11-24T04:10:00Z', '見出し', '本文。', 'fp');
INSERT INTO comment_counts (entry_id, source, count, counted_at) VALUES (1, 'feed', 7, '2026-11-24T04:00:00Z');
INSERT INTO count_history (entry_id, source, counted_at, count) VALUES (1, 'feed', '2026-11-24T04:00:00Z', 7)
"""
TABLES = (
    "feeds", "polls", "stories", "entries", "articles", "summaries", "translations", "publications",
    "comment_counts", "count_history",
)  # fmt: skip


@pytest.fixture(params=EARLIER)
def old(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """Return a store as it was before each of the migrations."""
    db = Database(tmp_path / "old.sqlite")
    migrations.apply(db, stop_before=request.param)
    for statement in ROWS.split(";\n"):
        with db.atomic():
            db.execute(statement)
    db.close()
    return tmp_path / "old.sqlite"


def schema(db: Database) -> dict[str, set[tuple[object, ...]]]:
    """Return each table's columns without their order, and each index's."""
    found = db.execute("SELECT type, name FROM sqlite_master WHERE type IN ('table', 'index')").fetchall()
    return {
        name: {row[kind == "table" :] for row in db.execute(f"PRAGMA {kind}_xinfo({name})").fetchall()}
        for kind, name in found
    }


def rows(db: Database) -> list[dict[str, object]]:
    return [row for table in TABLES for row in db.query(f"SELECT * FROM {table} ORDER BY 1, 2")]


def test_an_old_store_gets_the_tables_of_a_new_one_and_keeps_its_rows(old: Path, tmp_path: Path):
    before = Database(old)
    kept = rows(before)
    before.close()
    db, new = open_store(old), open_store(tmp_path / "new.sqlite")
    assert schema(db) == schema(new)
    assert [after | was for was, after in zip(kept, rows(db), strict=True)] == rows(db)
    assert db.execute("PRAGMA foreign_key_check").fetchall() == []
    db.close()
    new.close()


def test_an_old_store_goes_on_where_it_was(old: Path):
    """No entry comes back as new or revised, none is translated again, and what failed is asked again."""
    db = open_store(old)
    due = due_feeds(db, NOW, 10)
    assert [(feed.feed_id, feed.first_poll, feed.entry_marks, feed.failure) for feed in due] == [
        (1, False, b"", None),
        (2, True, b"", None),
    ]
    with db.atomic():
        assert recorded(db, due[0], "next", "new", "old") == EntryCounts(added=1)
        assert recorded(db, due[1], "b") == EntryCounts(added=1)
    assert translations.stale_ids(db, "ja", NOW) == []
    (facts,) = publications.facts(db, [1], "ja")
    assert facts.translated
    assert (facts.publication.title, facts.translated.written, facts.translated.current) == (
        "見出し", False, True,
    )  # fmt: skip
    db.close()


STORES = sorted((Path(__file__).parent / "stores").glob("*.sql"))


@pytest.mark.parametrize("dump", STORES, ids=[path.stem for path in STORES])
def test_a_store_that_was_written_down_then_is_taken_forward_today(dump: Path, tmp_path: Path):
    """The others are made by today's migrations, which might have been edited; these files were not."""
    with sqlite3.connect(tmp_path / "old.sqlite") as old_one:
        old_one.executescript(dump.read_text(encoding="utf-8"))
    old_one.close()
    test_an_old_store_gets_the_tables_of_a_new_one_and_keeps_its_rows(tmp_path / "old.sqlite", tmp_path)
    test_an_old_store_goes_on_where_it_was(tmp_path / "old.sqlite")


def test_no_migration_that_is_written_down_was_edited_moved_or_taken_away():
    """New ones follow; with a release, `python -m tests.frozen > tests/stores/migrations.tsv` adds them."""
    written = frozen.listed()
    assert len(written) >= 40
    assert frozen.digests()[: len(written)] == written


def test_a_store_of_a_newer_version_is_refused_and_not_touched(tmp_path: Path):
    path = tmp_path / "s.sqlite"
    db = open_store(path)
    db.execute("UPDATE _sqlite_migrations SET name = 'of_tomorrow' WHERE name = 'articles_kept'")
    db.close()
    before = path.read_bytes()
    with pytest.raises(StoreTooNew, match="of_tomorrow"):
        open_store(path)
    assert path.read_bytes() == before


def recorded(db: Database, feed: DueFeed, *guids: str) -> EntryCounts:
    entry = ParsedEntry(
        guid="", permalink=None, title="", summary_html="Text.", content_html="", fingerprint=""
    )
    found = tuple(replace(entry, guid=guid, title=guid.title(), fingerprint=f"f {guid}") for guid in guids)
    return entries.record(db, feed, ParsedFeed(title="", site_url=None, language=None, entries=found), NOW)


def test_no_trigger_leaves_conflicts_to_a_policy_that_an_upsert_would_override(tmp_path: Path):
    db = open_store(tmp_path / "new.sqlite")
    triggers = db.execute("SELECT name, sql FROM sqlite_master WHERE type = 'trigger'").fetchall()
    assert [name for name, sql in triggers if " OR IGNORE " in sql or " OR REPLACE " in sql] == []
    db.close()
