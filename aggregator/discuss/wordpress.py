"""Comments of a WordPress site, where an entry's guid or page names its number there and robots.txt agrees.

Source: https://developer.wordpress.org/rest-api/using-the-rest-api/pagination/; docs/discussions.md.
"""

import re
from collections.abc import Sequence
from datetime import datetime

from aggregator import urls
from aggregator.discuss import answers, sites, turns
from aggregator.discuss.answers import Script
from aggregator.model import CountTurn, Discussion, Fetched, Request

# wp-includes/feed-rss2.php writes the_guid(): home_url, then ?p=, before it a custom type's ?post_type=.
_GUID = re.compile(r"(https://[^/?]+(?:/[\w~-]+)*)\?(?:post_type=[\w-]{1,40}&)?p=([0-9]{1,10})", re.ASCII)
_KEY = re.compile(r"(https://[^/?]+)((?:/[\w~-]+)*)/\?p=([0-9]{1,10})", re.ASCII)


def thread_of(url: str) -> Discussion | None:
    """Return the thread that a guid names."""
    found = _GUID.fullmatch(urls.canonical(url) or "")
    if found is None:
        return None
    key = f"{found[1]}/?p={found[2]}"
    return Discussion(provider="wordpress", key=key, url=f"{key}#comments")


def look(waiting: Sequence[CountTurn], now: datetime) -> Script:  # noqa: ARG001 - a site is asked at any time
    """Yield what to ask about these stories, take the answers, return their counts."""
    return sites.look(waiting, _asked, read_total)


def _asked(turn: CountTurn) -> list[sites.Asked]:
    return [
        sites.Asked(
            origin=(origin := sites.origin_of(place)), turn=turn, request=comments_request(origin, thread),
            thread=Discussion(
                provider="wordpress", key=thread.key, url=f"{place.partition('#')[0]}#comments"
            ),
        )
        for thread in turns.known(turn, "wordpress")
        if (place := permalink(turn, thread))
    ]  # fmt: skip


def permalink(turn: CountTurn, thread: Discussion) -> str | None:
    """Return the story's address at the site that the guid names; None where it is at none.

    A guid stays as it was when a site moves, and an aggregator's guid is not its link's.
    """
    host = urls.host(thread.key)
    return next((url for url in turn.urls if urls.host(urls.canonical(url) or "") == host), None)


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
