"""How far apart a domain is asked, and how far a refusal reaches."""

from datetime import timedelta

import pytest

from aggregator import urls
from aggregator.model import FeedSettings
from aggregator.poll.polite import LARGE, reach, scope_of, spacing

SECOND = timedelta(seconds=1)


def test_a_large_shared_domain_is_asked_five_seconds_apart():
    assert spacing("medium.com", SECOND) == 5 * SECOND
    assert spacing("blog.example", SECOND) == SECOND


def test_a_longer_spacing_holds_for_large_domains_too():
    assert spacing("medium.com", 9 * SECOND) == 9 * SECOND


def test_no_spacing_is_none_anywhere():
    assert spacing("medium.com", timedelta()) == timedelta()


def test_the_table_holds_domains_as_feeds_have_them():
    assert [domain for domain in LARGE if urls.registrable_domain(f"https://x.{domain}/") != domain] == []


@pytest.mark.parametrize(
    ("scope", "place"),
    [("url", "https://a.medium.com/feed"), ("host", "a.medium.com"), ("domain", "medium.com")],
)
def test_a_refusal_reaches_as_far_as_its_scope(scope: str, place: str):
    assert reach("https://a.medium.com/feed", scope) == place


def test_a_feeds_own_scope_outranks_the_setting():
    assert scope_of(FeedSettings(retry_scope="url"), "domain") == "url"
    assert scope_of(FeedSettings(), "domain") == "domain"
