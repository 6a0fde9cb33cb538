"""Translations to make again: finding and marking them, and the glossaries they were made with."""

import json
from collections.abc import Iterable
from dataclasses import dataclass

from sqlite_utils import Database

from aggregator.model import ASKED
from aggregator.store import meta
from aggregator.store.translations import ARTICLE_CHARACTERS

_MADE = """
SELECT t.entry_id, coalesce(t.glossary_version, '') AS glossary_version,
  e.title || char(10) || s.text || char(10) || s.story || iif(
    s.origin = 'llm' AND t.origin = 'extract', char(10) || substr(a.text, 1, :most), '') AS text,
  iif(s.text = '', 0, length(e.title) + 1 + length(s.text)) AS headline
FROM translations t JOIN entries e USING (entry_id) JOIN feeds f USING (feed_id)
  JOIN summaries s USING (entry_id) JOIN articles a USING (entry_id) JOIN stories st USING (story_id)
WHERE t.language = :language
  AND (t.input_fingerprint = s.fingerprint AND t.engine != 'original' OR :refused
    AND t.input_fingerprint IS NOT s.fingerprint AND t.attempt_fingerprint = s.fingerprint
    AND (t.failure LIKE 'title: %' OR t.failure LIKE 'summary: %'))
  AND f.listed = 1 AND e.excluded IS NULL AND coalesce(st.lead_entry_id, e.entry_id) = e.entry_id
  AND (:engine IS NULL OR t.engine = :engine) AND (:feed_id IS NULL OR e.feed_id = :feed_id)
"""
_NEWEST = "ORDER BY e.sort_at DESC, e.entry_id DESC"
# By its number an entry is found at once, in a store of any size.
_NUMBERED, _ADDRESSED = "AND t.entry_id = CAST(:entry AS INTEGER)", "AND e.permalink = :entry"
_DIGITS = 19  # of what is too much for SQLite


@dataclass(frozen=True, slots=True, kw_only=True)
class Made:
    """An entry with a good translation of its present text, or whose translations were refused."""

    entry_id: int
    glossary_version: str
    text: str  # all that would be sent again
    headline: int  # characters that a headline would be written of


def made(
    db: Database, language: str, *, engine: str | None, feed_id: int | None, entry: str | None, refused: bool
) -> list[Made]:
    """List what an engine made, what is a feed's, or an entry by number or address; without these, all.

    `refused` adds what engines were asked for and made nothing of that passed.
    """
    values = {"language": language, "engine": engine, "feed_id": feed_id, "entry": entry}
    values |= {"refused": refused and engine is None, "most": ARTICLE_CHARACTERS}
    return [Made(**row) for row in db.query(f"{_MADE} {_named(entry)} {_NEWEST}", values)]


def _named(entry: str | None) -> str:
    if entry is None:
        return ""
    is_number = entry.isascii() and entry.isdecimal() and len(entry) < _DIGITS
    return _NUMBERED if is_number else _ADDRESSED


def ask_again(db: Database, language: str, entry_ids: Iterable[int]) -> None:
    """Make translations due again; they stay as they are until a new one passes."""
    db.execute(
        "UPDATE translations SET redo = :redo, attempts = 0, attempt_fingerprint = NULL, retry_at = NULL,"
        " refused_under = NULL"
        " WHERE language = :language AND entry_id IN (SELECT value FROM json_each(:ids))",
        {"redo": ASKED, "language": language, "ids": json.dumps(list(entry_ids))},
    )


def count_asked(db: Database) -> int:
    """Count the translations that are still to be made again for the operator."""
    return int(db.execute("SELECT count(*) FROM translations WHERE redo = ?", [ASKED]).fetchone()[0])


def note_glossary(db: Database, version: str, terms: dict[str, str]) -> None:
    """Keep what a version of the glossary says, to tell later what a change of it touches."""
    key = f"glossary:{version}"
    if meta.value(db, key) is None:
        value = json.dumps(terms, ensure_ascii=False, sort_keys=True)
        meta.note(db, key, value)


def glossaries(db: Database) -> dict[str, dict[str, str]]:
    """Return the glossaries that translations were made with, by version."""
    rows = db.execute("SELECT substr(key, 10), value FROM meta WHERE key LIKE 'glossary:%'")
    return {version: json.loads(value) for version, value in rows.fetchall()}
