"""Our feeds, read back with feedparser and lxml."""

import calendar
import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import feedparser
import pytest
from lxml import etree

from aggregator.model import CommentCount, Document, Edition, Enclosure
from aggregator.publish.edition import Site, compose, present
from aggregator.publish.feeds import documents
from tests.test_publish_edition import FACTS, T

SITE = Site(
    title="ニュース", base_url="https://news.example/", home_url="https://news.example/",
    timezone="Asia/Tokyo", private=False, contact="", generator="aggregator", waiting=0,
)  # fmt: skip
ENTRY = replace(
    present(FACTS),
    public_id="urn:uuid:6f0d1a52-2f0c-5c9d-9a53-0d6a64a7b2a1",
    updated_at=T + timedelta(hours=1),
    category="AI",
    tags=("chips", "AI"),
    comments_url="https://talk.example/1",
    comments_feed_url="https://talk.example/1.rss",
    counts=(CommentCount(source="site", count=12, url="https://talk.example/1"),),
    enclosures=(
        Enclosure(url="https://cdn.example/a.mp3", media_type="audio/mpeg", length=1234),
        Enclosure(url="https://cdn.example/b.pdf"),
    ),
)
BARE = replace(
    present(FACTS),
    public_id="urn:uuid:bare",
    permalink=None,
    authors=(),
    enclosures=(),
    comments_url=None,
    counts=(),
)
MAIN = compose("main", "ニュース", (ENTRY, BARE))


def written(edition: Edition = MAIN, site: Site = SITE) -> dict[str, Document]:
    return {document.path: document for document in documents((edition,), site)}


def parsed(name: str) -> feedparser.FeedParserDict:
    feed = feedparser.parse(written()[name].body, sanitize_html=False)
    assert not feed.bozo
    return feed


XML = pytest.mark.parametrize("name", ["atom.xml", "rss.xml"])


def test_an_edition_has_three_forms():
    assert {path: document.media_type for path, document in written().items()} == {
        "atom.xml": "application/atom+xml",
        "rss.xml": "application/rss+xml",
        "feed.json": "application/feed+json",
    }


@XML
def test_the_feed_names_itself_its_page_its_language_and_its_newest_update(name: str):
    feed = parsed(name).feed
    assert (feed.title, feed.link, feed.language) == ("ニュース", "https://news.example/", "ja")
    assert [link.href for link in feed.links if link.rel == "self"] == [f"https://news.example/{name}"]
    assert moment(feed.updated_parsed) == T + timedelta(hours=1)
    assert feed.generator == "aggregator"


def moment(parts: tuple[int, ...]) -> datetime:
    return datetime.fromtimestamp(calendar.timegm(parts), UTC)


@XML
def test_an_entry_reads_back_as_it_was_given(name: str):
    entry = parsed(name).entries[0]
    assert (entry.id, entry.title, entry.link) == (ENTRY.public_id, "見出し", "https://kw.example/1")
    assert moment(entry.published_parsed) == T
    assert moment(entry.updated_parsed) == T + timedelta(hours=1)
    assert entry.author == "Ida Voss (Kernel Weekly)"
    assert [tag.term for tag in entry.tags] == ["AI", "chips"]
    body = entry.content[0].value if "content" in entry else entry.summary
    assert body == "<p>本文</p>"
    assert entry.source.title == "Kernel Weekly"


@XML
def test_enclosures_keep_address_type_and_length(name: str):
    found = [(e.href, e.type, e.get("length")) for e in parsed(name).entries[0].enclosures]
    unknown = "0" if name == "rss.xml" else None
    assert found == [
        ("https://cdn.example/a.mp3", "audio/mpeg", "1234"),
        ("https://cdn.example/b.pdf", "application/pdf", unknown),
    ]


def test_atom_has_one_alternate_which_is_the_original():
    links = parsed("atom.xml").entries[0].links
    assert [(link.href, link.hreflang) for link in links if link.rel == "alternate"] == [
        ("https://kw.example/1", "en")
    ]
    assert [link.href for link in links if link.rel == "replies"] == [
        "https://talk.example/1",
        "https://talk.example/1.rss",
    ]


