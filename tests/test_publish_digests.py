"""Digests over a real store and folder: made once at their hour, frozen, carried, shown and taken back."""

import json
from datetime import UTC, datetime, time, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import feedparser
import pytest
from lxml import etree

from aggregator.executors import open_workers
from aggregator.pipeline import run_stage
from aggregator.publish.place import addresses
from aggregator.publish.stage import forget_published
from aggregator.retention.stage import STAGE as RETENTION
from aggregator.store import publications
from tests.publishing import SENTENCES, Newsroom

TOKYO = ZoneInfo("Asia/Tokyo")


class Desk(Newsroom):
    """A newsroom whose clock is set by Tokyo's."""

    def at(self, text: str) -> None:
        self.now = datetime.fromisoformat(text).replace(tzinfo=TOKYO).astimezone(UTC)

    def arrive(self, *names: str, feed: str = "", comments: int = 0, category: str = "News") -> None:
        """Have an entry of each name arrive now, each of a feed of its own where none is named."""
        for name in names:
            source = feed or f"feed-{name}"
            url = f"https://{source}.example/feed"
            row = self.db.execute("SELECT feed_id FROM feeds WHERE listed_url = ?", [url]).fetchone()
            moment = self.now.isoformat()[:19] + "Z"
            entry = self.entry(
                row[0] if row else self.feed(source, category=category), name,
                published_at=moment, sort_at=moment, permalink=f"https://{source}.example/{name}",
            )  # fmt: skip
            self.translate(entry, f"見出し{name}", f"要約の{name}番目の文です。\n続きです。")
            if comments:
                self.count(entry, comments)

    def publish_at(self, text: str) -> int:
        """Return how many jobs there were to do at that time."""
        self.at(text)
        return self.publish().jobs

    def items(self, name: str = "feed.json") -> list[dict[str, str]]:
        return json.loads(self.path(name).read_bytes())["items"]

    def digests(self) -> list[dict[str, str]]:
        return [item for item in self.items() if "まとめ" in item["title"]]

    def heads(self, name: str) -> list[str]:
        page = etree.HTML(self.path(name).read_bytes())
        return [head.text for head in page.xpath("//main//h2/a")]


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return Desk(tmp_path)


def a_day(desk: Desk) -> None:
    """Fill a Tuesday with twelve entries, the later the more talked about."""
    desk.at("2026-11-24 09:00")
    for number in range(12):
        desk.arrive(f"{number:02}", comments=number)
    desk.publish()


def test_at_its_hour_the_days_ten_are_one_entry_of_the_main_feeds(desk: Desk):
    a_day(desk)
    desk.publish_at("2026-11-24 17:59")
    assert desk.digests() == []
    desk.publish_at("2026-11-24 18:00")
    [digest] = desk.digests()
    assert digest["title"] == "今日のまとめ 11月24日（火）"
    assert digest["url"] == "https://news.example/digest/2026-11-24.html"
    assert digest["date_published"] == digest["date_modified"] == "2026-11-24T09:00:00Z"
    assert digest["content_html"].startswith("<ol><li><a href=")
    assert [f"見出し{n:02}" in digest["content_html"] for n in range(12)] == [False] * 2 + [True] * 10
    for name in ("atom.xml", "rss.xml", "all.xml", "titles.xml"):
        feed = feedparser.parse(desk.path(name).read_bytes())
        assert not feed.bozo
        assert feed.entries[0].title == digest["title"]
        assert feed.entries[0].id == digest["id"]


def test_the_page_lists_them_in_order_with_sentence_source_and_comments(desk: Desk):
    a_day(desk)
    desk.publish_at("2026-11-24 18:00")
    assert desk.heads("digest/2026-11-24.html") == [f"見出し{n:02}" for n in range(11, 1, -1)]
    page = etree.HTML(desk.path("digest/2026-11-24.html").read_bytes())
    first = " ".join("".join(page.xpath("//main//li[1]")[0].itertext()).split())
    assert first == "見出し11 要約の11番目の文です。 Feed-11 Wire コメント 11件"
    for link in page.xpath("//main//a/@href"):
        assert link.startswith("https://feed-") or desk.path("digest").joinpath(link).resolve().exists(), link


