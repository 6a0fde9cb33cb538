"""One round over loopback feeds: seconds and memory of `aggregator once`, beside the bare interpreter.

python bench/round.py [--feeds 50] [--repeat 5]
"""

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

ROOT = Path(__file__).parent.parent
sys.path.insert(0, str(ROOT))

from tests.feedserver import FeedServer  # noqa: E402 - a script beside the package

ENTRY = (
    "<item><title>Entry {n} of feed {feed}</title><guid>{feed}-{n}</guid>"
    "<description>{text}</description></item>"
)
TEXT = "Acme said on Tuesday that it had shipped ten thousand routers. Each has four ports. " * 4


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--feeds", type=int, default=50)
    parser.add_argument("--repeat", type=int, default=5)
    options = parser.parse_args()
    with FeedServer(options.feeds) as server, tempfile.TemporaryDirectory() as folder:
        environment = _prepare(server, Path(folder), options.feeds)
        aggregator = [sys.executable, "-m", "aggregator"]
        bare = _median(options.repeat, [sys.executable, "-c", "pass"], environment)
        rows = [
            ("bare interpreter", bare),
            ("aggregator --help", _median(options.repeat, [*aggregator, "--help"], environment)),
            (f"once, {options.feeds} feeds, all new", _run([*aggregator, "once"], environment)),
            (
                f"once --all, {options.feeds} × 304",
                _median(options.repeat, [*aggregator, "once", "--all"], environment),
            ),
            ("once, nothing due", _median(options.repeat, [*aggregator, "once"], environment)),
        ]
    print("| run | seconds | beyond the bare interpreter | peak memory, all processes |")
    print("|---|---|---|---|")
    for name, (seconds, megabytes) in rows:
        print(f"| {name} | {seconds:.2f} | {seconds - bare[0]:.2f} | {megabytes:.0f} MB |")


def _prepare(server: FeedServer, folder: Path, feeds: int) -> dict[str, str]:
    for feed in range(1, feeds + 1):
        entries = "".join(ENTRY.format(n=n, feed=feed, text=TEXT) for n in range(20))
        body = f'<rss version="2.0"><channel><title>Feed {feed}</title>{entries}</channel></rss>'
        server.serve(f"/{feed}", body.encode(), etag=f'"{feed}"')
    outlines = "".join(f'<outline xmlUrl="{server.url(f"/{n}", host=n)}"/>' for n in range(1, feeds + 1))
    (folder / "feeds.opml").write_text(f'<opml version="2.0"><body>{outlines}</body></opml>')
    settings = {
        "OPML": folder / "feeds.opml", "STORE": folder / "store.sqlite", "OUTPUT": folder / "output",
        "ENGINE": "none", "ALLOW_PRIVATE_HOSTS": 1, "HOST_SPACING": 0,
    }  # fmt: skip
    return {**os.environ, **{f"AGGREGATOR_{name}": str(value) for name, value in settings.items()}}


def _median(repeat: int, command: list[str], environment: dict[str, str]) -> tuple[float, float]:
    runs = [_run(command, environment) for _ in range(repeat)]
    return statistics.median(seconds for seconds, _ in runs), max(megabytes for _, megabytes in runs)


def _run(command: list[str], environment: dict[str, str]) -> tuple[float, float]:
    started = time.perf_counter()
    process = subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL, cwd=ROOT)
    peak = [0.0]
    watcher = threading.Thread(target=_watch, args=(process, peak))
    watcher.start()
    if process.wait():
        sys.exit(f"{' '.join(command)} ended with {process.returncode}")
    seconds = time.perf_counter() - started
    watcher.join()
    return seconds, peak[0]


def _watch(process: subprocess.Popen[bytes], peak: list[float]) -> None:
    """Follow the memory of a process and its children: proportional, so that shared pages count once."""
    while process.poll() is None:
        peak[0] = max(peak[0], sum(map(_megabytes, [process.pid, *_children(process.pid)])))
        time.sleep(0.01)


def _children(pid: int) -> list[int]:
    try:
        found = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    except (FileNotFoundError, ProcessLookupError):
        return []
    return [child for text in found for child in (int(text), *_children(int(text)))]


def _megabytes(pid: int) -> float:
    try:
        for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
            if line.startswith("Pss:"):
                return int(line.split()[1]) / 1024
    except (FileNotFoundError, ProcessLookupError, PermissionError):
        pass
    return 0.0


if __name__ == "__main__":
    main()
