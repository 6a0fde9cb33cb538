"""Table viewpoints: comments that machines wrote on stories, each from the article as it is now."""

import json
from collections import defaultdict
from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any

from sqlite_utils import Database

from aggregator.markup import xml_legal
from aggregator.model import PERSONAS, Viewpoint, ViewpointJob, ViewpointOrder, ViewpointOutcome
from aggregator.store import rows, stale_pages
from aggregator.store.articles import RIGHTS
from aggregator.times import from_text, to_text

RECENT = timedelta(hours=48)  # since publication; nobody reads what is said of older news
RETRY = timedelta(minutes=15)  # after the writer failed
LENGTH = 3000  # characters of an article that it is written of

_ARTICLES = """
FROM publications AS p JOIN stories AS st ON st.story_id = p.story_id
  JOIN entries AS e ON e.entry_id = st.lead_entry_id JOIN feeds AS f USING (feed_id)
  JOIN articles AS a USING (entry_id) LEFT JOIN pages AS look USING (entry_id)
"""
# Whoever allows no more than the title allows no comment on the text either.
_USABLE = f"a.input_fingerprint = e.fingerprint AND {RIGHTS} != 'titles'"
_DUE = f"""
SELECT p.story_id, persona.value AS persona, a.fingerprint AS input_fingerprint, e.title, e.first_seen_at,
  substr(a.text, 1, :length) AS text, coalesce(json_extract(f.settings, '$.engine'), '') AS engine
{_ARTICLES} JOIN json_each(:personas) AS persona
  LEFT JOIN viewpoints AS v ON v.story_id = p.story_id AND v.persona = persona.value
WHERE {_USABLE} AND p.state = 'translated' AND p.first_published_at > :since AND e.excluded IS NULL
  AND a.text != '' AND (v.input_fingerprint IS NOT a.fingerprint OR v.retry_at <= :now)
ORDER BY p.first_published_at DESC, p.story_id, persona.key
"""
_SHOWN = f"""
SELECT v.story_id, v.persona, v.text, v.engine, v.model, v.written_at
{_ARTICLES} JOIN viewpoints AS v ON v.story_id = p.story_id
WHERE {_USABLE} AND v.input_fingerprint = a.fingerprint AND v.text != ''
  AND p.story_id IN (SELECT value FROM json_each(?))
ORDER BY v.story_id, v.persona DESC
"""  # noqa: S608

_SUMMARY = """
SELECT substr(failure, 1, iif(instr(failure, ':'), instr(failure, ':') - 1, length(failure))), count(*)
FROM viewpoints WHERE text IS NOT NULL OR retry_at IS NULL GROUP BY 1 ORDER BY 2 DESC, 1
"""


def due(db: Database, now: datetime) -> list[ViewpointOrder]:
    """List the comments that are to be written, the newest entries first."""
    values = {"since": to_text(now - RECENT), "now": to_text(now), "length": LENGTH,
              "personas": json.dumps(PERSONAS)}  # fmt: skip
    return [ViewpointOrder(**row) for row in db.query(_DUE, values)]


def write(db: Database, job: ViewpointJob, outcome: ViewpointOutcome, now: datetime) -> None:
    """Keep what a machine wrote, or why not: what was refused waits for another text of the article."""
    order, made = job.order, bool(outcome.text)
    row = {
        "story_id": order.story_id, "persona": order.persona, "input_fingerprint": order.input_fingerprint,
        "text": outcome.text or None, "engine": job.engine.name if made else None,
        "model": job.engine.model if made else None, "written_at": to_text(now) if made else None,
        "failure": outcome.failure or outcome.trouble or None,
        "retry_at": to_text(now + RETRY) if outcome.trouble else None,
    }  # fmt: skip
    rows.upsert(db, "viewpoints", ("story_id", "persona"), [row])
    stale_pages.note(db, [order.story_id])


def forget(db: Database) -> None:
    """Delete all of them: no machine comments any more."""
    gone = {row[0] for row in db.execute("SELECT story_id FROM viewpoints").fetchall()}
    if gone:
        db.execute("DELETE FROM viewpoints")
        stale_pages.note(db, gone)


def shown(db: Database, story_ids: Iterable[int]) -> dict[int, tuple[Viewpoint, ...]]:
    """Return stories' comments by machines as their pages show them, the hopeful one first."""
    found: defaultdict[int, list[Viewpoint]] = defaultdict(list)
    for row in db.query(_SHOWN, [json.dumps(list(story_ids))]):
        view = Viewpoint(
            persona=row["persona"], text=xml_legal(row["text"]), engine=row["engine"], model=row["model"],
            written_at=from_text(row["written_at"]),
        )  # fmt: skip
        found[row["story_id"]].append(view)
    return {story_id: tuple(views) for story_id, views in found.items()}


def summary(db: Database) -> dict[str, Any]:
    """Count what machines wrote, and why they did not, the commonest reason first.

    Shape: `written`, and `refused` by reason; of a reason its kind alone.
    """
    rows = db.execute(_SUMMARY).fetchall()
    refused = {str(reason): int(number) for reason, number in rows if reason}
    return {"written": sum(number for reason, number in rows if not reason), "refused": refused}
