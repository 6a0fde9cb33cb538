"""Numbers by value."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aggregator.translate.quantity import differences, english, hints, japanese, otherwise

AGREE = [
    ("The company raised $2.5 billion.", "同社は25億ドルを調達した。"),
    ("It sold 1 million units.", "100万台を販売した。"),
    ("Some 1,200 engineers signed.", "1200人の技術者が署名した。"),
    ("Prices rose 50%.", "価格は50パーセント上昇した。"),
    ("Prices rose 30%.", "価格は3割上昇した。"),
    ("It starts at 12 p.m.", "正午に始まる。"),
    ("It starts at 9 p.m.", "21時に始まる。"),
    ("It starts at 9 p.m.", "午後9時に始まる。"),
    ("It starts at 9:30 a.m.", "午前9時半に始まる。"),
    ("It has 5 rooms.", "５部屋ある。"),
    ("It has 20 rooms.", "二十の部屋がある。"),
    ("Revenue was $1.2-1.5 billion.", "売上高は12億〜15億ドルだった。"),
    ("Revenue was $1.2-1.5 billion.", "売上高は12～15億ドルだった。"),
    ("The population is 250,500,000.", "人口は2億5050万人。"),
    ("The deal is worth $3.2 trillion.", "取引額は3兆2000億ドル。"),
    ("A 4K display", "4Kディスプレイ"),
    ("It cost $5M.", "500万ドルかかった。"),
    ("About 10k stars", "約1万のスター"),
    ("On Oct. 5, 2026", "2026年10月5日"),
    ("In October 2026", "2026年10月"),
    ("Two million users", "200万人のユーザー"),
    ("Twenty-five years ago", "25年前"),
    ("two decades ago", "20年前"),
    ("in the '90s", "90年代に"),
    ("the class of '21", "2021年の卒業生"),
    ("over 2.8 millions of them", "280万件以上"),
    ("half a million people", "50万人"),
    ("three hundred and fifty thousand", "35万"),
    ("Python 3.14.0 is out", "Python 3.14.0が公開された"),
]
DIFFER = [
    ("The company raised $2.5 billion.", "同社は2.5億ドルを調達した。"),
    ("The company raised $2.5 billion.", "同社は250億ドルを調達した。"),
    ("The company raised $5M.", "同社は5ドルを調達した。"),
    ("It sold 1 million units.", "1万台を販売した。"),
    ("It has 20 rooms.", "部屋がある。"),
    ("It has many rooms.", "20の部屋がある。"),
    ("Prices rose 5%.", "価格は5割上昇した。".replace("5割", "50%")),
    ("It shipped in 2024.", "2025年に出荷された。"),
    ("It starts at 9 p.m.", "午後8時に始まる。"),
    ("It runs from July 26 until August 8.", "9月26日から8月8日まで。"),
    ("Some 1,200 engineers signed.", "1万2000人の技術者が署名した。"),
]


@pytest.mark.parametrize(("source", "translated"), AGREE)
def test_the_same_value_in_other_words_agrees(source, translated):
    assert differences(source, translated, "ja") == ()


@pytest.mark.parametrize(("source", "translated"), DIFFER)
def test_another_value_differs(source, translated):
    assert differences(source, translated, "ja") != ()


def test_a_difference_names_the_number():
    assert differences("It raised $2.5 billion.", "2.5億ドルを調達した。", "ja") == (
        "number missing: $2.5 billion", "number made up: 2.5億",
    )  # fmt: skip


@pytest.mark.parametrize(
    ("source", "translated"),
    [
        ("$2.5 billion", "US$ 2,5 bilhões"),
        ("1,200 people", "1.200 pessoas"),
        ("version 3.5", "versão 3.5"),
        ("40,000", "40 mil"),
    ],
)
def test_decimal_commas_of_other_languages_are_understood(source, translated):
    assert differences(source, translated, "pt") == ()


def test_a_dropped_number_differs_in_other_languages_too():
    assert differences("1,200 people", "muitas pessoas", "pt") == ("number missing: 1,200",)


def test_kanji_numerals_are_read():
    assert Decimal(1234) in otherwise("千二百三十四")
    assert Decimal(2026) in otherwise("二〇二六年")
    assert Decimal(25_0000_0000) in otherwise("二十五億")


@given(st.integers(min_value=1, max_value=10**15))
def test_a_number_written_with_kanji_scales_keeps_its_value(number):
    parts, rest = "", number
    for scale, size in (("兆", 10**12), ("億", 10**8), ("万", 10**4), ("", 1)):
        if rest // size:
            parts += f"{rest // size}{scale}"
        rest %= size
    assert frozenset({Decimal(number)}) in japanese(parts).values()


@given(st.integers(min_value=0, max_value=10**15))
def test_a_number_written_with_commas_keeps_its_value(number):
    assert frozenset({Decimal(number)}) in english(f"{number:,}").values()


@given(st.text(alphabet="0123456789.,:万億千割半 apm-%$kMB二十", max_size=60))
def test_no_text_breaks_the_reading(text):
    english(text), japanese(text), otherwise(text), hints(text)


def test_a_number_too_long_for_arithmetic_is_still_compared():
    assert differences("9" * 60 + " pm", "9" * 60, "ja") == ()
