"""A simulated week of counting: what each provider is asked when 2,000 entries come out.

python -m tests.countweek [--entries 2000] [--over 1h] prints the tables of docs/discussions.md.

Store, schedule, quotas and the providers' scripts are the real ones; their requests are answered here.
"""

import argparse
import json
import math
import os
import re
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, parse_qsl, unquote, urlsplit

from sqlite_utils import Database

from aggregator.config import Config
from aggregator.discuss.access import LOGINS, REDDIT
from aggregator.discuss.answers import Answer
from aggregator.discuss.providers import KINDS
from aggregator.discuss.stage import COUNT
from aggregator.executors import open_workers
from aggregator.model import PROVIDERS, Counted, CountJob, CountOutcome, Failure, Fetched, Provider, Request
from aggregator.pipeline import run_stage
from aggregator.store import discussions, open_store, providers
from aggregator.times import duration_text, parse_duration, to_text

BEGIN = datetime(2026, 11, 23, tzinfo=UTC)
WEEK, ROUND, HOUR, DAY = timedelta(days=7), timedelta(minutes=5), timedelta(hours=1), timedelta(days=1)
_FIRST_HN = 40_000_000
_GITHUB = {3: "issues", 4: "releases/tag"}
ASKED = tuple(name for name in PROVIDERS if name != "github-discussions")  # it has no quota without a token


@dataclass
class World:
    """The pages there are, each known by its number, and what people say of them."""

    came_out: dict[int, datetime] = field(default_factory=dict)
    now: datetime = BEGIN

    def entry(self, number: int) -> tuple[str, str]:
        """Return an entry's permalink and guid: 3 in 10 are of WordPress, 2 in 10 of GitHub."""
        if number % 10 in _GITHUB:
            url = f"https://github.com/acme/orbit/{_GITHUB[number % 10]}/{number}"
            return url, url
        site = f"https://site{number % 40}.example"
        url = f"{site}/{number}"
        return url, f"{site}/?p={number}" if number % 10 < 3 else url

    def comments(self, number: int) -> int:
        """Return how many comments a page has by now: most come in its first day, and then no more."""
        age = max((self.now - self.came_out[number]) / HOUR, 0)
        return int((number * 37) % 200 * (1 - math.exp(-age / 8)))

    def answer(self, request: Request) -> Answer:
        """Answer one request as its provider would."""
        parts = urlsplit(request.url)
        query = dict(parse_qsl(parts.query))
        host = parts.hostname or ""
        if host == "hn.algolia.com":
            return self._algolia(request, parts.path, query)
        if host == "hacker-news.firebaseio.com":
            number = int(parts.path.split("/")[-1].removesuffix(".json")) - _FIRST_HN
            return _said(request, {"id": 1, "type": "story", "descendants": self.comments(number)})
        if host == "lobste.rs":
            return self._lobsters(request, parts.path)
        if host == "oauth.reddit.com":
            return self._reddit(request, query)
        if host == "bookmark.hatenaapis.com":
            return _said(request, {url: self._bookmarks(url) for url in parse_qs(parts.query)["url"]})
        if host == "api.github.com":
            comments = self.comments(_number(parts.path))
            return _said(
                request, {"comments": comments, "tag_name": "v1", "reactions": {"total_count": comments}}
            )
        if parts.path == "/robots.txt":
            return Failure(kind="BadStatus", detail="404", url=request.url, status=404)
        if parts.path.endswith("/feed"):
            entries = [{"id": str(n)} for n in range(min(self.comments(_number(parts.path)), 10))]
            return _said(request, {"version": "https://jsonfeed.org/version/1.1", "items": entries})
        total = str(self.comments(int(query["post"])))
        return _said(request, [], {"x-wp-total": total})

    def _algolia(self, request: Request, path: str, query: Mapping[str, str]) -> Answer:
        """Return the newest stories, or the one searched for; 1 in 5 stands at Hacker News."""
        if path.endswith("search"):
            numbers = [_number(query["query"].strip('"'))]
        else:
            numbers = [n for n, at in self.came_out.items() if self.now - DAY < at <= self.now - 2 * ROUND][
                -250:
            ]
        hits = [
            {"objectID": str(_FIRST_HN + n), "url": self.entry(n)[0], "num_comments": self.comments(n)}
            for n in numbers
            if n % 5 == 0
        ]
        return _said(request, {"hits": hits})

    def _lobsters(self, request: Request, path: str) -> Answer:
        """Return the newest stories, or one; 1 in 50 stands at Lobsters."""
        if path == "/newest.json":
            numbers = [n for n in self.came_out if n % 50 == 0][-25:]
            return _said(request, [self._lobster(n) for n in numbers])
        return _said(request, self._lobster(int(path.removeprefix("/s/s").removesuffix(".json"))))

    def _lobster(self, number: int) -> dict[str, object]:
        url = self.entry(number)[0]
        return {"short_id": f"s{number}", "url": url, "comment_count": self.comments(number)}

    def _reddit(self, request: Request, query: Mapping[str, str]) -> Answer:
        """Return the threads asked for; 1 in 7 stands at Reddit."""
        if "url" in query:
            numbers = [n for n in [_number(query["url"])] if n % 7 == 0]
        else:
            numbers = [int(name.removeprefix("t3_")) for name in query["id"].split(",")]
        found = [
            {"kind": "t3", "data": {"name": f"t3_{n}", "url": self.entry(n)[0], "num_comments": self.comments(n),
                                    "removed_by_category": None}}
            for n in numbers
        ]  # fmt: skip
        return _said(request, {"kind": "Listing", "data": {"children": found}})

    def _bookmarks(self, url: str) -> int:
        number = _number(url)
        return self.comments(number) if number % 3 == 0 and url.startswith("https") else 0


