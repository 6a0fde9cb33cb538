"""What readers have of us and the store does not know any more: written into it as they have it.

Where the store is lost with all that came since its backup, output/ still holds what readers were given. An
entry that is known from there alone is known by name, under a key of its own (`recalled` and its public id),
until its feed lists it again: then it takes the guid it has there, and is neither new nor published again.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from zoneinfo import ZoneInfo

from sqlite_utils import Database

from aggregator import urls
from aggregator.model import Digest, DueFeed, ParsedEntry
from aggregator.publish import promote
from aggregator.publish.promote import Candidate
from aggregator.store import digests, rows
from aggregator.store.articles import RIGHTS
from aggregator.store.identities import RECALLED
from aggregator.store.retention import DROPPED
from aggregator.times import from_text, maybe_text, to_text

_ZONE = ZoneInfo("UTC")  # of paths, which are known
_UNPUBLISHED = """
SELECT e.story_id, e.entry_id, f.listed_url, e.guid, e.permalink, e.published_at, e.sort_at
FROM stories st JOIN entries e USING (story_id) JOIN feeds f USING (feed_id)
WHERE st.lead_entry_id IS NULL AND e.excluded IS NULL
"""
# OR IGNORE: where a feed used a guid twice, the other entry stays as readers have it.
_ADOPT = "UPDATE OR IGNORE entries SET guid = ? WHERE feed_id = ? AND guid = ?"


@dataclass(frozen=True, slots=True, kw_only=True)
class Given:
    """An entry as readers have it."""

    public_id: str
    slug: str
    title: str
    body: str
    first_published_at: datetime
    updated_at: datetime
    permalink: str | None
    original: str  # title
    language: str
    feed_url: str
    feed_title: str
    translated: bool
    summary: str = ""
    engine: str = ""


def recall(db: Database, found: Iterable[Given], language: str) -> int:
    """Write what readers were given and the store does not know, and return how many entries that is.

    To be called inside `db.atomic()`.
    """
    waiting: dict[str, Candidate] | None = None
    count = 0
    for given in found:
        row = next(db.query("SELECT * FROM publications WHERE public_id = ?", [given.public_id]), None)
        if row and (row["state"] == "withdrawn" or _is_as_given(row, given)):
            continue
        if row is None:
            waiting = _waiting(db) if waiting is None else waiting
            _hold(db, given, waiting.get(given.public_id), language)
        _publish(db, given)
        count += 1
    return count


def recall_digests(db: Database, found: Iterable[Digest]) -> None:
    """Write the digests that readers were given and the store does not know, once their entries are there."""
    for digest in found:
        if not digests.is_made(db, digest.kind, digest.name):
            known = ((_story(db, entry.slug), entry) for entry in digest.entries)
            entries = tuple(replace(entry, story_id=story) for story, entry in known if story)
            digests.add(db, replace(digest, entries=entries))


def _story(db: Database, slug: str) -> int | None:
    row = db.execute("SELECT story_id FROM publications WHERE slug = ?", [slug]).fetchone()
    return int(row[0]) if row else None


def _is_as_given(row: dict[str, object], given: Given) -> bool:
    held = (row["title"], row["body"], row["first_published_at"], row["updated_at"])
    return held == (given.title, given.body, *map(maybe_text, (given.first_published_at, given.updated_at)))


def _waiting(db: Database) -> dict[str, Candidate]:
    """Return the entries that nobody has seen, by the ids they would be published under."""
    known = [
        Candidate(
            story_id=row["story_id"], entry_id=row["entry_id"], listed_url=row["listed_url"],
            guid=row["guid"], permalink=row["permalink"], published_at=None,
            sort_at=from_text(row["sort_at"]),
        )
        for row in db.query(_UNPUBLISHED)
    ]  # fmt: skip
    return {public_id: each for each in known for public_id in _ids(each)}


def _ids(candidate: Candidate) -> Iterator[str]:
    """Yield the ids that an entry may be published under, as a lead of its story."""
    [hold] = promote.hold([candidate], _ZONE)
    return (each.public_id for each in (hold, *hold.others[:1]))


def _hold(db: Database, given: Given, entry: Candidate | None, language: str) -> None:
    story_id = entry.story_id if entry else _insert(db, "stories", {"lead_entry_id": None})
    entry_id = entry.entry_id if entry else _named(db, given, story_id, language)
    row = {"public_id": given.public_id, "story_id": story_id, "slug": given.slug, "state": "held",
           "held_at": to_text(given.first_published_at)}  # fmt: skip
    db.table("publications").insert(row)
    db.table("stories").update(story_id, {"lead_entry_id": entry_id})


def _named(db: Database, given: Given, story_id: int, language: str) -> int:
    """Write an entry that is known by name alone, and its translation as far as readers have it."""
    at = to_text(given.first_published_at)
    row = {
        "feed_id": _feed(db, given), "story_id": story_id, "guid": RECALLED + given.public_id,
        "permalink": given.permalink, "title": given.original, "language": given.language,
        "canonical_url": urls.canonical(given.permalink) if given.permalink else None,
        "first_seen_at": at, "sort_at": at, "fingerprint": "", "excluded": DROPPED,
    }  # fmt: skip
    entry_id = _insert(db, "entries", row)
    if given.translated:
        engine, _, model = given.engine.partition(" ")
        db.table("translations").insert(
            {"entry_id": entry_id, "language": language, "title": given.title, "summary": given.summary,
             "story": "", "engine": engine, "model": model}
        )  # fmt: skip
    return entry_id


def _insert(db: Database, table: str, row: Mapping[str, object]) -> int:
    rows.insert(db, table, [row])
    return int(db.execute("SELECT last_insert_rowid()").fetchone()[0])


def _feed(db: Database, given: Given) -> int:
    """Return the feed's number; one that the backup does not know is in no list until feeds.opml names it."""
    row = db.execute("SELECT feed_id FROM feeds WHERE listed_url = ?", [given.feed_url]).fetchone()
    if row:
        return int(row[0])
    url = given.feed_url
    new = {
        "listed_url": url, "fetch_url": url, "host": urls.host(url), "domain": urls.registrable_domain(url),
        "title": given.feed_title, "listed": 0,
        "next_poll_at": to_text(given.first_published_at),
    }  # fmt: skip
    return _insert(db, "feeds", new)


