"""Issues and pull requests of GitHub, where an entry is one.

What a release has is reactions (github_releases.py); discussions want a token (github_discussions.py).

Source: https://docs.github.com/en/rest/issues/issues#get-an-issue; docs/discussions.md.
"""

import re
from collections.abc import Sequence
from datetime import datetime

from aggregator import urls
from aggregator.discuss import answers, turns
from aggregator.discuss.answers import Script
from aggregator.model import CountTurn, Discussion, Fetched, Request

API = "https://api.github.com"
ACCEPT = "application/vnd.github+json"
REPOSITORY = r"https://github\.com/([a-z0-9-]{1,39})/([a-z0-9._-]{1,100})"
_LINK = re.compile(rf"{REPOSITORY}/(issues|pull)/([0-9]{{1,9}})(?:[/?].*)?", re.IGNORECASE)


def thread_of(url: str) -> Discussion | None:
    """Return the thread that a link names; an issue and the pull request it became are one."""
    found = _LINK.fullmatch(urls.canonical(url) or "")
    if found is None or set(found[2]) == {"."}:
        return None
    owner, repository, kind, number = found.groups()
    key = f"{owner}/{repository}/issues/{number}".lower()
    url = f"https://github.com/{owner}/{repository}/{kind.lower()}/{number}"
    return Discussion(provider="github", key=key, url=url)


def look(waiting: Sequence[CountTurn], now: datetime) -> Script:  # noqa: ARG001 - an issue is as old as it is
    """Yield what to ask about these stories, take the answers, return their counts."""
    found = turns.Found()
    for turn in waiting:
        for thread in turns.known(turn, "github"):
            yield from found.refresh(turn, thread, issue_request(thread), read_issue)
    return found.of(waiting)


def issue_request(thread: Discussion) -> Request:
    """Return the request for one issue; a pull request is one too."""
    return Request(url=f"{API}/repos/{thread.key}", max_bytes=answers.ANSWER_BYTES, accept=ACCEPT)


def read_issue(answer: Fetched) -> int:
    """Return how many comments an issue has.

    Raises: BadAnswer.
    """
    return answers.count(answer, answers.object_of(answer).get("comments"))
