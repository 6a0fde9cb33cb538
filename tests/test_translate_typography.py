"""Japanese punctuation, width and spacing."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aggregator.translate.segment import VERBATIM
from aggregator.translate.typography import typeset


@pytest.mark.parametrize(
    ("written", "typeset_"),
    [
        ("ＡＢＣが１２３件、２．５％増", "ABCが123件、2.5%増"),
        ("ﾃｽﾄに合格｡", "テストに合格。"),
        ("東京（Tokyo)と大阪(Osaka）で", "東京（Tokyo）と大阪（Osaka）で"),
        ("更新した,そして公開した.", "更新した、そして公開した。"),
        ("同社は1,000台,または2.5万台を売る", "同社は1,000台、または2.5万台を売る"),
        ("本当か?本当だ!", "本当か？本当だ！"),
        ("新機能: 高速な検索", "新機能：高速な検索"),
        ("開始は10:30だ", "開始は10:30だ"),
        ("同社は“無料だ”と述べた", "同社は「無料だ」と述べた"),
        ('同社は"無料だ"と述べた', "同社は「無料だ」と述べた"),
        ('15"の画面を搭載', '15"の画面を搭載'),
        ("「“速い”と言われた」と述べた", "「『速い』と言われた」と述べた"),
        ("東京(AP)の発表", "東京（AP）の発表"),
        ("Rails (5.2)を公開", "Rails （5.2）を公開".replace(" ", "")),
        ("関数f(x)を呼ぶ", "関数f(x)を呼ぶ"),
        ("関数foo()を呼ぶ", "関数foo()を呼ぶ"),
        ("Linux 6.1 の カーネル", "Linux 6.1の カーネル"),
        ("公開した 。 次は来月", "公開した。次は来月"),
        ("次の.NETは来月", "次の.NETは来月"),
        ("待って...ほしい", "待って…ほしい"),
        ("詳細は https://example.com/a?b=1,2 を参照.", "詳細はhttps://example.com/a?b=1,2を参照。"),
        ("`a , b` を実行 !", "`a , b`を実行！"),
        ("[1]と[2]を使う", "[1]と[2]を使う"),
        ("C++ と C# を使う", "C++とC#を使う"),
        ("It's all English, (really)!", "It's all English, (really)!"),
    ],
)
def test_a_translation_is_written_one_way(written, typeset_):
    assert typeset(written) == typeset_


def test_a_name_that_is_handed_in_keeps_its_punctuation():
    assert typeset("検索はYahoo! Japan:版 を使う", ("Yahoo! Japan:版",)) == "検索はYahoo! Japan:版を使う"


PIECES = st.sampled_from(
    [
        *"日あーア、。「」『』（）！？：；…“”\"'()[]!?:;,.abZ09１２Ａｱ｡､，．％ \u3000/-", "...", "`x , y`",
        "https://e.com/a,b?c(d)", "a@b.example", "[1]", "http", "://", "。。。", "\ue000",
    ]
)  # fmt: skip
TEXT = st.lists(PIECES, max_size=25).map("".join)


@given(TEXT)
def test_what_is_typeset_stays_so(text):
    assert typeset(typeset(text)) == typeset(text)


@given(TEXT)
def test_addresses_and_code_survive(text):
    kept = typeset(text)
    assert all(literal in kept for literal in VERBATIM.findall(text))


@given(TEXT)
def test_no_letter_or_digit_is_lost(text):
    def letters(value):
        return [c for c in unicodedata.normalize("NFKC", value) if c.isalnum()]

    assert letters(typeset(text)) == letters(text)


@pytest.mark.parametrize(
    "piece", ["あ ", "(", "（", '"', "“", "あ,", "a あ", "`", "「", ".", "http://a", ":/"]
)
@pytest.mark.timeout(5)
def test_hostile_text_is_typeset_in_time(piece):
    typeset("あ" + piece * 5000)
