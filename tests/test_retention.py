"""What of old entries goes, when, and what stays for ever."""

import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from itertools import pairwise
from pathlib import Path

import pytest
from sqlite_utils import Database

from aggregator.config import Config, load
from aggregator.enrich.stage import ARTICLE, SUMMARY
from aggregator.errors import ConfigError
from aggregator.executors import Workers, open_workers
from aggregator.model import DueFeed, ParsedEntry, ParsedFeed, Subscription
from aggregator.pipeline import Clock, Stage, StageReport, run_stage
from aggregator.poll.stage import STAGE as POLL
from aggregator.publish.place import private_root
from aggregator.publish.stage import STAGE as PUBLISH
from aggregator.publish.stage import forget_published
from aggregator.retention import limits, stage
from aggregator.retention.stage import STAGE
from aggregator.search import find
from aggregator.serve import Server
from aggregator.store import articles, entries, feeds, remakes, retention, translations
from aggregator.store.entries import EntryCounts
from aggregator.times import to_text
from tests.conftest import Aggregator
from tests.feedserver import FeedServer
from tests.publishing import NOON, SENTENCES, Newsroom
from tests.webservers import ask

DAY = timedelta(days=1)
_DERIVED = """
INSERT INTO count_history VALUES (:entry, 'feed', :at, 3);
INSERT INTO pages (entry_id, fingerprint, url, host, domain, wanted, queued_at)
  VALUES (:entry, 'f', 'u', 'h', 'd', 0, :at);
INSERT INTO discussions (story_id, provider, thread_key, url) VALUES (:story, 'hackernews', '1', 'u');
INSERT INTO comments (story_id, provider, key, url, author, text, fingerprint, rank, seen_at)
  VALUES (:story, 'hackernews', '1', 'u', 'a', 't', 'f', 1, :at);
INSERT INTO comment_looks VALUES (:story, 'hackernews', :at, 1);
INSERT INTO viewpoints (story_id, persona, input_fingerprint) VALUES (:story, 'hopeful', 'f');
INSERT OR IGNORE INTO stale_pages (story_id) VALUES (:story);
INSERT OR IGNORE INTO search_due VALUES (:story)
"""


@pytest.fixture
def room(tmp_path: Path) -> Iterator[Newsroom]:
    room = Newsroom(tmp_path, max_entries=2, drop_after=180 * DAY)
    yield room
    room.db.close()


def published(
    room: Newsroom, feed: int, *guids: str, opted_out: bool = False, **columns: object
) -> list[int]:
    """Publish entries one after another, three days apart, and let their source list them no more."""
    numbers = []
    for guid in guids:
        columns = {"unlisted_at": to_text(room.now)} | columns
        at = to_text(room.now)
        number = room.entry(
            feed, guid, first_seen_at=at, sort_at=at, published_at=at, summary_html="<p>In short.</p>",
            content_html="<p>At length.</p>", **columns,
        )  # fmt: skip
        room.translate(number, f"見出し{guid}")
        if opted_out:
            room.opt_out(number)
        numbers.append(number)
        room.publish()
        room.now += 3 * DAY  # feeds hold what came out within 48 hours
    return numbers


def prune(room: Newsroom, days: float = 0) -> StageReport:
    """Let time pass as if each day had had its pass, then run the stage until nothing is due."""
    reached = retention.state(room.db)
    if reached.as_of:
        as_of = to_text(room.now + timedelta(days=days))
        retention.note(room.db, replace(reached, as_of=as_of))
    return leap(room, days)


def leap(room: Newsroom, days: float) -> StageReport:
    """Set the clock, then run the stage until nothing is due."""
    room.now += timedelta(days=days)
    return run_stage(*running(room))


def running(room: Newsroom) -> tuple[Stage, Database, Config, Workers, Clock]:
    return STAGE, room.db, room.config, open_workers("inline:"), lambda: room.now


def kept(room: Newsroom) -> list[str]:
    """Return the guids of the entries that have their texts still."""
    rows = room.db.execute("SELECT guid FROM entries WHERE content_html != '' ORDER BY guid").fetchall()
    return [guid for (guid,) in rows]


