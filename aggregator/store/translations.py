"""Tables translations, translation_memory and translation_refusals."""

import json
import types
from collections.abc import Iterable, Mapping
from dataclasses import asdict
from datetime import datetime, timedelta

from sqlite_utils import Database

from aggregator.markup import unturned
from aggregator.model import MemoryWrite, TranslateEntry, Translation, Untranslated
from aggregator.store import stale_pages
from aggregator.times import to_text

BACKOFF = (
    timedelta(minutes=15),
    timedelta(hours=1),
    timedelta(hours=6),
    timedelta(days=1),
)  # after the 1st, 2nd … attempt
ARTICLE_CHARACTERS = 3000  # of which a summary is written: news stands at the top, and each costs
ATTEMPTS = len(BACKOFF) + 1  # after so many the same input is not tried again
REFUSED_FOR = timedelta(days=30)  # what was refused before may be asked for again: the checks may be others
FALLBACK = timedelta(hours=24)  # after so long what a fallback engine made stays
OUTAGE = timedelta(minutes=15)  # engines that failed are no fault of the text, and no attempt at it
NO_SETUPS: Mapping[str, str] = types.MappingProxyType({})

# Released: a change is a migration.
REFUSED = """
CREATE INDEX translations_refused ON translations (failure) WHERE title IS NULL AND failure IS NOT NULL
"""
# What publishing takes: of each story its lead, or the entry that will be it, once its summary is settled.
_SETTLED = """a.input_fingerprint = e.fingerprint AND a.fingerprint != ''
  AND substr(s.input_fingerprint, 1, length(a.fingerprint)) = a.fingerprint"""
# CROSS JOIN keeps SQLite at the few entries of which anything may have to be made: see unsettled.py.
_STALE = f"""
FROM unsettled u CROSS JOIN summaries s USING (entry_id)
  LEFT JOIN translations t ON t.entry_id = s.entry_id AND t.language = :language
  CROSS JOIN entries e ON e.entry_id = s.entry_id JOIN articles a ON a.entry_id = s.entry_id
  JOIN feeds f USING (feed_id) JOIN stories st USING (story_id)
WHERE e.excluded IS NULL AND f.listed = 1 AND {_SETTLED} AND (e.title != '' OR s.text != '')
  AND (t.input_fingerprint IS NOT s.fingerprint OR t.redo = 'asked' OR (t.redo IN
    (SELECT value FROM json_each(:back)) AND t.translated_at > :since))
  AND (t.attempt_fingerprint IS NOT s.fingerprint OR t.attempts < :attempts OR t.refused_under != (
    SELECT nullif(value, '') FROM json_each(:setups)
    WHERE key = coalesce(json_extract(f.settings, '$.engine'), '')))
  AND e.entry_id = coalesce(st.lead_entry_id, (
    SELECT e.entry_id FROM entries e JOIN feeds f USING (feed_id) JOIN articles a USING (entry_id)
      JOIN summaries s USING (entry_id)
    WHERE e.story_id = st.story_id AND e.excluded IS NULL AND f.listed = 1 AND {_SETTLED}
    ORDER BY min(coalesce(e.published_at, e.sort_at), e.sort_at), f.listed_url, e.guid LIMIT 1))
"""  # noqa: S608 - constants of ours
_RETRY = "AND (t.attempt_fingerprint IS NOT s.fingerprint OR t.retry_at IS NULL OR t.retry_at <= :now)"
_TEXTS = """
SELECT e.entry_id, s.fingerprint AS input_fingerprint, e.title, s.text AS summary, s.story,
  coalesce(json_extract(f.settings, '$.language'), e.language, f.language) AS language,
  iif(t.attempt_fingerprint IS s.fingerprint, t.attempts, 0) AS attempts,
  coalesce(json_extract(f.settings, '$.engine'), '') AS engine, e.first_seen_at,
  iif(t.input_fingerprint IS s.fingerprint OR t.redo = 'asked', t.redo, NULL) AS redo,
  iif(s.origin = 'llm', substr(a.text, 1, :most), '') AS article
FROM json_each(:ids) ids JOIN entries e ON e.entry_id = ids.value JOIN feeds f USING (feed_id)
  JOIN summaries s USING (entry_id) JOIN articles a USING (entry_id)
  LEFT JOIN translations t ON t.entry_id = e.entry_id AND t.language = :language
ORDER BY ids.key
"""


