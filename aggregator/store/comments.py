"""Tables comments and comment_looks: what people wrote about a story, as long as its provider shows it.

Nothing of it is kept for ever: what was not seen at its provider for a day goes, with or without a reason.
"""

import hashlib
import json
from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlite_utils import Database

from aggregator.discuss.schedule import COUNTED
from aggregator.markup import xml_legal
from aggregator.model import (
    Comment,
    CommentLook,
    Discussion,
    Provider,
    ShownComment,
    TranslateEntry,
    Translation,
    Untranslated,
)
from aggregator.store import rows, stale_pages
from aggregator.store.articles import RIGHTS
from aggregator.store.translations import ATTEMPTS, booked
from aggregator.times import maybe_text, maybe_time, to_text

AGAIN = timedelta(hours=20)  # a thread is read anew, though its number stayed the same
UNSEEN = timedelta(hours=22)  # what was not seen for so long is gone: a day, with rounds two hours apart
RETRY = timedelta(hours=1)  # a thread that could not be read
SHOWN = 5  # comments on a page

# What a site says against a use of its text is about its comments too.
_CLOSED = f"(:provider = 'wordpress' AND {RIGHTS} = 'titles')"
_LEAD = """JOIN stories AS st ON st.story_id = p.story_id JOIN entries AS e ON e.entry_id = st.lead_entry_id
  JOIN feeds AS f USING (feed_id) LEFT JOIN pages AS look ON look.entry_id = e.entry_id"""
# Of several threads the largest: SQLite takes the other columns of a group from the row with its maximum.
_DUE = f"""
SELECT d.story_id, d.thread_key, d.url, max(d.count) AS count
FROM publications AS p {_LEAD}
  JOIN discussions AS d ON d.story_id = p.story_id AND d.provider = :provider AND d.thread_key != ''
  LEFT JOIN comment_looks AS l ON l.story_id = d.story_id AND l.provider = d.provider
WHERE p.state IN ('translated', 'untranslated') AND p.first_published_at > :since AND e.sort_at > :since
  AND d.gone = 0 AND d.count > 0 AND NOT {_CLOSED}
GROUP BY d.story_id
HAVING l.next_look_at IS NULL OR l.next_look_at <= :now OR l.count != max(d.count)
ORDER BY e.sort_at DESC, d.story_id
"""  # noqa: S608 - constants of ours
_GONE = f"""
SELECT c.comment_id, c.story_id
FROM comments AS c JOIN publications AS p ON p.story_id = c.story_id {_LEAD}
WHERE c.provider NOT IN (SELECT value FROM json_each(:providers)) OR c.seen_at <= :unseen
  OR p.state = 'withdrawn' OR e.sort_at <= :since
  OR (c.provider = 'wordpress' AND {RIGHTS} = 'titles')
  OR NOT EXISTS (SELECT 1 FROM discussions AS d WHERE d.story_id = c.story_id AND d.provider = c.provider
    AND d.thread_key != '' AND d.gone = 0 AND d.count > 0)
"""  # noqa: S608
_SEEN = """
SELECT key, fingerprint, url, author, rank FROM comments WHERE story_id = ? AND provider = ? ORDER BY key
"""
_LEAVE = """
DELETE FROM comments WHERE story_id = ? AND provider = ? AND key NOT IN (SELECT value FROM json_each(?))
"""
_WRITE = """
INSERT INTO comments (story_id, provider, key, url, author, text, fingerprint, rank, written_at, seen_at)
VALUES (:story_id, :provider, :key, :url, :author, :text, :fingerprint, :rank, :written_at, :seen_at)
ON CONFLICT (provider, key, story_id) DO UPDATE SET url = excluded.url, author = excluded.author,
  rank = excluded.rank, written_at = excluded.written_at, seen_at = excluded.seen_at, text = excluded.text,
  fingerprint = excluded.fingerprint,
  attempts = iif(fingerprint = excluded.fingerprint, attempts, 0),
  retry_at = iif(fingerprint = excluded.fingerprint, retry_at, NULL)
"""
_UNTRANSLATED = """
FROM comments WHERE input_fingerprint IS NOT fingerprint AND attempts < :attempts
  AND (retry_at IS NULL OR retry_at <= :now)
"""
_SUMMARY = """
SELECT count(*) FILTER (WHERE input_fingerprint = fingerprint),
  count(*) FILTER (WHERE input_fingerprint IS NOT fingerprint AND attempts < :attempts),
  count(*) FILTER (WHERE input_fingerprint IS NOT fingerprint AND attempts >= :attempts) FROM comments
"""
_SHOWN = """
SELECT story_id, provider, url, author, translated, written_at, trim(engine || ' ' || model) AS engine
FROM comments
WHERE story_id IN (SELECT value FROM json_each(?)) AND input_fingerprint = fingerprint AND translated != ''
ORDER BY story_id, rank, provider
"""


def due(db: Database, provider: Provider, now: datetime) -> list[CommentLook]:
    """List the threads to be read now, the newest stories first: of each story the largest one."""
    return [
        CommentLook(
            story_id=story_id, count=count, discussion=Discussion(provider=provider, key=key, url=url)
        )
        for story_id, key, url, count in db.execute(_DUE, _due(provider, now)).fetchall()
    ]  # fmt: skip


def count_due(db: Database, providers: Iterable[Provider], now: datetime) -> int:
    """Count what `due` would list."""
    return sum(len(db.execute(_DUE, _due(provider, now)).fetchall()) for provider in providers)


def _due(provider: Provider, now: datetime) -> dict[str, str]:
    return {"provider": provider, "now": to_text(now), "since": to_text(now - COUNTED)}


