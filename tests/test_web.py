"""Every page in a real browser, before validators, and link by link."""

import json
import subprocess
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import quote, unquote, urljoin, urlsplit

import pytest
from lxml import etree, html

from aggregator.serve import Server
from tests.browser import CHROMIUM, Browser
from tests.feedserver import FeedServer
from tests.showroom import OLDER, STORIES, Showroom, watched
from tests.webservers import ask

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]

TOOLS = Path(__file__).parent / "web"
MODULES = TOOLS / "node_modules"
SITE = "https://news.example/"
browsed = pytest.mark.skipif(CHROMIUM is None, reason="chromium is not installed")
checked = pytest.mark.skipif(not MODULES.exists(), reason="cd tests/web && npm ci")


class Shown:
    """A showroom that is served, and the site where its originals lie."""

    def __init__(self, room: Showroom, port: int, originals: FeedServer) -> None:
        self.room, self.port, self.originals = room, port, originals
        self.site = f"http://127.0.0.1:{port}/"
        self.output = room.config.output

    def entry(self, word: str) -> str:
        """Return the path of the page that has this word in its title."""
        [row] = self.room.db.query("SELECT slug FROM publications WHERE title LIKE ?", [f"%{word}%"])
        return f"entries/{row['slug']}.html"

    def kinds(self) -> dict[str, str]:
        """Name one page of each kind."""
        return {
            "index": "", "entry": self.entry("25億ドル"), "untranslated": self.entry("Three Million"),
            "podcast": self.entry("第41回"), "category": f"category/{quote('ai-半導体')}/", "hot": "hot.html",
            "discussed": "discussed.html", "search": f"search?q={quote('半導体')}", "nothing found": "search?q=zzz",
            "sources": "sources.html", "about": "about.html", "subscribe": "subscribe.html",
            "day": "days/2026-11-20-2.html", "year": "days/2026.html", "digests": "digest/index.html",
            "digest": "digest/2026-W47.html", "morning": "morning.html", "status": "status",
        }  # fmt: skip


@pytest.fixture(scope="module")
def shown(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shown]:
    with FeedServer() as originals:
        for number in range(len(STORIES)):
            originals.serve(
                f"/story-{number}", body=b"<!doctype html><title>Original</title>", content_type="text/html"
            )
        originals.serve("/favicon.ico", status=404)
        room = Showroom(tmp_path_factory.mktemp("show"), originals.url("").rstrip("/"))
        room.settings(listen="127.0.0.1:0")
        watched(room.db, datetime.now(UTC))
        with Server(room.config) as server:
            yield Shown(room, server.port, originals)


@pytest.fixture
def browser(tmp_path: Path) -> Iterator[Browser]:
    with Browser(tmp_path / "profile") as browser:
        yield browser


@checked
def test_every_page_is_valid_html(shown: Shown, tmp_path: Path):
    for name, path in shown.kinds().items():  # those too that only the server makes
        (tmp_path / f"{name}.html").write_bytes(ask(shown.port, f"/{path}").body)
    pages = sorted(map(str, (*shown.output.rglob("*.html"), *tmp_path.glob("*.html"))))
    assert len(pages) > OLDER
    command = [
        MODULES / ".bin" / "html-validate",
        "--config",
        TOOLS / "htmlvalidate.json",
        "--formatter",
        "json",
    ]
    with (tmp_path / "found.json").open("wb") as found:  # through a pipe a part of it is lost
        done = subprocess.run([*command, *pages], stdout=found, stderr=subprocess.PIPE, check=False)
    faults = [
        (Path(page["filePath"]).name, fault["line"], fault["ruleId"], fault["message"])
        for page in json.loads((tmp_path / "found.json").read_bytes())
        for fault in page["messages"]
    ]
    assert (faults, done.returncode) == ([], 0), done.stderr


def links(path: Path) -> list[str]:
    """List what a document refers to, as it is written there."""
    if path.suffix == ".html":
        found = html.document_fromstring(path.read_bytes()).xpath("//@href | //@src")
        return [str(link) for link in found]
    if path.suffix in {".xml", ".opml"}:
        tree = etree.fromstring(path.read_bytes())
        return [str(link) for link in tree.xpath("//@href | //@xmlUrl | //@htmlUrl | //@url")]
    feed = json.loads(path.read_bytes())
    return [feed["feed_url"], feed["home_page_url"], feed["icon"], feed["favicon"]]


def test_every_link_within_pages_and_feeds_leads_to_something_that_is_there(shown: Shown):
    missing = []
    documents = [
        path for path in shown.output.rglob("*") if path.suffix in {".html", ".xml", ".json", ".opml"}
    ]
    for path in documents:
        own = urljoin(SITE, quote(str(path.relative_to(shown.output))))
        for link in links(path):
            address, _, fragment = urljoin(own, link).partition("#")
            if not address.startswith(SITE) or urlsplit(address).path == "/search":
                continue
            file = shown.output / unquote(urlsplit(address).path.lstrip("/"))
            file = file / "index.html" if file.is_dir() else file
            if not file.is_file() or (fragment and f'id="{fragment}"' not in file.read_text()):
                missing.append((str(path.relative_to(shown.output)), link))
    assert missing == []
    assert len(documents) > OLDER


