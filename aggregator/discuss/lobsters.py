"""Threads of Lobsters: its newest page serves many stories, one that left it is asked about by its own.

Source: config/routes.rb and app/models/story.rb of github.com/lobsters/lobsters; docs/discussions.md.
"""

import re
from collections.abc import Sequence
from datetime import datetime

from aggregator import urls
from aggregator.discuss import answers, turns
from aggregator.discuss.answers import Script
from aggregator.model import CountTurn, Discussion, Fetched, Request, ThreadCount

# Threads asked about by themselves, of one job: more would use up the hour, and the page serves more stories.
_SINGLE = 1
_HOME = "https://lobste.rs/"
_LINK = re.compile(r"https://lobste\.rs/s/([a-z0-9]{1,12})(?:[/?].*)?")
_ID = re.compile(r"[a-z0-9]{1,12}", re.ASCII)


def thread_of(url: str) -> Discussion | None:
    """Return the thread that a link names."""
    found = _LINK.fullmatch(urls.canonical(url) or "")
    return _thread(found[1]) if found else None


def look(waiting: Sequence[CountTurn], now: datetime) -> Script:  # noqa: ARG001 - the page is the newest there is
    """Yield what to ask about these stories, take the answers, return their counts."""
    found = turns.Found()
    if not waiting:
        return found.of(waiting)
    listed = yield from found.gather((), listing_request(), lambda answer: read_newest(answer, waiting))
    known = [(turn, thread) for turn in waiting for thread in turns.known(turn, "lobsters")]
    left = [(turn, thread) for turn, thread in known if not found.has(turn, thread)]
    for turn, thread in left[:_SINGLE]:
        yield from found.refresh(turn, thread, story_request(thread), read_story)
    found.fail(turn for turn, _ in left[_SINGLE:])
    if not listed:
        found.fail(turn for turn in waiting if not turns.known(turn, "lobsters"))
    return found.of(waiting)


def listing_request() -> Request:
    """Return the request for the newest stories, 25 of them."""
    return Request(url=f"{_HOME}newest.json", max_bytes=answers.LISTING_BYTES, accept=answers.JSON)


def story_request(thread: Discussion) -> Request:
    """Return the request for one thread."""
    return Request(url=f"{_HOME}s/{thread.key}.json", max_bytes=answers.LISTING_BYTES, accept=answers.JSON)


def read_newest(answer: Fetched, waiting: Sequence[CountTurn]) -> list[ThreadCount]:
    """Return the threads on a page that are about one of the stories.

    Raises: BadAnswer.
    """
    find = turns.finder(waiting, "lobsters")
    return [
        turns.counted(turn, _thread(key), comments)
        for story in answers.objects(answers.array_of(answer))
        if _ID.fullmatch(key := answers.text(story.get("short_id")))
        and (comments := answers.number(story.get("comment_count"))) is not None
        for turn in find(key, answers.text(story.get("url")))
    ]


def read_story(answer: Fetched) -> int:
    """Return how many comments a thread has.

    Raises: BadAnswer.
    """
    return answers.count(answer, answers.object_of(answer).get("comment_count"))


def _thread(key: str) -> Discussion:
    return Discussion(provider="lobsters", key=key, url=f"{_HOME}s/{key}")
