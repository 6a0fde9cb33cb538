"""Figures for scripts: names that stay, numbers that are numbers."""

import json
import re
from pathlib import Path

import pytest

from aggregator.figures import collect
from aggregator.translate.engines import service
from tests.chatserver import ChatServer, Raw
from tests.feedserver import FeedServer
from tests.translating import SIX, Desk, item, rss, translated

DOCUMENT = Path(__file__).parent.parent / "docs" / "reliability.md"


@pytest.fixture
def feeds():
    with FeedServer() as server:
        server.serve("/feed", body=rss(item(1)))
        yield server


def test_every_figure_is_documented_and_every_documented_one_is_there(feeds, tmp_path):
    desk = Desk(tmp_path, feeds, engine="none")
    section = DOCUMENT.read_text(encoding="utf-8").partition("## Figures for scripts")[2]
    rows = re.findall(r"^\| (`.+?) \|", section, re.MULTILINE)
    assert {name for row in rows for name in re.findall(r"`(\w+)`", row)} == set(
        collect(desk.db, desk.config, desk.now)
    )


def test_an_empty_store_has_every_figure(feeds, tmp_path):
    desk = Desk(tmp_path, feeds, engine="none")
    found = collect(desk.db, desk.config, desk.now)
    size = found.pop("store_bytes")
    assert size == desk.config.store.stat().st_size
    disk = found.pop("disk")
    assert disk.pop("free_bytes") > 0
    assert disk.pop("free_files") != 0
    assert disk == {
        "output_files": None, "output_bytes": None, "backup_bytes": 0, "bytes_an_entry": None, "bytes_a_day": None,
        "days_until_full": None, "is_short": False,
    }  # fmt: skip
    assert found == {
        "feeds": {"listed": 0, "ok": 0, "new": 0, "failing": 0, "paused": 0, "gone": 0},
        "last_poll_at": None, "newest_entry_at": None, "last_digest_at": None, "next_poll_at": None,
        "network_down_since": None, "troubles": {}, "stages": {}, "oldest_due_at": None,
        "waiting_since": None, "verdicts": {},
        "hubs": {"named": 0, "verified": 0, "relied_on": 0, "denied": 0}, "entries": 0, "published": 0,
        "untranslated": 0, "held": 0, "refused": 0, "refusals": {}, "waiting_for_translation": 0,
        "engines": [], "engines_not_ready": [], "feeds_engines_not_ready": {}, "engines_resting": {},
        "budgets": {}, "discussions": {},
        "comments": {"shown": 0, "waiting": 0, "untranslated": 0}, "viewpoints": {"written": 0, "refused": {}},
        "dropped": 0, "store_free_bytes": 0, "hooks": {},
    }  # fmt: skip


def test_figures_are_numbers_times_and_machine_words(feeds, tmp_path, monkeypatch):
    monkeypatch.setattr(service, "_PAUSES", (0.01, 0.01))
    monkeypatch.setenv("AGGREGATOR_DEEPL_KEY", "key:fx")
    with ChatServer(lambda _: Raw(503)) as busy, ChatServer(translated) as chat:
        desk = Desk(
            tmp_path, feeds, engine="openai,deepl,firefox", openai_url=busy.url, deepl_budget="300000",
            deepl_url=f"http://127.0.0.1:{chat.port}/v2/translate",
        )  # fmt: skip
        desk.round()
        sent = sum(map(len, chat.segments))
    found = collect(desk.db, desk.config, desk.now)
    assert found["feeds"] | {"listed": 1, "ok": 1} == found["feeds"]
    assert (found["last_poll_at"], found["newest_entry_at"]) == ("2026-11-24T06:00:00Z",) * 2
    assert "2026-11-24T06:15:00Z" <= found["next_poll_at"] <= "2026-11-24T07:12:00Z"
    assert (found["entries"], found["published"], found["held"]) == (1, 1, 0)
    assert (found["engines"], found["engines_not_ready"]) == (["openai", "deepl"], ["firefox"])
    assert found["engines_resting"] == {"openai": "2026-11-24T06:15:00Z"}
    assert found["budgets"] == {
        "deepl": {
            "budget_a_month": 300_000, "used_this_month": sent, "used_today": sent,
            "left_today": 10_000 - sent,
        }
    }  # fmt: skip
    assert desk.now == SIX


def test_an_engine_that_a_feed_wants_in_vain_and_a_refusal_are_counted(feeds, tmp_path, monkeypatch):
    monkeypatch.delenv("AGGREGATOR_DEEPL_KEY", raising=False)
    with ChatServer(lambda _: "I'm sorry, I can't.") as chat:
        desk = Desk(tmp_path, feeds, engine="openai", openai_url=chat.url)
        desk.round()
        desk.subscribe("/feed", engine="deepl")
        desk.round(minutes=1)
    found = collect(desk.db, desk.config, desk.now)
    assert found["feeds_engines_not_ready"] == {"deepl": ["deepl"]}
    [(reason, number)] = found["refusals"].items()
    assert reason.startswith("title: openai: ")
    assert found["refused"] == number == 1


def test_the_command_prints_them_beside_the_words(aggregator, environment):
    Path(environment["AGGREGATOR_OPML"]).write_text('<opml version="2.0"><body/></opml>')
    shown = json.loads(aggregator("status", "--json").stdout)
    assert shown["figures"]["feeds"]["listed"] == 0
    assert shown["feeds"].startswith("0; ")
