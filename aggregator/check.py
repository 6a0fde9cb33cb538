"""What is wrong with feeds.opml and the feeds it lists, and the new addresses of those that moved."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlite_utils import Database

from aggregator import opml, subscribe
from aggregator.config import Config
from aggregator.errors import OpmlError
from aggregator.opml import Problem
from aggregator.session import unreadable
from aggregator.store import feeds, network
from aggregator.times import duration_text, from_text, to_text
from aggregator.urls import canonical, normalise

COLUMNS = ("where", "feed", "problem", "next")
_STATES = {
    "failing": "wait, or: aggregator remove {feed_id}",
    "gone": "aggregator remove {feed_id}; should it be back: aggregator resume {feed_id}",
}


def of_file(config: Config) -> tuple[Problem, ...]:
    """Return everything that is wrong with feeds.opml."""
    try:
        data = config.opml.read_bytes()
    except OSError as error:
        return (Problem(text=unreadable(config, error)),)
    try:
        return opml.examine(data, str(config.opml))[1]
    except OpmlError as error:
        return (Problem(text=str(error)),)


def file_rows(problems: tuple[Problem, ...]) -> list[dict[str, Any]]:
    """Return the file's problems as rows of the table."""
    return [_row(*_place(problem.text), None, "edit the file") for problem in problems]


def _place(text: str) -> tuple[str, str]:
    where, _, what = text.partition(": ")
    return where, what


def _row(where: str, problem: str, feed: str | None, step: str | None) -> dict[str, Any]:
    return dict(zip(COLUMNS, (where, feed, problem, step), strict=True))


def feed_rows(db: Database, config: Config, now: datetime) -> list[dict[str, Any]]:
    """Return the listed feeds' problems, worst first, as the last polls left them."""
    lines = opml.lines(subscribe.listed(config), str(config.opml))
    rows = feeds.overview(db)
    found = [(row, problem, step) for row in rows for problem, step in _problems(row, now)]
    found += [
        (row, f"moved for good to {address}", "aggregator check --fix") for row, address in _moved(rows)
    ]
    found += [(row, problem, "remove one") for row, problem in _twice(db, lines)]
    return _network_rows(db) + [
        _row(f"feed {row['feed_id']}", problem, row["title"] or row["listed_url"], step)
        for row, problem, step in sorted(found, key=lambda each: -each[0]["failures"])
    ]


def _network_rows(db: Database) -> list[dict[str, Any]]:
    since = network.down_since(db)
    return (
        [_row("network", f"no feed could be reached since {to_text(since)}", None, "check the connection")]
        if since
        else []
    )


def _problems(row: dict[str, Any], now: datetime) -> Iterator[tuple[str, str]]:
    if row["state"] in _STATES:
        since = f" ({row['failures']} times in a row)" if row["failures"] > 1 else ""
        yield f"{row['state']}: {row['failure']}{since}", _STATES[row["state"]].format_map(row)
    elif row["state"] != "paused" and row["last_poll_at"] is None:
        yield "not asked yet", _when(row, now)


def _when(row: dict[str, Any], now: datetime) -> str:
    rest = row["retry_after_at"] or row["next_poll_at"]
    ahead = from_text(rest) - now
    return f"asked in {duration_text(ahead)}" if ahead.total_seconds() > 0 else "asked at the next poll"


def _moved(rows: Sequence[dict[str, Any]]) -> list[tuple[dict[str, Any], str]]:
    """Return the feeds that have moved for good to where feeds.opml lists none, and where that is.

    A redirect that has just led to a feed once counts too: here a person decides.
    """
    taken = {normalise(url): row["feed_id"] for row in rows for url in (row["listed_url"], _address(row))}
    found = []
    for row in rows:
        moved = row["moved_to"] if row["moved_seen"] and row["state"] == "ok" else None
        target = str(moved or row["fetch_url"])
        is_free = taken.setdefault(normalise(target), row["feed_id"]) == row["feed_id"]
        if is_free and normalise(target) != normalise(_address(row)):
            found.append((row, target))
    return found


def _address(row: dict[str, Any]) -> str:
    return feeds.read_settings(row["settings"]).address or str(row["listed_url"])


def _twice(db: Database, lines: Mapping[str, int]) -> Iterator[tuple[dict[str, Any], str]]:
    """Yield each feed that is listed before under another address, and what proves it."""
    seen: dict[object, dict[str, Any]] = {}
    for row in feeds.ends(db):
        for key, proof in _proofs(row):
            first = seen.setdefault(key, row)
            if first is not row:
                places = " and ".join(str(lines.get(each["listed_url"], "?")) for each in (first, row))
                yield row, f"is feed {first['feed_id']} again (lines {places}): {proof}"
                break


def _proofs(row: dict[str, Any]) -> Iterator[tuple[object, str]]:
    yield normalise(row["ends_at"]), f"both lead to {row['ends_at']}"
    # http and https, www. and a final slash alone prove nothing; the same document under both does.
    alike, body = canonical(row["ends_at"]), row["body_fingerprint"]
    if alike and body:
        yield (alike, body), "both bring the same document"


def fix(db: Database, config: Config, now: datetime) -> list[dict[str, Any]]:
    """Write the new addresses of moved feeds to feeds.opml and return them, old and new.

    The first address stays as `first_url`: published ids are made of it.
    """
    moved = _moved(feeds.overview(db))

    def change(data: bytes) -> bytes:
        for row, address in moved:
            data = opml.move(data, row["listed_url"], address)
        return data

    if moved:
        subscribe.edit(db, config, change, now)
    return [
        {"feed": row["title"], "first_url": row["listed_url"], "xmlUrl": address} for row, address in moved
    ]
