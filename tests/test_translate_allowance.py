"""What paid engines are sent is counted, the sentence of `models test` too."""

import sqlite3
from pathlib import Path

import pytest

from aggregator.translate.engines import SAMPLE
from tests.chatserver import ChatServer, Raw


def answer(_: str) -> str:
    return "同社はオープンソースデータベースのバージョン12.1を公開した。"


@pytest.fixture
def here(environment):
    def settings(chat: ChatServer, **more: str) -> dict[str, str]:
        url = f"http://127.0.0.1:{chat.port}/v2/translate"
        values = {"ENGINE": "none", "DEEPL_KEY": "key:fx", "DEEPL_URL": url} | more
        return {f"AGGREGATOR_{name}": value for name, value in values.items()}

    settings.store = Path(environment["AGGREGATOR_STORE"])
    return settings


def used(store: Path) -> list[tuple[str, int]]:
    db = sqlite3.connect(store)
    rows = db.execute("SELECT engine, characters FROM engine_days").fetchall()
    db.close()
    return rows


def test_a_paid_engine_that_is_tried_out_is_counted(aggregator, here):
    with ChatServer(answer) as chat:
        done = aggregator("models", "test", "deepl", **here(chat))
    assert (done.returncode, done.stderr) == (0, "")
    assert "passed the checks" in done.stdout
    assert used(here.store) == [("deepl", len(SAMPLE))]


def test_a_paid_engine_whose_budget_is_spent_is_not_tried_out(aggregator, here):
    with ChatServer(answer) as chat:
        done = aggregator("models", "test", "deepl", **here(chat, DEEPL_BUDGET="30"))
    assert done.returncode == 3
    assert "deepl: its budget for now is spent" in done.stderr
    assert chat.requests == []
    assert used(here.store) == []


def test_what_may_have_been_sent_to_an_engine_that_failed_stays_counted(aggregator, here):
    with ChatServer(lambda _: Raw(403, b"no")) as chat:
        done = aggregator("models", "test", "deepl", **here(chat))
    assert done.returncode == 3
    assert used(here.store) == [("deepl", 2 * len(SAMPLE))]


def test_a_local_engine_is_tried_out_without_a_store(aggregator, here):
    assert aggregator("models", "test", "firefox").returncode == 3
    assert not here.store.exists()
