"""The first comments of a thread: what to ask a provider, and what it answers. Sends nothing itself.

Providers that let nobody show their text, or a translation of it, are not among these: docs/discussions.md.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote

from aggregator import urls
from aggregator.discuss import sites, wordpress
from aggregator.discuss.answers import (
    ANSWER_BYTES,
    JSON,
    LISTING_BYTES,
    Answer,
    Asking,
    array_of,
    ask,
    object_of,
    objects,
    text,
)
from aggregator.discuss.turns import GONE
from aggregator.enrich.robots import Robots
from aggregator.enrich.sentences import sentences
from aggregator.markup import plain, to_text, unturned, xml_legal
from aggregator.model import (
    Comment,
    CommentLook,
    Discussion,
    Failure,
    Fetched,
    Provider,
    Request,
    ThreadComments,
)

MOST = 5  # comments of a thread
LENGTH = 600  # characters of one; the rest is at the provider
MORE = "…"  # the line after what was cut
_AUTHOR = 80
_CLOSED = frozenset({401, 403})  # by a site; a provider of many stories says with it that it refuses us
_KEY = re.compile(r"[0-9]{1,20}")


def look(looks: Sequence[CommentLook]) -> Asking[tuple[ThreadComments, ...]]:
    """Yield one request a thread; return what each brought, without those that were not asked."""
    read: list[ThreadComments] = []
    known: dict[str, Robots | Failure] = {}
    for each in looks:
        found = yield from _read(each.discussion, known)
        if not isinstance(found, Failure):
            read.append(ThreadComments(look=each, comments=found))
        elif _has_none(found, each.discussion):
            read.append(ThreadComments(look=each, comments=()))
        elif found.kind != "Skipped":
            read.append(ThreadComments(look=each, comments=None))
    return tuple(read)


def _has_none(failure: Failure, thread: Discussion) -> bool:
    """Say whether a thread has nothing for us, so that to ask again soon would be no use."""
    closed = thread.provider == "wordpress" and failure.status in _CLOSED
    return closed or failure.status in GONE or failure.kind == "BodyTooLarge"


def _read(thread: Discussion, known: dict[str, Robots | Failure]) -> Asking[tuple[Comment, ...] | Failure]:
    asked = request(thread)
    if thread.provider == "wordpress":
        rules = yield from _rules(sites.origin_of(asked.url), known)
        if isinstance(rules, Failure):
            return rules
        if not rules.allows(asked.url):
            return ()
    found = yield from ask(asked, lambda answer: read_comments(answer, thread))
    return found


def _rules(origin: str, known: dict[str, Robots | Failure]) -> Asking[Robots | Failure]:
    """Ask a site for its robots.txt, once."""
    if origin not in known:
        answer = yield sites.robots_request(origin)
        known[origin] = sites.rules_of(answer) or _unknown(answer)
    return known[origin]


def _unknown(answer: Answer) -> Failure:
    if isinstance(answer, Failure):
        return replace(answer, status=None)  # a status of robots.txt says nothing of the thread
    return Failure(kind="BadStatus", detail="304 though no validator was sent", url=answer.url)


def request(thread: Discussion) -> Request:
    """Return what to ask for a thread's first comments."""
    return _KINDS[thread.provider].request(thread)


def read_comments(answer: Fetched, thread: Discussion) -> tuple[Comment, ...]:
    """Return a thread's first comments.

    Raises: BadAnswer where the answer is not of the documented shape.
    """
    found = (_comment(each) for each in _KINDS[thread.provider].rows(answer))
    return tuple(comment for comment in found if comment)[:MOST]


def excerpt(html: str) -> str:
    """Return the beginning of a comment as plain text; shape as in Comment."""
    kept: list[str] = []
    room = LENGTH
    for sentence in _sentences(to_text(html)):
        room -= len(sentence)
        if room < 0:
            return "\n".join([*kept, MORE]) if kept else f"{sentence[:LENGTH]}{MORE}"
        kept.append(sentence)
    return "\n".join(kept)


def _sentences(prose: str) -> Iterator[str]:
    for paragraph in prose.split("\n\n"):
        yield from sentences(paragraph)