def _number(text: str) -> int:
    return int(re.findall(r"/([0-9]+)", unquote(text))[-1])


def _said(request: Request, document: object, headers: Mapping[str, str] | None = None) -> Fetched:
    return Fetched(
        url=request.url, body=json.dumps(document).encode(), content_type="application/json", etag=None,
        last_modified=None, fresh_for=None, moved_to=None, wire_bytes=0, seconds=0,
        headers=tuple((headers or {}).items()),
    )  # fmt: skip


@dataclass
class Ledger:
    """The requests that were made, counted by who answers them and not by who allows them."""

    made: dict[Provider, list[tuple[datetime, int]]] = field(default_factory=lambda: {p: [] for p in ASKED})
    counted: Counter[Provider] = field(default_factory=Counter)
    dropped: Counter[Provider] = field(default_factory=Counter)
    waiting: dict[Provider, int] = field(default_factory=dict)  # turns that are due in the end

    def busiest(self, provider: Provider, length: timedelta) -> int:
        """Return the most requests within any time of a length."""
        most, inside, first, made = 0, 0, 0, self.made[provider]
        for at, requests in made:
            inside += requests
            while made[first][0] <= at - length:
                inside -= made[first][1]
                first += 1
            most = max(most, inside)
        return most

    def hour(self, provider: Provider, number: int) -> int:
        """Return the requests of one hour, from 0 for the first."""
        begin = BEGIN + number * HOUR
        return sum(n for at, n in self.made[provider] if begin <= at < begin + HOUR)


def simulate(
    folder: Path, entries: int, over: timedelta, length: timedelta = WEEK, **settings: Any
) -> Ledger:
    """Let entries come out over a time, count their discussions for a time, and return what that took."""
    config = Config(store=folder / "week.sqlite", counts=",".join(ASKED), contact="https://a.example/",
                    reddit_user="acme", **settings)  # fmt: skip
    db = open_store(config.store)
    world, ledger = World(), Ledger()
    stage = replace(COUNT, work=lambda _, job: _count(world, ledger, job))
    waiting = [(n, BEGIN + over * (n - 1) / entries) for n in range(1, entries + 1)]
    feed = _feed(db)
    while world.now < BEGIN + length:
        with db.atomic():
            while waiting and waiting[0][1] <= world.now:
                _publish(db, world, feed, *waiting.pop(0))
            run_stage(stage, db, config, open_workers("inline:"), lambda: world.now)
        world.now += ROUND
        if (world.now - BEGIN) % DAY == timedelta() or world.now >= BEGIN + length:
            _take_figures(db, world.now, ledger)
    db.close()
    return ledger


