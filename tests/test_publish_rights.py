"""What every feed says of rights, of the contact, and of the site it is from."""

import json
from dataclasses import replace

import feedparser
import pytest
from lxml import etree

from aggregator.publish.comments import comments_feed, viewpoints_feed
from aggregator.publish.edition import compose
from aggregator.publish.imprint import rights_text
from tests.test_publish_comments import VIEWED
from tests.test_publish_feeds import ENTRY, SITE, written

SAID = replace(SITE, contact="desk@news.example")
TEXT = (
    "記事の権利は各媒体にあります。見出しと要約は機械翻訳です。連絡先: desk@news.example "
    "掲載停止の方法: https://news.example/about.html#takedown"
)
CATEGORY = replace(compose("category", "ニュース(AI)", (ENTRY,)), path="category/ai 1/")


def test_the_text_names_contact_and_way_where_there_is_a_contact():
    assert rights_text(SAID) == TEXT
    assert "連絡先" not in rights_text(SITE)


@pytest.mark.parametrize("name", ["atom.xml", "rss.xml"])
def test_feeds_name_rights_and_the_page_about_them(name: str):
    feed = feedparser.parse(written(site=SAID)[name].body).feed
    assert feed.rights == TEXT
    assert feed.link == "https://news.example/"


def test_atom_and_json_feed_name_the_page_and_the_icons():
    root = etree.fromstring(written(site=SAID)["atom.xml"].body)
    found = {link.get("rel"): link.get("href") for link in root.findall("{*}link")}
    assert found["related"] == "https://news.example/about.html"
    assert [root.findtext(f"{{*}}{name}") for name in ("icon", "logo")] == [
        "https://news.example/favicon.ico", "https://news.example/icon.png",
    ]  # fmt: skip
    feed = json.loads(written(site=SAID)["feed.json"].body)
    assert (feed["description"], feed["icon"], feed["favicon"]) == (
        TEXT, "https://news.example/icon.png", "https://news.example/favicon.ico",
    )  # fmt: skip


def test_rss_names_its_picture_as_the_specification_demands():
    image = etree.fromstring(written(site=SAID)["rss.xml"].body).find("channel/image")
    assert image is not None
    assert {child.tag: child.text for child in image} == {
        "url": "https://news.example/icon.png", "title": "ニュース", "link": "https://news.example/",
    }  # fmt: skip


def test_feeds_of_comments_name_them_too():
    for feed in (comments_feed(VIEWED, SAID), viewpoints_feed(compose("main", "x", (VIEWED,)), SAID)):
        said = feedparser.parse(feed.body).feed.rights
        assert said == "連絡先: desk@news.example 掲載停止の方法: https://news.example/about.html#takedown"


def test_a_categorys_feeds_lead_to_its_page():
    made = written(CATEGORY, SAID)
    home = "https://news.example/category/ai%201/"
    assert feedparser.parse(made["category/ai 1/atom.xml"].body).feed.link == home
    assert feedparser.parse(made["category/ai 1/rss.xml"].body).feed.link == home
    assert json.loads(made["category/ai 1/feed.json"].body)["home_page_url"] == home
