"""Feeds and lists of feeds broken at random are read or refused, in bounded time; never anything else.

`make fuzz` gives the targets FUZZ_SECONDS together and a new FUZZ_SEED; without one they begin alike. What fails is printed with its bytes.
"""

import os
import random
import time
from collections.abc import Callable
from xml.parsers import expat

import pytest

from aggregator import opml
from aggregator.demo.feeds import render
from aggregator.demo.stories import load
from aggregator.errors import NotAFeed, OpmlError
from aggregator.markup import xml_legal
from aggregator.model import ParsedEntry, Subscription
from aggregator.poll import fast, lenient, xmlfeed
from aggregator.poll import parse as parsing
from aggregator.poll.decode import to_utf8
from tests.feedparser_corpus import documents
from tests.fuzz.mutate import mutated

SECONDS = float(os.environ.get("FUZZ_SECONDS", "3")) / 4
URL = "https://feeds.quillon.example/news.xml"
HEADERS = [None, "text/xml", "application/json", "text/xml; charset=shift_jis", "text/html; charset=utf-16"]
MAX_CPU = 10.0  # seconds
OPML = [
    opml.EMPTY,
    (
        b'<opml version="2.0"><body><outline text="News">\n  <outline type="rss" text="A &amp; B"\r\n'
        b' xmlUrl="https://a.example/f" rights="full" paused="yes"/></outline></body></opml>'
    ),
    (
        '<?xml version="1.0" encoding="Shift_JIS"?><opml><body>'
        '<outline text="題名" xmlUrl="http://c.example/"></outline></body></opml>'
    ).encode("cp932"),
]


@pytest.fixture(scope="module")
def seeds() -> list[bytes]:
    return [render(feed, 80) for feed in load()] + [body for _, body in sorted(documents().items())]


def _fuzz(seeds: list[bytes], check: Callable[[random.Random, bytes], None]) -> int:
    seed = int(os.environ.get("FUZZ_SEED", "1"))
    chance, done, until = random.Random(seed), 0, time.monotonic() + SECONDS
    while time.monotonic() < until:
        body = mutated(chance, seeds)
        started = time.process_time()
        try:
            check(chance, body)
        except BaseException as error:
            error.add_note(f"seed {seed}, input {done}: {body[:20_000]!r}")
            raise
        assert time.process_time() - started < MAX_CPU, body[:20_000]
        done += 1
    return done


@pytest.mark.timeout(0)
def test_a_broken_feed_is_read_or_refused(seeds: list[bytes]):
    assert _fuzz(seeds, _parse) > 0


def _parse(chance: random.Random, body: bytes) -> None:
    try:
        feed = parsing.parse(body, chance.choice(HEADERS), URL)
    except NotAFeed as error:
        assert str(error).startswith(URL)  # noqa: PT017 - a refusal is an answer
        return
    assert len({entry.guid for entry in feed.entries}) == len(feed.entries)
    for entry in feed.entries:
        for text in (entry.guid, entry.title, entry.summary_html, entry.content_html, *entry.authors):
            assert xml_legal(text) == text
        assert len(entry.title) <= 1000
        assert (entry.permalink or "https://").lower().startswith(("http://", "https://"))
        assert "<script" not in (entry.summary_html + entry.content_html).lower()


@pytest.mark.timeout(0)
def test_the_fast_path_takes_no_broken_feed_for_another(seeds: list[bytes]):
    assert _fuzz(seeds, _compare) > 0


def _compare(chance: random.Random, body: bytes) -> None:
    text = to_utf8(body, chance.choice(HEADERS)).strip()
    tree = fast.tree(text)
    if tree is None or not _is_well_formed(text):  # libxml2 takes names with "µ" in them
        return
    try:
        slow = xmlfeed.read(lenient.tree(text, URL), text, URL)
    except NotAFeed:
        return  # feedparser gives up on more than it has to
    assert xmlfeed.read(tree, text, URL) == slow


def _is_well_formed(text: bytes) -> bool:
    try:
        expat.ParserCreate(namespace_separator=" ").Parse(text, True)
    except expat.ExpatError:
        return False
    return True


@pytest.mark.timeout(0)
def test_an_entry_left_unread_stood_in_the_last_body_and_has_its_name_and_dates(seeds: list[bytes]):
    assert _fuzz(seeds, _leave_out) > 0


def _named(entry: ParsedEntry) -> ParsedEntry:
    return ParsedEntry(
        guid=entry.guid, permalink=entry.permalink, title=entry.title, summary_html="", content_html="",
        published_at=entry.published_at, updated_at=entry.updated_at,
    )  # fmt: skip


def _leave_out(chance: random.Random, body: bytes) -> None:
    later = mutated(chance, [body])
    try:
        before, whole = parsing.parse(body, None, URL), parsing.parse(later, None, URL)
    except NotAFeed:
        return
    read = {entry.fingerprint for entry in before.entries}
    part, first = (
        parsing.parse(later, None, URL, known=before.marks),
        parsing.parse(later, None, URL, newest=2),
    )
    for entry, known, old in zip(whole.entries, part.entries, first.entries, strict=True):
        for left in (known, old):
            assert left in (entry, _named(entry))
        assert known.fingerprint or entry.fingerprint in read


@pytest.mark.timeout(0)
def test_a_broken_list_is_read_or_refused():
    assert _fuzz(OPML, _list) > 0


def _list(_: random.Random, data: bytes) -> None:
    url = "https://added.example/feed"
    try:
        listed = opml.parse(data)
        added = opml.add(data, Subscription(url=url, title="Added", category="News"))
    except OpmlError as error:
        assert str(error)  # noqa: PT017 - a refusal is an answer
        return
    assert [feed.url for feed in opml.parse(added) if feed not in listed] == [url]
    assert {feed.url for feed in opml.parse(opml.remove(added, url))} == {feed.url for feed in listed}
