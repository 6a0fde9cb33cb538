"""The operator's desk in a real browser: the way through it, before validators, in light and dark, small and wide."""

import json
import os
import subprocess
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from aggregator import opml
from aggregator.config import Config
from aggregator.serve import Server
from tests import operating
from tests.browser import CHROMIUM, Browser
from tests.feedserver import FeedServer
from tests.operating import TOKEN, Operator
from tests.showroom import Showroom
from tests.test_serve_desk import write_list
from tests.test_subscribe import PAGE, RSS
from tests.test_web import MODULES, TOOLS

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]
browsed = pytest.mark.skipif(CHROMIUM is None, reason="chromium is not installed")
checked = pytest.mark.skipif(not MODULES.exists(), reason="cd tests/web && npm ci")


class Desk:
    """A served desk with feeds, entries, failures and a glossary to look at."""

    def __init__(self, config: Config, port: int, site: FeedServer) -> None:
        self.config, self.port, self.site = config, port, site
        self.root = f"http://127.0.0.1:{port}/operator/"

    def pages(self, operator: Operator) -> dict[str, str]:
        """Name one page of each kind, by its path."""
        looked = operator.post("add", {"key": operator.key(), "url": self.site.url("/")})
        return {
            "feeds": "", "none": "?q=zzz", "feed": "feeds/1", "failing": "feeds/9", "remove": "feeds/1/remove",
            "add": "add", "found": looked.headers["Location"], "entries": "entries", "entry": "entries/121",
            "retranslate": "entries/121/retranslate", "glossary": "glossary", "term": "glossary?term=chip",
            "failures": "failures", "said": "feeds/4711",
        }  # fmt: skip


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    tmp_path = tmp_path_factory.mktemp("desk")
    config = operating.settings(tmp_path, glossary=tmp_path / "own.tsv")
    config.glossary.write_text("chip\t半導体|チップ\tnot food\n", encoding="utf-8")
    with FeedServer() as site:
        site.serve("/feed.xml", RSS)
        site.serve("/", PAGE, content_type="text/html")
        room = Showroom(tmp_path, site.url("").rstrip("/"))
        room.db.execute("UPDATE feeds SET failure = 'BadStatus: 503 Service Unavailable' WHERE failures > 0")
        row = {"entry_id": 3, "language": "ja", "failure": "title: no Japanese letter", "attempts": 2}
        room.db.table("translations").upsert(row, pk=("entry_id", "language"))
        poll = {"feed_id": 1, "polled_at": "2026-11-24T02:00:00Z", "outcome": "failed", "detail": "timed out"}
        room.db.table("polls").insert(poll)
        room.db.close()
        write_list(tmp_path)
        config = replace(config, engine="openai", openai_url="http://127.0.0.1:1/v1", openai_model="m")
        with Server(config) as server:
            yield Desk(config, server.port, site)


@pytest.fixture
def browser(tmp_path: Path) -> Iterator[Browser]:
    with Browser(tmp_path / "profile") as browser:
        yield browser


def come_in(browser: Browser, desk: Desk) -> None:
    browser.open(desk.root)
    browser.type("#token", TOKEN)


@checked
def test_every_page_of_the_desk_is_valid_html(desk: Desk, tmp_path: Path):
    operator, shown = Operator(desk.port), tmp_path / "shown"
    shown.mkdir()
    (shown / "door.html").write_bytes(operator.send("GET", "").body)
    (shown / "wrong.html").write_bytes(operator.log_in("wrong").body)
    operator.log_in()
    for name, path in desk.pages(operator).items():
        (shown / f"{name}.html").write_bytes(operator.send("GET", path).body)
    command = [
        MODULES / ".bin" / "html-validate",
        "--config",
        TOOLS / "htmlvalidate.json",
        "--formatter",
        "json",
    ]
    with (tmp_path / "found.json").open("wb") as found:
        done = subprocess.run([*command, *sorted(shown.iterdir())], stdout=found, check=False)
    faults = [
        (Path(page["filePath"]).name, fault["line"], fault["ruleId"], fault["message"])
        for page in json.loads((tmp_path / "found.json").read_bytes())
        for fault in page["messages"]
    ]
    assert (faults, done.returncode) == ([], 0)


