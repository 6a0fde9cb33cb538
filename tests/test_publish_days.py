"""Pages of headlines by day: what is on them, and which of them are written when."""

from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path
from urllib.parse import unquote

import pytest
from lxml import etree, html

from aggregator.model import Document
from aggregator.publish import days
from aggregator.publish.dated import BATCH, DayPages
from aggregator.publish.days import Day, Line, beside, documents, linked
from aggregator.publish.stage import STAGE
from aggregator.store import days as stored
from tests.publishing import NOON, Newsroom
from tests.test_publish_feeds import SITE

TUESDAY = date(2026, 11, 24)
LINE = Line(
    slug="2026/11/a", title="見出し", is_translated=True, published_at=NOON, original_title="The <Title>",
    language="en_US", feed_title="Kernel Weekly",
)  # fmt: skip


@pytest.fixture
def room(tmp_path: Path) -> Newsroom:
    return Newsroom(tmp_path)


def published(room: Newsroom, guid: str, hours: float = 0) -> int:
    entry = room.entry(1, guid)
    room.translate(entry, f"見出し{guid}")
    room.publish(hours)
    return entry


def written(*lines: Line, every: tuple[date, ...] = (TUESDAY,), **site: object) -> dict[str, Document]:
    made = documents(linked({TUESDAY: lines}, every), every, every, replace(SITE, **site))
    return {document.path: document for document in made}


def day_files(room: Newsroom) -> set[str]:
    return {name for name in room.outputs() if name.startswith("days/")}


def headlines(room: Newsroom, name: str) -> list[str]:
    return [
        " ".join(link.text_content().split())
        for link in html.document_fromstring(room.path(name).read_text()).xpath(
            "//ol[@class='headlines']/li/a"
        )
    ]


def test_a_line_names_headline_original_feed_and_time_and_leads_to_the_entry():
    page = html.document_fromstring(written(LINE)["days/2026-11-24.html"].body.decode())
    [line] = page.xpath("//ol/li")
    assert line.text_content().split() == ["見出し", "The", "<Title>", "Kernel", "Weekly", "12:00"]
    assert line.xpath("a/@href") == ["../entries/2026/11/a.html"]
    assert line.xpath(".//*[@lang]/@lang") == ["en-US", "en"]
    assert page.xpath("//h1")[0].text_content() == "2026年11月24日（火）の見出し"


@pytest.mark.parametrize("field", ["title", "original_title", "feed_title", "language"])
def test_text_from_outside_is_escaped(field: str):
    evil = replace(LINE, **{field: "\"'><script>alert(1)</script>"})
    for document in written(evil, replace(evil, is_translated=False)).values():
        assert list(html.document_fromstring(document.body.decode()).iter("script")) == []


def test_an_untranslated_line_is_marked_and_in_its_own_language():
    page = html.document_fromstring(
        written(replace(LINE, is_translated=False))["days/2026-11-24.html"].body.decode()
    )
    [link] = page.xpath("//ol/li/a")
    assert [(span.get("lang"), span.text) for span in link] == [(None, "未訳"), ("en-US", "The <Title>")]


def test_what_was_japanese_from_the_start_is_named_once():
    body = written(replace(LINE, original_title="見出し"))["days/2026-11-24.html"].body.decode()
    assert body.count(">見出し</") == 1


def test_a_long_day_has_several_pages_numbered_from_its_first_entry():
    lines = [replace(LINE, slug=f"2026/11/{n}") for n in range(2 * days.SIZE + 1)]
    pages = written(*lines)
    names = ["days/2026-11-24.html", "days/2026-11-24-2.html", "days/2026-11-24-3.html"]
    assert [name for name in pages if name != "days/2026.html"] == names
    more = written(*lines, replace(LINE, slug="2026/11/new"))
    assert [pages[name].body == more[name].body for name in names] == [True, True, False]
    trees = [html.document_fromstring(pages[name].body.decode()) for name in names]
    assert [len(tree.xpath("//ol/li")) for tree in trees] == [100, 100, 1]
    assert [tree.xpath("//nav[@class='pages']//a[@aria-current]/text()") for tree in trees] == [
        ["1"],
        ["2"],
        ["3"],
    ]
    assert trees[2].xpath("//ol/@start") == ["201"]


def test_a_day_leads_to_the_days_beside_it_over_days_without_any():
    every = (date(2025, 12, 31), TUESDAY, date(2026, 11, 27))
    pages = written(LINE, every=every)
    page = html.document_fromstring(pages["days/2026-11-24.html"].body.decode())
    assert page.xpath("//nav[@class='pager']/a/@href") == [
        "../days/2025-12-31.html",
        "../days/2026-11-27.html",
    ]
    year = html.document_fromstring(pages["days/2026.html"].body.decode())
    assert year.xpath("//ol[@class='calendar']//a/text()") == ["24", "27"]
    assert year.xpath("//nav[@class='pager']/a/@href") == ["../days/2025.html"]
    assert "days/2025.html" not in pages  # no day of it is written


