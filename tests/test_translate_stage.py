"""The translate stage over a real store; only the engine's model is a stand-in."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from aggregator.config import Config
from aggregator.errors import EngineUnavailable
from aggregator.executors import open_workers
from aggregator.model import EngineChoice
from aggregator.pipeline import run_stage
from aggregator.store import open_store, remakes, verdicts
from aggregator.translate import engines, glossary, stage
from aggregator.translate.stage import STAGE

NOW = datetime(2026, 11, 24, 6, tzinfo=UTC)
CHOICE = EngineChoice(name="phrasebook", model="m", version="1")
CONFIG = Config(executor_translate="inline:")


class Killed(BaseException):
    """Stands for the process's end: nothing in the package catches it."""


class Phrasebook:
    """Answers each numbered sentence in Japanese with its number, and does what it is told at a call."""

    name, model, version, target, placeholder = "phrasebook", "m", "1", "ja", "[{n}]"
    steady = True

    def __init__(self):
        self.calls, self.answer, self.at_call = [], "番号{n}の記事についての文章。", {}

    def translate(self, segments):
        self.calls.append(list(segments))
        if error := self.at_call.get(len(self.calls)):
            raise error
        return [self.answer.format(n=segment.rstrip(".").split()[-1]) for segment in segments]


@pytest.fixture
def engine(monkeypatch):
    engine = Phrasebook()
    monkeypatch.setattr(stage, "_last", {})
    monkeypatch.setattr(engines, "ready", lambda _: (CHOICE,))
    monkeypatch.setattr(engines, "open_engine", lambda _choice, _config: engine)
    return engine


@pytest.fixture
def path(tmp_path):
    return tmp_path / "store.sqlite"


@pytest.fixture
def db(path):
    db = open_store(path)
    db["feeds"].insert({
        "feed_id": 1, "listed_url": "http://a/", "fetch_url": "http://a/", "host": "a", "domain": "a",
        "next_poll_at": "",
    })  # fmt: skip
    yield db
    db.conn.close()


def add(db, number, *, title=None, text=None, language="en"):
    title, text = title or f"News about topic {number}", text or f"This is the sentence about topic {number}."
    fingerprints = {"input_fingerprint": f"e{number}", "fingerprint": f"a{number}"}
    db["stories"].insert({"story_id": number})
    db["entries"].insert({
        "entry_id": number, "feed_id": 1, "story_id": number, "guid": str(number), "title": title,
        "language": language, "first_seen_at": "2026-11-24T05:00:00Z", "sort_at": "2026-11-24T05:00:00Z",
        "fingerprint": f"e{number}",
    })  # fmt: skip
    db["articles"].insert({"entry_id": number, "origin": "feed", "text": text, **fingerprints})
    db["summaries"].insert({
        "entry_id": number, "input_fingerprint": f"a{number}:excerpt", "text": text, "story": text,
        "origin": "extract", "fingerprint": f"s{number}",
    })  # fmt: skip


def run(db, now=NOW):
    return run_stage(STAGE, db, CONFIG, open_workers("inline:"), lambda: now)


def rows(db, columns="entry_id, title, summary, engine"):
    return db.execute(f"SELECT {columns} FROM translations ORDER BY entry_id").fetchall()


def test_entries_come_out_translated(db, engine):
    add(db, 11)
    report = run(db)
    assert (report.units, report.crashes, report.finished) == (1, 0, True)
    ja = "番号11の記事についての文章。"
    assert rows(db, "title, summary, story, engine, model, verdict") == [
        (ja.removesuffix("。"), ja, ja, "phrasebook", "m", "passed 2/2")
    ]
    assert STAGE.backlog(db, CONFIG, NOW) == 0
    assert db.execute("SELECT engine, month, characters FROM engine_usage").fetchall() == [
        ("phrasebook", "2026-11", len("News about topic 11" + "This is the sentence about topic 11."))
    ]


def test_what_checks_said_of_an_engine_and_how_long_entries_waited_is_noted(db, engine):
    add(db, 11)
    run(db)
    passed = verdicts.engines(db)["phrasebook"].passed
    assert passed == sum(map(len, engine.calls))
    assert verdicts.lags(db) == verdicts.Lags(within={3600: 1}, seconds=3600.0)
    engine.answer = "no Japanese at all"
    add(db, 12)
    run(db)
    found = verdicts.engines(db)["phrasebook"]
    assert (found.passed, found.refused) == (passed, 2)  # each once, however often it was asked for
    assert verdicts.lags(db).within == {3600: 1}


