"""Tables digests and digest_entries: lists made once, and what they said of their entries."""

import json
from collections.abc import Callable, Iterable
from datetime import datetime
from typing import Any, get_args

from sqlite_utils import Database

from aggregator.model import Digest, DigestEntry, DigestKind, DigestLine, Rights
from aggregator.store.articles import RIGHTS
from aggregator.store.retention import DROPPED
from aggregator.times import from_text, to_text

# Released: a change is a migration.
TABLES = """
CREATE TABLE digests (
  digest_id INTEGER PRIMARY KEY,
  kind TEXT NOT NULL CHECK (kind IN ('daily', 'weekly', 'morning')),
  name TEXT NOT NULL,
  public_id TEXT NOT NULL UNIQUE,
  title TEXT NOT NULL,
  body TEXT NOT NULL,
  published_at TEXT NOT NULL,
  among INTEGER NOT NULL,
  page_form TEXT NOT NULL DEFAULT '',
  UNIQUE (kind, name)
) STRICT;
CREATE INDEX digests_newest ON digests (published_at);

CREATE TABLE digest_entries (
  digest_id INTEGER NOT NULL REFERENCES digests (digest_id),
  position INTEGER NOT NULL,
  story_id INTEGER NOT NULL REFERENCES stories (story_id),
  title TEXT NOT NULL,
  line TEXT NOT NULL,
  feed_title TEXT NOT NULL,
  more INTEGER NOT NULL,
  url TEXT,
  comments INTEGER,
  PRIMARY KEY (digest_id, position)
) STRICT, WITHOUT ROWID;
CREATE INDEX digest_entries_story ON digest_entries (story_id);
"""
PAGED = "CREATE INDEX digests_paged ON digests (page_form, kind)"  # so that no body is read to find none
# What a page says of an entry may be taken back: whoever does that has the page written again.
FOLLOWED = """
CREATE TRIGGER digests_follow AFTER UPDATE OF state, fingerprint ON publications
WHEN OLD.state != NEW.state OR OLD.fingerprint != NEW.fingerprint
BEGIN
  UPDATE digests SET page_form = '' WHERE digest_id IN (
    SELECT digest_id FROM digest_entries WHERE story_id = NEW.story_id); END;

CREATE TRIGGER rights_in_digests AFTER UPDATE OF settings ON feeds
WHEN json_extract(OLD.settings, '$.rights') IS NOT json_extract(NEW.settings, '$.rights')
BEGIN
  UPDATE digests SET page_form = '' WHERE digest_id IN (
    SELECT digest_id FROM entries e JOIN digest_entries USING (story_id) WHERE e.feed_id = NEW.feed_id); END;
"""

_CANDIDATES = """
SELECT p.story_id FROM publications p CROSS JOIN stories st USING (story_id)
  JOIN entries e ON e.entry_id = st.lead_entry_id
WHERE p.state = 'translated' AND p.first_published_at > :since AND p.first_published_at <= :until
  AND (e.published_at IS NULL OR e.published_at > :news_since) AND NOT EXISTS (
    SELECT 1 FROM digest_entries de CROSS JOIN digests d USING (digest_id)
    WHERE de.story_id = p.story_id AND d.kind = :kind)
"""
_HEAD = ("kind", "name", "public_id", "title", "body", "among")
_FROZEN = ("title", "line", "feed_title", "more", "url", "comments")
_DIGESTS = """
SELECT d.*, (SELECT b.name FROM digests b WHERE b.kind = d.kind AND b.name < d.name
  ORDER BY b.name DESC LIMIT 1) AS previous FROM digests d
"""
# By age, not by kind: older ones are not read.
_NEWEST = f"""{_DIGESTS}
WHERE +d.kind IN (SELECT value FROM json_each(?)) AND d.published_at >= ?
ORDER BY d.published_at DESC, d.digest_id DESC LIMIT ?
"""  # noqa: S608
_ARCHIVED = f"{_DIGESTS} JOIN archives a USING (archive_id) WHERE a.name = ? ORDER BY d.digest_id"
_THESE = f"""{_DIGESTS}
WHERE d.kind != 'morning' AND d.digest_id IN (SELECT value FROM json_each(?))
"""  # noqa: S608
_UNPAGED = f"""{_DIGESTS} WHERE d.digest_id IN (
  SELECT digest_id FROM digests WHERE page_form != ? AND kind != 'morning')
ORDER BY d.digest_id DESC LIMIT ?
"""  # noqa: S608
_ENTRIES = f"""
SELECT de.story_id, de.title, de.line, de.feed_title, de.more, de.url, de.comments, p.slug, p.state,
  {RIGHTS} AS rights, p.state = 'withdrawn' AND coalesce(e.excluded, '') = '{DROPPED}' AS dropped
FROM digest_entries de JOIN publications p USING (story_id) JOIN stories st USING (story_id)
  JOIN entries e ON e.entry_id = st.lead_entry_id JOIN feeds f USING (feed_id)
  LEFT JOIN pages look ON look.entry_id = e.entry_id
WHERE de.digest_id = ? ORDER BY de.position
"""  # noqa: S608 - constants of ours
_LISTED = f"""
SELECT d.name, d.title, d.published_at, coalesce((
  SELECT de.title FROM digest_entries de JOIN publications p USING (story_id) JOIN stories st USING (story_id)
    JOIN entries e ON e.entry_id = st.lead_entry_id
  WHERE de.digest_id = d.digest_id AND (p.state != 'withdrawn' OR e.excluded = '{DROPPED}')
  ORDER BY de.position LIMIT 1), '') AS top
FROM digests d WHERE d.kind != 'morning' ORDER BY d.published_at DESC, d.kind LIMIT ?
"""  # noqa: S608


