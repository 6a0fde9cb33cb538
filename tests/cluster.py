"""A dask scheduler and workers in processes of their own, on loopback ports."""

import contextlib
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Self

ROOT = Path(__file__).parent.parent
STARTED = 60.0  # s at most; two cores may be busy

# What takes minutes in a data centre takes seconds here.
QUICK = {
    "DASK_DISTRIBUTED__SCHEDULER__WORKER_TTL": "30s",
    "DASK_DISTRIBUTED__COMM__TIMEOUTS__CONNECT": "5s",
    "DASK_DISTRIBUTED__ADMIN__TICK__LIMIT": "60s",
}


class Cluster:
    """A scheduler and workers: `with Cluster(tmp_path, workers=3) as cluster: cluster.spec`."""

    def __init__(
        self, folder: Path, *, workers: int = 1, nanny: bool = True, resources: str = "",
        environ: Mapping[str, str] | None = None, protocol: str = "tcp",
    ) -> None:  # fmt: skip
        self.protocol = protocol
        self.folder = folder / "cluster"
        self.folder.mkdir(parents=True, exist_ok=True)
        self.port = free_port()
        self.wanted, self.nanny, self.resources = workers, nanny, resources
        kept = {name: value for name, value in os.environ.items() if name != "PYTHONWARNINGS"}
        self.environ = {**kept, **QUICK, "PYTHONPATH": str(ROOT), **(environ or {})}
        self.scheduler: subprocess.Popen[bytes] | None = None
        self.workers: dict[str, subprocess.Popen[bytes]] = {}
        self.log = self.folder / "log"

    @property
    def address(self) -> str:
        """Return where the scheduler listens."""
        return f"{self.protocol}://127.0.0.1:{self.port}"

    @property
    def spec(self) -> str:
        """Return the setting that has work done here."""
        return f"dask:{self.address}"

    def __enter__(self) -> Self:
        try:
            self.start_scheduler()
            for _ in range(self.wanted):
                self.start_worker(resources=self.resources)
            self.wait_for(self.wanted)
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Kill all of it."""
        for name in list(self.workers):
            self.stop_worker(name)
        self.stop_scheduler()

    def start_scheduler(self) -> None:
        """Start a scheduler; again on the same port, where one was."""
        self.scheduler = self._start(
            "scheduler", "--host", f"{self.protocol}://127.0.0.1", "--port", str(self.port), "--no-dashboard"
        )
        until = time.monotonic() + STARTED
        while not _listens(self.port):
            assert self.scheduler.poll() is None, self.log.read_text()
            assert time.monotonic() < until, self.log.read_text()
            time.sleep(0.05)

    def stop_scheduler(self) -> None:
        """Kill the scheduler."""
        if self.scheduler:
            _kill(self.scheduler)
            self.scheduler = None

    def start_worker(
        self, *, resources: str = "", threads: int = 1, environ: Mapping[str, str] | None = None,
        scheduler: str = "", python: str = sys.executable,
    ) -> str:  # fmt: skip
        """Start a worker (and its nanny), and return its name; it need not have joined yet."""
        name = f"w{len(self.workers)}"
        self.workers[name] = self._start(
            "worker", scheduler or self.address, "--name", name, "--nthreads", str(threads),
            "--host", f"{self.protocol}://127.0.0.1", "--no-dashboard", "--local-directory", str(self.folder / name), "--death-timeout", "60",
            *(() if self.nanny else ("--no-nanny",)), *(("--resources", resources) if resources else ()),
            environ=environ, python=python,
        )  # fmt: skip
        return name

    def stop_worker(self, name: str) -> None:
        """Kill a worker with its nanny."""
        _kill(self.workers.pop(name))

    def pids(self) -> dict[str, int]:
        """Return the process of each worker that the scheduler knows, by its name."""
        with self.client() as client:
            told = client.run(os.getpid)
            names = {
                address: worker["name"]
                for address, worker in client.sync(client.scheduler.identity, n_workers=-1)["workers"].items()
            }
        return {names[address]: pid for address, pid in told.items() if address in names}

    @contextlib.contextmanager
    def client(self) -> Iterator["Client"]:  # noqa: F821 - loaded only where a cluster is there
        """Connect to the scheduler, to look at things."""
        from distributed import Client

        with Client(self.address, set_as_default=False, timeout=STARTED) as client:
            yield client

    def wait_for(self, workers: int) -> None:
        """Wait until so many workers have joined."""
        if not workers:
            return
        with self.client() as client:
            client.wait_for_workers(workers, timeout=STARTED)

    def _start(
        self, *arguments: str, environ: Mapping[str, str] | None = None, python: str = sys.executable
    ) -> subprocess.Popen[bytes]:
        with self.log.open("ab") as log:
            return subprocess.Popen(
                [python, "-m", "dask", *arguments], env={**self.environ, **(environ or {})}, cwd=self.folder,
                stdout=log, stderr=log, start_new_session=True,
            )  # fmt: skip


def free_port() -> int:
    """Return a loopback port that nobody listens on."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return int(taken.getsockname()[1])


def _listens(port: int) -> bool:
    with socket.socket() as knocking:
        knocking.settimeout(1)
        return knocking.connect_ex(("127.0.0.1", port)) == 0


def _kill(process: subprocess.Popen[bytes]) -> None:
    """End a process with all it started: a nanny would start a killed worker again."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


class Link:
    """A port that leads to another one, and can be cut: connections stay open, bytes go nowhere."""

    def __init__(self, port: int) -> None:
        self._to = port
        self._whole = threading.Event()
        self._whole.set()
        self._listening = socket.create_server(("127.0.0.1", 0))
        self.port = int(self._listening.getsockname()[1])
        self._ends: list[socket.socket] = [self._listening]

    def __enter__(self) -> Self:
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        for end in self._ends:
            with contextlib.suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
            end.close()

    def cut(self) -> None:
        """Swallow what is sent from now on, by either side."""
        self._whole.clear()

    def mend(self) -> None:
        """Lead new connections on; those that were cut lost bytes and are of no use."""
        for end in self._ends[1:]:
            with contextlib.suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
        self._whole.set()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                near, _ = self._listening.accept()
                far = socket.create_connection(("127.0.0.1", self._to))
                self._ends += [near, far]
                for one, other in ((near, far), (far, near)):
                    threading.Thread(target=self._lead, args=(one, other), daemon=True).start()

    def _lead(self, one: socket.socket, other: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while data := one.recv(65536):
                if self._whole.is_set():
                    other.sendall(data)
            other.shutdown(socket.SHUT_RDWR)
