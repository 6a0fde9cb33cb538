"""How long a search takes with many entries published, and what being found costs.

python bench/search.py [--entries 100000] [--times 20]
"""

import argparse
import random
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent))

from sqlite_utils import Database

from aggregator.config import Config
from aggregator.publish.stage import STAGE, Indexing
from aggregator.publish.terms import query
from aggregator.search import answer, find
from aggregator.store import open_store, search
from aggregator.times import to_text

NOW = datetime(2026, 11, 24, 6, tzinfo=UTC)
QUERIES = (
    "AI", "半導体", "kernel", "the", "脆弱性", "発表", "株", "体", "の", "ー", "C++", "GPT-5.1", "AI 半導体",
    "kernel 脆弱性 修正", "半導体 rust", "の AI", "ました", "con", "量子計算機の夢", "zzz",
)  # fmt: skip
# Common words come often, as in news; every other word is rare.
NOUNS = """
企業 開発 公開 発表 機能 更新 利用 研究 技術 市場 米国 日本 中国 価格 問題 安全性 対応 製品
性能 計算 記憶 通信 情報 暗号 攻撃 修正 投資 資金調達 株価 工場 電力 自動運転 規制 法案 訴訟
電池 衛星 宇宙 量子 画像 音声 言語 学習 推論 端末 設計 回路 半導体 人工知能 脆弱性 サーバー
クラウド データベース カーネル ブラウザー ソフトウェア チップ エージェント モデル ユーザー
セキュリティ ライブラリ コンパイラ ネットワーク
""".split()
LATIN = "AI OpenAI Linux GPU Rust Python Apple Kubernetes PostgreSQL GPT-5.1 iOS C++ API".split()
PARTICLES = "は を に が の で と から まで による について として への でも".split()
ENDINGS = "しました しています する予定です と述べています できるようになりました と見られます".split()
SYLLABLES = "con pro re de in ex tra ter tion ment al er ing ly ate com per dis un ver".split()
ENGLISH = (
    "the a of to for with new in on kernel chips AI security update releases raises attack model open".split()
)


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--entries", type=int, default=100_000)
    parser.add_argument("--times", type=int, default=20)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        config = Config(
            store=Path(folder) / "store.sqlite", output=Path(folder), base_url="https://n.example/"
        )
        db = open_store(config.store)
        _fill(db, options.entries)
        _index(db, config, options.entries)
        print("| query | hits | index alone | command, 30 entries | server, whole page | slowest page |")
        print("|---|---|---|---|---|---|", flush=True)
        for text in QUERIES:
            _measure(db, config, text, options.times)
        db.close()


def _index(db: Database, config: Config, entries: int) -> None:
    before = _size(db)
    started = time.process_time()
    while isinstance(job := next(STAGE.pending(db, config, NOW), None), Indexing):
        with db.atomic():
            STAGE.record(db, config, job, (), NOW)
    seconds = time.process_time() - started
    print(
        f"{entries:,} entries taken in: {seconds:.1f} s of CPU, {seconds / entries * 1000:.2f} ms each; the "
        f"store grew from {before / 1e6:.0f} to {_size(db) / 1e6:.0f} MB\n",
        flush=True,
    )


def _size(db: Database) -> int:
    [pages, size] = (db.execute(f"PRAGMA {name}").fetchone()[0] for name in ("page_count", "page_size"))
    return int(pages * size)


def _measure(db: Database, config: Config, text: str, times: int) -> None:
    hits = len(search.find(db, query(text)))
    index = _timed(lambda: search.find(db, query(text)), times)
    command = _timed(lambda: find(db, config, text), times)
    page = _timed(lambda: answer(config, "", {"q": text}, "text/html"), times)
    medians = " | ".join(f"{statistics.median(each):.1f} ms" for each in (index, command, page))
    print(f"| {text} | {hits:,} | {medians} | {max(page):.1f} ms |", flush=True)


def _timed(measured: Callable[[], object], times: int) -> list[float]:
    return [_once(measured) for _ in range(times)]


def _once(measured: Callable[[], object]) -> float:
    started = time.perf_counter()
    measured()
    return (time.perf_counter() - started) * 1000


def _fill(db: Database, entries: int) -> None:
    """Publish entries over two years, as they lie in a store that knew no search."""
    feed = {
        "listed_url": "https://orbit.example/feed", "fetch_url": "https://orbit.example/feed",
        "title": "Orbit", "host": "orbit.example", "domain": "orbit.example", "settings": "{}",
        "next_poll_at": to_text(NOW),
    }  # fmt: skip
    texts = _Texts()
    with db.atomic():
        db.table("feeds").insert(feed)
        for first in range(1, entries + 1, 1000):
            stories = [texts.story(n, entries) for n in range(first, min(first + 1000, entries + 1))]
            for table in stories[0]:
                db.table(table).insert_all(story[table] for story in stories)
        db.execute("UPDATE stories SET lead_entry_id = story_id")
        db.execute("INSERT INTO search_due SELECT story_id FROM publications")


class _Texts:
    """The same texts each time, with common words as often as news have them, and rare ones."""

    def __init__(self) -> None:
        self._chance = random.Random(6)
        letters = [chr(n) for n in range(0x4E00, 0x5600)]
        self._rare = [
            "".join(self._chance.choices(letters, k=self._chance.choice((2, 2, 3)))) for _ in range(5000)
        ]
        self._words = ["".join(self._chance.choices(SYLLABLES, k=3)) for _ in range(20_000)]

    def story(self, n: int, entries: int) -> dict[str, dict[str, object]]:
        """Return a row for each table."""
        at = to_text(NOW - timedelta(days=730) * (entries - n) / entries)
        title, summary = self._sentence(4), "\n".join(self._sentence(7) + "。" for _ in range(3))
        entry = {
            "entry_id": n, "feed_id": 1, "story_id": n, "guid": str(n), "fingerprint": str(n),
            "permalink": f"https://orbit.example/{n}", "title": self._english(),
            "published_at": at, "first_seen_at": at, "sort_at": at,
        }  # fmt: skip
        publication = {
            "public_id": f"urn:uuid:{n:032x}", "story_id": n, "slug": f"{n:032x}", "state": "translated",
            "held_at": at, "first_published_at": at, "updated_at": at, "title": title,
            "body": f"<p>{summary}</p>", "fingerprint": "- - -",
        }  # fmt: skip
        made = {"entry_id": n, "input_fingerprint": str(n), "fingerprint": f"a{n}"}
        translation = {
            "entry_id": n, "language": "ja", "input_fingerprint": f"s{n}", "engine": "firefox",
            "model": "enja", "title": title, "summary": summary,
        }  # fmt: skip
        return {
            "stories": {"story_id": n, "lead_entry_id": None},
            "entries": entry,
            "articles": made | {"origin": "feed", "text": "x"},
            "summaries": {"entry_id": n, "input_fingerprint": f"a{n}:excerpt", "fingerprint": f"s{n}",
                          "text": "x", "story": "", "origin": "extract"},
            "translations": translation,
            "publications": publication,
        }  # fmt: skip

    def _sentence(self, words: int) -> str:
        return "".join(self._word() + self._chance.choice(PARTICLES) for _ in range(words)) + self._ending()

    def _word(self) -> str:
        return self._chance.choice(self._chance.choices((NOUNS, LATIN, self._rare), (6, 1, 3))[0])

    def _ending(self) -> str:
        return self._chance.choice(ENDINGS)

    def _english(self) -> str:
        return " ".join(self._chance.choice(self._chance.choice((ENGLISH, self._words))) for _ in range(9))


if __name__ == "__main__":
    main()
