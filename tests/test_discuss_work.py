"""A job of counts over loopback: each provider's script, its requests, and what ends it."""

import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from aggregator import http
from aggregator.config import Config
from aggregator.discuss import access, work
from aggregator.discuss.providers import KINDS, thread_of
from aggregator.model import CountJob, CountOutcome, CountTurn, Discussion, Provider
from tests.discussing import NOW, numbers, turn
from tests.feedserver import Answer, Write
from tests.providers import HTML_BLOCK, Providers, Thread, answer

SEARCHED = timedelta(hours=2)  # an age at which stories are searched for
PAGE = "https://orbit.example/a"
CLIENT, SECRET = "client-1:secret-2", "secret-2"
HOSTS = {
    "hackernews": "hn.algolia.com", "lobsters": "lobste.rs", "reddit": "oauth.reddit.com",
    "hatena": "bookmark.hatenaapis.com", "wordpress": "orbit.example", "github": "api.github.com",
}  # fmt: skip


@pytest.fixture
def web(monkeypatch: pytest.MonkeyPatch) -> Iterator[Providers]:
    monkeypatch.setenv(access.REDDIT, CLIENT)
    monkeypatch.delenv(access.GITHUB, raising=False)
    with Providers() as running:
        yield running


def ask(
    web: Providers, provider: Provider, *turns: CountTurn, requests: int = 20, config: Config | None = None
) -> CountOutcome:
    job = CountJob(provider=provider, turns=turns, requests=requests, now=NOW)
    return work.count(config or web.config, job)


def named(link: str) -> tuple[Discussion, ...]:
    thread = thread_of(link)
    assert thread, link
    return (thread,)


def at_home(web: Providers, provider: Provider) -> CountTurn:
    """Return a story that a provider has 64 comments about, and put them there."""
    web.hackernews["40000001"] = web.lobsters["abc123"] = web.reddit["abc"] = Thread(url=PAGE, count=64)
    web.hatena[PAGE] = 64
    web.github["acme/router/issues/7"] = web.wordpress["orbit.example/123"] = Thread(count=64)
    links = {
        "wordpress": "https://orbit.example/?p=123",
        "github": "https://github.com/Acme/router/pull/7",
    }
    threads = named(links[provider]) if provider in links else ()
    return turn(threads=threads, age=SEARCHED)


@pytest.mark.parametrize("provider", HOSTS)
def test_every_provider_is_asked_at_its_own_host_and_says_how_many(web: Providers, provider: Any):
    outcome = ask(web, provider, at_home(web, provider))
    assert list(numbers(outcome.counted).values()) == [64]
    assert outcome.counted.asked == {1}
    assert (outcome.failure, outcome.rest, outcome.refusals) == (None, None, ())
    assert HOSTS[provider] in web.hosts()
    assert outcome.requests == len(web.requests)


@pytest.mark.parametrize("provider", HOSTS)
@pytest.mark.parametrize(
    ("said", "rest"),
    [
        (Answer(b"", 429, {"Retry-After": "1200"}), timedelta(minutes=20)),
        (Answer(b"", 429), None),
        (Answer(HTML_BLOCK, 503, content_type="text/html"), None),
        (Answer(b"", 502), None),
        (lambda write: None, None),
    ],
    ids=["429 with Retry-After", "429", "503", "502", "hung up"],
)
def test_the_first_refusal_ends_a_job(web: Providers, provider: Any, said: Any, rest: timedelta | None):
    web.trouble[HOSTS[provider]] = said
    turns = [replace(at_home(web, provider), story_id=story) for story in (1, 2, 3)]
    outcome = ask(web, provider, *turns)
    assert outcome.counted.asked == set()
    asked = len(web.asked_of(HOSTS[provider]))
    assert asked == (2 if callable(said) else 1)  # a connection that was lost is tried once more
    assert outcome.requests == (2 if provider == "reddit" else 1)
    if provider == "wordpress":
        assert (outcome.failure, outcome.rest) == (None, None)
        [refusal] = outcome.refusals
        assert refusal.retry_after == rest
    else:
        assert outcome.failure
        assert (outcome.failure.url.split("/")[2], outcome.rest) == (HOSTS[provider], rest)


