"""A small server for a week: one core, 700 MB of memory without swap, 60 feeds, 500 entries a day.

python bench/vps.py [--days 7] [--minutes 40] [--feeds 60] [--entries 500] [--seed 7] [--keep FOLDER]

Counts of comments, backups and retention are on. Memory is looked at four times a second, and at 700 MB the
program is killed, as a limit of the kernel would do: that needs neither a cgroup nor systemd. Ends with 1
where a check fails.
"""

import argparse
import json
import os
import random
import signal
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

sys.path[:0] = [str(Path(__file__).parent), str(Path(__file__).parent.parent)]

import newsworld  # noqa: E402 - scripts beside each other
import vitals  # noqa: E402
from daemonrun import Daemon, Reader, quickened, small_model  # noqa: E402
from fastclock import Simulation  # noqa: E402
from newsserver import NewsServer, free_port  # noqa: E402
from newsworld import DAY, Shape, Source  # noqa: E402

from tests.providers import Providers, Thread  # noqa: E402

LOOK = 0.25  # seconds between two looks at the memory
LIMIT = 700.0  # megabytes; the daemon is killed there
MOST_MEMORY, MOST_DISK = 450.0, 20.0  # megabytes at the peak, and of new disk a day
SETTLED, MOST_GROWTH = (
    3,
    3.0,
)  # days until feeds are full; megabytes by which a day's peak may grow after that
PARAGRAPHS = (2, 3, 4, 6, 10)  # 0.6 to 3 KB of text an entry in the feed; pages have more


@dataclass(frozen=True, slots=True, kw_only=True)
class Day:
    """How things stand at a day's end."""

    day: int
    entries: int
    published: int
    counted: int
    peak_mb: float  # of the day
    store_mb: float
    output_mb: float
    backups_mb: float
    new_mb: float  # of the day
    files: int


@dataclass(slots=True)
class Week:
    """What happened."""

    days: list[Day]
    kills: int = 0
    peak: float = 0.0
    peak_rss: float = 0.0


def week(options: argparse.Namespace, folder: Path) -> tuple[Week, dict[str, object]]:
    """Run it; return how the days went, and figures."""
    length = options.days * DAY
    speed = length / (options.minutes * 60)
    shape = Shape(
        feeds=options.feeds,
        length=length,
        entries_a_day=options.entries,
        paragraphs=PARAGRAPHS,
        first=options.first,
    )
    sources = newsworld.make(shape, options.seed)
    simulation = Simulation.start(speed, patience=3.0, manifest=small_model(folder))
    port, seen = free_port(), Week(days=[])
    with NewsServer(sources, simulation) as server, Providers() as web, Reader(port, every=2.0) as reader:
        (folder / "feeds.opml").write_text(server.opml())
        settings = {
            "LISTEN": f"127.0.0.1:{port}", "COUNTS": "hackernews,lobsters,hatena", "COUNTS_VIA": web.url("/"),
            "CONTACT": "https://reader.example/about", "HOST_SPACING": "0.1s", "BUDGET_COUNT": "4s",
        }  # fmt: skip
        daemon = Daemon(folder, simulation, settings | quickened(speed), cores=1)
        _live(daemon, server, web, seen, options)
    figures = {
        "speed": round(speed), "requests": len(server.visits), "requests_for_counts": len(web.requests),
        "reader": dict(reader.answers), "broken": reader.broken[:5], "kills": seen.kills,
        "peak_pss_mb": round(seen.peak, 1), "peak_rss_mb": round(seen.peak_rss, 1),
        "errors": [line for line in daemon.log.splitlines() if " ERROR " in line][:10],
    }  # fmt: skip
    return seen, figures


