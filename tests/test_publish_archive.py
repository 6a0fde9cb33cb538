"""Archives: whoever follows them back from the feed has every entry there ever was, once."""

from collections.abc import Iterator
from datetime import UTC, datetime, time, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import feedparser
import pytest
from lxml import etree

from aggregator.publish import archive
from aggregator.publish.archive import MOST, Shelf, Waiting, shelve
from aggregator.publish.stage import STAGE, forget_published
from aggregator.store import archives
from tests.publishing import Newsroom

TOKYO = ZoneInfo("Asia/Tokyo")
ATOM = "{http://www.w3.org/2005/Atom}"


@pytest.fixture
def room(tmp_path: Path) -> Newsroom:
    return Newsroom(tmp_path, max_entries=6)


@pytest.fixture
def short(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let an archive hold four entries."""
    monkeypatch.setattr(archive, "MOST", 4)


def publish(room: Newsroom, count: int, hours: float = 0, feed: int | None = None) -> None:
    """Publish so many more entries at once, and so that the feed keeps no more than it must."""
    feed = feed or room.feed(f"f{room.db.execute('SELECT count(*) FROM feeds').fetchone()[0]}")
    first = room.db.execute("SELECT count(*) FROM entries").fetchone()[0]
    room.now += timedelta(hours=hours)
    for number in range(first, first + count):
        room.translate(room.entry(feed, str(number)), title=f"見出し{number:03}")
    room.publish()


def documents(room: Newsroom) -> Iterator[etree._Element]:
    """Read the feed and, as a reader would, each archive that it leads back to."""
    url, base = "https://news.example/atom.xml", "https://news.example/"
    seen: list[str] = []
    while url:
        assert url not in seen
        seen.append(url)
        tree = etree.fromstring(room.path(url.removeprefix(base)).read_bytes())
        yield tree
        url = link(tree, "prev-archive")


def link(tree: etree._Element, rel: str) -> str:
    return next((each.get("href") for each in tree.findall(f"{ATOM}link") if each.get("rel") == rel), "")


def ids(tree: etree._Element) -> list[str]:
    return [each.text for each in tree.findall(f"{ATOM}entry/{ATOM}id")]


def read(room: Newsroom) -> set[str]:
    return {public_id for tree in documents(room) for public_id in ids(tree)}


def published(room: Newsroom) -> set[str]:
    return {str(row["public_id"]) for row in room.rows() if row["state"] == "translated"}


def archived(room: Newsroom) -> dict[str, bytes]:
    return {name: body for name, body in room.outputs().items() if name.startswith("archive/")}


def waiting(*times: str) -> list[Waiting]:
    return [
        Waiting(public_id=f"u{n}", at=datetime.fromisoformat(time).replace(tzinfo=UTC))
        for n, time in enumerate(times)
    ]


def test_a_month_begins_in_the_zone_of_the_pages():
    entries = waiting("2026-10-31T14:59:59", "2026-10-31T15:00:00")
    assert shelve("", 0, entries, TOKYO) == (
        Shelf(name="2026-10", public_ids=("u0",)),
        Shelf(name="2026-11", public_ids=("u1",)),
    )


def test_a_full_archive_is_followed_by_another_of_its_month():
    entries = waiting(*["2026-11-03T00:00:00"] * (2 * MOST + 1))
    made = shelve("2026-10-9", 1, entries, TOKYO)
    assert [(each.name, len(each.public_ids)) for each in made] == [
        ("2026-11", MOST), ("2026-11-2", MOST), ("2026-11-3", 1),
    ]  # fmt: skip


def test_what_is_added_fills_the_last_archive_first():
    entries = waiting("2026-11-03T00:00:00", "2026-11-03T00:00:00")
    names = [each.name for each in shelve("2026-11-12", MOST - 1, entries, TOKYO)]
    assert names == ["2026-11-12", "2026-11-13"]


def test_what_comes_late_goes_to_the_last_archive():
    assert shelve("2026-11", 3, waiting("2026-09-03T00:00:00"), TOKYO) == (
        Shelf(name="2026-11", public_ids=("u0",)),
    )


@pytest.mark.usefixtures("short")
def test_a_reader_who_begins_now_has_every_entry_of_every_month_once(room: Newsroom):
    first = room.feed("gone")
    for hours in (0, 72, 500, 72, 900, 72):
        publish(room, 5, hours, first if hours == 500 else None)
    room.db.table("feeds").update(first, {"listed": 0})
    publish(room, 5, 72)
    assert len(published(room)) == 35
    assert read(room) == published(room)
    assert len(ids(next(documents(room)))) == 6
    names = list(archived(room))
    assert {"archive/2026-11.xml", "archive/2026-11-2.xml", "archive/2026-12.xml"} < {*names}
    for tree in list(documents(room))[1:]:
        assert len(ids(tree)) == len({*ids(tree)}) <= 4


@pytest.mark.usefixtures("short")
def test_at_no_moment_an_entry_is_missing(room: Newsroom):
    feed = room.feed()
    for number in range(25):
        publish(room, 1 + number % 3, 50, feed)
        assert read(room) == published(room)


@pytest.mark.usefixtures("short")
def test_documents_are_linked_both_ways_and_say_that_they_are_archives(room: Newsroom):
    for hours in (0, 72, 72):
        publish(room, 5, hours)
    [feed, *older] = documents(room)
    assert len(older) == 4
    newer = ""
    for tree in older:
        assert tree.find("{http://purl.org/syndication/history/1.0}archive") is not None
        assert link(tree, "current") == "https://news.example/atom.xml"
        assert link(tree, "next-archive") == newer
        assert link(tree, "hub") == ""
        newer = link(tree, "self")
        assert tree.findtext(f"{ATOM}id") == feed.findtext(f"{ATOM}id")
    assert feed.find("{http://purl.org/syndication/history/1.0}archive") is None


@pytest.mark.usefixtures("short")
def test_a_full_archive_never_changes_again(room: Newsroom):
    feed = room.feed()
    publish(room, 9, feed=feed)
    before = archived(room)
    for number in range(12):
        room.count(number % 5 + 1, number + 3)
        publish(room, 1, 50, feed)
    for name in ("archive/2026-11.xml", "archive/2026-11-2.xml"):
        assert archived(room)[name] == before[name]
    assert archived(room)["archive/2026-11-3.xml"] != before["archive/2026-11-3.xml"]


def test_an_archive_is_written_again_after_many_entries_not_after_each(room: Newsroom):
    room.settings(max_entries=20)
    feed = room.feed()
    publish(room, 12, feed=feed)
    [at] = {path.stat().st_mtime_ns for path in room.path("archive").glob("*.xml")}
    for _ in range(9):
        publish(room, 1, 1, feed)
        assert {path.stat().st_mtime_ns for path in room.path("archive").glob("*.xml")} == {at}
    publish(room, 1, 1, feed)
    assert {path.stat().st_mtime_ns for path in room.path("archive").glob("*.xml")} != {at}


def test_no_archive_holds_counts(room: Newsroom):
    feed = room.feed()
    publish(room, 9, feed=feed)
    room.count(9, 12, "https://talk.example/9")
    forget_published(room.db)
    room.publish()
    assert b"thr:total>12" in room.path("atom.xml").read_bytes()
    [body] = archived(room).values()
    assert b"<thr:total" not in body
    assert b"thr:count=" not in body


def test_what_is_taken_back_leaves_its_archive(room: Newsroom):
    publish(room, 9)
    [gone] = [row for row in room.rows() if row["title"] == "見出し000"]
    room.db.table("publications").update(gone["public_id"], {"state": "withdrawn"})
    room.publish(hours=1)
    assert gone["public_id"] not in read(room)
    assert len(read(room)) == 8


def test_an_archive_that_lost_all_its_entries_still_leads_further_back(room: Newsroom):
    publish(room, 9)
    publish(room, 9, 24 * 40)
    room.db.execute("UPDATE publications SET state = 'withdrawn' WHERE first_published_at > '2026-12-25'")
    room.publish(hours=1)
    assert [len(ids(tree)) for tree in documents(room)][-1] == 9
    assert read(room) == published(room)


def test_rights_that_were_cut_hold_in_archives_at_once(room: Newsroom):
    feed = room.feed()
    publish(room, 9, feed=feed)
    publish(room, 9, 24 * 40)
    assert "一つ目の文です。" in archived(room)["archive/2026-11.xml"].decode()
    room.db.table("feeds").update(feed, {"settings": '{"rights": "titles"}'})
    room.publish(hours=1)
    body = archived(room)["archive/2026-11.xml"].decode()
    assert "一つ目の文です。" not in body
    assert read(room) == published(room)
    assert "一つ目の文です。" in archived(room)["archive/2027-01.xml"].decode()


def test_an_entry_shown_untranslated_is_in_the_archive_as_it_became(room: Newsroom):
    room.settings(untranslated="publish")
    feed = room.feed()
    for number in range(9):
        room.entry(feed, str(number))
    room.publish()
    room.publish(hours=7)
    assert "【未訳】Story 0" in archived(room)["archive/2026-11.xml"].decode()
    for entry in range(1, 10):
        room.translate(entry)
    room.publish(hours=1)
    assert "【未訳】" not in archived(room)["archive/2026-11.xml"].decode()
    assert read(room) == published(room)


def test_what_a_setting_lets_in_late_is_archived_too(room: Newsroom):
    feed = room.feed()
    late = room.entry(feed, "late")
    room.publish()
    room.publish(hours=7)
    publish(room, 12, 72, feed)
    [held] = [str(row["public_id"]) for row in room.rows() if row["state"] == "untranslated"]
    assert held not in read(room)
    room.settings(untranslated="publish")
    room.publish(hours=1)
    assert held in read(room)
    assert late == 1


def test_pictures_that_a_setting_takes_out_of_feeds_leave_archives_too(room: Newsroom):
    room.entry(feed := room.feed(), "a", image_url="https://alpha.example/a.png")
    room.translate(1)
    publish(room, 9, feed=feed)
    publish(room, 9, 24 * 40)
    assert b"a.png" in archived(room)["archive/2026-11.xml"]
    room.settings(images="none")
    room.publish(hours=1)
    assert [name for name, body in room.outputs().items() if b"a.png" in body] == []
    assert read(room) == published(room)


def test_archives_move_with_the_address_and_come_back_when_they_are_lost(room: Newsroom):
    publish(room, 9)
    before = room.outputs()
    room.settings(base_url="https://moved.example/")
    room.publish(hours=1)
    assert b"https://moved.example/atom.xml" in archived(room)["archive/2026-11.xml"]
    room.settings(base_url="https://news.example/")
    room.publish(hours=1)
    assert room.outputs() == before
    for path in sorted(room.config.output.rglob("*"), reverse=True):
        path.rmdir() if path.is_dir() else path.unlink()
    room.publish(hours=1)
    assert room.outputs() == before


def test_no_archive_is_left_in_public_when_all_becomes_private(room: Newsroom):
    publish(room, 9)
    room.settings(visibility="private")
    room.publish(hours=1)
    assert not room.path("archive").exists()
    [root] = room.config.output.iterdir()
    assert (root / "archive" / "2026-11.xml").exists()


def test_forced_publishing_writes_the_same_archives(room: Newsroom):
    publish(room, 9)
    touched = room.touched()
    forget_published(room.db)
    room.publish(hours=1)
    assert room.touched() == touched


def test_a_run_killed_between_the_rows_and_the_document_is_made_up_for(room: Newsroom):
    feed = room.feed()
    for number in range(9):
        room.translate(room.entry(feed, str(number)))
    killed = False
    while not killed:
        [job] = STAGE.pending(room.db, room.config, room.now)
        with room.db.atomic():
            STAGE.record(room.db, room.config, job, STAGE.work(room.config, job), room.now)
        killed = type(job).__name__ == "Shelving"
    assert archived(room) == {}
    room.publish()
    assert read(room) == published(room)


def test_an_archive_that_cannot_be_rendered_holds_nothing_else_up(room: Newsroom):
    publish(room, 9)
    room.db.execute("UPDATE archives SET written = NULL")
    [job] = STAGE.pending(room.db, room.config, room.now)
    STAGE.postpone(room.db, room.config, job, "ValueError: x", room.now)
    assert [*STAGE.pending(room.db, room.config, room.now)] == []


def test_an_old_store_archives_what_it_published(room: Newsroom):
    publish(room, 9)
    room.db.execute("UPDATE publications SET archive_id = NULL")
    room.db.execute("DELETE FROM archives")
    publish(room, 1, 1)
    assert read(room) == published(room)
    assert archives.last(room.db) == ("2026-11", 9)


def test_archives_are_found_by_readers_of_feeds(room: Newsroom):
    publish(room, 9)
    feed = feedparser.parse(room.path("atom.xml").read_bytes()).feed
    assert [each.href for each in feed.links if each.rel == "prev-archive"] == [
        "https://news.example/archive/2026-11.xml"
    ]
    assert not feedparser.parse(archived(room)["archive/2026-11.xml"]).bozo


def test_a_digest_is_archived_among_the_entries_and_says_no_more_of_what_was_taken_back(room: Newsroom):
    room.settings(digest_at=time(18), digest_day="off", morning_at=None)
    publish(room, 12)
    publish(room, 1, 20)
    [digest] = room.db.query("SELECT public_id, title FROM digests")
    for _ in range(3):
        publish(room, 8, 72)
    assert digest["public_id"] not in ids(next(documents(room)))
    assert read(room) == published(room) | {digest["public_id"]}
    body = archived(room)["archive/2026-11.xml"].decode()
    [named] = room.db.query("SELECT story_id, title FROM digest_entries WHERE position = 0")
    assert body.count(named["title"]) == 2
    room.db.execute("UPDATE publications SET state = 'withdrawn' WHERE story_id = ?", [named["story_id"]])
    room.publish(hours=1)
    assert named["title"] not in archived(room)["archive/2026-11.xml"].decode()
