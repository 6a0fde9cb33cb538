"""Threads of Reddit: a hundred known ones in a request, others by their address; with credentials only.

Source: https://www.reddit.com/dev/api#GET_api_info; docs/discussions.md.
"""

import re
from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any
from urllib.parse import quote

from aggregator import urls
from aggregator.discuss import answers, turns
from aggregator.discuss.answers import Asking, Script
from aggregator.errors import BadAnswer
from aggregator.model import CountTurn, Discussion, Fetched, Request, ThreadCount

_INFO = "https://oauth.reddit.com/api/info?"
_SITE = "https://www.reddit.com"
_LINK = re.compile(
    r"https://(?:(?:[a-z]{1,3}|new|amp)\.)?reddit\.com(?:/(?:r|u|user)/[^/?]+)?/(?:comments|gallery)/([a-z0-9]{1,10})(?:[/?].*)?"
)
_SHORT = re.compile(r"https://redd\.it/([a-z0-9]{1,10})(?:\?.*)?")
_NAME = re.compile(r"t3_[a-z0-9]{1,10}", re.ASCII)
_PERMALINK = re.compile(r"/(?:r|u|user)/[A-Za-z0-9_-]+/comments/[a-z0-9]+/[^\s?#\"<>\\]*")
IDS = 100  # of one request


def thread_of(url: str) -> Discussion | None:
    """Return the thread that a link names, also one to a comment of it."""
    canonical = urls.canonical(url) or ""
    found = _LINK.fullmatch(canonical) or _SHORT.fullmatch(canonical)
    return _thread(f"t3_{found[1]}") if found else None


def look(waiting: Sequence[CountTurn], now: datetime) -> Script:  # noqa: ARG001 - a thread is as old as it is
    """Yield what to ask about these stories, take the answers, return their counts."""
    found = turns.Found()
    for batch in _batches(waiting):
        yield from found.gather(batch, ids_request(batch), _known_reader(batch))
    for turn in waiting:
        if not turns.known(turn, "reddit") and turns.search_due(turn):
            yield from _search(turn, found)
    return found.of(waiting)


def _search(turn: CountTurn, found: turns.Found) -> Asking[None]:
    for key in turns.keys(turn):
        yield from found.gather([turn], search_request(key), lambda answer: read_found(answer, [turn]))


def _batches(waiting: Sequence[CountTurn]) -> Iterator[list[CountTurn]]:
    """Yield the stories with known threads in parts, so that each part's threads stand in one request."""
    batch: list[CountTurn] = []
    for turn in waiting:
        if batch and len(_keys([*batch, turn])) > IDS:
            yield batch
            batch = []
        if turns.known(turn, "reddit"):
            batch.append(turn)
    if batch:
        yield batch


def _keys(waiting: Sequence[CountTurn]) -> list[str]:
    return list(dict.fromkeys(thread.key for turn in waiting for thread in turns.known(turn, "reddit")))


def ids_request(waiting: Sequence[CountTurn]) -> Request:
    """Return the request for the known threads of these stories."""
    return _request(f"id={','.join(_keys(waiting)[:IDS])}")


def search_request(key: str) -> Request:
    """Return the request for the threads about an address."""
    return _request(f"url={quote(key, safe='', errors='replace')}&limit=100")


def _request(query: str) -> Request:
    url = f"{_INFO}{query}&raw_json=1"
    return Request(url=url, max_bytes=answers.LISTING_BYTES, accept=answers.JSON)


def read_known(answer: Fetched, waiting: Sequence[CountTurn]) -> list[ThreadCount]:
    """Return the known threads of these stories; those removed, and those the answer leaves out, are gone.

    Raises: BadAnswer, also where nothing is left of several: that is no answer to believe.
    """
    told = {thread.key: (thread, count) for thread, count, _ in _told(answer)}
    if not told and len(_keys(waiting)) > 1:
        raise BadAnswer(answer.url, "the answer has none of the threads")
    return [
        turns.counted(turn, *told.get(thread.key, (thread, None)))
        for turn in waiting
        for thread in turns.known(turn, "reddit")
    ]


def read_found(answer: Fetched, waiting: Sequence[CountTurn]) -> list[ThreadCount]:
    """Return the threads that are about one of the stories and were not removed.

    Raises: BadAnswer.
    """
    find = turns.finder(waiting, "reddit")
    return [
        turns.counted(turn, thread, count)
        for thread, count, url in _told(answer)
        if count is not None
        for turn in find(thread.key, url)
    ]


def _known_reader(batch: Sequence[CountTurn]) -> answers.Reader[list[ThreadCount]]:
    return lambda answer: read_known(answer, batch)


def _told(answer: Fetched) -> Iterator[tuple[Discussion, int | None, str]]:
    """Yield each thread of a listing, its count (None where it was removed) and the address it is about."""
    data = answers.object_of(answer).get("data")
    if not isinstance(data, dict) or not isinstance(data.get("children"), list):
        raise BadAnswer(answer.url, "the answer is no listing")
    for child in answers.objects(data["children"]):
        link = child.get("data")
        if isinstance(link, dict) and _NAME.fullmatch(name := answers.text(link.get("name"))):
            count = answers.number(link.get("num_comments"))
            removed = link.get("removed_by_category") is not None
            if removed or count is not None:
                thread = _thread(name, _permalink(link))
                yield thread, None if removed else count, answers.text(link.get("url"))


def _permalink(link: dict[str, Any]) -> str:
    permalink = answers.text(link.get("permalink"))
    return permalink if _PERMALINK.fullmatch(permalink) else ""


def _thread(name: str, permalink: str = "") -> Discussion:
    path = permalink or f"/comments/{name.removeprefix('t3_')}/"
    return Discussion(provider="reddit", key=name, url=f"{_SITE}{path}")