def test_counts_are_where_readers_look_for_them():
    atom, rss = parsed("atom.xml").entries[0], parsed("rss.xml").entries[0]
    assert atom.thr_total == "12"
    assert b'thr:count="12"' in written()["atom.xml"].body
    assert (rss.slash_comments, rss.comments, rss.wfw_commentrss) == (
        "12", "https://talk.example/1", "https://talk.example/1.rss",
    )  # fmt: skip


def test_each_thread_has_a_link_with_its_own_number_in_atom_and_rss_names_the_longest():
    talk = (
        CommentCount(source="hackernews", count=3, url="https://hn.example/1"),
        CommentCount(source="lobsters", count=40, url="https://lobsters.example/1"),
    )
    entry = replace(ENTRY, comments_feed_url=None, counts=talk)
    documents = written(compose("main", "ニュース", (entry,)))
    tree = etree.fromstring(documents["atom.xml"].body)
    replies = [link for link in tree.iter("{*}link") if link.get("rel") == "replies"]
    assert [(link.get("href"), link.get("{http://purl.org/syndication/thread/1.0}count")) for link in replies] == [
        ("https://lobsters.example/1", "40"), ("https://hn.example/1", "3"), ("https://talk.example/1", None),
    ]  # fmt: skip
    assert tree.findtext(".//{*}total") == "43"
    [rss] = feedparser.parse(documents["rss.xml"].body).entries
    assert (rss.comments, rss.slash_comments) == ("https://lobsters.example/1", "43")


@XML
def test_an_unknown_count_is_not_zero(name: str):
    entry = parsed(name).entries[1]
    assert "thr_total" not in entry
    assert "slash_comments" not in entry


@XML
def test_an_entry_without_permalink_links_to_its_page(name: str):
    assert parsed(name).entries[1].link == "https://news.example/entries/2026/11/1.html"


def test_the_guid_is_no_link():
    tree = etree.fromstring(written()["rss.xml"].body)
    assert {guid.get("isPermaLink") for guid in tree.iter("guid")} == {"false"}


def test_an_untranslated_entry_says_that_it_is_english():
    edition = compose("all", "x", (replace(ENTRY, state="untranslated"),))
    tree = etree.fromstring(written(edition)["all.xml"].body)
    [entry] = tree.iter("{http://www.w3.org/2005/Atom}entry")
    assert entry.get("{http://www.w3.org/XML/1998/namespace}lang") == "en"
    assert json.loads(written(edition)["all.json"].body)["items"][0]["language"] == "en"


def test_the_same_edition_gives_the_same_bytes():
    assert written() == written()


def test_what_several_editions_hold_is_whole_in_each():
    several = (MAIN, compose("all", "全部", (BARE, ENTRY)), replace(MAIN, path="category/ai/"))
    assert documents(several, SITE) == [document for each in several for document in documents((each,), SITE)]


def test_an_empty_edition_is_valid_and_older_than_any_entry():
    empty = written(compose("main", "x", ()))
    assert feedparser.parse(empty["atom.xml"].body).feed.updated == "1970-01-01T00:00:00+00:00"
    assert json.loads(empty["feed.json"].body)["items"] == []


def test_the_feeds_identity_survives_a_new_private_path():
    moved = replace(SITE, base_url="https://news.example/secret/")
    first, second = (feedparser.parse(written(MAIN, site)["atom.xml"].body) for site in (SITE, moved))
    assert first.feed.id == second.feed.id
    assert first.feed.id != feedparser.parse(written(compose("all", "x", ()))["all.xml"].body).feed.id


def test_the_json_feed_says_the_same():
    feed = json.loads(written()["feed.json"].body)
    assert feed["version"] == "https://jsonfeed.org/version/1.1"
    assert (feed["feed_url"], feed["language"]) == ("https://news.example/feed.json", "ja")
    assert feed["items"][0] == {
        "id": ENTRY.public_id,
        "url": "https://kw.example/1",
        "title": "見出し",
        "content_html": "<p>本文</p>",
        "date_published": "2026-11-24T03:00:00Z",
        "date_modified": "2026-11-24T04:00:00Z",
        "authors": [{"name": "Ida Voss (Kernel Weekly)", "url": "https://kw.example/"}],
        "language": "ja",
        "tags": ["AI", "chips"],
        "attachments": [
            {"url": "https://cdn.example/a.mp3", "mime_type": "audio/mpeg", "size_in_bytes": 1234},
            {"url": "https://cdn.example/b.pdf", "mime_type": "application/pdf"},
        ],
        "_discussion": {
            "comments": 12,
            "url": "https://talk.example/1",
            "sources": [{"name": "site", "comments": 12, "url": "https://talk.example/1"}],
        },
    }
    assert "attachments" not in feed["items"][1]
    assert "_discussion" not in feed["items"][1]


