"""Tables searchable, search and search_due, kept by the whole publish step."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from aggregator.pipeline import StageReport
from aggregator.publish import found
from aggregator.publish.terms import query
from aggregator.search import find
from aggregator.store import open_store, search
from tests.publishing import Newsroom


@pytest.fixture
def room(tmp_path: Path) -> Iterator[Newsroom]:
    room = Newsroom(tmp_path)
    yield room
    room.db.close()


def write(
    room: Newsroom, feed: int, guid: str, title: str, original: str = "", summary: str = "本文です。"
) -> int:
    entry = room.entry(feed, guid, title=original or f"Story {guid}")
    room.translate(entry, title, summary)
    return entry


def titles(room: Newsroom, text: str) -> list[str]:
    return [entry.page_title for entry in find(room.db, room.config, text).entries]


def sound(room: Newsroom) -> bool:
    """Tell whether every term that is indexed belongs to a text that is known."""
    room.db.execute(
        "CREATE VIRTUAL TABLE IF NOT EXISTS temp.vocabulary USING fts5vocab (main, search, instance)"
    )
    stored = {
        (term, row["search_id"]) for row in room.db.query("SELECT * FROM searchable")
        for name in ("title", "summary", "original") for term in search.terms(row[name]).split()
    }  # fmt: skip
    indexed = room.db.execute("SELECT DISTINCT term, doc FROM temp.vocabulary").fetchall()
    return stored == set(map(tuple, indexed))


def test_titles_summaries_and_original_titles_are_found(room: Newsroom):
    feed = room.feed()
    write(room, feed, "1", "半導体の工場を建設", "New fab announced")
    write(room, feed, "2", "新しい言語", "Language news", "株価が上がりました。")
    write(room, feed, "3", "カーネルの更新", "Kernel 7.0 and C++")
    room.publish()
    assert titles(room, "半導体") == titles(room, "導体") == titles(room, "fab") == ["半導体の工場を建設"]
    assert titles(room, "株価") == titles(room, "株") == ["新しい言語"]
    assert (
        titles(room, "kernel 7.0")
        == titles(room, "c++")
        == titles(room, "カーネル 更新")
        == ["カーネルの更新"]
    )
    assert titles(room, "体半") == titles(room, "カーネル 半導体") == titles(room, "c#") == []
    assert sound(room)


def test_parts_of_two_runs_are_no_word_and_one_letter_is_found_anywhere(room: Newsroom):
    feed = room.feed()
    write(room, feed, "1", "半導、導体")
    room.publish()
    assert titles(room, "半導体") == []
    for letter in "半導体":
        assert titles(room, letter) == ["半導、導体"]


def test_a_word_finds_longer_ones_that_begin_with_it_a_short_one_itself_alone(room: Newsroom):
    feed = room.feed()
    write(room, feed, "1", "一", "Kernels in the air")
    room.publish()
    assert titles(room, "kernel") == ["一"]
    assert titles(room, "ai") == titles(room, "ernel") == []


def test_titles_come_first_then_what_is_newer(room: Newsroom):
    feed = room.feed()
    for number, (title, summary) in enumerate(
        [("量子一", "x"), ("他一", "量子"), ("量子二", "x"), ("他二", "量子")]
    ):
        write(room, feed, str(number), title, summary=summary)
        room.publish(1)
    assert titles(room, "量子") == ["量子二", "量子一", "他二", "他一"]
    newest_first = search.find(room.db, query("量子"))
    assert [hit.titled for hit in newest_first] == [False, True, False, True]


def test_the_newest_are_looked_at_and_no_more(room: Newsroom, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(search, "MOST", 2)
    feed = room.feed()
    for number in range(4):
        write(room, feed, str(number), f"量子{number}")
        room.publish(1)
    assert titles(room, "量子") == ["量子3", "量子2"]


def test_a_newer_translation_is_found_by_its_words_and_not_by_the_older_ones(room: Newsroom):
    entry = write(room, room.feed(), "1", "半導体", summary="古い要約です。")
    room.publish()
    room.translate(entry, "集積回路", "別の文章です。")
    room.publish(1)
    assert titles(room, "集積回路") == titles(room, "文章") == ["集積回路"]
    assert titles(room, "要約") == []
    assert titles(room, "半導体") == ["集積回路"]  # readers were given it by that name
    assert sound(room)


def test_narrowed_rights_take_the_summary_out(room: Newsroom):
    entry = write(room, room.feed(), "1", "見出し", summary="半導体の話です。")
    room.publish()
    assert titles(room, "半導体") == ["見出し"]
    room.db.execute("UPDATE feeds SET settings = ?", ['{"rights": "titles"}'])
    room.summarise(entry)
    room.publish(1)
    assert titles(room, "半導体") == []
    assert sound(room)


def test_held_entries_are_not_found_untranslated_ones_by_their_words_and_later_as_new(room: Newsroom):
    feed = room.feed()
    waiting = room.entry(feed, "1", title="Quantum kernel")
    room.publish()
    assert titles(room, "quantum") == []
    room.publish(7)
    assert titles(room, "quantum") == ["【未訳】Quantum kernel"]
    assert titles(room, "未訳") == []
    write(room, feed, "2", "量子の話", "Quantum leap")
    room.publish(1)
    room.translate(waiting, "量子カーネル", "文です。")
    room.publish(1)
    assert titles(room, "quantum") == ["量子カーネル", "量子の話"]
    assert sound(room)


def test_a_translation_that_comes_when_no_feed_carries_the_entry_any_more_is_found(room: Newsroom):
    room.settings(untranslated="publish", max_entries=1)
    feed = room.feed()
    late = room.entry(feed, "1", title="Quantum kernel")
    room.publish()
    room.publish(7)
    write(room, feed, "2", "新しい話")
    room.publish(240)
    room.translate(late, "量子カーネル", "文です。")
    room.publish(1)
    assert titles(room, "量子") == ["量子カーネル"]
    assert titles(room, "話") == ["新しい話"]


def test_what_was_withdrawn_is_not_found(room: Newsroom):
    write(room, room.feed(), "1", "半導体")
    room.publish()
    room.db.execute("UPDATE publications SET state = 'withdrawn'")
    assert titles(room, "半導体") == []


def test_forgetting_leaves_no_term_behind(room: Newsroom):
    write(room, room.feed(), "1", "半導体")
    room.publish()
    [row] = room.rows()
    search.forget(room.db, [row["public_id"], "urn:uuid:none"])
    assert room.db.execute("SELECT count(*) FROM searchable").fetchone()[0] == 0
    assert sound(room)


def published_before_there_was_a_search(room: Newsroom) -> None:
    feed = room.feed()
    for number in range(5):
        write(room, feed, str(number), f"量子{number}")
        room.publish(1)
    room.db.execute("DELETE FROM _sqlite_migrations WHERE name = 'entries_found'")
    for table in ("search", "searchable", "search_due"):
        room.db.execute(f"DROP TABLE {table}")
    room.db.close()
    room.db = open_store(room.config.store)


def run_batches(room: Newsroom, monkeypatch: pytest.MonkeyPatch, size: int) -> StageReport:
    monkeypatch.setattr("aggregator.publish.stage.BATCH", size)
    return room.publish(1)


def test_an_older_store_is_filled_in_batches_in_the_order_of_publication(
    room: Newsroom, monkeypatch: pytest.MonkeyPatch
):
    published_before_there_was_a_search(room)
    assert titles(room, "量子") == []
    write(room, 1, "9", "量子9")
    run_batches(room, monkeypatch, 2)
    assert titles(room, "量子") == ["量子9", "量子4", "量子3", "量子2", "量子1", "量子0"]
    assert search.due(room.db, 10) == []
    assert sound(room)


def test_nothing_changed_writes_nothing(room: Newsroom):
    write(room, room.feed(), "1", "半導体")
    room.publish()
    room.path("atom.xml").unlink()
    changes = room.db.conn.total_changes
    with room.db.atomic():
        search.keep(room.db, find(room.db, room.config, "半導体").entries)
    assert room.db.conn.total_changes == changes


def test_pages_of_hits_are_counted_to_the_end():
    assert [found.page_count(total) for total in (0, 1, 30, 31, 1000)] == [0, 1, 1, 2, 34]
