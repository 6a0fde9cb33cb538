"""The two servers of docs/deploy.md over one folder: ours, and nginx with the text of that page."""

import contextlib
import http.client
import os
import re
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path

from aggregator.config import Config
from aggregator.serve import Server

NGINX = shutil.which("nginx", path=f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin")
_DOCS = Path(__file__).parent.parent / "docs" / "deploy.md"
_MAIN = """
daemon off; worker_processes 1; pid {folder}/nginx.pid; error_log {folder}/error.log; {user}
events {{ worker_connections 64; }}
http {{
  access_log off;
  client_body_temp_path {folder}/body; proxy_temp_path {folder}/proxy; fastcgi_temp_path {folder}/fastcgi;
  uwsgi_temp_path {folder}/uwsgi; scgi_temp_path {folder}/scgi;
  {site}
}}
"""


@dataclass
class Answer:
    """What came back."""

    status: int
    headers: http.client.HTTPMessage
    body: bytes = field(repr=False)

    def varies(self) -> set[str]:
        """Return the names in Vary, in however many lines they came."""
        return {name.strip() for line in self.headers.get_all("Vary", []) for name in line.split(",")}


def ask(port: int, path: str, method: str = "GET", **headers: str) -> Answer:
    """Ask with these headers and no others; the path goes as it is."""
    with contextlib.closing(http.client.HTTPConnection("127.0.0.1", port, timeout=10)) as connection:
        connection.putrequest(method, path, skip_host="Host" in headers, skip_accept_encoding=True)
        for name, value in headers.items():
            connection.putheader(name.replace("_", "-"), value)
        connection.endheaders()
        answer = connection.getresponse()
        return Answer(answer.status, answer.headers, answer.read())


@contextlib.contextmanager
def ours(output: Path, **settings: str) -> Iterator[int]:
    """Serve the folder as `aggregator serve` does; yield the port."""
    given = {"store": output / ".none.sqlite", "listen": "127.0.0.1:0"} | settings
    with Server(replace(Config(), output=output, **given)) as server:
        yield server.port


@contextlib.contextmanager
def nginx(output: Path, folder: Path, behind: int = 1, scheme: str = "$scheme") -> Iterator[int]:
    """Serve the folder as docs/deploy.md says, before a server at port `behind`; yield the port.

    Shape: `scheme` is what is passed on as the one that was asked by: TLS is not part of that text.
    """
    assert NGINX
    port = _free_port()
    site, proxied, gone = re.findall(r"```nginx\n(.*?)```", _DOCS.read_text(), re.DOTALL)
    site = site.rstrip().removesuffix("}") + proxied + gone + "}"
    site = site.replace("127.0.0.1:8080", f"127.0.0.1:{behind}")  # at 1 nothing listens
    site = site.replace("$scheme", scheme)
    site = site.replace("listen 80;", f"listen 127.0.0.1:{port};").replace(
        "/srv/aggregator/output", str(output)
    )
    user = "user root;" if os.geteuid() == 0 else ""  # its workers have to read the folder
    folder.mkdir()
    (folder / "nginx.conf").write_text(_MAIN.format(folder=folder, site=site, user=user))
    with subprocess.Popen(
        [NGINX, "-p", folder, "-c", folder / "nginx.conf"], stderr=subprocess.PIPE
    ) as process:
        try:
            _wait_for(port, process)
            yield port
        finally:
            process.terminate()


def _wait_for(port: int, process: "subprocess.Popen[bytes]") -> None:
    for _ in range(200):
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
            return
        if process.poll() is not None:
            raise AssertionError((process.stderr.read() if process.stderr else b"").decode())
        time.sleep(0.05)
    raise AssertionError("nginx does not answer")


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
