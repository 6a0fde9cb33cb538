"""Table publications, and the rows of other tables it is made from."""

import json
import secrets
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any, NamedTuple, get_args

from sqlite_utils import Database

from aggregator.model import PublicationState
from aggregator.publish.edition import Facts, Publication
from aggregator.publish.promote import Candidate, Hold
from aggregator.publish.room import FIT, KEPT
from aggregator.store import comments, joins, meta, viewpoints
from aggregator.store.articles import RIGHTS
from aggregator.store.facts import facts_of
from aggregator.store.retention import DROPPED
from aggregator.times import from_text, maybe_text, maybe_time, to_text

# A summary's input is its article's fingerprint with the rights behind it; a postponed article's is empty.
_SETTLED = """a.input_fingerprint = e.fingerprint AND a.fingerprint != ''
  AND substr(s.input_fingerprint, 1, length(a.fingerprint)) = a.fingerprint"""

# CROSS JOIN keeps SQLite from starting at the entries, of which nearly all are published.
_CANDIDATES = f"""
WITH fit AS (
  SELECT e.story_id, e.entry_id, f.listed_url, e.guid, e.permalink, e.published_at, e.sort_at
  FROM stories st CROSS JOIN entries e USING (story_id) JOIN feeds f USING (feed_id)
    JOIN articles a USING (entry_id) JOIN summaries s USING (entry_id)
  WHERE st.lead_entry_id IS NULL AND e.excluded IS NULL AND f.listed = 1 AND {_SETTLED})
SELECT * FROM fit WHERE story_id IN (SELECT DISTINCT story_id FROM fit ORDER BY story_id LIMIT :limit)
"""  # noqa: S608 - constants of ours

# Of a feed that was removed nothing more is translated. In a large store many stories wait for a translation
# for ever, and at each look it is asked who does and who got one: see promotable.py.
_LISTED = """(NOT EXISTS (SELECT 1 FROM feeds WHERE listed = 0) OR EXISTS (
  SELECT 1 FROM stories st JOIN entries e ON e.entry_id = st.lead_entry_id JOIN feeds f USING (feed_id)
  WHERE st.story_id = p.story_id AND f.listed = 1))"""
_WAITING = f"""
SELECT count(*) FROM publications p WHERE p.state IN ('held', 'untranslated') AND {_LISTED}
"""  # noqa: S608 - constants of ours
_DUE = f"""
SELECT p.story_id, p.held_at, p.public_id FROM publications p
WHERE p.state = 'held' AND p.held_at <= :held_before AND {_LISTED}
UNION
SELECT p.story_id, p.held_at, p.public_id
FROM promotable q CROSS JOIN publications p USING (story_id) CROSS JOIN stories st USING (story_id)
WHERE p.state IN ('held', 'untranslated') AND EXISTS (
  SELECT 1 FROM translations t
  WHERE t.entry_id = st.lead_entry_id AND t.language = :language AND t.title IS NOT NULL) AND {_LISTED}
ORDER BY 2, 3 LIMIT :limit
"""  # noqa: S608

# When a story was last published; each state's newest one stands at the end of an index.
NEWEST_AT = f"""
SELECT max(at) FROM (SELECT (SELECT max(first_published_at) FROM publications WHERE state = value) AS at
  FROM json_each('{json.dumps(get_args(PublicationState))}'))
"""  # noqa: S608

_LEADS = f"""
SELECT p.*, e.title AS original, e.permalink, e.authors, e.tags, e.enclosures, e.image_url, e.comments_url,
  coalesce(json_extract(f.settings, '$.language'), e.language, f.language) AS language, e.comments_feed_url,
  e.published_at, e.updated_at AS source_updated_at, e.sort_at, f.category, e.entry_id,
  {RIGHTS} AS rights, coalesce(s.text, '') AS summary,
  coalesce(s.story, '') AS story, t.engine, t.model, t.title AS t_title,
  t.origin AS t_origin, t.headline, t.writer,
  CASE WHEN t.engine = 'original' THEN coalesce(nullif(e.content_html, ''), e.summary_html) END AS relayed,
  coalesce(t.summary, '') AS t_summary, coalesce(t.story, '') AS t_story,
  coalesce(t.input_fingerprint = s.fingerprint AND {_SETTLED}, 0) AS current
FROM publications p JOIN stories st USING (story_id) JOIN entries e ON e.entry_id = st.lead_entry_id
  JOIN feeds f USING (feed_id) LEFT JOIN articles a USING (entry_id) LEFT JOIN summaries s USING (entry_id)
  LEFT JOIN pages look ON look.entry_id = e.entry_id
  LEFT JOIN translations t ON t.entry_id = e.entry_id AND t.language = :language
WHERE p.story_id IN (SELECT value FROM json_each(:stories)) ORDER BY p.public_id
"""  # noqa: S608

