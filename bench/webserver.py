"""nginx over a folder on loopback, at as many addresses as there are hosts to be polite to."""

import contextlib
import http.client
import os
import shutil
import signal
import socket
import subprocess
import time
from email.utils import formatdate
from pathlib import Path
from types import TracebackType
from typing import Self

_CONFIG = """
daemon off; master_process on; worker_processes 1; pid {folder}/nginx.pid; error_log {folder}/error.log;
events {{ worker_connections 4096; }}
http {{
  access_log off; default_type application/xml; sendfile on; keepalive_requests 100000;
  client_body_temp_path {folder}/body; proxy_temp_path {folder}/proxy; fastcgi_temp_path {folder}/fastcgi;
  uwsgi_temp_path {folder}/uwsgi; scgi_temp_path {folder}/scgi;
  server {{ listen 0.0.0.0:{port} backlog=4096; root {root}; {validators} }}
}}
"""
_HEEDED = "etag on;"
_IGNORED = "etag off; if_modified_since off;"  # 200 and the same bytes, whatever the request says


def found() -> str | None:
    """Return where nginx is, None where it is not installed."""
    return shutil.which("nginx", path=f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin")


class WebServer:
    """Serves `root` while it is open."""

    def __init__(self, folder: Path, root: Path) -> None:
        self.folder, self.root, self.port = folder, root, _free_port()
        self._configure(_HEEDED)
        nginx = found()
        assert nginx
        self._process = subprocess.Popen(
            [nginx, "-p", folder, "-c", folder / "nginx.conf"], stderr=subprocess.DEVNULL
        )

    def __enter__(self) -> Self:
        self._wait_for(304)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._process.terminate()
        self._process.wait()

    def heed_validators(self, *, heed: bool) -> None:
        """Answer conditional requests with 304, or with 200 as servers do that know nothing of them."""
        self._configure(_HEEDED if heed else _IGNORED)
        self._process.send_signal(signal.SIGHUP)
        self._wait_for(304 if heed else 200)
        time.sleep(0.5)  # the worker with the old settings ends once its connections are closed

    def _configure(self, validators: str) -> None:
        text = _CONFIG.format(folder=self.folder, port=self.port, root=self.root, validators=validators)
        (self.folder / "nginx.conf").write_text(text)

    def _wait_for(self, status: int) -> None:
        for _ in range(200):
            time.sleep(0.05)
            try:
                if self._ask() == status:
                    return
            except OSError:
                continue
        raise SystemExit("nginx does not answer")

    def _ask(self) -> int:
        written = formatdate((self.root / "0.xml").stat().st_mtime, usegmt=True)
        with contextlib.closing(http.client.HTTPConnection("127.0.0.1", self.port, timeout=1)) as connection:
            connection.request("GET", "/0.xml", headers={"If-Modified-Since": written})
            return connection.getresponse().status


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("0.0.0.0", 0))
        return int(probe.getsockname()[1])