def test_a_digest_is_frozen_when_counts_translations_and_texts_change(desk: Desk):
    a_day(desk)
    desk.publish_at("2026-11-24 18:00")
    [before] = desk.digests()
    page = desk.path("digest/2026-11-24.html").read_bytes()
    for row in list(desk.db.query("SELECT entry_id FROM entries")):
        desk.translate(row["entry_id"], "まったく別の見出し")
        desk.count(row["entry_id"], 500)
    desk.publish_at("2026-11-24 20:00")
    forget_published(desk.db)
    desk.publish()
    assert desk.digests() == [before]
    assert desk.path("digest/2026-11-24.html").read_bytes() == page


def test_it_is_made_once_and_rests_until_the_next_hour(desk: Desk):
    a_day(desk)
    desk.publish_at("2026-11-24 18:00")
    assert desk.publish_at("2026-11-24 18:01") == 0
    assert desk.publish_at("2026-11-25 17:59") == 2  # a morning, and its feeds
    assert desk.db.execute("SELECT count(*) FROM digests WHERE kind = 'daily'").fetchone()[0] == 1


def test_a_missed_hour_is_made_up_for_at_the_next_run(desk: Desk):
    a_day(desk)
    desk.publish_at("2026-11-25 05:10")
    [digest] = desk.digests()
    assert digest["title"] == "今日のまとめ 11月24日（火）"
    assert digest["date_published"] == "2026-11-24T20:10:00Z"


def test_of_days_of_downtime_only_the_last_hours_are_made(desk: Desk):
    a_day(desk)
    desk.publish_at("2026-11-27 09:00")
    assert desk.digests() == []  # nothing came since the 25th


def test_a_day_with_fewer_than_ten_has_no_digest_but_its_morning(desk: Desk):
    desk.at("2026-11-24 09:00")
    desk.arrive(*map(str, range(9)))
    desk.publish()
    desk.publish_at("2026-11-24 18:00")
    assert desk.digests() == []
    assert not desk.path("digest/2026-11-24.html").exists()
    desk.publish_at("2026-11-25 06:30")
    assert len(desk.items("morning.json")) == 9


def test_the_old_entries_of_a_new_feed_are_in_no_digest(desk: Desk):
    desk.at("2026-11-24 09:00")
    feed = desk.feed()
    for number in range(12):
        desk.translate(desk.entry(feed, str(number), age=72))
    desk.publish()
    desk.publish_at("2026-11-24 18:00")
    assert desk.digests() == []


def test_what_came_too_late_to_be_talked_about_has_another_chance_and_nothing_stands_in_two(desk: Desk):
    a_day(desk)
    desk.at("2026-11-24 16:00")
    desk.arrive("late")  # nobody talks about it yet
    desk.publish()
    desk.publish_at("2026-11-24 18:00")
    assert "見出しlate" not in desk.heads("digest/2026-11-24.html")
    desk.at("2026-11-25 10:00")
    [late] = desk.db.execute("SELECT entry_id FROM entries WHERE guid = 'late'").fetchone()
    desk.count(late, 300)
    desk.arrive(*(f"next-{n}" for n in range(12)))
    desk.publish()
    desk.publish_at("2026-11-25 18:00")
    heads = desk.heads("digest/2026-11-25.html")
    assert heads[0] == "見出しlate"
    assert not {*heads} & {*desk.heads("digest/2026-11-24.html")}


def test_the_week_is_told_on_saturday_by_its_number(desk: Desk):
    a_day(desk)
    desk.publish_at("2026-11-28 18:00")
    [digest] = desk.digests()
    assert (digest["title"], digest["url"]) == (
        "今週のまとめ 11月22日〜11月28日", "https://news.example/digest/2026-W48.html",
    )  # fmt: skip
    assert len(desk.heads("digest/2026-W48.html")) == 10


def test_the_list_names_all_and_each_page_the_one_before(desk: Desk):
    a_day(desk)
    desk.publish_at("2026-11-24 18:00")
    desk.at("2026-11-25 09:00")
    desk.arrive(*(f"next-{n}" for n in range(12)))
    desk.publish()
    desk.publish_at("2026-11-25 18:00")
    index = etree.HTML(desk.path("digest/index.html").read_bytes())
    assert index.xpath("//main//li/a/@href") == ["2026-11-25.html", "2026-11-24.html"]
    assert index.xpath("//main//li/a/text()")[0] == "今日のまとめ 11月25日（水）"
    page = etree.HTML(desk.path("digest/2026-11-25.html").read_bytes())
    assert page.xpath("//a[@rel='prev']/@href") == ["2026-11-24.html"]
    assert etree.HTML(desk.path("digest/2026-11-24.html").read_bytes()).xpath("//a[@rel='prev']") == []


