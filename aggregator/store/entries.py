"""The entries table, and the feeds' own comment counts beside it."""

import json
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime, tzinfo
from typing import Any

from sqlite_utils import Database

from aggregator.model import DueFeed, ParsedEntry, ParsedFeed
from aggregator.poll import revise
from aggregator.poll.revise import EntryWrite, StoredEntry
from aggregator.store import admission, denials, identities, rows
from aggregator.times import maybe_text, maybe_time, to_text

_COUNT_SOURCE = "feed"
_ENCODER = json.JSONEncoder(ensure_ascii=False)

# What a poll can change is what the document lists or was listed until now, not the feed's whole past.
_KNOWN = """
SELECT entries.entry_id, guid, fingerprint, revisions, published_at, updated_at, unlisted_at, count
FROM entries
LEFT JOIN comment_counts ON comment_counts.entry_id = entries.entry_id AND source = 'feed'
WHERE entries.entry_id IN (
  SELECT entry_id FROM entries WHERE feed_id = :feed_id AND guid IN (SELECT value FROM json_each(:guids))
  UNION
  SELECT entry_id FROM entries WHERE feed_id = :feed_id AND unlisted_at IS NULL
)
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class EntryCounts:
    """How many entries a poll brought."""

    added: int = 0
    changed: int = 0
    unread: int = 0  # new ones that came without their text


def record(
    db: Database, feed: DueFeed, parsed: ParsedFeed, now: datetime, *, whole: bool = True, zone: tzinfo = UTC
) -> EntryCounts:
    """Write what a parsed feed changes, inside the caller's transaction, and return how much that is.

    Of a document that is not whole (a hub's delivery) nothing follows for the entries it leaves out. Entries
    taken for known ones that the store has not are left to a poll that reads them. Nothing is known of those
    that were taken down.
    `zone` is where a day begins.
    """
    parsed = denials.admitted(db, feed, parsed)
    keyed = identities.keyed(db, feed, parsed)
    found = keyed if keyed is parsed else denials.admitted(db, feed, keyed)  # keys are denied, or guids
    known = _known(db, feed.feed_id, [entry.guid for entry in found.entries])
    strangers = [entry for entry in found.entries if entry.guid not in known]
    if strangers and identities.has_recalled(db, feed):
        from aggregator.store import recalls  # after a store was lost; what it loads, a poll does without

        recalls.adopt(db, feed, strangers, now)
        known = _known(db, feed.feed_id, [entry.guid for entry in found.entries])
    parsed = found if feed.first_poll else identities.recognised(db, feed, parsed, found, known, whole=whole)
    if parsed is not found:
        known = _known(db, feed.feed_id, [entry.guid for entry in parsed.entries])
    new_entries = [entry for entry in parsed.entries if entry.guid not in known]
    unread = set() if feed.first_poll else {entry.guid for entry in new_entries if not entry.fingerprint}
    if unread:
        parsed = replace(parsed, entries=tuple(e for e in parsed.entries if e.guid not in unread))
        new_entries = [entry for entry in new_entries if entry.guid not in unread]
    reasons = admission.excluded(db, feed, new_entries, now, zone)
    writes = _decide(parsed, known, reasons, now, first_poll=feed.first_poll)
    language = feed.settings.language or parsed.language
    # The document is newest first; of entries first seen together the newest gets the highest number.
    new = [write for write in reversed(writes) if write.fate == "new"]
    revised = [write for write in writes if write.fate == "revised"]
    added = _insert(db, feed, new, language, now)
    _update(db, revised, language)
    _mark_listed(db, known, {entry.guid for entry in parsed.entries} | (set() if whole else {*known}), now)
    _count(db, writes, added, now)
    return EntryCounts(added=len(new), changed=len(revised), unread=len(unread))


def _known(db: Database, feed_id: int, guids: Sequence[str]) -> dict[str, StoredEntry]:
    found = db.query(_KNOWN, {"feed_id": feed_id, "guids": json.dumps(guids)})
    return {
        row["guid"]: StoredEntry(
            entry_id=row["entry_id"],
            fingerprint=row["fingerprint"],
            revisions=row["revisions"],
            published_at=maybe_time(row["published_at"]),
            updated_at=maybe_time(row["updated_at"]),
            listed=row["unlisted_at"] is None,
            comment_count=row["count"],
        )
        for row in found
    }


def _decide(
    parsed: ParsedFeed,
    known: dict[str, StoredEntry],
    reasons: dict[str, str],
    now: datetime,
    *,
    first_poll: bool,
) -> list[EntryWrite]:
    canonical = revise.canonical_urls(parsed)
    return [
        revise.compare(
            entry,
            known.get(entry.guid),
            now=now,
            first_poll=first_poll,
            excluded=reasons.get(entry.guid),
            canonical_url=canonical[entry.guid],
        )
        for entry in parsed.entries
    ]


def _insert(
    db: Database, feed: DueFeed, new: Sequence[EntryWrite], language: str | None, now: datetime
) -> dict[str, int]:
    """Insert entries in bulk and return their numbers by guid."""
    if not new:
        return {}
    from aggregator.store import stories  # loads what tells titles apart: where one is new

    # One writer, inside a transaction: numbers can be given out here, which makes one bulk insert of it.
    first = _scalar(db, "SELECT coalesce(max(entry_id), 0) + 1 FROM entries")
    places = stories.places(db, feed, new, language, now)
    added = [
        {
            "entry_id": entry_id,
            "feed_id": feed.feed_id,
            "story_id": place.story_id,
            "guid": write.entry.guid,
            "first_seen_at": to_text(now),
            "sort_at": to_text(write.sort_at),
            "excluded": write.excluded,
            **_content(write, language),
        }
        for entry_id, (write, place) in enumerate(zip(new, places, strict=True), first)
    ]
    rows.insert(db, "entries", added)
    stories.note(db, [row["entry_id"] for row in added], places, now)
    return {row["guid"]: row["entry_id"] for row in added}


def _update(db: Database, revised: Sequence[EntryWrite], language: str | None) -> None:
    changes = [
        {"entry_id": write.stored.entry_id, **_content(write, language)} for write in revised if write.stored
    ]
    rows.update(db, "entries", "entry_id", changes)


def _content(write: EntryWrite, language: str | None) -> dict[str, Any]:
    """Return the columns that a revision replaces."""
    entry = write.entry
    return {
        "permalink": entry.permalink,
        "canonical_url": write.canonical_url,
        "title": entry.title,
        "authors": _json(entry.authors),
        "tags": _json(entry.tags),
        "summary_html": entry.summary_html,
        "content_html": entry.content_html,
        "enclosures": _json([asdict(enclosure) for enclosure in entry.enclosures]),
        "image_url": entry.image_url,
        "language": entry.language or language,
        "comments_url": entry.comments_url,
        "comments_feed_url": entry.comments_feed_url,
        "published_at": maybe_text(write.published_at),
        "updated_at": maybe_text(entry.updated_at),
        "fingerprint": write.fingerprint,
        "revisions": write.revisions,
    }


def _mark_listed(db: Database, known: dict[str, StoredEntry], guids: set[str], now: datetime) -> None:
    """Note which entries the document no longer lists, and which are back."""
    left = [stored.entry_id for guid, stored in known.items() if stored.listed and guid not in guids]
    back = [stored.entry_id for guid, stored in known.items() if not stored.listed and guid in guids]
    for entry_ids, moment in ((left, to_text(now)), (back, None)):
        if entry_ids:
            db.execute(
                "UPDATE entries SET unlisted_at = ? WHERE entry_id IN (SELECT value FROM json_each(?))",
                [moment, json.dumps(entry_ids)],
            )


def _count(db: Database, writes: Iterable[EntryWrite], added: dict[str, int], now: datetime) -> None:
    """Keep the feed's own comment counts, those that changed."""
    changed = [
        (write.stored.entry_id if write.stored else added[write.entry.guid], write.entry)
        for write in writes
        if write.entry.comment_count is not None
        and not (write.stored and not write.stored.fingerprint)  # known by name only: nobody is shown it
        and write.entry.comment_count != (write.stored.comment_count if write.stored else None)
    ]
    counted = [_count_row(entry_id, entry, now) for entry_id, entry in changed]
    history = [{key: value for key, value in row.items() if key != "url"} for row in counted]
    rows.upsert(db, "comment_counts", ("entry_id", "source"), counted)
    rows.upsert(db, "count_history", ("entry_id", "source", "counted_at"), history)


def _count_row(entry_id: int, entry: ParsedEntry, now: datetime) -> dict[str, Any]:
    return {
        "entry_id": entry_id,
        "source": _COUNT_SOURCE,
        "url": entry.comments_url,
        "count": entry.comment_count,
        "counted_at": to_text(now),
    }


def counts(db: Database) -> dict[str, int]:
    """Return how many entries (of them excluded, and no longer listed) and stories there are."""
    return next(
        db.query(
            "SELECT count(*) AS entries, count(excluded) AS excluded, count(unlisted_at) AS unlisted,"
            " (SELECT count(*) FROM stories) AS stories FROM entries"
        )
    )


def _json(values: Sequence[object]) -> str:
    return _ENCODER.encode(values) if values else "[]"


def _scalar(db: Database, sql: str) -> int:
    return int(db.execute(sql).fetchone()[0])
