"""How long publishing takes, and how much memory, as the store grows; an edition holds 100 entries.

python bench/publish.py [--entries 1000 10000 100000 1000000] [--cache FOLDER]

Stores are made by SQL and kept in the cache (1.7 GB for a million entries); each size is measured in
a process of its own. The first publication is not measured: of it the editions are written alone, and all
other pages and archives taken for written. Times are the best ones, in brackets those of CPU.
"""

import argparse
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent))

from sqlite_utils import Database

from aggregator.config import Config
from aggregator.executors import open_workers
from aggregator.pipeline import run_stage
from aggregator.publish.archiving import Archive
from aggregator.publish.dated import DayPages
from aggregator.publish.rendering import Pages
from aggregator.publish.stage import STAGE
from aggregator.store import open_store
from aggregator.store.schema import migrations
from aggregator.times import to_text

NOW = datetime(2026, 11, 24, 6, 0, tzinfo=UTC)
LOOK = NOW + timedelta(minutes=1)
FEEDS, CATEGORIES = 50, 5
CACHE = Path(tempfile.gettempdir()) / "aggregator-bench-publish"
COLUMNS = ("nothing changed", "one new entry", "100 new entries", "files written for one", "peak memory")
SUMMARY = "\n".join(["保守者は、次の長期版に載せる変更の一覧について年内に合意した。"] * 3)

# Entry number i of n, oldest first: the newest 150 half an hour apart, those before them a minute.
# One in a hundred was never translated, one in three has comments.
_MOMENT = (
    "strftime('%Y-%m-%dT%H:%M:%SZ', :now - CASE WHEN :n - i < 150 THEN (:n - i) * 1800 "
    "ELSE 270000 + (:n - i - 150) * 60 END, 'unixepoch')"
)
_NUMBERS = f"""
CREATE TEMP TABLE numbers AS
WITH RECURSIVE up (i) AS (SELECT :first UNION ALL SELECT i + 1 FROM up WHERE i < :n)
SELECT i, i % {FEEDS} + 1 AS feed, {_MOMENT} AS at, i % 100 != 0 OR :n - i < 150 AS translated FROM up
"""
_WAITING = f"""
INSERT INTO entries (entry_id, feed_id, story_id, guid, permalink, canonical_url, title, published_at,
    first_seen_at, sort_at, fingerprint, summary_html)
  SELECT i, feed, i, i, 'https://f' || feed || '.example/' || i, 'https://f' || feed || '.example/' || i,
    'Kernel maintainers agree on the next release ' || i, at, at, at, 'f' || i,
    '<p>The maintainers agreed on a list of changes for the next long-term release.</p>' FROM numbers;
INSERT INTO articles (entry_id, input_fingerprint, origin, text, fingerprint)
  SELECT i, 'f' || i, 'feed', 'The maintainers agreed on a list.', 'a' || i FROM numbers;
INSERT INTO summaries (entry_id, input_fingerprint, text, story, origin, fingerprint)
  SELECT i, 'a' || i || ':excerpt', 'The maintainers agreed on a list.', '', 'extract', 's' || i FROM numbers;
INSERT INTO translations (entry_id, language, input_fingerprint, engine, model, title, summary, story)
  SELECT i, 'ja', 's' || i, 'firefox', 'enja', '保守者が長期版' || i || 'で合意', '{SUMMARY}', '' FROM numbers
  WHERE translated
"""
_PUBLISHED = f"""
INSERT INTO publications (public_id, story_id, slug, state, held_at, first_published_at, updated_at, title,
    body, fingerprint)
  SELECT 'urn:uuid:' || i, i, substr(at, 1, 4) || '/' || substr(at, 6, 2) || '/' || i,
    iif(translated, 'translated', 'untranslated'), at, at, at,
    '保守者が長期版' || i || 'で合意', '<p>{SUMMARY}</p>', 'excerpt - -' FROM numbers;
INSERT INTO comment_counts (entry_id, source, count, counted_at) SELECT i, 'feed', i % 50, at FROM numbers
  WHERE i % 3 = 0;
UPDATE stories SET lead_entry_id = story_id
"""
_OLDER_ARCHIVES = "UPDATE archives SET written = ? WHERE archive_id < (SELECT max(archive_id) FROM archives)"


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--entries", type=int, nargs="+", default=[1_000, 10_000, 100_000, 1_000_000])
    parser.add_argument("--cache", type=Path, default=CACHE)
    parser.add_argument("--one", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.one:
        print(" | ".join(_row(options.one, options.entries[0])))
        return
    print(f"| entries in the store | {' | '.join(COLUMNS)} |\n|{'---|' * (len(COLUMNS) + 1)}")
    for count in options.entries:
        stored = _stored(options.cache, count)
        with tempfile.TemporaryDirectory(dir=options.cache) as folder:
            shutil.copy(stored, Path(folder) / "store.sqlite")
            command = [sys.executable, __file__, "--entries", str(count), "--one", folder]
            row = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True).stdout.strip()
        print(f"| {count:,} | {row} |", flush=True)