def test_a_morning_is_twenty_entries_as_the_main_feed_gives_them_the_most_important_first(desk: Desk):
    desk.at("2026-11-24 07:00")
    for number in range(25):
        desk.arrive(f"{number:02}", comments=number)
    desk.publish()
    desk.publish_at("2026-11-25 06:29")
    assert desk.items("morning.json") == []
    desk.publish_at("2026-11-25 06:30")
    morning, main = desk.items("morning.json"), {item["id"]: item for item in desk.items()}
    assert [item["title"] for item in morning] == [f"見出し{n:02}" for n in range(24, 4, -1)]
    assert all(main[item["id"]] == item for item in morning)
    for name in ("morning.xml", "morning.rss.xml"):
        feed = feedparser.parse(desk.path(name).read_bytes())
        assert (feed.bozo, len(feed.entries), feed.feed.title) == (
            False,
            20,
            "テックニュース日本語版（朝刊）",
        )
        assert feed.feed.updated_parsed[:5] == (2026, 11, 24, 21, 30)


def test_the_page_of_the_morning_names_its_day_and_lists_what_its_feed_does(desk: Desk):
    a_day(desk)
    desk.publish_at("2026-11-24 18:00")
    assert "最初の朝刊は" in desk.path("morning.html").read_text()
    desk.publish_at("2026-11-25 06:30")
    assert desk.heads("morning.html") == [item["title"] for item in desk.items("morning.json")]
    assert "<h1>朝刊 11月25日（水）</h1>" in desk.path("morning.html").read_text()
    assert "morning.html" in desk.path("digest/index.html").read_text()


def test_the_front_page_leads_to_the_last_digest_and_the_last_morning(desk: Desk):
    a_day(desk)
    assert "chosen" not in desk.path("index.html").read_text()
    desk.publish_at("2026-11-24 18:00")
    desk.publish_at("2026-11-25 06:30")
    links = etree.HTML(desk.path("index.html").read_bytes()).xpath("//p[@class='chosen']/a")
    assert [(link.get("href"), link.text) for link in links] == [
        ("digest/2026-11-24.html", "今日のまとめ 11月24日（火）"),
        ("morning.html", "朝刊 11月25日（水）"),
    ]


def test_who_reads_each_morning_sees_no_entry_twice_and_never_more_than_twenty(desk: Desk):
    seen: list[str] = []
    desk.at("2026-11-24 00:00")
    for hour in range(24 * 3):
        desk.arrive(f"{hour}", comments=hour % 7)
        if hour % 24 in {6, 7}:
            desk.publish()
        if hour % 24 == 7:
            seen += [item["id"] for item in desk.items("morning.json")]
        desk.now += timedelta(hours=1)
    assert len(seen) == len({*seen}) == 7 + 2 * 20


def test_what_counts_in_a_morning_moves_with_the_counts_and_the_list_does_not(desk: Desk):
    a_day(desk)
    desk.publish_at("2026-11-25 06:30")
    before = desk.items("morning.json")
    [first] = desk.db.execute("SELECT entry_id FROM entries WHERE guid = '00'").fetchone()
    desk.count(first, 900)
    desk.publish_at("2026-11-25 09:00")
    after = desk.items("morning.json")
    assert [item["id"] for item in after] == [item["id"] for item in before]
    assert after[-1]["_discussion"]["comments"] == 900


def test_narrowed_rights_hold_in_a_morning_whose_entries_left_the_main_feed(desk: Desk):
    a_day(desk)
    desk.publish_at("2026-11-25 06:30")
    desk.settings(max_entries=1)
    desk.at("2026-11-27 10:00")
    desk.arrive("new")
    desk.publish()
    assert len(desk.items()) == 1
    before = desk.items("morning.json")
    desk.db.execute("""UPDATE feeds SET settings = '{"rights": "titles"}'""")
    desk.publish_at("2026-11-27 11:00")
    after = desk.items("morning.json")
    frozen = ("id", "title", "date_published", "date_modified")
    assert [[item[name] for name in frozen] for item in after] == [
        [item[name] for name in frozen] for item in before
    ]
    assert "要約の" in before[0]["content_html"]
    assert "要約の" not in desk.path("morning.json").read_text() + desk.path("morning.html").read_text()


