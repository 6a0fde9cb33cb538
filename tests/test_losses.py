"""`filter test` and `filter starter`: what rules would have kept out, with nothing changed."""

import json
import sqlite3
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlite_utils import Database

from aggregator import losses
from aggregator.config import Config
from aggregator.model import FeedSettings, ParsedEntry, ParsedFeed, Subscription
from aggregator.poll import filters
from aggregator.store import entries, feeds, open_store
from tests.conftest import Aggregator
from tests.feedserver import FeedServer

NOW = datetime(2026, 11, 24, 6, 0, tzinfo=UTC)
WEEK = timedelta(days=7)
URL = "https://q.example/rss"
RSS = b"""<?xml version="1.0"?><rss version="2.0"><channel><title>Bolt Weekly</title><link>http://a.example/</link>
<item><title>Acme ships a router</title><guid>1</guid></item>
<item><title>The best deals on routers</title><guid>2</guid></item></channel></rss>"""


@pytest.fixture
def db(tmp_path: Path) -> Iterator[Database]:
    store = open_store(tmp_path / "store.sqlite")
    yield store
    store.close()


def fill(db: Database, settings: FeedSettings, *titles: str, now: datetime = NOW) -> None:
    feeds.sync(db, [Subscription(url=URL, title="Q", settings=settings)], NOW)
    found = tuple(
        ParsedEntry(
            guid=title,
            permalink=None,
            title=title,
            summary_html="",
            content_html="",
            fingerprint=f"f {title}",
        )
        for title in titles
    )
    parsed = ParsedFeed(title="Q", site_url=None, language=None, entries=found)
    with db.atomic():
        entries.record(db, feeds.due_feed(db, URL), parsed, now)
    db.execute("UPDATE feeds SET body_fingerprint = 'seen'")


def tried(db: Database, rules: filters.Filters) -> tuple[list[tuple[object, ...]], int, int]:
    rows, lost, seen = losses.by_rule(db, Config(timezone="UTC"), rules, NOW, WEEK)
    return [tuple(row[column] for column in losses.COLUMNS) for row in rows], lost, seen


def test_each_rule_says_what_it_would_have_taken(db: Database):
    fill(db, FeedSettings(mute="podcast"), "Deals", "More deals", "Podcast", "Deals on CVE", "News")
    rules = filters.of_rules(["deals", "shoes"], ["CVE"])
    assert tried(db, rules) == (
        [
            (2, "all feeds", "mute deals", "Deals"),
            (1, "all feeds", "keep saves CVE", "Deals on CVE"),
            (1, "Q", "mute podcast", "Podcast"),
            (0, "all feeds", "mute shoes", None),
        ],
        3,
        5,
    )


def test_a_days_limit_is_tried_too(db: Database):
    fill(db, FeedSettings(max_per_day=2), "a", "b", "c")
    fill(db, FeedSettings(max_per_day=2), "d", now=NOW - timedelta(days=1))
    assert tried(db, filters.Filters()) == ([(1, "Q", "max_per_day 2", "c")], 1, 4)


def test_what_is_older_is_left_out(db: Database):
    fill(db, FeedSettings(), "Deals", now=NOW - timedelta(days=8))
    assert tried(db, filters.of_rules(["deals"])) == ([(0, "all feeds", "mute deals", None)], 0, 0)


def test_a_rule_that_takes_too_long_is_told_and_loses_nothing(db: Database):
    fill(db, FeedSettings(), "a" * 900 + "!")
    rows, lost, _ = tried(db, filters.of_rules(["/(a+)+$/"]))
    assert (1, "all feeds", "too slow /(a+)+$/", None) in rows
    assert lost == 0


@pytest.fixture
def site(environment: dict[str, str]) -> Iterator[FeedServer]:
    with FeedServer() as server:
        server.serve("/feed.xml", RSS)
        yield server


