"""Stage page: sites' signals first, then pages, over a loopback server; what the store holds after it."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlite_utils import Database

from aggregator import deny_list, why
from aggregator.config import Config
from aggregator.deny_list import Denial
from aggregator.enrich.stage import ARTICLE, PAGE, SUMMARY
from aggregator.executors import open_workers
from aggregator.model import FeedSettings, Subscription
from aggregator.pipeline import run_stage
from aggregator.poll.stage import STAGE as POLL
from aggregator.store import articles, denials, feeds, open_store, pages
from tests.conftest import Aggregator
from tests.feedserver import Answer, FeedServer

NOW = datetime(2026, 11, 24, 6, 0, tzinfo=UTC)
BODY = [
    f"Paragraph {n} of the report says what the router makers at Acme did next and why it took them {n} years."
    for n in range(2, 14)
]
HTML = (
    "<html><head><title>Acme ships a router</title>{meta}</head><body><nav><a href='/'>Home</a></nav><article>"
    "<h1>Acme ships a router</h1>"
    + "".join(f"<p>{text}</p>" for text in BODY)
    + "</article><footer>Imprint</footer></body></html>"
)
TEASER = "Acme has shipped its first router, it said on Tuesday. More on the page …"
SITE_FILES = ["/robots.txt", "/.well-known/tdmrep.json", "/ai.txt"]


def rss(server: FeedServer, text: str = TEASER, path: str = "/story") -> bytes:
    return f"""<rss version="2.0"><channel><title>Wire</title><item><title>Acme ships a router</title>
    <guid>1</guid><link>{server.url(path)}</link><description>{text}</description></item></channel></rss>""".encode()


class Desk:
    """A store, a clock and the stages up to the summary."""

    def __init__(self, folder: Path, server: FeedServer) -> None:
        self.server, self.now = server, NOW
        self.db: Database = open_store(folder / "store.sqlite")
        self.config = Config(
            allow_private_hosts=True, host_spacing=timedelta(), store=folder / "store.sqlite"
        )

    def list(self, url: str, **settings: Any) -> None:
        with self.db.atomic():
            feeds.sync(self.db, [Subscription(url=url, settings=FeedSettings(**settings))], self.now)

    def run(self) -> None:
        for stage in (POLL, ARTICLE, PAGE, SUMMARY):
            report = run_stage(stage, self.db, self.config, open_workers("inline:"), lambda: self.now)
            assert report.crashes == 0

    def one(self, table: str) -> dict[str, Any]:
        [row] = self.db.query(f"SELECT * FROM {table}")
        return row

    def said(self) -> dict[str, str]:
        return {name.strip(): text for name, text in why.lines(why.collect(self.db, "1"), self.now)}


@pytest.fixture
def server() -> Iterator[FeedServer]:
    with FeedServer(hosts=2) as running:
        running.serve("/story", HTML.format(meta="").encode(), content_type="text/html; charset=utf-8")
        yield running


@pytest.fixture
def desk(tmp_path: Path, server: FeedServer) -> Iterator[Desk]:
    made = Desk(tmp_path, server)
    yield made
    made.db.close()


def subscribe(desk: Desk, text: str = TEASER, path: str = "/story", **settings: Any) -> None:
    desk.list(desk.server.serve("/feed", rss(desk.server, text, path)), **settings)


def test_a_teasers_page_is_fetched_after_its_sites_files_and_its_text_wins(desk: Desk, server: FeedServer):
    subscribe(desk)
    desk.run()
    assert server.paths() == ["/feed", *SITE_FILES, "/story"]
    assert "aggregator/" in server.asked("/story")[0].headers["user-agent"]
    article = desk.one("articles")
    assert article["origin"] == "page"
    assert article["text"].split("\n\n")[-12:] == BODY
    assert desk.one("summaries")["text"].split("\n")[0] == BODY[0]


def test_the_number_of_a_page_of_wordpress_is_kept_also_where_it_has_no_text(desk: Desk, server: FeedServer):
    head = "<link rel='https://api.w.org/' href='/wp-json/'><link rel='shortlink' href='/?p=7'>"
    server.serve("/story", f"<html><head>{head}</head><body><p>Subscribe.</p></body></html>".encode())
    subscribe(desk)
    desk.run()
    kept = desk.one("pages")
    assert kept["shortlink"] == f"https://{server.url('/?p=7').removeprefix('http://')}"
    assert kept["failure"] is not None
    server.serve("/feed", rss(server, "Acme has shipped two routers …"))
    server.serve("/story", b"<html><body><p>Subscribe.</p></body></html>")
    desk.now += timedelta(hours=2)
    desk.run()
    assert len(server.asked("/story")) == 2
    assert desk.one("pages")["shortlink"] == kept["shortlink"]


def test_a_page_is_fetched_once_for_each_revision_of_its_entry(desk: Desk, server: FeedServer):
    subscribe(desk)
    desk.run()
    desk.run()
    assert len(server.asked("/story")) == 1
    server.serve("/feed", rss(server, "Acme has shipped two routers …"))
    desk.now += timedelta(hours=2)
    desk.run()
    assert len(server.asked("/story")) == 2
    assert len(server.asked("/robots.txt")) == 1, "the site's files are kept for a day"


def test_a_whole_text_in_the_feed_needs_no_page_but_its_sites_signals(desk: Desk, server: FeedServer):
    subscribe(desk, " ".join(BODY))
    desk.run()
    assert server.paths() == ["/feed", *SITE_FILES]
    assert desk.one("articles")["origin"] == "feed"
    assert desk.one("summaries")["text"] != ""


@pytest.mark.parametrize(
    ("settings", "text", "fetched"),
    [
        ({"extract": "feed"}, TEASER, 0),
        ({"extract": "page"}, " ".join(BODY), 1),
        ({"rights": "titles"}, TEASER, 0),
    ],
)
def test_extract_and_rights_say_whether_a_page_is_fetched(
    desk: Desk, server: FeedServer, settings: dict[str, Any], text: str, fetched: int
):
    subscribe(desk, text, **settings)
    desk.run()
    assert len(server.asked("/story")) == fetched


def test_the_longer_text_wins(desk: Desk, server: FeedServer):
    subscribe(desk, " ".join([*BODY, *BODY]), extract="page")
    desk.run()
    assert len(server.asked("/story")) == 1
    assert desk.one("articles")["origin"] == "feed"


def test_a_page_that_robots_txt_disallows_is_not_fetched_and_the_feeds_text_stays(
    desk: Desk, server: FeedServer
):
    server.serve("/robots.txt", b"User-agent: *\nDisallow: /sto\n")
    subscribe(desk)
    desk.run()
    assert server.asked("/story") == []
    assert desk.one("articles")["origin"] == "feed"
    assert desk.one("summaries")["text"].startswith("Acme has shipped")
    assert desk.said()["pages"] == "1 without text: robots.txt disallows the page"


@pytest.mark.parametrize("status", [500, 503, 429])
def test_where_robots_txt_cannot_be_read_no_page_is_fetched_until_it_can(
    desk: Desk, server: FeedServer, status: int
):
    server.script("/robots.txt", Answer(status=status), Answer(body=b""))
    subscribe(desk)
    desk.run()
    assert server.asked("/story") == []
    assert desk.one("summaries")["text"].startswith("Acme has shipped")
    desk.now += timedelta(minutes=16)
    desk.run()
    assert len(server.asked("/story")) == 1
    assert desk.one("articles")["origin"] == "page"


def test_a_page_that_fails_backs_off_and_is_given_up_after_the_fourth_time(desk: Desk, server: FeedServer):
    server.script("/story", Answer(status=500))
    subscribe(desk)
    for wait in (timedelta(), *pages.BACKOFF, timedelta(days=1), timedelta(days=1)):
        desk.now += wait
        desk.run()
    assert len(server.asked("/story")) == 4
    assert desk.one("pages")["due_at"] is None
    assert desk.one("articles")["origin"] == "feed"


def test_a_page_that_is_gone_is_not_asked_for_again(desk: Desk, server: FeedServer):
    server.script("/story", Answer(status=410))
    subscribe(desk)
    desk.run()
    assert desk.one("pages")["due_at"] is None


LOWERING = [
    ("/robots.txt", Answer(body=b"User-agent: *\nContent-Signal: search=yes, ai-input=no\n"), "ai-input=no"),
    ("/robots.txt", Answer(body=b"Content-Signal: search=no\nUser-agent: *\nAllow: /\n"), "search=no"),
    ("/.well-known/tdmrep.json", Answer(body=b'[{"location": "/*", "tdm-reservation": 1}]'), "tdmrep.json"),
    ("/ai.txt", Answer(body=b"User-Agent: *\nDisallow: *.html\n"), "ai.txt"),
]


@pytest.mark.parametrize(("path", "answer", "named"), LOWERING)
@pytest.mark.parametrize("text", [TEASER, " ".join(BODY)])
def test_a_sites_signal_lowers_an_entry_to_its_title_before_page_and_engine(
    desk: Desk, server: FeedServer, path: str, answer: Answer, named: str, text: str
):
    server.script(path, answer)
    subscribe(desk, text)
    desk.run()
    assert server.asked("/story") == []
    assert desk.one("summaries")["text"] == ""
    assert named in desk.said()["opt-out"]
    assert "titles, 1 of its entries" in desk.said()["opt-out"]


@pytest.mark.parametrize(
    ("headers", "meta"),
    [
        ({"X-Robots-Tag": "noai"}, ""),
        ({"X-Robots-Tag": "googlebot: noindex, aggregator: nosnippet"}, ""),
        ({"tdm-reservation": "1"}, ""),
        ({}, '<meta name="robots" content="index, max-snippet:50">'),
        ({}, "<META content='1' NAME='tdm-reservation'>"),
    ],
)
def test_a_pages_own_signal_lowers_its_entry_to_its_title(
    desk: Desk, server: FeedServer, headers: dict[str, str], meta: str
):
    server.serve("/story", HTML.format(meta=meta).encode(), headers=headers, content_type="text/html")
    subscribe(desk)
    desk.run()
    assert desk.one("articles")["origin"] == "feed"
    assert desk.one("summaries")["text"] == ""
    assert desk.one("pages")["effect"] == "titles"


def test_a_robots_txt_that_names_us_stops_the_entry(desk: Desk, server: FeedServer):
    server.serve("/robots.txt", b"User-agent: Aggregator\nDisallow: /\n\nUser-agent: *\nAllow: /\n")
    subscribe(desk)
    desk.run()
    assert desk.one("entries")["excluded"] == "opt-out: robots.txt disallows it to aggregator"
    assert list(desk.db.query("SELECT * FROM summaries")) == []
    assert "stop, 1 of its entries" in desk.said()["opt-out"]


def test_a_rights_note_loosens_signals_but_never_robots_txt(desk: Desk, server: FeedServer):
    server.serve("/robots.txt", b"User-agent: *\nContent-Signal: ai-input=no\nDisallow: /story\n")
    subscribe(desk, rights_note="agreed with the publisher on 3 November")
    desk.run()
    assert server.asked("/story") == []
    assert desk.one("summaries")["text"] != ""
    server.serve("/robots.txt", b"User-agent: *\nContent-Signal: ai-input=no\n")
    server.serve("/feed", rss(server, "Another teaser …"))
    desk.now += timedelta(days=2)
    desk.run()
    assert desk.one("articles")["origin"] == "page"


def test_a_redirect_to_another_site_asks_that_sites_robots_txt(desk: Desk, server: FeedServer):
    server.script("/go", Answer(status=302, headers={"Location": server.url("/story", host=2)}))
    server.script("/robots.txt", Answer(body=b""), Answer(body=b"User-agent: *\nDisallow: /story\n"))
    subscribe(desk, path="/go")
    desk.run()
    assert [request.host for request in server.asked("/robots.txt")] == ["127.0.0.1", "127.0.0.2"]
    assert desk.one("articles")["origin"] == "feed"


@pytest.mark.parametrize("where", ["urls", "hosts"])
def test_a_redirect_to_what_was_taken_down_brings_none_of_its_text_and_stops_the_entry(
    desk: Desk, server: FeedServer, where: str
):
    server.serve("/feed", rss(server, path="/short"))
    there = server.url("/taken-down", 2)
    server.serve("/short", status=302, headers={"Location": there})
    server.serve("/taken-down", HTML.format(meta="").encode(), content_type="text/html")
    denied = {"urls": (there.replace("http:", "https:"),), "hosts": ("127.0.0.2",)}[where]
    listed = deny_list.of([Denial(target=there, denied_at=NOW, reason="asked", **{where: denied})])
    with desk.db.atomic():
        denials.take_up(desk.db, listed)
    desk.list(server.url("/feed"), rights="full")
    desk.run()
    assert len(server.asked("/taken-down")) == 1
    assert desk.one("entries")["excluded"] == "leads to what was taken down"
    assert "router makers" not in desk.one("articles")["text"]


def test_a_crawl_delay_spaces_a_sites_pages(desk: Desk, server: FeedServer):
    server.serve("/robots.txt", b"User-agent: *\nCrawl-delay: 30\n")
    subscribe(desk)
    desk.run()
    assert desk.one("hosts")["next_fetch_at"] == "2026-11-24T06:00:30Z"
    server.serve("/feed", rss(server, "Another teaser …"))
    desk.db.execute("UPDATE feeds SET next_poll_at = '2026-11-24T06:00:01Z'")
    desk.now += timedelta(seconds=2)
    desk.run()
    assert len(server.asked("/story")) == 1, "28 s are left"
    desk.now += timedelta(seconds=29)
    desk.run()
    assert len(server.asked("/story")) == 2


def test_a_text_waits_an_hour_for_the_first_look_at_its_page_and_no_longer(desk: Desk):
    subscribe(desk)
    for stage in (POLL, ARTICLE):
        run_stage(stage, desk.db, desk.config, open_workers("inline:"), lambda: NOW)
    assert articles.count_stale_summaries(desk.db, NOW + timedelta(minutes=59)) == 0
    assert articles.count_stale_summaries(desk.db, NOW + timedelta(minutes=61)) == 1


def test_a_crash_puts_the_visit_off(desk: Desk):
    subscribe(desk)
    for stage in (POLL, ARTICLE):
        run_stage(stage, desk.db, desk.config, open_workers("inline:"), lambda: NOW)
    [job] = PAGE.pending(desk.db, desk.config, NOW)
    with desk.db.atomic():
        PAGE.postpone(desk.db, desk.config, job, "MemoryError: ", NOW)
    assert desk.one("pages")["due_at"] == "2026-11-24T06:15:00Z"
    assert desk.one("pages")["failure"] == "crash: MemoryError: "


def test_a_page_reaches_the_published_feed_and_why_names_a_signal(
    aggregator: Aggregator, environment: dict[str, str], tmp_path: Path, server: FeedServer
):
    sentences = [
        f"{n}番目の文は、新しいルーターがどのように作られたかを詳しく説明している。" for n in range(1, 13)
    ]
    page = f"<html><head><title>新型ルーター</title></head><body><article><p>{'</p><p>'.join(sentences)}</p></article></body></html>"
    server.serve("/story", page.encode(), content_type="text/html; charset=utf-8")
    body = rss(server, "新しいルーターが出た …").replace(b"<title>Wire</title>", b"<language>ja</language>")
    outline = f'<outline text="Wire" xmlUrl="{server.serve("/feed", body)}"/>'
    Path(environment["AGGREGATOR_OPML"]).write_text(f'<opml version="2.0"><body>{outline}</body></opml>')
    done = aggregator("once", AGGREGATOR_EXTRACT="auto")
    assert done.returncode == 0, done.stderr
    assert sentences[0] in (tmp_path / "output" / "atom.xml").read_text(encoding="utf-8")
    server.serve("/robots.txt", b"User-agent: *\nContent-Signal: ai-input=no\n")
    server.serve("/feed", body.replace(b"<guid>1<", b"<guid>2<").replace(b"/story", b"/other"))
    later = {"AGGREGATOR_EXTRACT": "auto", "AGGREGATOR_NOW": "2026-11-25T07:00:00Z"}
    assert aggregator("once", **later).returncode == 0
    said = aggregator("why", "Wire", **later).stdout
    assert "robots.txt: Content-Signal ai-input=no: titles, 1 of its entries" in said