def test_narrowed_rights_take_the_sentence_out_of_feed_and_page_and_move_no_date(desk: Desk):
    a_day(desk)
    desk.publish_at("2026-11-24 18:00")
    [before] = desk.digests()
    desk.db.execute("""UPDATE feeds SET settings = '{"rights": "titles"}' WHERE title = 'Feed-11 Wire'""")
    desk.publish_at("2026-11-24 19:00")
    [after] = desk.digests()
    line = "要約の11番目の文です。"
    assert line in before["content_html"]
    assert after == before | {"content_html": before["content_html"].replace(f"{line}<br>", "")}
    assert not any(line.encode() in body for body in desk.outputs().values())


def test_an_entry_that_was_taken_back_leaves_feed_page_and_list(desk: Desk):
    a_day(desk)
    desk.publish_at("2026-11-24 18:00")
    row = desk.db.execute("SELECT public_id FROM publications WHERE title = '見出し11'").fetchone()
    desk.db.table("publications").update(row[0], {"state": "withdrawn"})
    forget_published(desk.db)
    desk.publish_at("2026-11-24 19:00")
    [digest] = desk.digests()
    assert "見出し11" not in digest["content_html"]
    assert desk.heads("digest/2026-11-24.html")[0] == "見出し10"
    assert "見出し11" not in desk.path("digest/index.html").read_text()


def test_entries_whose_texts_went_stay_in_a_digest_and_lead_to_the_original(desk: Desk):
    desk.at("2026-11-24 09:00")
    for number in range(12):
        desk.arrive(f"{number:02}", feed="wire", comments=number)
    desk.publish()
    desk.publish_at("2026-11-24 18:00")
    desk.settings(max_entries=1, dropped_pages="gone")
    desk.db.execute("UPDATE entries SET unlisted_at = first_seen_at")
    desk.at("2027-06-24 09:00")
    desk.arrive("new", feed="wire")
    desk.publish()
    run_stage(RETENTION, desk.db, desk.config, open_workers("inline:"), lambda: desk.now)
    assert not list(desk.path("entries/2026").rglob("*.html"))
    desk.publish()
    page = etree.HTML(desk.path("digest/2026-11-24.html").read_bytes())
    assert page.xpath("//h2/a/@href") == [f"https://wire.example/{n:02}" for n in range(11, 1, -1)]
    assert "見出し11" in desk.path("digest/index.html").read_text()


def test_links_follow_the_address_and_nothing_else_of_a_digest_does(desk: Desk):
    a_day(desk)
    desk.publish_at("2026-11-24 18:00")
    [before] = desk.digests()
    desk.settings(base_url="https://moved.example/")
    desk.publish_at("2026-11-24 19:00")
    [after] = desk.digests()
    assert after["id"] == before["id"]
    assert after["content_html"] == before["content_html"].replace("//news.example/", "//moved.example/")


def test_a_private_site_keeps_digests_beneath_its_path(desk: Desk):
    a_day(desk)
    desk.publish_at("2026-11-24 18:00")
    desk.settings(visibility="private")
    desk.publish_at("2026-11-24 19:00")
    root = publications.private_path(desk.db)
    assert desk.path(f"{root}/digest/2026-11-24.html").exists()
    assert not desk.path("digest").exists()


@pytest.mark.parametrize("given", ["keep", "gone"])
def test_a_sentence_that_its_site_took_back_does_not_come_back_when_texts_go(desk: Desk, given: str):
    desk.at("2026-11-24 09:00")
    for number in range(12):
        desk.arrive(f"{number:02}", feed="wire", comments=number)
    desk.publish()
    desk.publish_at("2026-11-24 18:00")
    for row in list(desk.db.query("SELECT entry_id FROM entries")):
        desk.opt_out(row["entry_id"])
    desk.settings(max_entries=1, dropped_pages=given)
    desk.db.execute("UPDATE entries SET unlisted_at = first_seen_at")
    desk.at("2027-06-24 09:00")
    desk.arrive("new", feed="wire")
    desk.publish()
    run_stage(RETENTION, desk.db, desk.config, open_workers("inline:"), lambda: desk.now)
    assert desk.db.execute("SELECT count(*) FROM entries WHERE excluded = 'dropped'").fetchone()[0] == 12
    desk.publish()
    page = desk.path("digest/2026-11-24.html").read_text()
    assert ("見出し11" in page, "番目の文" in page) == (True, False)