@dataclass(frozen=True, slots=True)
class _Row:
    """A comment as a provider gives it, nothing of it trusted."""

    key: object
    url: object
    author: object
    html: object
    written_at: datetime | None


@dataclass(frozen=True, slots=True)
class _Kind:
    request: Callable[[Discussion], Request]
    rows: Callable[[Fetched], Iterable[_Row]]


def _comment(row: _Row) -> Comment | None:
    """Return a comment, None where anything of it is missing: it was deleted, or is nobody's."""
    key, url = str(row.key), xml_legal(text(row.url))
    author = unturned(plain(text(row.author)))[:_AUTHOR].strip()
    said = excerpt(text(row.html))
    if not (_KEY.fullmatch(key) and urls.is_web(url) and author and said):
        return None
    return Comment(key=key, url=url, author=author, text=said, written_at=row.written_at)


def _items_request(thread: Discussion) -> Request:
    # A long thread is some megabytes: there is no way to ask for its beginning alone.
    url = f"https://hn.algolia.com/api/v1/items/{quote(thread.key, safe='')}"
    return Request(url=url, max_bytes=LISTING_BYTES, accept=JSON)


def _items(answer: Fetched) -> Iterator[_Row]:
    """Source: github.com/algolia/hn-search; the order is the answer's."""
    for child in objects(object_of(answer).get("children")):
        key = child.get("id")
        page = f"https://news.ycombinator.com/item?id={key}"
        yield _Row(key, page, child.get("author"), child.get("text"), _since_1970(child.get("created_at_i")))


def _wordpress_request(thread: Discussion) -> Request:
    wanted = f"per_page={MOST}&orderby=date_gmt&order=asc"
    return wordpress.comments_request(sites.origin_of(thread.url), thread, wanted)


def _wordpress(answer: Fetched) -> Iterator[_Row]:
    """Source: developer.wordpress.org/rest-api/reference/comments/."""
    for each in objects(array_of(answer)):
        if each.get("type", "comment") == "comment":  # no pingback
            said = _inner(each, "content", "rendered")
            at = _moment(f"{text(each.get('date_gmt'))}Z")
            yield _Row(each.get("id"), each.get("link"), each.get("author_name"), said, at)


def _github_request(thread: Discussion) -> Request:
    place = quote(thread.key.replace("/pull/", "/issues/"))
    return Request(
        url=f"https://api.github.com/repos/{place}/comments?per_page={2 * MOST}", max_bytes=ANSWER_BYTES,
        accept="application/vnd.github.html+json", headers=(("X-GitHub-Api-Version", "2022-11-28"),),
    )  # fmt: skip


def _github(answer: Fetched) -> Iterator[_Row]:
    """Source: docs.github.com/en/rest/issues/comments, media type `html`; what bots say is no comment."""
    for each in objects(array_of(answer)):
        if _inner(each, "user", "type") != "Bot":
            author, at = _inner(each, "user", "login"), _moment(text(each.get("created_at")))
            yield _Row(each.get("id"), each.get("html_url"), author, each.get("body_html"), at)


_KINDS: dict[Provider, _Kind] = {
    "hackernews": _Kind(_items_request, _items),
    "wordpress": _Kind(_wordpress_request, _wordpress),
    "github": _Kind(_github_request, _github),
}
READABLE: tuple[Provider, ...] = tuple(_KINDS)


def _inner(row: dict[str, Any], *names: str) -> object:
    value: object = row
    for name in names:
        value = value.get(name) if isinstance(value, dict) else None
    return value


def _since_1970(seconds: object) -> datetime | None:
    is_number = isinstance(seconds, int) and not isinstance(seconds, bool)
    return _moment(seconds) if is_number else None  # type: ignore[arg-type]


def _moment(said: str | int) -> datetime | None:
    """Read a time that a provider says, None where it is none."""
    try:
        moment = datetime.fromtimestamp(said, UTC) if isinstance(said, int) else datetime.fromisoformat(said)
        return moment.astimezone(UTC)
    except (ValueError, OverflowError, OSError):
        return None
