"""Discussions of GitHub, where an entry is one: comments and the replies to them; with a token only.

Source: https://docs.github.com/en/graphql/guides/using-the-graphql-api-for-discussions; docs/discussions.md.
"""

import json
import re
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from aggregator import urls
from aggregator.discuss import answers, turns
from aggregator.discuss.answers import Script
from aggregator.discuss.github import API, REPOSITORY
from aggregator.errors import BadAnswer
from aggregator.model import CountTurn, Discussion, Fetched, Request

_LINK = re.compile(rf"{REPOSITORY}/discussions/([0-9]{{1,9}})(?:[/?].*)?", re.IGNORECASE)
# A connection must say how much of it is wanted, and 100 is the most: replies to later comments are left out.
_QUERY = (
    "query($owner: String!, $name: String!, $number: Int!) {"
    " repository(owner: $owner, name: $name) { discussion(number: $number) {"
    " comments(first: 100) { totalCount nodes { replies(first: 1) { totalCount } } } } } }"
)


def thread_of(url: str) -> Discussion | None:
    """Return the thread that a link names; those of organisations do not say which repository they are in."""
    found = _LINK.fullmatch(urls.canonical(url) or "")
    if found is None or set(found[2]) == {"."} or found[1].lower() == "orgs":
        return None
    owner, repository, number = found.groups()
    key = f"{owner}/{repository}/discussions/{number}".lower()
    url = f"https://github.com/{owner}/{repository}/discussions/{number}"
    return Discussion(provider="github-discussions", key=key, url=url)


def look(waiting: Sequence[CountTurn], now: datetime) -> Script:  # noqa: ARG001 - a thread is as old as it is
    """Yield what to ask about these stories, take the answers, return their counts."""
    found = turns.Found()
    for turn in waiting:
        for thread in turns.known(turn, "github-discussions"):
            yield from found.refresh(turn, thread, discussion_request(thread), read_discussion)
    return found.of(waiting)


def discussion_request(thread: Discussion) -> Request:
    """Return the request for one discussion."""
    owner, name, _, number = thread.key.split("/")
    asked = {"query": _QUERY, "variables": {"owner": owner, "name": name, "number": int(number)}}
    return Request(
        url=f"{API}/graphql", max_bytes=answers.ANSWER_BYTES, accept=answers.JSON,
        headers=(("Content-Type", answers.JSON),), body=json.dumps(asked).encode(),
    )  # fmt: skip


def read_discussion(answer: Fetched) -> int | None:
    """Return how many comments and replies a discussion has; None where there is none, or none for us.

    Raises: BadAnswer, also where the query was refused: that comes with status 200.
    """
    document = answers.object_of(answer)
    errors = answers.objects(document.get("errors"))
    if errors and all(error.get("type") == "NOT_FOUND" for error in errors):
        return None
    if errors:
        raise BadAnswer(answer.url, f"the query failed: {answers.text(errors[0].get('message'))}"[:300])
    comments = _inner(document, "data", "repository", "discussion", "comments")
    replies = [_inner(each, "replies").get("totalCount") for each in answers.objects(comments.get("nodes"))]
    return sum(answers.count(answer, value) for value in (comments.get("totalCount"), *replies))


def _inner(value: dict[str, Any], *names: str) -> dict[str, Any]:
    for name in names:
        inner = value.get(name)
        value = inner if isinstance(inner, dict) else {}
    return value
