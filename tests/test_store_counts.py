"""Tables comment_counts and count_history."""

from datetime import UTC, datetime, timedelta

import pytest

from aggregator.model import CountPoint
from aggregator.store import counts
from tests.publishing import Newsroom

AT = datetime(2026, 11, 24, 6, tzinfo=UTC)
HOUR = timedelta(hours=1)


@pytest.fixture
def room(tmp_path):
    room = Newsroom(tmp_path)
    yield room
    room.db.conn.close()


def story_of(room, entry):
    return room.db.execute("SELECT story_id FROM entries WHERE entry_id = ?", [entry]).fetchone()[0]


def history(room):
    return room.db.execute(
        "SELECT source, substr(counted_at, 6, 11), count FROM count_history ORDER BY counted_at, source"
    ).fetchall()


def test_history_keeps_changes_alone_while_the_number_says_when_it_was_counted_last(room):
    entry = room.entry(room.feed())
    for hours, count in enumerate((0, 5, 5, 3)):
        counts.write(room.db, entry, "hatena", count, "https://b.example/1", AT + hours * HOUR)
    assert room.db.execute("SELECT source, url, count, counted_at FROM comment_counts").fetchall() == [
        ("hatena", "https://b.example/1", 3, "2026-11-24T09:00:00Z")
    ]
    assert history(room) == [
        ("hatena", "11-24T06:00", 0),
        ("hatena", "11-24T07:00", 5),
        ("hatena", "11-24T09:00", 3),
    ]


def test_a_number_that_is_no_more_is_removed_and_history_falls_to_zero(room):
    entry = room.entry(room.feed())
    counts.write(room.db, entry, "hackernews", 64, "https://hn.example/1", AT)
    for hours in (1, 2):
        counts.write(room.db, entry, "hackernews", None, None, AT + hours * HOUR)
    assert room.db.table("comment_counts").count == 0
    assert history(room) == [("hackernews", "11-24T06:00", 64), ("hackernews", "11-24T07:00", 0)]


def test_a_number_that_never_was_leaves_no_trace(room):
    counts.write(room.db, room.entry(room.feed()), "hackernews", None, None, AT)
    assert history(room) == []


def test_the_feeds_own_number_is_left_alone(room):
    entry = room.entry(room.feed())
    room.count(entry, 7)
    counts.write(room.db, entry, "hackernews", 3, None, AT)
    assert dict(room.db.execute("SELECT source, count FROM comment_counts").fetchall()) == {
        "feed": 7,
        "hackernews": 3,
    }


def test_points_begin_with_what_held_when_the_time_began(room):
    entry = room.entry(room.feed())
    for hours, count in ((0, 1), (2, 2), (5, 3)):
        counts.write(room.db, entry, "hatena", count, None, AT + hours * HOUR)
    counts.write(room.db, entry, "reddit", 9, None, AT + 4 * HOUR)
    story = story_of(room, entry)
    assert counts.points(room.db, [story], AT + 3 * HOUR) == {
        story: [
            CountPoint(source="hatena", at=AT + 2 * HOUR, count=2),
            CountPoint(source="reddit", at=AT + 4 * HOUR, count=9),
            CountPoint(source="hatena", at=AT + 5 * HOUR, count=3),
        ]
    }


def test_points_are_those_of_the_stories_asked_for(room):
    first, other = room.entry(room.feed("a")), room.entry(room.feed("b"))
    counts.write(room.db, first, "hatena", 1, None, AT)
    assert list(counts.points(room.db, [story_of(room, first), story_of(room, other)], AT)) == [
        story_of(room, first)
    ]
    assert counts.points(room.db, [story_of(room, other)], AT) == {}


def test_two_entries_of_a_story_with_a_number_of_one_source_are_not_mixed(room):
    small = room.entry(room.feed("a"))
    story = story_of(room, small)
    large = room.entry(room.feed("b"), story=story)
    for entry, count in ((small, 2), (large, 50), (small, 3), (large, 60)):
        at = AT + count * timedelta(minutes=1)
        counts.write(room.db, entry, "feed", count, None, at)
    assert [point.count for point in counts.points(room.db, [story], AT)[story]] == [50, 60]


def test_after_a_week_a_day_keeps_its_last_point_of_each_source(room):
    entry = room.entry(room.feed())
    for hours in (0, 3, 6, 24, 25):
        counts.write(room.db, entry, "hatena", hours, None, AT + hours * HOUR)
    counts.write(room.db, entry, "reddit", 1, None, AT + HOUR)
    assert counts.thin(room.db, AT + timedelta(days=7)) == 0
    assert counts.thin(room.db, AT + timedelta(days=8)) == 2
    assert history(room) == [
        ("reddit", "11-24T07:00", 1), ("hatena", "11-24T12:00", 6),
        ("hatena", "11-25T06:00", 24), ("hatena", "11-25T07:00", 25),
    ]  # fmt: skip
    assert counts.thin(room.db, AT + timedelta(days=30)) == 1
    assert counts.thin(room.db, AT + timedelta(days=30)) == 0


def test_history_is_thinned_once_a_day(room):
    entry = room.entry(room.feed())
    day = AT + timedelta(days=20)
    counts.thin_daily(room.db, day)
    for hours in (0, 1):
        counts.write(room.db, entry, "hatena", hours, None, AT + hours * HOUR)
    counts.thin_daily(room.db, day + HOUR)
    assert len(history(room)) == 2
    counts.thin_daily(room.db, day + timedelta(days=1))
    assert history(room) == [("hatena", "11-24T07:00", 1)]
