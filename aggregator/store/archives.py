"""Table archives: which document of the past holds which publication, and which are to be written again.

Triggers note where what readers were given changed: no step that takes an entry back has to think of it.
"""

from collections.abc import Iterable
from heapq import merge, nlargest

from sqlite_utils import Database

from aggregator.model import PublicationState
from aggregator.publish.archive import Place, Shelf, Waiting
from aggregator.store.retention import DROPPED
from aggregator.times import from_text

# Released: a change is a migration.
TABLES = """
CREATE TABLE archives (
  archive_id INTEGER PRIMARY KEY,
  name TEXT NOT NULL UNIQUE,
  written TEXT
) STRICT;

ALTER TABLE publications ADD COLUMN archive_id INTEGER REFERENCES archives (archive_id);
CREATE INDEX publications_archived ON publications (archive_id) WHERE archive_id IS NOT NULL;
CREATE INDEX publications_unarchived ON publications (state, first_published_at) WHERE archive_id IS NULL;

CREATE TRIGGER publications_of_an_archive AFTER UPDATE OF state, title, body, updated_at ON publications
WHEN OLD.archive_id IS NOT NULL AND (OLD.state != NEW.state OR OLD.title != NEW.title OR OLD.body != NEW.body
  OR OLD.updated_at IS NOT NEW.updated_at)
BEGIN
  UPDATE archives SET written = NULL WHERE archive_id = OLD.archive_id; END;

CREATE TRIGGER publications_out_of_an_archive AFTER DELETE ON publications WHEN OLD.archive_id IS NOT NULL
BEGIN
  UPDATE archives SET written = NULL WHERE archive_id = OLD.archive_id; END;

CREATE TRIGGER rights_in_archives AFTER UPDATE OF settings ON feeds
WHEN json_extract(OLD.settings, '$.rights') IS NOT json_extract(NEW.settings, '$.rights')
BEGIN
  UPDATE archives SET written = NULL WHERE archive_id IN (
    SELECT p.archive_id FROM entries e JOIN publications p USING (story_id)
    WHERE e.feed_id = NEW.feed_id); END;
"""
# Digests stand among the entries; what one says of an entry may be taken back as well.
DIGESTS = """
ALTER TABLE digests ADD COLUMN archive_id INTEGER REFERENCES archives (archive_id);
CREATE INDEX digests_archived ON digests (archive_id);

CREATE TRIGGER digests_of_an_archive AFTER UPDATE OF state ON publications WHEN OLD.state != NEW.state
BEGIN
  UPDATE archives SET written = NULL WHERE archive_id IN (
    SELECT d.archive_id FROM digest_entries JOIN digests d USING (digest_id)
    WHERE story_id = NEW.story_id); END;

CREATE TRIGGER rights_in_archived_digests AFTER UPDATE OF settings ON feeds
WHEN json_extract(OLD.settings, '$.rights') IS NOT json_extract(NEW.settings, '$.rights')
BEGIN
  UPDATE archives SET written = NULL WHERE archive_id IN (
    SELECT d.archive_id FROM entries e JOIN digest_entries USING (story_id) JOIN digests d USING (digest_id)
    WHERE e.feed_id = NEW.feed_id); END;
"""
_DIGESTS = """
SELECT published_at, public_id FROM digests
WHERE archive_id IS NULL AND kind != 'morning' AND published_at <= ? ORDER BY published_at, public_id
"""
_NEWEST = (
    "SELECT first_published_at FROM publications WHERE state = ? ORDER BY first_published_at DESC LIMIT ?"
)
_WAITING = """
SELECT first_published_at, public_id FROM publications
WHERE archive_id IS NULL AND state = ? ORDER BY first_published_at, public_id LIMIT ?
"""
_STALE = """
SELECT name, changes, coalesce((SELECT name FROM archives o WHERE o.archive_id < a.archive_id
    ORDER BY o.archive_id DESC LIMIT 1), ''),
  coalesce((SELECT name FROM archives n WHERE n.archive_id > a.archive_id ORDER BY n.archive_id LIMIT 1), '')
FROM archives a WHERE written IS NOT ? ORDER BY archive_id LIMIT 1
"""
# What readers were given stays where it was told to, though all else of the entry was dropped.
_STORIES = f"""
SELECT p.story_id, p.state, p.state = 'withdrawn' AND p.body != '' AND e.excluded IS '{DROPPED}'
FROM publications p JOIN archives USING (archive_id) JOIN stories st USING (story_id)
  JOIN entries e ON e.entry_id = st.lead_entry_id
WHERE name = ? ORDER BY p.public_id
"""  # noqa: S608 - a constant of ours


