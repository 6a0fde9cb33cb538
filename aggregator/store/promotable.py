"""Table promotable: stories whose lead got a translation that readers have not been given yet.

The database keeps it itself, whoever writes a translation or changes a lead: in a large store many stories
never get a translation, and none of them is looked at to find the few that just got one.
"""

# Released: a change is a migration. OR IGNORE would not do: an upsert that fires a trigger overrides it.
TABLE = """
CREATE TABLE promotable (story_id INTEGER PRIMARY KEY) STRICT;

INSERT INTO promotable SELECT p.story_id FROM publications AS p JOIN stories AS st USING (story_id)
WHERE p.state IN ('held', 'untranslated') AND EXISTS (
  SELECT 1 FROM translations AS t WHERE t.entry_id = st.lead_entry_id AND t.title IS NOT NULL);

CREATE TRIGGER promotable_translated AFTER INSERT ON translations WHEN NEW.title IS NOT NULL
BEGIN
  INSERT INTO promotable SELECT e.story_id FROM entries AS e
  WHERE e.entry_id = NEW.entry_id AND NOT EXISTS (SELECT 1 FROM publications AS p
    WHERE p.story_id = e.story_id AND p.state IN ('translated', 'withdrawn'))
  ON CONFLICT DO NOTHING; END;

CREATE TRIGGER promotable_passed AFTER UPDATE OF title ON translations WHEN NEW.title IS NOT NULL
BEGIN
  INSERT INTO promotable SELECT e.story_id FROM entries AS e
  WHERE e.entry_id = NEW.entry_id AND NOT EXISTS (SELECT 1 FROM publications AS p
    WHERE p.story_id = e.story_id AND p.state IN ('translated', 'withdrawn'))
  ON CONFLICT DO NOTHING; END;

CREATE TRIGGER promotable_led AFTER UPDATE OF lead_entry_id ON stories WHEN NEW.lead_entry_id IS NOT NULL
BEGIN
  INSERT INTO promotable SELECT NEW.story_id
  WHERE EXISTS (SELECT 1 FROM translations AS t WHERE t.entry_id = NEW.lead_entry_id AND t.title IS NOT NULL)
    AND NOT EXISTS (SELECT 1 FROM publications AS p
      WHERE p.story_id = NEW.story_id AND p.state IN ('translated', 'withdrawn'))
  ON CONFLICT DO NOTHING; END;

CREATE TRIGGER promotable_given AFTER UPDATE OF state ON publications
WHEN NEW.state IN ('translated', 'withdrawn')
BEGIN
  DELETE FROM promotable WHERE story_id = NEW.story_id; END;

CREATE TRIGGER promotable_known AFTER INSERT ON publications WHEN NEW.state IN ('translated', 'withdrawn')
BEGIN
  DELETE FROM promotable WHERE story_id = NEW.story_id; END;

CREATE TRIGGER promotable_gone AFTER DELETE ON stories
BEGIN
  DELETE FROM promotable WHERE story_id = OLD.story_id; END;
"""
