"""Whose turn it is: one request at a time a domain, spaced, redirects included."""

import asyncio
import contextlib
import time
from datetime import timedelta

import pytest

from aggregator.http import turns
from aggregator.http.turns import Turns, TurnTaken
from aggregator.model import Failure, HostBatch, Rest, RetryScope

HOUR = timedelta(hours=1)
A, B = "https://www.a.example/", "https://b.example/"


def batch(domain: str, spacing: float = 0.0, wait: float = 0.0) -> HostBatch:
    return HostBatch(
        domain=domain, feeds=(), spacing=timedelta(seconds=spacing), wait=timedelta(seconds=wait)
    )


def at_once(made: Turns, *urls: str, takes: float = 0.05) -> list[tuple[str, float]]:
    """Ask for all turns at once and return who was served when."""
    served: list[tuple[str, float]] = []
    started = time.monotonic()

    async def one(url: str) -> None:
        async with made.at(url):
            served.append((url, time.monotonic() - started))
            await asyncio.sleep(takes)

    async def run() -> None:
        await asyncio.gather(*(one(url) for url in urls))

    asyncio.run(run())
    return served


def test_a_domain_is_asked_one_request_at_a_time_and_others_beside_it():
    times = dict(at_once(Turns([], timedelta()), A, "https://feeds.a.example/", B))
    assert times["https://feeds.a.example/"] >= 0.05
    assert times[A] < 0.04
    assert times[B] < 0.04


def test_spacing_counts_from_the_end_of_the_last_request():
    (_, first), (_, second) = at_once(Turns([batch("a.example", 0.1, 0.1)], timedelta(hours=1)), A, A)
    assert first >= 0.1
    assert second - first >= 0.15


def test_a_domain_that_a_redirect_led_to_keeps_the_usual_spacing():
    (_, first), (_, second) = at_once(Turns([batch("a.example")], timedelta(seconds=0.1)), B, B)
    assert first < 0.04
    assert second - first >= 0.15


def test_whoever_waits_too_long_goes_without(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(turns, "PATIENCE", 0.1)
    with pytest.raises(TurnTaken):
        at_once(Turns([], timedelta()), A, A, takes=0.3)


def test_a_turn_given_up_is_free_for_the_next():
    made = Turns([batch("a.example", wait=0.2)], timedelta())

    async def run() -> float:
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.05), made.at(A):
                pass
        started = time.monotonic()
        async with made.at(A):
            return time.monotonic() - started

    assert 0.1 <= asyncio.run(run()) < 5  # not for the minute that others are waited for


@pytest.mark.parametrize(("scope", "left"), [("url", ["/b", "b."]), ("host", ["b."]), ("domain", [])])
def test_what_a_refusal_holds_for_gets_no_more_turns(scope: RetryScope, left: list[str]):
    made = Turns([], timedelta())
    made.close(
        scope, Failure(kind="BadStatus", detail="", url="https://a.x.example/a", status=429, retry_after=HOUR)
    )
    urls = {"/a": "https://a.x.example/a", "/b": "https://a.x.example/b", "b.": "https://b.x.example/"}

    async def run() -> list[str]:
        served = []
        for name, url in urls.items():
            with contextlib.suppress(TurnTaken):
                async with made.at(url):
                    served.append(name)
        return served

    assert asyncio.run(run()) == left


def test_who_gets_no_turn_is_told_why_and_for_how_long():
    made = Turns([], timedelta())
    made.close("host", Failure(kind="BadStatus", detail="", url=A, status=429, retry_after=HOUR))
    with pytest.raises(TurnTaken) as caught:
        at_once(made, A)
    assert (caught.value.detail, caught.value.retry_after) == (f"{A} was answered 429", HOUR)


@pytest.mark.parametrize(("scope", "place"), [("host", "www.a.example"), ("domain", "a.example")])
def test_what_rested_before_the_job_gets_no_turn(scope: RetryScope, place: str):
    made = Turns([], timedelta(), [Rest(scope=scope, place=place, lasts=HOUR)])
    with pytest.raises(TurnTaken) as caught:
        at_once(made, A)
    assert (caught.value.detail, caught.value.retry_after) == (f"{place} wants to be left alone", HOUR)
    assert at_once(made, B)[0][0] == B
