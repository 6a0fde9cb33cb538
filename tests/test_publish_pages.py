"""Our pages, as a browser's parser sees them."""

from dataclasses import replace
from datetime import timedelta

import pytest
from lxml import html

from aggregator.model import CommentCount, Document, Related, SourceRef
from aggregator.publish import pages
from aggregator.publish.edition import MARK, compose
from tests.test_publish_edition import T
from tests.test_publish_feeds import BARE, ENTRY, SITE

SHOWN = replace(
    ENTRY,
    page_title="新しい見出し",
    original_title="The <Original>",
    story=(("甲。", "乙。"), ("丙。",)),
    rights="full",
)


def tree(document: Document) -> html.HtmlElement:
    return html.document_fromstring(document.body.decode())


def text(document: Document) -> str:
    return " ".join(tree(document).text_content().split())


def test_the_page_has_time_headline_story_original_and_feedback_in_this_order():
    main = tree(pages.page(SHOWN, SITE)).get_element_by_id("main")
    said = " ".join(main.text_content().split())
    parts = [
        "最終更新 2026年11月24日 13:00", "新しい見出し", "甲。乙。", "丙。", "from The <Original>",
        "“新しい見出し” への12件のフィードバック", "コメント 12件 — 元記事 12",
    ]  # fmt: skip
    places = [said.find(part) for part in parts]
    assert -1 not in places
    assert places == sorted(places)


def test_other_entries_that_tell_the_story_are_linked_in_their_language():
    others = (
        Related(slug="2026/11/aa", title="別の記事", state="translated"),
        Related(slug="2026/11/bb", title=f"{MARK}Another story", state="untranslated"),
    )
    [fact] = tree(pages.page(replace(SHOWN, related=others), SITE)).xpath("//dd[../dt='関連']")
    links = [(link.get("href"), link.text_content(), link[-1].get("lang")) for link in fact.iter("a")]
    assert links == [
        ("../../../entries/2026/11/aa.html", "別の記事", None),
        ("../../../entries/2026/11/bb.html", "未訳 Another story", "en"),
    ]
    assert "関連" not in text(pages.page(SHOWN, SITE))


def test_the_original_is_linked_with_its_language():
    [link] = tree(pages.page(SHOWN, SITE)).xpath("//p[@class='from']/a")
    assert (link.get("href"), link.get("lang"), link.get("hreflang")) == ("https://kw.example/1", "en", "en")


def test_an_excerpt_is_a_quotation_of_the_original():
    page = tree(pages.page(replace(SHOWN, rights="excerpt", story=()), SITE))
    [quote] = page.iter("blockquote")
    assert quote.get("cite") == "https://kw.example/1"
    assert quote.text_content().strip() == "一。二。三。"


def test_times_are_absolute_and_carry_their_offset():
    stamps = [time.get("datetime") for time in tree(pages.page(SHOWN, SITE)).iter("time")]
    assert stamps[0] == "2026-11-24T13:00+09:00"


def test_the_page_says_how_it_was_translated_and_where_it_is_from():
    said = text(pages.page(SHOWN, SITE))
    for part in ("機械翻訳（firefox enja）", "Kernel Weekly", "Ida Voss", "AI chips", "a.mp3"):
        assert part in said


def test_every_source_of_a_story_is_named():
    other = SourceRef(
        feed_title="Beta Wire", site_url=None, permalink="https://b.example/1", feed_url="https://b.example/f"
    )
    page = tree(pages.page(replace(SHOWN, sources=(*SHOWN.sources, other)), SITE))
    assert "https://b.example/1" in [a.get("href") for a in page.iter("a")]


def test_without_a_discussion_there_is_no_feedback_section():
    assert "フィードバック" not in text(pages.page(BARE, SITE))


def test_a_discussion_without_comments_is_still_linked():
    quiet = replace(SHOWN, counts=(CommentCount(source="site", count=0),))
    assert "まだコメントはありません。" in text(pages.page(quiet, SITE))
    assert "数は、まだ分かっていません" in text(pages.page(replace(SHOWN, counts=()), SITE))


def counted(**numbers: int) -> tuple[CommentCount, ...]:
    return tuple(
        CommentCount(source=source, count=count, url=f"https://{source}.example/1")
        for source, count in numbers.items()
    )


def test_one_line_says_how_many_comments_there_are_where_and_leaves_out_where_there_are_none():
    numbers = counted(hatena=41, hackernews=230, lobsters=18, reddit=75, github=0)
    page = tree(pages.page(replace(SHOWN, comments_url=None, counts=numbers), SITE))
    [line] = page.xpath("//p[@class='counts']")
    assert line.text_content() == "コメント 364件 — はてブ 41 / HN 230 / Lobsters 18 / Reddit 75"
    assert [link.get("href") for link in line.iter("a")] == [
        f"https://{source}.example/1" for source in ("hatena", "hackernews", "lobsters", "reddit")
    ]
    assert page.xpath("//a[@class='go']") == []


