"""The sentences of a summary: the news, not the furniture, and each the source's own."""

from dataclasses import dataclass
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aggregator.enrich import page
from aggregator.enrich.choice import CHARACTERS, SENTENCES, choose, stems
from aggregator.enrich.furniture import is_furniture, without_dateline
from aggregator.enrich.sentences import sentences
from aggregator.enrich.summary import summarise
from aggregator.model import SummaryJob

HERE = Path(__file__).parent
FLOOR = 0.9  # of what the editor chose; raise it with a better rule, never lower it for one
ABOVE_LEAD = 0.2  # more of it than the first three sentences hold


@dataclass(frozen=True)
class Labelled:
    title: str
    text: str
    chosen: frozenset[str]


def _articles() -> list[Labelled]:
    raw = (HERE / "summaries" / "articles.txt").read_text(encoding="utf-8")
    return [_article(block) for block in raw.split("\n= ")[1:]]


def _article(block: str) -> Labelled:
    title, _, body = block.partition("\n")
    chosen = frozenset(line[2:].rpartition(" | ")[2] for line in body.splitlines() if line.startswith("* "))
    paragraphs = [
        " ".join(line.removeprefix("* ").replace(" | ", " ") for line in part.splitlines())
        for part in body.strip().split("\n\n")
    ]
    return Labelled(title, "\n\n".join(paragraphs), chosen)


ARTICLES = _articles()


def _summary(title: str, text: str) -> list[str]:
    job = SummaryJob(entry_id=1, input_fingerprint="f", title=title, text=text, rights="excerpt")
    return summarise(job).text.splitlines()


def _recall(found: list[list[str]]) -> float:
    hits = sum(len(article.chosen & set(lines)) for article, lines in zip(ARTICLES, found, strict=True))
    return hits / sum(len(article.chosen) for article in ARTICLES)


def _precision(found: list[list[str]]) -> float:
    hits = sum(len(article.chosen & set(lines)) for article, lines in zip(ARTICLES, found, strict=True))
    return hits / sum(map(len, found))


def _lead(number: int, *, clean: bool) -> list[list[str]]:
    """Take the first sentences, furniture left out as for ours or as they come."""
    found = []
    for article in ARTICLES:
        every = [s for part in article.text.split("\n\n") for s in sentences(part)]
        kept = [s for s in map(without_dateline, every) if not is_furniture(s)] if clean else every
        found.append(kept[:number])
    return found


def test_the_choice_holds_what_an_editor_would_choose_and_more_of_it_than_the_lead():
    ours = [_summary(article.title, article.text) for article in ARTICLES]
    assert len(ARTICLES) == 20
    assert _recall(ours) >= FLOOR
    assert _recall(ours) >= _recall(_lead(3, clean=False)) + ABOVE_LEAD
    # With the same filter and as many sentences: it is the scores that help.
    for number in (3, SENTENCES):
        assert _recall(ours) > _recall(_lead(number, clean=True))
        assert _precision(ours) > _precision(_lead(number, clean=True))


@pytest.mark.parametrize("article", ARTICLES, ids=lambda article: article.title)
def test_a_summary_of_news_is_two_to_four_sentences_without_furniture(article: Labelled):
    lines = _summary(article.title, article.text)
    assert 2 <= len(lines) <= SENTENCES
    assert not any(map(is_furniture, lines))


@pytest.mark.parametrize(
    "notice",
    [
        "Sign up for our newsletter to get the week's news.",
        "Read more about it in our guide.",
        "By Dana Whitlock and Ellis Harrow",
        "This article originally appeared on Example Wheels.",
        "This story was first published in May.",
        "Updated at 14:05 with a statement from the company.",
        "Last updated: March 3, 2026.",
        "We may earn a commission if you buy something.",
        "This post contains affiliate links.",
        "Image credit: Example Wire.",
        "The plant in 2024. (Photo: Example Wire)",
        "Correction: an earlier version named the wrong town.",
        "The firm did not immediately respond to a request for comment.",
        "Let us know what you think in the comments!",
        "5 min read",
    ],
)
def test_furniture_is_known(notice: str):
    assert is_furniture(notice)


@pytest.mark.parametrize(
    "sentence",
    [
        "By March the firm had sold 4,000 units.",
        "By Monday most of the servers were back.",
        "Updates to the kernel fix two holes.",
        "The update was published on Monday by the vendor.",
        "Image recognition got cheaper.",
        "Photo editors will like the new brush.",
        "Subscribers pay $5 more from May.",
        "Source code is on the project's site.",
        "The court published its ruling in May.",
        "Posted prices must be final, the court said.",
    ],
)
def test_prose_that_resembles_furniture_is_kept(sentence: str):
    assert not is_furniture(sentence)


