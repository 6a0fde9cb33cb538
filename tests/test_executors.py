"""Where work runs."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from aggregator.errors import ConfigError
from aggregator.executors import open_workers


@pytest.mark.parametrize("spec", ["", "threads:2", "processes:", "processes:0", "processes:x", "inline:2"])
def test_a_wrong_spec_is_refused(spec: str):
    with pytest.raises(ConfigError, match="executor = "):
        open_workers(spec)


def test_inline_runs_here_and_carries_what_was_raised():
    workers = open_workers("inline:")
    assert workers.submit(os.getpid).result() == os.getpid()
    with pytest.raises(ZeroDivisionError):
        workers.submit(divmod, 1, 0).result()


def test_processes_run_elsewhere_and_start_again_after_close():
    workers = open_workers("processes:1")
    first = workers.submit(os.getpid).result()
    workers.close()
    second = workers.submit(os.getpid).result()
    workers.close()
    assert len({first, second, os.getpid()}) == 3


PARENT = """
import os, time
from aggregator.executors import open_workers
if __name__ == "__main__":
    workers = open_workers("processes:1")
    print(workers.submit(os.getpid).result(), flush=True)
    workers.submit(time.sleep, 60)
    time.sleep(60)
"""


def test_a_worker_ends_when_its_parent_is_killed(tmp_path: Path):
    script = tmp_path / "parent.py"
    script.write_text(PARENT)
    with subprocess.Popen([sys.executable, str(script)], stdout=subprocess.PIPE, text=True) as parent:
        assert parent.stdout
        worker = int(parent.stdout.readline())
        parent.send_signal(signal.SIGKILL)
        parent.wait()
    deadline = time.monotonic() + 10
    while _alive(worker) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not _alive(worker)


def _alive(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except (FileNotFoundError, ProcessLookupError):
        return False
    return state != "Z"  # a zombie waits for its reaper, it does not run