@browsed
@checked
@pytest.mark.parametrize(("width", "scheme"), [(360, "light"), (1280, "dark")])
def test_nobody_is_kept_from_working(desk: Desk, browser: Browser, width: int, scheme: str):
    axe, found = (MODULES / "axe-core" / "axe.min.js").read_text(), {}
    operator = Operator(desk.port)
    operator.log_in()
    browser.look_like(width, scheme)
    pages = {"door": ""} | desk.pages(operator)
    for kind, path in pages.items():
        browser.open(desk.root + path)
        browser.evaluate(axe + ";null")
        violations = browser.evaluate(
            "axe.run(document, {resultTypes: ['violations']}).then(found => found.violations)"
        )
        found[kind] = [(fault["id"], fault["nodes"][0]["html"]) for fault in violations]
        assert browser.evaluate("document.documentElement.scrollWidth") <= width, kind
        if os.environ.get("DESK_PICTURES"):
            browser.picture(Path(os.environ["DESK_PICTURES"]) / f"{kind}-{width}-{scheme}.png")
        if kind == "door":
            come_in(browser, desk)
    assert {kind: faults for kind, faults in found.items() if faults} == {}
    own = ("401", "400")  # the door, and what is not there: the browser says of each that it is none
    assert [line for line in browser.complaints if not any(code in line for code in own)] == []
    assert all(url.startswith(desk.root) for url in browser.requests)


@browsed
def test_an_operator_goes_from_the_door_to_a_feed_and_out_again(desk: Desk, browser: Browser):
    browser.look_like(360, "light")
    come_in(browser, desk)
    assert browser.evaluate("document.querySelector('h1').textContent") == "フィード"
    browser.click("main a[href='add']")
    browser.type("#url", desk.site.url("/"))
    assert browser.evaluate("document.querySelector('h1').textContent") == "Bolt Weekly"
    browser.type("#category", "ハードウェア")
    note = "document.querySelector('[role=status]').textContent"
    assert browser.evaluate(note) == "「Bolt Weekly」を購読しました（記事1件）。"
    listed = {each.title: each.category for each in opml.parse(desk.config.opml.read_bytes())}
    assert listed["Bolt Weekly"] == "ハードウェア"
    browser.open(desk.root + "?q=bolt")
    browser.click(".rows a")
    browser.click("form[action$='/pause'] button")
    assert browser.evaluate(note) == "取得を停止しました。"
    browser.click("form[action$='/resume'] button")
    assert browser.evaluate(note) == "取得を再開しました。"
    browser.click(".actions a")
    browser.click("form[action='remove'] button")
    assert browser.evaluate(note) == "「Bolt Weekly」を一覧から外しました。記事は残ります。"
    browser.click("form[action$='log-out'] button")
    assert browser.evaluate("document.querySelector('h1').textContent") == "ログイン"
    browser.open(desk.root + "feeds/1")
    assert browser.evaluate("document.querySelector('h1').textContent") == "ログイン"
    assert [line for line in browser.complaints if "401" not in line] == []


@browsed
def test_a_form_on_another_site_does_nothing_in_a_browser_that_is_logged_in(
    desk: Desk, browser: Browser, tmp_path: Path
):
    come_in(browser, desk)
    form = f'<!doctype html><title>x</title><form method="post" action="{desk.root}feeds/1/pause"><button>x</button></form>'
    with FeedServer(hosts=2) as evil:
        evil.serve("/", form.encode(), content_type="text/html")
        before = desk.config.opml.read_bytes()
        browser.open(evil.url("/", host=1))
        browser.click("button")
    assert desk.config.opml.read_bytes() == before
