"""Segments and placeholders."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aggregator.translate.segment import Title, join_title, mask, split_title, unmask

FORM = "[{n}]"


def test_code_urls_addresses_emoji_and_names_leave_the_text():
    text = "Run `make all`, see https://example.com/a?b=1, mail dev@example.com 🎉 about Rust."
    masked = mask(text, ("Rust",), FORM)
    assert masked.text == "Run [1], see [2], mail [3] [4] about [5]."
    assert masked.originals == ("`make all`", "https://example.com/a?b=1", "dev@example.com", "🎉", "Rust")


def test_originals_come_back_in_the_translations_order():
    masked = mask("Use `b` after `a`", (), FORM)
    assert unmask(masked, "[2]の後に[1]を使う") == "`a`の後に`b`を使う"


@pytest.mark.parametrize("translated", ["[1]を使う", "[1]と[1]を使う", "[1]と[2]と[3]を使う", "使う"])
def test_a_lost_doubled_or_invented_placeholder_is_noticed(translated):
    assert unmask(mask("Use `a` and `b`", (), FORM), translated) is None


def test_an_invented_placeholder_is_noticed_where_there_was_none():
    assert unmask(mask("Use it", (), FORM), "[1]を使う") is None


def test_text_that_looks_like_a_placeholder_does_not_collide():
    masked = mask("See [1] and `x`", (), FORM)
    assert masked.text == "See [1] and [2]"
    assert unmask(masked, "[2]と[1]を参照") == "`x`と[1]を参照"


def test_names_are_found_whole_and_the_longest_first():
    keep = ("Java", "Red Hat", "Red Hat Enterprise Linux", "Node.js")
    masked = mask("JavaScript, Red Hat Enterprise Linux, Red Hat's Node.js-based tool", keep, FORM)
    assert masked.text == "JavaScript, [1], [2]'s [3]-based tool"


def test_a_term_comes_back_as_its_rendering():
    masked = mask("Two Startups and a startup-like firm", (), FORM, (("startup", "スタートアップ"),))
    assert masked.text == "Two [1] and a [2]-like firm"
    assert unmask(masked, "[2]的企業と[1]2社") == "スタートアップ的企業とスタートアップ2社"


def test_a_url_ends_before_closing_punctuation_and_before_japanese():
    assert mask("(see https://example.com/x).", (), FORM).originals == ("https://example.com/x",)
    assert mask("https://example.com/xを見る", (), FORM).originals == ("https://example.com/x",)


@given(st.text(alphabet="ab [1]`%XQ.://htps@é日", max_size=60), st.sampled_from(["[{n}]", "XQ{n}X"]))
def test_masking_and_unmasking_gives_the_text_back(text, form):
    masked = mask(text, ("ab",), form)
    assert unmask(masked, masked.text) == text


@pytest.mark.parametrize(
    ("title", "head", "core", "tail"),
    [
        ("Show HN: A tiny editor", "Show HN: ", "A tiny editor", ""),
        ("Ask HN: Who is hiring?", "Ask HN: ", "Who is hiring?", ""),
        ("A theory of caches [pdf]", "", "A theory of caches", " [pdf]"),
        ("On locks (2019) [pdf]", "", "On locks", " (2019) [pdf]"),
        ("The year (2019) in review", "", "The year (2019) in review", ""),
        ("[pdf]", "", "[pdf]", ""),
    ],
)
def test_a_titles_tags_stay_outside(title, head, core, tail):
    assert split_title(title) == Title(head, core, tail)
    assert join_title(split_title(title), core, "pt") == title


@pytest.mark.parametrize(
    ("title", "core", "japanese"),
    [
        ("Ask HN: Who is hiring?", "採用中の企業は？", "Ask HN：採用中の企業は？"),
        ("A theory of caches [pdf]", "キャッシュの理論。", "キャッシュの理論[PDF]"),
        ("[Video] How it works", "その仕組み", "[動画]その仕組み"),
        ("A new editor arrives", "新しいエディターが登場した。", "新しいエディターが登場した"),
        ("It is out. Get it.", "公開された。入手しよう。", "公開された。入手しよう。"),
    ],
)
def test_a_japanese_headline_reads_like_one(title, core, japanese):
    assert join_title(split_title(title), core, "ja") == japanese


def test_tags_are_japanese_where_that_is_natural():
    assert join_title(split_title("Show HN: On locks (2019) [video]"), "ロックについて", "ja") == (
        "Show HN：ロックについて（2019年）[動画]"
    )