def test_days_beside_those_that_came_or_went_are_written_too():
    monday, tuesday, friday = date(2026, 11, 23), TUESDAY, date(2026, 11, 27)
    assert beside({tuesday}, [monday, tuesday, friday]) == {monday, friday}
    assert beside({tuesday}, [monday, friday]) == {monday, friday}  # it went
    assert beside({friday}, [monday, tuesday, friday]) == {tuesday}
    assert beside(set(), [monday, tuesday]) == set()


def test_only_an_indexable_site_has_a_sitemap_which_holds_every_page_by_its_day():
    assert not [name for name in written(LINE) if name.endswith(".xml")]
    pages = written(LINE, indexable=True)
    part, whole = pages["days/2026-11-24.sitemap.xml"], pages["sitemap.xml"]
    address = "{http://www.sitemaps.org/schemas/sitemap/0.9}loc"
    assert [loc.text for loc in etree.fromstring(whole.body).iter(address)] == [
        "https://news.example/standing.sitemap.xml", "https://news.example/days/2026-11-24.sitemap.xml",
    ]  # fmt: skip
    assert [loc.text for loc in etree.fromstring(part.body).iter(address)] == [
        "https://news.example/days/2026-11-24.html", "https://news.example/entries/2026/11/a.html",
    ]  # fmt: skip


def test_entries_stand_under_the_day_they_were_published_on_in_the_zone(room: Newsroom):
    room.feed()
    published(room, "noon")
    published(room, "late", hours=11.9)
    published(room, "next", hours=0.2)
    assert headlines(room, "days/2026-11-24.html") == ["見出しnoon", "見出しlate"]
    assert headlines(room, "days/2026-11-25.html") == ["見出しnext"]
    assert day_files(room) == {"days/2026-11-24.html", "days/2026-11-25.html", "days/2026.html"}


def test_what_came_at_once_stands_as_it_came_out(room: Newsroom):
    feed = room.feed()
    for guid, age in (("b", 2), ("c", 1), ("a", 3)):
        room.translate(room.entry(feed, guid, age=age), f"見出し{guid}")
    room.publish()
    assert headlines(room, "days/2026-11-24.html") == ["見出しa", "見出しb", "見出しc"]


def test_a_new_day_rewrites_the_day_before_it_and_no_older_one(room: Newsroom):
    room.feed()
    for number in range(4):
        published(room, str(number), hours=24)
    before = room.touched()
    published(room, "new", hours=24)
    after = room.touched()
    assert {name for name in day_files(room) if after[name] != before.get(name)} == {
        "days/2026-11-28.html", "days/2026-11-29.html", "days/2026.html",
    }  # fmt: skip
    published(room, "more", hours=1)
    assert room.touched()["days/2026-11-28.html"] == after["days/2026-11-28.html"]


def test_a_count_writes_no_day_again(room: Newsroom):
    room.feed()
    entry = published(room, "1")
    before = room.touched()
    room.count(entry, 7)
    room.publish(hours=1)
    assert {name for name in day_files(room) if room.touched()[name] != before[name]} == set()


def test_an_entry_translated_late_moves_to_the_day_it_was_translated(room: Newsroom):
    entry = room.entry(room.feed())
    room.publish()
    room.publish(hours=6)
    assert headlines(room, "days/2026-11-24.html") == ["未訳 Story 1"]
    room.translate(entry, "訳された見出し")
    room.publish(hours=24)
    assert day_files(room) == {"days/2026-11-25.html", "days/2026.html"}
    assert headlines(room, "days/2026-11-25.html") == ["訳された見出し"]


def test_a_headline_stays_as_long_as_the_page_of_an_entry_whose_text_was_dropped(room: Newsroom):
    room.feed()
    published(room, "1")
    room.db.execute("UPDATE publications SET state = 'withdrawn', body = ''")
    room.publish()
    assert headlines(room, "days/2026-11-24.html") == ["見出し1"]


def test_an_entry_that_anybody_withdraws_leaves_its_day_with_its_page_and_an_empty_day_goes(room: Newsroom):
    room.feed()
    published(room, "1")
    [page] = [name for name in room.outputs() if name.startswith("entries/")]
    published(room, "2", hours=24)
    room.path(page).unlink()
    room.db.execute("UPDATE publications SET state = 'withdrawn' WHERE first_published_at LIKE '2026-11-24%'")
    room.publish()
    assert day_files(room) == {"days/2026-11-25.html", "days/2026.html"}
    page = html.document_fromstring(room.path("days/2026-11-25.html").read_text())
    assert page.xpath("//nav[@class='pager']/a/@href") == []


def test_a_year_goes_with_its_last_day_and_the_years_beside_it_lead_to_each_other(room: Newsroom):
    room.feed()
    room.now -= timedelta(days=730)
    for number in range(4):
        published(room, str(number), hours=24 * 365 if number in {2, 3} else 24)
    assert {name for name in day_files(room) if len(name) == len("days/2024.html")} == {
        "days/2024.html", "days/2025.html", "days/2026.html",
    }  # fmt: skip
    assert neighbours(room, "days/2024.html") == ["../days/2025.html"]
    for row in room.rows():
        if str(row["first_published_at"]).startswith("2025"):
            room.path(f"entries/{row['slug']}.html").unlink()
    room.db.execute("UPDATE publications SET state = 'withdrawn' WHERE first_published_at LIKE '2025%'")
    room.publish()
    assert not [name for name in day_files(room) if "2025" in name]
    assert neighbours(room, "days/2024.html") == ["../days/2026.html"]
    assert neighbours(room, "days/2026.html") == ["../days/2024.html"]