def test_the_same_input_is_never_translated_twice(db, engine):
    add(db, 11)
    run(db)
    assert run(db).jobs == 0
    assert len(engine.calls) == 1


def test_a_sentence_of_two_batches_in_a_row_is_asked_for_once(db, engine, monkeypatch):
    monkeypatch.setattr(stage, "BATCH", 2)
    for number in range(1, 7):
        add(db, number, text="This is the sentence about topic 99.")
    run(db)
    asked = [segment for call in engine.calls for segment in call]
    assert len(asked) == len(set(asked)) == 6 + 1
    assert rows(db, "count(*)") == [(6,)]


def test_what_was_refused_in_one_batch_is_not_asked_for_in_the_next(db, engine, monkeypatch):
    monkeypatch.setattr(stage, "BATCH", 1)
    engine.answer = "News about topic {n}"
    for number in (1, 2):
        add(db, number, title="News about topic 5")
    run(db)
    asked = [segment for call in engine.calls for segment in call]
    assert asked.count("News about topic 5") == 1


@pytest.mark.parametrize("answer", ["番号{n}の記事についての文章。", "no Japanese at all"])
def test_a_segment_that_two_workers_were_asked_for_is_judged_once(db, engine, monkeypatch, answer):
    monkeypatch.setattr(stage, "BATCH", 1)
    engine.answer = answer
    for number in (1, 2):
        add(db, number, title="News about topic 5", text="This is the sentence about topic 5.")
    outcomes = []
    for job in STAGE.pending(db, CONFIG, NOW):
        stage._last.clear()  # as in a process that had no job before
        outcomes.append((job, STAGE.work(CONFIG, job)))
    assert len(outcomes) == 2
    for job, outcome in outcomes:
        STAGE.record(db, CONFIG, job, outcome, NOW)
    found = verdicts.engines(db)["phrasebook"]
    assert found.passed + found.refused == 2
    alone = dict(outcomes[0][1].used)["phrasebook"]
    assert db.execute("SELECT characters FROM engine_usage").fetchall() == [(alone,)]


def test_of_an_engine_that_writes_too_what_two_workers_were_asked_for_is_taken_off_once(
    db, engine, monkeypatch
):
    monkeypatch.setattr(stage, "BATCH", 1)
    for number in (1, 2):
        add(db, number, title="News about topic 5", text="This is the sentence about topic 5.")
    outcomes = []
    for job in STAGE.pending(db, CONFIG, NOW):
        stage._last.clear()
        outcome = STAGE.work(CONFIG, job)
        written = (CHOICE.name, 3, 1)  # as the writer puts it before
        outcomes.append((job, replace(outcome, judged=(written, *outcome.judged))))
    for job, outcome in outcomes:
        STAGE.record(db, CONFIG, job, outcome, NOW)
    found = verdicts.engines(db)["phrasebook"]
    assert (found.passed, found.refused) == (2 * 3 + 2, 2 * 1)


def test_a_job_takes_the_operators_glossary_along(db, engine, tmp_path):
    own = tmp_path / "glossary.tsv"
    own.write_text("topic\t話題\n", encoding="utf-8")
    config = replace(CONFIG, glossary=own)
    add(db, 11)
    (job,) = STAGE.pending(db, config, NOW)
    own.unlink()  # a worker elsewhere never had it
    engine.answer = "話題{n}の記事についての文章。"
    STAGE.record(db, config, job, STAGE.work(config, job), NOW)
    version = glossary.over("topic\t話題\n").version
    assert rows(db, "glossary_version, verdict") == [(version, "passed 2/2")]
    assert [*remakes.glossaries(db)] == [version]


def test_a_revised_entry_asks_only_for_what_is_new(db, engine):
    add(db, 11)
    run(db)
    db["summaries"].update(11, {"fingerprint": "s11b", "text": "This is the sentence about topic 12."})
    run(db)
    assert engine.calls[1:] == [["This is the sentence about topic 12."]]