def test_a_number_without_a_link_is_told_without_one():
    page = tree(pages.page(replace(SHOWN, counts=(CommentCount(source="site", count=3),)), SITE))
    [line] = page.xpath("//p[@class='counts']")
    assert (line.text_content(), list(line)) == ("コメント 3件 — 元記事 3", [])


def test_a_number_that_may_be_more_says_so():
    least = CommentCount(source="site", count=10, at_least=True)
    page = tree(pages.page(replace(SHOWN, counts=(*counted(hackernews=2), least)), SITE))
    [line] = page.xpath("//p[@class='counts']")
    assert line.text_content() == "コメント 12件 — HN 2 / 元記事 10以上"


def test_reactions_stand_among_the_facts_and_in_no_number_of_comments():
    made = CommentCount(source="github-releases", count=31, url="https://github.com/o/r/releases/tag/v2")
    page = tree(pages.page(replace(SHOWN, counts=counted(hackernews=2), reactions=made), SITE))
    [fact] = page.xpath("//dd[contains(., 'リアクション')]")
    assert fact.text_content() == "GitHub のリアクション 31件"
    assert [link.get("href") for link in fact.iter("a")] == ["https://github.com/o/r/releases/tag/v2"]
    assert page.xpath("//p[@class='counts']")[0].text_content() == "コメント 2件 — HN 2"
    assert "リアクション" not in text(pages.page(SHOWN, SITE))


def test_every_thread_that_is_known_is_linked_before_it_has_comments():
    quiet = replace(SHOWN, counts=counted(hackernews=0, lobsters=0))
    links = tree(pages.page(quiet, SITE)).xpath("//a[@class='go']")
    assert [link.text for link in links] == [
        f"{host}.example のディスカッションを読む" for host in ("talk", "hackernews", "lobsters")
    ]
    busy = tree(pages.page(replace(SHOWN, counts=counted(hackernews=2, lobsters=0)), SITE))
    assert [link.get("href") for link in busy.xpath("//a[@class='go']")] == ["https://talk.example/1"]


def rankings() -> list[Document]:
    hottest = compose("hot", "x", (replace(SHOWN, rise=12), replace(SHOWN, page_title="次")))
    return pages.rankings(compose("main", "x", (BARE, SHOWN)), hottest, SITE)


def test_the_hot_page_says_how_fast_each_discussion_rises_and_offers_its_feeds():
    hot, _ = rankings()
    page = tree(hot)
    assert [heading.text_content() for heading in page.xpath("//article/h2")] == ["新しい見出し", "次"]
    assert "2026年11月24日 12:00 コメント 12件（1時間に+12件）" in text(hot)
    assert text(hot).count("1時間に") == 1
    alternates = [link.get("href") for link in page.iter("link") if link.get("rel") == "alternate"]
    assert alternates[3:] == ["hot.xml", "hot.rss.xml", "hot.json"]


def test_the_discussed_page_lists_what_has_comments():
    _, discussed = rankings()
    assert len(tree(discussed).xpath("//article")) == 1
    assert "コメント 12件" in text(discussed)


def test_rankings_without_entries_say_so():
    empty = compose("hot", "x", ())
    hot, discussed = pages.rankings(empty, empty, SITE)
    assert "いまコメントが増えている記事はありません。" in text(hot)
    assert "コメントのある記事は、まだありません。" in text(discussed)


@pytest.mark.parametrize("document", [pages.index(compose("all", "x", ()), SITE), *rankings()])
def test_the_navigation_says_which_page_this_is(document: Document):
    page = tree(document)
    assert [link.get("href") for link in page.xpath("//nav//a[@aria-current='page']")] == [document.path]
    assert page.xpath("//nav//a/@href") == [
        "index.html", "hot.html", "discussed.html", "digest/index.html", "search", "subscribe.html",
        "sources.html", "about.html", "about.html#takedown",
    ]  # fmt: skip
    assert len(page.xpath("//h1")) == 1


def test_an_untranslated_page_marks_its_english_title():
    page = tree(pages.page(replace(SHOWN, state="untranslated"), SITE))
    [heading] = page.iter("h1")
    assert [(span.get("lang"), span.text) for span in heading] == [(None, "未訳"), ("en", "The <Original>")]


@pytest.mark.parametrize(
    ("language", "said"), [("en-GB", "まだありません"), ("de", "英語以外の原文は翻訳しません")]
)
def test_an_untranslated_page_says_whether_there_will_be_a_translation(language: str, said: str):
    shown = text(pages.page(replace(SHOWN, state="untranslated", original_language=language), SITE))
    assert said in shown


