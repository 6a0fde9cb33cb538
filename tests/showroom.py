"""An edition with one of everything that pages show, to be looked at by machines and people."""

import json
from datetime import datetime, timedelta
from pathlib import Path

from sqlite_utils import Database

from aggregator.executors import open_workers
from aggregator.pipeline import run_stage
from aggregator.publish.source_stage import STAGE as SOURCE
from aggregator.store import counts, stage_runs, verdicts
from aggregator.store.stage_runs import StageRun
from aggregator.times import to_text
from tests.publishing import NOON, Newsroom

# Feed, title, Japanese title, Japanese sentences, tags.
STORIES = (
    ("dieshot", "AI Chip War Heats Up: Orrery Raises $2.5 Billion for Accelerators That Need No Water",
     "AIチップ戦争激化：Orreryが水冷不要のアクセラレーターに25億ドルを調達",
     ("3年前には存在しなかったチップ設計会社Orrery Computeは、空気だけで冷やせるAIアクセラレーターを量産するため、25億ドルを調達した。",
      "出資の半分は、水の使用を制限されている地域のデータセンター事業者による。", "半導体の出荷は2027年春に始まる予定だ。"),
     ("AI", "semiconductors", "funding")),
    ("ringzero", "A One-Line Scheduler Fix Saves Northquay 11 Megawatts",
     "スケジューラーの1行の修正で、Northquayが11メガワットを節約",
     ("Northquay Cloudは、kernelのスケジューラーを1行だけ変更して、全サーバーの消費電力を11メガワット減らした。", "その行は7年近く間違っていた。"),
     ("kernel", "scheduler", "energy")),
    ("runtime", "Quillstone's Browser Will Ask Before It Lets an AI Agent Click",
     "Quillstoneのブラウザー、AIエージェントがクリックする前に許可を求める",
     ("Quillstoneブラウザーのバージョン88は、AIエージェントをカメラやマイクと同じように扱う。",
      "サイトごとの許可がなければ、見ることはできても触れることはできない。"),
     ("browsers", "AI", "privacy")),
    ("runtime", "Episode 41: Why Nobody Deletes Feature Flags", "第41回：なぜ誰も機能フラグを消さないのか",
     ("消すはずだった4000個のフラグをめぐる、38分間の会話。",), ("podcast",)),
    ("harbour", "Lockhaven's Update Server Signed Malware for Nine Days",
     "Lockhavenの更新サーバー、9日間マルウェアに署名",
     ("攻撃者は、バックアップ製品を手がけるLockhavenの更新サーバーに、23個の悪意あるパッケージへ署名させた。",
      "署名鍵そのものは盗まれていなかったため、攻撃は見つけにくかった。"),
     ("supply chain", "incident")),
    ("harbour", "Harrow Labs Patches Three Flaws in Its VPN Gateway, One of Them Critical",
     "Harrow Labs、VPNゲートウェイの欠陥3件を修正　うち1件は致命的",
     ("Harrowゲートウェイ5.0から5.6.1では、インターネット上の誰もがパスワードなしでセッショントークンを読める。",
      "5.6.2がこの欠陥（HRW-2026-014、深刻度10点中9.8）を直す。"),
     ("vulnerabilities", "VPN")),
    ("tablespace", "Ebbline 3.0 Throws Away Its Storage Engine and Builds on PostgreSQL 18",
     "Ebbline 3.0、ストレージエンジンを捨ててPostgreSQL 18の上に作り直し",
     ("時系列データベースEbblineの開発元は、8年間と21万行のC++ののち、ストレージエンジンを書くのをやめると決めた。",),
     ("PostgreSQL", "time series")),
    ("tablespace", "Murrelet Returns to an Open Source Licence After 19 Months",
     "Murrelet、19か月ぶりにオープンソースライセンスへ復帰",
     ("メッセージブローカーMurreletの会社が、制限の強いライセンスをやめた。", "抗議から生まれたフォークは戻らない。"),
     ("licences", "open source")),
)  # fmt: skip
FEEDS = {
    "ringzero": ("Ring Zero Ledger", "カーネルとOS", {}), "dieshot": ("Die Shot", "AI・半導体", {}),
    "runtime": ("Runtime Hour", "開発", {}), "harbour": ("Harbour Watch", "セキュリティ", {}),
    "tablespace": ("Table Space", "データベース", {}),
    "shiomi": ("汐見テック通信", "AI・半導体", {"language": "ja"}),
    "paused": ("Slow Signals", "開発", {"settings": '{"paused": "true"}'}),
    "ended": ("The Last Page", "開発", {"gone": 1, "last_poll_at": to_text(NOON - timedelta(days=4))}),
    "failing": ("Broken Pipe", "", {"failures": 7, "last_change_at": to_text(NOON - timedelta(days=9))}),
}  # fmt: skip
OLDER = 120  # entries on one day: two pages of it