_SOURCES = f"""
SELECT e.story_id, e.permalink, f.site_url, f.listed_url, f.category,
  coalesce(nullif(f.title, ''), f.host) AS title
FROM entries e JOIN feeds f USING (feed_id) JOIN stories st USING (story_id)
WHERE e.story_id IN (SELECT value FROM json_each(:stories))
  AND (e.excluded IS NULL OR e.excluded = '{DROPPED}' OR e.entry_id = st.lead_entry_id)
ORDER BY e.entry_id != st.lead_entry_id, coalesce(e.published_at, e.sort_at), f.listed_url, e.guid
"""  # noqa: S608

# A thread that was deleted has no comments any more, whatever a feed said of it.
_COUNTS = """
SELECT e.story_id, c.source, c.url, c.count, c.counted_at
FROM comment_counts c JOIN entries e USING (entry_id)
WHERE e.story_id IN (SELECT value FROM json_each(:stories)) AND NOT EXISTS (
  SELECT 1 FROM discussions d WHERE d.story_id = e.story_id AND d.url = c.url AND d.gone = 1)
"""


def candidates(db: Database, limit: int) -> list[Candidate]:
    """List entries fit to be held, of `limit` stories at most."""
    return [
        Candidate(
            story_id=row["story_id"], entry_id=row["entry_id"], listed_url=row["listed_url"],
            guid=row["guid"], permalink=row["permalink"], published_at=maybe_time(row["published_at"]),
            sort_at=from_text(row["sort_at"]),
        )
        for row in db.query(_CANDIDATES, {"limit": limit})
    ]  # fmt: skip


def hold(db: Database, story: Hold, now: datetime) -> None:
    """Write a story's publication and lead, under the first of its names that is free."""
    ids = [each.public_id for each in (story, *story.others)]
    used = _used(db, "public_id", ids)
    story = next(each for each in (story, *story.others) if each.public_id not in used)
    used = _used(db, "slug", story.slugs)
    slug = next(slug for slug in story.slugs if slug not in used)
    db.table("publications").insert(
        {"public_id": story.public_id, "story_id": story.story_id, "slug": slug, "state": "held",
         "held_at": to_text(now)}
    )  # fmt: skip
    db.table("stories").update(story.story_id, {"lead_entry_id": story.lead_entry_id})


def _used(db: Database, column: str, names: Sequence[str]) -> set[str]:
    sql = f"SELECT {column} FROM publications WHERE {column} IN (SELECT value FROM json_each(?))"  # noqa: S608 - columns of ours
    return {name for (name,) in db.execute(sql, [json.dumps(names)])}


def due(db: Database, held_before: datetime, language: str, limit: int) -> list[int]:
    """List stories whose publication waits no longer: translated, or held too long."""
    values = {"held_before": to_text(held_before), "language": language, "limit": limit}
    return [row["story_id"] for row in db.query(_DUE, values)]


def newest(db: Database, state: PublicationState, most: int) -> list[int]:
    """List the stories that may stand in an edition: the newest `most`, and those of the last 48 hours.

    Shape: of more than fit into a document, the newest.
    """
    times = (
        "SELECT first_published_at AS t FROM publications WHERE state = ? ORDER BY t DESC LIMIT 1 OFFSET ?"
    )
    first = next(db.query(times, [state, 0]), None)
    if first is None:
        return []
    last = next(db.query(times, [state, most - 1]), {"t": ""})
    since = min(last["t"], to_text(from_text(first["t"]) - KEPT))
    rows = db.query(
        "SELECT story_id FROM publications WHERE state = ? AND first_published_at >= ? "
        "ORDER BY first_published_at DESC, public_id LIMIT ?",
        [state, since, max(most, FIT)],
    )
    return [row["story_id"] for row in rows]


