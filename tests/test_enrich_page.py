"""The text of web pages of different make, and pages that have none."""

from pathlib import Path

import pytest

from aggregator.enrich import page
from aggregator.errors import NoText
from tests.extraction import gate
from tests.extraction.gate import URL

PROSE = " ".join(
    f"Sentence number {n} says what the makers of routers did in the year {n}." for n in range(20)
)


def test_the_corpus_has_pages_of_25_makes_or_more():
    assert len(gate.PAGES) >= 25
    assert len({path.stem.partition("-")[2] for path in gate.PAGES}) == len(gate.PAGES)


def test_the_corpus_is_the_one_the_floors_were_pinned_for():
    corpus, floors = gate.pinned()
    assert corpus == gate.checksum()
    assert set(floors) == {"mean", *(path.stem for path in gate.PAGES)}
    assert floors["mean"] >= 0.97


@pytest.mark.parametrize("path", gate.PAGES, ids=lambda path: path.stem)
def test_a_pages_text_is_found(path: Path):
    assert gate.score(path) >= gate.pinned()[1][path.stem]


def test_the_mean_over_all_pages_is_above_the_floor():
    assert gate.measured()["mean"] >= gate.pinned()[1]["mean"]


def test_a_floor_of_extraction_sinks_only_where_that_is_asked_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(gate, "FLOORS", tmp_path / "floors.json")
    gate.FLOORS.write_text(f'{{"corpus": "{gate.checksum()}", "floors": {{"a": 0.9}}}}', encoding="utf-8")
    assert gate.pin({"a": 0.9}) == ["a: 0.9 -> 0.89"]
    assert gate.pinned()[1] == {"a": 0.9}
    assert gate.pin({"a": 0.95}) == []
    assert gate.pin({"a": 0.9}, lower=True) != []
    assert gate.pinned()[1] == {"a": 0.89}


def test_another_corpus_of_pages_is_taken_only_where_that_is_asked_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(gate, "FLOORS", tmp_path / "floors.json")
    gate.FLOORS.write_text('{"corpus": "other", "floors": {}}', encoding="utf-8")
    assert gate.pin({"a": 0.9}) == ["the corpus changed"]
    assert gate.pinned() == ("other", {})


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
