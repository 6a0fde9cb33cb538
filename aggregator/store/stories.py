"""Table story_keys: which story a new entry belongs to, and by what later ones are told to belong there too.

Entries of one address are one story, of one feed where their title is one too; so are entries of different
feeds that name one discussion, or whose titles tell one event within 48 hours. What joins is a source more:
what readers were given stays.
"""

import json
from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import NamedTuple

from sqlite_utils import Database

from aggregator.discuss.providers import thread_of
from aggregator.model import DueFeed
from aggregator.poll import retold
from aggregator.poll.revise import EntryWrite
from aggregator.store import joins, rows
from aggregator.store.joins import Join, Reason
from aggregator.times import from_text, to_text
from aggregator.translate import language

NEAR = timedelta(hours=48)  # between two titles of one event
KEPT = timedelta(days=7)  # keys; so long a discussion is followed too
_THREAD = "discussion "  # what the key of one begins with

# What would be translated from a feed that was removed never will be: who joined it would be lost with it.
_LOST = """SELECT 1 FROM publications AS p JOIN stories AS s USING (story_id)
    JOIN entries AS l ON l.entry_id = s.lead_entry_id JOIN feeds AS o ON o.feed_id = l.feed_id
  WHERE p.story_id = e.story_id AND p.state IN ('held', 'untranslated') AND o.listed = 0"""
# Under a link that a feed uses again (a page of status, a changelog) another title tells another event; what
# was taken down stays so.
_FITS = """(coalesce((
    SELECT max(o.title = n.title COLLATE NOCASE) FROM entries AS o
    WHERE o.story_id = e.story_id AND o.feed_id = :feed AND o.canonical_url = n.link), 1)
  OR EXISTS (SELECT 1 FROM publications AS p JOIN stories AS s USING (story_id)
      JOIN entries AS l ON l.entry_id = s.lead_entry_id
    WHERE p.story_id = e.story_id AND p.state = 'withdrawn' AND l.excluded IS NULL))"""
_ADDRESSED = f"""
WITH n AS MATERIALIZED (
  SELECT json_extract(value, '$[0]') AS link, json_extract(value, '$[1]') AS title FROM json_each(:new)),
found AS MATERIALIZED (
  SELECT n.link, (SELECT entry_id FROM (
      SELECT e.entry_id, e.story_id, e.title = n.title COLLATE NOCASE AS is_same FROM entries AS e
      WHERE e.canonical_url = n.link AND NOT EXISTS ({_LOST}) AND {_FITS})
    ORDER BY is_same DESC, story_id DESC, entry_id LIMIT 1) AS entry_id FROM n)
SELECT link, story_id, entry_id FROM found JOIN entries USING (entry_id)
"""  # noqa: S608 - constants of ours
# One publisher's word holds for that publisher's story alone, and for whoever has its address.
_LEFT = f"""e.excluded IS NULL AND f.listed = 1 AND NOT EXISTS ({_LOST}) AND NOT EXISTS (
  SELECT 1 FROM publications AS p WHERE p.story_id = e.story_id AND p.state = 'withdrawn')"""  # noqa: S608
