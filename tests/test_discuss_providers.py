"""Who is asked: by default only whom anybody may ask, and only where somebody can be complained to."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aggregator.discuss import providers
from aggregator.discuss.providers import KINDS, enabled
from aggregator.model import PROVIDERS, Discussion
from tests.discussing import NOW, failed, play, turn

CONTACT = "admin@orbit.example"


def test_every_provider_has_its_kind_under_its_own_name():
    assert tuple(KINDS) == PROVIDERS
    assert all(kind.name == name for name, kind in KINDS.items())


@pytest.mark.parametrize(
    ("counts", "contact", "keys", "expected"),
    [
        (
            "auto",
            CONTACT,
            (),
            ("hackernews", "hatena", "wordpress", "github", "github-releases", "comment-feeds"),
        ),
        (
            "auto",
            CONTACT,
            ("reddit", "github", "github-discussions", "github-releases"),
            (
                "hackernews",
                "hatena",
                "wordpress",
                "github",
                "github-discussions",
                "github-releases",
                "comment-feeds",
            ),
        ),
        ("github-discussions,github", CONTACT, (), ("github",)),
        ("auto", "", ("reddit",), ()),
        ("none", CONTACT, ("reddit",), ()),
        ("", CONTACT, (), ()),
        ("lobsters", CONTACT, (), ("lobsters",)),
        ("hatena, hackernews", "", (), ("hackernews", "hatena")),
        ("reddit,lobsters", CONTACT, (), ("lobsters",)),
        ("reddit,lobsters", CONTACT, ("reddit",), ("lobsters", "reddit")),
    ],
)
def test_a_setting_says_who_is_asked(counts: str, contact: str, keys: tuple, expected: tuple):
    assert enabled(counts, contact, keys) == expected


@pytest.mark.parametrize(
    ("url", "provider"),
    [
        ("https://news.ycombinator.com/item?id=1", "hackernews"),
        ("https://lobste.rs/s/abc123/a", "lobsters"),
        ("https://www.reddit.com/r/a/comments/abc/b/", "reddit"),
        ("https://orbit.example/?p=1", "wordpress"),
        ("https://github.com/orbit/moon/pull/7", "github"),
        ("https://github.com/orbit/moon/discussions/7", "github-discussions"),
        ("https://github.com/orbit/moon/releases/tag/v2.0", "github-releases"),
        ("https://b.hatena.ne.jp/entry/s/orbit.example/a", None),
        ("https://orbit.example/a", None),
        ("", None),
    ],
)
def test_a_link_names_a_thread_at_one_provider(url: str, provider: str | None):
    thread = providers.thread_of(url)
    assert (thread.provider if thread else None) == provider


@pytest.mark.parametrize("name", PROVIDERS)
def test_what_is_asked_stays_below_what_the_provider_allows(name):
    kind = KINDS[name]
    allowed = {
        "hackernews": 10_000,
        "lobsters": 3600,
        "reddit": 6000,
        "hatena": 1200,
        "wordpress": 3600,
        "github": 60,
        "github-discussions": 5000,
        "github-releases": 60,
        "comment-feeds": 3600,
    }
    assert 0 < kind.quota.hourly < allowed[name]
    assert kind.quota.daily < 24 * kind.quota.hourly
    assert kind.stories > 0


def test_what_asks_github_by_one_address_stays_below_its_sixty_an_hour_together():
    assert sum(KINDS[name].quota.hourly for name in ("github", "github-releases")) < 60


@pytest.mark.parametrize("name", PROVIDERS)
def test_where_every_request_fails_a_script_still_ends_and_counts_nothing(name):
    threads = tuple(
        thread
        for url in ("https://news.ycombinator.com/item?id=1", "https://lobste.rs/s/a", "https://redd.it/a",
                    "https://orbit.example/?p=1", "https://github.com/o/r/issues/1", "https://b.hatena.ne.jp/entry/orbit.example/a",
                    "https://github.com/o/r/discussions/1", "https://github.com/o/r/releases/tag/1")
        for thread in (KINDS[name].thread_of(url),) if thread
    ) or (Discussion(provider=name, key="https://orbit.example/feed", url="https://orbit.example/a"),)  # fmt: skip
    waiting = [turn(number, threads=threads) for number in range(5)]
    counted, asked = play(KINDS[name].look(waiting, NOW), lambda _: failed(500))
    assert (counted.counts, counted.asked) == ((), frozenset())
    assert 0 < len(asked) <= 6


@given(st.text())
def test_no_text_breaks_the_search_for_a_thread(text: str):
    for url in (text, f"https://{text}", f"https://www.reddit.com/{text}", f"https://github.com/{text}"):
        for kind in KINDS.values():
            kind.thread_of(url)
