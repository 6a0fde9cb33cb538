"""Whatever changes, the few entries that are looked at are all of which something has to be made."""

import random
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlite_utils import Database

from aggregator.store import articles, open_store, translations, unsettled
from aggregator.times import to_text

NOW = datetime(2026, 11, 24, 6, 0, tzinfo=UTC)
SETUPS = ({"": "firefox", "openai": "openai"}, {"": "firefox 2", "openai": "openai"})
ENTRIES, FEEDS, STORIES = 24, 3, 12
WORDS = ("a", "b", "c")


@pytest.fixture
def db(tmp_path: Path) -> Database:
    db = open_store(tmp_path / "store.sqlite")
    for feed in range(1, FEEDS + 1):
        url = f"https://f{feed}.example/"
        db.table("feeds").insert({
            "feed_id": feed, "listed_url": url, "fetch_url": url, "host": url, "domain": url, "next_poll_at": "",
        })  # fmt: skip
    for number in range(1, STORIES + 1):
        db.table("stories").insert({"story_id": number, "lead_entry_id": None})
    for number in range(1, ENTRIES + 1):
        db.table("entries").insert({
            "entry_id": number, "feed_id": number % FEEDS + 1, "story_id": number % STORIES + 1,
            "guid": str(number), "title": "t", "fingerprint": "a", "first_seen_at": to_text(NOW),
            "sort_at": to_text(NOW - timedelta(hours=number)),
        })  # fmt: skip
    return db


def looks(db: Database, setups: dict[str, str]) -> list[object]:
    """Return all that is asked for, as if no wait were left where there is one."""
    back = ("firefox",)
    return [
        [
            sorted(job.entry_id for job in articles.stale_articles(db, at, 1000)),
            sorted(job.entry_id for job in articles.stale_summaries(db, at, 1000)),
            sorted(translations.stale_ids(db, "ja", at, back, setups)),
            translations.count_waiting(db, "ja", setups),
        ]
        for at in (NOW, NOW + timedelta(hours=5), NOW + timedelta(days=3))
    ]


def article(rnd: random.Random, _: Database) -> tuple[str, list[object]]:
    text, word = rnd.choice(["", "text"]), rnd.choice(WORDS)
    retry = rnd.choice([None, to_text(NOW + timedelta(hours=2))])
    return (
        """INSERT INTO articles (entry_id, input_fingerprint, origin, text, fingerprint, retry_at)
        VALUES (?, ?, 'feed', ?, ?, ?) ON CONFLICT (entry_id) DO UPDATE SET input_fingerprint =
        excluded.input_fingerprint, text = excluded.text, fingerprint = excluded.fingerprint""",
        [rnd.randint(1, ENTRIES), word, text, word, retry],
    )


def summary(rnd: random.Random, _: Database) -> tuple[str, list[object]]:
    word = rnd.choice(WORDS)
    return (
        """INSERT INTO summaries (entry_id, input_fingerprint, text, story, origin, fingerprint)
        VALUES (?, ?, ?, '', 'extract', ?) ON CONFLICT (entry_id) DO UPDATE SET input_fingerprint =
        excluded.input_fingerprint, text = excluded.text, fingerprint = excluded.fingerprint""",
        [rnd.randint(1, ENTRIES), f"{word}:{rnd.choice(['excerpt', 'titles'])}", rnd.choice(["", "x"]), word],
    )


def translation(rnd: random.Random, _: Database) -> tuple[str, list[object]]:
    word, tried = rnd.choice(WORDS), rnd.choice([None, *WORDS])
    row = [
        rnd.randint(1, ENTRIES), rnd.choice([None, word]), tried, rnd.choice([0, 2, translations.ATTEMPTS]),
        rnd.choice([None, to_text(NOW + timedelta(hours=1))]), rnd.choice([None, "firefox", "firefox 2"]),
        rnd.choice([None, None, "asked", "firefox"]), to_text(NOW - timedelta(hours=rnd.choice([1, 40]))),
    ]  # fmt: skip
    return (
        """INSERT INTO translations (entry_id, language, input_fingerprint, attempt_fingerprint, attempts,
          retry_at, refused_under, redo, translated_at, engine, model, title)
        VALUES (?, 'ja', ?, ?, ?, ?, ?, ?, ?, 'firefox', 'm', '訳')
        ON CONFLICT (entry_id, language) DO UPDATE SET input_fingerprint = excluded.input_fingerprint,
          attempt_fingerprint = excluded.attempt_fingerprint, attempts = excluded.attempts,
          retry_at = excluded.retry_at, refused_under = excluded.refused_under, redo = excluded.redo,
          translated_at = excluded.translated_at""",
        row,
    )


def page(rnd: random.Random, _: Database) -> tuple[str, list[object]]:
    return (
        """INSERT INTO pages (entry_id, fingerprint, url, host, domain, wanted, queued_at, due_at, effect)
        VALUES (?, '', '', '', '', 1, ?, ?, ?) ON CONFLICT (entry_id) DO UPDATE SET effect = excluded.effect,
          due_at = excluded.due_at""",
        [
            rnd.randint(1, ENTRIES),
            to_text(NOW),
            rnd.choice([None, to_text(NOW)]),
            rnd.choice([None, "titles"]),
        ],
    )


def entry(rnd: random.Random, _: Database) -> tuple[str, list[object]]:
    column, values = rnd.choice(
        [("fingerprint", WORDS), ("excluded", (None, "mute")), ("title", ("", "t")), ("guid", ("1", "9", "20")),
         ("story_id", range(1, STORIES + 1)), ("published_at", (None, to_text(NOW - timedelta(days=9))))]
    )  # fmt: skip
    number, value = rnd.randint(1, ENTRIES), rnd.choice([*values])
    if column == "guid":
        value = f"{value}-{number}"
    return f"UPDATE entries SET {column} = ? WHERE entry_id = ?", [value, number]