_KEYED = f"""
SELECT k.key, k.at, e.entry_id, e.story_id, e.title
FROM json_each(?) AS j CROSS JOIN story_keys AS k ON k.key = j.value JOIN entries AS e USING (entry_id)
  JOIN feeds AS f USING (feed_id)
WHERE k.at >= ? AND {_LEFT} ORDER BY e.entry_id
"""  # noqa: S608
_COUNTED = f"""
SELECT ? AS key, e.sort_at AS at, e.entry_id, e.story_id, e.title
FROM discussions AS d JOIN stories AS st USING (story_id) JOIN entries AS e ON e.entry_id = st.lead_entry_id
  JOIN feeds AS f USING (feed_id)
WHERE d.provider = ? AND d.thread_key = ? AND d.thread_key != '' AND d.gone = 0 AND e.sort_at >= ? AND {_LEFT}
ORDER BY e.entry_id
"""  # noqa: S608
_MEMBERS = """
SELECT ? AS key, min(coalesce(published_at, sort_at), sort_at) AS at, entry_id, story_id, title
FROM entries WHERE story_id = ? AND excluded IS NULL
"""
_FEEDS = "SELECT story_id, feed_id FROM entries WHERE story_id IN (SELECT value FROM json_each(?))"


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where a new entry belongs."""

    story_id: int
    at: datetime  # when it came out
    join: Join | None = None
    keys: tuple[str, ...] = ()  # by which another one is told to belong there too


class _Other(NamedTuple):
    key: str
    at: str
    entry_id: int
    story_id: int
    title: str


def places(
    db: Database, feed: DueFeed, new: Sequence[EntryWrite], tag: str | None, now: datetime
) -> list[Place]:
    """Return where each new entry belongs, and make the stories that are not there yet.

    `tag` is the language of the feed.
    """
    came_out = [min(write.published_at or write.sort_at, write.sort_at) for write in new]
    keys = _keys(feed, new, came_out, tag, now)
    joined = _joined(db, feed.feed_id, new, keys, came_out, now)
    next_id = int(db.execute("SELECT coalesce(max(story_id), 0) + 1 FROM stories").fetchone()[0])
    fresh = iter(range(next_id, next_id + len(new)))
    found = [
        Place(story_id=join.story_id if join else next(fresh), at=at, join=join, keys=of_entry)
        for join, at, of_entry in zip(joined, came_out, keys, strict=True)
    ]
    made = [place.story_id for place in found if not place.join]
    rows.insert(db, "stories", [{"story_id": story_id} for story_id in made])
    return found


def note(db: Database, entry_ids: Sequence[int], found: Sequence[Place], now: datetime) -> None:
    """Write why entries joined, and by what others will, once the entries are there."""
    placed = list(zip(entry_ids, found, strict=True))
    joined = [(entry_id, place.join) for entry_id, place in placed if place.join]
    joins.write(db, joined, now)
    keys = [
        {"key": key, "entry_id": entry_id, "at": to_text(place.at)}
        for entry_id, place in placed
        for key in place.keys
    ]
    if keys:
        rows.insert(db, "story_keys", keys)
        db.execute("DELETE FROM story_keys WHERE at < ?", [to_text(now - KEPT)])


def _keys(
    feed: DueFeed, new: Sequence[EntryWrite], came_out: Sequence[datetime], tag: str | None, now: datetime
) -> list[tuple[str, ...]]:
    """Return each entry's keys; none where it is excluded, or old, or its feed joins by addresses alone."""
    alone = feed.settings.merge == "address"
    found = [
        _keys_of(write, tag) if not alone and write.excluded is None and at >= now - KEPT else ()
        for write, at in zip(new, came_out, strict=True)
    ]
    # What several entries of a document have is about none of them.
    uses = Counter(key for keys in found for key in keys)
    return [tuple(key for key in keys if uses[key] == 1) for keys in found]


def _keys_of(write: EntryWrite, tag: str | None) -> tuple[str, ...]:
    entry = write.entry
    named = (thread_of(link) for link in (entry.comments_url, entry.permalink, entry.guid) if link)
    threads = dict.fromkeys(f"{_THREAD}{thread.provider} {thread.key}" for thread in named if thread)
    told = _telling(entry.title) if language.code(tag) in {"", "en"} else None
    return (*threads, f"title {told.key}") if told else tuple(threads)


def _telling(title: str) -> retold.Telling | None:
    return retold.telling(title) if language.is_english(title) else None


