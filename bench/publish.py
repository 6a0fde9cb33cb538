"""How long publishing takes, and how much memory, as the store grows; an edition holds 100 entries.

python bench/publish.py [--entries 1000 10000]; the first publication, which writes every page, is not in it
"""

import argparse
import resource
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

from sqlite_utils import Database

from aggregator.config import Config
from aggregator.executors import open_workers
from aggregator.pipeline import run_stage
from aggregator.publish.stage import STAGE
from aggregator.store import open_store
from aggregator.times import to_text

NOW = datetime(2026, 11, 24, 6, 0, tzinfo=UTC)
ENTRY = (
    "entry_id, feed_id, story_id, guid, permalink, title, published_at, first_seen_at, sort_at, fingerprint"
)
PUBLISHED = (
    "public_id, story_id, slug, state, held_at, first_published_at, updated_at, title, body, fingerprint"
)
FEEDS, CATEGORIES = 50, 5
SUMMARY = "\n".join(["保守者は、次の長期版に載せる変更の一覧について年内に合意した。"] * 3)


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--entries", type=int, nargs="+", default=[1_000, 10_000])
    names = ("entries", "nothing changed", "one new entry", "files written", "memory")
    print(f"| {' | '.join(names)} |\n|{'---|' * len(names)}")
    for count in parser.parse_args().entries:
        with tempfile.TemporaryDirectory() as folder:
            print(f"| {' | '.join(_row(count, Path(folder)))} |", flush=True)


def _row(count: int, folder: Path) -> list[str]:
    config = Config(store=folder / "store.sqlite", output=folder / "output", base_url="https://news.example/")
    db = open_store(config.store)
    _fill(db, count)
    _publish(db, config)
    before = _touched(config.output)
    idle = min(_seconds(lambda: _publish(db, config)) for _ in range(5))
    fresh = []
    for number in range(1, 4):
        with db.atomic():
            _add(db, count + number, NOW + timedelta(seconds=number), is_published=False)
        fresh.append(_seconds(lambda: _publish(db, config)))
    changed = sum(before.get(path) != at for path, at in _touched(config.output).items())
    db.close()
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return [
        f"{count:,}",
        f"{idle * 1000:.0f} ms",
        f"{min(fresh) * 1000:.0f} ms",
        str(changed),
        f"{memory:.0f} MB",
    ]


def _fill(db: Database, count: int) -> None:
    with db.atomic():
        db.table("feeds").insert_all(
            {"listed_url": f"https://f{n}.example/feed", "fetch_url": f"https://f{n}.example/feed",
             "host": f"f{n}.example", "domain": f"f{n}.example", "title": f"Wire {n}",
             "category": f"C{n % CATEGORIES}", "next_poll_at": to_text(NOW)} for n in range(FEEDS)
        )  # fmt: skip
        for number in range(1, count + 1):
            _add(db, number, NOW - timedelta(minutes=30) * (count - number), is_published=True)


def _add(db: Database, number: int, moment: datetime, *, is_published: bool) -> None:
    at = to_text(moment)
    title, feed = f"Kernel maintainers agree on the next release {number}", number % FEEDS + 1
    rows: list[tuple[str, str, tuple[object, ...]]] = [
        ("stories", "story_id", (number,)),
        ("entries",
         ENTRY,
         (number, feed, number, str(number), f"https://f{feed}.example/{number}", title, at, at, at,
          f"f{number}")),
        ("articles", "entry_id, input_fingerprint, origin, text, fingerprint",
         (number, f"f{number}", "feed", "x", f"a{number}")),
        ("summaries", "entry_id, input_fingerprint, text, story, origin, fingerprint",
         (number, f"a{number}:excerpt", "One.", "", "extract", f"s{number}")),
        ("translations", "entry_id, language, input_fingerprint, engine, model, title, summary, story",
         (number, "ja", f"s{number}", "firefox", "enja", f"保守者が長期版{number}で合意", SUMMARY, "")),
    ]  # fmt: skip
    if is_published:
        slug = f"2026/11/{number}"
        frozen = (f"urn:uuid:{number}", number, slug, "translated", at, at, at, title, SUMMARY, "excerpt - -")
        rows.append(("publications", PUBLISHED, frozen))
    for table, columns, values in rows:
        marks = ", ".join("?" * len(values))
        db.conn.execute(f"INSERT INTO {table} ({columns}) VALUES ({marks})", values)
    if is_published:
        db.conn.execute("UPDATE stories SET lead_entry_id = story_id WHERE story_id = ?", (number,))


def _publish(db: Database, config: Config) -> None:
    run_stage(STAGE, db, config, open_workers("inline:"), lambda: NOW + timedelta(minutes=1))


def _touched(folder: Path) -> dict[Path, int]:
    return {path: path.stat().st_mtime_ns for path in folder.rglob("*") if path.is_file()}


def _seconds(do: Callable[[], object]) -> float:
    start = time.perf_counter()
    do()
    return time.perf_counter() - start


if __name__ == "__main__":
    main()
