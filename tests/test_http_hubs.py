"""Requests to hubs over real sockets."""

import socket
import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta

import pytest

from aggregator.config import Config
from aggregator.http import hubs
from aggregator.model import Failure, HubJob, HubRequest
from tests.hub import Hub

CONFIG = Config(allow_private_hosts=True, host_spacing=timedelta())


@pytest.fixture
def hub() -> Iterator[Hub]:
    with Hub() as running:
        yield running


def request(url: str, lease_id: int = 1) -> HubRequest:
    return HubRequest(
        lease_id=lease_id, mode="subscribe", hub_url=url, topic_url="https://a.example/feed",
        callback_url="https://b.example/websub/t0ken", secret="s3cret",
    )  # fmt: skip


def ask(*urls: str, config: Config = CONFIG) -> list[Failure | None]:
    """Ask each hub named, one after another where they are the same."""
    batches: dict[str, list[HubRequest]] = {}
    for number, url in enumerate(urls):
        batches.setdefault(url, []).append(request(url, number))
    job = HubJob(batches=tuple(tuple(batch) for batch in batches.values()))
    return [answer.failure for answer in hubs.ask_hubs(config, job)]


def test_a_request_that_is_accepted_has_no_failure(hub: Hub):
    assert ask(hub.url) == [None]
    assert hub.asked[0]["hub.topic"] == "https://a.example/feed"


@pytest.mark.parametrize("status", [307, 308])
def test_a_hub_that_names_another_is_followed_with_the_same_form(hub: Hub, status: int):
    with Hub() as other:
        hub.answer, hub.location = status, other.url
        assert ask(hub.url) == [None]
        assert other.asked == hub.asked


@pytest.mark.parametrize("status", [301, 302, 303, 400, 404, 410, 500])
def test_other_answers_are_failures_that_say_what_the_hub_said(hub: Hub, status: int):
    hub.answer, hub.location, hub.says = status, "http://127.0.0.1:1/", b"no such\ntopic \x1b[31m"
    (failure,) = ask(hub.url)
    assert failure is not None
    assert (failure.kind, failure.status) == ("BadStatus", status)
    assert failure.detail.endswith("no such topic [31m")


def test_a_loop_of_hubs_ends(hub: Hub):
    hub.answer, hub.location = 307, hub.url
    (failure,) = ask(hub.url)
    assert failure is not None
    assert failure.detail == "more than 5 redirects"
    assert len(hub.asked) == 6


@pytest.mark.parametrize("location", ["file:///etc/passwd", "ftp://a.example/"])
def test_a_redirect_to_another_scheme_is_refused(hub: Hub, location: str):
    hub.answer, hub.location = 307, location
    (failure,) = ask(hub.url)
    assert failure is not None
    assert failure.kind == "HostForbidden"


@pytest.mark.parametrize(
    "url", ["https://127.0.0.1/", "https://169.254.169.254/", "https://[::1]/", "http://10.0.0.1/"]
)
def test_private_hubs_are_refused(url: str):
    (failure,) = ask(url, config=Config())
    assert failure is not None
    assert failure.kind == "HostForbidden"


def test_link_local_hubs_are_refused_even_where_private_ones_are_allowed():
    (failure,) = ask("http://169.254.169.254/")
    assert failure is not None
    assert failure.kind == "HostForbidden"


def test_an_http_hub_is_asked_over_https(hub: Hub, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("aggregator.http.addresses.refusal", lambda *_, **__: None)
    (failure,) = ask(hub.url, config=Config())
    assert failure is not None
    assert failure.url.startswith("https://")
    assert hub.asked == []


def test_a_dead_hub_fails_once_and_holds_nobody_else_up(hub: Hub):
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        dead = f"http://127.0.0.1:{unused.getsockname()[1]}/"
        kinds = [failure and failure.kind for failure in ask(dead, dead, dead, hub.url)]
    assert kinds == ["ConnectionFailed", "Skipped", "Skipped", None]


def test_a_busy_hub_is_left_alone(hub: Hub):
    hub.answer = 429
    kinds = [failure and failure.kind for failure in ask(hub.url, hub.url)]
    assert kinds == ["BadStatus", "Skipped"]
    assert len(hub.asked) == 1


def test_a_refusal_of_one_topic_says_nothing_of_the_next(hub: Hub):
    hub.answer = 404
    ask(*[hub.url] * 5)
    assert len(hub.asked) == 5


def test_a_hub_that_never_answers_is_given_up(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(hubs, "TOTAL", 0.2)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        (failure,) = ask(f"http://127.0.0.1:{silent.getsockname()[1]}/")
    assert failure is not None
    assert failure.kind == "FetchTimeout"


def test_a_slow_hub_gets_the_rest_another_time(hub: Hub, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(hubs, "ONE_DOMAIN", -1.0)
    config = replace(CONFIG, host_spacing=timedelta(seconds=60))
    kinds = [failure and failure.kind for failure in ask(hub.url, hub.url, config=config)]
    assert kinds == ["Skipped"] * 2
    assert hub.asked == []


def test_requests_to_one_hub_keep_their_distance(hub: Hub):
    started = time.monotonic()
    assert (
        ask(hub.url, hub.url, hub.url, config=replace(CONFIG, host_spacing=timedelta(seconds=0.1)))
        == [None] * 3
    )
    assert 0.2 <= time.monotonic() - started < 5