def _joined(
    db: Database,
    feed_id: int,
    new: Sequence[EntryWrite],
    keys: Sequence[tuple[str, ...]],
    came_out: Sequence[datetime],
    now: datetime,
) -> list[Join | None]:
    """Return what story each entry joins: by its address before all else, then as its keys say."""
    addressed = _addressed(db, feed_id, new)
    others = _others(db, {key for of_entry in keys for key in of_entry}, now)
    stories = {other.story_id for each in others.values() for other in each}
    carried = feeds_of(db, stories)
    joined: list[Join | None] = []
    for write, of_entry, at in zip(new, keys, came_out, strict=True):
        known = addressed.get(write.canonical_url or "")
        told = (_told(db, write, at, key, others[key], carried, feed_id) for key in of_entry)
        join = known or next((each for each in told if each), None)
        if join:
            carried[join.story_id].add(feed_id)
        joined.append(join)
    return joined


def _addressed(db: Database, feed_id: int, new: Sequence[EntryWrite]) -> dict[str, Join]:
    links = json.dumps([(write.canonical_url, write.entry.title) for write in new if write.canonical_url])
    return {
        link: Join(story_id=story_id, other_id=other_id, reason="address", detail=link)
        for link, story_id, other_id in db.execute(_ADDRESSED, {"new": links, "feed": feed_id}).fetchall()
    }


def _others(db: Database, keys: Collection[str], now: datetime) -> defaultdict[str, list[_Other]]:
    """Return by key the entries that came out lately and have it, the first first."""
    since = to_text(now - KEPT)
    found: defaultdict[str, list[_Other]] = defaultdict(list)
    threads = [key for key in keys if key.startswith(_THREAD)]
    known = [_Other(*row) for row in db.execute(_KEYED, [json.dumps(list(keys)), since])] if keys else []
    for key in threads:
        _, provider, thread = key.split(" ", 2)
        known += [_Other(*row) for row in db.execute(_COUNTED, [key, provider, thread, since])]
    for other in known:
        found[other.key].append(other)
    return found


def feeds_of(db: Database, stories: Iterable[int]) -> defaultdict[int, set[int]]:
    """Return the feeds that carry each story."""
    carried: defaultdict[int, set[int]] = defaultdict(set)
    for story_id, feed_id in db.execute(_FEEDS, [json.dumps(list(stories))]):
        carried[story_id].add(feed_id)
    return carried


def _told(
    db: Database,
    write: EntryWrite,
    at: datetime,
    key: str,
    others: Sequence[_Other],
    carried: defaultdict[int, set[int]],
    feed_id: int,
) -> Join | None:
    """Return what an entry joins by a key: nothing where a feed has several of it, which are a series."""
    is_thread = key.startswith(_THREAD)
    fit = others if is_thread else [other for other in others if _is_retold(other, write.entry.title, at)]
    if not fit or not is_one({other.story_id for other in fit}, carried, feed_id):
        return None
    if not is_thread and not _is_all_retold(db, fit[0], write.entry.title, at):
        return None
    reason: Reason = "discussion" if is_thread else "title"
    detail = key.removeprefix(_THREAD) if is_thread else fit[0].title
    return Join(story_id=fit[0].story_id, other_id=fit[0].entry_id, reason=reason, detail=detail)


def _is_all_retold(db: Database, other: _Other, title: str, at: datetime) -> bool:
    """Say whether a title tells what all of a story's titles tell that say what happened.

    Two titles that tell two events do not end in one story by way of a third that fits both.
    """
    members = [_Other(*row) for row in db.execute(_MEMBERS, [other.key, other.story_id])]
    return all(_is_retold(each, title, at) for each in members if _telling(each.title))


def _is_retold(other: _Other, title: str, at: datetime) -> bool:
    return abs(from_text(other.at) - at) <= NEAR and retold.same(title, other.title)


def is_one(stories: Iterable[int], carried: defaultdict[int, set[int]], feed_id: int | None = None) -> bool:
    """Say whether stories may be one: no feed carries two of them, and `feed_id` none."""
    uses = Counter(each for story_id in stories for each in carried[story_id])
    return feed_id not in uses and all(number == 1 for number in uses.values())
