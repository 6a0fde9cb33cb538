"""Which new entries of a poll are kept from translation, in a real store."""

import logging
import zoneinfo
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlite_utils import Database

from aggregator.config import Config
from aggregator.errors import ConfigError
from aggregator.model import FeedSettings, ParsedEntry, ParsedFeed, Subscription
from aggregator.poll import filters, revise
from aggregator.poll.parse import parse
from aggregator.session import read_filters, take_up_filters
from aggregator.store import admission, articles, entries, feeds, open_store

NOW = datetime(2026, 11, 24, 6, 0, tzinfo=UTC)
HOUR = timedelta(hours=1)
URL = "https://q.example/rss"
TOKYO = zoneinfo.ZoneInfo("Asia/Tokyo")


@pytest.fixture
def db(tmp_path: Path) -> Iterator[Database]:
    store = open_store(tmp_path / "store.sqlite")
    follow(store, FeedSettings())
    store.execute("UPDATE feeds SET body_fingerprint = 'seen'")
    yield store
    store.close()


def follow(db: Database, settings: FeedSettings) -> None:
    feeds.sync(db, [Subscription(url=URL, settings=settings)], NOW)


def poll(db: Database, *titles: str, now: datetime = NOW) -> dict[str, str | None]:
    """Record entries, newest first, and return what is excluded, by title."""
    found = tuple(
        ParsedEntry(
            guid=title,
            permalink=f"https://q.example/{title}",
            title=title,
            summary_html="",
            content_html="",
            fingerprint=f"f {title}",
        )
        for title in titles
    )
    parsed = ParsedFeed(title="Q", site_url=None, language=None, entries=found)
    with db.atomic():
        entries.record(db, feeds.due_feed(db, URL), parsed, now, zone=TOKYO)
    rows = db.execute("SELECT title, excluded FROM entries").fetchall()
    return {title: excluded for title, excluded in rows if title in titles}


def test_a_muted_entry_is_stored_and_makes_no_work(db: Database):
    admission.take_up(db, filters.of_rules(["sponsored"]))
    assert poll(db, "Sponsored words", "News") == {"Sponsored words": "mute sponsored", "News": None}
    assert [job.title for job in articles.stale_articles(db, NOW, 10)] == ["News"]


def test_a_feeds_own_rules_go_with_those_of_all(db: Database):
    admission.take_up(db, filters.of_rules(["sponsored"], ["CVE"]))
    follow(db, FeedSettings(mute="/^podcast/; deals", keep="rust"))
    assert poll(db, "Podcast 7", "Podcast on Rust", "Deals", "Deals, CVE", "Sponsored", "News") == {
        "Podcast 7": "mute /^podcast/",
        "Podcast on Rust": None,
        "Deals": "mute deals",
        "Deals, CVE": None,
        "Sponsored": "mute sponsored",
        "News": None,
    }


def test_a_changed_rule_holds_for_new_entries_only_and_brings_none_back(db: Database):
    admission.take_up(db, filters.of_rules(["old"]))
    poll(db, "Old one", "Story")
    assert admission.take_up(db, filters.of_rules(["story"]))
    assert not admission.take_up(db, filters.of_rules(["story"]))
    assert poll(db, "Old two", "Story two", "Old one", "Story") == {
        "Old two": None,
        "Story two": "mute story",
        "Old one": "mute old",
        "Story": None,
    }


def test_a_muted_entry_takes_no_place_of_a_first_fill(db: Database):
    db.execute("UPDATE feeds SET body_fingerprint = NULL")
    admission.take_up(db, filters.of_rules(["sponsored"]))
    found = poll(db, *(f"Sponsored {n}" for n in range(5)), *(f"News {n}" for n in range(12)))
    admitted = [title for title, reason in found.items() if reason is None]
    assert sorted(admitted) == [f"News {n}" for n in range(10)]
    assert found["News 11"] == "first fill"


def test_a_days_newest_entries_are_taken_and_the_next_day_others(db: Database):
    follow(db, FeedSettings(max_per_day=2))
    assert poll(db, "c", "b", "a") == {"c": None, "b": None, "a": "max_per_day 2"}
    assert poll(db, "d", "c", now=NOW + HOUR) == {"d": "max_per_day 2", "c": None}
    # 06:00 UTC is 15:00 in Tokyo: the day ends there nine hours later.
    assert poll(db, "e", now=NOW + 8 * HOUR) == {"e": "max_per_day 2"}
    assert poll(db, "f", now=NOW + 9 * HOUR) == {"f": None}


def test_muted_entries_do_not_count_for_the_day(db: Database):
    follow(db, FeedSettings(max_per_day=1, mute="deals"))
    assert poll(db, "Deals", "News") == {"Deals": "mute deals", "News": None}


def test_a_feed_may_be_polled_for_nothing(db: Database):
    follow(db, FeedSettings(max_per_day=0))
    assert poll(db, "a") == {"a": "max_per_day 0"}


def test_a_rule_that_takes_too_long_is_named_in_the_log(db: Database, caplog: pytest.LogCaptureFixture):
    admission.take_up(db, filters.of_rules(["/(a+)+$/"]))
    with caplog.at_level(logging.WARNING):
        assert poll(db, "a" * 900 + "!") == {"a" * 900 + "!": None}
    assert "filter_too_slow rule='/(a+)+$/' url=https://q.example/rss times=1" in caplog.text


def test_a_file_that_is_not_there_has_no_rules_unless_it_was_named(tmp_path: Path):
    assert read_filters(Config()) == filters.Filters()
    with pytest.raises(ConfigError, match=r"rules\.toml: is not there; expected a file of rules"):
        read_filters(Config(filters=tmp_path / "rules.toml"))


def test_a_wrong_file_leaves_the_rules_as_they_were(db: Database, tmp_path: Path):
    file = tmp_path / "filters.toml"
    config = Config(filters=file)
    file.write_text("mute = ['deals']")
    assert take_up_filters(db, config)
    file.write_text("mute = ['/(/']")
    with pytest.raises(ConfigError, match=r"filters\.toml: rule '/\(/': expected a regular expression"):
        take_up_filters(db, config)
    assert [rule.text for rule in admission.of_all(db).mute] == ["deals"]


def test_a_first_fill_is_what_was_read_however_the_dates_were_counted(db: Database):
    """A date that stands for none counts as one in the parser, which takes the newest, and as none here."""
    dates = ["0001-01-01", *(f"2026-11-{day:02}" for day in range(1, 21))]
    body = "".join(
        f"<entry><id>{day}</id><title>{day}</title><updated>{day}T00:00:00Z</updated></entry>"
        for day in dates
    )
    body = f'<feed xmlns="http://www.w3.org/2005/Atom"><title>Q</title>{body}</feed>'
    db.execute("UPDATE feeds SET body_fingerprint = NULL")
    parsed = parse(body.encode(), None, URL, newest=revise.FIRST_FILL)
    with db.atomic():
        entries.record(db, feeds.due_feed(db, URL), parsed, NOW)
    admitted = db.execute("SELECT title FROM entries WHERE excluded IS NULL ORDER BY 1").fetchall()
    assert [title for (title,) in admitted] == dates[-revise.FIRST_FILL :]
