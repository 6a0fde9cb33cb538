"""How the CPU time of choosing what is due grows with the number of feeds, 1 in 100 of them due.

python bench/due.py [--feeds 1000 10000 100000]
"""

import argparse
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

from aggregator.config import Config
from aggregator.poll import stage
from aggregator.session import take_up_opml
from aggregator.store import due, open_store

NOW = datetime(2026, 11, 24, 6, 0, tzinfo=UTC)
LATER = NOW + timedelta(hours=1)


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--feeds", type=int, nargs="+", default=[1_000, 10_000, 100_000])
    names = (
        "feeds", "due", "first sync of feeds.opml", "sync, unchanged", "sync, one feed added",
        "count due", "choose due", "choose, nothing due",
    )  # fmt: skip
    print(f"| {' | '.join(names)} |\n|{'---|' * len(names)}")
    for count in parser.parse_args().feeds:
        with tempfile.TemporaryDirectory() as folder:
            print(f"| {' | '.join(_row(count, Path(folder)))} |", flush=True)


def _row(count: int, folder: Path) -> list[str]:
    config = Config(opml=folder / "feeds.opml", store=folder / "store.sqlite")
    _list(config, count)
    db = open_store(config.store)

    def sync() -> object:
        return take_up_opml(db, config, lambda: NOW)

    def added() -> object:
        _list(config, count + 1)
        return sync()

    first, unchanged, one = _seconds(sync, 1), _seconds(sync), _seconds(added, 1)
    with db.atomic():
        db.execute("UPDATE feeds SET next_poll_at = '2026-11-25T00:00:00Z' WHERE feed_id % 100 != 0")
        db.execute("UPDATE feeds SET next_poll_at = '2026-11-24T06:30:00Z' WHERE feed_id % 100 = 0")
    count_due = due.count(db, LATER)
    measured = [
        first, unchanged, one,
        _seconds(lambda: due.count(db, LATER)),
        _seconds(lambda: list(stage.pending(db, config, LATER))),
        _seconds(lambda: list(stage.pending(db, config, NOW))),
    ]  # fmt: skip
    db.close()
    return [f"{count:,}", f"{count_due:,}", *(f"{1000 * seconds:.1f} ms" for seconds in measured)]


def _list(config: Config, count: int) -> None:
    outlines = "".join(
        f'<outline type="rss" text="Feed {n}" xmlUrl="https://blog{n}.site{n // 3}.example/feed.xml"/>\n'
        for n in range(count)
    )
    config.opml.write_text(f'<opml version="2.0"><body>{outlines}</body></opml>')


def _seconds(call: Callable[[], object], repeat: int = 7) -> float:
    taken = []
    for _ in range(repeat):
        started = time.process_time()
        call()
        taken.append(time.process_time() - started)
    return min(taken)  # of CPU: what others take from the machine is not ours


if __name__ == "__main__":
    main()
