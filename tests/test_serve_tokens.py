"""Who is let in: tokens, where requests come from, log-ins and how they end."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from multidict import CIMultiDict

from aggregator import operator_token
from aggregator.config import Config
from aggregator.errors import ConfigError
from aggregator.serve import callers
from aggregator.serve.sessions import (
    ALL_TRIES,
    IDLE,
    LONGEST,
    MOST,
    NETWORKS,
    TRIES,
    WITHIN,
    Attempts,
    Sessions,
)
from tests.conftest import Aggregator

NOON = datetime(2026, 11, 24, 12, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
TOKEN = "Zx3_" * 8
SITE = "https://news.example/"


def _file(folder: Path, text: str, mode: int = 0o600) -> Config:
    path = folder / "operator.token"
    path.write_text(text)
    path.chmod(mode)
    return replace(Config(), operator_token_file=path)


@pytest.fixture(autouse=True)
def _nothing_set(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(operator_token.VARIABLE, raising=False)


def test_there_is_no_token_until_one_is_set(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    assert operator_token.read(Config()) == ""
    assert operator_token.read(_file(tmp_path, f"{TOKEN}\n")) == TOKEN
    monkeypatch.setenv(operator_token.VARIABLE, "from-the-environment-0123456789")
    assert operator_token.read(Config()) == "from-the-environment-0123456789"


@pytest.mark.parametrize("mode", [0o644, 0o640, 0o604, 0o622])
def test_a_token_that_others_can_read_is_refused(tmp_path: Path, mode: int):
    with pytest.raises(ConfigError, match="chmod 600"):
        operator_token.read(_file(tmp_path, TOKEN, mode))


@pytest.mark.parametrize(
    "text", ["", "\n", "short", "a" * 21, "with spaces " * 4, "x" * 201, "パスワード" * 8]
)
def test_a_token_that_could_be_guessed_or_is_none_is_refused(tmp_path: Path, text: str):
    with pytest.raises(ConfigError, match="aggregator operator token"):
        operator_token.read(_file(tmp_path, text))


def test_a_token_file_that_is_not_there_says_how_it_is_made(tmp_path: Path):
    with pytest.raises(ConfigError, match="is not there; make it: aggregator operator token"):
        operator_token.read(replace(Config(), operator_token_file=tmp_path / "none"))


def test_a_made_token_lies_where_only_its_owner_reads_it(tmp_path: Path):
    config = replace(Config(), operator_token_file=tmp_path / "kept" / "operator.token")
    path = operator_token.make(config, anew=False)
    assert path.stat().st_mode & 0o777 == 0o600
    first = operator_token.read(config)
    assert len(first) == 43
    with pytest.raises(ConfigError, match="--rotate"):
        operator_token.make(config, anew=False)
    path.chmod(0o644)
    operator_token.make(config, anew=True)
    assert path.stat().st_mode & 0o777 == 0o600
    assert operator_token.read(config) != first


def test_the_command_makes_a_token_and_shows_it_to_nobody(aggregator: Aggregator, tmp_path: Path):
    done = aggregator("operator", "token")
    token = (tmp_path / "operator.token").read_text().strip()
    assert done.returncode == 0, done.stderr
    assert token not in done.stdout
    assert f'operator_token_file = "{tmp_path / "operator.token"}"' in done.stdout
    assert "http://127.0.0.1:8080/operator/" in done.stdout
    again = aggregator("operator", "token")
    assert (again.returncode, "--rotate" in again.stderr) == (2, True)
    assert aggregator("operator", "token", "--rotate").returncode == 0
    assert (tmp_path / "operator.token").read_text().strip() != token


def test_a_server_does_not_start_with_a_token_that_everybody_reads(aggregator: Aggregator, tmp_path: Path):
    path = tmp_path / "open.token"
    path.write_text(TOKEN)
    path.chmod(0o644)
    done = aggregator("serve", AGGREGATOR_OPERATOR_TOKEN_FILE=str(path))
    assert (done.returncode, "chmod 600" in done.stderr, TOKEN in done.stderr) == (2, True, False)


# --- where a request comes from -----------------------------------------------------------------------------


def _caller(peer: str, *headers: tuple[str, str]) -> tuple[str, bool]:
    found = callers.caller(peer, CIMultiDict(headers))
    return found.network, found.is_safe


def test_nobody_reads_along_on_this_machine_and_behind_a_proxy_of_it_with_tls():
    assert _caller("127.0.0.1") == ("127.0.0.1", True)
    assert _caller("::1") == ("::1", True)
    secure = [("X-Forwarded-For", "203.0.113.7"), ("X-Forwarded-Proto", "https")]
    assert _caller("127.0.0.1", *secure) == ("203.0.113.7", True)


def test_over_plain_http_from_elsewhere_anybody_could_read_along():
    assert _caller("203.0.113.7") == ("203.0.113.7", False)
    assert _caller("127.0.0.1", ("X-Forwarded-For", "203.0.113.7")) == ("203.0.113.7", False)
    assert _caller("127.0.0.1", ("X-Forwarded-Proto", "http"))[1] is False


def test_what_a_stranger_says_of_itself_counts_for_nothing():
    said = [("X-Forwarded-For", "127.0.0.1"), ("X-Forwarded-Proto", "https")]
    assert _caller("203.0.113.7", *said) == ("203.0.113.7", False)


def test_of_several_the_nearest_proxy_counts():
    lines = [("X-Forwarded-For", "127.0.0.1, 198.51.100.1"), ("X-Forwarded-For", "203.0.113.7")]
    assert _caller("127.0.0.1", *lines, ("X-Forwarded-Proto", "https"), ("X-Forwarded-Proto", "http")) == (
        "203.0.113.7", False,
    )  # fmt: skip


def test_a_network_of_ipv6_counts_as_one_and_nonsense_as_one():
    assert _caller("2001:db8:1:2:3::4")[0] == "2001:db8:1:2::/64"
    assert _caller("::ffff:203.0.113.7")[0] == "203.0.113.7"
    assert _caller("127.0.0.1", ("X-Forwarded-For", "<script>"))[0] == "unknown"


@pytest.mark.parametrize(
    ("headers", "own"),
    [
        ({"Origin": "https://news.example", "Host": "127.0.0.1:8080"}, True),  # a proxy that keeps no Host
        ({"Origin": "https://news.example", "Host": "news.example", "Sec-Fetch-Site": "same-origin"}, True),
        ({"Origin": "http://127.0.0.1:8080", "Host": "127.0.0.1:8080"}, True),
        ({"Origin": "http://localhost:8080", "Host": "localhost:8080"}, True),
        ({"Origin": "https://evil.example", "Host": "news.example"}, False),
        ({"Origin": "https://news.example.evil.example", "Host": "news.example"}, False),
        ({"Origin": "https://news.example", "Host": "news.example", "Sec-Fetch-Site": "cross-site"}, False),
        ({"Origin": "https://news.example", "Host": "news.example", "Sec-Fetch-Site": "same-site"}, False),
        ({"Origin": "http://news.example", "Host": "news.example"}, False),  # through a network, in the clear
        (
            {"Origin": "http://evil.example:8080", "Host": "evil.example:8080"},
            False,
        ),  # a name that leads here
        ({"Origin": "null", "Host": "news.example"}, False),
        ({"Host": "127.0.0.1:8080"}, False),
        ({"Origin": "", "Host": ""}, False),
    ],
)
def test_a_form_counts_where_it_comes_from_a_page_of_ours(headers: dict[str, str], *, own: bool):
    assert callers.is_own_form(headers, SITE) is own


# --- log-ins ------------------------------------------------------------------------------------------------


def test_a_session_ends_when_it_rests_and_after_half_a_day():
    sessions = Sessions()
    resting = sessions.begin(b"mark", NOON)
    assert sessions.find(resting, b"mark", NOON + IDLE)
    assert sessions.find(resting, b"mark", NOON + IDLE * 2 + MINUTE) is None
    assert sessions.find(resting, b"mark", NOON) is None
    busy, now = sessions.begin(b"mark", NOON), NOON
    while now < NOON + LONGEST:
        assert sessions.find(busy, b"mark", now)
        now += IDLE
    assert sessions.find(busy, b"mark", NOON + LONGEST + MINUTE) is None


def test_another_token_ends_every_session():
    sessions = Sessions()
    secret = sessions.begin(b"mark", NOON)
    assert sessions.find(secret, b"other", NOON) is None


def test_a_secret_that_was_never_given_out_or_has_ended_is_nobodys():
    sessions = Sessions()
    secret = sessions.begin(b"mark", NOON)
    assert sessions.find("chosen-by-somebody-else", b"mark", NOON) is None
    sessions.end(secret)
    assert sessions.find(secret, b"mark", NOON) is None


def test_one_session_too_many_ends_the_one_that_rested_longest():
    sessions = Sessions()
    secrets = [sessions.begin(b"mark", NOON) for _ in range(MOST)]
    assert sessions.find(secrets[0], b"mark", NOON)
    sessions.begin(b"mark", NOON)
    assert [bool(sessions.find(each, b"mark", NOON)) for each in secrets[:3]] == [True, False, True]


def test_after_wrong_tokens_a_network_waits_and_others_do_not():
    attempts = Attempts()
    for number in range(TRIES):
        assert attempts.wait("203.0.113.7", NOON) == timedelta()
        attempts.failed("203.0.113.7", NOON + number * MINUTE)
    assert attempts.wait("203.0.113.7", NOON + 5 * MINUTE) == WITHIN - 5 * MINUTE
    assert attempts.wait("203.0.113.8", NOON + 5 * MINUTE) == timedelta()
    assert attempts.wait("203.0.113.7", NOON + WITHIN) == timedelta()


def test_whoever_has_the_right_token_begins_to_count_anew():
    attempts = Attempts()
    for _ in range(TRIES):
        attempts.failed("203.0.113.7", NOON)
    attempts.forget("203.0.113.7")
    assert attempts.wait("203.0.113.7", NOON) == timedelta()


def test_wrong_tokens_from_everywhere_make_everybody_wait_and_take_no_room():
    attempts = Attempts()
    for number in range(NETWORKS * 2):
        attempts.failed(f"network {number}", NOON)
    assert attempts.wait("203.0.113.7", NOON) == WITHIN
    assert attempts.wait("203.0.113.7", NOON + WITHIN) == timedelta()
    assert len(attempts._by_network) == NETWORKS
    assert len(attempts._all) == ALL_TRIES
