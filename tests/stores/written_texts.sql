BEGIN TRANSACTION;
CREATE TABLE "_sqlite_migrations" (
   "id" INTEGER PRIMARY KEY,
   "migration_set" TEXT,
   "name" TEXT,
   "applied_at" TEXT
);
INSERT INTO "_sqlite_migrations" VALUES(1,'aggregator','first_light','2026-11-24 16:47:14.823647+00:00');
INSERT INTO "_sqlite_migrations" VALUES(2,'aggregator','hubs','2026-11-24 16:47:14.844772+00:00');
INSERT INTO "_sqlite_migrations" VALUES(3,'aggregator','rests_of_hosts','2026-11-24 16:47:14.845276+00:00');
INSERT INTO "_sqlite_migrations" VALUES(4,'aggregator','article_pages','2026-11-24 16:47:14.845839+00:00');
INSERT INTO "_sqlite_migrations" VALUES(5,'aggregator','engines_that_cost','2026-11-24 16:47:14.846768+00:00');
INSERT INTO "_sqlite_migrations" VALUES(6,'aggregator','bodies_refused','2026-11-24 16:47:14.847400+00:00');
INSERT INTO "_sqlite_migrations" VALUES(7,'aggregator','ends_of_redirects','2026-11-24 16:47:14.848024+00:00');
INSERT INTO "_sqlite_migrations" VALUES(8,'aggregator','refused_translations','2026-11-24 16:47:14.870817+00:00');
INSERT INTO "_sqlite_migrations" VALUES(9,'aggregator','written_texts','2026-11-24 16:47:14.871826+00:00');
CREATE TABLE articles (
  entry_id INTEGER PRIMARY KEY REFERENCES entries (entry_id),
  input_fingerprint TEXT NOT NULL,
  origin TEXT NOT NULL,
  text TEXT NOT NULL,
  fingerprint TEXT NOT NULL,
  retry_at TEXT,
  failure TEXT
) STRICT;
INSERT INTO "articles" VALUES(1,'f new','feed','Text.','fa',NULL,NULL);
CREATE TABLE comment_counts (
  entry_id INTEGER NOT NULL REFERENCES entries (entry_id),
  source TEXT NOT NULL,
  url TEXT,
  count INTEGER NOT NULL,
  counted_at TEXT NOT NULL,
  PRIMARY KEY (entry_id, source)
) STRICT, WITHOUT ROWID;
INSERT INTO "comment_counts" VALUES(1,'feed',NULL,7,'2026-11-24T04:00:00Z');
CREATE TABLE count_history (
  entry_id INTEGER NOT NULL REFERENCES entries (entry_id),
  source TEXT NOT NULL,
  counted_at TEXT NOT NULL,
  count INTEGER NOT NULL,
  PRIMARY KEY (entry_id, source, counted_at)
) STRICT, WITHOUT ROWID;
INSERT INTO "count_history" VALUES(1,'feed','2026-11-24T04:00:00Z',7);
CREATE TABLE discussions (
  story_id INTEGER NOT NULL REFERENCES stories (story_id),
  provider TEXT NOT NULL,
  thread_key TEXT NOT NULL,
  url TEXT NOT NULL,
  next_count_at TEXT,
  failures INTEGER NOT NULL DEFAULT 0,
  gone INTEGER NOT NULL DEFAULT 0,
  PRIMARY KEY (story_id, provider, thread_key)
) STRICT, WITHOUT ROWID;
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
CREATE TABLE engine_usage (
  engine TEXT NOT NULL,
  month TEXT NOT NULL,
  characters INTEGER NOT NULL DEFAULT 0,
  cost REAL NOT NULL DEFAULT 0,
  PRIMARY KEY (engine, month)
) STRICT, WITHOUT ROWID;
CREATE TABLE entries (
  entry_id INTEGER PRIMARY KEY,
  feed_id INTEGER NOT NULL REFERENCES feeds (feed_id),
  story_id INTEGER NOT NULL REFERENCES stories (story_id),
  guid TEXT NOT NULL,
  permalink TEXT,
  canonical_url TEXT,
  title TEXT NOT NULL,
  authors TEXT NOT NULL DEFAULT '[]',
  tags TEXT NOT NULL DEFAULT '[]',
  summary_html TEXT NOT NULL DEFAULT '',
  content_html TEXT NOT NULL DEFAULT '',
  enclosures TEXT NOT NULL DEFAULT '[]',
  image_url TEXT,
  language TEXT,
  comments_url TEXT,
  comments_feed_url TEXT,
  published_at TEXT,
  updated_at TEXT,
  first_seen_at TEXT NOT NULL,
  sort_at TEXT NOT NULL,
  unlisted_at TEXT,
  fingerprint TEXT NOT NULL,
  revisions INTEGER NOT NULL DEFAULT 0,
  excluded TEXT,
  UNIQUE (feed_id, guid)
) STRICT;
INSERT INTO "entries" VALUES(1,1,1,'new','https://a.example/2',NULL,'New','[]','[]','Text.','','[]',NULL,NULL,NULL,NULL,'2026-11-24T03:00:00Z',NULL,'2026-11-24T04:00:00Z','2026-11-24T03:00:00Z',NULL,'f new',0,NULL);
INSERT INTO "entries" VALUES(2,1,2,'old','https://a.example/1',NULL,'Old','[]','[]','Text.','','[]',NULL,NULL,NULL,NULL,'2026-11-01T04:00:00Z',NULL,'2026-11-24T04:00:00Z','2026-11-01T04:00:00Z',NULL,'f old',0,'first fill');
CREATE TABLE feeds (
  feed_id INTEGER PRIMARY KEY,
  listed_url TEXT NOT NULL UNIQUE,
  fetch_url TEXT NOT NULL,
  host TEXT NOT NULL,
  domain TEXT NOT NULL,
  category TEXT NOT NULL DEFAULT '',
  title TEXT NOT NULL DEFAULT '',
  site_url TEXT,
  language TEXT,
  settings TEXT NOT NULL DEFAULT '{}',
  listed INTEGER NOT NULL DEFAULT 1,
  gone INTEGER NOT NULL DEFAULT 0,
  gone_seen INTEGER NOT NULL DEFAULT 0,
  moved_to TEXT,
  moved_seen INTEGER NOT NULL DEFAULT 0,
  identity TEXT NOT NULL DEFAULT 'guid',
  etag TEXT,
  last_modified TEXT,
  body_fingerprint TEXT,
  next_poll_at TEXT NOT NULL,
  retry_after_at TEXT,
  hints TEXT NOT NULL DEFAULT '{}',
  next_poll_reasons TEXT NOT NULL DEFAULT '[]',
  last_poll_at TEXT,
  last_change_at TEXT,
  failures INTEGER NOT NULL DEFAULT 0,
  failure TEXT
, refused_fingerprint TEXT, led_to TEXT) STRICT;
INSERT INTO "feeds" VALUES(1,'https://a.example/feed','https://a.example/feed','a.example','a.example','','A',NULL,NULL,'{}',1,0,0,NULL,0,'guid','"1"',NULL,'seen','2026-11-24T05:00:00Z',NULL,'{}','[]',NULL,NULL,0,NULL,NULL,NULL);
INSERT INTO "feeds" VALUES(2,'https://b.example/feed','https://b.example/feed','b.example','b.example','','B',NULL,NULL,'{}',1,0,0,NULL,0,'guid',NULL,NULL,NULL,'2026-11-24T05:30:00Z',NULL,'{}','[]',NULL,NULL,3,'NotAFeed: is an HTML page',NULL,NULL);
CREATE TABLE host_rests (
  host TEXT PRIMARY KEY,
  retry_after_at TEXT NOT NULL
) STRICT, WITHOUT ROWID;
CREATE TABLE hosts (
  domain TEXT PRIMARY KEY,
  next_fetch_at TEXT,
  retry_after_at TEXT,
  reason TEXT,
  robots TEXT,
  robots_at TEXT
) STRICT, WITHOUT ROWID;
CREATE TABLE meta (
  key TEXT PRIMARY KEY,
  value TEXT NOT NULL
) STRICT, WITHOUT ROWID;
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
CREATE TABLE polls (
  poll_id INTEGER PRIMARY KEY,
  feed_id INTEGER NOT NULL REFERENCES feeds (feed_id),
  polled_at TEXT NOT NULL,
  outcome TEXT NOT NULL CHECK (outcome IN ('changed', 'unchanged', 'not_modified', 'failed', 'gone')),
  status INTEGER,
  bytes INTEGER NOT NULL DEFAULT 0,
  seconds REAL NOT NULL DEFAULT 0,
  added INTEGER NOT NULL DEFAULT 0,
  changed INTEGER NOT NULL DEFAULT 0,
  detail TEXT
) STRICT;
INSERT INTO "polls" VALUES(1,1,'2026-11-24T04:00:00Z','changed',200,0,0.0,0,0,NULL);
CREATE TABLE publications (
  public_id TEXT PRIMARY KEY,
  story_id INTEGER NOT NULL UNIQUE REFERENCES stories (story_id),
  slug TEXT NOT NULL UNIQUE,
  state TEXT NOT NULL CHECK (state IN ('held', 'untranslated', 'translated', 'withdrawn')),
  held_at TEXT NOT NULL,
  first_published_at TEXT,
  updated_at TEXT,
  title TEXT NOT NULL DEFAULT '',
  body TEXT NOT NULL DEFAULT '',
  fingerprint TEXT NOT NULL DEFAULT ''
) STRICT;
INSERT INTO "publications" VALUES('urn:uuid:1',1,'2026/11/1','translated','2026-11-24T04:00:00Z','2026-11-24T04:10:00Z','2026-11-24T04:10:00Z','見出し','本文。','fp');
CREATE TABLE site_policies (
  origin TEXT PRIMARY KEY,
  domain TEXT NOT NULL,
  robots TEXT NOT NULL,
  tdmrep TEXT NOT NULL,
  ai_txt TEXT NOT NULL,
  read_at TEXT NOT NULL
) STRICT, WITHOUT ROWID;
CREATE TABLE stories (
  story_id INTEGER PRIMARY KEY,
  lead_entry_id INTEGER REFERENCES entries (entry_id) DEFERRABLE INITIALLY DEFERRED
) STRICT;
INSERT INTO "stories" VALUES(1,1);
INSERT INTO "stories" VALUES(2,NULL);
CREATE TABLE summaries (
  entry_id INTEGER PRIMARY KEY REFERENCES entries (entry_id),
  input_fingerprint TEXT NOT NULL,
  text TEXT NOT NULL,
  story TEXT NOT NULL,
  origin TEXT NOT NULL CHECK (origin IN ('extract', 'llm')),
  fingerprint TEXT NOT NULL,
  retry_at TEXT,
  failure TEXT
) STRICT;
INSERT INTO "summaries" VALUES(1,'fa','Text.','','extract','fs',NULL,NULL);
CREATE TABLE translation_memory (
  key TEXT PRIMARY KEY,
  engine TEXT NOT NULL,
  model TEXT NOT NULL,
  source TEXT NOT NULL,
  text TEXT NOT NULL,
  used_at TEXT NOT NULL
) STRICT, WITHOUT ROWID;
CREATE TABLE translation_refusals (
  key TEXT PRIMARY KEY,
  reason TEXT NOT NULL,
  refused_at TEXT NOT NULL
) STRICT, WITHOUT ROWID;
CREATE TABLE translations (
  entry_id INTEGER NOT NULL REFERENCES entries (entry_id),
  language TEXT NOT NULL,
  input_fingerprint TEXT,
  engine TEXT,
  model TEXT,
  glossary_version TEXT,
  title TEXT,
  summary TEXT,
  story TEXT,
  verdict TEXT,
  translated_at TEXT,
  attempt_fingerprint TEXT,
  attempts INTEGER NOT NULL DEFAULT 0,
  failure TEXT,
  retry_at TEXT, redo TEXT, refused_under TEXT, origin TEXT NOT NULL DEFAULT 'extract', headline INTEGER NOT NULL DEFAULT 0, writer TEXT NOT NULL DEFAULT '',
  PRIMARY KEY (entry_id, language)
) STRICT, WITHOUT ROWID;
INSERT INTO "translations" VALUES(1,'ja','fs','firefox','m',NULL,'見出し','本文。',NULL,NULL,'2026-11-24T04:10:00Z',NULL,0,NULL,NULL,NULL,NULL,'extract',0,'');
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
CREATE TABLE websub_deliveries (
  delivery_id INTEGER PRIMARY KEY,
  lease_id INTEGER NOT NULL REFERENCES websub (lease_id) ON DELETE CASCADE,
  content_type TEXT,
  body BLOB NOT NULL
) STRICT;
CREATE UNIQUE INDEX "idx__sqlite_migrations_migration_set_name"
    ON "_sqlite_migrations" ("migration_set", "name");
CREATE INDEX feeds_due ON feeds (next_poll_at) WHERE listed = 1 AND gone = 0;
CREATE INDEX polls_feed ON polls (feed_id, polled_at);
CREATE INDEX polls_age ON polls (polled_at);
CREATE INDEX stories_unpublished ON stories (story_id) WHERE lead_entry_id IS NULL;
CREATE INDEX entries_canonical ON entries (canonical_url) WHERE canonical_url IS NOT NULL;
CREATE INDEX entries_story ON entries (story_id);
CREATE INDEX entries_listed ON entries (feed_id) WHERE unlisted_at IS NULL;
CREATE INDEX entries_feed ON entries (feed_id, sort_at);
CREATE INDEX entries_queue ON entries (sort_at) WHERE excluded IS NULL;
CREATE INDEX publications_newest ON publications (state, first_published_at);
CREATE INDEX publications_held ON publications (held_at) WHERE state IN ('held', 'untranslated');
CREATE UNIQUE INDEX websub_feed ON websub (feed_id) WHERE mode != 'unsubscribe';
CREATE INDEX pages_due ON pages (due_at) WHERE due_at IS NOT NULL;
CREATE INDEX site_policies_domain ON site_policies (domain);
COMMIT;
