"""Credentials of providers: whether they are there, what they let in with, and that nobody else sees them."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from aggregator import __version__
from aggregator.config import Config
from aggregator.discuss import access
from aggregator.model import Failure
from tests.feedserver import Answer
from tests.providers import HTML_BLOCK, Providers, answer

CLIENT = "client-1:secret-2"


@pytest.fixture
def web(monkeypatch: pytest.MonkeyPatch) -> Iterator[Providers]:
    monkeypatch.delenv(access.REDDIT, raising=False)
    monkeypatch.delenv(access.GITHUB, raising=False)
    with Providers() as running:
        yield running


def test_without_credentials_anybody_may_ask_but_reddit(web: Providers):
    assert access.keys(web.config) == set()
    assert access.headers(web.config, "hackernews") == ()
    assert access.headers(web.config, "github") == ()
    assert access.obstacle(web.config, "hackernews") == ""
    assert access.obstacle(web.config, "reddit").startswith(f"no credentials; set {access.REDDIT} in the")
    assert access.obstacle(web.config, "github").startswith(f"no token; set {access.GITHUB} in the")
    assert web.requests == []


def test_credentials_come_from_the_environment_or_a_file(
    web: Providers, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv(access.REDDIT, CLIENT)
    (tmp_path / "token").write_text("ghp-3\n")
    (tmp_path / "token").chmod(0o600)
    config = replace(web.config, github_token_file=tmp_path / "token")
    assert access.keys(config) == {"reddit", "github", "github-discussions", "github-releases"}
    assert access.headers(config, "github") == (("Authorization", "Bearer ghp-3"),)


def test_what_github_wants_a_token_for_gets_it_and_is_missed_where_it_was_named(
    web: Providers, monkeypatch: pytest.MonkeyPatch
):
    named, usual = replace(web.config, counts="github,github-discussions"), replace(web.config, counts="auto")
    assert list(access.complaints(named)) == ["github-discussions"]
    assert access.complaints(usual) == {}
    monkeypatch.setenv(access.GITHUB, "two words")
    assert list(access.complaints(usual)) == ["github"], "a token that is none is complained of once"
    monkeypatch.setenv(access.GITHUB, "ghp-3")
    assert access.complaints(named) == {}
    assert access.headers(named, "github-discussions") == (("Authorization", "Bearer ghp-3"),)
    assert access.headers(named, "github-releases") == (("Authorization", "Bearer ghp-3"),)


def test_reddit_needs_the_accounts_name_too(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv(access.REDDIT, CLIENT)
    assert access.keys(Config()) == set()
    assert access.obstacle(Config(), "reddit") == "reddit_user must be set: Reddit wants it in the User-Agent"


@pytest.mark.parametrize("text", ["no colon", ":secret", "a b:c", "a:b\r\nX-Other: 1", "", "é:x"])
def test_what_cannot_be_a_credential_is_none(web: Providers, monkeypatch: pytest.MonkeyPatch, text: str):
    monkeypatch.setenv(access.REDDIT, text)
    monkeypatch.setenv(access.GITHUB, f"{text} ")
    assert "reddit" not in access.keys(web.config)
    assert "\n" not in str(access.headers(web.config, "github"))


def test_a_file_that_others_can_read_is_named_and_not_used(web: Providers, tmp_path: Path):
    (tmp_path / "token").write_text("ghp-3")
    (tmp_path / "token").chmod(0o644)
    config = replace(web.config, github_token_file=tmp_path / "token")
    assert access.keys(config) == set()
    assert "chmod 600" in access.obstacle(config, "github")
    assert access.headers(config, "github") == ()


def test_reddit_gives_a_token_for_the_credentials(web: Providers, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv(access.REDDIT, CLIENT)
    agent = f"python:aggregator:{__version__} (by /u/acme)"
    assert access.headers(web.config, "reddit") == (("Authorization", "Bearer tok-1"), ("User-Agent", agent))
    [login] = web.requests
    assert (login.method, login.path) == ("POST", "/www.reddit.com/api/v1/access_token")
    assert login.headers["authorization"] == "Basic Y2xpZW50LTE6c2VjcmV0LTI="  # client-1:secret-2
    assert login.headers["user-agent"] == agent
    assert login.body == b"grant_type=client_credentials"


@pytest.mark.parametrize(
    ("said", "status", "wait"),
    [
        (answer({"message": "Unauthorized", "error": 401}, 401), 401, None),
        (Answer(HTML_BLOCK, 403, {"Retry-After": "600"}, "text/html"), 403, timedelta(seconds=600)),
        (Answer(b"", 429, {"Retry-After": "999999999"}), 429, timedelta(days=7)),
        (answer({"error": "invalid_grant"}), 200, None),
        (answer({"access_token": "a\r\nX-Other: 1"}), 200, None),
        (answer({"access_token": 5}), 200, None),
        (answer([]), 200, None),
        (Answer(b"{"), 200, None),
        (Answer(b"[" * 100_000), 200, None),
    ],
)
def test_a_login_without_a_token_is_a_failure(
    web: Providers, monkeypatch: pytest.MonkeyPatch, said: Answer, status: int, wait: timedelta | None
):
    monkeypatch.setenv(access.REDDIT, CLIENT)
    web.trouble["www.reddit.com"] = said
    failed = access.headers(web.config, "reddit")
    assert isinstance(failed, Failure)
    assert (failed.status, failed.retry_after, failed.url) == (status, wait, access.LOGIN_URL)
    assert "secret" not in repr(failed)


def test_a_login_that_nobody_answers_is_a_failure(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv(access.REDDIT, CLIENT)
    failed = access.headers(Config(reddit_user="acme", counts_via="http://127.0.0.1:1/"), "reddit")
    assert isinstance(failed, Failure)
    assert (failed.kind, failed.status) == ("ConnectionFailed", None)


def test_what_stands_in_front_is_asked_under_the_hosts_name():
    url = "https://hn.algolia.com/api/v1/search?query=a"
    assert access.through(Config(), url) == url
    for front in ("http://127.0.0.1:9/", "http://127.0.0.1:9"):
        in_front = "http://127.0.0.1:9/hn.algolia.com/api/v1/search?query=a"
        assert access.through(Config(counts_via=front), url) == in_front
