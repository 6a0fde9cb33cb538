"""What is known of stories that may lead to their threads: what entries name, and table discussions."""

import json
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass

from sqlite_utils import Database

from aggregator import urls
from aggregator.model import Discussion

_LINKS = """
SELECT e.story_id, e.permalink, e.comments_url, e.guid, look.shortlink,
  iif(own.count IS NULL, e.comments_feed_url, NULL)
FROM json_each(?) AS s JOIN entries AS e ON e.story_id = s.value JOIN stories AS st ON st.story_id = s.value
  LEFT JOIN pages AS look ON look.entry_id = e.entry_id
  LEFT JOIN comment_counts AS own ON own.entry_id = e.entry_id AND own.source = 'feed'
ORDER BY e.story_id, e.entry_id IS NOT st.lead_entry_id, e.entry_id
"""
# Which feed of comments is asked for, entries say each time: none any more once their own feeds say numbers.
_THREADS = """
SELECT d.story_id, d.provider, d.thread_key, d.url, d.gone
FROM json_each(?) AS s JOIN discussions AS d ON d.story_id = s.value
WHERE d.thread_key != '' AND (d.provider != 'comment-feeds' OR d.gone = 1)
ORDER BY d.story_id, d.provider, d.thread_key
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class StoryLinks:
    """What is known of a story that may lead to its threads."""

    urls: tuple[str, ...]  # permalinks of its entries, the lead's first
    named: tuple[str, ...]  # every web address its entries name: comments link, permalink, guid, shortlink
    feeds: tuple[Discussion, ...]  # of comments, those of entries whose feed says no number of its own
    known: tuple[Discussion, ...]  # threads of any provider but feeds of comments
    gone: tuple[Discussion, ...]  # threads not to ask about again, also where an entry names them


def of_stories(db: Database, story_ids: Iterable[int]) -> dict[int, StoryLinks]:
    """Return what is known of each story that may lead to its threads."""
    stories = json.dumps(list(story_ids))
    permalinks: defaultdict[int, list[str]] = defaultdict(list)
    named: defaultdict[int, list[str]] = defaultdict(list)
    feeds: defaultdict[int, list[Discussion]] = defaultdict(list)
    for story_id, permalink, comments_url, guid, shortlink, feed_url in db.execute(_LINKS, [stories]):
        permalinks[story_id] += _web(permalink)
        named[story_id] += _web(comments_url, permalink, guid, shortlink)
        feeds[story_id] += [_feed(url, page) for page in _web(permalink) for url in _web(feed_url)]
    known: defaultdict[int, list[Discussion]] = defaultdict(list)
    gone: defaultdict[int, list[Discussion]] = defaultdict(list)
    for story_id, provider, key, url, is_gone in db.execute(_THREADS, [stories]):
        thread = Discussion(provider=provider, key=key, url=url)
        (gone if is_gone else known)[story_id].append(thread)
    return {
        story_id: StoryLinks(
            urls=tuple(dict.fromkeys(permalinks[story_id])), named=tuple(dict.fromkeys(named[story_id])),
            feeds=tuple(feeds[story_id]), known=tuple(known[story_id]), gone=tuple(gone[story_id]),
        )
        for story_id in json.loads(stories)
    }  # fmt: skip


def _feed(feed_url: str, page_url: str) -> Discussion:
    return Discussion(provider="comment-feeds", key=urls.normalise(feed_url), url=page_url)


def _web(*links: str | None) -> list[str]:
    return [link for link in links if link and urls.is_web(link)]