def came(db: Database, since: datetime) -> list[datetime]:
    """Return when the entries came out that were published since, without those that were old by then."""
    # What comes at once after an outage came out one after another.
    sql = """SELECT min(coalesce(e.published_at, e.sort_at), e.sort_at) AS out_at
      FROM publications p CROSS JOIN stories st USING (story_id)
      JOIN entries e ON e.entry_id = st.lead_entry_id
      WHERE p.state IN ('translated', 'untranslated') AND p.first_published_at >= :since
        AND out_at >= :since"""
    return [from_text(row["out_at"]) for row in db.query(sql, {"since": to_text(since)})]


def led_by(db: Database, entry_ids: Iterable[int]) -> set[int]:
    """Return the stories that these entries lead."""
    sql = "SELECT story_id FROM stories WHERE lead_entry_id IN (SELECT value FROM json_each(?))"
    return {row["story_id"] for row in db.query(sql, [json.dumps(list(entry_ids))])}


def shown(db: Database) -> list[int]:
    """List all stories that have a page."""
    rows = db.query("SELECT story_id FROM publications WHERE state IN ('untranslated', 'translated')")
    return [row["story_id"] for row in rows]


def waiting(db: Database) -> int:
    """Count the stories without a translation."""
    [count] = db.execute(_WAITING).fetchone()
    return int(count)


def rights(db: Database) -> dict[str, str]:
    """Return what each feed's settings say of its rights where they say anything, by its URL."""
    rows = db.query(
        """SELECT listed_url, coalesce(json_extract(settings, '$.rights'), '') || ' '
          || coalesce(json_extract(settings, '$.rights_note'), '') AS rights FROM feeds WHERE rights != ' '"""
    )
    return {row["listed_url"]: row["rights"] for row in rows}


def promote(db: Database, row: Publication) -> None:
    """Write what a publication has become."""
    db.table("publications").update(
        row.public_id,
        {"state": row.state, "first_published_at": maybe_text(row.first_published_at),
         "updated_at": maybe_text(row.updated_at), "title": row.title, "body": row.body,
         "fingerprint": row.fingerprint, "room": row.room},
    )  # fmt: skip


def facts(db: Database, stories: Iterable[int], language: str) -> list[Facts]:
    """Return all that is known of these stories, in the order of their public ids."""
    values = {"stories": json.dumps(sorted(stories)), "language": language}
    sources = _grouped(db, _SOURCES, values)
    counts = _grouped(db, _COUNTS, values)
    stories = json.loads(values["stories"])
    said, views = comments.shown(db, stories), viewpoints.shown(db, stories)
    others = joins.related(db, stories)
    known = [
        facts_of(row, sources[row["story_id"]], counts[row["story_id"]]) for row in db.query(_LEADS, values)
    ]
    more = said.keys() | views.keys() | others.keys()  # few have any
    return [
        replace(
            each,
            comments=said.get(story_id, ()),
            viewpoints=views.get(story_id, ()),
            related=others.get(story_id, ()),
        )
        if (story_id := each.publication.story_id) in more
        else each
        for each in known
    ]


def _grouped(db: Database, sql: str, values: dict[str, str]) -> defaultdict[int, list[dict[str, Any]]]:
    by_story: defaultdict[int, list[dict[str, Any]]] = defaultdict(list)
    for row in db.query(sql, {"stories": values["stories"]}):
        by_story[row["story_id"]].append(row)
    return by_story


class Published(NamedTuple):
    """What output/ holds, as far as we know; empty strings where we do not."""

    root: str = ""  # the folder beneath output/
    form: str = ""  # fingerprint of what every page depends on
    digest: str = ""  # fingerprint of the editions
    rights: dict[str, str] | None = None  # see `rights`


def published(db: Database, key: str = "published") -> Published:
    """Read what was written last (`published`), or what could not be (`publish_failed`)."""
    known = meta.value(db, key)
    return Published(*json.loads(known)) if known else Published()


def note(db: Database, state: Published, key: str = "published") -> None:
    """Write what `published` reads."""
    meta.note(db, key, json.dumps(state))


def forget(db: Database) -> None:
    """Make the next run render every document and page there is."""
    with db.atomic():
        note(db, Published(root=published(db).root))
        db.execute("DELETE FROM meta WHERE key = 'publish_failed'")


def private_path(db: Database, *, rotate: bool = False) -> str:
    """Return the folder nobody can guess, made on first use or anew."""
    known = meta.value(db, "private_path")
    if known and not rotate:
        return known
    token = secrets.token_urlsafe(16)
    with db.atomic():
        meta.note(db, "private_path", token)
    return token
