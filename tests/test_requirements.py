"""What may be installed is written down to the byte."""

import configparser
import re
from importlib.metadata import distribution, packages_distributions
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
LOCKS = ["requirements.txt", "requirements-dev.txt"]
_LINE = re.compile(
    r"^([\w.-]+)==(\S+)(?: ;[^\\\n]*)? \\\n((?:    --hash=sha256:[0-9a-f]{64}(?: \\)?\n)+)", re.MULTILINE
)


def plain(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def pinned(name: str) -> dict[str, str]:
    return {plain(found[1]): found[2] for found in _LINE.finditer((ROOT / name).read_text())}


def wanted(*extras: str) -> set[str]:
    """Name what setup.cfg asks for."""
    setup = configparser.ConfigParser()
    setup.read(ROOT / "setup.cfg")
    lists = [
        setup["options"]["install_requires"],
        *(setup["options.extras_require"][each] for each in extras),
    ]
    lines = [line.strip() for each in lists for line in each.splitlines() if line.strip() and line[0] != "#"]
    return {plain(re.match(r"[\w.-]+", line)[0]) for line in lines}  # type: ignore[index]


@pytest.mark.parametrize("name", LOCKS)
def test_every_package_has_one_version_and_its_hashes(name: str):
    lines = [line for line in (ROOT / name).read_text().splitlines() if line and line[0] not in " #"]
    assert len(lines) == len(pinned(name)) > 40


@pytest.mark.parametrize("name", LOCKS)
def test_the_versions_are_those_of_the_constraints(name: str):
    lines = re.findall(r"^([\w.-]+)==(\S+)$", (ROOT / "constraints.txt").read_text(), re.MULTILINE)
    known = {plain(package): version for package, version in lines}
    assert {
        package: version for package, version in pinned(name).items() if package != "pip"
    }.items() <= known.items()


def test_all_that_is_asked_for_is_there_with_what_it_needs_itself():
    assert wanted() <= pinned("requirements.txt").keys()
    assert wanted("llamacpp", "dask", "bench", "test") <= pinned("requirements-dev.txt").keys()
    needed = {
        plain(re.match(r"[\w.-]+", each)[0])  # type: ignore[index]
        for package in wanted()
        for each in distribution(package).requires or ()
        if ";" not in each
    }
    assert needed <= pinned("requirements.txt").keys()


def test_what_the_package_imports_is_asked_for():
    sources = (path.read_text(encoding="utf-8") for path in (ROOT / "aggregator").rglob("*.py"))
    roots = {
        name for text in sources for name in re.findall(r"^\s*(?:from|import) (\w+)", text, re.MULTILINE)
    }
    ours = {plain(each) for root in roots for each in packages_distributions().get(root, ())} - {"aggregator"}
    assert ours <= wanted("llamacpp", "dask") | set(pinned("requirements.txt"))


def test_every_package_that_runs_with_it_has_its_licence_named():
    rows = re.findall(
        r"^\| ([\w.-]+) \| ([^|]+) \| (?:yes)? \|$", (ROOT / "docs/licences.md").read_text(), re.MULTILINE
    )
    named = {plain(package): licence for package, licence in rows}
    assert pinned("requirements.txt").keys() - named.keys() == set()
    assert [
        package
        for package, licence in named.items()
        if re.search("GPL", licence) and "at our choice" not in licence
    ] == []
