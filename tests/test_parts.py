"""feeds.opml cut into the lists of several aggregators."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aggregator import opml, parts
from aggregator.errors import OpmlError
from aggregator.outlines import feed_outline
from tests.conftest import Aggregator

LIST = b"""<?xml version="1.0" encoding="UTF-8"?>
<opml version="2.0">
  <head><title>Ours</title></head>
  <body>
    <!-- kept in each -->
    <outline text="News">
      <outline text="A" xmlUrl="https://a.example/rss" rights="titles" x:note="ours" xmlns:x="urn:x"/>
      <outline text="A, comments" xmlUrl="https://blog.a.example/comments"/>
      <outline text="B" xmlUrl="https://b.example/new" first_url="https://a.example/old" mute="x"/>
    </outline>
    <outline text="C" xmlUrl="https://c.example/rss"><outline text="D" xmlUrl="https://d.example/rss"/></outline>
  </body>
</opml>
"""
MANY = [f"https://blog.site{n}.example/feed.xml" for n in range(2000)]


def _list(addresses: list[str]) -> bytes:
    rows = b"\n".join(feed_outline({"text": "F", "xmlUrl": url}) for url in addresses)
    return b'<opml version="2.0"><body>\n%s\n</body></opml>' % rows


def test_each_feed_is_in_one_list_with_its_settings_and_category():
    found = parts.split(LIST, 3, "feeds.opml")
    listed = [each for part in found for each in opml.parse(part.data)]
    assert sorted(listed, key=lambda each: each.url) == sorted(opml.parse(LIST), key=lambda each: each.url)
    assert [part.feeds for part in found] == [len(opml.parse(part.data)) for part in found]
    assert sum(part.domains for part in found) == 4


def test_what_is_no_feed_stays_as_it_is_in_each_list():
    for part in parts.split(LIST, 3, "feeds.opml"):
        assert b"<!-- kept in each -->" in part.data
        assert b"<head><title>Ours</title></head>" in part.data
        assert b'<outline text="News">' in part.data
    assert b'rights="titles" x:note="ours" xmlns:x="urn:x"/>' in b"".join(
        part.data for part in parts.split(LIST, 2, "feeds.opml")
    )


def test_a_registrable_domain_stays_in_one_list_where_its_feeds_are_now():
    homes = {
        each.address: number
        for number, part in enumerate(parts.split(LIST, 7, "feeds.opml"))
        for each in opml.parse(part.data)
    }
    assert homes["https://a.example/rss"] == homes["https://blog.a.example/comments"]
    assert homes["https://b.example/new"] == parts.place("b.example", 7)


@given(
    st.lists(st.tuples(st.integers(0, 30), st.sampled_from(["", "blog.", "www."])), unique=True),
    st.integers(2, 6),
)
def test_the_lists_together_are_the_list(feeds: list[tuple[int, str]], count: int):
    addresses = [f"https://{sub}s{n}.example/feed" for n, sub in feeds]
    found = parts.split(_list(addresses), count, "feeds.opml")
    urls = [[each.url for each in opml.parse(part.data)] for part in found]
    assert sorted(url for part in urls for url in part) == sorted(addresses)
    assert all(part == [url for url in addresses if url in part] for part in urls)


def test_domains_are_shared_out_evenly():
    sizes = [part.feeds for part in parts.split(_list(MANY), 4, "feeds.opml")]
    assert sum(sizes) == 2000
    assert all(400 < size < 600 for size in sizes)


def test_one_list_more_moves_what_that_one_gets_and_nothing_else():
    domains = [f"site{n}.example" for n in range(2000)]
    moved = {parts.place(each, 4) for each in domains if parts.place(each, 4) != parts.place(each, 3)}
    assert moved == {3}
    assert 400 < sum(parts.place(each, 4) == 3 for each in domains) < 600


def test_a_list_that_cannot_be_used_is_not_cut():
    with pytest.raises(OpmlError, match="line 1"):
        parts.split(b'<opml><body><outline text="A" xmlUrl="ftp://a.example/"/></body></opml>', 2, "my.opml")


def test_on_the_command_line_lists_lie_beside_feeds_opml(aggregator: Aggregator, tmp_path: Path):
    (tmp_path / "feeds.opml").write_bytes(LIST)
    done = aggregator("split", "2")
    assert (done.returncode, done.stderr) == (0, "")
    found = parts.split(LIST, 2, "feeds.opml")
    assert done.stdout.splitlines() == [
        f"feeds-{number}-of-2.opml: {part.feeds} feed{'s' if part.feeds != 1 else ''} of {part.domains} "
        f"domain{'s' if part.domains != 1 else ''}"
        for number, part in enumerate(found, 1)
    ]
    for number, part in enumerate(found, 1):
        assert (tmp_path / f"feeds-{number}-of-2.opml").read_bytes() == part.data
    assert aggregator("split", "3", "lists").returncode == 0
    assert sorted(path.name for path in (tmp_path / "lists").iterdir()) == [
        f"feeds-{number}-of-3.opml" for number in (1, 2, 3)
    ]
    assert (tmp_path / "feeds.opml").read_bytes() == LIST
    assert aggregator("split", "1").returncode == 2


def test_where_no_feed_is_listed_no_lists_are_written(aggregator: Aggregator, tmp_path: Path):
    done = aggregator("split", "2")
    assert done.returncode == 2
    assert "lists no feed" in done.stderr
    assert not list(tmp_path.glob("*-of-2.opml"))