def waiting(db: Database, states: Iterable[PublicationState], recent: int, most: int) -> tuple[Waiting, ...]:
    """List up to `most` publications that are in no archive, and the digests among them, the oldest first.

    Shape: none, where all of them are among the newest `recent` ones.
    """
    newest = (time for state in states for (time,) in db.execute(_NEWEST, [state, recent]).fetchall())
    last = nlargest(recent, newest)
    found = [*merge(*(db.execute(_WAITING, [state, most]).fetchall() for state in states))][:most]
    if len(last) < recent or not found or found[0][0] > last[-1]:
        return ()
    found = [*merge(found, db.execute(_DIGESTS, [found[-1][0]]).fetchall())]
    return tuple(Waiting(public_id=public_id, at=from_text(at)) for at, public_id in found)


def last(db: Database) -> tuple[str, int]:
    """Return the newest archive's name and how many entries were put there; "" and 0 before the first."""
    sql = """SELECT name, (SELECT count(*) FROM publications p WHERE p.archive_id = a.archive_id)
        + (SELECT count(*) FROM digests d WHERE d.archive_id = a.archive_id)
      FROM archives a ORDER BY archive_id DESC LIMIT 1"""
    row = db.execute(sql).fetchone()
    return (row[0], row[1]) if row else ("", 0)


def newest(db: Database) -> str:
    """Return the name of the newest archive, "" before the first."""
    row = db.execute("SELECT name FROM archives ORDER BY archive_id DESC LIMIT 1").fetchone()
    return str(row[0]) if row else ""


def shelve(db: Database, shelves: Iterable[Shelf]) -> None:
    """Put publications into archives; these have to be written, and what a new one follows on as well."""
    for shelf in shelves:
        before = newest(db)
        db.execute("INSERT INTO archives (name) VALUES (?) ON CONFLICT DO NOTHING", [shelf.name])
        db.execute("UPDATE archives SET written = NULL WHERE name IN (?, ?)", [before, shelf.name])
        [archive_id] = db.execute("SELECT archive_id FROM archives WHERE name = ?", [shelf.name]).fetchone()
        rows = [(archive_id, public_id) for public_id in shelf.public_ids]
        db.conn.executemany("UPDATE publications SET archive_id = ? WHERE public_id = ?", rows)
        db.conn.executemany("UPDATE digests SET archive_id = ? WHERE public_id = ?", rows)


def stale(db: Database, form: str) -> Place | None:
    """Return the oldest archive that does not lie there in this form."""
    row = db.execute(_STALE, [form]).fetchone()
    return Place(name=row[0], changes=row[1], older=row[2], newer=row[3]) if row else None


def stories(db: Database, name: str, states: Iterable[PublicationState]) -> list[int]:
    """List the stories that an archive shows."""
    among = set(states)
    rows = db.execute(_STORIES, [name]).fetchall()
    return [story_id for story_id, state, is_dropped in rows if state in among or is_dropped]


def note(db: Database, place: Place, form: str) -> None:
    """Note the form in which an archive lies there, unless it changed since it was read."""
    values = [form, place.name, place.changes]
    db.execute("UPDATE archives SET written = ? WHERE name = ? AND changes = ?", values)


def forget(db: Database) -> None:
    """Have every archive written again."""
    db.execute("UPDATE archives SET written = NULL")
