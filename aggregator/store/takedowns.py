"""What the store holds of what is denied, and what becomes of the stories that it is in.

An entry of another feed goes too where it repeats the text, else its story goes on with it.
"""

import json
import re
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from typing import Literal, NamedTuple

from sqlite_utils import Database

from aggregator import deny_list, traces, urls
from aggregator.deny_list import DenyList
from aggregator.markup import to_text as plain

_PAGE = re.compile(r"entries/(\d{4}/\d\d/[0-9a-f]{8,32})\.html$")
Fate = Literal["goes", "handed on", "stays"]

TAKEN = "taken down"  # in entries.excluded
_ENTRIES = f"""
SELECT e.entry_id, f.listed_url, e.guid, e.permalink, e.canonical_url
FROM entries e JOIN feeds f USING (feed_id) WHERE e.excluded IS NOT '{TAKEN}'
"""  # noqa: S608 - constants of ours
_MEMBERS = f"""
SELECT e.story_id, e.entry_id, st.lead_entry_id,
  e.excluded IS NULL AND f.listed = 1 AND e.fingerprint != ''
FROM entries e JOIN stories st USING (story_id) JOIN feeds f USING (feed_id)
WHERE e.story_id IN (SELECT story_id FROM entries WHERE entry_id IN (SELECT value FROM json_each(?)))
  AND e.excluded IS NOT '{TAKEN}'
ORDER BY min(coalesce(e.published_at, e.sort_at), e.sort_at), f.listed_url, e.guid
"""  # noqa: S608
_TEXTS = """
SELECT e.entry_id, e.title, e.summary_html, e.content_html, coalesce(a.text, ''), coalesce(s.text, ''),
  coalesce(s.story, '')
FROM entries e LEFT JOIN articles a USING (entry_id) LEFT JOIN summaries s USING (entry_id)
WHERE e.entry_id IN (SELECT value FROM json_each(?))
"""
_IN = "IN (SELECT value FROM json_each(:them))"
_FEEDS = """
SELECT feed_id, listed_url, fetch_url, coalesce(led_to, fetch_url),
  coalesce(json_extract(settings, '$.address'), listed_url)
FROM feeds WHERE listed = 1 OR title != ''
"""
# A link that a feed uses for all it tells names no entry.
_NAMES = f"""
SELECT f.listed_url, e.guid, e.canonical_url, EXISTS (SELECT 1 FROM entries o
  WHERE o.canonical_url = e.canonical_url AND o.feed_id = e.feed_id AND o.entry_id != e.entry_id
    AND o.title != e.title COLLATE NOCASE)
FROM entries e JOIN feeds f USING (feed_id) WHERE e.entry_id {_IN}
"""  # noqa: S608
# What another feed says of an address is made of the same page.
_SAME_PAGE = f"""
SELECT o.entry_id FROM entries e JOIN entries o ON o.story_id = e.story_id AND o.feed_id != e.feed_id
WHERE e.entry_id {_IN} AND o.canonical_url = e.canonical_url AND o.excluded IS NOT '{TAKEN}'
"""  # noqa: S608
_GIVEN = f"""
SELECT story_id, public_id, iif(first_published_at IS NULL, '', slug), state FROM publications
WHERE story_id {_IN}
"""  # noqa: S608


class _Member(NamedTuple):
    story_id: int
    entry_id: int
    lead_id: int | None
    may_lead: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Story:
    """A story of which entries go."""

    story_id: int
    gone: tuple[int, ...]
    public_id: str = ""
    slug: str = ""  # of its page, "" where there was none
    fate: Fate = "stays"
    lead_id: int | None = None  # where another entry leads it from now on


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """What the store holds of what is denied."""

    feeds: tuple[int, ...] = ()
    stories: tuple[Story, ...] = ()
    others: tuple[int, ...] = ()  # entries that are not denied themselves, but repeat such a one

    @property
    def entries(self) -> list[int]:
        """The entries that go."""
        return [entry_id for story in self.stories for entry_id in story.gone]

    def __bool__(self) -> bool:
        return bool(self.feeds or self.stories)


def find(db: Database, listed: DenyList) -> Found:
    """Return what the store holds of what is denied, and of entries that repeat its text in its stories."""
    feeds = _feeds(db, listed)
    entries = {*_of_feeds(db, feeds), *_denied(db, listed)}
    others = tuple(dict.fromkeys(repeated(db, entries)))
    stories = tuple(_stories(db, entries | {*others}))
    return Found(feeds=tuple(sorted(feeds)), stories=stories, others=others)


def names(db: Database, entries: Iterable[int]) -> tuple[list[str], list[str]]:
    """Return by which keys and addresses these entries are denied, whichever feed brings them again."""
    rows = db.execute(_NAMES, {"them": json.dumps(list(entries))}).fetchall()
    links = [canonical for *_, canonical, is_shared in rows if canonical and not is_shared]
    return [deny_list.of_entry(feed, guid) for feed, guid, *_ in rows], links


def _feeds(db: Database, listed: DenyList) -> set[int]:
    rows = db.execute(_FEEDS).fetchall() if listed.feeds or listed.hosts else []
    return {feed_id for feed_id, *addresses in rows if any(map(listed.denies_feed, addresses))}