def is_made(db: Database, kind: DigestKind, name: str) -> bool:
    """Tell whether a digest is there."""
    found = db.execute("SELECT 1 FROM digests WHERE kind = ? AND name = ?", [kind, name])
    return found.fetchone() is not None


def candidates(
    db: Database, kind: DigestKind, since: datetime, until: datetime, news_since: datetime
) -> list[int]:
    """List the stories published after `since`, up to `until`, that no digest of this kind holds.

    Shape: none that its source gave before `news_since`.
    """
    values = {"kind": kind, "since": since, "until": until, "news_since": news_since}
    texts = {name: to_text(value) if isinstance(value, datetime) else value for name, value in values.items()}
    return [row[0] for row in db.execute(_CANDIDATES, texts).fetchall()]


def add(db: Database, digest: Digest) -> None:
    """Write a digest; it stands for ever."""
    row = {name: getattr(digest, name) for name in _HEAD} | {"published_at": to_text(digest.published_at)}
    digest_id = db.table("digests").insert(row).last_pk
    db.table("digest_entries").insert_all(
        {"digest_id": digest_id, "position": position, "story_id": entry.story_id}
        | {name: getattr(entry, name) for name in _FROZEN}
        for position, entry in enumerate(digest.entries)
    )


def newest(
    db: Database, kinds: Iterable[DigestKind], since: datetime | None = None, most: int = -1
) -> list[Digest]:
    """List digests of these kinds with what holds for their entries now, the newest first."""
    values = [json.dumps(list(kinds)), to_text(since) if since else "", most]
    return [_digest(db, row) for row in list(db.query(_NEWEST, values))]


def archived(db: Database, archive: str) -> list[Digest]:
    """List the digests in the archive of this name."""
    return [_digest(db, row) for row in list(db.query(_ARCHIVED, [archive]))]


def _digest(db: Database, row: dict[str, Any]) -> Digest:
    entries = tuple(_entry(each) for each in db.query(_ENTRIES, [row["digest_id"]]))
    frozen = {name: row[name] for name in _HEAD}
    at = from_text(row["published_at"])
    previous = row["previous"] or ""
    return Digest(
        **frozen, published_at=at, entries=entries, previous=previous, changes=row["changes"],
    )  # fmt: skip


def _entry(row: dict[str, Any]) -> DigestEntry:
    known = row["rights"] if row["rights"] in get_args(Rights) else "excerpt"
    return DigestEntry(**row | {"rights": known, "dropped": bool(row["dropped"])})


def listed(db: Database, most: int) -> list[DigestLine]:
    """List the newest digests without what they hold."""
    return [
        DigestLine(name=name, title=title, published_at=from_text(at), top=top)
        for name, title, at, top in db.execute(_LISTED, [most]).fetchall()
    ]


def unpaged(db: Database, form: str, most: int) -> list[Digest]:
    """List digests whose page does not lie there in this form, the newest first."""
    return [_digest(db, row) for row in list(db.query(_UNPAGED, [form, most]))]


def paged(db: Database, digests: Iterable[Digest], form: str) -> None:
    """Note the form in which pages were written, but of those that changed since they were read."""
    rows = [(form, each.public_id, each.changes) for each in digests]
    db.conn.executemany("UPDATE digests SET page_form = ? WHERE public_id = ? AND changes = ?", rows)


def unpage(db: Database) -> None:
    """Have every page written again."""
    db.execute("UPDATE digests SET page_form = ''")


def leave_out(db: Database, stories: Iterable[int], body: Callable[[Digest], str]) -> None:
    """Forget what digests said of these stories; `body` is what one says of the others."""
    them = json.dumps(list(stories))
    sql = "SELECT DISTINCT digest_id FROM digest_entries WHERE story_id IN (SELECT value FROM json_each(?))"
    found = json.dumps([row[0] for row in db.execute(sql, [them]).fetchall()])
    db.execute("DELETE FROM digest_entries WHERE story_id IN (SELECT value FROM json_each(?))", [them])
    for row in list(db.query(_THESE, [found])):
        values = [body(_digest(db, row)), row["digest_id"]]
        db.execute("UPDATE digests SET body = ?, page_form = '' WHERE digest_id = ?", values)
        db.execute("UPDATE archives SET written = NULL WHERE archive_id = ?", [row["archive_id"]])
