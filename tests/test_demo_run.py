"""The demo as a command: what it says where it cannot begin."""

import socket
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
