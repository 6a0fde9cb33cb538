"""Tables searchable, search and search_due: published entries by their words, and those that wait for it.

`searchable` holds the texts as they were indexed, for FTS5 takes old terms out only where it is told them;
its numbers follow the order of publication, so that the newest hits are the first ones read.
"""

import json
from collections.abc import Iterable, Sequence
from typing import Any

from sqlite_utils import Database

from aggregator.model import EditionEntry
from aggregator.publish.found import MOST, Hit
from aggregator.publish.terms import Query, terms
from aggregator.times import to_text

# Released: a change is a migration, and so is another way to make terms, for it asks for all of them anew.
TABLES = """
CREATE TABLE searchable (
  search_id INTEGER PRIMARY KEY,
  public_id TEXT NOT NULL UNIQUE REFERENCES publications (public_id),
  first_published_at TEXT NOT NULL,
  title TEXT NOT NULL,
  summary TEXT NOT NULL,
  original TEXT NOT NULL
) STRICT;

CREATE VIRTUAL TABLE search USING fts5 (
  title, summary, original, content = '', tokenize = "ascii tokenchars '+#'"
);

CREATE TABLE search_due (
  story_id INTEGER PRIMARY KEY REFERENCES stories (story_id)
) STRICT;

INSERT INTO search_due SELECT story_id FROM publications WHERE state IN ('untranslated', 'translated')
"""

_FIND = """
WITH newest AS MATERIALIZED (
    SELECT rowid AS search_id FROM search WHERE search MATCH :match ORDER BY rowid DESC LIMIT :most),
  titled AS MATERIALIZED (
    SELECT rowid AS search_id FROM search
    WHERE search MATCH :titles AND rowid >= (SELECT min(search_id) FROM newest))
SELECT p.story_id, search_id IN (SELECT search_id FROM titled) AS titled
FROM newest JOIN searchable USING (search_id) JOIN publications p USING (public_id)
WHERE p.state IN ('untranslated', 'translated') ORDER BY search_id DESC
"""
_DUE = """
SELECT story_id FROM search_due LEFT JOIN publications USING (story_id)
ORDER BY first_published_at, public_id LIMIT ?
"""
_KNOWN = "SELECT * FROM searchable WHERE public_id IN (SELECT value FROM json_each(?))"
_ADD = """
INSERT INTO searchable (search_id, public_id, first_published_at, title, summary, original)
VALUES (:search_id, :public_id, :first_published_at, :title, :summary, :original)
"""
_ADD_TERMS = """
INSERT INTO search (rowid, title, summary, original) VALUES (:search_id, :title, :summary, :original)
"""
# Source: sqlite.org/fts5.html section 6.5, the 'delete' command of a table without content.
_DROP_TERMS = """
INSERT INTO search (search, rowid, title, summary, original)
VALUES ('delete', :search_id, :title, :summary, :original)
"""


def find(db: Database, query: Query) -> list[Hit]:
    """List what fulfils a query, newest first: the newest there are, MOST of them."""
    if not query.match:
        return []
    rows = db.query(_FIND, {"match": query.match, "titles": query.titles, "most": MOST})
    return [Hit(story_id=row["story_id"], titled=bool(row["titled"])) for row in rows]


def keep(db: Database, entries: Sequence[EditionEntry]) -> None:
    """Have entries found by the words they are shown with now; those that stay as they were cost a look.

    Shape: newest first, as in an edition; none is older than what is known, unless it is known itself.
    """
    known = _known(db, (entry.public_id for entry in entries))
    for entry in _oldest_first(entries):
        row, before = _row(entry), known.get(entry.public_id)
        if before is None:
            _insert(db, row)
        elif before != row | {"search_id": before["search_id"]}:
            _delete(db, before)
            is_newer = before["first_published_at"] != row["first_published_at"]  # its translation came
            _insert(db, row if is_newer else row | {"search_id": before["search_id"]})


def forget(db: Database, public_ids: Iterable[str]) -> None:
    """Have publications found no more."""
    for row in _known(db, public_ids).values():
        _delete(db, row)


def due(db: Database, limit: int) -> list[int]:
    """List stories that wait to be found, in the order they were published."""
    return [row[0] for row in db.execute(_DUE, [limit]).fetchall()]


def done(db: Database, story_ids: Iterable[int]) -> None:
    """Take stories off what waits."""
    db.conn.executemany("DELETE FROM search_due WHERE story_id = ?", [(each,) for each in story_ids])


def _oldest_first(entries: Sequence[EditionEntry]) -> list[EditionEntry]:
    """Sort by age; of what came out at once the first is to be found first."""
    return sorted(entries, key=lambda entry: entry.first_published_at, reverse=True)[::-1]


def _known(db: Database, public_ids: Iterable[str]) -> dict[str, dict[str, Any]]:
    rows = db.query(_KNOWN, [json.dumps(list(public_ids))])
    return {row["public_id"]: row for row in rows}


def _row(entry: EditionEntry) -> dict[str, Any]:
    is_translated = entry.state == "translated"
    titles = dict.fromkeys((entry.page_title, entry.title)) if is_translated else ()
    return {
        "search_id": None,
        "public_id": entry.public_id,
        "first_published_at": to_text(entry.first_published_at),
        "title": "\n".join(titles),
        "summary": "\n".join(entry.summary),
        "original": entry.original_title,
    }


def _insert(db: Database, row: dict[str, Any]) -> None:
    number = db.execute(_ADD, row).lastrowid
    db.execute(_ADD_TERMS, _termed(row | {"search_id": number}))


def _delete(db: Database, row: dict[str, Any]) -> None:
    db.execute("DELETE FROM searchable WHERE search_id = ?", [row["search_id"]])
    db.execute(_DROP_TERMS, _termed(row))


def _termed(row: dict[str, Any]) -> dict[str, Any]:
    texts = {name: terms(row[name]) for name in ("title", "summary", "original")}
    return {"search_id": row["search_id"], **texts}
