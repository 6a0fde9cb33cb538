"""Stories whose turn it is, and scripts of providers played against answers written by hand."""

import json
from collections.abc import Callable, Generator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from hypothesis import strategies as st

from aggregator.discuss.answers import Answer
from aggregator.model import Counted, CountTurn, Discussion, Failure, Fetched, Request

NOW = datetime(2026, 11, 24, 6, tzinfo=UTC)
PAGE = "https://orbit.example/a"
HOUR = timedelta(hours=1)
Reply = Callable[[str], Answer]


def turn(
    story_id: int = 1, *links: str, threads: tuple[Discussion, ...] = (), age: timedelta = 6 * HOUR
) -> CountTurn:
    return CountTurn(story_id=story_id, urls=links or (PAGE,), threads=threads, age=age)


def fetched(document: Any, url: str = "https://a.example/", **headers: str) -> Fetched:
    """Answer with JSON, or with bytes as they are."""
    body = document if isinstance(document, bytes) else json.dumps(document).encode()
    return Fetched(
        url=url, body=body, content_type="application/json", etag=None, last_modified=None, fresh_for=None,
        moved_to=None, wire_bytes=len(body), seconds=0.1,
        headers=tuple((name.replace("_", "-"), value) for name, value in headers.items()),
    )  # fmt: skip


def failed(status: int | None = None, url: str = "https://a.example/") -> Failure:
    kind = "BadStatus" if status else "FetchTimeout"
    return Failure(kind=kind, detail="failed", url=url, status=status)


def play(script: Generator[Request, Answer, Counted], reply: Reply) -> tuple[Counted, list[str]]:
    """Run a script to its end; return what it came to and the URLs it asked for."""
    asked: list[str] = []
    try:
        request = next(script)
        while True:
            asked.append(request.url)
            request = script.send(reply(request.url))
    except StopIteration as end:
        return end.value, asked


def replies(answers: Mapping[str, Any], otherwise: Answer | None = None) -> Reply:
    """Answer by the beginning of the URL; a request nobody foresaw fails the test."""

    def reply(url: str) -> Answer:
        for start, answer in answers.items():
            if url.startswith(start):
                return answer if isinstance(answer, Answer) else fetched(answer, url)
        assert otherwise, url
        return otherwise

    return reply


def numbers(counted: Counted) -> dict[tuple[int, str], int | None]:
    """Return the count of each story's threads."""
    return {(each.story_id, each.discussion.key): each.count for each in counted.counts}


# What any answer may be.
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)
