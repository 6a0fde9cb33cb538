"""What may be shown and what may not."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aggregator.translate.check import check, has_words, is_chinese_only, japanese_share

PASS = [
    ("PostgreSQL 18 RC1", "PostgreSQL 18 RC1"),
    ("Django 5.2.1", "Django 5.2.1"),
    ("Alpine Linux 3.22 Beta 2", "Alpine Linux 3.22 Beta 2"),
    ("OpenAI denies the report", "OpenAIが報道を否定"),
    ("The company raised $2.5 billion in 2026.", "同社は2026年に25億ドルを調達した。"),
    (
        "See https://example.com/a for version 1.2.3.",
        "バージョン1.2.3についてはhttps://example.com/aを参照。",
    ),
    ("The command `git push` now asks first.", "`git push`コマンドは最初に確認するようになった。"),
    ("Shenzhen firms list in Hong Kong", "深圳の企業が香港で上場"),
    ("Bug fixes", "バグ修正"),
    ("The battery lasts up to 20 hours", "電池は20時間持続"),
    ("It lasts up to 20 hours and weighs more than 3 kg", "20時間以上持続し、重さは3kg超"),
    ("No more than 3 users can join", "参加できるのは3人まで"),
    ("The court rejected the bid", "裁判所が申し立てを退けた"),
    ("Example denies plan to cut jobs", "Example、人員削減計画を否定"),
    ("Ha ha ha, very very very funny", "ハハハ、とてもとてもとても面白い"),
    ("Sorry, we are closed", "申し訳ありませんが、閉店しました"),
    ("Tokyo exchange approves listing", "東京証券取引所、新規上場承認"),
    ("Yes, it runs Doom", "はい、Doomが動きます"),
    ("No, we were not hacked", "いいえ、ハッキングされていません"),
    ("Don't use this in production", "本番環境での使用は禁止"),
    ("The update is not only faster but also smaller", "更新版は速い上に小さい"),
    ("Meeting notes go straight to the archive", "会議メモは直接口頭で記録へ"),
]
RAISED = "The company raised $2.5 billion from 12 investors in 2026."
LONG = "The new release improves performance and fixes several security issues found last year."
TRAPS = {
    "empty": (LONG, " "),
    "English echo": (LONG, LONG),
    "echo of a title": ("New Features In Python", "New Features In Python"),
    "half English": (LONG, "新しいリリースは improves performance and fixes several 問題を修正する。"),
    "English tail": (LONG, "新リリースは性能を改善し、found last year in the review。"),
    "wrong scale": (RAISED, "同社は2026年に12の投資家から2.5億ドルを調達した。"),
    "dropped number": (RAISED, "同社は2026年に複数の投資家から25億ドルを調達した。"),
    "other year": (RAISED, "同社は2025年に12の投資家から25億ドルを調達した。"),
    "invented number": (LONG, "新しいリリースは性能を40%改善し、昨年見つかった問題を修正した。"),
    "simplified Chinese": (LONG, "新版本提高了性能，并修复了去年发现的几个安全问题。"),
    "one Chinese word": (LONG, "新しいリリースは性能を改善し、这で昨年の問題を修正した。"),
    "traditional Chinese": (LONG, "新版本提升了性能和修復去年的安全問題對大家是好的"),
    "Korean": (LONG, "新しいリリースは성능を改善し、昨年見つかった問題を修正した。"),
    "Russian": (LONG, "新しいリリースはпроизводительностьを改善し、昨年の問題を修正した。"),
    "Chinese word": (LONG, "新しいリリースは内核の性能を改善し、昨年の問題を修正した。"),
    "Chinese plastic": ("Shops give up plastic bags", "店舗が塑料袋を廃止"),
    "Chinese company": ("Microsoft confirms the outage", "微軟が障害を確認"),
    "no turned into yes": ("No, Example was not hacked", "はい、Exampleはハッキングされました"),
    "yes turned into no": ("Yes, you can run it on a phone", "いいえ、それはスマホで動きます"),
    "yes alone": ("Is Rust ready for it?", "はい。"),
    "answered question": ("Is this secure enough?", "これは安全ですか？はい、安全です。"),
    "negation lost": ("The company said it will not raise prices", "同社は値上げすると述べた"),
    "up to, turned": ("The battery lasts up to 20 hours", "電池は20時間以上持続"),
    "less than, turned": ("It costs less than $300", "価格は300ドルを超える"),
    "more than, turned": ("More than 40 firms signed", "40社未満が署名"),
    "at least, turned": ("At least 12 schools were hit", "被害は最大12校"),
    "denial lost": ("Example denies plan to cut jobs", "Example、人員削減を計画"),
    "refusal lost": ("The court overturned the fine", "裁判所が罰金を命じた"),
    "a guess told as a fact": ("The deal could collapse, analysts say", "取引が破談、アナリスト発表"),
    "a past guess told as a fact": ("Example may have known about it.", "Exampleはこれを知っていた。"),
    "hearsay told as a fact": ("Example reportedly cuts jobs", "Example、人員を削減"),
    "buyer and bought swapped": ("Example acquires Sampleton", "Sampleton、Exampleを買収"),
    "translator's note": (LONG, "新しいリリースは性能を改善し、問題を修正した。（訳注：意訳）"),
    "half a name": ("Saltmarsh Robotics wins a prize", "スaltmarsh Roboticsが受賞"),
    "loop": (LONG, "新しいリリースは性能を性能を性能を改善した。"),
    "loop with words between": (
        LONG, "新しいリリースは改善する。また新しいリリースは改善し、そして新しいリリースは改善し続ける。"
    ),
    "refusal": (LONG, "申し訳ありませんが、翻訳できません。"),
    "refusal in English": (LONG, "I'm sorry, but I can't translate this text. 申し訳ありません。"),
    "assistant": (LONG, "以下は日本語の翻訳です：新しいリリースは性能を改善した。"),
    "label": (LONG, "日本語：新しいリリースは性能を改善し、昨年見つかった問題を修正した。"),
    "leaked prompt": (LONG, "新しいリリースは性能を改善した。 English: The new release"),
    "as an AI": (LONG, "As an AI、新しいリリースは性能を改善し、問題を修正した。"),
    "ten times longer": (LONG, "新しい版では性能が向上し、" + "".join(map(chr, range(0x3042, 0x3090))) * 9),
    "far too short": (LONG, "改善。"),
    "JSON": (LONG, '{"translation": "新しいリリースは性能を改善し、問題を修正した。"}'),
    "JSON list": (LONG, '["新しいリリースは性能を改善し、問題を修正した。"]'),
    "markup": (LONG, "<b>新しいリリース</b>は性能を改善し、昨年見つかった問題を修正した。"),
    "entity": (LONG, "新しいリリースは性能&amp;安全性を改善し、昨年見つかった問題を修正した。"),
    "markdown": (LONG, "**新しいリリース**は性能を改善し、昨年見つかった問題を修正した。"),
    "second line": (LONG, "新しいリリースは性能を改善し、\n昨年見つかった問題を修正した。"),
    "special token": (LONG, "新しいリリースは性能を改善し、昨年の問題を修正した。<|im_end|>"),
    "full-width URL": (
        "See https://example.com/a for it.", "ｈｔｔｐｓ：／／ｅｘａｍｐｌｅ．ｃｏｍ／ａを参照。"
    ),
    "lost URL": ("See https://example.com/a for more.", "詳細を参照。"),
    "other URL": ("See https://example.com/a now.", "https://example.com/a とhttps://evil.example/を参照。"),
    "lost address": ("Write to dev@example.com today.", "今日メールを書いてください。"),
    "other version": ("Version 1.2.3 is out now.", "バージョン1.2.4が公開された。"),
    "replacement character": (LONG, "新しいリリースは性能\ufffdを改善し、昨年見つかった問題を修正した。"),
    "no script at all": (LONG, "... --- ... --- ... --- ... --- ... ---"),
}  # fmt: skip


@pytest.mark.parametrize(("source", "translated"), PASS)
def test_a_good_translation_passes(source, translated):
    assert check(source, translated, "ja") == ()


@pytest.mark.parametrize("trap", TRAPS)
def test_nonsense_is_refused(trap):
    assert check(*TRAPS[trap], "ja") != ()


@pytest.mark.parametrize(
    ("trap", "reason"),
    [
        ("empty", "empty"), ("English echo", "English left"), ("simplified Chinese", "not Japanese"),
        ("traditional Chinese", "Chinese sentence"), ("loop", "repeats"), ("assistant", "assistant talk"),
        ("ten times longer", "too long"), ("far too short", "too short"), ("JSON", "markup"),
        ("full-width URL", "lost: https://example.com/a"), ("wrong scale", "number missing: $2.5 billion"),
        ("second line", "control character"), ("other URL", "made up: https://evil.example/"),
    ],
)  # fmt: skip
def test_the_reason_is_named(trap, reason):
    assert any(found.startswith(reason) for found in check(*TRAPS[trap], "ja"))


def test_another_target_needs_no_japanese_script_but_all_else():
    source = "The company raised $2.5 billion, see https://example.com/a."
    assert check(source, "A empresa captou US$ 2,5 bilhões, veja https://example.com/a.", "pt") == ()
    assert check(source, "A empresa captou US$ 3,5 bilhões, veja https://example.com/a.", "pt") != ()
    assert check(source, "A empresa captou US$ 2,5 bilhões, veja aqui mesmo agora.", "pt") != ()


@pytest.mark.parametrize(
    "text",
    [
        "PostgreSQL 18 RC1",
        "Node.js v22.1.0",
        "Zig",
        "`make all`",
        "https://example.com/",
        "`for x in the list`",
        "https://example.com/ `to the end`",
        "Rust 1.85.0",
        "🎉 42",
        "REST API",
        "JSON",
    ],
)
def test_names_and_versions_leave_no_words(text):
    assert not has_words(text)


@pytest.mark.parametrize(
    "text",
    [
        "Django 5.2 released",
        "New Features In Python",
        "OpenAI Sues Meta",
        "why?",
        "Привет, мир",
        "Bug fixes",
        "MICROSOFT BUYS STARTUP",
        "iPhone LEAKS",
        "Outage.",
    ],
)
def test_words_are_seen(text):
    assert has_words(text)


def test_chinese_only_characters_are_known_without_those_japanese_shares():
    assert all(map(is_chinese_only, "这说们发现问题复"[:5]))
    assert not any(map(is_chinese_only, "東京国学会社高々圳"))


def test_the_japanese_share_asks_for_kana():
    assert japanese_share("これは日本語です") == 1.0
    assert japanese_share("新版本提高了性能") == 0.0
    assert japanese_share("Rust 1.85") == 0.0


@given(st.text(max_size=80), st.text(max_size=80))
def test_no_text_breaks_the_check(source, translated):
    assert isinstance(check(source, translated, "ja"), tuple)


@pytest.mark.parametrize(
    "piece", ["a", "aA", "1", "。", "、a", "あ", "a b ", "<a", "http://a", "&a", "1,1", "(", "`"]
)
@pytest.mark.timeout(5)
def test_hostile_text_is_checked_in_time(piece):
    check(piece * 3000, "あ" + piece * 3000, "ja")
