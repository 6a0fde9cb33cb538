"""What holds for every command: its streams and how it ends."""

import subprocess
import sys
from pathlib import Path

import pytest

from aggregator.demo.server import DemoServer
from tests.conftest import Aggregator

COMMAND = [sys.executable, "-m", "aggregator"]


@pytest.fixture
def listed(demo_feeds: DemoServer, aggregator: Aggregator) -> None:
    assert demo_feeds.port
    assert aggregator("poll").returncode == 0


@pytest.mark.usefixtures("listed")
def test_a_terminal_that_knows_no_japanese_still_gets_its_list(aggregator: Aggregator):
    done = aggregator("list", PYTHONIOENCODING="ascii")
    assert done.returncode == 0, done.stderr
    assert len(done.stdout.splitlines()) == 9


@pytest.mark.usefixtures("listed")
def test_a_reader_that_has_seen_enough_hears_no_complaint(environment: dict[str, str], tmp_path: Path):
    # `true` has ended by the time the list is printed.
    shell = " ".join([*COMMAND, "list", "|", "true"])
    done = subprocess.run(shell, shell=True, env=environment, cwd=tmp_path, capture_output=True, check=False)
    assert done.stderr == b""


@pytest.mark.usefixtures("listed")
def test_output_that_cannot_be_written_is_one_line(environment: dict[str, str], tmp_path: Path):
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(
            [*COMMAND, "list"],
            env=environment,
            cwd=tmp_path,
            stdout=full,
            stderr=subprocess.PIPE,
            check=False,
        )
    assert done.returncode == 1
    assert done.stderr.decode().splitlines() == ["aggregator: [Errno 28] No space left on device"]


@pytest.mark.usefixtures("listed")
def test_a_command_without_any_output_does_its_work(environment: dict[str, str], tmp_path: Path):
    shell = " ".join([*COMMAND, "list", ">&-", "2>&-"])
    done = subprocess.run(shell, shell=True, env=environment, cwd=tmp_path, check=False)
    assert done.returncode == 0
