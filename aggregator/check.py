"""What is wrong with feeds.opml and the feeds it lists, and the new addresses of those that moved."""

from collections.abc import Iterator
from datetime import datetime
from typing import Any

from sqlite_utils import Database

from aggregator import opml, subscribe
from aggregator.config import Config
from aggregator.errors import OpmlError
from aggregator.opml import Problem
from aggregator.store import feeds
from aggregator.times import duration_text, from_text
from aggregator.urls import normalise

COLUMNS = ("where", "feed", "problem", "next")
_STATES = {
    "failing": "answers with a feed again, or remove it",
    "gone": "aggregator resume, should it be back; else remove it",
}


def of_file(config: Config) -> tuple[Problem, ...]:
    """Return everything that is wrong with feeds.opml."""
    try:
        data = config.opml.read_bytes()
    except OSError as error:
        return (Problem(text=f"{config.opml}: cannot be read ({error.strerror})"),)
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


def feed_rows(db: Database, now: datetime) -> list[dict[str, Any]]:
    """Return the listed feeds' problems, worst first, as the last polls left them."""
    found = [(row, problem, step) for row in feeds.overview(db) for problem, step in _problems(row, now)]
    found += [
        (row, f"fetches {row['fetch_url']} as feed {first} does", "remove one") for row, first in _twice(db)
    ]
    return [
        _row(f"feed {row['feed_id']}", problem, row["title"] or row["listed_url"], step)
        for row, problem, step in sorted(found, key=lambda each: -each[0]["failures"])
    ]


def _problems(row: dict[str, Any], now: datetime) -> Iterator[tuple[str, str]]:
    if row["state"] in _STATES:
        since = f" ({row['failures']} times in a row)" if row["failures"] > 1 else ""
        yield f"{row['state']}: {row['failure']}{since}", _STATES[row["state"]]
    elif row["state"] != "paused" and row["last_poll_at"] is None:
        yield "not asked yet", _when(row, now)
    moved = new_address(row)
    if moved:
        yield f"moved for good to {moved}", "aggregator check --fix"


def _when(row: dict[str, Any], now: datetime) -> str:
    rest = row["retry_after_at"] or row["next_poll_at"]
    ahead = from_text(rest) - now
    return f"asked in {duration_text(ahead)}" if ahead.total_seconds() > 0 else "asked at the next poll"


def new_address(row: dict[str, Any]) -> str | None:
    """Return where a feed has moved for good, as far as feeds.opml does not know.

    Shape: a redirect that has just led to a feed once counts too: here a person decides.
    """
    moved = row["moved_to"] if row["moved_seen"] and row["state"] == "ok" else None
    address = feeds.read_settings(row["settings"]).address or row["listed_url"]
    target = str(moved or row["fetch_url"])
    return target if normalise(target) != normalise(address) else None


def _twice(db: Database) -> Iterator[tuple[dict[str, Any], int]]:
    seen: dict[str, int] = {}
    for row in sorted(feeds.overview(db), key=lambda each: each["feed_id"]):
        first = seen.setdefault(normalise(row["fetch_url"]), row["feed_id"])
        if first != row["feed_id"]:
            yield row, first


def fix(db: Database, config: Config, now: datetime) -> list[dict[str, Any]]:
    """Write the new addresses of moved feeds to feeds.opml and return them, old and new.

    The first address stays as `first_url`: published ids are made of it.
    """
    moved = [(row, address) for row in feeds.overview(db) if (address := new_address(row))]

    def change(data: bytes) -> bytes:
        for row, address in moved:
            data = opml.move(data, row["listed_url"], address)
        return data

    if moved:
        subscribe.edit(db, config, change, now)
    return [
        {"feed": row["title"], "first_url": row["listed_url"], "xmlUrl": address} for row, address in moved
    ]
