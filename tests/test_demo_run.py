"""The demo as a command: what it says where it cannot begin."""

import socket
import subprocess
import sys
from pathlib import Path

from tests.conftest import Aggregator


def _free_port() -> str:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return str(probe.getsockname()[1])


def test_a_busy_address_is_said_before_the_demo_does_its_work(aggregator: Aggregator, tmp_path: Path):
    with socket.create_server(("127.0.0.1", 0)) as squatter:
        listen = f"127.0.0.1:{squatter.getsockname()[1]}"
        done = aggregator("demo", "--port", _free_port(), AGGREGATOR_LISTEN=listen)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == (
        f"aggregator: cannot listen on {listen} (Address already in use); "
        "another address: --set listen=127.0.0.1:PORT\n"
    )
    assert not (tmp_path / "output").exists()


def test_a_demo_that_cannot_write_its_list_names_it(aggregator: Aggregator, tmp_path: Path):
    (tmp_path / "folder").write_text("a file where a folder is wanted")
    port = _free_port()
    store = str(tmp_path / "folder" / "store.sqlite")
    done = aggregator("demo", "--exit", "--port", port, AGGREGATOR_STORE=store)
    assert done.returncode == 2
    assert done.stderr.startswith(f"aggregator: {tmp_path}/folder/demo-{port}.opml: cannot be written (")
    assert len(done.stderr.splitlines()) == 1


def test_where_the_demo_is_read_and_how_much_is_to_come_is_said_before_its_work(
    environment: dict[str, str], tmp_path: Path
):
    listen = f"127.0.0.1:{_free_port()}"
    command = [sys.executable, "-m", "aggregator", "demo", "--port", _free_port()]
    environment |= {"AGGREGATOR_LISTEN": listen}
    with subprocess.Popen(
        command, env=environment, cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as running:
        assert running.stdout
        first = running.stdout.readline()
        running.terminate()
        rest, said = running.communicate(timeout=60)
    assert first == f"24 entries of 8 feeds are to come, each once it is translated: http://{listen}/\n"
    assert "finishing" in said
    assert "entries   " in rest  # what was done comes after


def test_a_demo_that_serves_nothing_names_the_folder(aggregator: Aggregator, tmp_path: Path):
    done = aggregator("demo", "--exit", "--port", _free_port())
    assert done.returncode == 0
    assert done.stdout.splitlines()[0].endswith(f" to come, each once it is translated: {tmp_path}/output")
    assert "\nentries   24\n" in done.stdout