def _of_feeds(db: Database, feeds: Iterable[int]) -> Iterator[int]:
    sql = f"SELECT entry_id FROM entries WHERE excluded IS NOT '{TAKEN}' AND feed_id {_IN}"  # noqa: S608
    yield from (row[0] for row in db.execute(sql, {"them": json.dumps(list(feeds))}).fetchall())


def _denied(db: Database, listed: DenyList) -> Iterator[int]:
    """Yield the entries whose key or address is denied, or whose host; each is looked at."""
    if not (listed.entries or listed.urls or listed.hosts):
        return
    for entry_id, listed_url, guid, permalink, canonical in db.execute(_ENTRIES):
        links = {permalink, guid if "://" in guid else None} - {None}
        if (
            canonical in listed.urls
            or (listed.hosts and any(map(listed.denies_host, links)))
            or (listed.urls and any(urls.canonical(link) in listed.urls for link in links))
            or (listed.entries and deny_list.of_entry(listed_url, guid) in listed.entries)
        ):
            yield entry_id


def repeated(db: Database, entries: Collection[int]) -> Iterator[int]:
    """Yield entries of the same stories that have the address, the title or a passage of one of these."""
    rows = db.execute(_SAME_PAGE, {"them": json.dumps(list(entries))}).fetchall()
    yield from ({row[0] for row in rows} - {*entries})
    for members in _members(db, entries).values():
        others = [each.entry_id for each in members if each.entry_id not in entries]
        if others:
            yield from _repeating(db, others, [each.entry_id for each in members if each.entry_id in entries])


def _members(db: Database, entries: Iterable[int]) -> dict[int, list[_Member]]:
    """Return all entries of the stories that these are of, by story, those that came out first first."""
    found: defaultdict[int, list[_Member]] = defaultdict(list)
    for row in db.execute(_MEMBERS, [json.dumps(list(entries))]).fetchall():
        found[row[0]].append(_Member(*row))
    return found


def _repeating(db: Database, others: list[int], entries: list[int]) -> Iterator[int]:
    titles: set[traces.Words] = set()
    passages: set[traces.Words] = set()
    for title, text in texts(db, entries).values():
        titles.add(traces.words(title))
        passages |= traces.runs(text)
    for entry_id, (title, text) in texts(db, others).items():
        if traces.words(title) in titles - {()} or not passages.isdisjoint(traces.runs(text)):
            yield entry_id


def texts(db: Database, entries: Iterable[int]) -> dict[int, tuple[str, str]]:
    """Return entries' titles, and all that is kept of their own text."""
    found = {}
    for entry_id, title, summary, content, *made in db.execute(_TEXTS, [json.dumps(list(entries))]):
        found[entry_id] = title, "\n".join((plain(summary), plain(content), *made))
    return found


def _stories(db: Database, entries: Collection[int]) -> Iterator[Story]:
    stories = _members(db, entries)
    given = {row[0]: row[1:] for row in db.execute(_GIVEN, {"them": json.dumps(list(stories))})}
    for story_id, members in stories.items():
        public_id, slug, state = given.get(story_id, ("", "", ""))
        fate, lead_id = _fate(members, entries, state)
        yield Story(
            story_id=story_id, gone=tuple(each.entry_id for each in members if each.entry_id in entries),
            public_id=public_id, slug=slug, fate=fate, lead_id=lead_id,
        )  # fmt: skip


def _fate(members: list[_Member], entries: Collection[int], state: str) -> tuple[Fate, int | None]:
    """Say what becomes of a story, and who leads it from now on."""
    lead_id = members[0].lead_id
    if not state or lead_id is None:  # nothing was made of it yet
        return "stays", None
    left = [each.entry_id for each in members if each.may_lead and each.entry_id not in entries]
    if lead_id not in entries:
        # Untranslated, it may show the title of one that led it before.
        return ("handed on", lead_id) if state == "untranslated" else ("stays", None)
    return ("handed on", left[0]) if left and state != "withdrawn" else ("goes", None)


# --- by what an operator names ------------------------------------------------------------------------------


def slug_in(text: str) -> str:
    """Return which page of ours an address is of; "" where it is none."""
    page = _PAGE.search(text)
    return page[1] if page else ""


def by_number(db: Database, number: int) -> list[int]:
    """List the entry of this number."""
    return _numbers(db, "SELECT entry_id FROM entries WHERE entry_id = ?", number)


def by_slug(db: Database, slug: str) -> list[int]:
    """List the entry that a page is about."""
    sql = "SELECT lead_entry_id FROM stories JOIN publications USING (story_id) WHERE slug = ?"
    return _numbers(db, sql, slug)


def by_link(db: Database, link: str) -> list[int]:
    """List the entries that lead to an address, as urls.canonical writes it."""
    return _numbers(db, "SELECT entry_id FROM entries WHERE canonical_url = ?", link)


def _numbers(db: Database, sql: str, value: object) -> list[int]:
    return [row[0] for row in db.execute(sql, [value]).fetchall()]


def addresses(db: Database, address: str) -> tuple[str, ...]:
    """Return all addresses that the feed at this one has or had; none where there is no such feed."""
    wanted = urls.normalise(address)
    for _, *known in db.execute(_FEEDS).fetchall():
        if wanted in map(urls.normalise, known):
            return tuple(dict.fromkeys(known))
    return ()
