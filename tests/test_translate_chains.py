"""Chains of engines, budgets and what fallback engines did: whole rounds over loopback services."""

from datetime import timedelta

import pytest

from aggregator.status import collect
from aggregator.translate.engines import service
from tests.chatserver import ChatServer, Raw
from tests.feedserver import FeedServer
from tests.translating import TITLE_JA, Desk, item, rss, translated


@pytest.fixture
def feeds():
    with FeedServer() as server:
        server.serve("/feed", body=rss(item(1)))
        yield server


@pytest.fixture(autouse=True)
def surroundings(monkeypatch):
    monkeypatch.setattr(service, "_PAUSES", (0.01, 0.01))
    monkeypatch.setenv("AGGREGATOR_DEEPL_KEY", "key:fx")


@pytest.fixture
def chat():
    with ChatServer(translated) as server:
        yield server


def deepl(chat):
    return f"http://127.0.0.1:{chat.port}/v2/translate"


def test_deepl_is_asked_in_one_request_and_published(feeds, chat, tmp_path):
    desk = Desk(tmp_path, feeds, engine="deepl", deepl_url=deepl(chat))
    desk.round()
    assert desk.rows("engine, model, title") == [("deepl", "DeepL API", TITLE_JA)]
    [request] = chat.requests
    assert (request["source_lang"], request["target_lang"], len(request["text"])) == ("EN", "JA", 3)
    assert chat.headers[0]["authorization"] == "DeepL-Auth-Key key:fx"
    sent = sum(map(len, request["text"]))
    assert desk.rows("engine, characters", "engine_days") == [("deepl", sent)]
    assert desk.rows("engine, month, characters, round(cost, 6)", "engine_usage") == [
        ("deepl", "2026-11", sent, round(sent * 2500 / 1e6, 6))
    ]


def test_the_next_engine_does_what_the_first_does_not(feeds, chat, tmp_path):
    with ChatServer(lambda _: Raw(456)) as spent:
        desk = Desk(tmp_path, feeds, engine="deepl,openai", deepl_url=deepl(spent), openai_url=chat.url)
        desk.round()
    assert desk.rows("engine, redo") == [("openai", "deepl")]
    assert TITLE_JA in desk.read("atom.xml")


def test_a_feed_may_name_its_own_engines(feeds, chat, tmp_path):
    desk = Desk(tmp_path, feeds, engine="none", openai_url=chat.url)
    desk.round()
    assert chat.requests == []
    desk.subscribe("/feed", engine="openai")
    desk.round(hours=1)
    assert desk.rows("engine") == [("openai",)]


def test_a_feed_may_keep_its_texts_at_home(feeds, chat, tmp_path):
    desk = Desk(tmp_path, feeds, engine="openai", openai_url=chat.url)
    desk.subscribe("/feed", engine="none")
    desk.round()
    assert chat.requests == []


def test_a_paid_engine_leaves_what_was_there_before_it_to_the_free_ones(feeds, chat, tmp_path):
    desk = Desk(tmp_path, feeds, engine="none")
    desk.round()
    desk.settings(engine="deepl,openai", deepl_url=deepl(chat), openai_url=chat.url)
    feeds.serve("/feed", body=rss(item(2, "The newer editor opens 13 files"), item(1)))
    chat.translate = lambda s: "新しいエディターは13個のファイルを開く" if "13" in s else translated(s)
    desk.round(hours=2)
    made = desk.rows("title, engine, redo")
    assert sorted(engine for _, engine, _ in made) == ["deepl", "openai"]
    assert {engine: title for title, engine, _ in made}["openai"] == TITLE_JA
    assert {redo for *_, redo in made} == {None}


def test_a_budget_that_is_spent_hands_over_to_the_free_engine_and_is_never_exceeded(feeds, chat, tmp_path):
    feeds.serve("/feed", body=rss(*(item(n, f"Editor number {n} arrives") for n in range(1, 9))))
    chat.translate = lambda s: f"エディター{s.split()[2]}が登場" if "number" in s else translated(s)
    desk = Desk(
        tmp_path, feeds, engine="deepl,openai", deepl_url=deepl(chat), openai_url=chat.url,
        deepl_budget=str(30 * 500),
    )  # fmt: skip
    desk.round()
    made = [engine for (engine,) in desk.rows("engine")]
    assert set(made) == {"deepl", "openai"}
    assert len(made) == 8
    [used] = [n for engine, n in desk.rows("engine, characters", "engine_days") if engine == "deepl"]
    assert 0 < used <= 500
    assert desk.rows("redo") == [(None,)] * 8  # a budget is no failure: nothing is done again for it
    asked = len(chat.requests)
    desk.round(hours=1)
    assert len(chat.requests) == asked


