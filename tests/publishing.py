"""A store filled by hand, as the steps before publishing would have left it."""

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

from aggregator.config import Config
from aggregator.executors import open_workers
from aggregator.pipeline import StageReport, run_stage
from aggregator.publish.stage import STAGE
from aggregator.store import open_store
from aggregator.times import to_text

NOON = datetime(2026, 11, 24, 3, 0, tzinfo=UTC)  # 12:00 in Tokyo

SENTENCES = ("一つ目の文です。", "二つ目の文です。", "三つ目の文です。", "四つ目の文です。")
ENGLISH = "One.\nTwo.\nThree.\nFour."
ENGLISH = "One.\nTwo.\nThree.\nFour."
STORY = "物語の一段落目です。\n続きの文です。\n\n物語の二段落目です。"


class Newsroom:
    """A store, an output folder and a clock that stands still."""

    def __init__(self, folder: Path, **settings: object) -> None:
        self.folder = folder
        self.now = NOON
        self.db = open_store(folder / "store.sqlite")
        self.config = Config(
            store=folder / "store.sqlite",
            output=folder / "output",
            base_url="https://news.example/",
            **settings,
        )

    def settings(self, **settings: object) -> None:
        self.config = replace(self.config, **settings)

    def feed(self, name: str = "alpha", rights: str | None = None, **columns: object) -> int:
        url = f"https://{name}.example/feed"
        row = {
            "listed_url": url, "fetch_url": url, "host": f"{name}.example", "domain": f"{name}.example",
            "title": f"{name.title()} Wire", "site_url": f"https://{name}.example/", "category": "News",
            "settings": json.dumps({"rights": rights} if rights else {}), "next_poll_at": to_text(NOON),
        }  # fmt: skip
        return self.db.table("feeds").insert(row | columns).last_pk

    def entry(
        self, feed: int, guid: str = "1", *, story: int | None = None, age: float = 1, **columns: object
    ) -> int:
        """Add an entry with article and summary, published `age` hours before NOON."""
        at = to_text(NOON - timedelta(hours=age))
        row = {
            "feed_id": feed, "guid": guid, "permalink": f"https://alpha.example/{guid}",
            "title": f"Story {guid}",
            "published_at": at, "first_seen_at": at, "sort_at": at, "fingerprint": f"f{guid}",
        }  # fmt: skip
        with self.db.atomic():
            row["story_id"] = story or self.db.table("stories").insert({"lead_entry_id": None}).last_pk
            entry = self.db.table("entries").insert(row | columns).last_pk
        self.summarise(entry)
        return entry

    def summarise(self, entry: int, summary: str = ENGLISH, story: str = "") -> None:
        [row] = self.db.query("SELECT * FROM entries WHERE entry_id = ?", [entry])
        made = f"a-{row['fingerprint']}"
        self.db.table("articles").upsert(
            {"entry_id": entry, "input_fingerprint": row["fingerprint"], "origin": "feed", "text": "x",
             "fingerprint": made}, pk="entry_id")  # fmt: skip
        self.db.table("summaries").upsert(
            {"entry_id": entry, "input_fingerprint": f"{made}:excerpt", "text": summary, "story": story,
             "origin": "extract", "fingerprint": f"s-{row['fingerprint']}"}, pk="entry_id")  # fmt: skip

    def translate(
        self,
        entry: int,
        title: str = "日本語の見出し",
        summary: str = "\n".join(SENTENCES),
        **columns: object,
    ) -> None:
        [row] = self.db.query("SELECT fingerprint FROM summaries WHERE entry_id = ?", [entry])
        self.db.table("translations").upsert(
            {"entry_id": entry, "language": "ja", "input_fingerprint": row["fingerprint"],
             "engine": "firefox", "model": "enja 2.3", "title": title, "summary": summary,
             "story": STORY} | columns,
            pk=("entry_id", "language"))  # fmt: skip

    def count(self, entry: int, count: int, url: str | None = None) -> None:
        self.db.table("comment_counts").upsert(
            {"entry_id": entry, "source": "feed", "count": count, "url": url,
             "counted_at": to_text(self.now)},
            pk=("entry_id", "source"))  # fmt: skip

    def opt_out(self, entry: int) -> None:
        """Have the entry's site say that no more than its title may be shown."""
        self.db.table("pages").insert(
            {"entry_id": entry, "fingerprint": "f", "url": "u", "host": "h", "domain": "d", "wanted": 0,
             "queued_at": to_text(self.now)}, ignore=True)  # fmt: skip
        self.db.table("pages").update(entry, {"signal": "noai", "effect": "titles"})

    def publish(self, hours: float = 0) -> StageReport:
        """Let time pass, then run the stage until nothing is due."""
        self.now += timedelta(hours=hours)
        return run_stage(STAGE, self.db, self.config, open_workers("inline:"), lambda: self.now)

    def rows(self) -> list[dict[str, object]]:
        return list(self.db.query("SELECT * FROM publications ORDER BY public_id"))

    def path(self, name: str) -> Path:
        return self.config.output / name

    def outputs(self) -> dict[str, bytes]:
        """Return every document of output/ by its path, without the compressed copies of it."""
        root = self.config.output
        documents = (p for p in sorted(root.rglob("*")) if p.is_file() and p.suffix not in {".gz", ".br"})
        return {str(p.relative_to(root)): p.read_bytes() for p in documents}

    def touched(self) -> dict[str, int]:
        return {name: self.path(name).stat().st_mtime_ns for name in self.outputs()}