def stale_ids(
    db: Database,
    language: str,
    now: datetime,
    back: Iterable[str] = (),
    setups: Mapping[str, str] = NO_SETUPS,
) -> list[int]:
    """List the entries to translate now, newest first, and then those to translate again.

    `back` names the engines that work: what others did in their place within a day is theirs to do again.
    `setups` are route.setup by the setting `engine` of feeds: what was refused under another one is tried
    again.
    """
    rows = db.execute(
        f"SELECT e.entry_id {_STALE} {_RETRY}"
        " ORDER BY t.input_fingerprint IS s.fingerprint, e.sort_at DESC, e.entry_id DESC",
        _values(language, now, back, setups),
    )
    return [row[0] for row in rows.fetchall()]


def count_waiting(db: Database, language: str, setups: Mapping[str, str] = NO_SETUPS, most: int = -1) -> int:
    """Count up to `most` entries without a translation of their present text that may still get one."""
    values = {"language": language, "attempts": ATTEMPTS, "back": "[]", "since": "",
              "setups": json.dumps(dict(setups)), "most": most}  # fmt: skip
    found = db.execute(f"SELECT count(*) FROM (SELECT 1 {_STALE} LIMIT :most)", values)  # noqa: S608
    return int(found.fetchone()[0])


def staying(
    db: Database, language: str, now: datetime, setups: Mapping[str, str]
) -> tuple[str, dict[str, object]]:
    """Return the query, and its values, of entries to be translated now, or when a wait or a rest is over."""
    back = db.execute("SELECT DISTINCT redo FROM unsettled CROSS JOIN translations USING (entry_id)")
    resting = [redo for (redo,) in back.fetchall() if redo]
    return f"SELECT e.entry_id {_STALE}", _values(language, now, resting, setups)


def _values(
    language: str, now: datetime, back: Iterable[str], setups: Mapping[str, str]
) -> dict[str, object]:
    return {
        "language": language, "attempts": ATTEMPTS, "now": to_text(now), "back": json.dumps(list(back)),
        "since": to_text(now - FALLBACK), "setups": json.dumps(dict(setups)),
    }  # fmt: skip


def texts(db: Database, language: str, entry_ids: Iterable[int]) -> list[TranslateEntry]:
    """Return the entries' texts in the order asked for."""
    values = {"ids": json.dumps(list(entry_ids)), "language": language, "most": ARTICLE_CHARACTERS}
    rows = db.query(_TEXTS, values)
    return [TranslateEntry(**{**row, "title": unturned(row["title"])}) for row in rows]


def feed_engines(db: Database) -> dict[str, list[str]]:
    """Return the engines that feeds name for themselves, as they name them, each with those feeds' titles."""
    found = db.execute(
        "SELECT json_extract(settings, '$.engine') AS engine,"
        " json_group_array(coalesce(nullif(title, ''), listed_url)) FROM feeds"
        " WHERE listed = 1 AND engine IS NOT NULL GROUP BY engine ORDER BY engine"
    )
    return {engine: json.loads(titles) for engine, titles in found.fetchall()}


_SHOWN = """
SELECT e.story_id FROM entries e JOIN stories st USING (story_id) JOIN publications p USING (story_id)
WHERE e.entry_id = ? AND st.lead_entry_id = e.entry_id AND p.state = 'translated'
"""


def recall(db: Database, keys: Iterable[str]) -> tuple[tuple[str, str], ...]:
    """Return what the memory holds under these keys."""
    sql = "SELECT key, text FROM translation_memory WHERE key IN (SELECT value FROM json_each(:keys))"
    return tuple((row["key"], row["text"]) for row in db.query(sql, {"keys": json.dumps(list(keys))}))


