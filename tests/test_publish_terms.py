"""Texts and queries as terms, as values."""

import sqlite3
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aggregator.publish.terms import MAX_LENGTH, MAX_PARTS, query, terms


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("半導体", "半導 導体 体 半 導 体"),
        ("株、円株", "株 円株 株 株 円"),
        ("AIチップ戦争", "ai チッ ップ プ戦 戦争 争 チ ッ プ 戦 争"),
        ("サーバー", "サー ーバ バー ー サ ー バ"),
        ("Node.js 24 released", "node js 24 released"),
        ("C++26, C# and F#", "c++ 26 c# and f#"),
        ("GPT-5.1", "gpt 5 1"),
        ("人々の・々", "人々 々の の 々 人 々 の"),
        ("Ångström", "angstrom"),
        ("Данные", "данные"),
        ("", ""),
    ],
)
def test_japanese_becomes_pairs_and_the_rest_words(text: str, expected: str):
    assert terms(text) == expected


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("ＡＩ", "ai"),
        ("ｶﾞｲﾄﾞ", "ガイド"),
        ("カ\u3099", "ガ"),
        ("café", "CAFE"),
        ("①", "1"),
        ("半導体　AI", "半導体 AI"),
    ],
)
def test_what_looks_alike_is_the_same_term(one: str, other: str):
    assert terms(one) == terms(other)


def test_a_voiced_kana_is_not_its_voiceless_one():
    assert terms("ガ") != terms("カ")


@pytest.mark.parametrize(
    ("text", "match"),
    [
        ("半導体", '"半導 導体"'),
        ("株価", '"株価"'),
        ("株", '"株"'),
        ("kernel", '"kernel" *'),
        ("AI", '"ai"'),
        ("AI 半導体", '"ai" AND "半導 導体"'),
        ("AIチップ", '"ai" AND "チッ ップ"'),
        ("GPT-5.1", '"gpt 5 1"'),
        ("GPU GPU gpu", '"gpu" *'),
        ('kernel" OR title:x*', '"kernel" * AND "or" AND "title x"'),
        ("  ", ""),
        ("!?「」", ""),
    ],
)
def test_a_query_looks_for_all_that_stands_in_it(text: str, match: str):
    assert query(text).match == match


def test_a_query_is_cut_where_it_is_too_long():
    assert len(query("半導体 " * 1000).text) <= MAX_LENGTH
    assert query(" ".join(str(n) for n in range(40))).match.count(" AND ") == MAX_PARTS - 1


def test_what_cannot_be_shown_is_taken_out_of_a_query():
    assert query("a\x00b\u202ec\ud800\n d").text == "a b c d"


@pytest.fixture(scope="module")
def index() -> Iterator[sqlite3.Connection]:
    db = sqlite3.connect(":memory:")
    db.execute(
        "CREATE VIRTUAL TABLE search USING fts5 (title, original, content = '', tokenize = \"ascii tokenchars '+#'\")"
    )
    yield db
    db.close()


@given(
    text=st.text(alphabet=st.characters() | st.sampled_from('"*:(){}^-+ ANDORNOTNEAR半導体'), max_size=150)
)
def test_no_query_is_an_error(index: sqlite3.Connection, text: str):
    asked = query(text)
    if asked.match:
        for match in (asked.match, asked.titles):
            index.execute("SELECT rowid FROM search WHERE search MATCH ?", [match]).fetchall()


@given(text=st.text(min_size=1, max_size=MAX_LENGTH // 3))
def test_a_text_is_found_by_itself(text: str):
    with sqlite3.connect(":memory:") as db:
        db.execute("CREATE VIRTUAL TABLE search USING fts5 (title, tokenize = \"ascii tokenchars '+#'\")")
        db.execute("INSERT INTO search VALUES (?)", [terms(text)])
        match = query(text).match
        if match:
            assert db.execute("SELECT count(*) FROM search WHERE search MATCH ?", [match]).fetchone() == (1,)
    db.close()
