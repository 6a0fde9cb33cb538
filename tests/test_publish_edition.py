"""Rights, frozen bodies, order and cut of editions."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aggregator.model import CommentCount, Enclosure, SourceRef
from aggregator.publish import edition
from aggregator.publish.body import frozen_body
from aggregator.publish.edition import (
    Facts,
    Publication,
    Translated,
    cut,
    limited,
    ordered,
    present,
)

T = datetime(2026, 11, 24, 3, 0, tzinfo=UTC)
SOURCE = SourceRef(
    feed_title="Kernel Weekly", site_url="https://kw.example/", permalink="https://kw.example/1",
    feed_url="https://kw.example/feed",
)  # fmt: skip
ROW = Publication(
    public_id="urn:uuid:1", story_id=1, slug="2026/11/1", state="translated", held_at=T,
    first_published_at=T, updated_at=T, title="見出し", body="<p>本文</p>",
)  # fmt: skip
JAPANESE = Translated(
    engine="firefox",
    model="enja",
    title="見出し",
    summary="一。\n二。\n三。\n四。",
    story="甲。\n乙。\n\n丙。",
    current=True,
)
FACTS = Facts(
    publication=ROW, title="Title", summary="One.\nTwo.\nThree.\nFour.", story="A.\nB.\n\nC.",
    translated=JAPANESE, rights="excerpt", sources=(SOURCE,), sort_at=T, permalink="https://kw.example/1",
    authors=("Ida Voss",),
)  # fmt: skip


def test_titles_shows_no_text():
    assert limited("titles", "一。\n二。", "甲。") == ((), ())


def test_an_excerpt_is_three_sentences_and_no_story():
    assert limited("excerpt", "一。\n二。\n三。\n四。", "甲。") == (("一。", "二。", "三。"), ())


def test_full_shows_all_sentences_and_the_story_in_paragraphs():
    shown = limited("full", "一。\n二。\n三。\n四。", "甲。\n乙。\n\n丙。")
    assert shown == (("一。", "二。", "三。", "四。"), (("甲。", "乙。"), ("丙。",)))


def test_an_excerpt_leaves_out_the_sentence_that_would_pass_300_japanese_characters():
    first, second = "あ" * 200, "い" * 101
    assert limited("excerpt", f"{first}\n{second}", "") == ((first,), ())
    assert limited("excerpt", f"{first}\n{second[:100]}", "") == ((first, second[:100]), ())


def test_a_single_sentence_that_is_too_long_is_cut_with_an_ellipsis():
    assert limited("excerpt", "あ" * 400, "") == (("あ" * 299 + "…",), ())


@given(st.lists(st.text(st.characters(exclude_categories=["C", "Z"]), min_size=1, max_size=700), max_size=6))
def test_no_excerpt_is_longer_than_its_limits(lines: list[str]):
    sentences, story = limited("excerpt", "\n".join(lines), "story")
    assert len(sentences) <= 3
    assert sum(map(edition._width, sentences)) <= 600
    assert story == ()


def test_the_body_starts_with_the_summary_and_then_names_original_feed_author_and_engine():
    assert frozen_body(FACTS) == (
        '<blockquote cite="https://kw.example/1"><p>一。二。三。</p></blockquote>'
        '<p>原題: <a href="https://kw.example/1" lang="en">Title</a> / Kernel Weekly / Ida Voss / '
        "機械翻訳: firefox enja</p>"
    )


def test_a_full_body_is_no_quotation():
    assert frozen_body(replace(FACTS, rights="full")).startswith("<p>一。二。三。四。</p><p>原題")


def test_a_titles_body_holds_the_link_alone():
    assert frozen_body(replace(FACTS, rights="titles")).startswith("<p>原題: <a href")


def test_an_untranslated_body_is_english_and_says_so():
    body = frozen_body(replace(FACTS, translated=None))
    assert '<p lang="en">One. Two. Three.</p>' in body
    assert body.endswith("<p>Kernel Weekly / Ida Voss / 未訳</p>")


def test_what_was_japanese_already_names_no_machine():
    body = frozen_body(replace(FACTS, translated=replace(JAPANESE, engine="original")))
    assert "機械翻訳" not in body
    assert "原題" not in body


def test_the_body_links_each_discussion_once_and_never_counts():
    counts = (CommentCount(source="feed", count=41, url="https://talk.example/9"),)
    body = frozen_body(replace(FACTS, comments_url="https://talk.example/9", counts=counts))
    assert body.endswith('<p>ディスカッション: <a href="https://talk.example/9">talk.example</a></p>')
    assert "41" not in body


def test_markup_in_feed_text_is_escaped_in_the_body():
    body = frozen_body(replace(FACTS, translated=replace(JAPANESE, summary="<img src=x>"), authors=("<b>",)))
    assert "<img" not in body
    assert "<b>" not in body


@pytest.mark.parametrize("url", ["javascript:alert(1)", "data:text/html,x", "/relative", "", None])
def test_only_web_addresses_become_links(url: str | None):
    facts = replace(FACTS, permalink=url, comments_url=url, enclosures=(Enclosure(url=url or "x"),))
    assert "href" not in frozen_body(facts)
    assert "cite" not in frozen_body(facts)
    entry = present(facts)
    assert (entry.permalink, entry.comments_url, entry.enclosures) == (None, None, ())


def test_an_engine_cannot_bring_in_characters_that_are_illegal_in_xml():
    facts = replace(FACTS, translated=replace(JAPANESE, title="見\x00出\ufffeし", summary="一\x0b。"))
    assert present(facts).page_title == "見出し"
    assert present(facts).summary == ("一。",)


def test_a_title_is_never_empty():
    assert edition.shown_title(replace(FACTS, title="", translated=None)) == "【未訳】https://kw.example/1"


def test_the_page_may_show_a_newer_translation_than_the_feed():
    entry = present(replace(FACTS, translated=replace(JAPANESE, title="新しい見出し")))
    assert (entry.title, entry.page_title) == ("見出し", "新しい見出し")


def test_a_held_publication_cannot_be_shown():
    with pytest.raises(ValueError, match="held"):
        present(replace(FACTS, publication=replace(ROW, state="held", first_published_at=None)))


def story(public_id: str, hours: float, sort_hours: float = 0) -> Facts:
    at = T - timedelta(hours=hours)
    row = replace(ROW, public_id=public_id, first_published_at=at, updated_at=at)
    return replace(FACTS, publication=row, sort_at=T - timedelta(hours=sort_hours))


def test_entries_are_ordered_by_first_publication_then_age_then_id():
    entries = ordered([story("b", 1, 1), story("d", 2), story("a", 1, 1), story("c", 1, 0)])
    assert [entry.public_id for entry in entries] == ["c", "a", "b", "d"]


def test_the_last_48_hours_stay_whatever_the_limit():
    entries = ordered([story("a", 0), story("b", 47), story("c", 48), story("d", 49)])
    assert [entry.public_id for entry in cut(entries, 1)] == ["a", "b", "c"]


def test_the_limit_holds_for_what_is_older():
    entries = ordered([story("a", 0), story("b", 100), story("c", 200)])
    assert [entry.public_id for entry in cut(entries, 2)] == ["a", "b"]


def test_48_hours_count_from_the_newest_entry_and_not_from_the_clock():
    entries = ordered([story("a", 1000), story("b", 1040)])
    assert [entry.public_id for entry in cut(entries, 1)] == ["a", "b"]


def test_an_edition_is_as_new_as_its_newest_update():
    entries = tuple(ordered([story("a", 3), story("b", 5)]))
    assert edition.compose("main", "x", entries).updated_at == T - timedelta(hours=3)
    assert edition.compose("main", "x", ()).updated_at is None


def test_the_byline_names_author_and_feed():
    assert edition.byline(present(FACTS)) == "Ida Voss (Kernel Weekly)"
    assert edition.byline(present(replace(FACTS, authors=()))) == "Kernel Weekly"


@pytest.mark.parametrize(
    ("language", "tag"),
    [("en_US", "en-US"), ("de", "de"), (None, "en"), ("", "en"), ("English (US)", "en"), ('"><b>', "en")],
)
def test_the_language_of_a_source_is_written_as_a_tag_or_is_english(language: str | None, tag: str):
    facts = replace(FACTS, language=language)
    assert present(facts).original_language == tag
    assert f' lang="{tag}"' in frozen_body(facts)


@pytest.mark.parametrize("language", [None, "en", "ja_JP"])
def test_what_passed_through_in_japanese_is_japanese_whatever_its_feed_says(language: str | None):
    passed = replace(JAPANESE, engine="original", model="")
    facts = replace(FACTS, title="日本語の記事です", translated=passed, language=language)
    assert present(facts).original_language == "ja"
    english = replace(FACTS, title="PostgreSQL 18 RC1", summary="", translated=passed)
    assert present(english).original_language == "en"


def test_a_source_without_a_title_is_named_by_its_address():
    untitled = replace(FACTS, title="", rights="titles")
    assert frozen_body(untitled).startswith(
        '<p>原文: <a href="https://kw.example/1">https://kw.example/1</a> / Kernel Weekly / '
    )
    assert frozen_body(replace(untitled, permalink=None)).startswith("<p>Kernel Weekly / ")