@pytest.mark.parametrize("before", ["private", "deeper"])
def test_links_follow_an_address_that_begins_as_the_one_before_it_did(desk: Desk, before: str):
    where = {"private": {"visibility": "private"}, "deeper": {"base_url": "https://news.example/jp/"}}
    desk.settings(**where[before])
    a_day(desk)
    desk.publish_at("2026-11-24 18:00")
    old = f"{publications.private_path(desk.db)}/" if before == "private" else "jp/"
    desk.settings(visibility="public", base_url="https://news.example/")
    desk.publish()
    [digest] = desk.digests()
    assert digest["content_html"].count('href="https://news.example/entries/') == 10
    assert [name for name, body in desk.outputs().items() if f"example/{old}".encode() in body] == []


def test_nothing_stays_in_public_that_is_switched_off_when_all_becomes_private(desk: Desk):
    desk.settings(viewpoints=True, indexable=True)
    a_day(desk)
    desk.publish_at("2026-11-25 06:30")
    assert {"morning.html", "morning.xml", "viewpoints.xml", "category"} <= {
        path.name for path in desk.config.output.iterdir()
    }
    desk.settings(visibility="private", viewpoints=False, indexable=False, morning_at=None)
    desk.db.execute("UPDATE feeds SET category = ''")
    desk.publish()
    root = publications.private_path(desk.db)
    assert [path.name for path in desk.config.output.iterdir()] == [root]


def test_a_digest_is_no_entry_to_search_and_in_no_other_list(desk: Desk):
    a_day(desk)
    desk.publish_at("2026-11-24 18:00")
    assert desk.db.execute("SELECT count(*) FROM searchable").fetchone()[0] == 12
    for name in ("hot.json", "category/news/feed.json", "morning.json"):
        assert not any("まとめ" in item["title"] for item in desk.items(name))
    assert "今日のまとめ" not in desk.path("discussed.html").read_text().partition("<main")[2]


def test_each_may_be_switched_off_and_a_morning_leaves_no_file(desk: Desk):
    a_day(desk)
    desk.publish_at("2026-11-25 06:30")
    assert desk.path("morning.xml").exists()
    assert "morning.xml" in desk.path("subscribe.opml").read_text()
    assert "morning.xml" in desk.path("subscribe.html").read_text()
    assert "morning.xml" in addresses(desk.db, desk.config)
    desk.settings(digest_at=None, morning_at=None)
    desk.publish_at("2026-11-25 18:00")
    assert not [name for name in desk.outputs() if name.startswith("morning")]
    assert "morning" not in desk.path("digest/index.html").read_text()
    assert "morning.xml" not in desk.path("subscribe.opml").read_text()
    assert "morning.xml" not in desk.path("subscribe.html").read_text()
    assert "morning.xml" not in addresses(desk.db, desk.config)


def test_the_hour_may_be_another_one(desk: Desk):
    desk.settings(digest_at=time(21, 30))
    a_day(desk)
    desk.publish_at("2026-11-24 21:29")
    assert desk.digests() == []
    desk.publish_at("2026-11-24 21:30")
    assert len(desk.digests()) == 1


def test_titles_carry_the_digests_headline_alone(desk: Desk):
    a_day(desk)
    desk.publish_at("2026-11-24 18:00")
    [digest] = [item for item in desk.items("titles.json") if "まとめ" in item["title"]]
    assert digest["content_text"] == digest["title"]
    assert SENTENCES[0] not in desk.path("titles.xml").read_text()


def test_a_digest_page_in_another_form_is_written_again_however_old(desk: Desk):
    a_day(desk)
    desk.publish_at("2026-11-24 18:00")
    desk.publish_at("2027-03-24 18:00")
    desk.settings(site_title="別の名前")
    desk.publish()
    assert "別の名前" in desk.path("digest/2026-11-24.html").read_text()


def test_forced_publishing_brings_back_a_page_that_was_deleted(desk: Desk):
    a_day(desk)
    desk.publish_at("2026-11-24 18:00")
    page = desk.path("digest/2026-11-24.html")
    before = page.read_bytes()
    page.unlink()
    forget_published(desk.db)
    desk.publish()
    assert page.read_bytes() == before


def test_a_page_that_crashed_holds_nothing_back(desk: Desk, monkeypatch: pytest.MonkeyPatch):
    a_day(desk)
    monkeypatch.setattr("aggregator.publish.digest_pages.page", lambda *_: 1 / 0)
    desk.at("2026-11-24 18:00")
    assert desk.publish().crashes == 1
    assert len(desk.digests()) == 1
    assert desk.publish().jobs == 0
