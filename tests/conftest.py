"""What tests of the whole path share."""

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from aggregator.demo.server import DemoServer, opml

NOW = "2026-11-24T06:00:00Z"

Aggregator = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def demo() -> Iterator[DemoServer]:
    """Serve the demo's feeds on a free port."""
    with DemoServer(0) as server:
        yield server


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    """Name a store, an output and a list of a test's own, and hold the clock still."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("AGGREGATOR_")}
    return kept | {
        "AGGREGATOR_OPML": str(tmp_path / "feeds.opml"),
        "AGGREGATOR_STORE": str(tmp_path / "store.sqlite"),
        "AGGREGATOR_OUTPUT": str(tmp_path / "output"),
        "AGGREGATOR_MODELS": str(tmp_path / "models"),
        "AGGREGATOR_ALLOW_PRIVATE_HOSTS": "1",
        "AGGREGATOR_HOST_SPACING": "0",
        "AGGREGATOR_ENGINE": "none",
        "AGGREGATOR_EXTRACT": "feed",
        "AGGREGATOR_NOW": NOW,
        "PYTHONWARNINGS": "error",
    }


@pytest.fixture
def aggregator(tmp_path: Path, environment: dict[str, str]) -> Aggregator:
    """Return a function that runs the command line in a process of its own."""

    def run(*arguments: str, **extra: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "aggregator", *arguments]
        return subprocess.run(
            command,
            env=environment | extra,
            cwd=tmp_path,
            capture_output=True,
            text=True,
            timeout=100,
            check=False,
        )

    return run


@pytest.fixture
def demo_feeds(demo: DemoServer, environment: dict[str, str]) -> DemoServer:
    """Serve the demo's feeds and list them in the test's feeds.opml."""
    Path(environment["AGGREGATOR_OPML"]).write_bytes(opml(demo.port))
    return demo
