"""Feeds of an entry's comments: how many comments one holds is the least that there are.

Such a feed is mostly cut to its newest: what its site counts itself outdoes it (publish/counts.py).

Source: wellformedweb.org, wfw:commentRss; RFC 4685 section 4; docs/discussions.md.
"""

from collections.abc import Sequence
from datetime import datetime

from aggregator.discuss import sites, turns
from aggregator.discuss.answers import Script
from aggregator.errors import BadAnswer, NotAFeed
from aggregator.model import CountTurn, Discussion, Fetched, Request

# Ten comments are 50 KB. The worst that is known takes a parser 1 s for this much, and no timer ends it.
_MOST_BYTES = 256 * 1024
_ACCEPT = "application/atom+xml, application/rss+xml, application/feed+json;q=0.9, application/xml;q=0.8"


def thread_of(url: str) -> Discussion | None:  # noqa: ARG001 - by its address alone no feed is known
    """Return no thread: an entry says which feed is of its comments."""
    return None


def look(waiting: Sequence[CountTurn], now: datetime) -> Script:  # noqa: ARG001 - a site is asked at any time
    """Yield what to ask about these stories, take the answers, return their counts."""
    return sites.look(waiting, _asked, read_feed)


def _asked(turn: CountTurn) -> list[sites.Asked]:
    return [
        sites.Asked(
            origin=sites.origin_of(thread.key), turn=turn, thread=thread, request=feed_request(thread)
        )
        for thread in turns.known(turn, "comment-feeds")
    ]


def feed_request(thread: Discussion) -> Request:
    """Return the request for a feed of comments."""
    return Request(url=thread.key, max_bytes=_MOST_BYTES, accept=_ACCEPT)


def read_feed(answer: Fetched) -> int:
    """Return how many comments a feed holds.

    Raises: BadAnswer where it is no feed, or one too large to be mended where no timer ends that.
    """
    from aggregator.poll.parse import parse  # in the worker: who only knows threads by links needs no parser

    try:
        feed = parse(answer.body, answer.content_type, answer.url, is_timed=False, newest=0)
    except NotAFeed as error:
        raise BadAnswer(answer.url, str(error).removeprefix(f"{answer.url}: ")[:300]) from error
    return len({entry.guid for entry in feed.entries})
