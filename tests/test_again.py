"""Translations made again on request, and what engines cost."""

import json
from datetime import timedelta
from pathlib import Path

import pytest

from aggregator.again import Wanted, costs, plan
from aggregator.store import remakes, usage
from aggregator.translate.touched import changed, mentions
from tests.chatserver import ChatServer
from tests.feedserver import FeedServer
from tests.translating import SIX, TITLE, TITLE_JA, Desk, item, rss, translated


@pytest.fixture
def feeds():
    with FeedServer() as server:
        server.serve(
            "/feed", body=rss(item(1), item(2, "It is free for everyone.", "Nothing costs money here."))
        )
        yield server


@pytest.fixture
def chat():
    with ChatServer(lambda s: "ここでは何も費用がかからない。" if "money" in s else translated(s)) as server:
        yield server


@pytest.fixture
def desk(feeds, chat, tmp_path):
    desk = Desk(tmp_path, feeds, engine="openai", openai_url=chat.url)
    desk.round()
    assert len(desk.rows("title")) == 2
    return desk


def again(desk, **wanted):
    """Do what the command does."""
    found = plan(desk.db, desk.config, Wanted(**wanted))
    with desk.db.atomic():
        remakes.ask_again(desk.db, "ja", found.entry_ids)
    desk.round(hours=1)
    return found


def test_an_entry_is_translated_again_on_its_page_alone(desk, chat):
    frozen, asked = desk.feeds_bytes(), len(chat.segments)
    chat.translate = lambda s: translated(s).replace("新しい", "最新の")
    [entry_id] = [n for n, title in desk.rows("entry_id, title", "entries") if title == TITLE]
    found = again(desk, entry=str(entry_id))
    assert found.entry_ids == (entry_id,)
    assert len(chat.segments) - asked == 3
    assert ("最新のエディターは12個のファイルを同時に開く", None) in desk.rows("title, redo")
    assert desk.feeds_bytes() == frozen
    pages = "".join(path.read_text() for path in (desk.config.output / "entries").rglob("*.html"))
    assert "最新のエディター" in pages
    desk.round(hours=1)
    assert len(chat.segments) - asked == 3


def test_a_worse_answer_leaves_the_translation_that_is_there(desk, chat):
    before = desk.rows("entry_id, title, summary")
    chat.translate = lambda _: "I'm sorry, I can't."
    again(desk, engine="openai")
    assert desk.rows("entry_id, title, summary") == before
    assert desk.rows("redo") == [(None,), (None,)]
    asked = len(chat.segments)
    desk.round(hours=1)
    assert len(chat.segments) == asked
    chat.translate = translated
    again(desk, engine="openai")  # asked for by hand it is asked again, whatever was refused before
    assert len(chat.segments) > asked
    assert desk.rows("failure, redo") == [(None, None), (None, None)]


def test_what_was_refused_is_asked_for_again_by_feed_or_entry(feeds, tmp_path):
    with ChatServer(lambda segment: segment) as chat:
        desk = Desk(tmp_path, feeds, engine="openai", openai_url=chat.url)
        desk.round()
        chat.translate = lambda s: "ここでは何も費用がかからない。" if "money" in s else translated(s)
        asked = len(chat.segments)
        desk.round(hours=7)
        assert len(chat.segments) == asked  # by itself it is not
        assert TITLE_JA not in desk.read("atom.xml")
        assert plan(desk.db, desk.config, Wanted(engine="openai")).entry_ids == ()
        assert plan(desk.db, desk.config, Wanted(glossary_changed=True)).entry_ids == ()
        assert len(again(desk, feed_id=1).entry_ids) == 2
        assert set(chat.segments[asked:]) <= set(chat.segments[:asked])
    assert desk.rows("redo, failure") == [(None, None), (None, None)]
    assert TITLE_JA in desk.read("atom.xml")


def test_an_entry_in_another_language_is_not_among_what_may_be_asked_again(feeds, tmp_path):
    feeds.serve("/feed", body=rss(item(1, "Neuer Editor", "Er ist da.")).replace(b">en<", b">de<"))
    desk = Desk(tmp_path, feeds, engine="none")
    desk.round()
    assert desk.rows("failure") == [("language de is not translated",)]
    assert plan(desk.db, desk.config, Wanted(feed_id=1)).entry_ids == ()


