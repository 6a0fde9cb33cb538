"""The page that says how things are: what works, what waits, and what the last two weeks were like."""

import re
from dataclasses import dataclass
from datetime import datetime, timedelta

from aggregator.model import Document
from aggregator.publish import pages
from aggregator.publish.charts import Chart
from aggregator.publish.edition import Site

_STAGES = {
    "websub": "ハブからの通知",
    "poll": "巡回",
    "article": "本文の取り出し",
    "page": "原文ページ",
    "summary": "要約",
    "translate": "翻訳",
    "publish": "公開",
    "source": "掲載元別フィード",
    "picture": "画像",
    "hub": "ハブへの通知",
    "count": "コメント数",
    "comments": "コメント",
    "comment_translate": "コメントの翻訳",
    "viewpoints": "AIのコメント",
    "retention": "古い記事の整理",
    "backup": "バックアップ",
}
_STATES = {"ok": "正常", "new": "未巡回", "failing": "失敗中", "paused": "休止", "gone": "配信終了"}
# What a failure is called in public; the rest of it may hold an address with a password or a token.
_FAILURES = {
    "BadStatus": "エラー応答", "FetchTimeout": "時間切れ", "ConnectionFailed": "接続できない",
    "NotAFeed": "フィードではない応答", "BodyTooLarge": "大きすぎる応答",
    "HostForbidden": "許可されないアドレス",
}  # fmt: skip
_STATUS = re.compile(r"\b([1-5]\d\d)\b")


@dataclass(frozen=True, slots=True, kw_only=True)
class StageLine:
    """What is said of a stage."""

    name: str
    succeeded_at: datetime | None
    worked_at: datetime | None
    units: int
    seconds: float
    failures: int
    is_late: bool

    @property
    def label(self) -> str:
        """Its name in Japanese."""
        return _STAGES.get(self.name, self.name)


@dataclass(frozen=True, slots=True, kw_only=True)
class EngineLine:
    """What the checks said of an engine's segments."""

    name: str
    passed: int
    refused: int
    rate: float


@dataclass(frozen=True, slots=True, kw_only=True)
class FeedLine:
    """A feed that brings nothing."""

    title: str
    state: str
    failures: int
    failure: str
    last_poll_at: datetime | None

    @property
    def reason(self) -> str:
        """Why, in words that reveal no address."""
        if self.state == "gone":
            return _STATES["gone"]
        kind, _, rest = self.failure.partition(":")
        status = _STATUS.search(rest) if kind == "BadStatus" else None
        return _FAILURES.get(kind, "読み取りの失敗") + (f" {status[1]}" if status else "")


@dataclass(frozen=True, slots=True, kw_only=True)
class Condition:
    """How things are at a moment."""

    at: datetime
    is_reachable: bool  # our own network is up, as far as polls tell
    feeds: dict[str, int]  # by state
    last_poll_at: datetime | None
    newest_at: datetime | None
    waiting: int
    waiting_since: datetime | None
    charts: tuple[Chart, ...]
    stages: tuple[StageLine, ...]
    engines: tuple[EngineLine, ...]
    troubled: tuple[FeedLine, ...]

    @property
    def in_order(self) -> list[StageLine]:
        """The stages in the order of a round."""
        order = {name: place for place, name in enumerate(_STAGES)}
        return sorted(self.stages, key=lambda stage: order.get(stage.name, len(order)))

    @property
    def late(self) -> list[StageLine]:
        """The stages that hold everything up."""
        return [stage for stage in self.stages if stage.is_late]

    @property
    def states(self) -> str:
        """The feeds by health, in words."""
        return "、".join(f"{_STATES[state]} {count}" for state, count in self.feeds.items() if count)

    @property
    def waits(self) -> str:
        """How long the first of those that wait does."""
        return length_text(self.at - self.waiting_since) if self.waiting_since else ""


def length_text(length: timedelta) -> str:
    """Write how long something takes, as people say it: 45秒, 12分, 6時間, 3日."""
    seconds = max(length.total_seconds(), 0)
    for unit, size in (("日", 86400), ("時間", 3600), ("分", 60)):
        if seconds >= 2 * size or seconds == size:
            return f"{seconds / size:.0f}{unit}"
    return f"{seconds:.0f}秒"


def page(condition: Condition, site: Site) -> Document:
    """Write the page."""
    return pages.render("status.html", "status", site, now=condition)