@pytest.mark.parametrize(
    ("provider", "said"),
    [
        ("reddit", Answer(HTML_BLOCK, 403, content_type="text/html")),
        ("github", answer({"message": "API rate limit exceeded"}, 403, **{"X-RateLimit-Remaining": "0"})),
    ],
)
def test_a_403_of_whoever_means_429_by_it_rests_an_hour(web: Providers, provider: Any, said: Answer):
    told = at_home(web, provider)
    web.trouble[HOSTS[provider]] = said
    outcome = ask(web, provider, told, replace(told, story_id=2))
    assert outcome.failure
    assert (outcome.failure.status, outcome.rest) == (403, timedelta(hours=1))
    assert len(web.asked_of(HOSTS[provider])) == 1


def test_lobsters_empty_500_is_a_refusal_and_algolias_of_one_item_is_none(web: Providers):
    at_home(web, "lobsters")
    web.trouble["lobste.rs"] = Answer(b"", 500)
    assert ask(web, "lobsters", turn()).failure
    web.trouble["hacker-news.firebaseio.com"] = answer({"status": "500", "error": "Internal"}, 500)
    threads = [named(f"https://news.ycombinator.com/item?id={key}") for key in (1, 2)]
    turns = [turn(story, f"https://x.example/{story}", threads=each) for story, each in enumerate(threads)]
    outcome = ask(web, "hackernews", *turns)
    assert outcome.failure is None
    assert len(web.asked_of("hacker-news.firebaseio.com")) == 2


@pytest.mark.parametrize(
    "body",
    [HTML_BLOCK, b"", b"{", b"[" * 100_000, b"null", b"\xff\xfe", b'{"hits": 5}', b"[[]]", b'{"a": "\\ud800"}'],
)  # fmt: skip
@pytest.mark.parametrize("provider", HOSTS)
def test_an_answer_of_another_shape_brings_no_number_and_no_crash(web: Providers, provider: Any, body: bytes):
    told = at_home(web, provider)
    web.trouble[HOSTS[provider]] = Answer(body, content_type="application/json")
    assert [count for count in numbers(ask(web, provider, told).counted).values() if count] == []