def feed(rnd: random.Random, _: Database) -> tuple[str, list[object]]:
    settings = rnd.choice(["{}", '{"rights": "titles"}', '{"engine": "openai"}', '{"rights_note": "x"}'])
    column, value = rnd.choice([("settings", settings), ("listed", rnd.randint(0, 1))])
    return f"UPDATE feeds SET {column} = ? WHERE feed_id = ?", [value, rnd.randint(1, FEEDS)]


def lead(rnd: random.Random, db: Database) -> tuple[str, list[object]]:
    story = rnd.randint(1, STORIES)
    found = [row[0] for row in db.execute("SELECT entry_id FROM entries WHERE story_id = ?", [story])]
    return "UPDATE stories SET lead_entry_id = ? WHERE story_id = ?", [rnd.choice([None, *found]), story]


def dropped(rnd: random.Random, _: Database) -> tuple[str, list[object]]:
    table = rnd.choice(["articles", "summaries", "translations", "pages"])
    return f"DELETE FROM {table} WHERE entry_id = ?", [rnd.randint(1, ENTRIES)]


CHANGES: tuple[Callable[[random.Random, Database], tuple[str, list[object]]], ...] = (
    article, article, summary, summary, translation, translation, page, entry, feed, lead, dropped,
)  # fmt: skip


def settle_all(db: Database) -> None:
    """Have nothing to make of any entry, but of one in six."""
    with db.atomic():
        db.execute("UPDATE entries SET excluded = NULL, fingerprint = 'a', title = 't'")
        db.execute("UPDATE feeds SET listed = 1, settings = '{}'")
        for table in ("articles", "summaries", "translations", "pages"):
            db.execute(f"DELETE FROM {table}")
        db.execute(
            """INSERT INTO articles (entry_id, input_fingerprint, origin, text, fingerprint)
            SELECT entry_id, 'a', 'feed', 'text', 'a' FROM entries"""
        )
        db.execute(
            """INSERT INTO summaries (entry_id, input_fingerprint, text, story, origin, fingerprint)
            SELECT entry_id, iif(entry_id % 8, 'a:excerpt', 'a:titles'), 'x', '', 'extract', 'a' FROM entries"""
        )
        db.execute(
            """INSERT INTO translations (entry_id, language, input_fingerprint, attempts, engine, model, title)
            SELECT entry_id, 'ja', 'a', 0, 'firefox', 'm', '訳' FROM entries WHERE entry_id % 6"""
        )
        db.execute(
            """INSERT INTO pages (entry_id, fingerprint, url, host, domain, wanted, queued_at, effect)
            SELECT entry_id, '', '', '', '', 1, '', iif(entry_id % 8, NULL, 'titles') FROM entries
            WHERE entry_id % 2 = 0"""
        )
    unsettled.settle(db, NOW)


def kept(db: Database) -> list[int]:
    return [row[0] for row in db.execute("SELECT entry_id FROM unsettled").fetchall()]


def look_at_all(db: Database) -> None:
    with db.atomic():
        db.execute("INSERT INTO unsettled SELECT entry_id FROM entries WHERE true ON CONFLICT DO NOTHING")


@pytest.mark.parametrize("seed", range(12))
def test_those_that_are_looked_at_are_all_that_a_look_at_everything_finds(
    db: Database, seed: int, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(unsettled, "_FEW", 0)
    rnd = random.Random(seed)
    for number in range(60):
        unsettled.follow(db, "ja", SETUPS[0])
        settle_all(db)
        assert len(kept(db)) <= ENTRIES // 2
        for _ in range(rnd.randint(1, 6)):
            sql, values = rnd.choice(CHANGES)(rnd, db)
            with db.atomic():
                db.execute(sql, values)
            if rnd.random() < 0.3:
                unsettled.settle(db, NOW + timedelta(hours=1 + number))
        setups = rnd.choice(SETUPS)
        unsettled.follow(db, "ja", setups)
        found = looks(db, setups)
        look_at_all(db)
        assert found == looks(db, setups)


def test_another_language_has_every_entry_looked_at(db: Database):
    with db.atomic():
        db.execute("DELETE FROM unsettled")
    unsettled.follow(db, "ja", {})
    assert len(kept(db)) == ENTRIES
    with db.atomic():
        db.execute("DELETE FROM unsettled")
    unsettled.follow(db, "ja", {})
    assert len(kept(db)) == 0
    unsettled.follow(db, "fr", {})
    assert len(kept(db)) == ENTRIES


def test_what_was_settled_meanwhile_goes_within_an_hour(db: Database, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(unsettled, "_FEW", 10)
    unsettled.follow(db, "ja", {})
    unsettled.settle(db, NOW)
    assert len(kept(db)) == ENTRIES
    with db.atomic():
        db.execute("UPDATE entries SET excluded = 'mute'")
    for minutes, left in ((30, ENTRIES), (61, 0)):
        unsettled.settle(db, NOW + timedelta(minutes=minutes))
        assert len(kept(db)) == left


def test_a_few_that_are_settled_are_not_worth_a_look(db: Database):
    unsettled.follow(db, "ja", {})
    with db.atomic():
        db.execute("UPDATE entries SET excluded = 'mute'")
    unsettled.settle(db, NOW)
    assert len(kept(db)) == ENTRIES
