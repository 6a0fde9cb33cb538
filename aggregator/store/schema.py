"""The tables, as migrations. Add one; never edit or rename what has been released."""

from sqlite_utils import Database, Migrations

from aggregator.store.first import FIRST

# Tables that stand elsewhere are loaded by the migration that makes them: most starts make none.
migrations = Migrations("aggregator")


def _execute(db: Database, statements: str) -> None:
    # Not executescript, which would commit the transaction that a migration is.
    for statement in statements.split(";\n"):
        if statement.strip():
            db.execute(statement)


@migrations()
def first_light(db: Database) -> None:
    """Create every table of the first release."""
    _execute(db, FIRST)


_HUBS = """
CREATE TABLE websub (
  lease_id INTEGER PRIMARY KEY,
  feed_id INTEGER NOT NULL REFERENCES feeds (feed_id),
  mode TEXT NOT NULL CHECK (mode IN ('subscribe', 'unsubscribe', 'denied')),
  hub_url TEXT NOT NULL,
  topic_url TEXT NOT NULL,
  token TEXT NOT NULL UNIQUE,
  secret TEXT NOT NULL,
  callback_url TEXT,
  ask_at TEXT,
  failures INTEGER NOT NULL DEFAULT 0,
  failure TEXT,
  verified_at TEXT,
  expires_at TEXT,
  delivered_at TEXT,
  deliveries INTEGER NOT NULL DEFAULT 0,
  works INTEGER NOT NULL DEFAULT 0
) STRICT;
CREATE UNIQUE INDEX websub_feed ON websub (feed_id) WHERE mode != 'unsubscribe';

CREATE TABLE websub_deliveries (
  delivery_id INTEGER PRIMARY KEY,
  lease_id INTEGER NOT NULL REFERENCES websub (lease_id) ON DELETE CASCADE,
  content_type TEXT,
  body BLOB NOT NULL
) STRICT;
"""


@migrations()
def hubs(db: Database) -> None:
    """Create the tables of leases with hubs, and of what hubs delivered."""
    _execute(db, _HUBS)


@migrations()
def rests_of_hosts(db: Database) -> None:
    """Create the table of hosts that want to be left alone while their domain's others do not."""
    db.execute("""
CREATE TABLE host_rests (
  host TEXT PRIMARY KEY,
  retry_after_at TEXT NOT NULL
) STRICT, WITHOUT ROWID""")


_PAGES = """
CREATE TABLE pages (
  entry_id INTEGER PRIMARY KEY REFERENCES entries (entry_id),
  fingerprint TEXT NOT NULL,
  url TEXT NOT NULL,
  host TEXT NOT NULL,
  domain TEXT NOT NULL,
  wanted INTEGER NOT NULL,
  queued_at TEXT NOT NULL,
  due_at TEXT,
  attempts INTEGER NOT NULL DEFAULT 0,
  looked_at TEXT,
  failure TEXT,
  signal TEXT,
  effect TEXT CHECK (effect IN ('titles', 'stop'))
) STRICT;
CREATE INDEX pages_due ON pages (due_at) WHERE due_at IS NOT NULL;

CREATE TABLE site_policies (
  origin TEXT PRIMARY KEY,
  domain TEXT NOT NULL,
  robots TEXT NOT NULL,
  tdmrep TEXT NOT NULL,
  ai_txt TEXT NOT NULL,
  read_at TEXT NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX site_policies_domain ON site_policies (domain);
"""


@migrations()
def article_pages(db: Database) -> None:
    """Create the tables of visits to entries' pages, and of what their sites say to that."""
    _execute(db, _PAGES)


_ENGINES = """
CREATE TABLE engine_days (
  engine TEXT NOT NULL,
  day TEXT NOT NULL,
  characters INTEGER NOT NULL DEFAULT 0,
  cost REAL NOT NULL DEFAULT 0,
  PRIMARY KEY (engine, day)
) STRICT, WITHOUT ROWID;

CREATE TABLE engine_states (
  engine TEXT PRIMARY KEY,
  configured_at TEXT,
  rest_until TEXT,
  failure TEXT
) STRICT, WITHOUT ROWID;

ALTER TABLE translations ADD COLUMN redo TEXT;
"""


@migrations()
def engines_that_cost(db: Database) -> None:
    """Create the tables of what engines were sent and which rest, and mark translations to make again."""
    _execute(db, _ENGINES)


@migrations()
def bodies_refused(db: Database) -> None:
    """Remember the body that was no feed, so that it is not parsed at each poll."""
    db.execute("ALTER TABLE feeds ADD COLUMN refused_fingerprint TEXT")


@migrations()
def ends_of_redirects(db: Database) -> None:
    """Remember where a feed's redirects ended, so that `check` knows two addresses of one feed."""
    db.execute("ALTER TABLE feeds ADD COLUMN led_to TEXT")


_REFUSALS = """
CREATE TABLE translation_refusals (
  key TEXT PRIMARY KEY,
  reason TEXT NOT NULL,
  refused_at TEXT NOT NULL
) STRICT, WITHOUT ROWID;

ALTER TABLE translations ADD COLUMN refused_under TEXT;
"""


@migrations()
def refused_translations(db: Database) -> None:
    """Remember answers that the checks refused, and what they rested on, so that none is asked for twice."""
    _execute(db, _REFUSALS)


