"""Where work runs."""

import os
import signal
import subprocess
import sys
import time
from concurrent.futures import BrokenExecutor, CancelledError
from pathlib import Path

import pytest

from aggregator.config import Config
from aggregator.errors import AggregatorError, ConfigError, FetchError
from aggregator.executors import call_apart, open_workers
from aggregator.finding import find
from tests.feedserver import FeedServer


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


def test_killed_workers_are_not_waited_for_and_start_again():
    workers = open_workers("processes:1")
    first = workers.submit(os.getpid).result()
    hanging = workers.submit(time.sleep, 600)
    begun = time.monotonic()
    workers.kill()
    assert time.monotonic() - begun < 10
    assert not _alive(first)
    with pytest.raises((BrokenExecutor, CancelledError)):  # as it was at work or not yet
        hanging.result(timeout=10)
    assert workers.submit(os.getpid).result() != first
    workers.close()


def test_a_cluster_is_connected_to_by_the_first_job_and_by_no_warming_up():
    open_workers("dask:tcp://127.0.0.1:1").warm_up("json")  # or a round would fail before it is noted


def test_what_a_cluster_needs_is_loaded_only_where_one_is_named():
    program = """if True:
        import sys
        from aggregator.executors import open_workers
        from aggregator import cli, daemon, doctor, session, stages
        open_workers("processes:2"), open_workers("dask:tcp://dask.example:8786")
        print([name for name in ("dask", "distributed", "tornado") if name in sys.modules])
    """
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"


PARENT = """
import os, sys, time
from aggregator.executors import open_workers
if __name__ == "__main__":
    workers = open_workers("processes:1")
    if sys.argv[1] == "fork":
        workers.fork()
    print(workers.submit(os.getpid).result(), flush=True)
    workers.submit(time.sleep, 60)
    time.sleep(60)
"""


@pytest.mark.parametrize("start", ["fork", "spawn"])
def test_a_worker_ends_when_its_parent_is_killed(tmp_path: Path, start: str):
    script = tmp_path / "parent.py"
    script.write_text(PARENT)
    with subprocess.Popen([sys.executable, str(script), start], stdout=subprocess.PIPE, text=True) as parent:
        assert parent.stdout
        worker = int(parent.stdout.readline())
        parent.send_signal(signal.SIGKILL)
        parent.wait()
    deadline = time.monotonic() + 10
    while _alive(worker) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not _alive(worker)


FORKING = """
import sys, threading
from aggregator.executors import open_workers
if __name__ == "__main__":
    held = threading.Event()
    if sys.argv[1] == "threads":
        threading.Thread(target=held.wait).start()
    sys.known_here = True
    workers = open_workers("processes:1")
    workers.fork()
    print(workers.submit(eval, "hasattr(__import__('sys'), 'known_here')").result())
    workers.close()
    print(workers.submit(eval, "hasattr(__import__('sys'), 'known_here')").result())
    workers.close()
    held.set()
"""


@pytest.mark.parametrize(
    ("parent", "copies"), [("alone", ["True", "False"]), ("threads", ["False", "False"])]
)
def test_a_worker_is_a_copy_only_where_that_is_wanted_and_no_thread_runs(
    tmp_path: Path, parent: str, copies: list[str]
):
    script = tmp_path / "parent.py"
    script.write_text(FORKING)
    done = subprocess.run([sys.executable, str(script), parent], capture_output=True, text=True, check=True)
    assert done.stdout.split() == copies


def _alive(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except (FileNotFoundError, ProcessLookupError):
        return False
    return state != "Z"  # a zombie waits for its reaper, it does not run


def test_a_call_apart_gives_its_answer_or_its_error():
    assert call_apart(30, os.getpid) != os.getpid()
    with FeedServer() as site:
        site.serve("/gone", status=410)
        with pytest.raises(FetchError, match="410 Gone"):
            call_apart(30, find, Config(allow_private_hosts=True), site.url("/gone"), {})


def test_a_call_apart_that_takes_too_long_or_dies_is_over():
    begun = time.monotonic()
    with pytest.raises(TimeoutError):
        call_apart(0.5, time.sleep, 60)
    assert time.monotonic() - begun < 10
    with pytest.raises(AggregatorError, match="ended early"):
        call_apart(30, os._exit, 3)