def _publish(db: Database, given: Given) -> None:
    state = "translated" if given.translated else "untranslated"
    story_id = db.execute(
        "SELECT story_id FROM publications WHERE public_id = ?", [given.public_id]
    ).fetchone()[0]
    db.table("publications").update(
        given.public_id,
        {"state": state, "first_published_at": to_text(given.first_published_at),
         "updated_at": to_text(given.updated_at), "title": given.title, "body": given.body,
         "fingerprint": f"{_rights(db, story_id)} - -"},
    )  # fmt: skip
    db.execute("INSERT INTO search_due (story_id) VALUES (?) ON CONFLICT DO NOTHING", [story_id])


def _rights(db: Database, story_id: int) -> str:
    """Return the rights of the lead, so that nothing seems to have changed in them."""
    sql = f"""SELECT {RIGHTS} FROM stories st JOIN entries e ON e.entry_id = st.lead_entry_id
      JOIN feeds f USING (feed_id) LEFT JOIN pages look ON look.entry_id = e.entry_id
      WHERE st.story_id = ?"""  # noqa: S608 - constants of ours
    return str(db.execute(sql, [story_id]).fetchone()[0])


def adopt(db: Database, feed: DueFeed, strangers: Sequence[ParsedEntry], now: datetime) -> None:
    """Give recalled entries the guids under which their feed lists them."""
    pairs = [
        (entry.guid, feed.feed_id, RECALLED + public_id)
        for entry in strangers
        for public_id in _of(feed, entry, now)
    ]
    db.conn.executemany(_ADOPT, pairs)


def _of(feed: DueFeed, entry: ParsedEntry, now: datetime) -> Iterator[str]:
    told = Candidate(
        story_id=0, entry_id=0, listed_url=feed.listed_url, guid=entry.guid, permalink=entry.permalink,
        published_at=None, sort_at=now,
    )  # fmt: skip
    return _ids(told)
