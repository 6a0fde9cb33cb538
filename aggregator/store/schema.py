"""The tables, as migrations. Add one; never edit or rename what has been released."""

from sqlite_utils import Database

from aggregator.store.earlier import execute, migrations

__all__ = ["migrations"]
# Tables that stand elsewhere are loaded by the migration that makes them: most starts make none.


@migrations()
def entries_marked(db: Database) -> None:
    """Remember how the entries of the last body stood there, so that the same text is not cleaned again."""
    db.execute("ALTER TABLE feeds ADD COLUMN entry_marks BLOB")


@migrations()
def machines_comments(db: Database) -> None:
    """Create the table of comments that machines write."""
    db.execute("""
CREATE TABLE viewpoints (
  story_id INTEGER NOT NULL REFERENCES stories (story_id),
  persona TEXT NOT NULL CHECK (persona IN ('hopeful', 'critical')),
  input_fingerprint TEXT NOT NULL,
  text TEXT,
  engine TEXT,
  model TEXT,
  written_at TEXT,
  failure TEXT,
  retry_at TEXT,
  PRIMARY KEY (story_id, persona)
) STRICT, WITHOUT ROWID""")


@migrations()
def entries_found(db: Database) -> None:
    """Create the tables of search, with all that is published waiting to be found."""
    from aggregator.store import search

    execute(db, search.TABLES)


@migrations()
def rooms_of_bodies(db: Database) -> None:
    """Remember how long a frozen body may be, so that it stays as short when it is written again."""
    db.execute("ALTER TABLE publications ADD COLUMN room INTEGER")


@migrations()
def numbers_of_pages(db: Database) -> None:
    """Remember by which link WordPress knows a page, as the page said when its text was read."""
    db.execute("ALTER TABLE pages ADD COLUMN shortlink TEXT")


@migrations()
def digests_frozen(db: Database) -> None:
    """Create the tables of digests, and of what they said of their entries."""
    from aggregator.store import digests

    execute(db, digests.TABLES)


@migrations()
def days_paged(db: Database) -> None:
    """Create the tables of pages by day, kept by the database itself whoever changes a publication."""
    from aggregator.store import days

    execute(db, days.TABLES)


@migrations()
def sources_counted(db: Database) -> None:
    """Count what each feed has brought to readers, so that nobody has to count a million entries."""
    from aggregator.store import sources

    execute(db, sources.COLUMNS)


@migrations()
def hub_told(db: Database) -> None:
    """Create the table of what the hub of our own feeds has to be told."""
    from aggregator.store import hub_pings

    db.execute(hub_pings.TABLE)


@migrations()
def stories_joined(db: Database) -> None:
    """Create the tables of why entries are one story, and of what later ones are told by."""
    from aggregator.store import joins

    execute(db, joins.TABLES)


@migrations()
def past_archived(db: Database) -> None:
    """Create the table of archives, and remember which publication stands in which."""
    from aggregator.store import archives

    execute(db, archives.TABLES)


_WAITING = """
CREATE INDEX publications_waiting ON publications (state, held_at, public_id, story_id)
  WHERE state IN ('held', 'untranslated');
CREATE INDEX translations_made ON translations (entry_id, language) WHERE title IS NOT NULL;
DROP INDEX publications_held
"""


@migrations()
def waiting_found(db: Database) -> None:
    """Find what waits for a translation, and what got one, without a look at texts."""
    execute(db, _WAITING)


@migrations()
def entries_kept(db: Database) -> None:
    """Find the entries of a feed that have a text still, the oldest first."""
    db.execute("CREATE INDEX entries_kept ON entries (feed_id, sort_at) WHERE fingerprint != ''")


@migrations()
def articles_kept(db: Database) -> None:
    """Find the articles whose texts are still there."""
    db.execute("CREATE INDEX articles_kept ON articles (entry_id) WHERE text != ''")


@migrations()
def digests_archived(db: Database) -> None:
    """Remember which digest stands in which archive."""
    from aggregator.store import archives

    execute(db, archives.DIGESTS)


@migrations()
def sources_fed(db: Database) -> None:
    """Create the table of each source's own feed."""
    from aggregator.store import source_feeds

    execute(db, source_feeds.TABLE)


@migrations()
def digests_followed(db: Database) -> None:
    """Have the page of a digest written again where what it says of an entry may be shown no more."""
    from aggregator.store import digests

    execute(db, digests.FOLLOWED)


@migrations()
def digests_paged(db: Database) -> None:
    """Find the digests whose page is to be written without a look at what they say."""
    from aggregator.store import digests

    db.execute(digests.PAGED)


@migrations()
def sources_joined(db: Database) -> None:
    """Count a story for all feeds that tell it, and have it in their own feeds."""
    from aggregator.store import joins

    execute(db, joins.SOURCES)


@migrations()
def pictures_copied(db: Database) -> None:
    """Create the table of copies of entries' pictures."""
    from aggregator.store import pictures

    db.execute(pictures.TABLE)


@migrations()
def changes_counted(db: Database) -> None:
    """Count how often a document had to be written again."""
    from aggregator.store import changes

    execute(db, changes.COUNTED)


@migrations()
def signals_followed(db: Database) -> None:
    """Have written again what says of an entry more, or less, than its site's signals allow by now."""
    from aggregator.store import changes

    db.execute(changes.NOTES)
    db.execute(changes.SIGNALS)


@migrations()
def promotable_found(db: Database) -> None:
    """Note which stories got a translation, instead of looking at all that wait for one."""
    from aggregator.store import promotable

    execute(db, promotable.TABLE)


@migrations()
def runs_noted(db: Database) -> None:
    """Create the tables of when stages ran, what a day's polls came to, and what checks said of engines."""
    from aggregator.store import poll_days, stage_runs, verdicts

    db.execute(stage_runs.TABLE)
    execute(db, poll_days.TABLE)
    execute(db, verdicts.TABLES)


@migrations()
def takedowns_kept(db: Database) -> None:
    """Create the table of what was taken down and must not come back."""
    from aggregator.store import denials

    db.execute(denials.TABLE)


@migrations()
def settled_left_alone(db: Database) -> None:
    """Note of which entries something may have to be made, instead of looking at all of them."""
    from aggregator.store import unsettled

    execute(db, unsettled.TABLE)


@migrations()
def alerts_told(db: Database) -> None:
    """Create the table of troubles, and of what was told of them."""
    from aggregator.store import alerts

    db.execute(alerts.TABLE)


@migrations()
def refusals_counted(db: Database) -> None:
    """Find why entries have no translation without a look at those that have one."""
    from aggregator.store import translations

    db.execute(translations.REFUSED)


@migrations()
def slowness_known(db: Database) -> None:
    """Remember how long a feed's last fetch took, so that slow hosts are polled with their like."""
    db.execute("ALTER TABLE feeds ADD COLUMN seconds REAL NOT NULL DEFAULT 0")
