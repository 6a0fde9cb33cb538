"""Tables translations and translation_memory."""

from datetime import UTC, datetime, timedelta

import pytest

from aggregator.model import MemoryWrite, Translation, Untranslated
from aggregator.store import open_store
from aggregator.store import translations as store

NOW = datetime(2026, 11, 24, 6, tzinfo=UTC)


@pytest.fixture
def db(tmp_path):
    db = open_store(tmp_path / "store.sqlite")
    for feed_id, url, language in ((1, "http://a/", "en"), (2, "http://b/", None)):
        db["feeds"].insert({
            "feed_id": feed_id, "listed_url": url, "fetch_url": url, "host": "h", "domain": "h",
            "next_poll_at": "", "language": language,
        })  # fmt: skip
    yield db
    db.conn.close()


def add(
    db,
    entry_id,
    *,
    feed_id=1,
    story_id=None,
    sort_at="2026-11-24T05:00:00Z",
    title="A title",
    text="One.",
    **columns,
):
    """Insert an entry with article and summary."""
    db["stories"].insert({"story_id": story_id or entry_id}, ignore=True)
    db["entries"].insert({
        "entry_id": entry_id, "feed_id": feed_id, "story_id": story_id or entry_id, "guid": f"g{entry_id}",
        "title": title, "first_seen_at": sort_at, "sort_at": sort_at, "fingerprint": f"e{entry_id}",
        **columns,
    })  # fmt: skip
    db["articles"].insert({
        "entry_id": entry_id, "input_fingerprint": f"e{entry_id}", "origin": "feed", "text": text,
        "fingerprint": f"a{entry_id}",
    })  # fmt: skip
    db["summaries"].insert({
        "entry_id": entry_id, "input_fingerprint": f"a{entry_id}:excerpt", "text": text, "story": "",
        "origin": "extract", "fingerprint": f"s{entry_id}",
    })  # fmt: skip


def made(entry_id, fingerprint=None):
    return Translation(
        entry_id=entry_id, input_fingerprint=fingerprint or f"s{entry_id}", engine="first", model="m",
        glossary_version="g", title="題", summary="一。", story="", verdict="passed 2/2",
    )  # fmt: skip


def failed(entry_id, kind="text"):
    return Untranslated(entry_id=entry_id, input_fingerprint=f"s{entry_id}", failure="loop", kind=kind)


def stale(db, now=NOW):
    return store.stale_ids(db, "ja", now)


def row(db, entry_id):
    return next(db.query("SELECT * FROM translations WHERE entry_id = ?", [entry_id]))


def test_the_newest_entry_comes_first(db):
    add(db, 1, sort_at="2026-11-24T03:00:00Z")
    add(db, 2, sort_at="2026-11-24T05:00:00Z")
    add(db, 3, sort_at="2026-11-24T04:00:00Z")
    assert stale(db) == [2, 3, 1]
    assert store.count_waiting(db, "ja") == 3


def test_a_translated_entry_is_stale_again_once_its_summary_changes(db):
    add(db, 1)
    store.write_translation(db, "ja", made(1), NOW)
    assert stale(db) == []
    assert store.stale_ids(db, "pt", NOW) == [1]
    db["summaries"].update(1, {"fingerprint": "s1-revised"})
    assert stale(db) == [1]


@pytest.mark.parametrize(
    ("table", "change"),
    [
        ("entries", {"fingerprint": "revised"}),
        ("articles", {"fingerprint": "revised"}),
        ("entries", {"excluded": "too old"}),
        ("feeds", {"listed": 0}),
    ],
)
def test_an_entry_waits_while_what_it_is_made_of_is_not_settled(db, table, change):
    add(db, 1)
    db[table].update(1, change)
    assert stale(db) == []


def test_of_a_story_only_its_lead_is_translated(db):
    add(db, 1, story_id=1)
    add(db, 2, story_id=1)
    db["stories"].update(1, {"lead_entry_id": 2})
    assert stale(db) == [2]


def test_of_a_story_without_a_lead_its_earliest_entry_is_translated(db):
    add(db, 1, story_id=1)
    add(db, 2, story_id=1, feed_id=2, published_at="2026-11-23T05:00:00Z")
    assert stale(db) == [2]


