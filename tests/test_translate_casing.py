"""Titles as sentences."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aggregator.translate.casing import WORDS, sentence_cased

NAMES = ("Rust", "Red Hat", "Node.js", "GitHub", "open source", "Stack Overflow")


@pytest.mark.parametrize(
    ("title", "sentence"),
    [
        ("Company Raises New Funding for Its Chips", "Company raises new funding for its chips"),
        ("OpenAI Denies Report of New Lawsuit", "OpenAI denies report of new lawsuit"),
        ("Why Red Hat Is Moving Its Tools to Rust", "Why Red Hat is moving its tools to Rust"),
        ("How to Make Node.js Servers Faster", "How to make Node.js servers faster"),
        ("The iPhone Gets a Faster Chip This Year", "The iPhone gets a faster chip this year"),
        ("NASA Delays Launch of Its New Rocket", "NASA delays launch of its new rocket"),
        ("Hackers Steal Data: What You Should Know", "Hackers steal data: What you should know"),
        ("Users Don't Like the New Version", "Users don't like the new version"),
        ("HACKERS STEAL USER DATA FROM GITHUB", "Hackers steal user data from GitHub"),
        ("NEW VERSION OF STACK OVERFLOW LAUNCHES", "New version of Stack Overflow launches"),
    ],
)
def test_common_words_are_lowered_and_names_kept(title, sentence):
    assert sentence_cased(title, NAMES) == sentence


@pytest.mark.parametrize(
    "title",
    [
        "A new editor arrives", "OpenAI and Microsoft end their deal", "Rust 1.85", "Bug Fixes", "",
        "Rolling Stone Interviews Jack White", "NASA ESA JAXA", "AT&T buys the rest of Example Corp",
    ],
)  # fmt: skip
def test_a_sentence_and_what_may_be_a_name_stay(title):
    assert sentence_cased(title, NAMES) == title


@given(st.text(max_size=60))
def test_only_the_case_changes(title):
    assert sentence_cased(title, NAMES).lower() == title.lower()


def test_the_list_of_words_is_sorted_and_holds_no_name():
    words = WORDS.read_text(encoding="utf-8").split()
    assert words == sorted(set(words))
    names = "apple meta amazon oracle target windows rust swift python china may mark jobs gates"
    assert not set(names.split()) & set(words)
