"""Poll 2,000 feeds four ways, this project beside other readers on the same files in the same run.

python bench/poll.py [--feeds 2000] [--peers reader,newsboat] [--set executor_poll=inline:]

Needs nginx (apt-get install nginx-light); readers that are not installed are left out.
"""

import argparse
import os
import shutil
import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

import peers
import webserver
from corpus import corpus
from measure import Usage, run

CACHE = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "aggregator" / "bench"
HOSTS = 200
WRITTEN = 1_780_000_000  # when the served files were last modified, as a Unix time; new ones a minute later
BASE = "reader"  # whom the ratios are to
SHORT = 2  # runs of the case that takes a second: of each reader the better counts

Results = dict[str, dict[str, Usage]]


def main() -> None:
    """Measure and print the table."""
    options = _options()
    if not webserver.found():
        sys.exit("nginx is not installed: apt-get install nginx-light")
    made = corpus(CACHE, options.feeds)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        root = _served(made, folder)
        with webserver.WebServer(folder, root) as server:
            urls = [f"http://127.0.0.{n % HOSTS + 1}:{server.port}/{n}.xml" for n in range(options.feeds)]
            readers = list(_readers(folder, urls, options))
            results: Results = {}
            for case in _cases(server, made, root):
                results[case] = _better(results.get(case, {}), _measured(case, readers))
    _show(results)


def _better(before: dict[str, Usage], now: dict[str, Usage]) -> dict[str, Usage]:
    """Return each reader's quicker run of a case."""
    return {
        name: min(now[name], before.get(name, now[name]), key=lambda usage: usage.seconds) for name in now
    }


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--feeds", type=int, default=2000)
    parser.add_argument("--peers", default=",".join(peers.OTHERS), help="beside this project")
    parser.add_argument("--set", action="append", default=[], metavar="KEY=VALUE", help="a setting of ours")
    return parser.parse_args()


def _readers(folder: Path, urls: Sequence[str], options: argparse.Namespace) -> Iterator[peers.Peer]:
    def own(name: str) -> Path:
        (folder / name).mkdir()
        return folder / name

    yield peers.aggregator(own("aggregator"), urls, CACHE, options.set)
    for name in filter(None, options.peers.split(",")):
        try:
            yield peers.OTHERS[name](own(name), urls, CACHE)
        except peers.NotInstalled as error:
            print(f"left out: {name}, for want of {error}")


def _served(made: Path, folder: Path) -> Path:
    root = folder / "www"
    root.mkdir(mode=0o755)
    folder.chmod(0o755)  # nginx's workers run as another user
    for file in (made / "old").iterdir():
        _place(file, root, WRITTEN)
    return root


def _place(file: Path, root: Path, written: int) -> None:
    draft = root / ".draft"
    shutil.copyfile(file, draft)
    os.utime(draft, (written, written))
    draft.rename(root / file.name)


def _cases(server: webserver.WebServer, made: Path, root: Path) -> Iterator[str]:
    """Name one case after the other, the server set up for it."""
    yield "cold"
    yield from ["304"] * SHORT
    server.heed_validators(heed=False)
    yield "same body"
    server.heed_validators(heed=True)
    for file in (made / "new").iterdir():
        _place(file, root, WRITTEN + 60)
    yield "5 % new"


def _measured(case: str, readers: Sequence[peers.Peer]) -> dict[str, Usage]:
    found = {}
    for reader in readers:
        usage = found[reader.name] = run(
            reader.command, {**os.environ, **reader.environment}, reader.store.parent
        )
        figures = f"{usage.seconds:.2f} s, CPU {usage.cpu:.2f} s, {usage.megabytes:.0f} MB"
        print(f"{case}: {reader.name}: {figures}, {reader.entries()} entries", file=sys.stderr)
    return found


def _show(results: Results) -> None:
    print("\n| case | reader | seconds | CPU seconds | peak memory | times faster | times less CPU |")
    print("|---|---|---|---|---|---|---|")
    for case, usages in results.items():
        base = usages.get(BASE)
        for name, usage in usages.items():
            ratios = f"{base.seconds / usage.seconds:.1f} | {base.cpu / usage.cpu:.1f}" if base else "– | –"
            figures = f"{usage.seconds:.2f} | {usage.cpu:.2f} | {usage.megabytes:.0f} MB"
            print(f"| {case} | {name} | {figures} | {ratios} |")


if __name__ == "__main__":
    main()