def write(db: Database, look: CommentLook, comments: Sequence[Comment] | None, now: datetime) -> None:
    """Put what a thread begins with in the place of what was read there before; None where it failed."""
    provider = look.discussion.provider
    again = now + (RETRY if comments is None else AGAIN)
    row = {"story_id": look.story_id, "provider": provider, "count": look.count}
    key = ("story_id", "provider")
    rows.upsert(db, "comment_looks", key, [row | {"next_look_at": to_text(again)}])
    if comments is None:
        return
    before = db.execute(_SEEN, [look.story_id, provider]).fetchall()
    keys = json.dumps([comment.key for comment in comments])
    db.execute(_LEAVE, [look.story_id, provider, keys])
    db.conn.executemany(_WRITE, [_row(look, n, comment, now) for n, comment in enumerate(comments)])
    if db.execute(_SEEN, [look.story_id, provider]).fetchall() != before:
        stale_pages.note(db, [look.story_id])


def _row(look: CommentLook, rank: int, comment: Comment, now: datetime) -> dict[str, Any]:
    return {
        "story_id": look.story_id, "provider": look.discussion.provider, "key": comment.key,
        "url": comment.url, "author": comment.author, "text": comment.text, "rank": rank,
        "fingerprint": hashlib.sha256(comment.text.encode()).hexdigest(),
        "written_at": maybe_text(comment.written_at), "seen_at": to_text(now),
    }  # fmt: skip


def forget(db: Database, providers: Iterable[Provider], now: datetime) -> int:
    """Delete the texts that may not be kept, and return how many went.

    Shape: those of providers that are not among these, of stories older than a week or withdrawn, of threads
    that are gone, of sites that object to it, and all that was not seen at its provider for a day.
    """
    values = {"providers": json.dumps(list(providers)), "unseen": to_text(now - UNSEEN),
              "since": to_text(now - COUNTED)}  # fmt: skip
    gone = db.execute(_GONE, values).fetchall()
    if gone:
        db.conn.executemany("DELETE FROM comments WHERE comment_id = ?", [row[:1] for row in gone])
        stale_pages.note(db, {story_id for _, story_id in gone})
        db.execute("DELETE FROM comment_looks WHERE next_look_at <= ?", [to_text(now - COUNTED)])
    return len(gone)


def untranslated(db: Database, now: datetime, limit: int) -> list[TranslateEntry]:
    """Return the texts without a translation that may be tried now, the oldest first."""
    rows = db.query(
        f"SELECT comment_id, fingerprint, text, attempts {_UNTRANSLATED} ORDER BY comment_id LIMIT :limit",
        {"attempts": ATTEMPTS, "now": to_text(now), "limit": limit},
    )
    return [
        TranslateEntry(
            entry_id=row["comment_id"], input_fingerprint=row["fingerprint"], language=None, title="",
            summary=row["text"], story="", attempts=row["attempts"],
        )
        for row in rows
    ]  # fmt: skip


def count_untranslated(db: Database, now: datetime) -> int:
    """Count what `untranslated` would list without a limit."""
    values = {"attempts": ATTEMPTS, "now": to_text(now)}
    return int(db.execute(f"SELECT count(*) {_UNTRANSLATED}", values).fetchone()[0])


def write_translation(db: Database, made: Translation) -> None:
    """Keep a comment's translation, unless the comment went or changed meanwhile."""
    changed = db.execute(
        """UPDATE comments SET translated = ?, input_fingerprint = fingerprint, engine = ?, model = ?,
          failure = NULL, retry_at = NULL WHERE comment_id = ? AND fingerprint = ? RETURNING story_id""",
        [made.summary, made.engine, made.model, made.entry_id, made.input_fingerprint],
    ).fetchall()
    stale_pages.note(db, [row[0] for row in changed])


def write_failure(db: Database, failed: Untranslated, now: datetime) -> None:
    """Book an attempt at a comment's text, and when to try again."""
    key = [failed.entry_id, failed.input_fingerprint]
    where = "WHERE comment_id = ? AND fingerprint = ?"
    row = db.execute(f"SELECT attempts FROM comments {where}", key).fetchone()  # noqa: S608 - ours
    if row is None:
        return
    attempts, wait = booked(row[0], failed)
    retry_at = maybe_text(now + wait if wait else None)
    db.execute(
        f"UPDATE comments SET attempts = ?, failure = ?, retry_at = ? {where}",  # noqa: S608
        [attempts, failed.failure, retry_at, *key],
    )


def shown(db: Database, story_ids: Iterable[int]) -> dict[int, tuple[ShownComment, ...]]:
    """Return stories' comments as their pages show them: the first few, each provider's first ones first."""
    found: defaultdict[int, list[ShownComment]] = defaultdict(list)
    for row in db.query(_SHOWN, [json.dumps(list(story_ids))]):
        comment = ShownComment(
            author=row["author"], url=row["url"], source=row["provider"],
            text=xml_legal("".join(row["translated"].splitlines())), written_at=maybe_time(row["written_at"]),
            engine=row["engine"],
        )  # fmt: skip
        found[row["story_id"]].append(comment)
    return {story_id: tuple(comments[:SHOWN]) for story_id, comments in found.items()}


def summary(db: Database) -> dict[str, int]:
    """Count the comments that are kept: those shown, those that wait for a translation, those without one."""
    row = db.execute(_SUMMARY, {"attempts": ATTEMPTS}).fetchone()
    return dict(zip(("shown", "waiting", "untranslated"), row, strict=True))
