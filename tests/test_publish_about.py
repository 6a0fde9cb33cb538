"""The page that names every feed, and what the site says about itself."""

from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from lxml import html

from aggregator.publish import pages, sources
from aggregator.publish.edition import compose
from aggregator.publish.sources import Source, state_text
from aggregator.store import sources as rows
from aggregator.times import to_text
from tests.publishing import NOON, Newsroom
from tests.test_publish_feeds import ENTRY, SITE

TOKYO = ZoneInfo("Asia/Tokyo")
SOURCE = Source(
    title="Kernel Weekly",
    site_url="https://kw.example/",
    category="Linux",
    published=12,
    newest_at=NOON,
    state="ok",
)


def text(body: bytes) -> str:
    return " ".join(html.document_fromstring(body.decode()).text_content().split())


@pytest.mark.parametrize(
    ("state", "since", "said"),
    [
        ("ok", None, "読めています"),
        ("new", None, "まだ読んでいません"),
        ("paused", None, "読むのを休んでいます"),
        ("gone", NOON, "配信を終えました（2026年11月24日に確認）"),
        ("gone", None, "配信を終えました"),
        ("failing", NOON, "2026年11月24日を最後に読めていません"),
        ("failing", None, "まだ一度も読めていません"),
    ],
)
def test_a_state_is_told_in_plain_words(state: sources.State, since: object, said: str):
    assert state_text(replace(SOURCE, state=state, since=since), TOKYO) == said


def test_the_page_names_each_feed_with_its_site_and_what_it_brought():
    page = sources.page([SOURCE, replace(SOURCE, category="", title="媒体", site_url="javascript:x")], SITE)
    said = text(page.body)
    assert "Linux Kernel Weekly 掲載 12件、最新 2026年11月24日 読めています 分類なし 媒体" in said
    tree = html.document_fromstring(page.body.decode())
    assert tree.xpath("//ul[@class='sources']//a/@href") == ["https://kw.example/"]
    assert tree.xpath("//span[@class='feed']/@lang") == ["en"]


@pytest.mark.parametrize("field", ["title", "category", "site_url"])
def test_text_from_outside_is_escaped(field: str):
    evil = replace(SOURCE, **{field: "http://\"'><script>alert(1)</script>"})
    page = html.document_fromstring(sources.page([evil], SITE).body.decode())
    assert list(page.iter("script")) == []


def test_without_feeds_the_page_says_so():
    assert "まだフィードが登録されていません。" in text(sources.page([], SITE).body)


@pytest.fixture
def room(tmp_path: Path) -> Newsroom:
    return Newsroom(tmp_path)


def state(room: Newsroom) -> tuple[str, object]:
    [source] = rows.shown(room.db)
    return source.state, source.since


def poll(room: Newsroom, hours: float, outcome: str) -> None:
    at = to_text(NOON + timedelta(hours=hours))
    room.db.table("polls").insert({"feed_id": 1, "polled_at": at, "outcome": outcome})


def test_a_feed_fails_once_it_failed_three_times_since_it_was_read_last(room: Newsroom):
    room.feed(last_poll_at=to_text(NOON))
    poll(room, 0, "not_modified")
    for hours in (1, 2, 3):
        poll(room, hours, "failed")
    room.db.table("feeds").update(1, {"failures": 2})
    assert state(room) == ("ok", None)
    room.db.table("feeds").update(1, {"failures": 3})
    assert state(room) == ("failing", NOON)


def test_where_no_good_poll_is_remembered_the_last_change_counts(room: Newsroom):
    room.feed(failures=9, last_change_at=to_text(NOON - timedelta(days=40)))
    poll(room, 1, "failed")
    assert state(room) == ("failing", NOON - timedelta(days=40))


def test_feeds_that_rest_or_ended_are_no_failures(room: Newsroom):
    room.feed(failures=5, settings='{"paused": "true"}')
    assert state(room)[0] == "paused"
    room.db.table("feeds").update(1, {"gone": 1, "last_poll_at": to_text(NOON)})
    assert state(room) == ("gone", NOON)
    room.db.table("feeds").update(1, {"listed": 0})
    assert rows.shown(room.db) == ()


def test_a_story_is_counted_once_for_each_feed_that_tells_it(room: Newsroom):
    alpha, beta = room.feed("alpha"), room.feed("beta")
    entry = room.entry(alpha)
    [row] = room.db.query("SELECT story_id FROM entries WHERE entry_id = ?", [entry])
    room.entry(beta, "2", story=row["story_id"], age=0.5)
    room.publish()
    room.publish(hours=6)  # untranslated
    room.translate(entry)
    room.publish(hours=6)
    found = {source.title: (source.published, source.newest_at) for source in rows.shown(room.db)}
    assert found == {
        "Alpha Wire": (1, NOON + timedelta(hours=12)),
        "Beta Wire": (1, NOON + timedelta(hours=12)),
    }


def test_a_state_that_changes_is_on_the_page_at_the_next_round_and_nothing_else_moves(room: Newsroom):
    room.feed(last_poll_at=to_text(NOON))
    room.translate(room.entry(1))
    room.publish()
    before = room.touched()
    room.db.table("feeds").update(1, {"failures": 3})
    room.publish()
    assert {name for name, at in room.touched().items() if at != before[name]} == {"sources.html"}


def test_the_about_page_names_the_contact_the_way_to_be_taken_down_and_who_translated():
    shown = compose("all", "x", (ENTRY, replace(ENTRY, engine="original", model="")))
    page = pages.about(shown, replace(SITE, contact="desk@news.example")).body
    tree = html.document_fromstring(page.decode())
    assert [link.get("href") for link in tree.xpath("//p[@class='note']//a")] == ["mailto:desk@news.example"]
    assert tree.get_element_by_id("takedown").text == "掲載停止の方法"
    assert tree.xpath("//main//li/span[@lang='en']/text()") == ["firefox enja"]
    assert "noindex" in text(page)


@pytest.mark.parametrize(
    ("contact", "leads"),
    [
        ("https://news.example/contact", ["https://news.example/contact"]),
        ("mailto:desk@news.example", ["mailto:desk@news.example"]),
        ("机の上の紙", []),
        ("javascript:alert(1)", []),
    ],
)
def test_a_contact_leads_to_a_page_or_a_mailbox_or_nowhere(contact: str, leads: list[str]):
    page = html.document_fromstring(
        pages.index(compose("all", "x", ()), replace(SITE, contact=contact)).body.decode()
    )
    assert page.xpath("//footer//span[@class='contact']//a/@href") == leads


def test_without_a_contact_the_about_page_says_what_is_missing():
    assert "連絡先が設定されていません" in text(pages.about(compose("all", "x", ()), SITE).body)


def test_crawlers_may_read_that_they_shall_not_list():
    [robots] = pages.robots(SITE)
    assert (
        robots.body.decode()
        == "User-agent: *\nContent-Signal: search=no, ai-input=no, ai-train=no\nDisallow:\n"
    )
    assert pages.robots(replace(SITE, private=True)) == []


def test_only_where_it_is_allowed_pages_go_without_noindex():
    empty = compose("all", "x", ())
    assert b"noindex" in pages.index(empty, SITE).body
    assert b"noindex" not in pages.index(empty, replace(SITE, indexable=True)).body
