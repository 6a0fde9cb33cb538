"""Comments of a WordPress site, where an entry's guid names its number there and its robots.txt agrees.

Source: https://developer.wordpress.org/rest-api/using-the-rest-api/pagination/; docs/discussions.md.
"""

import re
from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime
from urllib.parse import urlsplit

from aggregator import urls
from aggregator.discuss import answers, turns
from aggregator.discuss.answers import Answer, Asking, Script
from aggregator.enrich import robots
from aggregator.model import CountTurn, Discussion, Failure, Fetched, Request

# wp-includes/feed-rss2.php writes the_guid(): home_url, then ?p=, before it a custom type's ?post_type=.
_GUID = re.compile(r"(https://[^/?]+(?:/[\w~-]+)*)\?(?:post_type=[\w-]{1,40}&)?p=([0-9]{1,10})", re.ASCII)
_KEY = re.compile(r"(https://[^/?]+)((?:/[\w~-]+)*)/\?p=([0-9]{1,10})", re.ASCII)
_ROBOTS_BYTES = 512 * 1024
_Asked = tuple[str, CountTurn, Discussion]  # the first: the story's address there
_REFUSED = turns.GONE | {401, 403}  # by the site, or by what guards it: no use to ask again


def thread_of(url: str) -> Discussion | None:
    """Return the thread that a guid names."""
    found = _GUID.fullmatch(urls.canonical(url) or "")
    if found is None:
        return None
    key = f"{found[1]}/?p={found[2]}"
    return Discussion(provider="wordpress", key=key, url=f"{key}#comments")


def look(waiting: Sequence[CountTurn], now: datetime) -> Script:  # noqa: ARG001 - a site is asked at any time
    """Yield what to ask about these stories, take the answers, return their counts.

    Shape: a site's robots.txt first; a site that fails is asked no further.
    """
    found = turns.Found()
    sites: defaultdict[str, list[_Asked]] = defaultdict(list)
    for turn in waiting:
        for thread in turns.known(turn, "wordpress"):
            if place := permalink(turn, thread):
                sites[origin_of(place)].append((place, turn, thread))
    for origin, asked in sites.items():
        yield from _site(origin, asked, found)
    return found.of(waiting)


def _site(origin: str, asked: Sequence[_Asked], found: turns.Found) -> Asking[None]:
    rules = rules_of((yield robots_request(origin)))
    for place, turn, thread in asked:
        request = comments_request(origin, thread)
        named = Discussion(provider="wordpress", key=thread.key, url=f"{place.partition('#')[0]}#comments")
        if rules is None:
            found.fail([turn])
        elif not rules.allows(request.url):
            found.add([turns.counted(turn, named, None)])
        else:
            answered = yield from found.refresh(turn, named, request, read_total, gone=_REFUSED)
            rules = rules if answered else None


def permalink(turn: CountTurn, thread: Discussion) -> str | None:
    """Return the story's address at the site that the guid names; None where it is at none.

    A guid stays as it was when a site moves, and an aggregator's guid is not its link's.
    """
    host = urls.host(thread.key)
    return next((url for url in turn.urls if urls.host(urls.canonical(url) or "") == host), None)


def robots_request(origin: str) -> Request:
    """Return the request for a site's robots.txt."""
    return Request(url=f"{origin}/robots.txt", max_bytes=_ROBOTS_BYTES)


def comments_request(origin: str, thread: Discussion, wanted: str = "per_page=1&_fields=id") -> Request:
    """Return the request for a story's comments: one of them, for the number stands in a header."""
    found = _KEY.fullmatch(thread.key)
    folder, number = (found[2], found[3]) if found else ("", "0")
    url = f"{origin}{folder}/wp-json/wp/v2/comments?post={number}&{wanted}"
    return Request(url=url, max_bytes=answers.ANSWER_BYTES, accept=answers.JSON)


def read_total(answer: Fetched) -> int:
    """Return how many comments a story has.

    Raises: BadAnswer.
    """
    answers.array_of(answer)
    total = dict(answer.headers).get("x-wp-total", "")
    return answers.count(answer, int(total) if re.fullmatch(r"[0-9]{1,9}", total, re.ASCII) else None)


def rules_of(answer: Answer) -> robots.Robots | None:
    """Return a site's rules; None where they are not known, which forbids everything.

    Source: RFC 9309 sections 2.3.1.3 and 2.3.1.4.
    """
    if isinstance(answer, Failure):
        is_missing = answer.status is not None and 400 <= answer.status < 500 and answer.status != 429
        return robots.Robots() if is_missing else None
    if not isinstance(answer, Fetched):
        return None
    is_page = answer.body.lstrip()[:1] == b"<"  # a site's way to say 404
    return robots.Robots() if is_page else robots.read(answer.body.decode("utf-8", "replace"))


def origin_of(url: str) -> str:
    """Return the site of an address: what a robots.txt holds for."""
    parts = urlsplit(urls.normalise(url))
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}"