def made_of(room: Newsroom, entry: int) -> dict[str, int]:
    """Count the rows that were made of an entry and its story, by table."""
    tables = room.db.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall()
    keys = {name: [row[1] for row in room.db.execute(f"PRAGMA table_info({name})")] for (name,) in tables}
    values = {"entry": entry}
    story = "(SELECT story_id FROM entries WHERE entry_id = :entry)"
    found = {}
    for name, columns in keys.items():
        if name in {"entries", "stories", "publications", "digest_entries", "unsettled"}:  # a list to look at
            continue
        for column, wanted in (("entry_id", ":entry"), ("story_id", story)):
            if column in columns:
                sql = f"SELECT count(*) FROM {name} WHERE {column} = {wanted}"
                found[name] = room.db.execute(sql, values).fetchone()[0]
    return found


def derive(room: Newsroom, entry: int) -> None:
    """Fill every table that says something of an entry."""
    [story] = room.db.execute("SELECT story_id FROM entries WHERE entry_id = ?", [entry]).fetchone()
    at = to_text(room.now)
    room.count(entry, 3)
    for sql in _DERIVED.split(";\n"):
        with room.db.atomic():
            room.db.execute(sql, {"entry": entry, "story": story, "at": at})


def test_texts_go_after_their_time_and_what_names_an_entry_stays(room: Newsroom):
    feed = room.feed()
    old, *_ = published(room, feed, "1", "2", "3")
    derive(room, old)
    before = room.rows()
    assert sum(made_of(room, old).values()) == 12
    assert find(room.db, room.config, "見出し1").entries
    assert prune(room, 170).units == 0
    assert prune(room, 2).units == 1
    assert kept(room) == ["2", "3"]
    assert set(made_of(room, old).values()) == {0}
    assert not find(room.db, room.config, "見出し1").entries
    names = ("public_id", "story_id", "slug", "title", "first_published_at")
    assert [[row[n] for n in names] for row in room.rows()] == [[row[n] for n in names] for row in before]
    [row] = room.db.query("SELECT * FROM entries WHERE entry_id = ?", [old])
    assert (row["guid"], row["title"], row["permalink"]) == ("1", "Story 1", "https://alpha.example/1")
    assert (row["fingerprint"], row["summary_html"], row["excluded"]) == ("", "", "dropped")


def test_what_a_source_still_lists_stays(room: Newsroom):
    feed = room.feed()
    published(room, feed, "1", unlisted_at=None)
    published(room, feed, "2", "3", "4")
    prune(room, 400)
    assert kept(room) == ["1", "3", "4"]
    room.db.execute("UPDATE entries SET unlisted_at = ? WHERE guid = '1'", [to_text(room.now)])
    prune(room, 6)
    assert kept(room) == ["1", "3", "4"], "a source that shows nothing for some days lists it again"
    prune(room, 2)
    assert kept(room) == ["3", "4"]


@pytest.mark.parametrize("state", ["listed = 0", "gone = 1"])
def test_a_feed_that_was_removed_or_is_gone_lists_nothing(room: Newsroom, state: str):
    feed = room.feed()
    published(room, feed, "1", "2", "3", unlisted_at=None)
    last = to_text(room.now + 300 * DAY)
    room.db.execute(f"UPDATE feeds SET {state}, last_poll_at = ?", [last])
    prune(room, 305)
    assert kept(room) == ["1", "2", "3"], "it may come back within a week"
    prune(room, 3)
    assert kept(room) == ["2", "3"]


def test_what_a_feed_of_one_source_shows_stays(room: Newsroom):
    """A source with two entries in a year, beside one with many."""
    slow, busy = room.feed("slow"), room.feed("busy")
    published(room, slow, "s1", "s2")
    published(room, busy, "b1", "b2", "b3", "b4")
    prune(room, 400)
    assert kept(room) == ["b3", "b4", "s1", "s2"]


def test_what_a_feed_of_one_source_shows_stays_also_where_another_one_leads(room: Newsroom):
    slow, busy = room.feed("slow"), room.feed("busy")
    [lead] = published(room, busy, "b0")
    [story] = room.db.execute("SELECT story_id FROM entries WHERE entry_id = ?", [lead]).fetchone()
    published(room, slow, "joined", story=story)
    published(room, slow, "s1")
    published(room, busy, "b1", "b2", "b3")
    prune(room, 400)
    assert kept(room) == ["b0", "b2", "b3", "joined", "s1"]
    published(room, slow, "s2", "s3")
    prune(room, 400)
    assert kept(room) == ["b2", "b3", "s2", "s3"]


