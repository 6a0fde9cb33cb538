"""How long bodies may be, and what stays of them."""

import html
from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aggregator.publish import room
from aggregator.publish.body import frozen_body, quoted
from aggregator.publish.edition import compose
from aggregator.publish.feeds import documents
from aggregator.publish.promote import promote, republish
from tests.test_publish_edition import FACTS, JAPANESE, T
from tests.test_publish_feeds import ENTRY, SITE

HOUR = timedelta(hours=1)
LONG = replace(FACTS, translated=replace(JAPANESE, summary="\n".join(["あ" * 60 + "。"] * 3)))


def size(markup: str) -> int:
    return len(html.escape(markup, quote=False).encode())


def test_what_comes_is_expected_at_the_pace_of_two_days_or_of_six_hours():
    assert room.expected([], T) == 0
    assert room.expected([T - HOUR * hours for hours in range(48)], T) == 48
    assert room.expected([T - HOUR * hours for hours in range(6, 60)], T) == 42
    assert room.expected([T - HOUR] * 20, T) == 160


@pytest.mark.parametrize(
    ("entries", "expected"), [(0, None), (434, None), (435, 1248), (600, 616), (2000, 0)]
)
def test_a_body_is_cut_where_a_megabyte_would_not_hold_two_days(entries: int, expected: int | None):
    assert room.room(entries) == expected


@given(st.text(max_size=200), st.integers(0, 2000), st.sampled_from(["excerpt", "full", "titles"]))
def test_an_excerpt_never_takes_more_than_its_room(text: str, left: int, rights: str):
    facts = replace(FACTS, rights=rights, translated=replace(JAPANESE, summary=f"{text}\n{text}<&>"))
    assert size(quoted(facts, left)) <= left


def test_whole_sentences_are_kept_while_there_is_room_and_the_first_is_cut_last():
    assert "機械翻訳" in frozen_body(LONG, 0)
    kept = [quoted(LONG, left).count("。") for left in (700, 500, 300)]
    assert kept == [3, 2, 1]
    assert quoted(LONG, 220).endswith("あ…</p></blockquote>")
    assert quoted(LONG, 150) == ""


def test_a_body_without_room_names_original_title_and_machine():
    assert frozen_body(LONG, 0) == "<p>原題: Title / 機械翻訳: firefox</p>"
    assert frozen_body(replace(LONG, translated=None), 0) == "<p>未訳</p>"
    written = replace(LONG, translated=replace(JAPANESE, written=True))
    assert frozen_body(written, 400).startswith(
        "<p>一。二。三。（AIによる要約）</p><p>原題: Title / AIによる要約 / "
    )


def test_a_body_stays_as_short_as_it_was_frozen():
    held = replace(LONG, publication=replace(LONG.publication, state="held", first_published_at=None))
    row = promote(held, T, 6 * HOUR, publish_untranslated=False, room=300)
    assert row is not None
    assert (row.room, row.body) == (300, frozen_body(LONG, 300))
    published = replace(LONG, publication=row)
    assert promote(published, T + HOUR, 6 * HOUR, publish_untranslated=False, room=None) is None
    assert republish(published, T + HOUR) is None
    narrowed = promote(replace(published, rights="full"), T, 6 * HOUR, publish_untranslated=False)
    assert narrowed is not None
    assert narrowed.body == frozen_body(replace(LONG, rights="full"), 300)
    better = replace(published, translated=replace(JAPANESE, title="別の見出し", summary="別の文。"))
    again = republish(better, T + HOUR)
    assert again is not None
    assert again.body == frozen_body(better, 300)


def test_a_document_that_would_be_too_long_holds_the_newest_entries():
    entries = tuple(replace(ENTRY, public_id=f"urn:{n}", body_html="あ" * 2000) for n in range(300))
    for document in documents((compose("main", "t", entries),), SITE):
        assert room.MOST * 0.9 < len(document.body) <= room.MOST
        text = document.body.decode()
        assert "urn:0" in text
        assert "urn:299" not in text


def test_one_entry_is_written_however_long_it_is():
    entry = replace(ENTRY, body_html="あ" * 400_000)
    assert all(b"urn:uuid" in d.body for d in documents((compose("main", "t", (entry, entry)),), SITE))
