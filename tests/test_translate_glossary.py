"""The glossary."""

import pytest

from aggregator.errors import ConfigError
from aggregator.translate import glossary


def test_names_are_kept_and_terms_are_rendered(tmp_path):
    path = tmp_path / "glossary.tsv"
    path.write_text("# term\n\nRust\t=\tthe language\nopen source\tオープンソース\n", encoding="utf-8")
    read = glossary.load(path)
    assert read.keep == ("Rust",)
    assert read.renderings == (("open source", "オープンソース"),)


def test_the_version_follows_the_content_not_the_notes(tmp_path):
    versions = []
    for n, text in enumerate(("Rust\t=\n", "Rust\t=\ta note\n", "Ruby\t=\n")):
        path = tmp_path / f"{n}.tsv"
        path.write_text(text, encoding="utf-8")
        versions.append(glossary.load(path).version)
    assert versions[0] == versions[1] != versions[2]


def test_a_line_without_a_rendering_is_named(tmp_path):
    path = tmp_path / "glossary.tsv"
    path.write_text("Rust\t=\nRuby\n", encoding="utf-8")
    with pytest.raises(ConfigError, match="line 2"):
        glossary.load(path)


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(ConfigError, match=r"nowhere\.tsv"):
        glossary.load(tmp_path / "nowhere.tsv")


def test_the_starter_has_no_term_twice():
    read = glossary.load()
    terms = [*read.keep, *(term for term, _ in read.renderings)]
    assert len(terms) == len(set(terms)) >= 60