@pytest.mark.parametrize(
    ("sentence", "story"),
    [
        ("BERLIN, March 3 (Example Wire) — Norvane cuts jobs.", "Norvane cuts jobs."),
        ("SAN FRANCISCO — It rained.", "It rained."),
        ("Berlin (Example Wire) – It rained.", "It rained."),
        ("NEW YORK, Jan. 12, 2026 (Example Wire) -- It rained.", "It rained."),
        ("IBM and others — all large — agreed.", "IBM and others — all large — agreed."),
        ("Wi-Fi is fast.", "Wi-Fi is fast."),
        ("Linux 7.0 (beta) is out.", "Linux 7.0 (beta) is out."),
    ],
)
def test_a_dateline_is_no_part_of_the_story(sentence: str, story: str):
    assert without_dateline(sentence) == story


def test_forms_of_a_word_are_one_and_japanese_is_compared_by_pairs():
    assert stems("Batteries recalled") & stems("recalls the") == stems("recall")
    assert "新製" in stems("新製品")
    assert stems("The and of it") == frozenset()


WORDS = st.sampled_from(
    "Norvane cuts jobs the chips They 42 said. But “quoted” new! はい。 (Photo: x) — BERLIN".split()
)
TEXT = st.lists(st.lists(WORDS, max_size=30).map(" ".join), max_size=6).map("\n\n".join)


@settings(max_examples=200)
@given(title=st.lists(WORDS, max_size=5).map(" ".join), text=TEXT)
def test_every_sentence_is_the_sources_own_and_in_its_order(title: str, text: str):
    lines = _summary(title, text)
    _are_the_sources_own(lines, text)
    assert len(lines) <= SENTENCES
    assert len(lines) < 2 or sum(map(len, lines[1:])) <= CHARACTERS
    assert lines == _summary(title, text)


def _are_the_sources_own(lines: list[str], text: str) -> None:
    at, plain = 0, "".join(text.split())
    for line in lines:
        found = plain.find("".join(line.split()), at)
        assert found >= 0, line
        at = found + 1


@pytest.mark.parametrize("path", sorted((HERE / "extraction").glob("*.html")), ids=lambda path: path.stem)
def test_the_summary_of_a_page_is_its_own_sentences(path: Path):
    url = "https://news.example/2026/story.html"
    text = page.read(path.read_bytes(), "text/html", url, url)
    lines = _summary("A story", text)
    assert lines
    _are_the_sources_own(lines, text)


NEWS = (
    "Norvane will replace the battery of every router it sold in 2025 at no cost to owners.",
    "The company found that a valve in the battery may stay shut when the router gets hot.",
    "Owners can register on the maker's site from Monday and get a box for the return by post.",
)


@pytest.mark.parametrize(
    "hanging",
    [
        "The catch is that the Norvane router battery must be sent back to the maker in Hamburg first.",
        "The main reason is a Norvane router battery that may get hot, owners were told on Monday.",
        "That said, a Norvane router battery seldom gets hot enough for owners to notice anything at all.",
        "That’s why the Norvane router battery must not be charged by its owners before Monday evening.",
        "In other words, the Norvane router battery is to be replaced for all its owners, at no cost.",
        "By contrast, the Norvane router battery of 2024 is safe, and its owners need not do anything.",
        "The result: a Norvane router battery that owners cannot charge any more, at home or elsewhere.",
        "Here’s how owners of a Norvane router get the battery replaced, as the company explained it.",
        "The same goes for the Norvane router battery that owners bought used, the company said on Monday.",
    ],
)
def test_a_sentence_that_hangs_on_another_is_not_taken_without_it(hanging: str):
    title = "Norvane router battery: owners get a new one"
    lines = choose([["Rain fell in Hamburg.", hanging, *NEWS]], title)
    assert hanging not in lines
    assert lines
    assert choose([[hanging]], title) == [hanging], "where there is nothing else, it is all there is"


def test_a_sentence_that_hangs_on_one_that_is_taken_may_follow_it():
    catch = "The catch is that each Norvane router battery must be sent back to its maker in Hamburg before Monday."
    lines = choose([[NEWS[0], catch]], "Norvane replaces the battery of its router")
    assert lines == [NEWS[0], catch]


@pytest.mark.parametrize(
    "sentence",
    [
        "The idea of a town without cars came from its mayor.", "The results were published on Monday.",
        "One reason for the recall is heat.", "The point release fixes nine holes.",
        "That saidly named firm is gone.", "Otherwise-named files are ignored.",
    ],
)  # fmt: skip
def test_prose_that_only_begins_alike_does_not_hang(sentence: str):
    other = "Rain fell in Hamburg all of Monday, and the streets were closed to cars for most of the day."
    assert sentence in choose([["Fog.", sentence, other]], sentence)


def test_the_choice_of_nothing_is_nothing():
    assert choose([], "A title") == []
