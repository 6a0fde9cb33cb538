"""Which stories got a translation that readers have not been given: kept by the database itself."""

from pathlib import Path

import pytest

from tests.publishing import Newsroom


@pytest.fixture
def room(tmp_path: Path) -> Newsroom:
    return Newsroom(tmp_path)


def waiting(room: Newsroom) -> list[int]:
    return [row[0] for row in room.db.execute("SELECT story_id FROM promotable ORDER BY story_id")]


def states(room: Newsroom) -> list[object]:
    return [row["state"] for row in room.rows()]


def test_a_story_waits_from_its_translation_until_it_is_given_to_readers(room: Newsroom):
    entry = room.entry(room.feed())
    room.publish()
    assert (waiting(room), states(room)) == ([], ["held"])
    room.translate(entry)
    assert waiting(room) == [1]
    room.publish()
    assert (waiting(room), states(room)) == ([], ["translated"])


def test_a_translation_that_was_there_first_counts_too(room: Newsroom):
    room.translate(room.entry(room.feed()))
    assert waiting(room) == [1]
    room.publish()
    assert (waiting(room), states(room)) == ([], ["translated"])


def test_a_title_that_passes_at_last_counts_and_one_that_never_passed_does_not(room: Newsroom):
    entry = room.entry(room.feed())
    room.translate(entry, title=None)  # type: ignore[arg-type]
    room.publish()
    room.publish(hours=7)
    assert (waiting(room), states(room)) == ([], ["untranslated"])
    room.translate(entry, title="日本語の見出し")
    assert waiting(room) == [1]
    room.publish()
    assert (waiting(room), states(room)) == ([], ["translated"])


def test_a_translation_written_twice_before_it_is_given_waits_once(room: Newsroom):
    entry = room.entry(room.feed())
    room.translate(entry)
    room.translate(entry, title="新しい見出し")
    assert waiting(room) == [1]


def test_what_readers_have_in_japanese_waits_for_no_newer_translation(room: Newsroom):
    entry = room.entry(room.feed())
    room.translate(entry)
    room.publish()
    room.translate(entry, title="新しい見出し")
    assert waiting(room) == []


def test_another_lead_brings_its_translation_along(room: Newsroom):
    room.entry(room.feed("alpha"))
    room.publish()
    second = room.entry(room.feed("beta"), "2", story=1)
    room.translate(second)
    room.publish()
    assert states(room) == ["held"]
    room.db.execute("UPDATE stories SET lead_entry_id = ? WHERE story_id = 1", [second])
    room.publish()
    assert (waiting(room), states(room)) == ([], ["translated"])


def test_a_story_that_is_taken_apart_waits_no_longer(room: Newsroom):
    entry = room.entry(room.feed())
    room.translate(entry)
    with room.db.atomic():
        room.db.execute("INSERT INTO stories (story_id) VALUES (9)")
        room.db.execute("UPDATE entries SET story_id = 9 WHERE entry_id = ?", [entry])
        room.db.execute("DELETE FROM stories WHERE story_id = 1")
    assert waiting(room) == []