def test_a_batch_holds_32_entries_and_goes_in_one_call(db, engine):
    for number in range(1, 41):
        add(db, number)
    assert [STAGE.size(job) for job in STAGE.pending(db, CONFIG, NOW)] == [32, 8]
    assert run(db).units == 40
    assert [len(call) for call in engine.calls] == [64, 16]


def test_a_slow_engine_gets_one_entry_at_a_time(db, engine, monkeypatch):
    slow = EngineChoice(name="phrasebook", model="m", version="1", slow=True)
    monkeypatch.setattr(engines, "ready", lambda _: (slow,))
    add(db, 1)
    add(db, 2)
    assert [STAGE.size(job) for job in STAGE.pending(db, CONFIG, NOW)] == [1, 1]


def test_a_kill_between_jobs_loses_only_the_job_at_work(db, engine, path, monkeypatch):
    monkeypatch.setattr(stage, "BATCH", 2)
    for number in range(1, 7):
        add(db, number)
    engine.at_call = {3: Killed()}
    with pytest.raises(Killed):
        run(db)
    db.conn.close()
    again = open_store(path)
    assert len(rows(again)) == 4
    run(again)
    assert [row[0] for row in rows(again)] == [1, 2, 3, 4, 5, 6]
    asked = [segment for call in engine.calls for segment in call]
    assert len(asked) - len(set(asked)) == len(engine.calls[2])
    again.conn.close()


def test_without_an_engine_japanese_passes_and_english_waits(db, monkeypatch):
    monkeypatch.setattr(engines, "ready", lambda _: ())
    add(db, 1)
    add(db, 2, title="新しいエディターが登場", text="これは日本語の文章です。", language=None)
    assert run(db).units == 1
    assert rows(db) == [(2, "新しいエディターが登場", "これは日本語の文章です。", "original")]
    assert STAGE.backlog(db, CONFIG, NOW) == 1


def test_what_the_checks_refuse_is_never_stored_nor_asked_for_again(db, engine):
    add(db, 11)
    engine.answer = "News about topic {n}"
    assert run(db).crashes == 0
    assert rows(db, "title, attempts, retry_at") == [(None, 5, None)]
    assert db["translation_memory"].count == 0
    assert STAGE.backlog(db, CONFIG, NOW) == 0
    asked = len(engine.calls)
    assert run(db, NOW + timedelta(days=20)).jobs == 0
    add(db, 12, title="News about topic 11", text="This is the sentence about topic 11.")
    assert run(db).jobs == 1  # the same words in another entry get the same verdict
    assert len(engine.calls) == asked
    assert rows(db, "title, failure")[0] == rows(db, "title, failure")[1]


@pytest.mark.parametrize("change", [{"model": "m2"}, {"version": "2"}, {"name": "other"}, "glossary"])
def test_what_was_refused_is_asked_for_once_with_each_other_engine_model_prompt_or_glossary(
    change, db, engine, monkeypatch, tmp_path
):
    add(db, 11)
    engine.answer = "News about topic {n}"
    run(db)
    asked, config = len(engine.calls), CONFIG
    if change == "glossary":
        (tmp_path / "glossary.tsv").write_text("topic\t話題\tours\n")
        config = replace(CONFIG, glossary=tmp_path / "glossary.tsv")
    else:
        monkeypatch.setattr(engines, "ready", lambda _: (replace(CHOICE, **change),))

    def again(hours):
        return run_stage(
            STAGE, db, config, open_workers("inline:"), lambda: NOW + timedelta(hours=hours)
        ).jobs

    assert STAGE.backlog(db, config, NOW) == 1
    assert again(0) == 1
    assert len(engine.calls) > asked
    assert [again(hours) for hours in (1, 24, 500)] == [0, 0, 0]
    monkeypatch.setattr(engines, "ready", lambda _: (CHOICE,))
    engine.answer = "番号{n}の記事についての文章。"
    asked = len(engine.calls)
    run(db)  # back to where it was refused: that answer is known
    assert len(engine.calls) == asked


