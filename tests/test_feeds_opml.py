"""The list of feeds that comes with the program."""

from collections import Counter
from pathlib import Path

from aggregator import opml, urls

DATA = (Path(__file__).parent.parent / "feeds.opml").read_bytes()
FEEDS = opml.parse(DATA)


def test_there_are_forty_feeds_or_more():
    assert len(FEEDS) >= 40


def test_no_feed_is_listed_twice():
    assert DATA.count(b"xmlUrl=") == len(FEEDS)
    assert max(Counter(urls.canonical(feed.url) for feed in FEEDS).values()) == 1


def test_every_feed_has_a_name_a_site_and_a_category_of_its_own_kind():
    assert all(feed.title and feed.site_url for feed in FEEDS)
    sizes = Counter(feed.category for feed in FEEDS)
    categories = "ニュース プログラミング セキュリティ クラウド・インフラ AI ハードウェア 個人ブログ"
    assert set(sizes) == set(categories.split())
    assert min(sizes.values()) >= 5


def test_feeds_and_sites_are_asked_over_https():
    assert all(url.startswith("https://") for feed in FEEDS for url in (feed.url, feed.site_url or ""))


def test_nothing_is_published_beyond_excerpts_unless_an_operator_says_so():
    assert {feed.settings.rights for feed in FEEDS} == {"excerpt"}
    assert not any(feed.settings.paused for feed in FEEDS)