def write_translation(
    db: Database, language: str, made: Translation, now: datetime, redo: str | None = None
) -> None:
    """Store a translation that passed, and forget failed attempts.

    `redo` names the engine in whose place another one made it.
    """
    row = {**asdict(made), "language": language, "translated_at": to_text(now), "redo": redo}
    row |= {
        "attempt_fingerprint": None,
        "attempts": 0,
        "failure": None,
        "retry_at": None,
        "refused_under": None,
    }
    db.table("translations").upsert(row, pk=("entry_id", "language"))
    # Of an entry that readers have: newer ones may take its place in the feeds before it is published again.
    stories = db.execute(_SHOWN, [made.entry_id]).fetchall()
    stale_pages.note(db, (story_id for (story_id,) in stories))


def write_failure(
    db: Database, language: str, failed: Untranslated, now: datetime, setup: str | None = None
) -> None:
    """Book an attempt that failed; the last good translation stays.

    `setup` is what the attempt rested on beside the text.
    """
    before = db.execute(
        "SELECT attempts FROM translations WHERE entry_id = ? AND language = ? AND attempt_fingerprint = ?",
        (failed.entry_id, language, failed.input_fingerprint),
    ).fetchone()
    attempts, wait = booked(before[0] if before else 0, failed)
    row = {
        "entry_id": failed.entry_id, "language": language, "attempt_fingerprint": failed.input_fingerprint,
        "attempts": attempts, "failure": failed.failure, "retry_at": to_text(now + wait) if wait else None,
        "refused_under": setup if failed.kind in {"text", "refused"} else None,
    }  # fmt: skip
    if failed.kind == "refused":
        row["redo"] = None  # it was made again, and is no better: the translation there is stays
    db.table("translations").upsert(row, pk=("entry_id", "language"))


def booked(before: int, failed: Untranslated) -> tuple[int, timedelta | None]:
    """Return the attempts there were now, and the wait before the next; None where there is none."""
    match failed.kind:
        case "outage":
            return before, OUTAGE
        case "final" | "refused":
            return ATTEMPTS, None
        case "text":
            return before + 1, BACKOFF[before] if before < len(BACKOFF) else None


def remember(db: Database, writes: Iterable[MemoryWrite], used_keys: Iterable[str], now: datetime) -> None:
    """Add segments that passed to the memory, and date those it answered with."""
    db.table("translation_memory").upsert_all(
        ({**asdict(w), "used_at": to_text(now)} for w in writes), pk="key"
    )
    db.execute(
        "UPDATE translation_memory SET used_at = :now WHERE key IN (SELECT value FROM json_each(:keys))",
        {"now": to_text(now), "keys": json.dumps(list(used_keys))},
    )


def refused(db: Database, keys: Iterable[str]) -> tuple[tuple[str, str], ...]:
    """Return those of the memory's keys under which an answer was refused, each with the reason."""
    sql = "SELECT key, reason FROM translation_refusals WHERE key IN (SELECT value FROM json_each(:keys))"
    return tuple((row["key"], row["reason"]) for row in db.query(sql, {"keys": json.dumps(list(keys))}))


def note_refused(db: Database, refused: Iterable[tuple[str, str]], now: datetime) -> None:
    """Add answers that were refused, and forget those of more than 30 days ago."""
    rows = [{"key": key, "reason": reason, "refused_at": to_text(now)} for key, reason in refused]
    db.table("translation_refusals").upsert_all(rows, pk="key")
    db.execute("DELETE FROM translation_refusals WHERE refused_at < ?", [to_text(now - REFUSED_FOR)])


def refusals(db: Database, feed_id: int | None = None) -> list[tuple[str, int]]:
    """List why entries have no translation to show, the commonest reason first, each with its number.

    Shape: the entries of one feed where it is given.
    """
    return [
        (str(reason), int(number))
        for reason, number in db.execute(
            """SELECT failure, count(*) FROM translations WHERE title IS NULL AND failure IS NOT NULL
              AND (:feed_id IS NULL OR entry_id IN (SELECT entry_id FROM entries WHERE feed_id = :feed_id))
            GROUP BY 1 ORDER BY 2 DESC, 1""",
            {"feed_id": feed_id},
        )
    ]
