"""What status says."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlite_utils import Database

from aggregator import status
from aggregator.config import Config
from aggregator.figures import collect as collect_figures
from aggregator.model import FeedSettings, Subscription
from aggregator.status import collect
from aggregator.store import feeds, open_store, polls, providers
from aggregator.times import to_text
from tests.polling import due_feeds
from tests.publishing import Newsroom

NOW = datetime(2026, 11, 24, tzinfo=UTC)


@pytest.fixture
def config(tmp_path: Path) -> Config:
    return Config(store=tmp_path / "s.sqlite", engine="none")


@pytest.fixture
def db(config: Config) -> Iterator[Database]:
    db = open_store(config.store)
    yield db
    db.close()


def _list(db: Database, *, paused: bool) -> None:
    settings = FeedSettings(paused=paused)
    url = "https://a.example/f"
    subscription = Subscription(url=url, title="A", site_url=None, category="", settings=settings)
    feeds.sync(db, [subscription], NOW)


def _said(db: Database, config: Config, name: str) -> str:
    return str(collect(db, config, NOW)[0][name])


def test_a_feed_whose_domain_asked_for_rest_is_not_due_now(db: Database, config: Config):
    _list(db, paused=False)
    assert _said(db, config, "next poll") == "now"
    domain = due_feeds(db, NOW, 1)[0].domain
    polls.write_host(db, domain, NOW, NOW + timedelta(hours=3), "Retry-After")
    assert _said(db, config, "next poll") == "in 3 h"


def test_a_paused_feed_is_never_next(db: Database, config: Config):
    _list(db, paused=True)
    assert _said(db, config, "next poll") == "-"


def test_the_last_digest_is_named_with_its_age(db: Database, config: Config):
    assert _said(db, config, "last digest") == "none yet"
    for hours, title in ((2, "朝刊 11月24日（火）"), (30, "今日のまとめ 11月23日（月）")):
        row = {"kind": "daily", "name": title, "public_id": title, "title": title, "body": "", "among": 30}
        db.table("digests").insert(row | {"published_at": to_text(NOW - timedelta(hours=hours))})
    assert _said(db, config, "last digest") == "朝刊 11月24日（火）, 2 h ago"
    assert collect_figures(db, config, NOW)["last_digest_at"] == "2026-11-23T22:00:00Z"


def test_entries_that_wait_are_counted_as_far_as_a_glance_needs_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    room = Newsroom(tmp_path)
    feed = room.feed()
    for number in range(4):
        room.entry(feed, str(number))
    assert _said(room.db, room.config, "waiting for translation") == "4"
    monkeypatch.setattr(status, "_COUNTED", 3)
    assert _said(room.db, room.config, "waiting for translation") == "more than 3"
    assert collect_figures(room.db, room.config, NOW)["waiting_for_translation"] == 4


def test_no_engine_is_said_without_loose_ends(db: Database, config: Config):
    assert _said(db, config, "engine") == "none: none ready"


def test_feeds_whose_guids_do_not_hold_are_named(db: Database, config: Config):
    _list(db, paused=False)
    assert _said(db, config, "identity") == "by guid"
    db.execute("UPDATE feeds SET identity = 'permalink'")
    assert _said(db, config, "identity") == "by guid; A by permalink"


def test_who_is_asked_for_counts_and_how_much_of_what_was_due_was_counted(
    db: Database, config: Config, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.delenv("AGGREGATOR_REDDIT_CLIENT", raising=False)
    assert _said(db, config, "discussions") == "not counted until contact is set"
    assert _said(db, replace(config, counts="none"), "discussions") == "not counted"
    asked = replace(config, counts="hackernews,lobsters,reddit,hatena")
    with db.atomic():
        providers.reserve(db, "hackernews", 30, NOW)
        providers.note(db, "hackernews", counted=1204, dropped=26, now=NOW)
        providers.note(db, "lobsters", counted=3, dropped=0, now=NOW)
        providers.rest(db, "lobsters", NOW + timedelta(hours=1), "429 Too Many Requests")
    assert _said(db, asked, "discussions") == (
        "Hacker News 1,204 of 1,230 (26 dropped); Lobsters 3 of 3, rests: 429 Too Many Requests; "
        "はてブ: nothing yet; Reddit: no credentials; set AGGREGATOR_REDDIT_CLIENT in the environment to "
        "id:secret, or reddit_client_file"
    )
    assert collect_figures(db, asked, NOW)["discussions"] == {
        "hackernews": {"counted": 1204, "dropped": 26, "requests": 30, "rests_until": None},
        "lobsters": {
            "counted": 3, "dropped": 0, "requests": 0, "rests_until": to_text(NOW + timedelta(hours=1))
        },
    }  # fmt: skip


def test_it_says_what_people_and_machines_said_where_that_is_wanted(db: Database, config: Config):
    assert _said(db, config, "comments") == "not shown"
    assert _said(db, config, "viewpoints") == "off"
    with db.atomic():
        for story_id in (1, 2):
            db.table("stories").insert({"story_id": story_id, "lead_entry_id": None})
            db.table("comments").insert(
                {"story_id": story_id, "provider": "hackernews", "key": "1", "url": "u", "author": "ada",
                 "text": "t", "fingerprint": "f", "rank": 0, "seen_at": to_text(NOW),
                 "input_fingerprint": "f" if story_id == 1 else None})  # fmt: skip
            db.table("viewpoints").insert(
                {"story_id": story_id, "persona": "hopeful", "input_fingerprint": "f",
                 "text": "t" if story_id == 1 else None,
                 "failure": None if story_id == 1 else "it speaks of crime: police"})  # fmt: skip
    wanted = replace(config, comments="hackernews", viewpoints=True)
    assert _said(db, wanted, "comments") == "1 shown, 1 to be translated, 0 not translated"
    assert _said(db, wanted, "viewpoints") == "1 written (1 × it speaks of crime)"
