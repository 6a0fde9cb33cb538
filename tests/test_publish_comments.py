"""What is said about an entry: on its page, in a feed of its own, and in no other."""

from dataclasses import replace
from datetime import timedelta

import feedparser
import pytest
from lxml import etree, html

from aggregator.model import ShownComment, Viewpoint
from aggregator.publish import comments, feeds, pages
from aggregator.publish.edition import compose
from aggregator.store import comments as stored
from tests.publishing import NOON, Newsroom
from tests.test_publish_edition import T
from tests.test_publish_feeds import BARE, ENTRY, SITE
from tests.test_store_comments import read, said, story, translate

SAID = ShownComment(
    author="ada <3", url="https://news.ycombinator.com/item?id=7", source="hackernews",
    text="速い。<b>とても</b>速い。", written_at=T, engine="firefox enja 2.3",
)  # fmt: skip
LATER = replace(SAID, author="bob", url="https://github.com/acme/tool/issues/7#c", source="github",
                written_at=T + timedelta(hours=2), engine="original")  # fmt: skip
HOPEFUL = Viewpoint(
    persona="hopeful", text="速さは力です。", engine="openai", model="m-1", written_at=T + timedelta(hours=3)
)
CRITICAL = replace(HOPEFUL, persona="critical", text="電力が気になります。")
DISCUSSED = replace(ENTRY, comments=(SAID, LATER))
VIEWED = replace(DISCUSSED, viewpoints=(HOPEFUL, CRITICAL))
THR = "{http://purl.org/syndication/thread/1.0}"


def page(entry):
    return html.document_fromstring(pages.page(entry, SITE).body.decode())


def words(node) -> str:
    return " ".join(node.text_content().split())


def section(entry) -> str:
    return words(page(entry).find_class("feedback")[0])


def test_the_page_shows_each_comment_with_author_place_time_and_engine():
    shown = section(DISCUSSED)
    assert "“見出し” への12件のフィードバック" in shown
    assert (
        "速い。<b>とても</b>速い。 ada <3（Hacker News、2026年11月24日 12:00、機械翻訳: firefox enja 2.3）"
        in shown
    )
    assert "bob（GitHub、2026年11月24日 14:00）" in shown


def test_a_comment_links_to_where_it_was_made_and_to_nothing_else():
    items = page(DISCUSSED).find_class("said")[0].findall("li")
    assert [[a.get("href") for a in item.iter("a")] for item in items] == [[SAID.url], [LATER.url]]


def test_an_entry_without_comments_says_nothing_of_them():
    assert page(ENTRY).find_class("said") == []
    assert "コメントのフィード" not in section(ENTRY)


def test_the_comments_of_an_entry_are_a_feed_that_says_what_they_answer():
    document = comments.comments_feed(DISCUSSED, SITE)
    assert document.path == f"entries/{ENTRY.slug}/comments.xml"
    feed = feedparser.parse(document.body, sanitize_html=False)
    assert not feed.bozo
    assert [entry.title for entry in feed.entries] == ["ada <3 (Hacker News)", "bob (GitHub)"]
    assert [entry.link for entry in feed.entries] == [SAID.url, LATER.url]
    assert feed.entries[0].content[0].value.startswith("速い。<b>とても</b>速い。")
    answers = etree.fromstring(document.body).findall(f".//{THR}in-reply-to")
    page_url = f"https://news.example/entries/{ENTRY.slug}.html"
    assert [(each.get("ref"), each.get("href")) for each in answers] == [(ENTRY.public_id, page_url)] * 2
    assert feed.feed.updated == (T + timedelta(hours=2)).isoformat()


def test_a_comments_id_stays_when_another_one_goes():
    ids = [
        feedparser.parse(comments.comments_feed(entry, SITE).body).entries[-1].id
        for entry in (DISCUSSED, replace(DISCUSSED, comments=(LATER,)))
    ]
    assert ids[0] == ids[1]


def links(entry, name="atom.xml"):
    written = {each.path: each.body for each in feeds.documents((compose("main", "t", (entry,)),), SITE)}
    root = etree.fromstring(written[name])
    if name == "rss.xml":
        return [each.text for each in root.iter("{http://wellformedweb.org/CommentAPI/}commentRss")]
    found = root.findall(
        ".//{http://www.w3.org/2005/Atom}entry/{http://www.w3.org/2005/Atom}link[@rel='replies']"
    )
    return [(each.get("href"), each.get("type")) for each in found]


def test_the_feeds_lead_to_our_feed_of_comments_in_the_place_of_the_sources():
    ours = f"https://news.example/entries/{ENTRY.slug}/comments.xml"
    assert links(DISCUSSED)[-1] == (ours, "application/atom+xml")
    assert links(DISCUSSED, "rss.xml") == [ours]
    assert links(ENTRY)[-1] == ("https://talk.example/1.rss", None)
    assert links(ENTRY, "rss.xml") == ["https://talk.example/1.rss"]