def test_what_was_published_late_stays_as_long(room: Newsroom):
    feed = room.feed()
    late = room.entry(feed, "late", content_html="x", unlisted_at=to_text(room.now))
    room.now += 300 * DAY
    room.translate(late)
    room.publish()
    room.now += 3 * DAY
    published(room, feed, "1", "2", "3")
    prune(room, 160)
    assert kept(room) == ["1", "2", "3", "late"]
    prune(room, 11)
    assert kept(room) == ["1", "2", "3"]


def test_a_story_that_another_feed_still_lists_stays_whole(room: Newsroom):
    one, other = room.feed("one"), room.feed("other")
    [lead] = published(room, one, "lead")
    [story] = room.db.execute("SELECT story_id FROM entries WHERE entry_id = ?", [lead]).fetchone()
    published(room, other, "joined", story=story, unlisted_at=None)
    published(room, one, "1", "2")
    published(room, other, "3", "4")
    prune(room, 400)
    assert kept(room) == ["1", "2", "3", "4", "joined", "lead"]
    room.db.execute("UPDATE entries SET unlisted_at = ?", [to_text(room.now - 30 * DAY)])
    prune(room, 1)
    assert kept(room) == ["1", "2", "3", "4"]


def test_an_entry_that_joins_a_dropped_story_goes_in_its_time(room: Newsroom):
    one, other = room.feed("one"), room.feed("other")
    lead, *_ = published(room, one, "lead", "1", "2")
    prune(room, 400)
    [story] = room.db.execute("SELECT story_id FROM entries WHERE entry_id = ?", [lead]).fetchone()
    published(room, other, "late", story=story)
    assert [row["state"] for row in room.rows() if row["story_id"] == story] == ["withdrawn"]
    prune(room, 176)
    assert kept(room) == ["1", "2", "late"]
    prune(room, 2)
    assert kept(room) == ["1", "2"]


def test_what_was_never_published_goes_too(room: Newsroom):
    feed = room.feed()
    room.entry(feed, "muted", excluded="mute: deals", content_html="x", unlisted_at=to_text(room.now))
    room.entry(feed, "held", content_html="x", unlisted_at=to_text(room.now))
    room.publish()
    prune(room, 200)
    assert kept(room) == []
    rows = room.db.execute("SELECT guid, excluded FROM entries ORDER BY guid").fetchall()
    assert rows == [("held", "dropped"), ("muted", "mute: deals")]
    assert [row["state"] for row in room.rows()] == ["withdrawn"]


def test_a_number_is_a_limit_too_but_two_weeks_stay(room: Newsroom):
    room.settings(keep_entries=3, drop_after=timedelta())
    feed = room.feed()
    published(room, feed, "1", "2", "3", "4", "5")
    prune(room)
    assert kept(room) == ["2", "3", "4", "5"]
    assert prune(room, 1).units == 0, "the second one came out less than two weeks ago"
    prune(room, 30)
    assert kept(room) == ["3", "4", "5"]


def test_without_limits_all_is_kept(room: Newsroom):
    room.settings(drop_after=timedelta())
    published(room, room.feed(), "1", "2", "3")
    assert prune(room, 3000).units == 0
    assert kept(room) == ["1", "2", "3"]


def test_pages_stay_or_go_as_set(room: Newsroom):
    feed = room.feed()
    published(room, feed, "1", "2", "3")
    pages = {row["title"]: f"entries/{row['slug']}.html" for row in room.rows()}
    prune(room, 200)
    room.publish()
    assert room.path(pages["見出し1"]).is_file()
    published(room, feed, "4")
    room.settings(dropped_pages="gone")
    prune(room, 200)
    room.publish()
    assert [room.path(page).is_file() for _, page in sorted(pages.items())] == [True, False, True]


@pytest.mark.parametrize("visibility", ["local", "private"])
def test_the_server_knows_which_pages_are_gone(room: Newsroom, visibility: str):
    room.settings(dropped_pages="gone", visibility=visibility, listen="127.0.0.1:0")
    published(room, room.feed(), "1", "2", "3")
    prune(room, 200)
    paths = [f"entries/{row['slug']}.html" for row in sorted(room.rows(), key=lambda row: str(row["title"]))]
    root = f"/{private_root(room.db, room.config)}/".replace("//", "/")
    with Server(room.config) as server:
        assert [ask(server.port, root + path).status for path in paths] == [410, 200, 200]
        assert ask(server.port, root + paths[0].replace(".html", "/comments.xml")).status == 410
        assert ask(server.port, f"{root}entries/2026/11/0123abcd.html").status == 404
        elsewhere = ask(server.port, "/" + paths[0] if visibility == "private" else "/x/" + paths[0])
        assert elsewhere.status == 404