def _live(
    daemon: Daemon, server: NewsServer, web: Providers, seen: Week, options: argparse.Namespace
) -> None:
    chance = random.Random(options.seed)
    peak, told = 0.0, 0
    daemon.start()
    while len(seen.days) < options.days:
        at = daemon.simulation.seconds()
        sample = vitals.sample(daemon.pid, at, daemon.started)
        peak, seen.peak_rss = max(peak, sample.pss), max(seen.peak_rss, sample.rss)
        if sample.pss > LIMIT:
            daemon.end(signal.SIGKILL)
            seen.kills += 1
            daemon.start()
        if int(at / 3600) > told:
            told = int(at / 3600)
            _talk(web, server.sources, server, at, chance)
        if at >= (len(seen.days) + 1) * DAY:
            seen.days.append(_day(daemon, seen.days, peak))
            seen.peak, peak = max(seen.peak, peak), 0.0
        if daemon.process and daemon.process.poll() is not None:
            sys.exit(f"the daemon ended by itself with {daemon.process.returncode}:\n{daemon.log[-3000:]}")
        time.sleep(LOOK)
    daemon.end(signal.SIGTERM)


def _talk(
    web: Providers, sources: Sequence[Source], server: NewsServer, at: float, chance: random.Random
) -> None:
    """Have one entry in five talked about, more each hour of its first day."""
    for source in sources:
        for entry in source.listed(at):
            if at - source.released[entry] > DAY or chance.random() > 0.2:
                continue
            url = f"{server.address(source)}/page/{source.number}/{entry}"
            key = str(40_000_000 + 1000 * source.number + entry)
            thread = web.hackernews.setdefault(key, Thread(url=url))
            thread.count += chance.randint(0, 12)
            web.hatena[url] = web.hatena.get(url, 0) + chance.randint(0, 4)


_STANDING = """
SELECT (SELECT count(*) FROM entries), (SELECT count(*) FROM publications WHERE state = 'translated'),
  (SELECT count(DISTINCT entry_id) FROM comment_counts)
"""


def _day(daemon: Daemon, before: Sequence[Day], peak: float) -> Day:
    entries, published, counted = (daemon.ask(_STANDING) or [(0, 0, 0)])[0]
    parts = {
        "store": [*daemon.folder.glob("store.sqlite*")],
        "output": [*(daemon.folder / "output").rglob("*")],
        "backups": [*(daemon.folder / "backups").rglob("*")],
    }
    sizes = {name: sum(map(_blocks, paths)) / 1e6 for name, paths in parts.items()}
    last = before[-1].store_mb + before[-1].output_mb + before[-1].backups_mb if before else 0.0
    return Day(
        day=len(before) + 1,
        entries=entries,
        published=published,
        counted=counted,
        peak_mb=round(peak, 1),
        store_mb=round(sizes["store"], 1),
        output_mb=round(sizes["output"], 1),
        backups_mb=round(sizes["backups"], 1),
        new_mb=round(sum(sizes.values()) - last, 1),
        files=sum(map(len, parts.values())),
    )


def _blocks(path: Path) -> int:
    """Return what a file or folder takes from the disk; one that was just replaced takes nothing."""
    try:
        return os.lstat(path).st_blocks * 512
    except FileNotFoundError:
        return 0


def main() -> None:
    """Print the days, then the figures as JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--days", type=int, default=7)
    parser.add_argument("--minutes", type=float, default=40)
    parser.add_argument("--feeds", type=int, default=60)
    parser.add_argument("--entries", type=float, default=500, help="a day, of all feeds")
    parser.add_argument("--first", type=int, default=10, help="entries of a feed at the start, at most")
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--keep", type=Path, help="a folder that stays")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        kept = options.keep or Path(folder)
        kept.mkdir(parents=True, exist_ok=True)
        seen, figures = week(options, kept)
    names = [*asdict(seen.days[0])]
    print(f"| {' | '.join(names)} |\n{'|---' * len(names)}|")
    for day in seen.days:
        print(f"| {' | '.join(str(value) for value in asdict(day).values())} |")
    disk = sum(day.new_mb for day in seen.days) / len(seen.days)
    print(json.dumps(figures | {"new_disk_mb_a_day": round(disk, 1)}, indent=1))
    faults = (
        seen.kills or seen.peak > MOST_MEMORY or disk > MOST_DISK or figures["broken"] or figures["errors"]
    )
    sys.exit(1 if faults else 0)


if __name__ == "__main__":
    main()
