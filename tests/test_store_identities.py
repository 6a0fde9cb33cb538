"""Feeds whose guids do not hold, three polls each: no entry comes twice, and published ids stay."""

import logging
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from sqlite_utils import Database

from aggregator.model import FeedSettings, IdentityPolicy, Subscription
from aggregator.poll.parse import parse
from aggregator.store import entries, feeds, open_store

NOW = datetime(2026, 11, 24, 6, 0, tzinfo=UTC)
URL = "https://q.example/rss"


@pytest.fixture
def db(tmp_path: Path) -> Iterator[Database]:
    store = open_store(tmp_path / "store.sqlite")
    feeds.sync(store, [Subscription(url=URL)], NOW)
    yield store
    store.close()


def item(
    title: str, guid: str | None = None, link: str | None = None, *, date: str = "", text: str = ""
) -> str:
    parts = {
        "guid": guid,
        "link": link,
        "title": title,
        "pubDate": date,
        "description": text or f"About {title}.",
    }
    return "<item>" + "".join(f"<{tag}>{text}</{tag}>" for tag, text in parts.items() if text) + "</item>"


def poll(db: Database, *items: str, whole: bool = True) -> tuple[int, int]:
    """Record a document and return how many entries are new and revised."""
    body = f'<rss version="2.0"><channel><title>Q</title><link>https://q.example/</link>{"".join(items)}</channel></rss>'
    feed = feeds.due_feed(db, URL)
    with db.atomic():
        counts = entries.record(db, feed, parse(body.encode(), None, URL), NOW, whole=whole)
        db.execute("UPDATE feeds SET body_fingerprint = 'seen'")
    return counts.added, counts.changed


def policy(db: Database) -> str:
    return str(db.execute("SELECT identity FROM feeds").fetchone()[0])


def guids(db: Database) -> list[str]:
    return [guid for (guid,) in db.execute("SELECT guid FROM entries ORDER BY entry_id")]


def settle(db: Database, identity: IdentityPolicy | None) -> None:
    feeds.sync(db, [Subscription(url=URL, settings=FeedSettings(identity=identity))], NOW)


def churning(number: int, links: str = "https://q.example/{}") -> list[str]:
    return [item(f"Story {n}", f"urn:{number}-{n}", links.format(n)) for n in range(1, 6)]


def test_guids_that_change_at_each_poll_give_way_to_permalinks(
    db: Database, caplog: pytest.LogCaptureFixture
):
    assert poll(db, *churning(1)) == (5, 0)
    with caplog.at_level(logging.INFO):
        assert poll(db, *churning(2)) == (0, 0)
    assert poll(db, *churning(3)) == (0, 0)
    assert policy(db) == "permalink"
    assert "identity_chosen url=https://q.example/rss policy=permalink" in caplog.text
    assert guids(db)[-1] == "permalink:https://q.example/1"


def test_a_new_story_among_churning_guids_is_the_only_new_one(db: Database):
    poll(db, *churning(1))
    assert poll(db, item("News", "urn:2-9", "https://q.example/9"), *churning(2)) == (1, 0)
    assert poll(db, item("News", "urn:3-9", "https://q.example/9"), *churning(3)) == (0, 0)


def test_one_link_for_all_entries_and_churning_guids_give_way_to_titles(db: Database):
    assert poll(db, *churning(1, "https://q.example/")) == (5, 0)
    assert poll(db, *churning(2, "https://q.example/")) == (0, 0)
    assert poll(db, *churning(3, "https://q.example/")) == (0, 0)
    assert policy(db) == "title"
    assert guids(db)[-1] == "title:story 1"


def test_dates_that_change_at_each_poll_where_nothing_else_tells_entries_apart(db: Database):
    def document(minute: int) -> list[str]:
        date = f"Tue, 24 Nov 2026 05:{minute:02}:00 GMT"
        return [item(f"Story {n}", link="https://q.example/", date=date) for n in range(4)]

    assert poll(db, *document(1)) == (4, 0)
    assert poll(db, *document(2)) == (0, 0)
    assert poll(db, *document(3)) == (0, 0)
    assert policy(db) == "title"


def test_one_link_for_all_entries_is_no_symptom_where_guids_hold(db: Database):
    for first in (1, 5, 9):
        found = [
            item("Weather", f"w{n}", "https://q.example/", text=f"Day {n}") for n in range(first, first + 4)
        ]
        assert poll(db, *found) == (4, 0)
    assert policy(db) == "guid"


def test_all_new_entries_under_links_that_stay_are_news(db: Database):
    """A list of products: the link is the product's page, the guid the build."""
    for build in (1, 2, 3):
        assert poll(
            db, *(item(f"{name} {build}", f"{name}-{build}", f"https://q.example/{name}") for name in "abcd")
        ) == (4, 0)  # fmt: skip
    assert policy(db) == "guid"


def test_one_repeated_story_is_no_symptom(db: Database):
    poll(db, *churning(1))
    again = [item("Story 1", "urn:again", "https://q.example/1"), *churning(1)[1:]]
    assert poll(db, *again) == (1, 0)
    assert policy(db) == "guid"