def test_no_link_leads_to_what_is_gone(room: Newsroom):
    room.settings(dropped_pages="gone")
    published(room, room.feed(), *(f"{number}" for number in range(12)))
    assert prune(room, 160).units > 2
    room.publish()
    documents = room.outputs()
    left = {name for name in documents if name.startswith("entries/")}
    linked = {
        match for name, body in documents.items() if name.endswith((".html", ".xml", ".json"))
        for match in re.findall(r"entries/\d{4}/\d\d/\w+\.html", body.decode())
    }  # fmt: skip
    assert linked == left
    assert len(left) == len(kept(room))


def bylined(room: Newsroom) -> None:
    """Publish entries with all that feeds say of one, the third of them in two feeds."""
    feed, other = room.feed(), room.feed("other")
    for number in range(8):
        [entry] = published(
            room, feed, f"{number}", authors='["Ada Example"]', tags='["kernel"]', image_url="https://a.example/i.png",
            comments_url="https://a.example/c", comments_feed_url="https://a.example/c.xml",
            enclosures='[{"url": "https://a.example/a.mp3", "media_type": "audio/mpeg", "length": 3}]',
        )  # fmt: skip
        if number == 2:
            [story] = room.db.execute("SELECT story_id FROM entries WHERE entry_id = ?", [entry]).fetchone()
            published(room, other, "joined", story=story, permalink="https://other.example/1")
    published(room, other, "o1", "o2")
    room.publish()


def test_feeds_and_archives_do_not_change_when_texts_go(room: Newsroom):
    bylined(room)
    before = {name: body for name, body in room.outputs().items() if name.endswith((".xml", ".json"))}
    assert prune(room, 300).units == 7
    room.publish()
    forget_published(room.db)
    room.publish()
    after = room.outputs()
    assert {name: after.get(name) for name in before} == before
    assert sum(body.count(b"<entry") for name, body in before.items() if name.startswith("archive/")) >= 8


def archived(room: Newsroom, state: str) -> dict[str, str]:
    """Return what archives hold of publications in this state, by their title."""
    archives = "".join(body.decode() for name, body in room.outputs().items() if name.startswith("archive/"))
    found = re.findall("<entry>.*?</entry>", archives, re.DOTALL)
    rows = [row for row in room.rows() if row["state"] == state]
    return {str(row["title"]): each for row in rows for each in found if str(row["public_id"]) in each}


@pytest.mark.parametrize("opted_out", [True, False])
def test_an_archive_does_not_change_when_texts_go_nor_when_rights_widen_then(room: Newsroom, opted_out: bool):
    feed = room.feed()
    published(room, feed, *"123456", opted_out=opted_out)
    published(room, room.feed("other"), *"789")
    before = archived(room, "translated")
    prune(room, 300)
    room.publish()
    room.db.table("feeds").update(feed, {"settings": '{"rights": "full", "rights_note": "a mail"}'})
    room.publish()
    after = archived(room, "withdrawn")
    assert len(after) == 5
    assert after == {title: before[title] for title in after}


def test_rights_that_are_cut_when_texts_are_gone_take_them_out_of_archives(room: Newsroom):
    feed = room.feed()
    published(room, feed, *"123456")
    published(room, room.feed("other"), *"789")
    prune(room, 300)
    room.publish()
    assert all(SENTENCES[0] in each for each in archived(room, "withdrawn").values())
    room.db.table("feeds").update(feed, {"settings": '{"rights": "titles"}'})
    room.publish()
    after = archived(room, "withdrawn")
    assert [title for title, each in after.items() if SENTENCES[0] in each] == ["見出し7"]
    assert all("機械翻訳" in each and "未訳" not in each for each in after.values())


def test_where_pages_go_archives_forget_too(room: Newsroom):
    room.settings(dropped_pages="gone")
    bylined(room)
    prune(room, 300)
    room.publish()
    archived = b"".join(body for name, body in room.outputs().items() if name.startswith("archive/"))
    gone = [row["public_id"] for row in room.rows() if row["state"] == "withdrawn"]
    assert len(gone) == 6
    assert [each for each in gone if str(each).encode() in archived] == []
    left = room.db.execute("SELECT authors, enclosures FROM entries WHERE excluded = 'dropped'").fetchall()
    assert set(left) == {("[]", "[]")}
    assert {row["body"] for row in room.rows() if row["public_id"] in gone} == {""}


