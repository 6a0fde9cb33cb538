"""feedparser's own documents, through our parser: nothing breaks, and what differs from feedparser is meant."""

import io
import warnings
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import feedparser
import pytest

from aggregator.errors import NotAFeed
from aggregator.markup import plain
from aggregator.model import ParsedEntry, ParsedFeed
from aggregator.poll import fast, lenient, xmlfeed
from aggregator.poll.decode import to_utf8
from aggregator.poll.parse import parse
from tests.feedparser_corpus import content_type, documents

URL = "https://feeds.quillon.example/news.xml"

# What docs/polling.md explains, by the documents that show it.
TITLES_KEPT = "wellformed/sanitize/entry_title_"  # "vector<int>" is a title, not markup to throw away
NO_CHARSET = {
    "illformed/chardet/shiftjis.xml"
}  # feedparser's guess is no better than ours: neither is Japanese

Documents = dict[str, bytes]


@pytest.fixture(scope="module")
def corpus() -> Documents:
    found = documents()
    if not found:
        pytest.skip("feedparser's source distribution cannot be downloaded: no package registry in reach")
    return found


@pytest.fixture(scope="module")
def feeds(corpus: Documents) -> dict[str, ParsedFeed]:
    found = {}
    for name, body in corpus.items():
        try:
            found[name] = parse(body, content_type(body), URL)
        except NotAFeed as error:
            assert URL in str(error)  # noqa: PT017 - a refusal is an answer
    return found


@pytest.fixture(scope="module")
def pairs(corpus: Documents, feeds: dict[str, ParsedFeed]) -> list[tuple[str, ParsedEntry, dict[str, Any]]]:
    found = []
    for name, feed in feeds.items():
        theirs = _feedparser(corpus[name])["entries"]
        if len(theirs) == len(feed.entries):
            found += [(name, *pair) for pair in zip(feed.entries, theirs, strict=True)]
    return found


def _feedparser(body: bytes) -> dict[str, Any]:
    header = content_type(body)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return feedparser.parse(io.BytesIO(body), response_headers={"content-type": header} if header else {})


def test_every_document_is_a_feed_or_refused(corpus: Documents, feeds: dict[str, ParsedFeed]):
    assert len(corpus) == 2242
    assert len(feeds) > 1900


def test_no_document_in_which_feedparser_finds_entries_is_refused(
    corpus: Documents, feeds: dict[str, ParsedFeed]
):
    refused = [name for name in corpus if name not in feeds]
    assert [name for name in refused if _feedparser(corpus[name])["entries"]] == []


def test_what_the_fast_path_takes_it_reads_as_feedparser_does(corpus: Documents):
    taken = 0
    for name, body in corpus.items():
        text = to_utf8(body, content_type(body)).strip()
        tree = fast.tree(text)
        if tree is not None:
            taken += 1
            slow = xmlfeed.read(lenient.tree(text, URL), text, URL)
            assert xmlfeed.read(tree, text, URL) == slow, name
    assert taken > 900


def test_entries_are_missing_only_where_nothing_tells_them_apart(
    corpus: Documents, feeds: dict[str, ParsedFeed]
):
    for name, feed in feeds.items():
        told = [set(_told_by(entry)) for entry in _feedparser(corpus[name])["entries"]]
        distinct = {frozenset(marks) for marks in told if marks}
        assert len(feed.entries) >= len(distinct) or name.startswith(TITLES_KEPT), name


def _told_by(entry: dict[str, Any]) -> Iterator[str]:
    for key in ("id", "link", "title"):
        yield from filter(None, [dict.get(entry, key)])


def test_titles_are_feedparsers(pairs: list[tuple[str, ParsedEntry, dict[str, Any]]]):
    different = {
        name
        for name, ours, theirs in pairs
        if dict.get(theirs, "title") and ours.title != plain(theirs["title"])
    }
    assert {name for name in different - NO_CHARSET if not name.startswith(TITLES_KEPT)} == set()


def test_links_are_feedparsers_made_absolute(pairs: list[tuple[str, ParsedEntry, dict[str, Any]]]):
    for name, ours, theirs in pairs:
        link = dict.get(theirs, "link") or ""
        if link.startswith(("http://", "https://")):
            assert ours.permalink == link, name
        else:  # a guid that is no address, or an address relative to the feed's
            assert ours.permalink is None or ours.permalink.endswith(link), name


def test_dates_are_feedparsers(pairs: list[tuple[str, ParsedEntry, dict[str, Any]]]):
    for name, ours, theirs in pairs:
        published = dict.get(theirs, "published_parsed") or dict.get(theirs, "created_parsed")
        assert ours.published_at == _moment(published), name
        assert ours.updated_at == _moment(dict.get(theirs, "updated_parsed")), name


def _moment(parts: tuple[int, ...] | None) -> datetime | None:
    return datetime(*parts[:6], tzinfo=UTC) if parts else None