def test_machines_are_counted_apart_and_labelled_with_engine_and_date():
    shown = section(VIEWED)
    assert "“見出し” への14件のフィードバック" in shown
    assert "人 12件 · AI 2件" in shown
    assert "楽観派 速さは力です。 AIによるコメント（openai m-1、2026年11月24日 15:00）" in shown
    assert "慎重派 電力が気になります。 AIによるコメント（openai m-1、" in shown


def test_an_entry_that_only_machines_comment_on_has_feedback_too():
    shown = section(replace(BARE, viewpoints=(HOPEFUL, CRITICAL)))
    assert "への2件のフィードバック 人 0件 · AI 2件" in shown


@pytest.mark.parametrize("name", ["atom.xml", "rss.xml", "feed.json"])
def test_machines_comments_and_their_number_are_in_no_feed_of_entries(name):
    def body(entry):
        written = feeds.documents((compose("main", "t", (entry,)),), SITE)
        return next(each.body for each in written if each.path == name)

    assert body(VIEWED) == body(DISCUSSED)


def test_machines_comments_have_a_feed_of_their_own():
    document = comments.viewpoints_feed(compose("main", "t", (VIEWED, BARE)), SITE)
    feed = feedparser.parse(document.body)
    assert not feed.bozo
    assert document.path == "viewpoints.xml"
    assert [entry.author for entry in feed.entries] == ["楽観派 (AI)", "慎重派 (AI)"]
    assert all("AIによるコメント: openai m-1" in entry.content[0].value for entry in feed.entries)
    assert all("AIによるコメント" in entry.title for entry in feed.entries)
    assert len({entry.id for entry in feed.entries}) == 2


def test_a_feed_without_comments_is_a_feed():
    feed = feedparser.parse(comments.viewpoints_feed(compose("main", "t", ()), SITE).body)
    assert not feed.bozo
    assert feed.feed.updated == "1970-01-01T00:00:00+00:00"


def commented(room, guid="1", age=1.0) -> int:
    """Publish a story with a translated comment; return its id."""
    one = story(room, guid, age=age)
    read(room, one, said(guid))
    translate(room, "賛成です。\n本当に。")
    return one


def place(room, story_id: int) -> str:
    [(slug,)] = room.db.execute("SELECT slug FROM publications WHERE story_id = ?", [story_id]).fetchall()
    return f"entries/{slug}"


def test_letters_that_xml_cannot_hold_hold_up_no_document(tmp_path):
    room = Newsroom(tmp_path)
    one = story(room)
    read(room, one, said())
    translate(room, "賛\ufffe成。\nはい。")
    room.publish()
    assert "賛成。はい。".encode() in room.outputs()[f"{place(room, one)}/comments.xml"]


def test_a_comment_reaches_page_and_feed_and_leaves_both_when_it_goes(tmp_path):
    room = Newsroom(tmp_path)
    where = place(room, commented(room))
    room.publish()
    assert "賛成です。本当に。".encode() in room.outputs()[f"{where}.html"]
    assert "賛成です。本当に。".encode() in room.outputs()[f"{where}/comments.xml"]
    stored.forget(room.db, (), NOON)
    room.publish()
    assert [name for name, body in room.outputs().items() if "賛成です".encode() in body] == []
    assert f"{where}/comments.xml" not in room.outputs()
    assert not room.path(where).exists(), "nor an empty folder"


def test_it_leaves_the_page_of_an_entry_that_no_feed_carries_any_more_too(tmp_path):
    room = Newsroom(tmp_path, max_entries=1)
    old = commented(room)
    room.publish()
    room.now += timedelta(hours=60)
    story(room, "2", age=-59)
    room.publish()
    where = place(room, old)
    assert where not in room.outputs()["all.json"].decode()
    assert "賛成です".encode() in room.outputs()[f"{where}.html"]
    stored.forget(room.db, (), NOON)
    room.publish()
    assert [name for name, body in room.outputs().items() if "賛成です".encode() in body] == []
    before = room.touched()
    assert room.publish().jobs == 0
    assert room.touched() == before


def test_comments_change_nothing_that_readers_compare(tmp_path):
    room = Newsroom(tmp_path)
    story(room)
    before = room.outputs()
    read(room, 1, said())
    translate(room)
    room.publish(hours=1)

    def kept(name, body):
        feed = feedparser.parse(body)
        return [(e.id, e.title, e.updated, e.get("published"), e.content[0].value if "content" in e else e.summary)
                for e in feed.entries], feed.feed.get("updated")  # fmt: skip

    after = room.outputs()
    assert after["atom.xml"] != before["atom.xml"]
    for name in ("atom.xml", "rss.xml", "all.xml", "all.rss.xml"):
        assert kept(name, after[name]) == kept(name, before[name])
    assert after["feed.json"] == before["feed.json"]