def test_a_paid_engine_alone_goes_on_when_the_next_day_brings_its_share(feeds, chat, tmp_path):
    desk = Desk(tmp_path, feeds, engine="deepl", deepl_url=deepl(chat), deepl_budget=str(30 * 60))
    desk.round()
    assert chat.requests == []  # the entry alone is longer than a day's share
    desk.settings(deepl_budget="15000")
    desk.round(minutes=1)
    assert desk.rows("engine") == [("deepl",)]


def test_retries_are_counted_before_they_are_made(feeds, tmp_path):
    with ChatServer(lambda _: Raw(503)) as busy:
        desk = Desk(tmp_path, feeds, engine="deepl", deepl_url=deepl(busy))
        desk.round()
    sent = sum(len(text) for request in busy.requests for text in request["text"])
    assert len(busy.requests) == 2  # the third would have exceeded twice the batch
    assert desk.rows("characters", "engine_days") == [(sent,)]


def test_what_a_fallback_engine_made_is_made_again_once_when_the_first_is_back(feeds, chat, tmp_path):
    other = ChatServer(lambda _: Raw(503))
    with other:
        desk = Desk(tmp_path, feeds, engine="openai,deepl", openai_url=other.url, deepl_url=deepl(chat))
        desk.round()
        assert desk.rows("engine, redo") == [("deepl", "openai")]
        frozen = desk.feeds_bytes()
        page = next((desk.config.output / "entries").rglob("*.html"))
        before = page.read_text()
        desk.round(minutes=5)
        assert desk.rows("engine") == [("deepl",)]
        other.translate = lambda s: translated(s).replace("新しい", "最新の")
        desk.round(minutes=20)
        assert desk.rows("engine, redo") == [("openai", None)]
        assert desk.feeds_bytes() == frozen
        assert "最新のエディター" in page.read_text() != before
        asked = len(other.requests)
        desk.round(hours=1)
        assert len(other.requests) == asked


def test_after_a_day_what_a_fallback_engine_made_stays(feeds, chat, tmp_path):
    with ChatServer(lambda _: Raw(503)) as other:
        desk = Desk(tmp_path, feeds, engine="openai,deepl", openai_url=other.url, deepl_url=deepl(chat))
        desk.round()
        other.translate = translated
        asked = len(other.requests)
        desk.round(hours=24)
        assert len(other.requests) == asked
    assert desk.rows("engine") == [("deepl",)]


def test_an_engine_that_failed_is_left_alone_for_a_quarter_of_an_hour(feeds, chat, tmp_path):
    with ChatServer(lambda _: Raw(500)) as other:
        desk = Desk(tmp_path, feeds, engine="openai,deepl", openai_url=other.url, deepl_url=deepl(chat))
        desk.round()
        asked = len(other.requests)
        feeds.serve("/feed", body=rss(item(2, "It is free for everyone."), item(1)))
        desk.settings(poll_every=timedelta(minutes=15))
        desk.db.execute("UPDATE feeds SET next_poll_at = ''")
        desk.db.conn.commit()
        desk.round(minutes=10)
        assert len(other.requests) == asked
    assert desk.rows("engine") == [("deepl",), ("deepl",)]


def test_one_segment_that_a_service_refuses_stops_nobody_else(feeds, chat, tmp_path):
    chat.translate = lambda s: Raw(400, b"content filter") if "free" in s else translated(s)
    desk = Desk(tmp_path, feeds, engine="openai", openai_url=chat.url)
    desk.round()
    [(verdict, redo)] = desk.rows("verdict, redo")
    assert verdict == "passed 2/3: openai: empty"
    assert redo is None


def test_status_says_which_budgets_are_spent_and_which_engines_rest(feeds, chat, tmp_path):
    with ChatServer(lambda _: Raw(503, b"overloaded")) as busy:
        desk = Desk(
            tmp_path, feeds, engine="openai,deepl", openai_url=busy.url, deepl_url=deepl(chat),
            deepl_budget=str(30 * 550),
        )  # fmt: skip
        desk.round()
    overview, _ = collect(desk.db, desk.config, desk.now)
    sent = sum(len(text) for text in chat.segments)
    assert overview["budgets"] == (
        f"deepl: {sent} of 550 characters today, {sent} of 16,500 this month;"
        " spent: the engines after it translate until tomorrow"
    )
    assert overview["engines that rest"] == "openai: answered 503 overloaded"


def test_status_names_the_feeds_whose_own_engine_is_not_ready(feeds, chat, tmp_path, monkeypatch):
    monkeypatch.delenv("AGGREGATOR_DEEPL_KEY")
    desk = Desk(tmp_path, feeds, engine="openai", openai_url=chat.url)

    def said():
        return collect(desk.db, desk.config, desk.now)[0]["feeds' own engines"]

    desk.round()
    assert said() == "-"
    desk.subscribe("/feed", engine="deepl")
    desk.round(hours=1)
    assert said() == ("Wire: deepl: no key; set AGGREGATOR_DEEPL_KEY in the environment, or deepl_key_file")
    desk.subscribe("/feed", engine="none")
    desk.round(hours=1)
    assert said() == "-"
