"""Machines' comments through whole rounds: written once, labelled, apart from everything that counts people."""

import json
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import feedparser
import pytest

from aggregator.discuss.viewpoints_stage import VIEWPOINTS
from aggregator.translate.engines import service
from tests.chatserver import ChatServer, Raw
from tests.feedserver import FeedServer
from tests.translating import Desk, item, rss

TITLE = "Fastmill buys rival Loomworks for $2.1 billion"
ARTICLE = (
    "Fastmill is buying its rival Loomworks for $2.1 billion in cash. The deal needs the approval of regulators in"
    " Europe and Japan before it can close."
)
PLAIN = {
    TITLE: "FastmillがライバルのLoomworksを21億ドルで買収",
    "Fastmill is buying its rival Loomworks for $2.1 billion in cash.": "FastmillはライバルのLoomworksを現金21億ドルで買収する。",
    "The deal needs the approval of regulators in Europe and Japan before it can close.": "取引の成立には欧州と日本の規制当局の承認が必要だ。",
}
HOPEFUL = "FastmillとLoomworksが一つになれば、縫製ロボットの開発が速く進み、現場の選択肢も広がりそうです。"
CRITICAL = "競争相手のLoomworksが消えることで価格が上がらないか、欧州と日本の当局の判断が気になります。"


class Machine:
    """Translates, and comments in the role it is given."""

    def __init__(self) -> None:
        self.hopeful: str | Raw = HOPEFUL
        self.service: ChatServer

    def __call__(self, segment: str) -> str | Raw:
        told = self.service.requests[-1]["messages"][0]["content"]
        if "one short comment" not in told:
            return PLAIN.get(segment, "")
        return CRITICAL if "what may go wrong" in told else self.hopeful


@pytest.fixture
def machine() -> Machine:
    return Machine()


@pytest.fixture
def desk(tmp_path: Path, machine: Machine, monkeypatch: pytest.MonkeyPatch) -> Iterator[Desk]:
    monkeypatch.setattr(service, "_PAUSES", ())
    with FeedServer() as feeds, ChatServer(machine) as running:
        machine.service = running
        feeds.serve("/feed", rss(item(1, TITLE, ARTICLE)))
        desk = Desk(tmp_path, feeds, engine="openai", openai_url=running.url, viewpoints=True, extract="feed",
                    counts="none")  # fmt: skip
        yield desk


def asked(machine: Machine) -> list[str]:
    """List what the machine was told when it was to comment."""
    told = [request["messages"][0]["content"] for request in machine.service.requests]
    return [each for each in told if "one short comment" in each]


def files_with(desk: Desk, text: str) -> set[str]:
    root = desk.config.output
    files = (path for path in root.rglob("*") if path.is_file())
    return {str(path.relative_to(root)) for path in files if text.encode() in path.read_bytes()}


def slug(desk: Desk) -> str:
    return str(desk.rows("slug", "publications")[0][0])


def test_each_entry_gets_a_hopeful_and_a_critical_comment_labelled_with_engine_and_date(desk: Desk):
    desk.round()
    page = desk.read(f"entries/{slug(desk)}.html")
    assert f"<b>楽観派</b> {HOPEFUL}" in page
    assert f"<b>慎重派</b> {CRITICAL}" in page
    assert page.count("AIによるコメント（openai stand-in、") == 2
    assert "への2件のフィードバック" in page
    assert "人 0件 · AI 2件" in page
    assert '<time datetime="2026-11-24T15:00+09:00">' in page


def test_they_stand_on_the_page_and_in_their_own_feed_and_nowhere_else(desk: Desk):
    desk.round()
    for text in (HOPEFUL, CRITICAL):
        assert files_with(desk, text) == {f"entries/{slug(desk)}.html", "viewpoints.xml"}


def test_they_enter_no_number_that_counts_people(desk: Desk):
    desk.round()
    bytes_with = desk.feeds_bytes()
    written = {name: desk.read(name) for name in ("hot.html", "discussed.html", "hot.json", "index.html")}
    desk.settings(viewpoints=False)
    desk.round(minutes=1)
    assert desk.feeds_bytes() == bytes_with
    assert desk.read("hot.json") == written["hot.json"]
    assert "コメント 2件" not in "".join(written.values())
    entry = json.loads(bytes_with["feed.json"])["items"][0]
    assert "_discussion" not in entry
    assert b"thr:total" not in bytes_with["atom.xml"].replace(b"xmlns:thr", b"")
    assert b"slash:comments" not in bytes_with["rss.xml"]


def test_their_feed_says_whose_they_are_and_what_they_answer(desk: Desk):
    desk.round()
    feed = feedparser.parse(desk.read("viewpoints.xml"))
    assert not feed.bozo
    assert {entry.author for entry in feed.entries} == {"楽観派 (AI)", "慎重派 (AI)"}
    assert all("AIによるコメント: openai stand-in" in entry.content[0].value for entry in feed.entries)
    assert "viewpoints.xml" in desk.read("index.html")
    assert "viewpoints.xml" not in desk.read("atom.xml")


def test_off_by_default_nothing_is_asked_or_written(desk: Desk, machine: Machine):
    desk.settings(viewpoints=False)
    desk.round()
    assert asked(machine) == []
    assert not (desk.config.output / "viewpoints.xml").exists()
    assert "AIによるコメント" not in desk.read(f"entries/{slug(desk)}.html")


