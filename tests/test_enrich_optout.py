"""Signals read from files, headers and metas, and what follows from each."""

import pytest

from aggregator.enrich import optout, robots
from aggregator.model import SitePolicy

URL = "https://a.example/news/story.html?page=2"


def policy(robots_txt: str = "", **files: str) -> SitePolicy:
    return SitePolicy(origin="https://a.example", robots=robots_txt, **files)


# What RFC 9309 section 2.2 says, in its own examples and ours.
@pytest.mark.parametrize(
    ("rules", "url", "allowed"),
    [
        ("", "/x", True),
        ("Disallow:", "/x", True),
        ("Disallow: /", "/x", False),
        ("Disallow: /news", "/newspaper", False),
        ("Disallow: /news/", "/news", True),
        (
            "Allow: /example/page/\nDisallow: /example/page/disallowed.gif",
            "/example/page/disallowed.gif",
            False,
        ),
        ("Disallow: /p\nAllow: /p", "/p", True),
        ("Disallow: /\nAllow: /open", "/open/1", True),
        ("Disallow: /*.gif$", "/a/b.gif", False),
        ("Disallow: /*.gif$", "/a/b.gif?x=1", True),
        ("Disallow: *?page=", "/story?page=2", False),
        ("Disallow: /a*b*c", "/a-1-b-2-c-3", False),
        ("Disallow: /a*b*c", "/a-1-c-2-b", True),
        ("Disallow: /fish$", "/fish", False),
        ("Disallow: /fish$", "/fish/salmon", True),
        ("Disallow: /caf%C3%A9", "/café", False),
        ("disallow : /x # a comment", "/x/1", False),
    ],
)
def test_the_longest_pattern_that_fits_decides(rules: str, url: str, allowed: bool):
    assert robots.read(f"User-agent: *\n{rules}\n").allows(f"https://a.example{url}") is allowed


def test_our_own_group_replaces_the_one_for_all():
    said = robots.read("User-agent: *\nDisallow: /\n\nUser-agent: Aggregator/2.0\nDisallow: /private\n")
    assert said.named
    assert said.allows("https://a.example/news")
    assert not said.allows("https://a.example/private/1")


def test_groups_of_several_agents_and_several_groups_of_one_are_joined():
    text = "User-agent: other\nUser-agent: aggregator\nDisallow: /a\n\nUser-agent: aggregator\nDisallow: /b\n"
    said = robots.read(text)
    assert not said.allows("https://a.example/a")
    assert not said.allows("https://a.example/b")
    assert not robots.read(text, "other").allows("https://a.example/a")


def test_a_longer_name_is_another_agents():
    assert robots.read("User-agent: aggregatorbot\nDisallow: /\n").allows(URL)


@pytest.mark.parametrize(
    ("text", "seconds"), [("2", 2), ("0.5", 0.5), ("86400", 60), ("-1", 0), ("soon", 0), ("1e9", 0)]
)
def test_a_crawl_delay_counts_up_to_a_minute(text: str, seconds: float):
    assert robots.read(f"User-agent: *\nCrawl-delay: {text}\n").crawl_delay.total_seconds() == seconds


def test_a_pattern_of_many_stars_costs_no_time():
    said = robots.read("User-agent: *\nDisallow: /" + "*a" * 5000 + "\n")
    assert said.allows("https://a.example/" + "a" * 4000)


@pytest.mark.parametrize(
    ("policy_read", "text", "effect"),
    [
        (policy("User-agent: *\nContent-Signal: search=yes, ai-input=no, ai-train=no"), "robots.txt: Content-Signal ai-input=no", "titles"),
        (policy("Content-Signal: search = NO\nUser-agent: *\nAllow: /"), "robots.txt: Content-Signal search=no", "titles"),
        (policy("User-agent: aggregator\nDisallow: /news\n"), "robots.txt disallows it to aggregator", "stop"),
        (policy(tdmrep='[{"location": "/old/*", "tdm-reservation": 0}, {"location": "/", "tdm-reservation": 1}]'), "tdmrep.json: tdm-reservation", "titles"),
        (policy(ai_txt="User-Agent: *\nDisallow: /\n"), "ai.txt disallows it", "titles"),
        (policy(ai_txt="User-Agent: *\nDisallow: *.txt\nAllow: *.jpg\n"), "ai.txt disallows it", "titles"),
    ],
)  # fmt: skip
def test_a_sites_signal_and_what_follows(policy_read: SitePolicy, text: str, effect: str):
    signal = optout.of_site(policy_read, URL)
    assert signal is not None
    assert (signal.text, signal.effect) == (text, effect)


@pytest.mark.parametrize(
    "policy_read",
    [
        policy("User-agent: *\nContent-Signal: search=yes, ai-train=no"),
        policy("User-agent: *\nDisallow: /news"),
        policy("User-agent: other\nContent-Signal: ai-input=no"),
        policy(
            tdmrep='[{"location": "/news/*", "tdm-reservation": 0}, {"location": "/", "tdm-reservation": 1}]'
        ),
        policy(tdmrep="[1, null"),
        policy(tdmrep="[" * 100_000),
        policy(tdmrep='{"location": "/"}'),
        policy(tdmrep='[{"location": 5, "tdm-reservation": 1}]'),
        policy(ai_txt="# Acme\n> A site about routers.\n"),
        policy(ai_txt="User-Agent: *\nDisallow: *.jpg\nAllow: *.html\n"),
    ],
)
def test_what_is_no_signal_against_the_text(policy_read: SitePolicy):
    assert optout.of_site(policy_read, URL) is None


def test_a_robots_txt_that_could_not_be_read_forbids_the_page():
    unknown = SitePolicy(origin="https://a.example", known=False, trouble="503 Busy")
    assert optout.refusal(unknown, URL) == "robots.txt of https://a.example cannot be read: 503 Busy"
    assert optout.refusal(policy("User-agent: *\nDisallow: /news"), URL) == "robots.txt disallows the page"
    assert optout.refusal(policy(), URL) is None


@pytest.mark.parametrize(
    ("tag", "against"),
    [
        ("noai, noimageai", "noai"),
        ("nosnippet", "nosnippet"),
        ("index, NOARCHIVE", "noarchive"),
        ("max-snippet:0", "max-snippet:0"),
        ("max-snippet: 299", "max-snippet:299"),
        ("max-snippet:300", None),
        ("max-snippet:-1, max-image-preview:large", None),
        ("noindex, nofollow, noimageai", None),
        ("googlebot: noai, nosnippet", None),
        ("googlebot: noindex, aggregator: nosnippet", "nosnippet"),
        ("unavailable_after: 25 Jun 2030 15:00:00 PST, noai", "noai"),
    ],
)
def test_an_x_robots_tag(tag: str, against: str | None):
    found = optout.of_page({"x-robots-tag": tag}, b"")
    assert (found and found.text) == (f"X-Robots-Tag: {against}" if against else None)


def test_a_meta_for_all_robots_says_the_same():
    found = optout.of_page({}, b"<head><META NAME=robots CONTENT='index, max-snippet:50'>")
    assert found is not None
    assert found.text == "meta robots: max-snippet:50"


def test_metas_for_other_agents_and_reservations_of_zero_mean_nothing():
    body = b"<meta name='googlebot' content='noai'><meta name='tdm-reservation' content='0'>"
    assert optout.of_page({"tdm-reservation": "0"}, body) is None
    assert optout.of_page({}, b"<meta content=1 name=tdm-reservation>") is not None
    assert optout.of_page({}, b"<meta name='aggregator' content='noai'>") is not None
