"""The wheel: all that the program reads is in it, and it works from there alone."""

import configparser
import os
import shutil
import subprocess
import sys
import zipfile
from fnmatch import fnmatch
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PACKAGE = ROOT / "aggregator"


def _held() -> list[str]:
    """List what the package holds, but what Python makes of it."""
    found = (path for path in PACKAGE.rglob("*") if path.is_file() and "__pycache__" not in path.parts)
    return sorted(path.relative_to(ROOT).as_posix() for path in found)


def test_every_file_that_is_no_module_is_named_as_package_data():
    setup = configparser.ConfigParser()
    setup.read(ROOT / "setup.cfg", encoding="utf-8")
    patterns = setup["options.package_data"]["aggregator"].split()
    data = [name.removeprefix("aggregator/") for name in _held() if not name.endswith(".py")]
    assert [name for name in data if not any(fnmatch(name, pattern) for pattern in patterns)] == []


def test_every_folder_of_modules_is_a_package():
    folders = {path.parent for path in PACKAGE.rglob("*.py")}
    assert [folder for folder in folders if not (folder / "__init__.py").exists()] == []


@pytest.mark.slow
def test_a_wheel_holds_all_of_it_and_runs_the_whole_path(tmp_path: Path):
    tree = tmp_path / "tree"
    shutil.copytree(PACKAGE, tree / "aggregator", ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("setup.cfg", "pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, tree)
    build = [sys.executable, "-m", "pip", "wheel", "-q", "--no-deps", "-w", str(tmp_path), str(tree)]
    done = subprocess.run(build, capture_output=True, text=True, check=False)
    if "No matching distribution found for setuptools" in done.stderr:
        pytest.skip("no package registry to take setuptools from")
    assert done.returncode == 0, done.stderr
    [wheel] = tmp_path.glob("aggregator-*.whl")
    with zipfile.ZipFile(wheel) as packed:
        assert [name for name in _held() if name not in packed.namelist()] == []
        packed.extractall(tmp_path / "installed")
    (empty := tmp_path / "empty").mkdir()
    environment = {"PATH": os.environ["PATH"], "HOME": str(empty), "PYTHONPATH": str(tmp_path / "installed")}
    flags = ["--engine", "none", "demo", "--exit", "--port", "18739"]
    run = [sys.executable, "-W", "error", "-m", "aggregator", *flags]
    shown = subprocess.run(run, env=environment, cwd=empty, capture_output=True, text=True, check=False)
    assert shown.returncode == 0, shown.stderr
    assert (empty / "output" / "style.css").exists()
    where = subprocess.run(
        [sys.executable, "-c", "import aggregator; print(aggregator.__file__)"],
        env=environment, cwd=empty, capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert where.stdout.startswith(str(tmp_path / "installed"))
