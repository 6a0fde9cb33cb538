"""Polite endings made plain, and what is left alone."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aggregator.translate.style import headline, instruction, plain


@pytest.mark.parametrize(
    ("polite", "plainly"),
    [
        ("同社は新製品を発表しました。", "同社は新製品を発表した。"),
        ("同社は新製品を公開します", "同社は新製品を公開する"),
        ("この仕様では書けません。", "この仕様では書けない。"),
        ("誰も気づいていませんでした。", "誰も気づいていなかった。"),
        ("問題はありませんでした。", "問題はなかった。"),
        ("利用者は増えています。", "利用者は増えている。"),
        ("結果を次に示します。", "結果を次に示す。"),
        ("改善を目指します。", "改善を目指す。"),
        ("エラーを表示します。", "エラーを表示する。"),
        ("料金を払いました。", "料金を払った。"),
        ("支援を続けました。", "支援を続けた。"),
        ("議論が続きました。", "議論が続いた。"),
        ("性能が変わりません。", "性能が変わらない。"),
        ("新機能を含みます。", "新機能を含む。"),
        ("新機能を含みました。", "新機能を含んだ。"),
        ("攻撃を防ぎました。", "攻撃を防いだ。"),
        ("来月開発者を呼びます。", "来月開発者を呼ぶ。"),
        ("利用者が待ちました。", "利用者が待った。"),
        ("無料で利用できます。", "無料で利用できる。"),
        ("公開は来月の予定です。", "公開は来月の予定だ。"),
        ("価格は500ドルでした。", "価格は500ドルだった。"),
        ("電池の持ちは長いです。", "電池の持ちは長い。"),
        ("原因は不明なのです。", "原因は不明なのだ。"),
        ("値上げは避けられないでしょう。", "値上げは避けられないだろう。"),
    ],
)
def test_a_polite_ending_is_made_plain(polite: str, plainly: str):
    assert plain(polite) == plainly


@pytest.mark.parametrize(
    "sentence",
    [
        "同社は新製品を発表した。",  # plain already
        "人員削減を計画",
        "同氏は「無料です」",  # what somebody said
        "詳細は公式サイトをご覧ください。",
        "試してみましょう。",
        "本当に安全ですか？",
        "本を借ります。",  # 借りる, though most in りる are る
        "電車を降りました。",
        "期待に応じます。",  # じる or ずる
        "電池が落ちます。",
        "例外を許します。",  # 許す or 許する
        "The update is out.",
        "",
    ],
)
def test_what_is_not_certain_stays(sentence: str):
    assert plain(sentence) == sentence


@pytest.mark.parametrize(
    ("title", "as_headline"),
    [
        ("新型チップを公開しました。", "新型チップを公開した"),
        ("最速の新型チップです。", "最速の新型チップ"),
        ("利用者が増えています", "利用者が増えている"),
        ("新型チップを公開。", "新型チップを公開"),
        ("データ流出を否定", "データ流出を否定"),
    ],
)
def test_a_headline_ends_plainly(title: str, as_headline: str):
    assert headline(title) == as_headline


@given(st.text(alphabet="です。ますしたませんきりい行書借公開ア", max_size=12))
def test_what_is_plain_stays_plain(text: str):
    once = plain(text)
    assert once.endswith("。") == text.endswith("。")
    assert text.endswith(("す", "た", "ん", "す。", "た。", "ん。", "しょう", "しょう。")) or once == text


def test_both_styles_can_be_asked_for():
    assert "です・ます style" in instruction("です・ます")
    assert "である style" in instruction("である")


@pytest.mark.parametrize(
    ("asked", "shown"),
    [
        ("なぜRustを使わないのですか？", "なぜRustを使わないのか？"),
        ("AIは仕事を奪うのでしょうか", "AIは仕事を奪うのか"),
        ("コンパイラはどう動きますか？", "コンパイラはどう動くか？"),
        ("WebAssemblyとは何ですか", "WebAssemblyとは何か"),
        ("障害の原因は何でしょうか？", "障害の原因は何だろうか？"),
        ("障害はなぜ起きましたか？", "障害はなぜ起きましたか？"),
        ("次は何が来ますか？", "次は何が来るか？"),
        ("一緒に作りませんか？", "一緒に作りませんか？"),
        ("違いはなんですか？", "違いはなんですか？"),
        ("お茶はいかがですか？", "お茶はいかがですか？"),
        ("ほかの方法はいかがでしょうか？", "ほかの方法はいかがでしょうか？"),
        ("どのデータを借りますか？", "どのデータを借りますか？"),
    ],
)
def test_a_headline_asks_plainly(asked: str, shown: str):
    assert headline(asked) == shown
    assert headline(shown) == shown