def test_a_pass_is_made_once_a_day(room: Newsroom):
    feed = room.feed()
    published(room, feed, "1", "2", "3")
    assert prune(room, 200).units == 1
    assert prune(room).jobs == 0
    assert prune(room, 1).jobs == 2
    stage.begin(room.db)
    assert prune(room).jobs == 2
    done = retention.Pass(done_on=to_text(room.now)[:10], as_of=to_text(room.now), total=1)
    assert retention.state(room.db) == done


@pytest.mark.parametrize("years", [1, -56])
@pytest.mark.parametrize("version", ["this", "an older"])
def test_a_clock_that_is_wrong_by_years_costs_no_texts(room: Newsroom, years: int, version: str):
    """Neither those of half a year nor articles nor the memory, also where its day is over."""
    feed = room.feed()
    published(room, feed, "1", "2", "3")
    told(room, feed, "4")
    room.db.execute(
        "INSERT INTO translation_memory VALUES (?, 'firefox', 'm', 's', 't', ?)",
        ["8" * 64, to_text(room.now)],
    )
    leap(room, 0)
    if version == "an older":
        state = "json_remove(value, '$.as_of')"
        room.db.execute(f"UPDATE meta SET value = {state} WHERE key = 'retention'")
    right, before = room.now, kept(room)
    for day in range(3):
        leap(room, 365 * years + 1)
        stage.begin(room.db)
        leap(room, 0)
        room.now = right + (day + 1) * DAY
        leap(room, 0)
    assert kept(room) == before
    assert room.db.execute("SELECT count(*) FROM translation_memory").fetchone() == (1,)
    assert leap(room, 200).units == 0
    assert [leap(room, 1).units for _ in range(200)].count(1) == len(before) - 2  # the feeds show two


def test_limits_lag_after_a_pause_and_are_made_up_for():
    assert limits.believed(NOON, None) == NOON
    assert limits.believed(NOON, NOON - DAY) == NOON
    assert limits.believed(NOON, NOON - 30 * DAY) == NOON - 28 * DAY
    assert limits.believed(NOON - 9 * DAY, NOON) == NOON - 9 * DAY


