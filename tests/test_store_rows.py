"""Rows written by one statement, in a real store."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlite_utils import Database

from aggregator.store import open_store, rows


@pytest.fixture
def db(tmp_path: Path) -> Iterator[Database]:
    store = open_store(tmp_path / "store.sqlite")
    store.execute("CREATE TABLE pairs (a INTEGER, b INTEGER, c TEXT, PRIMARY KEY (a, b))")
    yield store
    store.close()


def pairs(db: Database) -> list[tuple[int, int, str]]:
    return db.execute("SELECT a, b, c FROM pairs ORDER BY a, b").fetchall()


def test_an_upsert_replaces_what_has_the_key_and_inserts_the_rest(db: Database):
    rows.insert(db, "pairs", [{"a": 1, "b": 1, "c": "old"}, {"a": 1, "b": 2, "c": "kept"}])
    rows.upsert(db, "pairs", ("a", "b"), [{"a": 1, "b": 1, "c": "new"}, {"a": 2, "b": 1, "c": "more"}])
    assert pairs(db) == [(1, 1, "new"), (1, 2, "kept"), (2, 1, "more")]


def test_an_update_leaves_other_rows_and_columns_alone(db: Database):
    rows.insert(db, "pairs", [{"a": 1, "b": 1, "c": "x"}, {"a": 2, "b": 2, "c": "y"}])
    rows.update(db, "pairs", "a", [{"a": 2, "c": "changed"}])
    assert pairs(db) == [(1, 1, "x"), (2, 2, "changed")]


def test_no_rows_are_no_statement(db: Database):
    rows.insert(db, "no_such_table", [])
    rows.upsert(db, "no_such_table", ("a",), [])
    rows.update(db, "no_such_table", "a", [])