def _stored(cache: Path, count: int) -> Path:
    """Return a store with so many published entries, made where there is none of this schema."""
    cache.mkdir(parents=True, exist_ok=True)
    released = len(migrations._migrations)  # noqa: SLF001 - no public list of all
    path = cache / f"{count}-{released}.sqlite"
    if not path.exists():
        made = path.with_suffix(".partial")
        db = open_store(made)
        with db.atomic():
            _subscribe(db)
            _add(db, 1, count, NOW)
            _run(db, _PUBLISHED)
        db.execute("DROP TABLE numbers")
        db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        db.close()
        made.rename(path)
    return path


def _subscribe(db: Database) -> None:
    db.table("feeds").insert_all(
        {"listed_url": f"https://f{n}.example/feed", "fetch_url": f"https://f{n}.example/feed",
         "host": f"f{n}.example", "domain": f"f{n}.example", "title": f"Wire {n}",
         "category": f"C{n % CATEGORIES}", "next_poll_at": to_text(NOW)} for n in range(FEEDS)
    )  # fmt: skip


def _add(db: Database, first: int, last: int, now: datetime) -> None:
    """Add entries with their texts, the last of them now."""
    db.execute("DROP TABLE IF EXISTS numbers")
    db.execute(_NUMBERS, {"first": first, "n": last, "now": int(now.timestamp())})
    db.execute("INSERT INTO stories (story_id) SELECT i FROM numbers")
    _run(db, _WAITING)


def _run(db: Database, statements: str) -> None:
    for statement in statements.split(";\n"):
        db.execute(statement)


def _row(folder: Path, count: int) -> list[str]:
    config = Config(store=folder / "store.sqlite", output=folder / "output", base_url="https://news.example/")
    db = open_store(config.store)
    _first(db, config)
    idle = _best([_timed(lambda: _publish(db, config)) for _ in range(5)])
    one = _best([_fresh(db, config, count + number, 1) for number in range(1, 11)])
    many = _best([_fresh(db, config, count + 100 * number, 100) for number in range(1, 4)])
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    started = time.time_ns()
    _fresh(db, config, count + 400, 1)
    written = sum(path.stat().st_mtime_ns >= started for path in config.output.rglob("*") if path.is_file())
    db.close()
    return [idle, one, many, str(written), f"{memory:.0f} MB"]


def _fresh(db: Database, config: Config, first: int, count: int) -> tuple[float, float]:
    """Return the seconds it takes to publish entries that come now, and those of CPU."""
    with db.atomic():
        _add(db, first, first + count - 1, NOW)
    return _timed(lambda: _publish(db, config))


def _best(times: Sequence[tuple[float, float]]) -> str:
    wall, cpu = (min(each) * 1000 for each in zip(*times, strict=True))
    return f"{wall:.0f} ms ({cpu:.0f})"


def _first(db: Database, config: Config) -> None:
    """Publish the editions beside many pages: all of this month and the last one."""
    months = [to_text(NOW - timedelta(days=days))[:7].replace("-", "/") for days in (0, 28)]
    for month in months:
        (config.output / "entries" / month).mkdir(parents=True)
    rows = db.execute("SELECT slug FROM publications WHERE substr(slug, 1, 7) IN (?, ?)", months)
    for (slug,) in rows:
        (config.output / "entries" / f"{slug}.html").touch()
    while (job := next(STAGE.pending(db, config, LOOK), None)) and not isinstance(job, Pages | DayPages):
        with db.atomic():
            if isinstance(job, Archive) and job.place.newer:
                db.execute(_OLDER_ARCHIVES, [job.form])
            else:
                STAGE.record(db, config, job, STAGE.work(config, job), LOOK)
    with db.atomic():
        for table in ("stale_pages", "day_changes"):
            db.execute(f"DELETE FROM {table}")


def _publish(db: Database, config: Config) -> None:
    run_stage(STAGE, db, config, open_workers("inline:"), lambda: LOOK)


def _timed(do: Callable[[], object]) -> tuple[float, float]:
    wall, cpu = time.perf_counter(), time.process_time()
    do()
    return time.perf_counter() - wall, time.process_time() - cpu


if __name__ == "__main__":
    main()
