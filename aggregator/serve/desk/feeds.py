"""Feeds at the operator's desk: the list, one feed, and what may be done to it."""

from collections.abc import Callable
from datetime import datetime
from typing import Any

from sqlite_utils import Database

from aggregator import feedlog, subscribe, troubles, why
from aggregator.config import Config
from aggregator.errors import AggregatorError, OpmlError
from aggregator.publish.place import private_root
from aggregator.serve.desk.visits import Sent, Shown, View, Visit
from aggregator.store import categories, feeds, lately, usage

SIZE = 100  # feeds on a page
_LOGGED = 20  # polls, and entries
_ONE = "feeds/{feed:[0-9]{1,18}}"

_DONE = {
    "pause": "取得を停止しました。", "resume": "取得を再開しました。",
    "retry": "次の巡回ですぐに取得します。", "category": "分類を変えました。",
}  # fmt: skip


def _list(visit: Visit) -> Shown:
    asked = {name: visit.asked.get(name, "").strip() for name in ("q", "state", "category")}
    with visit.store() as db:
        problem = _bring_up(db, visit.config, visit.now)
        rows, folder = feeds.overview(db), private_root(db, visit.config)
    fitting = [row for row in rows if _fits(row, **asked)]
    last = max(1, -(-len(fitting) // SIZE))
    number = visit.asked.get("page", "")
    at = min(max(int(number) if number.isascii() and number.isdecimal() and len(number) < 6 else 1, 1), last)
    return Shown(template="feeds.html", values={
        "feeds": fitting[(at - 1) * SIZE : at * SIZE], "found": len(fitting), "total": len(rows),
        "troubled": sum(row["state"] in {"failing", "gone"} for row in rows), "problem": problem,
        "status": f"../{folder}/status" if folder else "../status",
        "asked": asked, "categories": sorted({row["category"] for row in rows if row["category"]}),
        "page": at, "pages": last,
    })  # fmt: skip


def _bring_up(db: Database, config: Config, now: datetime) -> str:
    """Take up what was edited by hand; return why that cannot be, while what is known so far is shown."""
    try:
        subscribe.bring_up(db, config, now)
    except OpmlError as error:
        return str(error)
    return ""


def _fits(row: dict[str, Any], q: str, state: str, category: str) -> bool:
    text = f"{row['title']}\n{row['listed_url']}\n{row['fetch_url']}".casefold()
    return (
        all(word in text for word in q.casefold().split())
        and state in {"", row["state"]}
        and (not category or f"{row['category']}/".startswith(f"{category}/"))
    )


def _feed(visit: Visit) -> Shown:
    number = visit.place["feed"]
    with visit.store() as db:
        return Shown(template="feed.html", values={
            "feed": _named(db, number), "lines": why.lines(why.collect(db, number), visit.now),
            "log": feedlog.collect(db, number, visit.config.language, _LOGGED),
            "categories": list(categories.members(db)),
        })  # fmt: skip


def _named(db: Database, number: str) -> dict[str, Any]:
    """Return the feed of this number: a part of a title, as commands take it, will not do here."""
    row = feeds.find(db, number)
    if str(row["feed_id"]) != number:
        raise AggregatorError(f"{number}: no such feed")
    return row


def _removal(visit: Visit) -> Shown:
    with visit.store() as db:
        return Shown(template="remove.html", values={"feed": _named(db, visit.place["feed"])})


def _remove(visit: Visit) -> Sent:
    with visit.store() as db:
        _named(db, visit.place["feed"])
        title = subscribe.EDITS["remove"](db, visit.config, visit.place["feed"], visit.now)
    return Sent(to="", notice=f"「{title}」を一覧から外しました。記事は残ります。")


def _category(visit: Visit) -> Sent:
    number, category = visit.place["feed"], visit.asked.get("category", "").strip()
    with visit.store() as db:
        _named(db, number)
        subscribe.categorise(db, visit.config, number, category, visit.now)
    return Sent(to=f"feeds/{number}", notice=_DONE["category"])


def _edit(name: str) -> Callable[[Visit], Sent]:
    def edit(visit: Visit) -> Sent:
        number = visit.place["feed"]
        with visit.store() as db:
            _named(db, number)
            subscribe.EDITS[name](db, visit.config, number, visit.now)
        return Sent(to=f"feeds/{number}", notice=_DONE[name])

    return edit


def _failures(visit: Visit) -> Shown:
    with visit.store() as db:
        rows = [row for row in feeds.overview(db) if row["state"] in {"failing", "gone"}]
        return Shown(template="failures.html", values={
            "troubles": troubles.found(db, visit.config, visit.now),
            "feeds": sorted(rows, key=lambda row: -row["failures"]), "polls": lately.failed_polls(db),
            "refused": lately.refused(db, visit.config.language),
            "resting": usage.resting(db, visit.now),
        })  # fmt: skip


PAGES: tuple[tuple[str, View], ...] = (
    ("", _list),
    (_ONE, _feed),
    (f"{_ONE}/remove", _removal),
    ("failures", _failures),
)
FORMS: tuple[tuple[str, View], ...] = (
    *((f"{_ONE}/{name}", _edit(name)) for name in ("pause", "resume", "retry")),
    (f"{_ONE}/category", _category),
    (f"{_ONE}/remove", _remove),
)