def test_a_pass_that_was_cut_off_goes_on_where_it_was(room: Newsroom, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(stage, "FEEDS", 1)
    monkeypatch.setattr(stage, "STORIES", 1)
    for name in ("one", "two"):
        published(room, room.feed(name), *(f"{name}{number}" for number in range(4)))
    room.now += 200 * DAY
    for _ in range(4):  # runs that are ended after a job each
        assert run_stage(*running(room), stop=iter([False, True]).__next__).jobs == 1
    assert len(kept(room)) < 8
    prune(room, 1)
    assert kept(room) == ["one2", "one3", "two2", "two3"]
    assert retention.state(room.db).total == 4


_MANY = """
WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 20000)
INSERT INTO entries (entry_id, feed_id, story_id, guid, title, content_html, first_seen_at, sort_at, unlisted_at,
  fingerprint) SELECT i, 1, i, i, 'Story ' || i, 'Text.', :at, :at, :at, 'f' FROM n
"""


def test_a_pass_that_is_killed_loses_nothing_and_goes_on(
    room: Newsroom, environment: dict[str, str], aggregator: Aggregator
):
    room.feed()
    room.db.execute("WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 20000)"
                    " INSERT INTO stories (story_id) SELECT i FROM n")  # fmt: skip
    room.db.execute(_MANY, {"at": to_text(room.now)})
    later = environment | {"AGGREGATOR_NOW": to_text(room.now + 200 * DAY)}
    with subprocess.Popen(
        [sys.executable, "-m", "aggregator", "prune"], env=later, cwd=room.folder
    ) as process:
        while not retention.state(room.db).total and process.poll() is None:
            time.sleep(0.005)
        process.kill()
    assert process.returncode == -signal.SIGKILL
    [left] = room.db.execute("SELECT count(*) FROM entries WHERE fingerprint != ''").fetchone()
    assert 0 < left < 20_000
    assert retention.state(room.db).total == 20_000 - left, "what was dropped is what was noted"
    assert room.db.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    done = aggregator("prune", AGGREGATOR_NOW=later["AGGREGATOR_NOW"])
    assert done.stdout.splitlines()[-1] == f"{left} entries dropped"
    assert retention.state(room.db).total == 20_000


def test_a_page_whose_rows_were_not_written_goes_the_next_time(
    room: Newsroom, monkeypatch: pytest.MonkeyPatch
):
    room.settings(dropped_pages="gone")
    published(room, room.feed(), "1", "2", "3")
    with monkeypatch.context() as broken:
        broken.setattr(retention, "note", lambda *_: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            prune(room, 200)
    assert kept(room) == ["1", "2", "3"]
    assert prune(room).units == 1
    assert kept(room) == ["2", "3"]


def test_a_look_reads_no_entry_that_was_dropped_before_and_no_whole_table(room: Newsroom):
    values = dict.fromkeys(("feeds", "shown", "states"), "[]") | dict.fromkeys(("before", "unlisted"), "")
    looked = room.db.execute(
        f"EXPLAIN QUERY PLAN {retention._OLD}", values | {"most": 1, "limit": 1}
    ).fetchall()
    counted = room.db.execute(f"EXPLAIN QUERY PLAN {retention._NEWEST_SO_MANY}", [1]).fetchall()
    values = {"language": "ja", "before": "", "after": 0, "most": 1}
    spent = room.db.execute(f"EXPLAIN QUERY PLAN {articles._SPENT}", values).fetchall()
    steps = [row[3] for row in (*looked, *counted, *spent)]
    assert any("INDEX entries_kept (feed_id=? AND sort_at<?)" in step for step in steps)
    assert any("USING INDEX entries_queue" in step for step in steps)
    assert any("INDEX articles_kept (entry_id>?)" in step for step in steps)
    tables = r"SCAN (?:entries|stories|publications|articles|[a-z]{1,2})(?! USING| VIRTUAL)\b"
    assert [step for step in steps if re.match(tables, step)] == []


# --- articles -----------------------------------------------------------------------------------------------


def told(room: Newsroom, feed: int, guid: str, **columns: object) -> int:
    """Add an entry, translated now."""
    entry = room.entry(feed, guid, **columns)
    room.translate(entry, translated_at=to_text(room.now))
    return entry


def texts(room: Newsroom) -> dict[str, str]:
    rows = room.db.execute("SELECT guid, text FROM articles JOIN entries USING (entry_id) ORDER BY guid")
    return dict(rows.fetchall())


def test_an_article_goes_a_week_after_its_translation_and_nothing_is_made_anew(room: Newsroom):
    feed = room.feed()
    told(room, feed, "1")
    room.entry(feed, "untranslated")
    room.publish()
    before = room.outputs()
    prune(room, 6.9)
    assert texts(room) == {"1": "x", "untranslated": "x"}
    prune(room, 1)
    assert texts(room) == {"1": "", "untranslated": "x"}
    for each in (ARTICLE, SUMMARY):
        assert run_stage(each, *running(room)[1:]).units == 0
    assert translations.stale_ids(room.db, "ja", room.now) == [2]
    made = remakes.made(room.db, "ja", engine="firefox", feed_id=None, entry=None, refused=False)
    assert [(each.entry_id, each.text) for each in made] == [(1, "Story 1\nOne.\nTwo.\nThree.\nFour.\n")]
    room.settings(hold_time=timedelta(days=99))
    room.publish()
    assert room.outputs() == before


def test_an_article_stays_where_something_may_yet_be_made_of_it(room: Newsroom):
    feed = room.feed()
    told(room, feed, "1")
    whole = told(room, feed, "whole")
    room.db.execute("UPDATE summaries SET story = 'All of it.' WHERE entry_id = ?", [whole])
    written = told(room, feed, "written")
    room.db.execute("UPDATE summaries SET origin = 'llm' WHERE entry_id = ?", [written])
    again = told(room, feed, "again")
    room.db.execute("UPDATE translations SET redo = 'asked' WHERE entry_id = ?", [again])
    stale = told(room, feed, "stale")
    room.db.execute("UPDATE summaries SET fingerprint = 'new' WHERE entry_id = ?", [stale])
    prune(room, 9)
    assert texts(room) == {"1": "", "again": "x", "stale": "x", "whole": "x", "written": "x"}


def test_without_its_article_an_entry_keeps_its_summary_unless_only_titles_are_allowed(room: Newsroom):
    feed = room.feed()
    told(room, feed, "1")
    prune(room, 9)
    room.db.execute("""UPDATE feeds SET settings = '{"rights": "full"}'""")
    assert run_stage(SUMMARY, *running(room)[1:]).units == 0
    room.db.execute("""UPDATE feeds SET settings = '{"rights": "titles"}'""")
    assert run_stage(SUMMARY, *running(room)[1:]).units == 1
    assert room.db.execute("SELECT text, story FROM summaries").fetchall() == [("", "")]


def test_an_entry_that_is_revised_gets_an_article_again(room: Newsroom):
    feed = room.feed()
    told(room, feed, "1")
    prune(room, 9)
    text = "<p>" + "The maintainers say what was found and how it was mended. " * 9 + "</p>"
    room.db.execute("UPDATE entries SET fingerprint = 'revised', content_html = ?", [text])
    for each in (ARTICLE, SUMMARY):
        assert run_stage(each, *running(room)[1:]).units == 1
        room.now += DAY  # so long a summary does not wait for a look at the page
    assert "The maintainers say" in texts(room)["1"]
    assert translations.stale_ids(room.db, "ja", room.now) == [1]


def test_articles_go_a_batch_at_a_time(room: Newsroom, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(stage, "ARTICLES", 2)
    feed = room.feed()
    for number in range(5):
        told(room, feed, f"{number}")
    room.now += 9 * DAY
    assert run_stage(*running(room), stop=iter([*[False] * 5, True]).__next__).jobs == 2
    assert list(texts(room).values()) == ["", "", "x", "x", "x"]
    assert prune(room).jobs == 3
    assert set(texts(room).values()) == {""}


def test_segments_nobody_used_for_half_a_year_are_forgotten(room: Newsroom):
    for number in range(64):
        used = room.now - (200 * DAY if number % 2 else DAY)
        room.db.execute(
            "INSERT INTO translation_memory VALUES (?, 'firefox', 'm', 's', 't', ?)",
            [f"{number * 4:02x}{'0' * 62}", to_text(used)],
        )
    for _ in range(16):
        prune(room, 1)
    [left] = room.db.execute("SELECT count(*), min(used_at) FROM translation_memory").fetchall()
    assert left == (32, to_text(NOON - DAY))


def test_two_weeks_is_the_least():
    with pytest.raises(ConfigError, match="14d or more, or 0"):
        load(environ={}, flags={"drop_after": "13d"})
    assert load(environ={}, flags={"drop_after": "0"}).drop_after == timedelta()


# --- beside polls -------------------------------------------------------------------------------------------


def polled(db: Database, feed: DueFeed, now: datetime, *guids: str) -> EntryCounts:
    """Record a document that lists these entries, each with its text and a comment count."""
    listed = tuple(
        ParsedEntry(guid=guid, permalink=f"https://alpha.example/{guid}", title=f"Story {guid}",
                    summary_html="", content_html="<p>Text.</p>", fingerprint=f"f{guid}", comment_count=3)
        for guid in guids
    )  # fmt: skip
    found = ParsedFeed(title="", site_url=None, language=None, entries=listed)
    with db.atomic():
        return entries.record(db, feed, found, now)


def test_a_dropped_entry_that_its_source_lists_again_brings_nothing(room: Newsroom):
    feed = room.feed(body_fingerprint="b")
    old, *_ = published(room, feed, "1", "2", "3")
    prune(room, 200)
    room.publish()
    before, documents = room.rows(), room.outputs()
    due = feeds.due_feed(room.db, "https://alpha.example/feed")
    for _ in range(2):
        assert polled(room.db, due, room.now, "1") == EntryCounts()
        for each in (ARTICLE, SUMMARY, PUBLISH):
            assert run_stage(each, *running(room)[1:]).units == 0
        assert translations.stale_ids(room.db, "ja", room.now) == []
        assert (room.rows(), room.outputs()) == (before, documents)
        room.now += DAY
    assert set(made_of(room, old).values()) == {0}
    assert kept(room) == ["2", "3"]


def items(*guids: str) -> bytes:
    listed = "".join(f"<item><guid>{guid}</guid><title>Story {guid}</title></item>" for guid in guids)
    return f"<rss version='2.0'><channel><title>Wire</title>{listed}</channel></rss>".encode()


def test_what_a_poll_no_longer_finds_is_listed_no_more_and_a_304_says_nothing(room: Newsroom):
    """Entries that stand where they stood are known by their marks, and a body that stayed is not parsed."""
    room.settings(allow_private_hosts=True, host_spacing=timedelta(), poll_every=timedelta(hours=1))

    def look(body: bytes, **answer: str) -> list[str]:
        server.serve("/feed", body, **answer)
        room.now += timedelta(hours=1)
        feeds.make_due(room.db, room.now)
        assert run_stage(POLL, *running(room)[1:]).units == 1
        gone = room.db.execute("SELECT guid FROM entries WHERE unlisted_at IS NOT NULL ORDER BY guid")
        return [guid for (guid,) in gone.fetchall()]

    with FeedServer() as server:
        feeds.sync(room.db, [Subscription(url=server.url("/feed"))], room.now)
        assert look(items("c", "b", "a")) == []
        assert look(items("c", "b")) == ["a"]
        assert look(items("c", "b")) == ["a"], "the same body"
        assert look(items("d", "c")) == ["a", "b"], "what is new is read, the rest known by its mark"
        assert look(items("d", "c"), etag='"1"') == ["a", "b"]
        assert look(items("d", "c"), etag='"1"') == ["a", "b"]
        assert [row[0] for row in room.db.execute("SELECT outcome FROM polls ORDER BY poll_id")][
            -1
        ] == "not_modified"
        assert look(b"no feed at all", etag='"2"') == ["a", "b"]
        assert look(items("d", "b", "a"), etag='"3"') == ["c"]


def test_half_a_year_in_steps_lets_the_store_grow_by_names_alone(room: Newsroom):
    """A feed brings an entry a day and lists those of six days; texts are kept for a month."""
    room.settings(drop_after=30 * DAY, dropped_pages="gone", max_entries=5, search=False)
    feed = room.feed(body_fingerprint="b")
    sizes = [0]
    for day in range(0, 180, 6):
        due = feeds.due_feed(room.db, "https://alpha.example/feed")
        polled(room.db, due, room.now, *(f"{day + n}" for n in range(6)))
        text = {"text": "<p>" + "Something happened. " * 1000 + "</p>", "at": to_text(room.now)}
        room.db.execute("UPDATE entries SET content_html = :text WHERE sort_at = :at", text)
        fresh = room.db.execute("SELECT entry_id FROM entries WHERE sort_at = :at", text)
        for (entry,) in fresh.fetchall():
            room.summarise(entry)
            room.translate(entry, f"見出し{entry}号")
        room.publish()
        prune(room)
        sizes.append(room.db.execute("PRAGMA page_count").fetchone()[0])
        room.now += 6 * DAY
    counts = room.db.execute(
        "SELECT count(nullif(content_html, '')), count(*) FROM entries WHERE feed_id = ?", [feed]
    )
    assert counts.fetchone() == (36, 180)
    assert len(list((room.config.output / "entries").rglob("*.html"))) == 36
    growth = [after - before for before, after in pairwise(sizes)]
    assert sum(growth[-20:]) / 20 < 0.25 * sum(growth[1:5]) / 4
    assert find(room.db, room.config, "見出し180号").entries
    assert not find(room.db, room.config, "見出し18号").entries


# --- the command --------------------------------------------------------------------------------------------


def test_the_command_says_what_would_go_and_drops_it(tmp_path: Path, aggregator: Aggregator):
    room = Newsroom(tmp_path, max_entries=2)
    published(room, room.feed(), "1", "2", "3", "4")
    room.db.execute("UPDATE entries SET content_html = ?", ["x" * 2_000_000])
    size = room.config.store.stat().st_size
    later = {"AGGREGATOR_NOW": to_text(room.now + 300 * DAY), "AGGREGATOR_MAX_ENTRIES": "2"}
    (tmp_path / "feeds.opml").write_text("<opml version='2.0'><body/></opml>")
    said = aggregator("prune", "--dry-run", **later)
    assert said.stdout == (
        "2 entries came out before 2027-04-05 and may go: 4.0 million characters, and what was made of them\n"
    )
    assert kept(room) == ["1", "2", "3", "4"]
    done = aggregator("prune", "--compact", **later)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.splitlines()[-1] == "2 entries dropped"
    assert kept(room) == ["3", "4"]
    assert room.config.store.stat().st_size < size - 3_000_000
    assert "dropped                  2 entries; last pass 2027" in aggregator("status", **later).stdout
    said = aggregator("prune", "--dry-run", AGGREGATOR_DROP_AFTER="0")
    assert said.stdout == "everything is kept: drop_after = 0, keep_entries = 0\n"
    room.db.close()