def test_rules_are_tried_on_the_command_line(site: FeedServer, aggregator: Aggregator, tmp_path: Path):
    assert aggregator("add", site.url("/feed.xml")).returncode == 0
    (tmp_path / "filters.toml").write_text('mute = ["router"]')
    done = aggregator("filter", "test", "--starter")
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    assert lines[0].split("\t") == ["entries", "of", "rule", "example"]
    assert lines[1].split("\t") == ["1", "all feeds", "mute router", "Acme ships a router"]
    assert lines[-1] == "2 of 2 entries of the last 7d would have been lost"
    rows = json.loads(aggregator("filter", "test", "--json").stdout)
    assert rows[0] == {
        "entries": 1,
        "of": "all feeds",
        "rule": "mute router",
        "example": "Acme ships a router",
    }


def test_what_is_muted_is_neither_translated_nor_published(
    site: FeedServer, aggregator: Aggregator, tmp_path: Path
):
    (tmp_path / "filters.toml").write_text(aggregator("filter", "starter").stdout)
    assert aggregator("add", site.url("/feed.xml")).returncode == 0
    assert aggregator("once", AGGREGATOR_HOLD_TIME="0").returncode == 0
    with sqlite3.connect(tmp_path / "store.sqlite") as db:
        assert db.execute("SELECT guid FROM entries WHERE excluded IS NULL").fetchall() == [("1",)]
        assert db.execute("SELECT entry_id FROM summaries").fetchall() == [(2,)]


@pytest.mark.parametrize("command", ["once", "add", "filter"])
def test_a_wrong_rule_is_one_line_and_exit_code_2(
    site: FeedServer, aggregator: Aggregator, environment: dict[str, str], tmp_path: Path, command: str
):
    Path(environment["AGGREGATOR_OPML"]).write_text('<opml version="2.0"><body/></opml>')
    (tmp_path / "filters.toml").write_text('mute = ["titel: deals"]')
    arguments = {"once": ["once"], "add": ["add", site.url("/feed.xml")], "filter": ["filter", "test"]}
    done = aggregator(*arguments[command])
    assert done.returncode == 2
    expected = "titel is no field; expected title | author | category | url | translated before the colon"
    assert done.stderr == f"aggregator: filters.toml: rule 'titel: deals': {expected}\n"


def test_a_wrong_rule_of_a_feed_names_its_line(aggregator: Aggregator, environment: dict[str, str]):
    Path(environment["AGGREGATOR_OPML"]).write_text(
        '<opml version="2.0"><body>\n<outline text="A" xmlUrl="https://a.example/" mute="x; /(/"/>\n</body></opml>'
    )
    done = aggregator("list")
    assert "feeds.opml, line 2: mute, rule '/(/': expected a regular expression (missing )" in done.stderr


def test_rules_on_titles_in_japanese_are_tried_too(db: Database):
    fill(db, FeedSettings(), "Deals", "News")
    db.execute("""INSERT INTO translations (entry_id, language, input_fingerprint, engine, model, title, summary)
      SELECT entry_id, 'ja', 'f', 'e', 'm', 'お得なセール', '' FROM entries WHERE title = 'Deals'""")
    found, lost, seen = tried(db, filters.of_rules(["translated: セール"]))
    assert (lost, seen) == (1, 2)
    assert found[0] == (1, "all feeds", "mute translated: セール", "Deals")


def test_what_is_muted_at_first_sight_no_title_in_japanese_saves(db: Database):
    fill(db, FeedSettings(), "Deals", "News")
    db.execute("""INSERT INTO translations (entry_id, language, input_fingerprint, engine, model, title, summary)
      SELECT entry_id, 'ja', 'f', 'e', 'm', 'お得なセール', '' FROM entries WHERE title = 'Deals'""")
    assert tried(db, filters.of_rules(["deals"], ["translated: セール"]))[1] == 1
    assert tried(db, filters.of_rules(["translated: セール"], ["deals"]))[1] == 0
