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
def test_the_unit_leaves_little_open():
    done = _analyze("security", "--offline=true", "--no-pager", f"--threshold={EXPOSURE * 10:.0f}", str(UNIT))
    said = re.search(r"exposure level for aggregator\.service: ([\d.]+)", done.stdout)
    assert said, done.stderr
    assert float(said[1]) <= EXPOSURE
    assert f"rates the unit {said[1]}," in (UNIT.parent.parent / "docs" / "deploy.md").read_text()


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
