"""Marks of entries: what tells that one stands in a body as it stood before."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aggregator.model import ParsedFeed
from aggregator.poll import marks
from aggregator.poll.parse import parse

URL = "https://a.example/feed"


def rss(*entries: str, root: str = "", head: str = "") -> bytes:
    items = "".join(f"<item>{entry}</item>" for entry in entries)
    return f"<rss version='2.0' {root}><channel><title>T</title>{head}{items}</channel></rss>".encode()


def entry(guid: str, text: str = "Text.") -> str:
    return f"<guid isPermaLink='false'>{guid}</guid><title>{guid}</title><description>{text}</description>"


def read(body: bytes, before: ParsedFeed | None = None) -> list[str]:
    """Name the entries that are read, those of `before` being known."""
    found = parse(body, "text/xml", URL, known=before.marks if before else b"")
    return [each.guid for each in found.entries if each.fingerprint]


def test_only_new_and_changed_entries_are_read():
    before = parse(rss(entry("1"), entry("2"), entry("3")), "text/xml", URL)
    assert len(before.marks) == 3 * marks.SIZE
    assert read(rss(entry("4"), entry("1"), entry("2", "Other."), entry("3")), before) == ["4", "2"]
    assert read(rss(entry("3"), entry("1")), before) == []


@pytest.mark.parametrize(
    "after",
    [
        rss(entry("1"), entry("2"), root="xmlns:x='urn:x'"),  # a prefix may mean something else now
        rss(entry("1"), entry("2"), head="<link>https://b.example/</link>"),  # addresses are joined to it
        rss(entry("1"), entry("2"), head="<language>ja</language>"),
        rss(entry("1"), entry("2"), head="<managingEditor>a@a.example (Ada)</managingEditor>"),
    ],
)
def test_what_decides_how_entries_are_read_has_them_all_read(after: bytes):
    before = parse(rss(entry("1"), entry("2")), "text/xml", URL)
    assert read(after, before) == ["1", "2"]


@pytest.mark.parametrize(
    "body",
    [
        rss(entry("1", "<![CDATA[<item>]]>"), entry("2")),
        rss(entry("1", "<![CDATA[</item>]]>"), entry("2")),
        rss(entry("1")).replace(b"<title>T</title>", b"<title>T & U</title>"),  # for the lenient parser
    ],
)
def test_where_entries_are_not_surely_told_apart_there_are_no_marks(body: bytes):
    assert parse(body, "text/xml", URL).marks == b""


def test_atom_entries_have_marks():
    body = (
        b"<feed xmlns='http://www.w3.org/2005/Atom'><title>T</title>"
        b"<entry><id>1</id><title>One</title></entry><entry ><id>2</id><title>Two</title></entry></feed>"
    )
    before = parse(body, "text/xml", URL)
    assert len(before.marks) == 2 * marks.SIZE
    assert read(body.replace(b"Two", b"2"), before) == ["2"]


@given(st.lists(st.text("abc<>&;\n ", max_size=20), min_size=1, max_size=5), st.data())
def test_a_known_entry_is_what_it_would_be_read_as(texts: list[str], data: st.DataObject):
    """Whatever changes elsewhere, an entry left unread differs in nothing but its text from the one read."""
    entries = [entry(str(n), f"<![CDATA[{text}]]>") for n, text in enumerate(texts)]
    before = parse(rss(*entries), "text/xml", URL)
    changed = data.draw(st.permutations([*entries, entry("new")]))
    whole = parse(rss(*changed), "text/xml", URL)
    part = parse(rss(*changed), "text/xml", URL, known=before.marks)
    for one, other in zip(whole.entries, part.entries, strict=True):
        assert other.fingerprint in {"", one.fingerprint}
        assert (one.guid, one.title, one.permalink) == (other.guid, other.title, other.permalink)
    assert [each.guid for each in part.entries if each.fingerprint] == ["new"]
