"""Feeds taken over from another reader's OPML, and given to one."""

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from sqlite_utils import Database

from aggregator import exchange, opml
from aggregator.config import Config
from aggregator.store import feeds, open_store
from tests.conftest import Aggregator

NOW = datetime(2026, 11, 24, 6, 0, tzinfo=UTC)
OURS = b"""<opml version="2.0"><body>
  <outline text="News"><outline text="A" xmlUrl="https://a.example/rss" rights="titles"/></outline>
  <outline text="Moved" xmlUrl="https://b.example/new" first_url="https://b.example/old" mute="x"/>
</body></opml>"""
THEIRS = b"""<opml version="1.1"><body>
  <outline text="News"><outline text="C" xmlUrl="https://c.example/rss" htmlUrl="https://c.example/"/></outline>
  <outline text="Tech"><outline text="AI"><outline text="D" xmlUrl="https://d.example/rss"/></outline></outline>
  <outline text="A again" xmlUrl="https://A.example:443/rss"/>
  <outline text="B before it moved" xmlUrl="https://b.example/old"/>
  <outline text="B now" xmlUrl="https://b.example/new"/>
  <outline text="E" xmlUrl="feed://e.example/rss"/><outline text="H" xmlUrl="feed:https://h.example/rss"/>
  <outline text="A for readers" xmlUrl="feed:https://a.example/rss"/>
  <outline text="G" xmlUrl="ftp://g.example/rss"/>
  <outline text="F" xmlUrl="https://f.example/rss"/><outline text="F" xmlUrl="https://f.example/rss"/>
</body></opml>"""


@pytest.fixture
def config(tmp_path: Path) -> Config:
    (tmp_path / "feeds.opml").write_bytes(OURS)
    return Config(opml=tmp_path / "feeds.opml", store=tmp_path / "store.sqlite")


@pytest.fixture
def db(config: Config) -> Iterator[Database]:
    store = open_store(config.store)
    feeds.sync(store, opml.parse(OURS), NOW)
    yield store
    store.close()


def test_feeds_of_another_file_are_added_in_their_categories_and_known_ones_left(
    db: Database, config: Config
):
    done = exchange.merge(db, config, THEIRS, "theirs.opml", NOW)
    assert [(each.url, each.category) for each in done.added] == [
        ("https://c.example/rss", "News"),
        ("https://d.example/rss", "Tech/AI"),
        ("http://e.example/rss", ""),
        ("https://h.example/rss", ""),
        ("https://f.example/rss", ""),
    ]
    assert done.duplicates == 5
    assert done.problems == (
        "theirs.opml, line 9: xmlUrl 'ftp://g.example/rss'; expected an http or https address",
    )
    written = config.opml.read_bytes()
    assert written.startswith(OURS[: OURS.index(b"</outline>\n  <outline text")])
    assert [(each.url, each.category) for each in opml.parse(written)] == [
        ("https://a.example/rss", "News"),
        ("https://c.example/rss", "News"),
        ("https://b.example/old", ""),
        ("https://d.example/rss", "Tech/AI"),
        ("http://e.example/rss", ""),
        ("https://h.example/rss", ""),
        ("https://f.example/rss", ""),
    ]
    assert len(feeds.overview(db)) == 7


def test_importing_again_changes_nothing(db: Database, config: Config):
    exchange.merge(db, config, THEIRS, "theirs.opml", NOW)
    before = config.opml.read_bytes()
    again = exchange.merge(db, config, THEIRS, "theirs.opml", NOW)
    assert (again.added, again.duplicates) == ((), 10)
    assert config.opml.read_bytes() == before


def test_what_a_listed_feed_moved_to_is_known(db: Database, config: Config):
    db.execute("UPDATE feeds SET fetch_url = 'https://f.example/rss' WHERE feed_id = 1")
    done = exchange.merge(db, config, THEIRS, "theirs.opml", NOW)
    assert "https://f.example/rss" not in {each.url for each in done.added}


def test_an_export_is_plain_opml_at_present_addresses(db: Database, config: Config):
    db.execute("UPDATE feeds SET site_url = 'https://a.example/' WHERE feed_id = 1")
    assert (
        exchange.write(db, config, NOW).decode()
        == """<?xml version="1.0" encoding="UTF-8"?>
<opml version="2.0">
  <head>
    <title>Feeds</title>
  </head>
  <body>
    <outline text="News">
      <outline type="rss" text="A" xmlUrl="https://a.example/rss" htmlUrl="https://a.example/"/>
    </outline>
    <outline type="rss" text="Moved" xmlUrl="https://b.example/new"/>
  </body>
</opml>
"""
    )


def test_an_export_taken_in_elsewhere_lists_the_same_feeds(db: Database, config: Config):
    listed = opml.parse(exchange.write(db, config, NOW))
    assert [(each.url, each.category) for each in listed] == [
        ("https://a.example/rss", "News"),
        ("https://b.example/new", ""),
    ]
    assert opml.parse(opml.add(opml.EMPTY, *listed)) == listed


def test_both_ways_on_the_command_line(aggregator: Aggregator, tmp_path: Path, environment: dict[str, str]):
    (tmp_path / "theirs.opml").write_bytes(THEIRS)
    done = aggregator("import", "theirs.opml")
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines() == [
        "left out: theirs.opml, line 9: xmlUrl 'ftp://g.example/rss'; expected an http or https address",
        "8 feeds added in 2 categories, 2 listed already",
    ]
    shown = aggregator("export").stdout
    assert aggregator("export", "out.opml").stdout == "written to out.opml\n"
    assert (tmp_path / "out.opml").read_text() == shown
    assert len(opml.parse(shown.encode())) == 8


@pytest.mark.parametrize(("name", "said"), [("missing.opml", "cannot be read"), ("bad.opml", "expected XML")])
def test_a_file_that_cannot_be_imported_is_one_line(
    aggregator: Aggregator, tmp_path: Path, name: str, said: str
):
    (tmp_path / "bad.opml").write_text("<opml>")
    done = aggregator("import", name)
    assert done.returncode == 2
    assert done.stderr.startswith(f"aggregator: {name}")
    assert said in done.stderr
    assert len(done.stderr.splitlines()) == 1