@browsed
@checked
@pytest.mark.parametrize("width", [360, 1280])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_nobody_is_kept_from_reading(shown: Shown, browser: Browser, width: int, scheme: str):
    axe = (MODULES / "axe-core" / "axe.min.js").read_text()
    browser.look_like(width, scheme)
    found = {}
    for kind, path in shown.kinds().items():
        browser.open(shown.site + path)
        browser.evaluate(axe + ";null")
        violations = browser.evaluate(
            "axe.run(document, {resultTypes: ['violations']}).then(found => found.violations)"
        )
        found[kind] = [
            (fault["id"], fault["impact"], fault["nodes"][0]["html"])
            for fault in violations
        ]  # fmt: skip
        assert browser.evaluate("document.documentElement.scrollWidth") <= width, kind
    assert {kind: faults for kind, faults in found.items() if faults} == {}
    assert browser.complaints == []


@browsed
def test_a_reader_goes_from_the_front_page_to_an_entry_and_on_to_its_original(shown: Shown, browser: Browser):
    browser.look_like(1280, "light")
    browser.open(shown.site)
    entry = shown.entry("25億ドル")
    browser.click(f'article a[href="{entry}"]')
    assert browser.evaluate("location.href") == shown.site + entry
    assert browser.evaluate("document.querySelector('h1').textContent") == STORIES[0][2]
    original = f"{shown.room.originals}/story-0"
    browser.click(".from a")
    assert browser.evaluate("location.href") == original
    assert shown.originals.paths()[:1] == ["/story-0"]
    own = [url for url in browser.requests if url.startswith(shown.site)]
    assert {*browser.requests} - {*own} <= {original, f"{shown.room.originals}/favicon.ico"}
    assert [line for line in browser.complaints if shown.room.originals not in line] == []


@browsed
@pytest.mark.parametrize(("words", "title"), [("半導体", STORIES[0][2]), ("kernel", STORIES[1][2])])
def test_a_reader_searches(shown: Shown, browser: Browser, words: str, title: str):
    browser.look_like(360, "dark")
    browser.open(shown.site)
    browser.click("a[href='search']")
    browser.type("input[type=search]", words)
    assert unquote(browser.evaluate("location.search")) == f"?q={words}"
    assert title in browser.evaluate(
        "[...document.querySelectorAll('article h2')].map(title => title.innerText)"
    )
    assert only_ours(browser, shown)


@browsed
def test_a_reader_goes_through_a_category_the_days_and_the_sources(shown: Shown, browser: Browser):
    browser.look_like(360, "light")
    browser.open(shown.site)
    browser.click(".categories a")
    assert browser.evaluate("document.querySelector('h1').textContent") == "AI・半導体"
    browser.open(shown.site)
    browser.click(".pager a")
    browser.click(".pages li:nth-child(2) a")
    assert browser.evaluate("document.querySelectorAll('.headlines li').length") == OLDER - 100
    browser.click("footer a[href$='sources.html']")
    browser.click("footer a[href$='about.html#takedown']")
    assert browser.evaluate("location.hash") == "#takedown"
    assert only_ours(browser, shown)


@browsed
def test_a_page_is_dark_where_the_reader_wants_it_dark(shown: Shown, browser: Browser):
    paper = {}
    for scheme in ("light", "dark"):
        browser.look_like(360, scheme)
        browser.open(shown.site)
        paper[scheme] = browser.evaluate("getComputedStyle(document.body).backgroundColor")
    assert paper == {"light": "rgb(251, 250, 247)", "dark": "rgb(23, 24, 27)"}


@browsed
def test_the_first_thing_the_keyboard_reaches_leads_past_the_navigation(shown: Shown, browser: Browser):
    browser.open(shown.site + "about.html")
    browser.press("Tab")
    assert browser.evaluate("document.activeElement.textContent") == "本文へ移動"
    assert browser.evaluate("getComputedStyle(document.activeElement).outlineStyle") == "solid"
    assert browser.evaluate("document.activeElement.getBoundingClientRect().left >= 0")


@browsed
def test_japanese_is_broken_where_phrases_end(shown: Shown, browser: Browser):
    browser.open(shown.site)
    style = "getComputedStyle(document.querySelector('article h3'))"
    assert browser.evaluate(f"[{style}.wordBreak, {style}.lineBreak]") == ["auto-phrase", "strict"]


@browsed
def test_an_opened_feed_shows_the_page_about_feeds(shown: Shown, browser: Browser):
    browser.open(shown.site + "atom.xml")
    assert browser.evaluate("document.querySelector('h1').textContent") == "購読する"
    assert browser.complaints == []


def only_ours(browser: Browser, shown: Shown) -> bool:
    return browser.complaints == [] and all(url.startswith(shown.site) for url in browser.requests)
