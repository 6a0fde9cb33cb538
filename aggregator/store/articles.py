"""Tables articles and summaries."""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlite_utils import Database

from aggregator.model import Article, ArticleJob, Origin, Summary, SummaryJob
from aggregator.store import rows
from aggregator.times import to_text

PATIENCE = timedelta(hours=1)  # that a text waits for the first look at its page and its site's signals
RETRY_AFTER = timedelta(hours=1)  # after a crash; the job is one of ours, so waiting changes little

# CROSS JOIN keeps SQLite at the few entries of which anything may have to be made: see unsettled.py.
_UNREAD = """
FROM unsettled u CROSS JOIN entries e USING (entry_id) LEFT JOIN articles a USING (entry_id)
WHERE e.excluded IS NULL AND a.input_fingerprint IS NOT e.fingerprint
"""
_STALE_ARTICLES = f"{_UNREAD} AND (a.retry_at IS NULL OR a.retry_at <= :now)"
# A signal seen at the entry's site lowers its feed's rights, unless a rights_note says why it does not hold.
RIGHTS = """CASE WHEN look.effect = 'titles' AND coalesce(json_extract(f.settings, '$.rights_note'), '') = ''
  THEN 'titles' ELSE coalesce(json_extract(f.settings, '$.rights'), 'excerpt') END"""
# Rights decide what may be shown, so a change of them makes the summary stale; once the article is gone, the
# strictest alone do.
_INPUT = f"a.fingerprint || ':' || {RIGHTS}"
_UNSUMMARISED = f"""
FROM unsettled u CROSS JOIN entries e USING (entry_id) JOIN articles a USING (entry_id)
  JOIN feeds f USING (feed_id) LEFT JOIN summaries s USING (entry_id) LEFT JOIN pages look USING (entry_id)
WHERE e.excluded IS NULL AND a.input_fingerprint = e.fingerprint AND s.input_fingerprint IS NOT {_INPUT}
  AND (a.text != '' OR substr(coalesce(s.input_fingerprint, ''), 1, length(a.fingerprint)) != a.fingerprint
    OR {RIGHTS} = 'titles')
"""
_STALE_SUMMARIES = f"""{_UNSUMMARISED}
  AND (s.retry_at IS NULL OR s.retry_at <= :now)
  AND NOT (look.due_at IS NOT NULL AND look.attempts = 0 AND look.queued_at > :patience)
"""
# Entries with a text or summary to be made, now or when a wait is over.
STAYING = f"SELECT e.entry_id {_UNREAD} UNION ALL SELECT e.entry_id {_UNSUMMARISED}"
# Of these nothing more is made: a story is cut where rights are narrowed, a model writes of the whole text.
_SPENT = """
SELECT a.entry_id FROM articles a CROSS JOIN summaries s USING (entry_id)
  CROSS JOIN translations t ON t.entry_id = a.entry_id AND t.language = :language
WHERE a.text != '' AND a.entry_id > :after AND s.origin = 'extract' AND s.story = ''
  AND substr(s.input_fingerprint, 1, length(a.fingerprint)) = a.fingerprint
  AND t.input_fingerprint = s.fingerprint AND t.redo IS NULL AND t.translated_at <= :before
  AND NOT EXISTS (SELECT 1 FROM pages p WHERE p.entry_id = a.entry_id AND p.due_at IS NOT NULL)
ORDER BY a.entry_id LIMIT :most
"""


def stale_articles(db: Database, now: datetime, limit: int) -> list[ArticleJob]:
    """List entries without the text of their current revision, newest first."""
    rows = db.query(
        f"""SELECT e.entry_id, e.fingerprint, e.title, e.permalink, e.summary_html, e.content_html
        {_STALE_ARTICLES} ORDER BY e.sort_at DESC LIMIT :limit""",
        {"now": to_text(now), "limit": limit},
    )
    return [ArticleJob(**row) for row in rows]