def neighbours(room: Newsroom, name: str) -> list[str]:
    return html.document_fromstring(room.path(name).read_text()).xpath("//nav[@class='pager']/a/@href")


def test_pages_that_a_shorter_day_no_longer_has_go(room: Newsroom, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(days, "SIZE", 1)
    room.feed()
    published(room, "1")
    published(room, "2", hours=1)
    assert room.path("days/2026-11-24-2.html").exists()
    [row] = [row for row in room.rows() if row["title"] == "見出し2"]
    room.path(f"entries/{row['slug']}.html").unlink()
    room.db.execute("UPDATE publications SET state = 'withdrawn' WHERE title = '見出し2'")
    room.publish()
    assert day_files(room) == {"days/2026-11-24.html", "days/2026.html"}


def test_another_zone_or_title_writes_every_day_again(room: Newsroom):
    room.feed()
    published(room, "1", hours=11.5)
    assert day_files(room) == {"days/2026-11-24.html", "days/2026.html"}
    room.settings(timezone="Pacific/Auckland", site_title="別の名前")
    room.publish()
    assert day_files(room) == {"days/2026-11-25.html", "days/2026.html"}
    assert "別の名前" in room.path("days/2026.html").read_text()


def test_all_days_are_written_in_batches_the_newest_first(room: Newsroom):
    room.feed()
    for number in range(BATCH + 2):
        published(room, str(number), hours=24)
    room.settings(site_title="別の名前")
    found = []
    while jobs := list(STAGE.pending(room.db, room.config, room.now)):
        with room.db.atomic():
            STAGE.record(room.db, room.config, jobs[0], STAGE.work(room.config, jobs[0]), room.now)
        found += [len(job.marks) for job in jobs if isinstance(job, DayPages)]
    assert found == [BATCH, 2]
    assert all("別の名前" in room.path(name).read_text() for name in day_files(room))


def test_the_sitemap_goes_with_the_permission(room: Newsroom):
    room.settings(visibility="public", contact="a@b.example", indexable=True)
    room.feed()
    published(room, "1")
    assert {name for name in room.outputs() if "sitemap" in name} == {
        "sitemap.xml",
        "standing.sitemap.xml",
        "days/2026-11-24.sitemap.xml",
    }
    assert "Sitemap: https://news.example/sitemap.xml" in room.path("robots.txt").read_text()
    room.settings(indexable=False)
    room.publish()
    assert [name for name in room.outputs() if "sitemap" in name] == []
    assert "Sitemap" not in room.path("robots.txt").read_text()


def test_the_sitemap_names_every_page_but_the_lists_of_years(room: Newsroom):
    room.settings(visibility="public", contact="a@b.example", indexable=True)
    room.translate(room.entry(room.feed(category="個人 & 会社")))
    for number in range(12):
        room.translate(room.entry(1, f"d{number}"), f"見出し{number}")
    room.publish()
    room.publish(hours=30)
    named = {name for part in located(room, "sitemap.xml") for name in located(room, part)}
    written = {name for name in room.outputs() if name.endswith(".html")}
    assert {name.split("/")[0] for name in named} > {"category", "digest", "entries", "sources.html"}
    assert written - named == {"days/2026.html"}
    assert named <= written


def located(room: Newsroom, name: str) -> list[str]:
    locs = etree.fromstring(room.path(name).read_bytes()).iter("{*}loc")
    return [unquote(str(loc.text).removeprefix("https://news.example/")) for loc in locs]


def test_a_new_day_asks_for_the_days_of_its_year_and_those_beside_it_alone(room: Newsroom):
    known = [date(2023, 5, 1), date(2024, 5, 1), date(2024, 12, 31), date(2025, 1, 1), date(2025, 7, 1)]
    stored.note(room.db, dict.fromkeys(known, 1), (), ())
    assert list(stored.around(room.db, [date(2026, 1, 1)])) == known[2:]  # 2025 whole, and the day before it
    assert list(stored.around(room.db, [date(2024, 12, 31)])) == known
    assert list(stored.around(room.db, [date(2020, 1, 1)])) == known[:2]
    assert stored.around(room.db, [date(2024, 5, 1)])[date(2024, 12, 31)] == 1


def test_going_private_takes_the_days_away(room: Newsroom):
    room.feed()
    published(room, "1")
    room.settings(visibility="private")
    room.publish()
    assert day_files(room) == set()
    assert len([name for name in room.outputs() if "/days/" in name]) == 2


def test_a_day_counts_its_neighbours_out_of_all_days():
    every = [TUESDAY + timedelta(days=n) for n in range(3)]
    assert linked({every[1]: (LINE,)}, every) == (
        Day(day=every[1], lines=(LINE,), earlier=every[0], later=every[2]),
    )