@pytest.mark.parametrize("links", ["https://q.example/{}", "https://q.example/"])
def test_a_guid_and_a_link_that_flip_between_http_and_https_are_the_same(db: Database, links: str):
    def document(scheme: str, slash: str) -> list[str]:
        found = ((f"{scheme}://q.example/{n}{slash}", links.format(n)) for n in (1, 2, 3))
        return [item(f"Story {n}", guid, link) for n, (guid, link) in enumerate(found)]

    assert poll(db, *document("http", "/")) == (3, 0)
    assert poll(db, *document("https", "")) == (0, 0)
    assert poll(db, *document("http", "")) == (0, 0)
    assert policy(db) == "guid"


def test_permalinks_that_stand_for_guids_may_flip(db: Database):
    for link in ("http://www.q.example/{}/", "https://q.example/{}", "http://q.example/{}"):
        found = poll(db, *(item(f"Story {n}", link=link.format(n)) for n in (1, 2)))
        assert found == ((2, 0) if "www" in link else (0, 0))


def test_two_entries_whose_guids_differ_in_a_slash_alone_are_two(db: Database):
    document = [item("One", "https://q.example/a"), item("Other", "https://q.example/a/")]
    assert poll(db, *document) == (2, 0)
    assert poll(db, *document) == (0, 0)
    assert poll(db, *reversed(document)) == (0, 0)


def test_a_guid_that_later_entries_share_stays_with_its_entry(db: Database):
    first, second, third = (item(f"Issue {n}", "latest", f"https://q.example/{n}") for n in (1, 2, 3))
    assert poll(db, first) == (1, 0)
    assert poll(db, second, first) == (1, 0)
    assert poll(db, third, second, first) == (1, 0)
    assert poll(db, third) == (0, 0)
    assert poll(db, second, third) == (0, 0)
    assert db.table("entries").count == 3


def test_repeated_guids_are_told_apart_and_stay_so_when_one_is_left(db: Database):
    first, second = (item(f"Issue {n}", "same", f"https://q.example/{n}") for n in (1, 2))
    assert poll(db, second, first) == (2, 0)
    assert poll(db, second) == (0, 0)
    assert poll(db, second, first) == (0, 0)


def test_a_single_entry_under_another_guid_is_the_same_and_the_next_one_is_new(db: Database):
    assert poll(db, item("Word of the day: idle", "1", "https://q.example/")) == (1, 0)
    assert poll(db, item("Word of the day: idle", "2", "https://q.example/")) == (0, 0)
    assert poll(db, item("Word of the day: busy", "3", "https://q.example/")) == (1, 0)


def test_a_policy_of_the_outline_is_taken_up_and_brings_nothing_back(db: Database):
    assert poll(db, *churning(1)) == (5, 0)
    for chosen in ("permalink", "title", "guid", "permalink"):
        settle(db, chosen)
        assert poll(db, *churning(1)) == (0, 0)
        assert policy(db) == chosen
    settle(db, None)
    assert poll(db, *churning(2)) == (0, 0)
    assert policy(db) == "permalink"


def test_a_policy_of_the_outline_outranks_the_symptom(db: Database):
    settle(db, "guid")
    assert [poll(db, *churning(number)) for number in (1, 2, 3)] == [(5, 0), (5, 0), (5, 0)]


def test_entries_that_are_off_the_list_are_found_again_after_a_change_of_policy(db: Database):
    poll(db, *churning(1))
    poll(db, *churning(1)[:4])
    assert poll(db, *churning(2)[:4]) == (0, 0)
    assert poll(db, *churning(3)) == (0, 0)


def test_of_entries_that_came_twice_before_the_listed_ones_are_kept(db: Database):
    settle(db, "guid")
    poll(db, *churning(1))
    poll(db, *churning(2))
    settle(db, "permalink")
    assert poll(db, *churning(3)) == (0, 0)
    listed = [guid for (guid,) in db.execute("SELECT guid FROM entries WHERE unlisted_at IS NULL")]
    assert len(listed) == 5
    assert all(guid.startswith("permalink:") for guid in listed)


def test_a_hubs_delivery_changes_no_policy_but_keeps_to_it(db: Database):
    poll(db, *churning(1))
    assert poll(db, *churning(2)[:1], whole=False) == (1, 0)
    assert policy(db) == "guid"
    settle(db, "permalink")
    poll(db, *churning(3))
    assert poll(db, *churning(4)[:1], whole=False) == (0, 0)


def test_published_ids_stay_under_another_policy(db: Database):
    poll(db, *churning(1))
    story = db.execute("SELECT story_id FROM entries LIMIT 1").fetchone()[0]
    row: dict[str, Any] = {
        "public_id": "urn:uuid:1",
        "story_id": story,
        "slug": "s",
        "state": "held",
        "held_at": "x",
    }
    db.table("publications").insert(row)
    poll(db, *churning(2))
    assert policy(db) == "permalink"
    assert db.execute("SELECT public_id, story_id FROM publications").fetchall() == [("urn:uuid:1", story)]


def test_a_poll_without_strangers_asks_for_no_more_than_before(db: Database):
    poll(db, *churning(1))
    asked: list[str] = []
    db.conn.set_trace_callback(asked.append)
    poll(db, *churning(1))
    db.conn.set_trace_callback(None)
    assert sum("FROM entries" in sql for sql in asked) == 1
