"""One round over loopback feeds: seconds and memory of `aggregator once`, beside the bare interpreter.

python bench/round.py [--feeds 50] [--repeat 5]
"""

import argparse
import os
import statistics
import sys
import tempfile
from pathlib import Path

sys.path[:0] = [str(Path(__file__).parent), str(Path(__file__).parent.parent)]

from measure import Usage, run  # noqa: E402 - scripts beside each other, and the tests' server

from tests.feedserver import FeedServer  # noqa: E402

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
            (f"once, {options.feeds} feeds, all new", run([*aggregator, "once"], environment)),
            (
                f"once --all, {options.feeds} × 304",
                _median(options.repeat, [*aggregator, "once", "--all"], environment),
            ),
            ("once, nothing due", _median(options.repeat, [*aggregator, "once"], environment)),
        ]
    print("| run | seconds | beyond the bare interpreter | peak memory, all processes |")
    print("|---|---|---|---|")
    for name, usage in rows:
        beyond = usage.seconds - bare.seconds
        print(f"| {name} | {usage.seconds:.2f} | {beyond:.2f} | {usage.megabytes:.0f} MB |")


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


def _median(repeat: int, command: list[str], environment: dict[str, str]) -> Usage:
    runs = [run(command, environment) for _ in range(repeat)]
    return Usage(
        seconds=statistics.median(each.seconds for each in runs),
        cpu=statistics.median(each.cpu for each in runs),
        megabytes=max(each.megabytes for each in runs),
    )


if __name__ == "__main__":
    main()
