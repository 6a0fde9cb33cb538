"""What a round of counting costs in seconds of CPU with many stories due; a stand-in plays every provider.

python bench/discuss.py [--stories 10000] [--rounds 3]
"""

import argparse
import os
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TypeVar

sys.path.insert(0, str(Path(__file__).parent.parent))

from sqlite_utils import Database

from aggregator.config import Config
from aggregator.discuss import access
from aggregator.discuss.stage import COUNT, wanted
from aggregator.store import discussions, open_store
from aggregator.times import to_text
from tests.providers import Providers, Thread

NOW = datetime(2026, 11, 24, 6, tzinfo=UTC)
AFTER = timedelta(minutes=20)  # between two rounds: everybody may be asked again
T = TypeVar("T")


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--stories", type=int, default=10_000)
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    os.environ[access.REDDIT] = "client:secret"
    os.environ[access.GITHUB] = "ghp-1"
    with Providers() as web, tempfile.TemporaryDirectory() as folder:
        config = replace(web.config, store=Path(folder) / "store.sqlite")
        db = open_store(config.store)
        _fill(db, web, options.stories)
        names = ("round", "provider", "stories due", "asked about", "requests", "choose", "ask", "record")
        print(f"| {' | '.join(names)} |\n|{'---|' * len(names)}")
        for number in range(options.rounds):
            _round(db, config, web, number + 1, NOW + (number + 1) * AFTER)
        nothing, _ = _timed(lambda: list(COUNT.pending(db, config, NOW + options.rounds * AFTER)))
        backlog, _ = _timed(lambda: COUNT.backlog(db, config, NOW + (options.rounds + 1) * AFTER))
        print(
            f"\nnobody to be asked yet: {nothing * 1000:.1f} ms; the backlog counted: {backlog * 1000:.1f} ms"
        )
        db.close()


def _round(db: Database, config: Config, web: Providers, number: int, now: datetime) -> None:
    with db.atomic():
        opened, count = _timed(lambda: discussions.open_turns(db, wanted(config), now))
    if count:
        print(f"| {number} | turns opened: {count:,} | | | | {opened:.2f} s | | |")
    jobs = iter(COUNT.pending(db, config, now))
    while True:
        due = {name: discussions.count_due(db, [name], now) for name in wanted(config)}
        choose, job = _timed(lambda: next(jobs, None))
        if job is None:
            return
        before = len(web.requests)
        ask, outcome = _timed(lambda job=job: COUNT.work(config, job))
        with db.atomic():
            record, _ = _timed(lambda job=job, outcome=outcome: COUNT.record(db, config, job, outcome, now))
        row = (
            str(number), job.provider, f"{due[job.provider]:,}", f"{len(outcome.counted.asked):,}",
            str(len(web.requests) - before), f"{choose:.2f} s", f"{ask:.2f} s", f"{record:.2f} s",
        )  # fmt: skip
        print(f"| {' | '.join(row)} |", flush=True)


def _timed(measured: Callable[[], T]) -> tuple[float, T]:
    started = time.thread_time()  # CPU of this thread: neither the stand-in's work nor the machine's other
    result = measured()
    return time.thread_time() - started, result


def _fill(db: Database, web: Providers, stories: int) -> None:
    """Publish stories over two days.

    Shape: one in ten at Hacker News; one in fifty a WordPress post, an issue, a discussion, a release, an
    article whose comments have a feed.
    """
    feed = {
        "listed_url": "https://orbit.example/feed", "fetch_url": "https://orbit.example/feed",
        "host": "orbit.example", "domain": "orbit.example", "settings": "{}",
        "next_poll_at": to_text(NOW),
    }  # fmt: skip
    with db.atomic():
        db.table("feeds").insert(feed)
        db.table("stories").insert_all({"story_id": n, "lead_entry_id": None} for n in range(1, stories + 1))
        db.table("entries").insert_all(_entry(n, stories) for n in range(1, stories + 1))
        db.execute("UPDATE stories SET lead_entry_id = story_id")
        db.table("publications").insert_all(_publication(n, stories) for n in range(1, stories + 1))
    for n in range(10, stories + 1, 10):
        page = f"https://orbit.example/{n}"
        web.hackernews[str(40_000_000 + n)] = Thread(url=page, count=n % 200)
        web.hatena[page] = n % 50
        web.wordpress[f"site{n}.example/{n}"] = web.comment_feeds[f"site{n}.example/{n}/feed"] = Thread(
            count=n % 9
        )
        for place in ("issues", "discussions", "releases/tags"):
            web.github[f"acme/router/{place}/{n}"] = Thread(count=n % 9)


def _came_out(n: int, stories: int) -> str:
    return to_text(NOW - timedelta(days=2) * (stories - n) / stories)


def _entry(n: int, stories: int) -> dict[str, object]:
    at = _came_out(n, stories)
    host = f"site{n}.example" if n % 50 in {0, 10} else "orbit.example"
    thread = {
        0: f"https://news.ycombinator.com/item?id={40_000_000 + n}",
        20: f"https://github.com/acme/router/issues/{n}",
        30: f"https://github.com/acme/router/discussions/{n}",
        40: f"https://github.com/acme/router/releases/tag/{n}",
    }.get(n % 50)
    guid = f"https://{host}/?p={n}" if n % 50 == 10 else str(n)
    return {
        "entry_id": n, "feed_id": 1, "story_id": n, "guid": guid,
        "permalink": f"https://{host}/{n}", "title": f"Story {n}", "published_at": at, "first_seen_at": at,
        "sort_at": at, "fingerprint": str(n), "comments_url": thread,
        "comments_feed_url": f"https://{host}/{n}/feed" if n % 50 == 0 else None,
    }  # fmt: skip


def _publication(n: int, stories: int) -> dict[str, object]:
    at = _came_out(n, stories)
    return {
        "public_id": f"urn:uuid:{n:032x}", "story_id": n, "slug": f"{n:032x}", "state": "translated",
        "held_at": at, "first_published_at": at, "updated_at": at, "title": "t", "body": "b",
        "fingerprint": "f",
    }  # fmt: skip


if __name__ == "__main__":
    main()
