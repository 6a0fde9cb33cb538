"""The readers that are measured: how each is given its feeds, and told to poll them all."""

import contextlib
import os
import shutil
import sqlite3
import subprocess
import venv
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).parent.parent
READER = ("reader==3.26", "sgmllib3k")  # feedparser imports sgmllib where reader's own copy is not found
WORKERS = 8

_READER_ADD = """
import sys
from reader import make_reader
with make_reader(sys.argv[1]) as reader:
    for url in open(sys.argv[2]):
        reader.add_feed(url.strip())
"""
# scheduled=False: every feed, also those that were polled within the hour.
_READER_POLL = f"""
import sys
from reader import make_reader
with make_reader(sys.argv[1]) as reader:
    reader.update_feeds(scheduled=False, workers={WORKERS})
"""


class NotInstalled(Exception):
    """Says what is not."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Peer:
    """A reader that knows its feeds, and the command that polls each of them once."""

    name: str
    command: Sequence[str | Path]
    store: Path
    table: str  # of entries
    environment: dict[str, str] = field(default_factory=dict)

    def entries(self) -> int:
        """Count the entries it stored."""
        with contextlib.closing(sqlite3.connect(self.store)) as connection:
            return int(connection.execute(f"SELECT count(*) FROM {self.table}").fetchone()[0])


def aggregator(folder: Path, urls: Sequence[str], cache: Path, settings: Sequence[str] = ()) -> Peer:
    """Return this project as an operator has it, without extras, subscribed."""
    python = _installed(cache / "aggregator", "-c", ROOT / "constraints.txt", _copied(folder / "source"))
    outlines = "".join(f'<outline xmlUrl="{url}"/>' for url in urls)
    (folder / "feeds.opml").write_text(f'<opml version="2.0"><body>{outlines}</body></opml>')
    store = folder / "store.sqlite"
    values = {
        "opml": folder / "feeds.opml", "store": store, "output": folder / "output",
        "engine": "none", "allow_private_hosts": 1, "host_spacing": 0,
    } | dict(pair.split("=", 1) for pair in settings)  # fmt: skip
    return Peer(
        name="aggregator",
        command=[python, "-m", "aggregator", "poll", "--all"],
        store=store,
        table="entries",
        environment={f"AGGREGATOR_{name.upper()}": str(value) for name, value in values.items()},
    )


def _copied(folder: Path) -> Path:
    """Return a folder with what is installed of this project: work goes on in the checkout meanwhile."""
    shutil.copytree(ROOT / "aggregator", folder / "aggregator", ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("setup.cfg", "pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, folder)
    return folder


def reader(folder: Path, urls: Sequence[str], cache: Path) -> Peer:
    """Return lemon24/reader, the library, subscribed.

    Raises: NotInstalled.
    """
    python = _installed(cache / "reader", *READER)
    (folder / "urls").write_text("\n".join(urls))
    store = folder / "reader.sqlite"
    quiet = [python, "-W", "ignore", "-c"]
    subprocess.run([*quiet, _READER_ADD, store, folder / "urls"], check=True)
    return Peer(name="reader", command=[*quiet, _READER_POLL, store], store=store, table="entries")


def _installed(place: Path, *wanted: str | Path) -> Path:
    """Return the Python of a virtual environment that has what is wanted."""
    python = place / "bin" / "python"
    if not python.exists():
        venv.create(place, with_pip=True)
    pip = [python, "-m", "pip", "install", "-qq", "--disable-pip-version-check", *wanted]
    if subprocess.run(pip, check=False, stderr=subprocess.DEVNULL).returncode:
        raise NotInstalled(f"{wanted[0]} from a package index")
    return python


def newsboat(folder: Path, urls: Sequence[str], _: Path) -> Peer:
    """Return the terminal reader, subscribed.

    Raises: NotInstalled.
    """
    if not shutil.which("newsboat"):
        raise NotInstalled("newsboat (apt-get install newsboat)")
    (folder / "urls").write_text("\n".join(urls))
    (folder / "config").write_text(f"reload-threads {WORKERS}\n")
    files = ["-u", folder / "urls", "-C", folder / "config", "-c", folder / "cache.db"]
    return Peer(
        name="newsboat",
        command=["newsboat", *files, "-x", "reload"],
        store=folder / "cache.db",
        table="rss_item",
        environment={"HOME": str(folder), "PATH": os.environ["PATH"]},
    )


OTHERS: dict[str, Callable[[Path, Sequence[str], Path], Peer]] = {"reader": reader, "newsboat": newsboat}
