"""The page /status: what it says of a store, and what it keeps to itself."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
from lxml import html
from sqlite_utils import Database

from aggregator import condition, health
from aggregator.config import Config
from aggregator.publish import charts
from aggregator.publish.charts import Series
from aggregator.publish.condition import FeedLine, length_text
from aggregator.publish.place import private_root
from aggregator.serve import Server
from aggregator.store import network, open_store, stage_runs
from aggregator.store.stage_runs import StageRun
from tests.showroom import watched
from tests.webservers import ask

NOW = datetime(2026, 11, 24, 6, 0, tzinfo=UTC)
HOUR = timedelta(hours=1)
DAYS = [date(2026, 11, 23), date(2026, 11, 24)]


@pytest.fixture
def config(tmp_path: Path) -> Config:
    return Config(store=tmp_path / "store.sqlite", output=tmp_path / "output", listen="127.0.0.1:0")


@pytest.fixture
def db(config: Config) -> Iterator[Database]:
    opened = open_store(config.store)
    yield opened
    opened.close()


def shown(config: Config, now: datetime = NOW) -> html.HtmlElement:
    _, body = condition.page(config, health.beside_cron(config), now - 9 * HOUR, now)
    return html.document_fromstring(body)


def said(page: html.HtmlElement) -> str:
    return " ".join(page.find(".//main").text_content().split())


def note(page: html.HtmlElement) -> str:
    return page.find(".//p[@class='note']").text_content()


def feed(db: Database, number: int, **columns: object) -> None:
    address = f"https://reader:hunter2@feed{number}.example/rss?token=s3cret"
    usual = {"feed_id": number, "host": f"feed{number}.example", "domain": "x", "next_poll_at": "x",
             "last_poll_at": "2026-11-24T05:00:00Z"}  # fmt: skip
    db.table("feeds").insert({**usual, "listed_url": address, "fetch_url": address, **columns})


# --- charts -------------------------------------------------------------------------------------------------


def test_bars_of_a_day_stand_on_one_another_within_the_height():
    series = [Series(kind="c1", label="a", values=(0, 30)), Series(kind="c2", label="b", values=(10, 20))]
    chart = charts.counted("t", "n", DAYS, series)
    assert (chart.top, chart.width, chart.height) == (50, 80, 100)
    assert [(bar.kind, bar.x, bar.y, bar.height) for bar in chart.bars] == [
        ("c2", 3, 80, 20), ("c1", 43, 40, 60), ("c2", 43, 0, 40),
    ]  # fmt: skip
    assert chart.bars[0].says == "11月23日 b 10件"


@pytest.mark.parametrize(
    ("highest", "top"), [(0, 1), (1, 1), (3, 5), (6, 10), (11, 20), (4999, 5000), (5001, 10000)]
)
def test_a_chart_is_as_high_as_a_round_number_above_all(highest: float, top: float):
    chart = charts.counted("t", "n", DAYS[:1], [Series(kind="c1", label="a", values=(highest,))])
    assert chart.top == top


def test_a_chart_says_what_it_shows_to_those_who_do_not_see_it():
    chart = charts.shares("礼儀正しさ", "n", DAYS, Series(kind="c1", label="304", values=(0.5, 0.756)))
    assert chart.says == "礼儀正しさ、2日分の棒グラフ。最後の日は304 76%"
    unknown = charts.shares("礼儀正しさ", "n", DAYS, Series(kind="c1", label="304", values=(1.0, None)))
    assert (unknown.text(None), len(unknown.bars)) == ("—", 1)
    none = charts.counted("巡回", "n", DAYS, [Series(kind="c1", label="a", values=(0, 0))])
    assert (none.is_known, none.says, none.bars) == (False, "巡回: まだ記録がありません", [])


# --- words --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("failure", "reason"),
    [
        ("BadStatus: 503", "エラー応答 503"),
        ("ConnectionFailed: https://reader:hunter2@x/ refused", "接続できない"),
        ("NotAFeed: is an HTML page", "フィードではない応答"),
        ("crash: ValueError: 404", "読み取りの失敗"),
    ],
)
def test_a_failure_is_named_without_its_details(failure: str, reason: str):
    line = FeedLine(title="t", state="failing", failures=1, failure=failure, last_poll_at=None)
    assert line.reason == reason


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(45, "45秒"), (60, "1分"), (719, "12分"), (7200, "2時間"), (200000, "2日"), (-5, "0秒")],
)
def test_lengths_read_as_people_say_them(seconds: float, text: str):
    assert length_text(timedelta(seconds=seconds)) == text


# --- the page -----------------------------------------------------------------------------------------------


def test_a_new_store_has_a_page(db: Database, config: Config):
    assert "フィード0件（なし）" in said(shown(config, NOW))
    assert "まだ何も動いていません" in said(shown(config))


def test_it_says_how_feeds_are_and_names_those_that_bring_nothing(db: Database, config: Config):
    feed(db, 1, title="Alpha")
    feed(db, 2, title="", failures=7, failure="BadStatus: 503")
    feed(db, 3, title="Gamma", gone=1)
    page = shown(config)
    assert "フィード3件（正常 1、失敗中 1、配信終了 1）" in said(page)
    assert [" ".join(line.text_content().split()) for line in page.findall(".//ul[@class='sources']/li")] == [
        "feed2.exampleエラー応答 503（7回）", "Gamma配信終了",
    ]  # fmt: skip


def test_it_reveals_no_address_with_a_password_or_a_token(db: Database, config: Config):
    feed(
        db,
        1,
        failures=3,
        failure="ConnectionFailed: https://reader:hunter2@feed1.example/rss?token=s3cret: no",
    )
    stage_runs.add(
        db, [StageRun(stage="poll", started_at=NOW, ended_at=NOW, failure=f"{config.store}: locked")]
    )
    _, body = condition.page(config, health.beside_cron(config), NOW, NOW)
    assert [secret for secret in (b"hunter2", b"s3cret", str(config.store).encode()) if secret in body] == []


def test_what_holds_everything_up_stands_at_the_top(db: Database, config: Config):
    watched(db, NOW)
    assert "動いています" in said(shown(config))
    late = note(shown(config, NOW + 3 * HOUR))
    assert (
        late
        == "止まっている段階があります: 巡回（最後の成功 2026年11月24日 15:00）、公開（最後の成功 2026年11月24日 15:00）"
    )
    network.note(db, NOW)
    assert "ネットワークの障害" in note(shown(config))


def test_charts_stages_and_engines_are_shown_with_their_numbers(db: Database, config: Config):
    watched(db, NOW)
    page = shown(config)
    assert [figure.findtext(".//h2") for figure in page.findall(".//figure")] == [
        "巡回の結果", "公開した記事", "翻訳までの時間", "礼儀正しさ",
    ]  # fmt: skip
    last = page.findall(".//figure")[0].findall(".//tbody/tr")[-1]
    assert [cell.text_content() for cell in last] == ["11/24", "40件", "10件", "120件", "0件", "1件"]
    waits = page.findall(".//figure")[2].findall(".//tbody/tr")[-1]
    assert [cell.text_content() for cell in waits] == ["11/24", "1件", "1件", "1件", "1件"]
    assert page.findall(".//figure")[3].findall(".//tbody/tr")[-1][1].text_content() == "71%"
    assert "95.0%（合格 665文、不合格 35文）" in said(page)
    stages = [
        [cell.text_content() for cell in row]
        for row in page.xpath("//section/section//tbody/tr[not(ancestor::figure)]")
    ]
    assert stages[0] == ["巡回", "11/24 15:00", "12件、1.5秒", "—"]
    assert stages[-1][0::3] == ["コメント数", "1"]


def test_whose_days_the_charts_have_is_said_before_them(db: Database, config: Config):
    text = shown(config).text_content()
    assert 0 < text.index("協定世界時（UTC）の1日") < text.index("巡回の結果")


def test_no_script_and_no_style_of_its_own_is_on_the_page(db: Database, config: Config):
    watched(db, NOW)
    page = shown(config)
    assert page.xpath("//script | //style | //@style | //@onclick") == []
    assert page.xpath("//meta[@name='robots']/@content") == ["noindex"]


# --- over a socket ------------------------------------------------------------------------------------------


def test_many_who_ask_cost_one_look(db: Database, config: Config):
    with Server(config) as server:
        first = ask(server.port, "/status")
        feed(db, 1, title="Alpha")
        second = ask(server.port, "/status")
    assert (first.status, first.headers["Content-Type"]) == (200, "text/html; charset=utf-8")
    assert "default-src 'none'" in first.headers["Content-Security-Policy"]
    assert second.body == first.body


def test_a_private_sites_page_lies_beneath_its_path(db: Database, tmp_path: Path):
    config = Config(
        store=tmp_path / "store.sqlite", listen="127.0.0.1:0", output=tmp_path, visibility="private"
    )
    root = private_root(db, config)
    with Server(config) as server:
        statuses = [
            ask(server.port, path).status for path in (f"/{root}/status", "/guessed/status", "/status")
        ]
    assert statuses == [200, 404, 404]


def test_without_a_store_there_is_no_page(config: Config):
    with Server(config) as server:
        assert ask(server.port, "/status").status == 503