def _take_figures(db: Database, now: datetime, ledger: Ledger) -> None:
    for covered in providers.coverage(db, now - timedelta(minutes=1)):
        ledger.counted[covered.provider] += covered.counted
        ledger.dropped[covered.provider] += covered.dropped
    ledger.waiting = {provider: discussions.count_due(db, [provider], now) for provider in ASKED}


def _feed(db: Database) -> int:
    url = "https://a.example/"
    row = {"listed_url": url, "fetch_url": url, "host": "a.example", "domain": "a.example", "category": "",
           "next_poll_at": to_text(BEGIN)}  # fmt: skip
    return int(db.table("feeds").insert(row).last_pk or 0)


def _publish(db: Database, world: World, feed: int, number: int, at: datetime) -> None:
    world.came_out[number] = at
    permalink, guid = world.entry(number)
    text = to_text(at)
    db.execute("INSERT INTO stories (story_id, lead_entry_id) VALUES (?, ?)", [number, number])
    db.execute(
        """INSERT INTO entries (entry_id, feed_id, story_id, guid, permalink, comments_feed_url, title,
        first_seen_at, sort_at, fingerprint) VALUES (?, ?, ?, ?, ?, ?, '', ?, ?, '')""",
        [
            number,
            feed,
            number,
            guid,
            permalink,
            f"{permalink}/feed" if number % 10 == 5 else None,
            text,
            text,
        ],
    )
    db.execute(
        """INSERT INTO publications (public_id, story_id, slug, state, held_at, first_published_at)
        VALUES (?, ?, ?, 'translated', ?, ?)""",
        [str(number), number, str(number), text, text],
    )


def _count(world: World, ledger: Ledger, job: CountJob) -> CountOutcome:
    """Play a provider's script within its requests; the first are those that let us in."""
    script = KINDS[job.provider].look(job.turns, job.now)
    made = LOGINS.get(job.provider, 0)
    try:
        request = next(script)
        while True:
            is_over = made >= job.requests
            made += not is_over
            skipped = Failure(kind="Skipped", detail="not asked", url=request.url)
            request = script.send(skipped if is_over else world.answer(request))
    except StopIteration as end:
        ledger.made[job.provider].append((job.now, made))
        counted: Counted = end.value
        return CountOutcome(counted=counted, requests=made)


_PERIODS = ((0, 1), (1, 2), (2, 3), (3, 6), (6, 12), (12, 24), (24, 48), (48, 72), (72, 168))


def table(ledger: Ledger, entries: int, over: timedelta) -> Iterator[str]:
    """Yield the lines of a table: each provider's requests an hour, what they are held to, and the turns."""
    yield f"| {entries:,} entries over {duration_text(over)}: requests in the busiest hour | {' | '.join(ASKED)} |"
    yield "|---" * (len(ASKED) + 1) + "|"
    for begin, end in _PERIODS:
        name = f"hour {end}" if end - begin == 1 else f"hours {begin + 1} to {end}"
        yield _row(name, [max(ledger.hour(p, n) for n in range(begin, end)) for p in ASKED])
    yield _row("in any 60 minutes", [ledger.busiest(p, HOUR) for p in ASKED])
    yield _row("quota", [KINDS[p].quota.hourly for p in ASKED])
    yield _row("in any 24 hours", [ledger.busiest(p, DAY) for p in ASKED])
    yield _row("quota of a day", [KINDS[p].quota.daily for p in ASKED])
    yield _row("turns counted", [ledger.counted[p] for p in ASKED])
    yield _row("turns dropped", [ledger.dropped[p] for p in ASKED])
    yield _row("turns still due", [ledger.waiting[p] for p in ASKED])


def _row(name: str, figures: list[int]) -> str:
    return f"| {name} | {' | '.join(f'{figure:,}' for figure in figures)} |"


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--entries", type=int, default=2000)
    parser.add_argument("--over", type=parse_duration, nargs="+", default=[HOUR, WEEK])
    wanted = parser.parse_args()
    os.environ[REDDIT] = "acme:secret"
    for over in wanted.over:
        with tempfile.TemporaryDirectory() as folder:
            ledger = simulate(Path(folder), wanted.entries, over)
        sys.stdout.write("\n".join([*table(ledger, wanted.entries, over), "", ""]))


if __name__ == "__main__":
    main()