@migrations()
def written_texts(db: Database) -> None:
    """Tell summaries and headlines that a model wrote from those that were chosen and translated."""
    db.execute("ALTER TABLE translations ADD COLUMN origin TEXT NOT NULL DEFAULT 'extract'")
    db.execute("ALTER TABLE translations ADD COLUMN headline INTEGER NOT NULL DEFAULT 0")
    db.execute("ALTER TABLE translations ADD COLUMN writer TEXT NOT NULL DEFAULT ''")


@migrations()
def resting_domains(db: Database) -> None:
    """Find the domains that want to be left alone without a look at all others."""
    db.execute("CREATE INDEX hosts_resting ON hosts (retry_after_at) WHERE retry_after_at IS NOT NULL")


_COUNTS = """
ALTER TABLE discussions ADD COLUMN count INTEGER;
ALTER TABLE discussions ADD COLUMN counted_at TEXT;
CREATE INDEX discussions_due ON discussions (provider, next_count_at) WHERE next_count_at IS NOT NULL;
CREATE INDEX count_history_age ON count_history (counted_at);

CREATE TABLE provider_requests (
  provider TEXT NOT NULL,
  minute TEXT NOT NULL,
  requests INTEGER NOT NULL DEFAULT 0,
  counted INTEGER NOT NULL DEFAULT 0,
  dropped INTEGER NOT NULL DEFAULT 0,
  PRIMARY KEY (provider, minute)
) STRICT, WITHOUT ROWID;

CREATE TABLE provider_states (
  provider TEXT PRIMARY KEY,
  asked_at TEXT,
  rest_until TEXT,
  failures INTEGER NOT NULL DEFAULT 0,
  failure TEXT
) STRICT, WITHOUT ROWID;
"""


@migrations()
def discussions_counted(db: Database) -> None:
    """Keep each thread's number, and what those who are asked for numbers were sent."""
    _execute(db, _COUNTS)


_COMMENTS = """
CREATE TABLE comments (
  comment_id INTEGER PRIMARY KEY,
  story_id INTEGER NOT NULL REFERENCES stories (story_id),
  provider TEXT NOT NULL,
  key TEXT NOT NULL,
  url TEXT NOT NULL,
  author TEXT NOT NULL,
  text TEXT NOT NULL,
  fingerprint TEXT NOT NULL,
  rank INTEGER NOT NULL,
  written_at TEXT,
  seen_at TEXT NOT NULL,
  translated TEXT,
  input_fingerprint TEXT,
  engine TEXT,
  model TEXT,
  attempts INTEGER NOT NULL DEFAULT 0,
  failure TEXT,
  retry_at TEXT,
  UNIQUE (provider, key, story_id)
) STRICT;
CREATE INDEX comments_story ON comments (story_id);

CREATE TABLE comment_looks (
  story_id INTEGER NOT NULL REFERENCES stories (story_id),
  provider TEXT NOT NULL,
  next_look_at TEXT NOT NULL,
  count INTEGER NOT NULL,
  PRIMARY KEY (story_id, provider)
) STRICT, WITHOUT ROWID;

CREATE TABLE stale_pages (
  story_id INTEGER PRIMARY KEY REFERENCES stories (story_id)
) STRICT;
"""


@migrations()
def peoples_comments(db: Database) -> None:
    """Create the tables of what people wrote about a story, and of pages to be written again for it."""
    _execute(db, _COMMENTS)


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

    _execute(db, search.TABLES)


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

    _execute(db, digests.TABLES)


@migrations()
def days_paged(db: Database) -> None:
    """Create the tables of pages by day, kept by the database itself whoever changes a publication."""
    from aggregator.store import days

    _execute(db, days.TABLES)


@migrations()
def sources_counted(db: Database) -> None:
    """Count what each feed has brought to readers, so that nobody has to count a million entries."""
    from aggregator.store import sources

    _execute(db, sources.COLUMNS)


@migrations()
def hub_told(db: Database) -> None:
    """Create the table of what the hub of our own feeds has to be told."""
    from aggregator.store import hub_pings

    db.execute(hub_pings.TABLE)


@migrations()
def stories_joined(db: Database) -> None:
    """Create the tables of why entries are one story, and of what later ones are told by."""
    from aggregator.store import joins

    _execute(db, joins.TABLES)


@migrations()
def past_archived(db: Database) -> None:
    """Create the table of archives, and remember which publication stands in which."""
    from aggregator.store import archives

    _execute(db, archives.TABLES)


_WAITING = """
CREATE INDEX publications_waiting ON publications (state, held_at, public_id, story_id)
  WHERE state IN ('held', 'untranslated');
CREATE INDEX translations_made ON translations (entry_id, language) WHERE title IS NOT NULL;
DROP INDEX publications_held
"""


@migrations()
def waiting_found(db: Database) -> None:
    """Find what waits for a translation, and what got one, without a look at texts."""
    _execute(db, _WAITING)


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

    _execute(db, archives.DIGESTS)


@migrations()
def sources_fed(db: Database) -> None:
    """Create the table of each source's own feed."""
    from aggregator.store import source_feeds

    _execute(db, source_feeds.TABLE)


@migrations()
def digests_followed(db: Database) -> None:
    """Have the page of a digest written again where what it says of an entry may be shown no more."""
    from aggregator.store import digests

    _execute(db, digests.FOLLOWED)


@migrations()
def digests_paged(db: Database) -> None:
    """Find the digests whose page is to be written without a look at what they say."""
    from aggregator.store import digests

    db.execute(digests.PAGED)


@migrations()
def sources_joined(db: Database) -> None:
    """Count a story for all feeds that tell it, and have it in their own feeds."""
    from aggregator.store import joins

    _execute(db, joins.SOURCES)