def count_stale_articles(db: Database, now: datetime) -> int:
    """Count what `stale_articles` would list."""
    return int(db.execute(f"SELECT count(*) {_STALE_ARTICLES}", {"now": to_text(now)}).fetchone()[0])


def stale_summaries(db: Database, now: datetime, limit: int, origin: Origin = "extract") -> list[SummaryJob]:
    """List articles without a summary of their present text, newest first.

    `origin` is what is wanted for feeds that do not say otherwise.
    """
    rows = db.query(
        f"""SELECT e.entry_id, {_INPUT} AS input_fingerprint, e.title, a.text,
        {RIGHTS} AS rights, coalesce(json_extract(f.settings, '$.summary'), :origin) AS origin
        {_STALE_SUMMARIES} ORDER BY e.sort_at DESC LIMIT :limit""",
        _at(now) | {"limit": limit, "origin": origin},
    )
    return [SummaryJob(**row) for row in rows]


def count_stale_summaries(db: Database, now: datetime) -> int:
    """Count what `stale_summaries` would list."""
    return int(db.execute(f"SELECT count(*) {_STALE_SUMMARIES}", _at(now)).fetchone()[0])


def _at(now: datetime) -> dict[str, Any]:
    return {"now": to_text(now), "patience": to_text(now - PATIENCE)}


def write_articles(db: Database, articles: Iterable[Article]) -> None:
    """Store article texts."""
    _upsert(db, "articles", ({**_columns(a), "origin": a.origin, "text": a.text} for a in articles))


def write_summaries(db: Database, summaries: Iterable[Summary]) -> None:
    """Store summaries."""
    rows = ({**_columns(s), "text": s.text, "story": s.story, "origin": s.origin} for s in summaries)
    _upsert(db, "summaries", rows)


def spent(db: Database, language: str, before: datetime, after: int, most: int) -> list[int]:
    """List entries after one whose article is needed no more: what was made of it was translated by then."""
    values = {"language": language, "before": to_text(before), "after": after, "most": most}
    return [row[0] for row in db.execute(_SPENT, values).fetchall()]


def drop_texts(db: Database, entry_ids: Sequence[int]) -> None:
    """Delete the entries' articles; that they were there, and what was made of them, stays."""
    rows.shorten(db, "articles", "entry_id", entry_ids, lambda row: row | {"text": ""})


def _columns(row: Article | Summary) -> dict[str, Any]:
    return {
        "entry_id": row.entry_id,
        "input_fingerprint": row.input_fingerprint,
        "fingerprint": row.fingerprint,
        "retry_at": None,
        "failure": None,
    }


def _upsert(db: Database, table: str, rows: Iterable[dict[str, Any]]) -> None:
    db.table(table).upsert_all(rows, pk="entry_id")


def postpone_articles(db: Database, entry_ids: Iterable[int], failure: str, now: datetime) -> None:
    """Leave the entries' texts alone for a while."""
    empty = {"input_fingerprint": "", "origin": "feed", "text": "", "fingerprint": ""}
    _postpone(db, "articles", entry_ids, empty, failure, now)


def postpone_summaries(db: Database, entry_ids: Iterable[int], failure: str, now: datetime) -> None:
    """Leave the entries' summaries alone for a while."""
    empty = {"input_fingerprint": "", "text": "", "story": "", "origin": "extract", "fingerprint": ""}
    _postpone(db, "summaries", entry_ids, empty, failure, now)


def _postpone(
    db: Database, table: str, entry_ids: Iterable[int], empty: dict[str, str], failure: str, now: datetime
) -> None:
    """Keep a good row of an earlier revision; make an empty one where there is none."""
    ids = list(entry_ids)
    db.table(table).insert_all(({"entry_id": i, **empty} for i in ids), pk="entry_id", ignore=True)
    for entry_id in ids:
        db.table(table).update(entry_id, {"retry_at": to_text(now + RETRY_AFTER), "failure": failure})
