"""What readers were given is frozen: each cause of a change, from the feed to the bytes readers poll."""

import re

import pytest

from aggregator.again import Wanted, plan
from aggregator.publish import pages
from aggregator.store import remakes
from tests.chatserver import ChatServer
from tests.feedserver import FeedServer
from tests.translating import Desk

TITLE, LINE = "New editor opens 12 files", "It keeps drafts for 30 days."
JAPANESE = {
    TITLE: "新しいエディターが12個のファイルを開く",
    "New editor opens 12 folders": "新しいエディターが12個のフォルダーを開く",
    LINE: "下書きを30日間保存する。",
    "It keeps all drafts for 30 days.": "すべての下書きを30日間保存する。",
    "It keeps drafts for 90 days.": "下書きを90日間保存する。",
}


def atom(title: str = TITLE, line: str = LINE, updated: str = "05:00") -> bytes:
    entry = (
        f'<entry><id>tag:1</id><link href="http://127.0.0.1/1"/><title>{title}</title>'
        f"<published>2026-11-24T05:00:00Z</published><updated>2026-11-24T{updated}:00Z</updated>"
        f'<content type="html">&lt;p&gt;{line}&lt;/p&gt;</content></entry>'
    )
    return (
        '<feed xmlns="http://www.w3.org/2005/Atom" xml:lang="en"><id>tag:f</id><title>Wire</title>'
        f"<updated>2026-11-24T05:00:00Z</updated>{entry}</feed>"
    ).encode()


@pytest.fixture
def feeds():
    with FeedServer() as server:
        server.serve("/feed", body=atom())
        yield server


@pytest.fixture
def chat():
    with ChatServer(JAPANESE.__getitem__) as server:
        yield server


@pytest.fixture
def desk(feeds, chat, tmp_path):
    desk = Desk(tmp_path, feeds, engine="openai", openai_url=chat.url, extract="feed")
    desk.round()
    assert desk.rows("state", "publications") == [("translated",)]
    return desk


def page(desk: Desk) -> str:
    [path] = (desk.config.output / "entries").rglob("*.html")
    return path.read_text(encoding="utf-8")


def poll_again(desk: Desk) -> None:
    desk.db.execute("UPDATE feeds SET next_poll_at = ''")
    desk.db.conn.commit()
    desk.round(hours=1)


def translate_again(desk: Desk) -> None:
    with desk.db.atomic():
        remakes.ask_again(desk.db, "ja", plan(desk.db, desk.config, Wanted(engine="openai")).entry_ids)
    desk.round(hours=1)


def _retranslated(desk, feeds, chat, monkeypatch):
    chat.translate = lambda segment: JAPANESE[segment].replace("新しい", "最新の")
    translate_again(desk)


def _another_model(desk, feeds, chat, monkeypatch):
    desk.settings(openai_model="better")
    _retranslated(desk, feeds, chat, monkeypatch)


def _another_engine(desk, feeds, chat, monkeypatch):
    monkeypatch.setenv("AGGREGATOR_DEEPL_KEY", "key:fx")
    desk.settings(engine="deepl", deepl_url=f"http://127.0.0.1:{chat.port}/v2/translate")
    _retranslated(desk, feeds, chat, monkeypatch)
    assert desk.rows("engine") == [("deepl",)]


def _another_glossary(desk, feeds, chat, monkeypatch):
    glossary = desk.config.output.parent / "glossary.tsv"
    glossary.write_text("editor\t編集ソフト\tours\n")
    desk.settings(glossary=glossary)
    chat.translate = lambda segment: JAPANESE[segment].replace("エディター", "編集ソフト")
    translate_again(desk)


def _another_template(desk, feeds, chat, monkeypatch):
    kept = pages.page
    monkeypatch.setattr(pages, "form", lambda: "another")
    monkeypatch.setattr(pages, "page", lambda *given: _marked(kept(*given)))
    desk.round(hours=1)


def _marked(document):
    return type(document)(
        path=document.path, media_type=document.media_type, body=document.body + b"<!-- another -->"
    )


def _title_alone(desk, feeds, chat, monkeypatch):
    feeds.serve("/feed", body=atom(title="New editor opens 12 folders"))
    poll_again(desk)


def _number_alone(desk, feeds, chat, monkeypatch):
    feeds.serve("/feed", body=atom(line="It keeps drafts for 90 days."))
    poll_again(desk)


def _updated_with_other_words(desk, feeds, chat, monkeypatch):
    feeds.serve("/feed", body=atom(line="It keeps all drafts for 30 days.", updated="06:30"))
    poll_again(desk)


PAGE_ALONE = [
    _retranslated, _another_model, _another_engine, _another_glossary, _another_template, _title_alone,
    _number_alone, _updated_with_other_words,
]  # fmt: skip


@pytest.mark.parametrize("cause", PAGE_ALONE, ids=lambda cause: cause.__name__.strip("_"))
def test_readers_are_shown_nothing_and_the_page_shows_it(cause, desk, feeds, chat, monkeypatch):
    frozen, before = desk.feeds_bytes(), page(desk)
    cause(desk, feeds, chat, monkeypatch)
    assert desk.feeds_bytes() == frozen
    assert page(desk) != before


def _title(desk, feeds, chat, monkeypatch):
    feeds.serve("/feed", body=atom(title="New editor opens 12 folders", updated="06:30"))
    return "12個のフォルダー"


def _number(desk, feeds, chat, monkeypatch):
    feeds.serve("/feed", body=atom(line="It keeps drafts for 90 days.", updated="06:30"))
    return "90日間"


@pytest.mark.parametrize("cause", [_title, _number], ids=["title", "number"])
def test_a_newer_updated_together_with_a_title_or_number_is_shown_once(cause, desk, feeds, chat, monkeypatch):
    frozen = desk.feeds_bytes()
    words = cause(desk, feeds, chat, monkeypatch)
    poll_again(desk)
    moved = desk.feeds_bytes()
    assert {name for name in frozen if frozen[name] == moved[name]} == set()
    assert words in moved["atom.xml"].decode()
    assert words in page(desk)
    entry = moved["atom.xml"].decode().partition("<entry>")[2]
    assert re.search(r"<updated>(.*?)</updated>", entry)[1].startswith("2026-11-24T07:00:00")
    assert desk.rows("first_published_at", "publications") == [("2026-11-24T06:00:00Z",)]
    poll_again(desk)
    desk.round(hours=24)
    assert desk.feeds_bytes() == moved


def test_a_correction_that_does_not_pass_its_checks_changes_nothing(desk, feeds, chat):
    frozen = desk.feeds_bytes()
    chat.translate = lambda _: "I'm sorry, I can't."
    feeds.serve("/feed", body=atom(title="New editor opens 12 folders", updated="06:30"))
    poll_again(desk)
    assert desk.feeds_bytes() == frozen