def test_an_entry_of_a_removed_feed_leads_no_new_story(db):
    add(db, 1, story_id=1)
    add(db, 2, story_id=1, feed_id=2, published_at="2026-11-23T05:00:00Z")
    db["feeds"].update(2, {"listed": 0})
    assert stale(db) == [1]


def test_texts_come_in_the_order_asked_for_with_the_language_best_known(db):
    add(db, 1)
    add(db, 2, feed_id=2)
    add(db, 3, language="ja")
    db["feeds"].update(2, {"settings": '{"language": "de"}'})
    found = store.texts(db, "ja", [3, 1, 2])
    assert [(t.entry_id, t.language, t.title, t.summary) for t in found] == [
        (3, "ja", "A title", "One."), (1, "en", "A title", "One."), (2, "de", "A title", "One."),
    ]  # fmt: skip
    assert found[0].input_fingerprint == "s3"


def test_failed_attempts_wait_longer_each_time_and_end(db):
    add(db, 1)
    now = NOW
    for wait in (timedelta(minutes=15), timedelta(hours=1), timedelta(hours=6), timedelta(days=1)):
        store.write_failure(db, "ja", failed(1), now)
        assert stale(db, now + wait - timedelta(seconds=1)) == []
        assert stale(db, now + wait) == [1]
        assert store.count_waiting(db, "ja") == 1
        now += wait
    store.write_failure(db, "ja", failed(1), now)
    assert (row(db, 1)["attempts"], row(db, 1)["retry_at"]) == (5, None)
    assert stale(db, now + timedelta(days=999)) == []
    assert store.count_waiting(db, "ja") == 0


def test_new_text_is_tried_at_once_and_counted_anew(db):
    add(db, 1)
    for _ in range(5):
        store.write_failure(db, "ja", failed(1), NOW)
    db["summaries"].update(1, {"fingerprint": "s1-revised"})
    assert stale(db) == [1]
    assert store.texts(db, "ja", [1])[0].attempts == 0


def test_an_outage_is_no_attempt_and_tried_again_soon(db):
    add(db, 1)
    for _ in range(9):
        store.write_failure(db, "ja", failed(1, "outage"), NOW)
    assert row(db, 1)["attempts"] == 0
    assert stale(db) == []
    assert stale(db, NOW + timedelta(minutes=15)) == [1]


def test_a_final_failure_is_never_tried_again(db):
    add(db, 1)
    store.write_failure(db, "ja", failed(1, "final"), NOW)
    assert stale(db, NOW + timedelta(days=999)) == []


def test_a_failed_attempt_leaves_the_last_good_translation_alone(db):
    add(db, 1)
    store.write_translation(db, "ja", made(1, "s1-before"), NOW)
    store.write_failure(db, "ja", failed(1), NOW)
    assert (row(db, 1)["title"], row(db, 1)["input_fingerprint"], row(db, 1)["failure"]) == (
        "題",
        "s1-before",
        "loop",
    )


def test_a_translation_forgets_failed_attempts(db):
    add(db, 1)
    store.write_failure(db, "ja", failed(1), NOW)
    store.write_translation(db, "ja", made(1), NOW)
    assert (row(db, 1)["attempts"], row(db, 1)["failure"], row(db, 1)["retry_at"]) == (0, None, None)
    assert row(db, 1)["translated_at"] == "2026-11-24T06:00:00Z"


def test_the_memory_gives_back_what_it_was_told_and_dates_its_use(db):
    store.remember(db, [MemoryWrite(key="k", engine="first", model="m", source="One.", text="一。")], (), NOW)
    assert store.recall(db, ["k", "unknown"]) == (("k", "一。"),)
    store.remember(db, (), ["k"], NOW + timedelta(days=1))
    assert db["translation_memory"].get("k")["used_at"] == "2026-11-25T06:00:00Z"


def test_refusals_are_counted_by_reason_until_a_translation_passes(db):
    for entry_id in (1, 2):
        add(db, entry_id)
        store.write_failure(db, "ja", failed(entry_id), NOW)
    assert store.refusals(db) == [("loop", 2)]
    store.write_translation(db, "ja", made(1), NOW)
    assert store.refusals(db) == [("loop", 1)]


def test_what_turns_the_direction_of_text_is_not_sent_to_an_engine(db):
    add(db, 1, title="Invoice \u202efdp.exe")
    assert store.texts(db, "ja", [1])[0].title == "Invoice fdp.exe"
