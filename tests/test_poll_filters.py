"""Mute and keep rules as text, and what they fit."""

import contextlib
import time
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aggregator.errors import ConfigError
from aggregator.losses import read_starter
from aggregator.poll import filters
from aggregator.poll.filters import Filters, Patience, Told

ENTRY = Told(
    permalink="https://q.example/deals/2026/phone",
    title="The 10 best Black Friday deals",
    authors=("Ada Quill",),
    tags=("Shopping", "Phones"),
)


@pytest.mark.parametrize(
    "rule",
    [
        "deals",
        "BLACK friday",
        "title: 10 best",
        "author: ada quill",
        "author: Quill",
        "category: shopping",
        "url: /\\/deals\\//",
        "url: Q.EXAMPLE",
        "url: eals",
        "/best.*deals?$/",
        "title: /^the\\b/",
        "*",
        "category: *",
    ],
)
def test_a_rule_fits(rule: str):
    assert filters.rule(rule).matches(ENTRY)


@pytest.mark.parametrize(
    "rule",
    [
        "deal",
        "Shopping",
        "category: shop",
        "author: Quill Ada",
        "/^deals/",
        "title: 10.best",
        "url: shopping",
    ],
)
def test_a_rule_does_not_fit(rule: str):
    assert not filters.rule(rule).matches(ENTRY)


def test_an_entry_without_link_or_author_has_nothing_to_fit():
    bare = replace(ENTRY, permalink=None, authors=())
    assert not filters.rule("url: *").matches(bare)
    assert not filters.rule("author: *").matches(bare)


@pytest.mark.parametrize(
    ("rule", "fits"),
    [
        ("translated: セール", True),
        ("translated: AI", True),
        ("translated: ai搭載", True),
        ("translated: /最大[0-9]+％引き/", True),
        ("translated: A", False),
        ("translated: 搭載しない", False),
        ("セール", False),
    ],
)
def test_a_title_in_japanese_has_no_spaces_between_words(rule: str, *, fits: bool):
    translated = replace(ENTRY, translated="AI搭載スマホがセールで最大40％引き")
    assert filters.rule(rule).matches(translated) is fits
    assert not filters.rule(rule).matches(ENTRY)


@pytest.mark.parametrize(
    ("rule", "expected"),
    [
        (
            "autor: x",
            "autor is no field; expected title | author | category | url | translated before the colon",
        ),
        ("", "is empty; expected words, a /regular expression/ or *"),
        ("title:  ", "is empty; expected words"),
        ("/deals", "expected a slash at both ends of a regular expression"),
        ("//", "expected a slash at both ends of a regular expression"),
        ("/(deals/", "expected a regular expression (missing ) at position 6)"),
    ],
)
def test_a_wrong_rule_says_what_was_expected(rule: str, expected: str):
    with pytest.raises(ValueError) as found:
        filters.rule(rule)
    assert expected in str(found.value)


def test_keep_saves_what_mute_takes():
    rules = filters.of_rules(["deals", "shoes"], ["category: phones"])
    assert rules.muted_by(ENTRY, Patience()) is None
    muting = rules.muted_by(replace(ENTRY, tags=()), Patience())
    assert muting
    assert muting.text == "deals"


def test_everything_muted_but_what_is_kept():
    rules = filters.of_rules(["*"], ["rust", "/\\bwasm\\b/"])
    assert rules.muted_by(replace(ENTRY, title="WASM in anger"), Patience()) is None
    assert rules.muted_by(replace(ENTRY, title="Rusty nails"), Patience())


def test_a_rule_that_backtracks_for_ever_is_cut_off_named_and_fits_nothing():
    patience = Patience()
    started = time.monotonic()
    rules = filters.of_rules(["/(a+)+$/", "deals"])
    found = rules.muted_by(replace(ENTRY, title="a" * 900 + " deals"), patience)
    assert time.monotonic() - started < 2
    assert found
    assert found.text == "deals"
    assert patience.slow == {rules.mute[0]: 1}


def test_a_rule_that_takes_too_long_again_and_again_is_given_up():
    patience = Patience()
    started = time.monotonic()
    rules = filters.of_rules(["/(a+)+$/"])
    for _ in range(1000):
        assert rules.muted_by(replace(ENTRY, title="a" * 900 + "!"), patience) is None
    assert time.monotonic() - started < 5
    assert patience.slow == {rules.mute[0]: filters.MOST_SLOW}


def test_a_file_of_rules_is_read():
    rules = filters.read(b"mute = ['sponsored', 'title: /x/']\nkeep = ['category: security']\n", "f")
    assert [rule.text for rule in rules.mute] == ["sponsored", "title: /x/"]
    assert [rule.field for rule in rules.keep] == ["category"]
    assert filters.read(b"# nothing\n", "f") == Filters()


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (b"mute = ", "f: is not TOML"),
        (b"mute = '\xff'", "f: is not TOML"),
        (b"block = []", "f: block is no kind of rule; expected mute | keep"),
        (b"mute = 'deals'", "f: mute = 'deals': expected a list of rules such as"),
        (b"mute = [1]", "f: mute = [1]: expected a list of rules such as"),
        (b"keep = ['titel: x']", "f: rule 'titel: x': titel is no field; expected title | author"),
    ],
)
def test_a_wrong_file_is_one_line_with_file_rule_and_what_was_expected(data: bytes, expected: str):
    with pytest.raises(ConfigError) as found:
        filters.read(data, "f")
    assert str(found.value).startswith(expected)
    assert "\n" not in str(found.value)


def test_rules_of_an_attribute_stand_between_semicolons():
    assert filters.split(" deals ; title: /a|b/;; ") == ("deals", "title: /a|b/")


@given(st.lists(st.sampled_from(["deals", "title: /x+/", "url: *", "author: Ada"])), st.lists(st.just("a")))
def test_rules_survive_the_store(mute: list[str], keep: list[str]):
    rules = filters.of_rules(mute, keep)
    assert filters.from_text(filters.to_text(rules)) == rules


@given(st.text(max_size=40))
def test_any_text_is_a_rule_or_says_why_not(text: str):
    with contextlib.suppress(ValueError, TimeoutError):
        filters.rule(text).matches(ENTRY)


@pytest.mark.parametrize(
    ("title", "muted"),
    [
        ("The 15 best Prime Day deals", True),
        ("Get up to $200 off this laptop", True),
        ("[Sponsored] Why teams pick Acme", True),
        ("Sponsored: a better router", True),
        ("Apple event live blog: every announcement", True),
        ("AirPods are 30% off today", True),
        ("Adobe promo codes for June", True),
        ("OpenAI deals a blow to rivals", False),
        ("Nvidia and Intel sign a deal", False),
        ("Shares fall 20% off their peak", False),
        ("Live migration of virtual machines", False),
        ("Best practices for CVE-2026-1234: the best deals with it", False),
        ("Sponsors of open source", False),
    ],
)
def test_the_starter_list_takes_deals_and_leaves_news(title: str, *, muted: bool):
    entry = replace(ENTRY, title=title, permalink="https://q.example/1", tags=())
    assert (read_starter().muted_by(entry, Patience()) is not None) is muted