def test_a_comment_is_written_once_though_other_things_change(desk: Desk, machine: Machine):
    desk.round()
    assert len(asked(machine)) == 2
    desk.settings(style="である", site_title="別の名前")
    desk.round(minutes=1)
    desk.round(hours=20)
    assert len(asked(machine)) == 2


def test_another_text_of_the_article_is_commented_on_anew(desk: Desk, machine: Machine):
    desk.round()
    desk.feeds.serve("/feed", rss(item(1, TITLE, f"{ARTICLE} Its shares rose a little.")))
    desk.round(hours=3)
    assert len(asked(machine)) == 4
    assert desk.rows("count(*)", "viewpoints") == [(2,)]


def test_the_model_is_sent_title_and_article_as_data_and_nothing_else(desk: Desk, machine: Machine):
    desk.round()
    sent = [
        request["messages"][1]["content"] for request in machine.service.requests
        if "one short comment" in request["messages"][0]["content"]
    ]  # fmt: skip
    assert sent == [json.dumps(f"{TITLE}\n{ARTICLE}", ensure_ascii=False)] * 2


def test_an_entry_on_a_refused_subject_is_not_commented_on_and_nothing_is_sent(desk: Desk, machine: Machine):
    desk.feeds.serve("/feed", rss(item(1, TITLE, f"{ARTICLE} Police arrested two men.")))
    desk.round()
    assert asked(machine) == []
    assert desk.rows("text, failure", "viewpoints") == [(None, "it speaks of crime: Police")] * 2
    desk.round(hours=1)
    assert asked(machine) == []


def test_what_the_checks_refuse_is_asked_for_once_more_and_then_left_alone(desk: Desk, machine: Machine):
    machine.hopeful = "GoogleもFastmillに続き、縫製ロボットの開発が速く進みそうです。"
    desk.round()
    assert [("An earlier answer was refused: name made up." in told) for told in asked(machine)] == [
        False,
        True,
        False,
    ]
    desk.round(hours=1)
    assert len(asked(machine)) == 3
    page = desk.read(f"entries/{slug(desk)}.html")
    assert "人 0件 · AI 1件" in page
    assert "Google" not in page


def test_a_model_that_is_down_is_asked_later_and_holds_back_nothing(desk: Desk, machine: Machine):
    machine.hopeful = Raw(503)
    desk.round()
    assert "FastmillがライバルのLoomworksを21億ドルで買収" in desk.read("atom.xml")
    assert files_with(desk, HOPEFUL) == set()
    machine.hopeful = HOPEFUL
    desk.round(minutes=16)
    assert f"entries/{slug(desk)}.html" in files_with(desk, HOPEFUL)


def test_a_feed_with_titles_alone_gets_none(desk: Desk, machine: Machine):
    desk.subscribe("/feed", rights="titles")
    desk.round()
    assert asked(machine) == []


def test_switched_off_they_leave_pages_and_feed(desk: Desk):
    desk.round()
    desk.settings(viewpoints=False)
    desk.round(minutes=1)
    assert files_with(desk, HOPEFUL) == set()
    assert not (desk.config.output / "viewpoints.xml").exists()
    assert desk.rows("*", "viewpoints") == []


def test_what_they_cost_is_within_the_budget_and_booked(desk: Desk, machine: Machine):
    source = len(f"{TITLE}\n{ARTICLE}")
    desk.settings(openai_yen=1000, openai_budget="1000000")
    desk.round()
    [(characters,)] = desk.rows("characters", "engine_days")
    assert characters == sum(map(len, machine.service.segments))
    assert 2 * source < characters


def test_a_spent_budget_writes_none(desk: Desk, machine: Machine):
    desk.settings(openai_yen=1000, openai_budget="9000")  # 300 a day: enough to translate, not to comment
    desk.round()
    assert "21億ドル" in desk.read("atom.xml")
    assert asked(machine) == []


def test_a_feed_whose_engine_is_another_sends_its_text_to_no_other_one(desk: Desk, machine: Machine):
    desk.settings(viewpoints=False)
    desk.round()
    desk.subscribe("/feed", engine="none")
    desk.settings(viewpoints=True)
    desk.round(minutes=1)
    assert desk.rows("state", "publications") == [("translated",)]
    assert asked(machine) == []
    desk.subscribe("/feed", engine="openai")
    desk.round(minutes=1)
    assert len(asked(machine)) == 2


def test_an_engine_that_only_translates_writes_none(desk: Desk, machine: Machine):
    desk.settings(engine="none", untranslated="publish")
    desk.round()
    assert asked(machine) == []
    assert "0件" not in desk.read("index.html")


def test_a_job_that_crashed_is_tried_a_quarter_of_an_hour_later(desk: Desk):
    desk.settings(viewpoints=False)
    desk.round()
    desk.settings(viewpoints=True)
    jobs = list(VIEWPOINTS.pending(desk.db, desk.config, desk.now))
    assert len(jobs) == VIEWPOINTS.backlog(desk.db, desk.config, desk.now) == 2
    for job in jobs:
        VIEWPOINTS.postpone(desk.db, desk.config, job, "ValueError: no", desk.now)
    assert list(VIEWPOINTS.pending(desk.db, desk.config, desk.now)) == []
    assert len(list(VIEWPOINTS.pending(desk.db, desk.config, desk.now + timedelta(minutes=15)))) == 2