def test_a_changed_glossary_touches_what_has_the_term_and_nothing_else(desk, chat, tmp_path):
    frozen, asked = desk.feeds_bytes(), len(chat.segments)
    assert plan(desk.db, desk.config, Wanted(glossary_changed=True)).entry_ids == ()
    glossary = tmp_path / "glossary.tsv"
    glossary.write_text("editor\t編集ソフト\tours\n")
    desk.settings(glossary=glossary)
    desk.round(hours=1)
    assert len(chat.segments) == asked  # a change by itself redoes nothing
    chat.translate = lambda s: translated(s).replace("エディター", "編集ソフト")
    found = again(desk, glossary_changed=True)
    assert len(found.entry_ids) == 1
    assert TITLE_JA.replace("エディター", "編集ソフト") in [title for (title,) in desk.rows("title")]
    assert set(chat.segments[asked:]) <= set(chat.segments[:asked])
    assert desk.feeds_bytes() == frozen
    assert plan(desk.db, desk.config, Wanted(glossary_changed=True)).entry_ids == ()


def test_the_engine_and_the_feed_choose_what_is_theirs(desk):
    assert len(plan(desk.db, desk.config, Wanted(engine="openai")).entry_ids) == 2
    assert plan(desk.db, desk.config, Wanted(engine="firefox")).entry_ids == ()
    assert len(plan(desk.db, desk.config, Wanted(feed_id=1)).entry_ids) == 2
    assert plan(desk.db, desk.config, Wanted(feed_id=2)).entry_ids == ()


def test_what_it_costs_is_said_first(desk):
    free = plan(desk.db, desk.config, Wanted(engine="openai"))
    assert free.sentence().endswith("characters by openai, no cost")
    desk.settings(openai_yen=1_000_000)
    paid = plan(desk.db, desk.config, Wanted(engine="openai"))
    most = 2 * paid.characters  # what is refused is sent once more
    assert paid.sentence().endswith(f"{paid.characters:,} characters by openai, up to {most:,} yen")
    desk.settings(headline="write")
    written = sum(
        len(title) + 1 + len(text)
        for title, text in desk.rows("title, text", "entries JOIN summaries USING (entry_id)")
    )
    assert plan(desk.db, desk.config, Wanted(engine="openai")).characters == paid.characters + written


def test_terms_that_came_went_or_changed_are_found_as_words():
    assert changed({"a": "1", "b": "2", "c": "3"}, {"a": "1", "b": "9", "d": "4"}) == {"b", "c", "d"}
    assert mentions("Two Startups merge.", {"startup"})
    assert mentions("A C++ compiler", {"C++"})
    assert not mentions("The restart upset nobody.", {"startup", "art"})
    assert not mentions("anything", set())


def test_costs_are_forecast_from_the_last_week(desk):
    desk.settings(deepl_yen=2500, deepl_budget="500000")
    for ago in range(1, 8):
        day = (SIX - timedelta(days=ago)).date()
        usage.add(desk.db, "deepl", 10_000, 25, day)
    usage.add(desk.db, "deepl", 10_000, 25, SIX.date())
    [row] = [row for row in costs(desk.db, desk.config, SIX) if row["engine"] == "deepl"]
    assert row == {
        "engine": "deepl", "days": 7, "characters": 70_000, "yen": 175, "month": 80_000, "budget": 500_000,
        "yen_a_month": 750,
    }  # fmt: skip


def test_the_commands_say_and_do_it(feeds, chat, aggregator, environment):
    Path(environment["AGGREGATOR_OPML"]).write_text(
        f'<opml version="2.0"><body><outline type="rss" text="Wire" xmlUrl="{feeds.url("/feed")}"/></body></opml>'
    )
    here = {"AGGREGATOR_ENGINE": "openai", "AGGREGATOR_OPENAI_URL": chat.url, "AGGREGATOR_OPENAI_MODEL": "m"}
    assert aggregator("once", **here).returncode == 0
    asked = len(chat.segments)
    said = aggregator("retranslate", "--feed", "Wire", "--dry-run", **here)
    assert (said.returncode, said.stderr) == (0, "")
    assert said.stdout.startswith("2 entries, ")
    assert len(chat.segments) == asked
    done = aggregator("retranslate", "--engine", "openai", **here)
    assert done.returncode == 0, done.stderr
    assert len(chat.segments) == 2 * asked
    rows = json.loads(aggregator("cost", "--json", **here).stdout)
    assert [(row["engine"], row["characters"]) for row in rows] == [("openai", sum(map(len, chat.segments)))]
    assert aggregator("retranslate", **here).returncode == 2
    assert aggregator("retranslate", "--engine", "magic", **here).returncode == 2


def test_a_model_is_removed_by_name(aggregator):
    done = aggregator("models", "remove", "firefox")
    assert (done.returncode, done.stdout) == (0, "firefox: 0 MB freed\n")
