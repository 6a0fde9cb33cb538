"""Threads of Hacker News: the newest in one request, old ones by number, others searched for by address.

Source: https://hn.algolia.com/api and https://github.com/HackerNews/API; docs/discussions.md.
"""

import re
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import quote

from aggregator import urls
from aggregator.discuss import answers, turns
from aggregator.discuss.answers import Asking, Script
from aggregator.errors import BadAnswer
from aggregator.model import CountTurn, Discussion, Fetched, Request, ThreadCount

_SEARCH = "https://hn.algolia.com/api/v1/"
_ITEMS = "https://hacker-news.firebaseio.com/v0/item/"
_LINK = re.compile(r"https://news\.ycombinator\.com/item\?(?:.*&)?id=([0-9]{1,12})(?:&.*)?")
_ID = re.compile(r"[0-9]{1,12}", re.ASCII)
_LISTED = timedelta(days=3)  # a bound; a thousand stories are about one day
_FIELDS = "attributesToRetrieve=url,num_comments,created_at_i&attributesToHighlight=%5B%5D"
_LONGEST_QUERY = 400  # bytes; Algolia takes 512


def thread_of(url: str) -> Discussion | None:
    """Return the thread that a link names."""
    found = _LINK.fullmatch(urls.canonical(url) or "")
    return _thread(found[1]) if found else None


def look(waiting: Sequence[CountTurn], now: datetime) -> Script:
    """Yield what to ask about these stories, take the answers, return their counts.

    Shape: the newest stories first; then for a story that is not among them its known threads, or a search.
    """
    found = turns.Found()
    if not waiting:
        return found.of(waiting)
    listed = yield from found.gather((), listing_request(now), lambda answer: read_hits(answer, waiting))
    for turn in waiting:
        threads = turns.known(turn, "hackernews")
        for thread in threads:
            if not found.has(turn, thread):
                yield from found.refresh(turn, thread, item_request(thread), read_item)
        if threads or found.is_met(turn):
            continue
        if turns.search_due(turn):
            yield from _search(turn, found)
        elif not listed:
            found.fail([turn])
    return found.of(waiting)


def _search(turn: CountTurn, found: turns.Found) -> Asking[None]:
    for key in turns.keys(turn):
        yield from found.gather([turn], search_request(key), lambda answer: read_hits(answer, [turn]))


def listing_request(now: datetime) -> Request:
    """Return the request for the newest stories; no more than 1,000 come in one answer."""
    since = int((now - _LISTED).timestamp())
    asked = f"search_by_date?tags=story&hitsPerPage=1000&numericFilters=created_at_i%3E{since}&{_FIELDS}"
    return Request(url=f"{_SEARCH}{asked}", max_bytes=answers.LISTING_BYTES, accept=answers.JSON)


def search_request(key: str) -> Request:
    """Return the request for the threads about an address: its words, as a phrase."""
    words = key.removeprefix("https://").replace('"', " ").encode("utf-8", "replace")[:_LONGEST_QUERY]
    phrase = f'"{words.decode("utf-8", "ignore")}"'
    asked = f"query={quote(phrase, safe='')}&restrictSearchableAttributes=url&tags=story&hitsPerPage=20"
    exact = f"typoTolerance=false&advancedSyntax=true&{_FIELDS}"
    return Request(
        url=f"{_SEARCH}search?{asked}&{exact}", max_bytes=answers.ANSWER_BYTES, accept=answers.JSON
    )


def item_request(thread: Discussion) -> Request:
    """Return the request for one thread by its number."""
    url = f"{_ITEMS}{quote(thread.key, safe='')}.json"
    return Request(url=url, max_bytes=answers.ANSWER_BYTES, accept=answers.JSON)


def read_hits(answer: Fetched, waiting: Sequence[CountTurn]) -> list[ThreadCount]:
    """Return the threads in a listing or a search that are about one of the stories.

    Shape: a search brings pages of similar addresses too, so each hit's own address is compared.
    Raises: BadAnswer.
    """
    hits = answers.object_of(answer).get("hits")
    if not isinstance(hits, list):
        raise BadAnswer(answer.url, "the answer has no hits")
    find = turns.finder(waiting, "hackernews")
    return [
        turns.counted(turn, _thread(hit["objectID"]), comments)
        for hit in answers.objects(hits)
        if (comments := _comments(hit)) is not None
        for turn in find(hit["objectID"], answers.text(hit.get("url")))
    ]


def read_item(answer: Fetched) -> int | None:
    """Return how many comments a thread has; None where it was deleted, killed or is none.

    Raises: BadAnswer.
    """
    item = answers.json_of(answer)
    if item is None:
        return None
    if not isinstance(item, dict) or "id" not in item:
        raise BadAnswer(answer.url, "the answer is no item")
    if item.get("deleted") or item.get("dead") or item.get("type") not in {"story", "poll", "job"}:
        return None
    return answers.count(answer, item.get("descendants", 0))


def _comments(hit: dict[str, Any]) -> int | None:
    """Return how many comments a hit has, None where it is no thread."""
    if not _ID.fullmatch(answers.text(hit.get("objectID"))):
        return None
    comments = hit.get("num_comments")
    return 0 if comments is None else answers.number(comments)


def _thread(number: str) -> Discussion:
    return Discussion(provider="hackernews", key=number, url=f"https://news.ycombinator.com/item?id={number}")
