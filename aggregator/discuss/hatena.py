"""Bookmarks at Hatena: a count for each address, asked for in batches.

Source: https://developer.hatena.ne.jp/ja/documents/bookmark/apis/getcount; docs/discussions.md.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from urllib.parse import quote

from aggregator import urls
from aggregator.discuss import answers, links, turns
from aggregator.discuss.answers import Script
from aggregator.errors import BadAnswer
from aggregator.model import CountTurn, Discussion, Fetched, Request, ThreadCount

_COUNTS = "https://bookmark.hatenaapis.com/count/entries?"
_PAGE = "https://b.hatena.ne.jp/entry/"
_LINK = re.compile(r"https://b\.hatena\.ne\.jp/entry/(s/)?([^/?]+\.[^/?]+.*)")
ADDRESSES = 50  # of one request
STORY_ADDRESSES = 6  # of one story, which may have come in many feeds
LONGEST = 4000  # characters of a request's address


def thread_of(url: str) -> Discussion | None:
    """Return the thread that a link names."""
    found = _LINK.fullmatch(urls.canonical(url) or "")
    return _thread(f"{'https' if found[1] else 'http'}://{found[2]}") if found else None


def look(waiting: Sequence[CountTurn], now: datetime) -> Script:  # noqa: ARG001 - counts are of any age
    """Yield what to ask about these stories, take the answers, return their counts."""
    found = turns.Found()
    asked = {turn.story_id: addresses(turn) for turn in waiting}
    counts: dict[str, int] = {}
    for batch in batches([address for each in asked.values() for address in each]):
        answer = yield from answers.ask(counts_request(batch), _reader(batch))
        if isinstance(answer, dict):
            counts |= answer
    for turn in waiting:
        if counts.keys() >= set(asked[turn.story_id]):
            found.add(threads(turn, [(address, counts[address]) for address in asked[turn.story_id]]))
        else:
            found.fail([turn])
    return found.of(waiting)


def _reader(batch: Sequence[str]) -> answers.Reader[dict[str, int]]:
    return lambda answer: read_counts(answer, batch)


def addresses(turn: CountTurn) -> list[str]:
    """Return the addresses a story may be bookmarked under, those of known threads with them."""
    own = [twin for url in turn.urls for twin in links.twins(url) if _length(twin) <= LONGEST - len(_COUNTS)]
    known = [thread.key for thread in turns.known(turn, "hatena")]
    return list(dict.fromkeys([*own[:STORY_ADDRESSES], *known]))


def batches(asked: Iterable[str]) -> Iterator[list[str]]:
    """Yield the addresses in parts that one request holds, by number and by length."""
    batch: list[str] = []
    length = len(_COUNTS)
    for address in dict.fromkeys(asked):
        if batch and (len(batch) == ADDRESSES or length + _length(address) > LONGEST):
            yield batch
            batch, length = [], len(_COUNTS)
        batch.append(address)
        length += _length(address)
    if batch:
        yield batch


def counts_request(asked: Iterable[str]) -> Request:
    """Return the request for the counts of these addresses."""
    query = "&".join(map(_parameter, asked))
    return Request(url=f"{_COUNTS}{query}", max_bytes=answers.ANSWER_BYTES, accept=answers.JSON)


def read_counts(answer: Fetched, asked: Iterable[str]) -> dict[str, int]:
    """Return the count of each address that was asked about; one that the answer leaves out has none.

    Shape: an address whose count is no number is left out.
    Raises: BadAnswer.
    """
    counts = answers.object_of(answer)
    if counts and counts.keys().isdisjoint(asked):
        raise BadAnswer(answer.url, "the answer is about none of the addresses")
    numbers = {address: answers.number(counts.get(address, 0)) for address in asked}
    return {address: number for address, number in numbers.items() if number is not None}


def threads(turn: CountTurn, counts: Sequence[tuple[str, int]]) -> list[ThreadCount]:
    """Return a story's threads: the page with most bookmarks, where it has any, and what was known before.

    The pages of http and https may be one (nobody says so): their numbers must not be added up.
    """
    known = {thread.key for thread in turns.known(turn, "hatena")}
    most = max((count for _, count in counts), default=0)
    largest = next((address for address, count in counts if count == most > 0), "")
    return [
        turns.counted(turn, _thread(address), count)
        for address, count in counts
        if address in known or address == largest
    ]


def _parameter(address: str) -> str:
    return f"url={quote(address, safe='', errors='replace')}"


def _length(address: str) -> int:
    return len(_parameter(address)) + 1


def _thread(address: str) -> Discussion:
    scheme, _, page = address.partition("://")
    return Discussion(provider="hatena", key=address, url=f"{_PAGE}{'s/' if scheme == 'https' else ''}{page}")
