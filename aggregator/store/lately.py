"""What came and what failed lately, for an operator who looks: never more than the newest rows are read."""

from typing import Any

from sqlite_utils import Database

SHOWN = 30
_BACK = 20_000  # rows of the newest that failures are looked for among: a large store answers as fast

_FAILED = """
SELECT p.polled_at, p.outcome, p.detail, f.feed_id, coalesce(nullif(f.title, ''), f.listed_url) AS feed
FROM polls p JOIN feeds f USING (feed_id)
WHERE p.poll_id > (SELECT max(poll_id) FROM polls) - :back AND p.outcome IN ('failed', 'gone')
ORDER BY p.poll_id DESC LIMIT :most
"""
_SHOWN = """
SELECT e.entry_id, e.title, e.first_seen_at, e.excluded, p.state, p.title AS shown_title,
  t.title AS translated_title, t.failure, coalesce(nullif(f.title, ''), f.listed_url) AS feed
FROM entries e JOIN feeds f USING (feed_id) LEFT JOIN publications p ON p.story_id = e.story_id
  LEFT JOIN translations t ON t.entry_id = e.entry_id AND t.language = :language
"""
_NEWEST = f"{_SHOWN} ORDER BY e.entry_id DESC LIMIT :most"
_REFUSED = f"""{_SHOWN}
WHERE e.entry_id > (SELECT max(entry_id) FROM entries) - :back AND t.failure IS NOT NULL
ORDER BY e.entry_id DESC LIMIT :most
"""  # noqa: S608


def failed_polls(db: Database) -> list[dict[str, Any]]:
    """List the polls of any feed that failed last, the newest first."""
    return list(db.query(_FAILED, {"back": _BACK, "most": SHOWN}))


def entries(db: Database, language: str) -> list[dict[str, Any]]:
    """List the newest entries with how they stand."""
    return list(db.query(_NEWEST, {"language": language, "most": SHOWN}))


def refused(db: Database, language: str) -> list[dict[str, Any]]:
    """List the newest entries whose last attempt at a translation failed."""
    return list(db.query(_REFUSED, {"language": language, "back": _BACK, "most": SHOWN}))