class Showroom(Newsroom):
    """A newsroom whose output holds every kind of page."""

    def __init__(
        self, folder: Path, originals: str = "https://originals.example", **settings: object
    ) -> None:
        super().__init__(folder, contact="desk@news.example", viewpoints=True, **settings)
        self.originals = originals  # the site that all originals lie on
        self.feeds = {
            name: self.feed(name, title=title, category=category, **{"last_poll_at": to_text(NOON)} | more)
            for name, (title, category, more) in FEEDS.items()
        }
        self._older()
        self._news()
        self._said()
        self.publish()
        run_stage(SOURCE, self.db, self.config, open_workers("inline:"), lambda: self.now)

    def _older(self) -> None:
        self.now = NOON - timedelta(days=4)
        for number in range(OLDER):
            feed = ("ringzero", "dieshot", "tablespace")[number % 3]
            entry = self.entry(
                self.feeds[feed], f"older-{number}", age=100, title=f"Release notes of build {number}"
            )
            self.translate(entry, f"ビルド{number}のリリースノート")
        self.publish()

    def _news(self) -> None:
        for number, (feed, title, japanese, sentences, tags) in enumerate(STORIES):
            self.now = NOON - timedelta(hours=20 - 2 * number)
            entry = self.entry(
                self.feeds[feed], f"story-{number}", title=title, tags=json.dumps(tags), age=21 - 2 * number,
                permalink=f"{self.originals}/story-{number}",
                authors=json.dumps(["Ilse Marrow"]), enclosures=_episode() if "podcast" in tags else "[]",
            )  # fmt: skip
            self.translate(entry, japanese, "\n".join(sentences), story="\n\n".join(sentences))
            self.publish()
        own = self.entry(
            self.feeds["shiomi"], "nagi", title="汐見電機、消費電力を4割減らした推論チップ「凪」を発表", age=2
        )
        self.translate(
            own,
            "汐見電機、消費電力を4割減らした推論チップ「凪」を発表",
            "㈱汐見電機は19日に発表した。",
            engine="original",
            model="",
        )
        late = self.entry(
            self.feeds["runtime"], "late", title="Three Million Lines From Python 3.8 to 3.13", age=9
        )
        self.now = NOON - timedelta(hours=7)
        self.publish()
        assert late
        self.now = NOON
        self.publish()

    def _said(self) -> None:
        """Give the first story numbers, comments of people and comments of machines."""
        first = self._entry_of("story-0")
        for hours, factor in ((2, 1), (0, 9)):  # two looks: what rose in between is hot
            self.now = NOON - timedelta(hours=hours)
            for number in range(len(STORIES) - 2):
                entry, url = self._entry_of(f"story-{number}"), f"{self.originals}/talk-{number}"
                counts.write(self.db, entry, "hackernews", factor * (30 // (number + 1)), url, self.now)
        [row] = self.db.query(
            "SELECT e.story_id, a.fingerprint FROM entries e JOIN articles a USING (entry_id) WHERE entry_id = ?",
            [first],
        )
        at = to_text(NOON)
        self.db.table("comments").insert({
            "story_id": row["story_id"], "provider": "hackernews", "key": "7", "rank": 1, "author": "mossgatherer",
            "url": "https://news.ycombinator.com/item?id=7", "text": "No water is the headline.", "fingerprint": "c",
            "seen_at": at, "written_at": at, "translated": "水が要らないことこそ見出しだと思う。", "input_fingerprint": "c",
            "engine": "firefox", "model": "enja 2.3",
        })  # fmt: skip
        for persona, text in (
            ("hopeful", "水の乏しい土地にも計算資源を置けるようになります。"),
            ("critical", "電力の消費は減っていません。"),
        ):
            self.db.table("viewpoints").insert({
                "story_id": row["story_id"], "persona": persona, "input_fingerprint": row["fingerprint"], "text": text,
                "engine": "llamacpp", "model": "m-1", "written_at": at,
            })  # fmt: skip
        self.publish()

    def _entry_of(self, guid: str) -> int:
        [row] = self.db.query("SELECT entry_id FROM entries WHERE guid = ?", [guid])
        return int(row["entry_id"])


def _episode() -> str:
    return json.dumps(
        [{"url": "https://cdn.example/41.mp3", "media_type": "audio/mpeg", "length": 36_700_160}]
    )


def watched(db: Database, now: datetime) -> None:
    """Let two weeks of polls and translations have been, and every stage have run."""
    for ago in range(14):
        day = now - timedelta(days=ago)
        polls = {"changed": 40 + ago, "unchanged": 10, "not_modified": 120, "failed": ago % 5, "gone": 1}
        with db.atomic():
            for outcome, number in polls.items():
                row = {"day": day.date().isoformat(), "outcome": outcome, "polls": number}
                nothing = dict.fromkeys(("bytes", "seconds", "added", "changed"), 0)
                db.table("poll_days").upsert(row | nothing, pk=("day", "outcome"))
            seen = [to_text(day - timedelta(minutes=minutes)) for minutes in (3, 40, 200, 2000)]
            verdicts.note(db, [("firefox", 95, 5)], seen, day)
    for name in ("poll", "translate", "publish", "count"):
        failure = "disk full" if name == "count" else ""
        run = StageRun(
            stage=name, started_at=now, ended_at=now, worked=True, units=12, seconds=1.5, failure=failure
        )
        stage_runs.add(db, [run])
