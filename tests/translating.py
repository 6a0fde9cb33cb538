"""The whole path in this process: a feed over loopback, a service that translates, feeds and pages out."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from aggregator.config import Config
from aggregator.session import Session, take_up_opml
from aggregator.stages import run_round
from aggregator.store import open_store
from tests.feedserver import FeedServer

SIX = datetime(2026, 11, 24, 6, tzinfo=UTC)
TITLE = "New editor opens 12 files at once"
BODY = "The editor saves `draft.txt` and <code>notes.md</code> on its own. It is free for everyone."
TITLE_JA = "新しいエディターは12個のファイルを同時に開く"
JAPANESE = {
    TITLE: TITLE_JA,
    "It is free for everyone.": "誰でも無料で使える。",
}


def item(number: int, title: str = TITLE, body: str = BODY) -> str:
    return (
        f"<item><guid>{number}</guid><link>http://127.0.0.1/{number}</link><title>{title}</title>"
        f"<pubDate>Tue, 24 Nov 2026 05:0{number}:00 GMT</pubDate><description><![CDATA[<p>{body}</p>]]>"
        "</description></item>"
    )


def rss(*items: str) -> bytes:
    channel = f"<title>Wire</title><link>http://127.0.0.1/</link><language>en</language>{''.join(items)}"
    return f'<?xml version="1.0"?><rss version="2.0"><channel>{channel}</channel></rss>'.encode()


def translated(segment: str) -> str:
    """Translate what the tests' feeds hold, marks in place."""
    if segment in JAPANESE:
        return JAPANESE[segment]
    marks = [
        mark
        for mark in ("[1]", "[2]", "`draft.txt`", "`notes.md`", "draft.txt", "notes.md")
        if mark in segment
    ]
    return f"エディターは{'と'.join(marks[:2])}を自動で保存する。"


class Desk:
    """A store, an output folder, a served feed and a clock that is moved by hand."""

    def __init__(self, folder: Path, feeds: FeedServer, **settings: Any) -> None:
        self.feeds, self.now = feeds, SIX
        self.opml = folder / "feeds.opml"
        defaults = {
            "opml": self.opml, "store": folder / "store.sqlite", "output": folder / "output",
            "models": folder / "models", "executor_poll": "inline:", "executor_translate": "inline:",
            "allow_private_hosts": True, "host_spacing": timedelta(), "openai_model": "stand-in",
            "engine_timeout": timedelta(seconds=5),
        }  # fmt: skip
        self.config = Config(**{**defaults, **settings})
        self.db = open_store(self.config.store)
        self.subscribe("/feed")

    def settings(self, **settings: Any) -> None:
        self.config = replace(self.config, **settings)

    def subscribe(self, path: str, **attributes: str) -> None:
        """Make feeds.opml name one feed."""
        extra = "".join(f' {name}="{value}"' for name, value in attributes.items())
        outline = f'<outline type="rss" text="Wire" xmlUrl="{self.feeds.url(path)}"{extra}/>'
        self.opml.write_text(f'<opml version="2.0"><body>{outline}</body></opml>')

    def round(self, **later: float) -> None:
        """Let time pass and run a round."""
        self.now += timedelta(**later)
        session = Session(db=self.db, config=self.config, clock=lambda: self.now)
        try:
            take_up_opml(self.db, self.config, lambda: self.now)
            reports = run_round(session)
        finally:
            session.close()
        assert [report.name for report in reports if report.crashes] == []

    def read(self, name: str) -> str:
        return (self.config.output / name).read_text(encoding="utf-8")

    def feeds_bytes(self) -> dict[str, bytes]:
        """Return what readers poll."""
        names = ("atom.xml", "rss.xml", "feed.json", "all.xml", "all.rss.xml", "all.json")
        return {name: (self.config.output / name).read_bytes() for name in names}

    def rows(self, columns: str, table: str = "translations") -> list[Any]:
        return self.db.execute(f"SELECT {columns} FROM {table}").fetchall()
