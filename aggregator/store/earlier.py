"""The first half of the migrations, released: nothing here is edited, and new ones go to schema.py."""

from sqlite_utils import Database, Migrations

from aggregator.store.first import FIRST

migrations = Migrations("aggregator")


def execute(db: Database, statements: str) -> None:
    """Run several statements, each ended by a semicolon and a line's end."""
    # Not executescript, which would commit the transaction that a migration is.
    for statement in statements.split(";\n"):
        if statement.strip():
            db.execute(statement)


@migrations()
def first_light(db: Database) -> None:
    """Create every table of the first release."""
    execute(db, FIRST)


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
    execute(db, _HUBS)


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
    execute(db, _PAGES)


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
    execute(db, _ENGINES)


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
    execute(db, _REFUSALS)


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
    execute(db, _COUNTS)


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
    execute(db, _COMMENTS)
