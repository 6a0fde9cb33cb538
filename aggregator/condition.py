"""How things are, as a page: from the store to what everybody may read of it."""

from datetime import date, datetime, timedelta

from sqlite_utils import Database

from aggregator import health
from aggregator.config import Config
from aggregator.publish import charts, condition
from aggregator.publish.charts import Chart, Series
from aggregator.publish.condition import Condition, EngineLine, FeedLine, StageLine
from aggregator.publish.place import private_root, site_of
from aggregator.session import ROUND
from aggregator.store import network, poll_days, reading, stage_runs, verdicts, vitals
from aggregator.times import maybe_time

DAYS = 14
LATELY = timedelta(days=6)  # and today
TROUBLED = 20
# What the last chart shows.
_POLITE = (
    "応答のうち、条件付きの要求に「変更なし（304）」で済んだ割合です。"
    "高いほど、相手のサーバーの負担が小さくなります。"
)
_OUTCOMES = {
    "changed": ("c1", "新着あり"), "unchanged": ("c3", "同じ内容"), "not_modified": ("c2", "変更なし（304）"),
    "failed": ("c4", "失敗"), "gone": ("c5", "配信終了"),
}  # fmt: skip
_WAITS = (("c1", "15分以内", (300, 900)), ("c2", "1時間以内", (3600,)), ("c3", "6時間以内", (21600,)),
          ("c4", "それ以上", (86400, 0)))  # fmt: skip


def page(config: Config, patience: health.Patience, since: datetime, now: datetime) -> tuple[str, bytes]:
    """Return the folder beneath the server that knows the page, and the page.

    Raises: StoreError.
    """
    with reading(config.store) as db:
        root = private_root(db, config)
        found = collect(db, health.late(stage_runs.all_of(db), patience, since, now), now)
        return root, condition.page(found, site_of(config, root)).body


def collect(db: Database, late: dict[str, datetime | None], now: datetime) -> Condition:
    """Return how things are; `late` are the stages that hold everything up."""
    waiting, waiting_since = vitals.waiting(db)
    judged = verdicts.engines(db, now.date() - LATELY)
    last_poll_at = db.execute("SELECT max(last_poll_at) FROM feeds WHERE listed = 1").fetchone()[0]
    return Condition(
        at=now, is_reachable=network.down_since(db) is None, feeds=vitals.states(db),
        last_poll_at=maybe_time(last_poll_at), newest_at=vitals.newest_published_at(db),
        waiting=waiting, waiting_since=waiting_since,
        charts=_charts(db, now.date()), stages=_stages(db, late),
        engines=tuple(
            EngineLine(name=name, passed=each.passed, refused=each.refused, rate=each.rate)
            for name, each in judged.items()
        ),
        troubled=tuple(
            FeedLine(title=each.title, state=each.state, failures=each.failures, failure=each.failure,
                     last_poll_at=each.last_poll_at)
            for each in vitals.troubled(db, TROUBLED)
        ),
    )  # fmt: skip


def _stages(db: Database, late: dict[str, datetime | None]) -> tuple[StageLine, ...]:
    known = stage_runs.all_of(db)
    return tuple(
        StageLine(
            name=name, succeeded_at=each.succeeded_at, worked_at=each.worked_at, units=each.units,
            seconds=each.seconds, failures=each.failures, is_late=name in late,
        )
        for name, each in known.items() if not name.startswith(ROUND)
    )  # fmt: skip


def _charts(db: Database, today: date) -> tuple[Chart, ...]:
    polls, lags = poll_days.latest(db, today, DAYS), verdicts.lag_days(db, today, DAYS)
    days = [each.day for each in polls]
    published = tuple(map(float, vitals.published_days(db, today, DAYS)))
    outcomes = [
        Series(kind=kind, label=label, values=tuple(_polls(each, name) for each in polls))
        for name, (kind, label) in _OUTCOMES.items()
    ]
    waits = [
        Series(
            kind=kind,
            label=label,
            values=tuple(float(sum(day.within.get(b, 0) for b in bounds)) for day in lags),
        )
        for kind, label, bounds in _WAITS
    ]
    polite = tuple(each.politeness for each in polls)
    out = [Series(kind="c1", label="記事", values=published)]
    answered = Series(kind="c2", label="304の割合", values=polite)
    return (
        charts.counted("巡回の結果", "フィードを見に行った回数です。", days, outcomes),
        charts.counted("公開した記事", "その日に初めて公開した記事の数です。", days, out),
        charts.counted("翻訳までの時間", "記事を見つけてから訳し終えるまでの時間です。", days, waits),
        charts.shares("礼儀正しさ", _POLITE, days, answered),
    )


def _polls(day: poll_days.PollDay, outcome: str) -> float:
    tally = day.outcomes.get(outcome)
    return float(tally.polls) if tally else 0.0
