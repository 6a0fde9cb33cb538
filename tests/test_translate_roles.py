"""Two names that change places. All companies are invented."""

import pytest

from aggregator.translate.roles import swapped

TURNED = [
    ("Foxglove takes over Larkwell", "ラークウェル、フォックスグローブを買収"),
    ("Hazelmere sued Pentland on Monday.", "ペントランド社は月曜日、ヘイゼルミア社を提訴した。"),
    ("Ravenport overtakes rival Millbrook", "Millbrook、競合のRavenportを抜く"),
    ("Foxglove was bought by Larkwell", "フォックスグローブ、ラークウェルを買収"),
    ("Tarnside sells its cloud unit to Dovedale", "ダブデールがクラウド部門をターンサイドに売却"),
    ("Tarnside buys 40 servers from Dovedale", "Dovedale、Tarnsideからサーバー40台を購入"),
]
RIGHT = [
    ("Foxglove takes over Larkwell", "フォックスグローブ、ラークウェルを買収"),
    ("Foxglove takes over Larkwell", "ラークウェル、フォックスグローブに買収される"),
    ("Foxglove takes over Larkwell", "ラークウェルをフォックスグローブが買収"),
    ("Foxglove was bought by Larkwell", "ラークウェル、フォックスグローブを買収"),
    ("Ravenport beats Millbrook in sales", "Millbrookの売上高、Ravenportを下回る"),
    ("Tarnside sells its cloud unit to Dovedale", "ダブデール、ターンサイドからクラウド部門を買収"),
    ("Tarnside sells its cloud unit to Dovedale", "ターンサイド、クラウド部門をダブデールに売却"),
]
UNCERTAIN = [
    ("Foxglove takes over Larkwell", "狐の会社、雲雀の会社を買収"),  # neither name is found
    ("Foxglove takes over Larkwell", "ラークウェル、フォックスグローブをフォックスグローブと呼ぶ"),
    ("Foxglove and Larkwell announce a new phone", "ラークウェル、フォックスグローブを発表"),
]


@pytest.mark.parametrize(("source", "translated"), TURNED)
def test_names_that_changed_places_are_found(source: str, translated: str):
    assert swapped(source, translated).startswith("roles swapped: ")


@pytest.mark.parametrize(("source", "translated"), RIGHT + UNCERTAIN)
def test_what_is_right_or_uncertain_passes(source: str, translated: str):
    assert swapped(source, translated) == ""
