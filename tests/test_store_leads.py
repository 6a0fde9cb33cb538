"""Stories whose first teller is removed, in a real store: another feed that tells them too leads them."""

from pathlib import Path

import pytest

from aggregator.session import mirror
from tests.publishing import Newsroom


@pytest.fixture
def room(tmp_path: Path) -> Newsroom:
    return Newsroom(tmp_path)


def told_by_both(room: Newsroom) -> tuple[int, int]:
    """Return the entries of alpha and of beta that are one story, which waits for its translation."""
    first = room.entry(room.feed("alpha"), "1", age=3)
    room.publish()
    return first, room.entry(room.feed("beta"), "2", story=story_of(room, first))


def story_of(room: Newsroom, entry: int) -> int:
    return int(room.db.execute("SELECT story_id FROM entries WHERE entry_id = ?", [entry]).fetchone()[0])


def lead_of(room: Newsroom, entry: int) -> int:
    sql = "SELECT lead_entry_id FROM stories WHERE story_id = ?"
    return int(room.db.execute(sql, [story_of(room, entry)]).fetchone()[0])


def list_only(room: Newsroom, *names: str) -> None:
    outlines = "".join(f'<outline xmlUrl="https://{name}.example/feed"/>' for name in names)
    mirror(room.db, room.config, f'<opml version="2.0"><body>{outlines}</body></opml>'.encode(), room.now)


@pytest.mark.parametrize("hours", [0, 7])
def test_what_a_removed_feed_was_to_tell_is_told_by_another_one(room: Newsroom, hours: int):
    """Of a story that waits, and of one that its page shows untranslated already."""
    first, second = told_by_both(room)
    room.publish(hours)
    [before] = room.rows()
    list_only(room, "beta")
    assert lead_of(room, first) == second
    room.translate(second, "ベータの見出し")
    room.publish(hours=1)
    [row] = room.rows()
    assert (before["state"], row["state"]) == ("untranslated" if hours else "held", "translated")
    assert (row["title"], row["slug"]) == ("ベータの見出し", before["slug"])
    assert "ベータの見出し" in room.path("atom.xml").read_text()


def test_what_was_removed_before_this_was_done_is_handed_on_too(room: Newsroom):
    first, second = told_by_both(room)
    room.db.execute("UPDATE feeds SET listed = 0 WHERE listed_url = 'https://alpha.example/feed'")
    list_only(room, "beta")
    assert lead_of(room, first) == second


def test_waiting_begins_anew_for_who_takes_over(room: Newsroom):
    told_by_both(room)
    room.now += 5 * (room.config.hold_time / 6)
    list_only(room, "beta")
    room.publish(hours=5)
    assert [row["state"] for row in room.rows()] == ["held"]
    room.publish(hours=1)
    assert [row["state"] for row in room.rows()] == ["untranslated"]


def test_providers_numbers_go_along_and_the_feeds_own_stay(room: Newsroom):
    first, second = told_by_both(room)
    room.count(first, 3)
    for table in ("comment_counts", "count_history"):
        room.db.table(table).insert(
            {"entry_id": first, "source": "hackernews", "count": 5, "counted_at": "2026-11-24T03:00:00Z"}
        )
    list_only(room, "beta")
    counts = room.db.execute("SELECT entry_id, source, count FROM comment_counts ORDER BY count").fetchall()
    assert counts == [(first, "feed", 3), (second, "hackernews", 5)]
    assert room.db.execute("SELECT entry_id FROM count_history").fetchall() == [(second,)]


def test_the_earliest_entry_that_is_not_kept_out_takes_over(room: Newsroom):
    first, _ = told_by_both(room)
    story = story_of(room, first)
    room.entry(room.feed("muted"), "3", story=story, age=2.9, excluded="mute sponsored")
    third = room.entry(room.feed("gamma"), "4", story=story, age=2)
    list_only(room, "beta", "gamma", "muted")
    assert lead_of(room, first) == third


@pytest.mark.parametrize(
    ("translated", "listed"), [(True, ("beta",)), (False, ("alpha", "beta")), (False, ())]
)
def test_a_lead_stays_where_readers_have_it_or_its_feed_is_listed_or_nobody_else_is(
    room: Newsroom, *, translated: bool, listed: tuple[str, ...]
):
    first, _ = told_by_both(room)
    if translated:
        room.translate(first)
    room.publish()
    list_only(room, *listed)
    assert lead_of(room, first) == first


def test_a_feed_that_is_listed_again_tells_what_was_left_to_nobody(room: Newsroom):
    first, second = told_by_both(room)
    list_only(room)
    list_only(room, "beta")
    assert lead_of(room, first) == second
