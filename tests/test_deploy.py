"""The unit for systemd, read by systemd's own tools where they are there."""

import configparser
import os
import pwd
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

UNIT = Path(__file__).parent.parent / "deploy" / "aggregator.service"
CLUSTER = ("aggregator-scheduler.service", "aggregator-worker.service")
EXPOSURE = 2.0  # of 10

analyzed = pytest.mark.skipif(not shutil.which("systemd-analyze"), reason="needs systemd-analyze")


@analyzed
def test_systemd_finds_no_fault_with_the_unit(tmp_path: Path):
    here = UNIT.read_text().replace("/srv/aggregator/.venv/bin/aggregator", sys.executable)
    here = here.replace("User=aggregator", f"User={pwd.getpwuid(os.getuid()).pw_name}")
    (tmp_path / "aggregator.service").write_text(here)
    done = _analyze("verify", "--man=no", str(tmp_path / "aggregator.service"))
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


@analyzed
@pytest.mark.parametrize("name", CLUSTER)
def test_systemd_finds_no_fault_with_the_units_of_a_cluster(name: str, tmp_path: Path):
    here = (UNIT.parent / name).read_text().replace("/srv/aggregator/.venv/bin/dask", sys.executable)
    here = here.replace("User=aggregator", f"User={pwd.getpwuid(os.getuid()).pw_name}")
    (tmp_path / name).write_text(here)
    done = _analyze("verify", "--man=no", str(tmp_path / name))
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


@analyzed
@pytest.mark.parametrize("name", CLUSTER)
def test_the_units_of_a_cluster_leave_little_open(name: str):
    done = _analyze(
        "security",
        "--offline=true",
        "--no-pager",
        f"--threshold={EXPOSURE * 10:.0f}",
        str(UNIT.parent / name),
    )
    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize("name", CLUSTER)
def test_dask_knows_the_options_that_units_name(name: str):
    line = re.search(
        r"^ExecStart=/srv/aggregator/.venv/bin/dask (\w+) (.*)$",
        (UNIT.parent / name).read_text(),
        re.MULTILINE,
    )
    assert line
    told = subprocess.run(
        [sys.executable, "-m", "dask", line[1], "--help"],
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    options = re.findall(r"--[\w-]+", line[2])
    assert options
    assert [option for option in options if option not in told.stdout] == []


@analyzed
def test_the_unit_leaves_little_open():
    done = _analyze("security", "--offline=true", "--no-pager", f"--threshold={EXPOSURE * 10:.0f}", str(UNIT))
    said = re.search(r"exposure level for aggregator\.service: ([\d.]+)", done.stdout)
    assert said, done.stderr
    assert float(said[1]) <= EXPOSURE
    assert f"rates the unit {said[1]}," in (UNIT.parent.parent / "docs" / "deploy.md").read_text()


def test_the_sketch_for_kubernetes_is_yaml_of_three_objects():
    yaml = pytest.importorskip("yaml")  # comes with dask
    text = (UNIT.parent.parent / "docs" / "scaling.md").read_text(encoding="utf-8")
    found = list(yaml.safe_load_all(re.search(r"```yaml\n(.*?)```", text, re.DOTALL)[1]))  # type: ignore[index]
    assert [each["kind"] for each in found] == ["Deployment", "Deployment", "Service"]
    selected = [each["spec"]["selector"]["matchLabels"] for each in found[:2]]
    assert selected == [each["spec"]["template"]["metadata"]["labels"] for each in found[:2]]
    assert found[2]["spec"]["selector"] == selected[1]


def test_the_unit_waits_for_readiness_and_for_signs_of_life():
    parser = configparser.ConfigParser(strict=False)
    parser.optionxform = str  # type: ignore[assignment,method-assign]
    parser.read(UNIT)
    service = parser["Service"]
    assert service["Type"] == "notify"
    assert "WatchdogSec" in service
    assert service["ExecReload"] == "/bin/kill -HUP $MAINPID"
    assert (
        service["KillMode"] == "mixed"
    )  # workers are the main process's to end, once their batch is recorded


def _analyze(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["systemd-analyze", *arguments], capture_output=True, text=True, check=False, timeout=60
    )
