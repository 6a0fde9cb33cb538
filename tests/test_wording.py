"""The operator's glossary, edited from the command line."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from aggregator import wording
from aggregator.config import Config
from aggregator.errors import ConfigError
from aggregator.store import open_store
from aggregator.translate.glossary_lines import Line
from tests.conftest import Aggregator


def test_the_operators_lines_come_first_and_replace_the_programs(aggregator: Aggregator, tmp_path: Path):
    own = {"AGGREGATOR_GLOSSARY": str(tmp_path / "own.tsv")}
    done = aggregator("glossary", "set", "rust", "さび", "--note", "iron", **own)
    assert done.returncode == 0, done.stderr
    rows = json.loads(aggregator("glossary", "list", "--json", **own).stdout)
    assert rows[0] == {"term": "rust", "rendering": "さび", "note": "iron", "of": "you"}
    assert [row["of"] for row in rows[1:3]] == ["program", "program"]
    assert "Rust" not in {row["term"] for row in rows}
    assert aggregator("glossary", "remove", "rust", **own).returncode == 0
    rows = json.loads(aggregator("glossary", "list", "--json", **own).stdout)
    assert {
        "term": "Rust",
        "rendering": "=|ラスト",
        "note": "the language, not iron oxide",
        "of": "program",
    } in rows


def test_without_a_glossary_of_ones_own_the_setting_is_named(aggregator: Aggregator):
    done = aggregator("glossary", "set", "rust", "さび")
    assert (done.returncode, 'glossary = "glossary.tsv"' in done.stderr) == (2, True)
    assert aggregator("glossary", "list").returncode == 0


def test_a_line_that_was_changed_meanwhile_is_not_overwritten(tmp_path: Path):
    path = tmp_path / "own.tsv"
    path.write_text("chip\t半導体\n", encoding="utf-8")
    config, db = replace(Config(), glossary=path), open_store(tmp_path / "store.sqlite")
    seen = "chip\t半導体"
    wording.put(db, config, Line(term="chip", rendering="チップ"), was=seen)
    for edit in (
        lambda: wording.put(db, config, Line(term="chip", rendering="集積回路"), was=seen),
        lambda: wording.put(db, config, Line(term="chip", rendering="集積回路"), was=""),
        lambda: wording.drop(db, config, "chip", was=seen),
    ):
        with pytest.raises(ConfigError, match="changed meanwhile"):
            edit()
    assert path.read_text(encoding="utf-8") == "chip\tチップ\n"
    db.close()
