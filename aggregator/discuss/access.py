"""Which providers we hold credentials for, and the headers that let us in.

A credential is read where a request is made, from the environment or a file nobody else can read; it is part
of no job, no setting and no log line.
"""

import base64
import json
import os
import re
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

from aggregator import __version__
from aggregator.config import Config
from aggregator.errors import ConfigError, FetchError
from aggregator.http.headers import RETRY_CEILING
from aggregator.http.post import Reply, post_form
from aggregator.keys import read as read_key
from aggregator.model import Failure, Provider

REDDIT = "AGGREGATOR_REDDIT_CLIENT"
GITHUB = "AGGREGATOR_GITHUB_TOKEN"
LOGIN_URL = "https://www.reddit.com/api/v1/access_token"
LOGINS: dict[Provider, int] = {"reddit": 1}  # requests that `headers` makes itself
_PATIENCE = timedelta(seconds=10)

Headers = tuple[tuple[str, str], ...]


def keys(config: Config) -> frozenset[Provider]:
    """Return the providers that we hold credentials for."""
    return frozenset(provider for provider in _LACKS if not obstacle(config, provider))


def obstacle(config: Config, provider: Provider) -> str:
    """Return what is missing of a provider's credentials, in one line, or ""."""
    try:
        return _LACKS[provider](config) if provider in _LACKS else ""
    except ConfigError as error:
        return str(error)


def complaints(config: Config) -> dict[Provider, str]:
    """Return what is wrong with credentials that were given, or that `counts` cannot do without."""
    named = {name.strip() for name in config.counts.split(",")} & _NEEDED
    concerned = [name for name in _LACKS if name in named or (name in _OWN and _is_given(config, name))]
    return {name: said for name in concerned if (said := obstacle(config, name))}


def _is_given(config: Config, provider: Provider) -> bool:
    variable, file = _SOURCES[provider](config)
    return file != Path() or bool(os.environ.get(variable, "").strip())


def headers(config: Config, provider: Provider) -> Headers | Failure:
    """Return the headers that let us in at a provider; none where anybody may ask."""
    if provider not in _HEADERS or obstacle(config, provider):
        return ()
    return _HEADERS[provider](config)


def through(config: Config, url: str) -> str:
    """Return where a URL is asked: itself, or at what stands in front of all providers."""
    return f"{config.counts_via.rstrip('/')}/{url.partition('://')[2]}" if config.counts_via else url


def _key(config: Config, provider: Provider) -> str:
    return read_key(*_SOURCES[provider](config))


def _reddit_lacks(config: Config) -> str:
    if not re.fullmatch(r"[!-9;-~]+:[!-~]*", _key(config, "reddit")):
        return f"no credentials; set {REDDIT} in the environment to id:secret, or reddit_client_file"
    return "" if config.reddit_user else "reddit_user must be set: Reddit wants it in the User-Agent"


def _github_lacks(config: Config) -> str:
    if re.fullmatch(r"[!-~]+", _key(config, "github")):
        return ""
    return f"no token; set {GITHUB} in the environment, or github_token_file"


def _reddit(config: Config) -> Headers | Failure:
    """Ask for a token.

    Source: github.com/reddit-archive/reddit/wiki/OAuth2, "Application Only OAuth"; User-Agent: wiki/API.
    """
    agent = f"python:aggregator:{__version__} (by /u/{config.reddit_user})"
    basic = base64.b64encode(_key(config, "reddit").encode()).decode()
    asked = {"Authorization": f"Basic {basic}", "User-Agent": agent}
    try:
        reply = post_form(through(config, LOGIN_URL), {"grant_type": "client_credentials"}, asked, _PATIENCE)
    except FetchError as error:
        return Failure(kind=type(error).__name__, detail=error.message, url=LOGIN_URL)
    token = _access_token(reply)
    if not token:
        detail = f"{reply.status} without a token"
        wait = min(timedelta(seconds=reply.retry_after), RETRY_CEILING) or None
        return Failure(kind="BadStatus", detail=detail, url=LOGIN_URL, status=reply.status, retry_after=wait)
    return (("Authorization", f"Bearer {token}"), ("User-Agent", agent))


def _access_token(reply: Reply) -> str:
    try:
        document = json.loads(reply.body) if reply.status == 200 else None
    except (ValueError, RecursionError):
        return ""
    token = document.get("access_token") if isinstance(document, dict) else None
    return token if isinstance(token, str) and re.fullmatch(r"[!-~]{1,4096}", token) else ""


def _github(config: Config) -> Headers:
    return (("Authorization", f"Bearer {_key(config, 'github')}"),)


_SOURCES: dict[Provider, Callable[[Config], tuple[str, Path]]] = {
    "reddit": lambda config: (REDDIT, config.reddit_client_file),
    "github": lambda config: (GITHUB, config.github_token_file),
}
_OWN = _SOURCES.keys()  # whose credentials they are; GitHub's are asked for thrice
_NEEDED: frozenset[Provider] = frozenset({"reddit", "github-discussions"})
_LACKS: dict[Provider, Callable[[Config], str]] = {
    "reddit": _reddit_lacks,
    "github": _github_lacks,
    "github-discussions": _github_lacks,
    "github-releases": _github_lacks,
}
_HEADERS: dict[Provider, Callable[[Config], Headers | Failure]] = {
    "reddit": _reddit,
    "github": _github,
    "github-discussions": _github,
    "github-releases": _github,
}
