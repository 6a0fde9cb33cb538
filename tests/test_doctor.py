"""What doctor finds."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from aggregator import deny_list, doctor, takedown
from aggregator.config import Config
from aggregator.deny_list import Denial
from aggregator.doctor import examine
from aggregator.store import denials, open_store, retention

NOW = datetime(2026, 11, 24, 6, tzinfo=UTC)


@pytest.fixture
def found(tmp_path):
    def look(text):
        path = tmp_path / "terms.tsv"
        path.write_text(text, encoding="utf-8")
        config = Config(
            glossary=path, store=tmp_path / "store.sqlite", output=tmp_path / "output", opml=tmp_path / "none"
        )
        return [finding for finding in examine(config, NOW) if str(path) in finding.text]

    return look


def test_the_terms_of_an_own_glossary_are_counted(found):
    (finding,) = found("Kestrel\t=\nstartup\t新興企業\n")
    assert finding.ok
    assert "2 terms" in finding.text


def test_a_line_without_a_rendering_is_found(found):
    (finding,) = found("Kestrel\n")
    assert not finding.ok
    assert "line 1" in finding.text


def test_a_feed_whose_own_engine_is_not_ready_is_named(tmp_path, monkeypatch):
    monkeypatch.delenv("AGGREGATOR_DEEPL_KEY", raising=False)
    listed = "".join(
        f'<outline type="rss" text="{name}" xmlUrl="http://{name}.example/" engine="{engine}"/>'
        for name, engine in (("Wire", "deepl"), ("Herald", "deepl"), ("Quiet", "none"))
    )
    (tmp_path / "feeds.opml").write_text(f'<opml version="2.0"><body>{listed}</body></opml>')
    config = Config(opml=tmp_path / "feeds.opml", store=tmp_path / "s", output=tmp_path / "o", engine="none")
    [finding] = [each for each in examine(config, NOW) if each.text.startswith("engine of ")]
    assert finding.text.startswith("engine of Wire, Herald: deepl: no key")
    assert finding.serious
    assert not finding.ok


@pytest.mark.parametrize(
    ("settings", "lacks"),
    [
        ({"summary": "llm"}, True),
        ({"headline": "write"}, True),
        ({"viewpoints": True}, True),
        ({}, False),
        ({"summary": "llm", "openai_url": "http://127.0.0.1:1/v1", "openai_model": "m"}, False),
    ],
)
def test_a_summary_that_nobody_can_write_is_found(settings, lacks, tmp_path):
    config = Config(
        store=tmp_path / "s.sqlite", output=tmp_path / "output", models=tmp_path, opml=tmp_path / "none",
        **settings,
    )  # fmt: skip
    assert any("can write" in finding.text for finding in examine(config, NOW)) is lacks


def test_credentials_of_providers_that_cannot_work_are_found(tmp_path, monkeypatch):
    monkeypatch.delenv("AGGREGATOR_REDDIT_CLIENT", raising=False)
    monkeypatch.delenv("AGGREGATOR_GITHUB_TOKEN", raising=False)
    token = tmp_path / "token"
    token.write_text("ghp-3")
    token.chmod(0o644)

    def found(**settings):
        config = Config(
            store=tmp_path / "s", output=tmp_path / "o", opml=tmp_path / "none", engine="none", **settings
        )
        return [each for each in examine(config, NOW) if each.text.startswith("counts of ")]

    assert found() == []
    [reddit] = found(counts="hatena,reddit")
    assert reddit.text.startswith("counts of reddit: no credentials; set AGGREGATOR_REDDIT_CLIENT")
    assert not reddit.serious
    [github] = found(github_token_file=token)
    assert "chmod 600" in github.text


def test_without_a_contact_nothing_is_counted_and_doctor_says_so(tmp_path):
    def said(**settings):
        config = Config(
            store=tmp_path / "s", output=tmp_path / "o", opml=tmp_path / "none", engine="none", **settings
        )
        return [each.text for each in examine(config, NOW) if each.text.startswith("contact")]

    assert said() == ["contact: not set, so hosts cannot reach you, and comments are not counted"]
    assert said(counts="hatena") == ["contact: not set, so hosts cannot reach you"]
    assert said(contact="https://reader.example/") == []


def test_that_githubs_discussions_want_a_token_is_said_where_all_others_are_counted(tmp_path, monkeypatch):
    monkeypatch.delenv("AGGREGATOR_GITHUB_TOKEN", raising=False)

    def said(**settings):
        config = Config(
            store=tmp_path / "s", output=tmp_path / "o", opml=tmp_path / "none", engine="none", **settings
        )
        return [each for each in examine(config, NOW) if each.text.startswith("counts: ")]

    contact = {"contact": "https://reader.example/"}
    [told] = said(**contact)
    assert told.ok
    assert "GitHub's discussions are left out" in told.text
    assert said() == said(counts="hatena", **contact) == []
    monkeypatch.setenv("AGGREGATOR_GITHUB_TOKEN", "ghp-3")
    assert said(**contact) == []


def test_comments_that_are_named_in_vain_are_said(tmp_path):
    config = Config(
        store=tmp_path / "s.sqlite", opml=tmp_path / "f.opml", engine="none", comments="hackernews"
    )
    said = "comments of hackernews: its numbers are not asked for, so nor are its comments"
    assert said in [finding.text for finding in examine(config, NOW)]
    asked = replace(config, contact="https://reader.example/")
    assert said not in [finding.text for finding in examine(asked, NOW)]


def test_a_store_that_is_half_free_could_be_smaller(tmp_path, monkeypatch):
    monkeypatch.setattr(doctor, "MUCH_FREE", 1_000_000)
    config = Config(store=tmp_path / "s", opml=tmp_path / "f.opml", engine="none")

    def found():
        return [each for each in examine(config, NOW) if each.text.endswith(" MB are free")]

    db = open_store(config.store)
    db.execute("CREATE TABLE much AS SELECT randomblob(2000000) AS bytes")
    assert found() == []
    db.execute("DROP TABLE much")
    db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    [note] = found()
    assert (note.ok, note.serious, note.next_step) == (False, False, "aggregator prune --compact")
    retention.compact(db)
    assert found() == []
    db.close()


def test_the_deny_list_is_read_and_compared_with_the_store(tmp_path):
    config = Config(store=tmp_path / "s", output=tmp_path / "o", opml=tmp_path / "feeds.opml")

    def said():
        return [f for f in examine(config, NOW) if "s.denied" in f.text or "traces" in f.text]

    assert said() == []
    deny_list.write(config.store, [Denial(target="a", denied_at=NOW, reason="r", hosts=("a.example",))])
    [behind] = said()
    assert (behind.ok, behind.next_step) == (False, "aggregator once")
    db = open_store(config.store)
    takedown.enforce(db, config, NOW)
    [good] = said()
    assert (good.ok, "1 takedowns, nothing of them is left" in good.text) == (True, True)
    with db.atomic():
        denials.note_traces(db, NOW + timedelta(days=1))
    assert ["no room" in f.text for f in said()] == [True]
    with db.atomic():
        denials.note_traces(db, None)
    deny_list.path(config.store).unlink()
    [gone] = said()
    assert (gone.ok, gone.serious, "is gone" in gone.text) == (False, False, True)
    deny_list.path(config.store).write_text("x")
    [broken] = said()
    assert (broken.ok, "line 1" in broken.text) == (False, True)
    db.close()


def test_an_operators_token_that_others_can_read_is_a_finding_with_what_to_do(tmp_path):
    token = tmp_path / "operator.token"
    token.write_text("Kq8-" * 10)
    config = Config(operator_token_file=token, store=tmp_path / "store.sqlite", opml=tmp_path / "feeds.opml")

    def said():
        return [
            (each.ok, each.text)
            for each in examine(config, NOW)
            if "operator.token:" in each.text or "page" in each.text
        ]

    token.chmod(0o644)
    assert said() == [(False, f"{token}: others can read this key; run `chmod 600 {token}`")]
    token.chmod(0o600)
    assert said() == [(True, "operator's page: http://127.0.0.1:8080/operator/, and its token is kept well")]
