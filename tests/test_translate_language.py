"""Whether a text is Japanese or English."""

from pathlib import Path

import pytest

from aggregator.translate.language import code, is_english, is_japanese, is_plainly_english

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
    assert not is_plainly_english(text)
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


@pytest.mark.parametrize(
    "text",
    [
        "A cég új szerkesztőt adott ki, és a felhasználók is örülnek.",
        "Firma wydała nową wersję edytora, a to jest bardzo dobra wiadomość.",
        "Yritys on julkaissut uuden version, ja se on ilmainen.",
        "Perusahaan merilis versi baru untuk semua pengguna.",
        "Neuer Editor",
        "The Editor",
    ],
)
def test_what_may_be_another_language_is_not_plainly_english(text):
    assert not is_plainly_english(text)


@pytest.mark.parametrize(
    ("tag", "language"),
    [
        ("en-us", "en"), ("EN_GB", "en"), ("English", "en"), ("eng", "en"), (" ja ", "ja"), ("Japanese", "ja"),
        ("de-DE", "de"), ("Deutsch", ""), ("und", ""), ("x-default", ""), ("", ""), (None, ""),
    ],
)  # fmt: skip
def test_a_tag_is_read_as_feeds_write_it(tag, language):
    assert code(tag) == language
