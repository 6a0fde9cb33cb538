"""Asking sites that each answer for themselves: robots.txt first, and no further once one fails."""

from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from urllib.parse import urlsplit

from aggregator import urls
from aggregator.discuss import turns
from aggregator.discuss.answers import Answer, Asking, Reader, Script
from aggregator.enrich import robots
from aggregator.model import CountTurn, Discussion, Failure, Fetched, Request

REFUSED = turns.GONE | {401, 403}  # by the site, or by what guards it: no use to ask again
_ROBOTS_BYTES = 512 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What a site is asked about one story."""

    origin: str  # of the site
    turn: CountTurn
    thread: Discussion
    request: Request


def look(
    waiting: Sequence[CountTurn], asked_of: Callable[[CountTurn], list[Asked]], read: Reader[int | None]
) -> Script:
    """Yield what to ask the stories' sites, take the answers, return the stories' counts.

    Shape: a thread that the site's robots.txt or the site itself forbids is gone.
    """
    found = turns.Found()
    by_site: defaultdict[str, list[Asked]] = defaultdict(list)
    for turn in waiting:
        for asked in asked_of(turn):
            by_site[asked.origin].append(asked)
    for origin, threads in by_site.items():
        yield from _site(origin, threads, read, found)
    return found.of(waiting)


def _site(
    origin: str, threads: Sequence[Asked], read: Reader[int | None], found: turns.Found
) -> Asking[None]:
    rules = rules_of((yield robots_request(origin)))
    for asked in threads:
        if rules is None:
            found.fail([asked.turn])
        elif not rules.allows(asked.request.url):
            found.add([turns.counted(asked.turn, asked.thread, None)])
        else:
            answered = yield from found.refresh(asked.turn, asked.thread, asked.request, read, gone=REFUSED)
            rules = rules if answered else None


def robots_request(origin: str) -> Request:
    """Return the request for a site's robots.txt."""
    return Request(url=f"{origin}/robots.txt", max_bytes=_ROBOTS_BYTES)


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
