"""Every feed we write is what its specification says, whatever the sources brought."""

import json
from collections.abc import Callable
from datetime import time

import pytest

from aggregator.executors import open_workers
from aggregator.pipeline import run_stage
from aggregator.publish import comments
from aggregator.publish.edition import compose
from aggregator.publish.jsonfeed import json_feed
from aggregator.publish.source_stage import STAGE as SOURCE
from tests import feedrules
from tests.publishing import Newsroom
from tests.test_publish_comments import VIEWED
from tests.test_publish_feeds import ENTRY, MAIN, SITE, written

STRANGE = 'A & B <script>"C"</script> ]]> 𠮷 \u200b'
FILES = [
    {"url": "https://cdn.example/a b.mp3", "media_type": "audio/mpeg", "length": 9},
    {"url": "https://cdn.example/b?x=1&y=2", "media_type": None, "length": None},
    {"url": "https://cdn.example/c.bin", "media_type": "not a type", "length": None},
]
ADDRESSES = {
    "permalink": "https://alpha.example/日本 語?q=<x>&y=[1]", "comments_url": "https://alpha.example/talk?a=|b",
    "comments_feed_url": "https://alpha.example/talk {1}.rss", "image_url": "https://cdn.example/p 1.png",
}  # fmt: skip


@pytest.fixture(scope="module")
def outputs(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    """Publish for some days what is usual, and what is not."""
    room = Newsroom(
        tmp_path_factory.mktemp("valid"), visibility="public", contact="ops@example.org", viewpoints=True,
        hub="https://hub.example/?a=1&b=2", max_entries=20, morning_at=time(6, 30),
    )  # fmt: skip
    feeds = [
        room.feed("alpha", "full", category="AI / ML", title=STRANGE), room.feed("beta", category="個人"),
        room.feed("gamma", "titles", category=""),
    ]  # fmt: skip
    for day in range(6):
        for number in range(12):
            entry = room.entry(feeds[number % 3], f"{day}-{number}", age=-24 * day, **_columns(number))
            room.count(entry, number, f"https://talk.example/{day}?n={number}&x")
            if number:
                room.translate(entry, f"見出し{day}-{number} {STRANGE}", summary=f"文です。{STRANGE}")
        for _ in range(4):
            room.publish(hours=6)
    run_stage(SOURCE, room.db, room.config, open_workers("inline:"), lambda: room.now)
    return room.outputs()


def _columns(number: int) -> dict[str, object]:
    authors = json.dumps([STRANGE, "Ada Quill"], ensure_ascii=False)
    tags = json.dumps(["a", "A", STRANGE], ensure_ascii=False)
    everything = {"authors": authors, "tags": tags, "enclosures": json.dumps(FILES), "language": "en_US"}
    return [{}, everything | ADDRESSES, {"permalink": None, "title": ""}][number % 3]


def feeds_in(outputs: dict[str, bytes], *roots: bytes) -> dict[str, bytes]:
    return {
        name: body
        for name, body in outputs.items()
        if name.endswith((".xml", ".json")) and any(root in body[:400] for root in roots)
    }


def faults(documents: dict[str, bytes], rules: Callable[[bytes], list[str]]) -> dict[str, list[str]]:
    return {name: found for name, body in documents.items() if (found := rules(body))}


def test_every_atom_document_passes_the_schema_and_the_rules_of_rfc_4287(outputs: dict[str, bytes]):
    found = feeds_in(outputs, b"<feed ")
    assert {
        "atom.xml", "hot.xml", "all.xml", "titles.xml", "morning.xml", "viewpoints.xml", "category/ai-ml/atom.xml",
        "source/beta-wire/atom.xml", "archive/2026-11.xml",
    } <= {*found}  # fmt: skip
    assert "今日のまとめ" in found["atom.xml"].decode()
    assert faults(found, feedrules.atom) == {}


def test_every_rss_document_keeps_the_rules_of_rss_2_0(outputs: dict[str, bytes]):
    found = feeds_in(outputs, b"<rss ")
    assert {"rss.xml", "hot.rss.xml", "morning.rss.xml", "source/beta-wire/rss.xml"} <= {*found}
    assert faults(found, feedrules.rss) == {}


def test_every_json_document_is_a_json_feed_1_1(outputs: dict[str, bytes]):
    found = feeds_in(outputs, b"jsonfeed.org/version")
    assert {"feed.json", "all.json", "titles.json", "category/ai-ml/feed.json"} <= {*found}
    assert faults(found, feedrules.json_feed) == {}


def test_feeds_of_comments_are_valid_too():
    assert feedrules.atom(comments.comments_feed(VIEWED, SITE).body) == []
    assert feedrules.atom(comments.viewpoints_feed(compose("main", "x", (VIEWED,)), SITE).body) == []
    assert feedrules.atom(comments.viewpoints_feed(compose("main", "x", ()), SITE).body) == []


def test_a_feed_without_entries_and_a_search_are_valid():
    empty = written(compose("main", "x", ()))
    rules = (feedrules.atom, feedrules.rss, feedrules.json_feed)
    assert [check(each.body) for check, each in zip(rules, empty.values(), strict=True)] == [[], [], []]
    assert feedrules.json_feed(json_feed(MAIN, SITE, "search", "?q=%E5%8D%8A&format=json")) == []


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b"<id>urn:uuid:bare</id>", b""),
        (b"<id>urn:uuid:bare</id>", b"<id>bare</id>"),
        (b"<author>", b"<author><nick/>"),
        (b'rel="self"', b'rel="via"'),
        (b"2026-11-24T04:00:00+00:00", b"2026-11-24T04:00:00"),
        (b'type="html"', b'type="xhtml"'),
        (b"<published>", b"<published>on "),
        (b'hreflang="en"', b'hreflang="en_US"'),
    ],
)
def test_what_is_wrong_in_atom_is_found(old: bytes, new: bytes):
    body = written()["atom.xml"].body
    assert feedrules.atom(body) == []
    assert feedrules.atom(body.replace(old, new)) != []


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b"<ttl>60</ttl>", b"<ttl>soon</ttl>"),
        (b"<description>", b"<summary/><description>"),
        (b"Tue, 24 Nov", b"Wed, 24 Nov"),
        (b'isPermaLink="false"', b""),
        (b'length="1234"', b""),
        (b"urn:uuid:bare", ENTRY.public_id.encode()),
        (b'rel="self"', b'rel="via"'),
    ],
)
def test_what_is_wrong_in_rss_is_found(old: bytes, new: bytes):
    body = written()["rss.xml"].body
    assert feedrules.rss(body) == []
    assert feedrules.rss(body.replace(old, new)) != []


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b"version/1.1", b"version/2"),
        (b'"id": "urn:uuid:bare"', b'"id": 5'),
        (b'"mime_type"', b'"kind"'),
        (b'"content_html"', b'"content"'),
        (b"2026-11-24T03:00:00Z", b"2026-11-24"),
        (b'"_discussion"', b'"discussion"'),
    ],
)
def test_what_is_wrong_in_a_json_feed_is_found(old: bytes, new: bytes):
    body = written()["feed.json"].body
    assert feedrules.json_feed(body) == []
    assert feedrules.json_feed(body.replace(old, new)) != []
