"""Docs under test: every command, setting and dependency is where it is said to be."""

import configparser
import re
from pathlib import Path

import pytest
from typer.main import get_command

from aggregator.cli import app
from aggregator.config import described
from aggregator.doctor import MODULES

ROOT = Path(__file__).parent.parent
READMES = ["README.md", "README.ja.md"]


def _commands() -> list[str]:
    names: list[str] = []
    for name, command in get_command(app).commands.items():
        inner = getattr(command, "commands", None)
        names += [f"{name} {other}" for other in inner] if inner else [name]
    return names


@pytest.mark.parametrize("readme", READMES)
def test_every_command_is_documented(readme: str):
    text = (ROOT / readme).read_text(encoding="utf-8")
    assert [name for name in _commands() if f"| `{name}` |" not in text] == []


@pytest.mark.parametrize("readme", READMES)
def test_every_setting_is_documented(readme: str):
    text = (ROOT / readme).read_text(encoding="utf-8")
    assert [name for name, _, _ in described() if f"| `{name}` |" not in text] == []


@pytest.mark.parametrize("readme", READMES)
def test_no_command_is_documented_that_is_not_there(readme: str):
    text = (ROOT / readme).read_text(encoding="utf-8")
    used = {
        match[1]
        for match in re.finditer(
            r"\baggregator ((?:(?:models|filter|operator|glossary|alert) )?[a-z]+)\b", text
        )
        if match[1] not in {"models", "filter", "operator", "glossary", "alert"}
    }
    assert used - set(_commands()) == set()


@pytest.mark.parametrize(
    "document", [*READMES, "CHANGELOG.md", *(f"docs/{p.name}" for p in (ROOT / "docs").glob("*.md"))]
)
def test_every_relative_link_leads_to_a_file(document: str):
    text = (ROOT / document).read_text(encoding="utf-8")
    links = re.findall(r"\]\((?!https?:|#)([^)#]+)", text)
    assert [link for link in links if not ((ROOT / document).parent / link).exists()] == []


def test_doctor_imports_every_default_dependency():
    setup = configparser.ConfigParser()
    setup.read(ROOT / "setup.cfg", encoding="utf-8")
    lines = setup["options"]["install_requires"].split("\n")
    required = {re.split(r"[<>=;]", line)[0] for line in lines if line}
    assert required == set(MODULES)


def test_every_dependency_is_pinned():
    setup = configparser.ConfigParser()
    setup.read(ROOT / "setup.cfg", encoding="utf-8")
    wanted = setup["options"]["install_requires"].split("\n")
    wanted += [line for extra in setup["options.extras_require"].values() for line in extra.split("\n")]
    pins = re.findall(r"^([\w.-]+)==", (ROOT / "constraints.txt").read_text(), re.MULTILINE)
    pinned = {re.sub(r"[-_.]+", "-", name).lower() for name in pins}
    names = {re.sub(r"[-_.]+", "-", re.split(r"[<>=;]", line)[0]).lower() for line in wanted if line}
    assert names - pinned == set()
