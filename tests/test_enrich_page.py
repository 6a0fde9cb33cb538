"""The text of web pages of different make, and pages that have none."""

import re
from collections import Counter
from pathlib import Path

import pytest

from aggregator.enrich import page
from aggregator.errors import NoText

PAGES = sorted((Path(__file__).parent / "extraction").glob("*.html"))
LEAST_MEAN, LEAST_EACH = 0.97, 0.87  # lowering a floor needs a reason in the commit
WORDS = re.compile(r"[\w$%.]+")
URL = "https://a.example/2026/story"
PROSE = " ".join(
    f"Sentence number {n} says what the makers of routers did in the year {n}." for n in range(20)
)


def words(text: str) -> Counter[str]:
    """Count words; of Japanese, which has no spaces, characters."""
    found = WORDS.findall(text.replace("`", ""))
    return Counter(piece for word in found for piece in ([word] if word.isascii() else word))


def f1(text: str, truth: str) -> float:
    """Score words found against words wanted: 1 where they are the same, 0 where they share none."""
    found, wanted = words(text), words(truth)
    return 2 * (found & wanted).total() / (found.total() + wanted.total())


def score(path: Path) -> float:
    text = page.read(path.read_bytes(), "text/html", URL, URL)
    return f1(text, path.with_suffix(".txt").read_text(encoding="utf-8"))


def test_the_corpus_has_pages_of_25_makes_or_more():
    assert len(PAGES) >= 25
    assert len({path.stem.partition("-")[2] for path in PAGES}) == len(PAGES)


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.stem)
def test_a_pages_text_is_found(path: Path):
    assert score(path) >= LEAST_EACH


def test_the_mean_over_all_pages_is_above_the_floor():
    assert sum(map(score, PAGES)) / len(PAGES) >= LEAST_MEAN


def html(body: str, title: str = "A story", head: str = "") -> bytes:
    return f"<html><head><title>{title}</title>{head}</head><body><article>{body}</article></body></html>".encode()


@pytest.mark.parametrize(
    ("body", "why"),
    [
        (html(f"<p>{PROSE}</p>", title="404 Not Found"), "an error page"),
        (html(f"<p>{PROSE}</p>", title="Just a moment..."), "an error page"),
        (html(f"<p>{PROSE}</p>", title="Access Denied"), "an error page"),
        (html(f"<p>{PROSE}</p>", head='<script>{"isAccessibleForFree": false}</script>'), "a paywall"),
        (html(f"<p>{PROSE}</p><p>Subscribe to continue reading this story.</p>"), "a paywall"),
        (html(f"<p>{PROSE}</p><p>This article is for subscribers.</p>"), "a paywall"),
        (html(f"<p>We value your privacy. {PROSE}</p>"), "a cookie wall"),
        (html(f"<p>Please enable JavaScript to go on. {PROSE}</p>"), "a page for browsers"),
        (html("<p>Too little.</p>"), "no article"),
        (b"", "no article"),
        (b"\x00\xff\xfe<", "no article"),
    ],
)
def test_what_is_no_article_is_told_apart(body: bytes, why: str):
    with pytest.raises(NoText, match=why):
        page.read(body, "text/html; charset=utf-8", URL, URL)


def test_a_pdf_is_no_page():
    with pytest.raises(NoText, match="no HTML but application/pdf"):
        page.read(b"%PDF-1.7", "application/pdf", URL, URL)


def test_a_redirect_to_the_front_page_is_no_article():
    with pytest.raises(NoText, match="front page"):
        page.read(html(f"<p>{PROSE}</p>"), "text/html", URL, "https://a.example/")


def test_a_long_story_about_cookie_walls_is_an_article():
    story = html(
        "".join(f"<p>{n}. {PROSE.replace('year', f'year {n}')}</p>" for n in range(3))
        + "<p>Sites that say “accept all cookies” lose.</p>"
    )
    assert "accept all cookies" in page.read(story, "text/html", URL, URL)


def test_inline_code_keeps_backticks_and_code_blocks_are_left_out():
    story = html(
        f"<p>{PROSE}</p><p>Run <code>make test</code> first, as the guide says.</p><pre><code>a = 1\nb = 2</code></pre>"
    )
    text = page.read(story, "text/html", URL, URL)
    assert text.split("\n\n")[-1] == "Run `make test` first, as the guide says."


def test_the_headers_charset_outranks_the_pages():
    story = html(f"<p>{PROSE} naïve</p>", head='<meta charset="utf-8">').decode().encode("latin-1")
    assert "naïve" in page.read(story, "text/html; charset=iso-8859-1", URL, URL)
