"""Whether a text is Japanese or English."""

from pathlib import Path

import pytest

from aggregator.translate.language import is_english, is_japanese

CORPUS = Path(__file__).with_name("quality") / "corpus.tsv"
ROWS = [line.split("\t") for line in CORPUS.read_text(encoding="utf-8").splitlines() if line[0] != "#"]


def test_the_corpus_is_known_for_what_it_is():
    assert all(is_english(english) for _, english, _ in ROWS)
    assert all(is_japanese(japanese, tagged=False) for _, _, japanese in ROWS)
    assert not any(is_japanese(english, tagged=True) for _, english, _ in ROWS)


@pytest.mark.parametrize(
    "text",
    [
        "Der Hersteller hat am Dienstag angekündigt, dass er Stellen streicht und nicht einstellt.",
        "La société a annoncé une nouvelle version de son éditeur pour les développeurs.",
        "La empresa anunció el lanzamiento de una nueva versión para todos los usuarios.",
        "A empresa não informou quando uma nova versão estará disponível para os usuários.",
        "Il nuovo editor è disponibile per gli utenti che usano la versione precedente.",
        "De nieuwe versie van de editor is nu beschikbaar voor alle gebruikers.",
        "Den nya versionen av redigeraren är tillgänglig för alla och kostar inte något.",
        "Новая версия редактора доступна всем.",
        "새로운 버전이 출시되었습니다",
    ],
)
def test_other_languages_are_not_taken_for_english(text):
    assert not is_english(text)
    assert not is_japanese(text, tagged=True)


@pytest.mark.parametrize(
    "title",
    [
        "Las Vegas hosts Los Lobos",
        "El Capitan on the M4",
        "Rio de Janeiro bans scooters",
        "Leonardo da Vinci and the history of the helicopter",
        "Rust 1.90",
        "de-duplication in ZFS",
        "",
    ],
)
def test_foreign_names_make_no_other_language_of_english(title):
    assert is_english(title)


def test_ideographs_alone_are_japanese_only_where_the_feed_says_so_and_they_are_not_chinese():
    assert is_japanese("日本経済新聞社発表", tagged=True)
    assert not is_japanese("日本経済新聞社発表", tagged=False)
    assert not is_japanese("新版本编辑器发布", tagged=True)