@XML
def test_the_feed_says_that_an_hour_between_two_looks_is_enough(name: str):
    assert parsed(name).feed.sy_updateperiod == "hourly"
    tree = etree.fromstring(written()[name].body)
    assert tree.findtext("channel/ttl") == ("60" if name == "rss.xml" else None)


def test_a_merged_story_names_where_else_it_stands_once():
    others = [
        replace(ENTRY.sources[0], permalink=url)
        for url in ("https://b.example/2", "https://b.example/2", "javascript:x", None)
    ]
    entry = replace(ENTRY, sources=(*ENTRY.sources, *others, ENTRY.sources[0]))
    tree = etree.fromstring(written(compose("main", "x", (entry,)))["atom.xml"].body)
    links = [link.get("href") for link in tree.iter("{*}link") if link.get("rel") == "via"]
    assert links == ["https://b.example/2"]


_ATOM = "{http://www.w3.org/2005/Atom}"


def test_each_atom_element_stands_as_often_as_rfc_4287_allows():
    tree = etree.fromstring(written()["atom.xml"].body)
    for element in (tree, *tree.iter(f"{_ATOM}entry")):
        names = [child.tag for child in element]
        once = (
            "id",
            "title",
            "updated",
            *(("content", "published") if element is not tree else ("subtitle",)),
        )
        assert all(names.count(_ATOM + name) == 1 for name in once)
        assert names.count(f"{_ATOM}source") == (element is not tree)
        links = [link for link in element if link.tag == f"{_ATOM}link"]
        assert all(link.get("href") and link.get("rel") for link in links)
        alternates = [
            (link.get("type"), link.get("hreflang")) for link in links if link.get("rel") == "alternate"
        ]
        assert len(alternates) == len({*alternates}) == 1
    for entry in tree.iter(f"{_ATOM}entry"):  # the feed has no author: each entry must have one
        assert entry.findtext(f"{_ATOM}author/{_ATOM}name")
    for name in ("updated", "published"):
        assert all(datetime.fromisoformat(e.text).tzinfo for e in tree.iter(_ATOM + name))


PICTURE = replace(ENTRY, image_url="https://kw.example/1.jpg")


@XML
def test_a_picture_is_a_thumbnail(name: str):
    [entry] = feedparser.parse(written(compose("main", "x", (PICTURE,)))[name].body).entries
    assert [each["url"] for each in entry.media_thumbnail] == ["https://kw.example/1.jpg"]
    assert len(entry.enclosures) == 2


def test_the_json_feed_names_the_picture():
    [item] = json.loads(written(compose("main", "x", (PICTURE,)))["feed.json"].body)["items"]
    assert item["image"] == "https://kw.example/1.jpg"


def test_without_pictures_no_form_names_one():
    shown = written(compose("main", "x", (PICTURE,)), replace(SITE, images="none"))
    assert not any(b"1.jpg" in document.body for document in shown.values())


def test_where_titles_alone_are_shown_there_is_no_picture():
    facts = replace(FACTS, image_url="https://kw.example/1.jpg")
    assert present(facts).image_url == "https://kw.example/1.jpg"
    assert present(replace(facts, rights="titles")).image_url is None


@XML
def test_the_hub_is_named_where_there_is_one(name: str):
    assert b'rel="hub"' not in written()[name].body
    feed = feedparser.parse(written(site=replace(SITE, hub="https://hub.example/"))[name].body).feed
    assert [link.href for link in feed.links if link.rel == "hub"] == ["https://hub.example/"]
    assert feed.link == "https://news.example/"


def test_the_json_feed_names_the_hub():
    documents = written(site=replace(SITE, hub="https://hub.example/"))
    hubs = json.loads(documents["feed.json"].body)["hubs"]
    assert hubs == [{"type": "WebSub", "url": "https://hub.example/"}]
    assert "hubs" not in json.loads(written()["feed.json"].body)
