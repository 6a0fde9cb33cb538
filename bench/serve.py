"""Answers a second for atom.xml, 304 and 200, from our server and from nginx over the same folder, by wrk.

python bench/serve.py [--seconds 3] [--connections 16]
"""

import argparse
import os
import re
import shutil
import subprocess
import sys
import tempfile
from contextlib import ExitStack
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent))

from aggregator.model import Document
from aggregator.publish.write import write
from tests import webservers

# As large as a feed of 100 entries, and no more alike than text is.
ATOM = b"<feed>" + b"".join(b"<entry>%d %s</entry>" % (n, os.urandom(700).hex().encode()) for n in range(200))


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=int, default=3)
    parser.add_argument("--connections", type=int, default=16)
    options = parser.parse_args()
    if not shutil.which("wrk") or not webservers.NGINX:
        raise SystemExit("needs wrk and nginx (Debian: wrk, nginx-light)")
    with tempfile.TemporaryDirectory() as folder, ExitStack() as stack:
        Path(folder).chmod(0o755)
        output = Path(folder) / "output"
        write(output, [Document(path="atom.xml", media_type="", body=ATOM)])
        ports = {
            "nginx": stack.enter_context(webservers.nginx(output, Path(folder) / "nginx")),
            "aggregator": stack.enter_context(webservers.ours(output, visibility="public")),
        }
        names = ("answer", *(f"{name}, answers/s" for name in ports), "nginx / aggregator")
        print(f"| {' | '.join(names)} |\n|{'---|' * len(names)}")
        for answer in ("304", "200", "200, gzip"):
            rates = [_rate(port, answer, options) for port in ports.values()]
            print(f"| {answer} | {rates[0]:,.0f} | {rates[1]:,.0f} | {rates[0] / rates[1]:.1f} |")


def _rate(port: int, answer: str, options: argparse.Namespace) -> float:
    """Return answers a second; every one must be of the kind that is measured."""
    headers = {"Accept-Encoding": "gzip"} if "gzip" in answer else {}
    if answer == "304":
        headers["If-None-Match"] = webservers.ask(port, "/atom.xml").headers["ETag"]
    asked = {name.replace("-", "_"): value for name, value in headers.items()}
    assert str(webservers.ask(port, "/atom.xml", **asked).status) == answer[:3]
    flags = [flag for name, value in headers.items() for flag in ("-H", f"{name}: {value}")]
    command = [
        "wrk", "-t1", f"-c{options.connections}", f"-d{options.seconds}s", *flags,
        f"http://127.0.0.1:{port}/atom.xml",
    ]  # fmt: skip
    said = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    assert "Non-2xx" not in said, said
    rate = re.search(r"Requests/sec:\s*([\d.]+)", said)
    assert rate, said
    return float(rate[1])


if __name__ == "__main__":
    main()