@pytest.mark.parametrize("provider", HOSTS)
def test_an_answer_without_end_is_cut_off(web: Providers, provider: Any):
    sent = 0

    def flood(write: Write) -> None:
        nonlocal sent
        write(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n\r\n[")
        for _ in range(800):
            write(b'"' + b"x" * 65_533 + b'",')
            sent += 65_536

    told = at_home(web, provider)
    web.trouble[HOSTS[provider]] = flood
    outcome = ask(web, provider, told, requests=3)
    assert numbers(outcome.counted) == {}
    assert sent < 3 * 16 * 1024 * 1024, "50 MiB were offered each time"


def test_silence_ends_a_job_when_the_time_of_one_fetch_is_over(
    web: Providers, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(http, "TOTAL", 0.3)
    web.trouble["hn.algolia.com"] = Answer(b"{}", wait=0.8)
    outcome = ask(web, "hackernews", turn(1), turn(2))
    assert outcome.failure
    assert (outcome.failure.kind, outcome.rest, outcome.requests) == ("FetchTimeout", None, 1)


def test_a_provider_that_answers_slowly_is_asked_a_few_things_only(
    web: Providers, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(work, "PATIENCE", 0.25)
    web.trouble["api.github.com"] = replace(answer({"comments": 5}), wait=0.1)
    turns = [turn(n, threads=named(f"https://github.com/acme/a/issues/{n}")) for n in range(1, 9)]
    outcome = ask(web, "github", *turns)
    assert outcome.failure
    assert outcome.failure.detail.startswith("its answers took ")
    assert len(web.requests) == len(outcome.counted.asked) < 4


def test_a_drip_is_silence_too(web: Providers, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(http, "TOTAL", 0.3)

    def drip(write: Write) -> None:
        write(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n[")
        time.sleep(0.8)

    web.trouble["hn.algolia.com"] = drip
    outcome = ask(web, "hackernews", turn(1), turn(2))
    assert outcome.failure
    assert (outcome.failure.status, outcome.requests) == (200, 1)


def test_no_more_requests_are_made_than_were_reserved(web: Providers):
    turns = []
    for number in range(1, 8):
        key = f"acme/router/issues/{number}"
        web.github[key] = Thread(count=number)
        turns.append(turn(number, threads=named(f"https://github.com/{key}")))
    outcome = ask(web, "github", *turns, requests=3)
    assert (len(web.requests), outcome.requests, outcome.failure) == (3, 3, None)
    assert sorted(numbers(outcome.counted).values()) == [1, 2, 3]
    assert outcome.counted.asked == {1, 2, 3}


def test_what_is_left_of_its_quota_by_a_provider_own_count_ends_a_job(web: Providers):
    moment = int(NOW.timestamp()) + 600
    headers = {"X-RateLimit-Remaining": "0", "X-RateLimit-Reset": str(moment)}
    web.trouble["api.github.com"] = answer({"comments": 5}, **headers)
    turns = [turn(n, threads=named(f"https://github.com/acme/a/issues/{n}")) for n in (1, 2)]
    outcome = ask(web, "github", *turns)
    assert outcome.counted.asked == {1}
    assert (outcome.rest, outcome.requests) == (timedelta(minutes=10), 1)
    web.trouble["api.github.com"] = answer({"comments": 5}, **headers | {"X-RateLimit-Reset": "240.0"})
    assert ask(web, "github", *turns).rest == timedelta(minutes=4)
    web.trouble["api.github.com"] = answer({"comments": 5}, **headers | {"X-RateLimit-Reset": "soon"})
    assert ask(web, "github", *turns).rest == timedelta(minutes=1)


def test_reddits_login_is_one_of_its_requests_and_its_failure_is_the_jobs(web: Providers):
    web.reddit["abc"] = Thread(url=PAGE, count=7)
    assert ask(web, "reddit", turn(age=SEARCHED)).requests == 2
    web.tokens = False
    outcome = ask(web, "reddit", turn(age=SEARCHED))
    assert outcome.failure
    assert (outcome.failure.status, outcome.requests) == (401, 1)
    assert outcome.counted.asked == set()


def test_sites_are_asked_side_by_side_and_ones_refusal_is_no_others(web: Providers):
    web.wordpress["b.example/1"] = Thread(count=3)
    web.trouble["a.example"] = Answer(b"", 502)
    turns = [
        turn(story, f"https://{host}/post", threads=named(f"https://{host}/?p=1"))
        for story, host in enumerate(["a.example", "b.example"], start=1)
    ]
    outcome = ask(web, "wordpress", *turns)
    assert outcome.counted.asked == {2}
    assert list(numbers(outcome.counted).values()) == [3]
    assert [refusal.url for refusal in outcome.refusals] == ["https://a.example/robots.txt"]


def test_a_key_goes_to_its_provider_alone(web: Providers, monkeypatch: pytest.MonkeyPatch, caplog: Any):
    caplog.set_level("DEBUG")
    monkeypatch.setenv(access.GITHUB, "ghp-3")
    for provider in HOSTS:
        ask(web, provider, at_home(web, provider))
    keyed = {
        host for host, each in zip(web.hosts(), web.requests, strict=True) if "authorization" in each.headers
    }
    assert keyed == {"www.reddit.com", "oauth.reddit.com", "api.github.com"}
    assert {each.headers["authorization"] for each in web.asked_of("api.github.com")} == {"Bearer ghp-3"}
    assert SECRET not in caplog.text
    assert "ghp-3" not in caplog.text


def test_a_redirect_to_another_host_gets_no_key(web: Providers, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv(access.GITHUB, "ghp-3")
    with Providers() as other:
        other.github["acme/new/issues/7"] = Thread(count=9)
        there = other.url("/api.github.com/repos/acme/new/issues/7")
        web.trouble["api.github.com"] = Answer(b"", 301, {"Location": there})
        outcome = ask(web, "github", turn(threads=named("https://github.com/acme/old/issues/7")))
        [request] = other.requests
    assert list(numbers(outcome.counted).values()) == [9]
    assert "authorization" not in request.headers


def test_nothing_on_this_machine_is_asked_but_what_the_operator_put_in_front():
    thread = Discussion(
        provider="wordpress", key="https://127.0.0.1/?p=1", url="https://127.0.0.1/?p=1#comments"
    )
    told = turn(1, "https://127.0.0.1/a", threads=(thread,))
    job = CountJob(provider="wordpress", turns=(told,), requests=2, now=NOW)
    [refusal] = work.count(Config(host_spacing=timedelta()), job).refusals
    assert refusal.kind == "HostForbidden"


def test_requests_keep_their_distance_unless_there_is_none():
    usual, none = Config(), Config(host_spacing=timedelta())
    assert work.apart(usual, KINDS["hatena"], "hatenaapis.com") == timedelta(seconds=3)
    assert work.apart(usual, KINDS["github"], "github.com") == timedelta(seconds=5)
    assert work.apart(usual, KINDS["hackernews"], "algolia.com") == timedelta(seconds=1)
    assert work.apart(none, KINDS["hatena"], "hatenaapis.com") == timedelta()
