"""What counts the changes of documents, and has them written again where a site's signals come or go.

Triggers, as no step that writes any of it should have to think of who shows it.
"""

# Released: a change is a migration.
# What changes while it is rendered is written again: who notes that it lies there names the number it read.
COUNTED = """
ALTER TABLE archives ADD COLUMN changes INTEGER NOT NULL DEFAULT 0;
CREATE TRIGGER archives_changed AFTER UPDATE OF written ON archives WHEN NEW.written IS NULL
BEGIN
  UPDATE archives SET changes = changes + 1 WHERE archive_id = NEW.archive_id; END;

ALTER TABLE digests ADD COLUMN changes INTEGER NOT NULL DEFAULT 0;
CREATE TRIGGER digests_changed AFTER UPDATE OF page_form ON digests WHEN NEW.page_form = ''
BEGIN
  UPDATE digests SET changes = changes + 1 WHERE digest_id = NEW.digest_id; END;

ALTER TABLE source_feeds ADD COLUMN changes INTEGER NOT NULL DEFAULT 0;
CREATE TRIGGER source_feeds_changed AFTER UPDATE OF written ON source_feeds WHEN NEW.written IS NULL
BEGIN
  UPDATE source_feeds SET changes = changes + 1 WHERE feed_id = NEW.feed_id; END;

ALTER TABLE stale_pages ADD COLUMN changes INTEGER NOT NULL DEFAULT 0;
CREATE TRIGGER stale_pages_changed BEFORE INSERT ON stale_pages
BEGIN
  UPDATE stale_pages SET changes = changes + 1 WHERE story_id = NEW.story_id; END;

ALTER TABLE day_changes ADD COLUMN changes INTEGER NOT NULL DEFAULT 0;
CREATE TRIGGER days_changed BEFORE INSERT ON day_changes
BEGIN
  UPDATE day_changes SET changes = changes + 1 WHERE minute = NEW.minute; END;
"""
# A site's signal lowers an entry's rights where no note stands against it: either may come and go. What a
# category holds beside the main feed follows with the next entries.
_SPOKEN = """
SELECT e.story_id FROM entries e JOIN pages look USING (entry_id)
    WHERE e.feed_id = NEW.feed_id AND look.effect = 'titles'"""
_FOLLOW = """
  UPDATE archives SET written = NULL WHERE archive_id IN (
    SELECT archive_id FROM publications WHERE story_id IN ({stories})
    UNION SELECT d.archive_id FROM digest_entries JOIN digests d USING (digest_id)
      WHERE story_id IN ({stories}));
  UPDATE digests SET page_form = '' WHERE digest_id IN (
    SELECT digest_id FROM digest_entries WHERE story_id IN ({stories}));
  UPDATE source_feeds SET written = NULL WHERE feed_id IN (
    SELECT feed_id FROM entries WHERE story_id IN ({stories}));"""
NOTES = f"""
CREATE TRIGGER notes_on_rights AFTER UPDATE OF settings ON feeds
WHEN (coalesce(json_extract(OLD.settings, '$.rights_note'), '') = '')
  != (coalesce(json_extract(NEW.settings, '$.rights_note'), '') = '')
BEGIN {_FOLLOW.format(stories=_SPOKEN)} END
"""
SIGNALS = f"""
CREATE TRIGGER signals_on_rights AFTER UPDATE OF effect ON pages
WHEN (OLD.effect IS 'titles') != (NEW.effect IS 'titles') AND EXISTS (
  SELECT 1 FROM entries JOIN publications p USING (story_id)
  WHERE entry_id = NEW.entry_id AND p.state IN ('untranslated', 'translated'))
BEGIN {_FOLLOW.format(stories="SELECT story_id FROM entries WHERE entry_id = NEW.entry_id")}
  INSERT INTO stale_pages (story_id) SELECT story_id FROM entries WHERE entry_id = NEW.entry_id
    ON CONFLICT DO NOTHING;
  DELETE FROM meta WHERE key = 'categories'; END
"""  # noqa: S608 - constants of ours