def test_a_refusal_is_no_last_word_while_an_engine_of_the_chain_is_out(db, engine, monkeypatch):
    first, second = replace(CHOICE, name="first"), replace(CHOICE, name="second")
    out = Phrasebook()
    out.at_call = {1: EngineUnavailable("overloaded")}
    monkeypatch.setattr(engines, "ready", lambda _: (first, second))
    monkeypatch.setattr(
        engines, "open_engine", lambda choice, _: {"first": out, "second": engine}[choice.name]
    )
    add(db, 11)
    engine.answer = "News about topic {n}"
    run(db)
    assert rows(db, "attempts, retry_at") == [(1, "2026-11-24T06:15:00Z")]
    asked = len(engine.calls)
    run(db, NOW + timedelta(minutes=16))
    assert rows(db, "engine, failure") == [("first", None)]
    assert len(engine.calls) == asked


def test_an_engine_that_may_change_its_mind_is_asked_again_later(db, engine):
    engine.steady = False
    add(db, 11)
    engine.answer = "News about topic {n}"
    assert run(db).crashes == 0
    assert rows(db, "title, attempts, retry_at") == [(None, 1, "2026-11-24T06:15:00Z")]
    assert db["translation_memory"].count == 0
    engine.answer = "番号{n}の記事についての文章。"
    assert run(db, NOW + timedelta(minutes=14)).jobs == 0
    assert run(db, NOW + timedelta(minutes=15)).jobs == 1
    assert rows(db, "title, attempts, failure") == [("番号11の記事についての文章", 0, None)]


def test_an_engine_that_is_down_costs_no_attempt_and_is_logged(db, engine, caplog):
    add(db, 11)
    engine.at_call = {1: EngineUnavailable("no memory")}
    run(db)
    assert rows(db, "attempts, retry_at") == [(0, "2026-11-24T06:15:00Z")]
    assert "engine_failed phrasebook: no memory" in caplog.text


def test_an_engine_that_is_down_is_not_waited_for_with_each_batch(db, engine, monkeypatch):
    monkeypatch.setattr(stage, "BATCH", 1)
    for number in range(1, 9):
        add(db, number)
    engine.at_call = dict.fromkeys(range(1, 20), EngineUnavailable("timed out"))
    assert run(db).finished
    assert len(engine.calls) <= 2  # as many as are in flight
    assert STAGE.backlog(db, CONFIG, NOW) == 8
    engine.at_call = {}
    run(db, NOW + timedelta(minutes=16))
    assert rows(db, "count(*)") == [(8,)]
    assert STAGE.backlog(db, CONFIG, NOW) == 0


def test_a_crash_postpones_and_then_each_entry_goes_alone(db, engine):
    add(db, 1)
    add(db, 2)
    engine.at_call = {1: ValueError("boom"), 2: ValueError("boom")}
    assert run(db).crashes == 1
    assert rows(db, "attempts, failure") == [(1, "crash: ValueError: boom")] * 2
    report = run(db, NOW + timedelta(hours=1))
    assert (report.jobs, report.crashes) == (2, 1)
    assert [row[0] for row in rows(db, "title")] == ["番号1の記事についての文章", None]


def test_an_entry_in_another_language_is_marked_and_left(db, engine):
    add(db, 1, language="de")
    run(db)
    assert rows(db, "failure, retry_at") == [("language de is not translated", None)]
    assert engine.calls == []
    assert STAGE.backlog(db, CONFIG, NOW) == 0


def test_a_kill_in_the_middle_of_a_paid_batch_forgets_nothing_that_may_have_been_sent(
    db, engine, monkeypatch
):
    paid = EngineChoice(name="deepl", model="m", version="1", paid=True)
    monkeypatch.setattr(engines, "ready", lambda _: (paid,))
    add(db, 11)
    engine.at_call = {1: Killed()}
    stage.note_engines(db, CONFIG, NOW - timedelta(days=1))
    with pytest.raises(Killed):
        run(db)
    length = len("News about topic 11" + 2 * "This is the sentence about topic 11.")
    assert db.execute("SELECT characters FROM engine_days").fetchall() == [(2 * length,)]


def test_what_was_reserved_and_not_sent_is_given_back(db, engine, monkeypatch):
    paid = EngineChoice(name="deepl", model="m", version="1", paid=True)
    monkeypatch.setattr(engines, "ready", lambda _: (paid,))
    add(db, 11)
    stage.note_engines(db, CONFIG, NOW - timedelta(days=1))
    run(db)
    length = len("News about topic 11" + "This is the sentence about topic 11.")
    assert db.execute("SELECT characters FROM engine_days").fetchall() == [(length,)]