@pytest.mark.parametrize("field", ["page_title", "original_title", "model"])
def test_text_from_outside_is_escaped(field: str):
    evil = replace(SHOWN, **{field: "<script>alert(1)</script>\"'"})
    for document in (pages.page(evil, SITE), pages.index(compose("all", "x", (evil,)), SITE)):
        assert [script.get("type") for script in tree(document).iter("script")] in (
            [],
            ["application/ld+json"],
        )
        assert b"<script>alert" not in document.body


@pytest.mark.parametrize(
    "document",
    [pages.page(SHOWN, SITE), pages.index(compose("all", "x", (SHOWN, BARE)), SITE), *rankings()],
)
def test_a_page_asks_nobody_for_anything_and_has_no_inline_code(document: Document):
    page = tree(document)
    assert list(page.iter("img", "iframe", "style", "form")) == []
    assert {script.get("type") for script in page.iter("script")} <= {"application/ld+json"}  # data, not code
    assert [e for e in page.iter() if {"style", "onclick", "onload"} & set(e.attrib)] == []
    assert all("//" not in link.get("href") for link in page.iter("link"))
    assert [m.get("content") for m in page.iter("meta") if m.get("name") == "robots"] == ["noindex"]


@pytest.mark.parametrize(("private", "policies"), [(True, ["no-referrer"]), (False, [])])
def test_only_a_private_page_hides_where_a_click_came_from(private: bool, policies: list[str]):
    page = tree(pages.page(SHOWN, replace(SITE, private=private)))
    assert [m.get("content") for m in page.iter("meta") if m.get("name") == "referrer"] == policies


def test_links_between_pages_are_relative_so_that_they_hold_under_any_address():
    page = tree(pages.page(SHOWN, SITE))
    assert {link.get("href") for link in page.iter("link")} >= {"../../../style.css", "../../../atom.xml"}


def test_the_index_groups_entries_by_day_of_the_zone():
    late, early = (
        T + timedelta(hours=11, minutes=59),
        T - timedelta(hours=12, seconds=1),
    )  # T is noon in Tokyo
    entries = (replace(BARE, first_published_at=late), SHOWN, replace(BARE, first_published_at=early))
    page = tree(pages.index(compose("all", "x", entries), SITE))
    assert [h.text_content() for h in page.iter("h2")][:-1] == [
        "2026年11月24日（火）",
        "2026年11月23日（月）",
    ]
    assert len(page.xpath("//section[@class='day'][1]/article")) == 2


def test_the_index_names_the_feeds_and_how_to_subscribe():
    page = tree(pages.index(compose("all", "x", ()), SITE))
    assert [link.get("href") for link in page.iter("link") if link.get("rel") == "alternate"] == [
        "atom.xml", "rss.xml", "feed.json",
    ]  # fmt: skip
    assert "https://news.example/atom.xml" in page.get_element_by_id("subscribe").text_content()
    assert "まだ記事がありません" in page.text_content()


def test_the_index_says_how_many_wait_for_a_translation():
    assert "2件が翻訳を待っています" in text(pages.index(compose("all", "x", ()), replace(SITE, waiting=2)))
    assert "待っています" not in text(pages.index(compose("all", "x", ()), SITE))


def test_an_index_line_shows_headline_original_two_sentences_feed_and_count():
    [line] = tree(pages.index(compose("all", "x", (SHOWN,)), SITE)).iter("article")
    said = line.text_content()
    for part in ("新しい見出し", "The <Original>", "一。二。", "Kernel Weekly", "12:00", "コメント 12件"):
        assert part in said
    assert "三。" not in said


def test_a_new_template_is_another_form():
    assert len(pages.form()) == 64


def test_the_page_about_feeds_holds_under_every_feeds_address():
    site = replace(SITE, base_url="https://news.example/news/token/", private=True, viewpoints=True)
    page = tree(pages.subscribe(site))
    assert all(link.startswith(("/news/token/", "#main")) for link in page.xpath("//@href"))
    assert len(page.xpath("//h1")) == 1


def test_the_page_about_feeds_names_each_feed_by_its_full_address():
    category = replace(compose("category", "ニュース(AI)", ()), path="category/ai/")
    parts = (compose("titles", "x", ()), category)
    page = tree(pages.subscribe(replace(SITE, viewpoints=True), parts))
    assert page.xpath("//dl[@class='feeds']//a/text()") == [
        f"https://news.example/{name}" for name in (
            "atom.xml", "rss.xml", "feed.json", "hot.xml", "hot.rss.xml", "hot.json",
            "titles.xml", "titles.rss.xml", "titles.json", "viewpoints.xml",
            "all.xml", "all.rss.xml", "all.json",
            "category/ai/atom.xml", "category/ai/rss.xml", "category/ai/feed.json",
        )
    ]  # fmt: skip
    assert "viewpoints.xml" not in pages.subscribe(SITE).body.decode()
