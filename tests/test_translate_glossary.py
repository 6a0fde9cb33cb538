"""The glossary."""

import pytest

from aggregator.errors import ConfigError
from aggregator.translate import glossary


def test_names_are_kept_and_terms_are_rendered(tmp_path):
    path = tmp_path / "glossary.tsv"
    path.write_text("# term\n\nRust\t=\tthe language\nopen source\tオープンソース\n", encoding="utf-8")
    read = glossary.load(path)
    assert read.keep == ("Rust",)
    assert read.renderings == (("open source", ("オープンソース",)),)


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
    lines = glossary.DEFAULT.read_text(encoding="utf-8").splitlines()[1:]
    terms = [line.split("\t")[0].lower() for line in lines if not line.startswith("NVIDIA")]
    assert len(terms) == len(set(terms)) >= 150


def test_the_operators_terms_go_over_the_programs(tmp_path):
    path = tmp_path / "own.tsv"
    path.write_text("Startup\t新興企業\nrust\tさび\nKestrel\t=|ケストレル\n", encoding="utf-8")
    read, starter = glossary.merged(path), glossary.load()
    assert dict(read.renderings)["Startup"] == ("新興企業",)
    assert "startup" not in dict(read.renderings)
    assert "Rust" not in read.keep
    assert "Kestrel" in read.keep
    assert "GitHub" in read.keep
    assert read.version != starter.version == glossary.merged().version


def test_a_changed_table_is_taken_up(tmp_path):
    path = tmp_path / "own.tsv"
    versions = []
    for text in ("Kestrel\t=\n", "Kestrel\tケストレル\n"):
        path.write_text(text, encoding="utf-8")
        versions.append(glossary.merged(path).version)
    assert versions[0] != versions[1]


@pytest.mark.parametrize("line", ["Kestrel\t\tnote", "Kestrel\tケストレル||", "\t="])
def test_an_empty_form_is_named(tmp_path, line):
    path = tmp_path / "glossary.tsv"
    path.write_text(f"{line}\n", encoding="utf-8")
    with pytest.raises(ConfigError, match="line 1"):
        glossary.load(path)


@pytest.mark.parametrize(
    ("source", "translated", "broken"),
    [
        ("Two startups raise money", "新会社2社が資金調達", ["startup is スタートアップ"]),
        ("Two startups raise money", "スタートアップ2社が資金調達", []),
        ("Two startups raise money", "新興2社が資金調達", []),
        ("Machine Learning at the edge", "エッジでの学習", ["machine learning is 機械学習"]),
        (
            "A supply chain attack on PyTorch",
            "PyTorchへの攻撃",
            ["supply chain attack is サプライチェーン攻撃"],
        ),
        ("Written in Rust", "錆で書かれた", ["Rust is Rust"]),
        ("Written in rust", "錆で書かれた", []),
        ("Intel cuts jobs", "インテルが人員削減", []),
        ("The non-startup path, example.com/startup", "起業しない道", []),
    ],
)
def test_a_term_rendered_otherwise_is_named(source, translated, broken):
    expected = tuple(f"glossary: {one}" for one in broken)
    found = glossary.broken(glossary.load(), source, translated)
    assert found == expected


def test_a_glossary_without_terms_breaks_nothing():
    assert glossary.broken(glossary.Glossary("v", (), ()), "A startup in Rust", "会社") == ()


def test_a_table_as_spreadsheets_write_it_is_read(tmp_path):
    path = tmp_path / "glossary.tsv"
    path.write_bytes(b"\xef\xbb\xbfeditor\t\xe3\x82\xa8\xe3\x83\x87\xe3\x82\xa3\xe3\x82\xbf\r\nRust\t=\r\n")
    assert glossary.load(path).renderings == (("editor", ("エディタ",)),)
