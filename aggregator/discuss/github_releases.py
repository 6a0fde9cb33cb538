"""Reactions to releases of GitHub, where an entry is one: they are no comments, and counted apart.

A release has comments where a discussion belongs to it, which is asked about as any other.

Source: https://docs.github.com/en/rest/releases/releases#get-a-release-by-tag-name; docs/discussions.md.
"""

import re
from collections.abc import Sequence
from datetime import datetime
from urllib.parse import quote, unquote

from aggregator import urls
from aggregator.discuss import answers, github_discussions, turns
from aggregator.discuss.answers import Script
from aggregator.discuss.github import ACCEPT, API, REPOSITORY
from aggregator.errors import BadAnswer
from aggregator.model import CountTurn, Discussion, Fetched, Request

_LINK = re.compile(rf"{REPOSITORY}/releases/tag/([^?]{{1,300}})(?:\?.*)?", re.IGNORECASE)


def thread_of(url: str) -> Discussion | None:
    """Return the release that a link names."""
    found = _LINK.fullmatch(urls.canonical(url) or "")
    if found is None or set(found[2]) == {"."}:
        return None
    owner, repository, tag = found.groups()
    tag = quote(unquote(tag), safe="")  # a slash too, as GitHub's own client writes it
    key = f"{f'{owner}/{repository}'.lower()}/releases/tags/{tag}"
    url = f"https://github.com/{owner}/{repository}/releases/tag/{tag}"
    return Discussion(provider="github-releases", key=key, url=url)


def look(waiting: Sequence[CountTurn], now: datetime) -> Script:  # noqa: ARG001 - a release is as old as it is
    """Yield what to ask about these stories, take the answers, return their counts."""
    found = turns.Found()
    for turn in waiting:
        for thread in turns.known(turn, "github-releases"):
            yield from found.refresh(turn, thread, release_request(thread), _reader(turn, found))
    return found.of(waiting)


def _reader(turn: CountTurn, found: turns.Found) -> answers.Reader[int]:
    def read(answer: Fetched) -> int:
        reactions, discussion = read_release(answer)
        found.name(turn, discussion)
        return reactions

    return read


def release_request(thread: Discussion) -> Request:
    """Return the request for one release."""
    return Request(url=f"{API}/repos/{thread.key}", max_bytes=answers.ANSWER_BYTES, accept=ACCEPT)


def read_release(answer: Fetched) -> tuple[int, Discussion | None]:
    """Return how many reactions a release has, none where it says none, and the discussion that it names.

    Raises: BadAnswer.
    """
    release = answers.object_of(answer)
    if not isinstance(release.get("tag_name"), str):
        raise BadAnswer(answer.url, "the answer is no release")
    discussion = github_discussions.thread_of(answers.text(release.get("discussion_url")))
    reactions = release.get("reactions")
    if reactions is None:
        return 0, discussion
    total = reactions.get("total_count") if isinstance(reactions, dict) else None
    return answers.count(answer, total), discussion
