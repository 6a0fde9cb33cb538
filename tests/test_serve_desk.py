"""The operator's desk over real HTTP: who gets in, and what may be done there."""

import re
import socket
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from urllib.parse import quote

import pytest

from aggregator import fate, operator_token, opml
from aggregator.config import Config
from aggregator.lock import instance_lock
from aggregator.serve import Server
from aggregator.serve.desk import adding, visits
from aggregator.serve.sessions import TRIES
from aggregator.store import feeds, open_store
from tests import operating, webservers
from tests.feedserver import FeedServer
from tests.operating import TOKEN, Operator
from tests.publishing import Newsroom
from tests.test_subscribe import PAGE, RSS
from tests.webservers import NGINX

EVIL = "<script>alert(1)</script>\"'><img src=x onerror=alert(2)>"


@pytest.fixture(autouse=True)
def _nothing_set(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(operator_token.VARIABLE, raising=False)


@pytest.fixture
def config(tmp_path: Path) -> Config:
    return operating.settings(tmp_path, glossary=tmp_path / "own.tsv")


@pytest.fixture
def stranger(config: Config) -> Iterator[Operator]:
    with Server(config) as server:
        yield Operator(server.port)


@pytest.fixture
def operator(stranger: Operator) -> Operator:
    assert stranger.log_in().status == 303
    return stranger


@pytest.fixture
def site() -> Iterator[FeedServer]:
    with FeedServer() as server:
        server.serve("/feed.xml", RSS, etag='"1"')
        server.serve("/", PAGE, content_type="text/html")
        yield server


PAGES = ("", "feeds/1", "feeds/1/remove", "add", "add/abc", "entries", "entries/1", "glossary", "failures")
FORMS = (
    "feeds/1/pause", "feeds/1/resume", "feeds/1/retry", "feeds/1/category", "feeds/1/remove", "add", "add/abc",
    "entries/1/retranslate", "glossary", "glossary/remove",
)  # fmt: skip


# --- who gets in --------------------------------------------------------------------------------------------


def test_without_a_token_set_there_is_no_desk(config: Config):
    with Server(replace(config, operator_token_file=Path())) as server:
        stranger = Operator(server.port)
        assert [stranger.send("GET", path).status for path in PAGES] == [404] * len(PAGES)
        assert stranger.log_in().status == 405


@pytest.mark.parametrize("path", PAGES)
def test_a_page_is_shown_to_nobody_without_the_token(stranger: Operator, path: str):
    answer = stranger.send("GET", path)
    assert (answer.status, answer.headers["WWW-Authenticate"]) == (401, "Bearer")
    assert "Set-Cookie" not in answer.headers
    assert answer.headers["Cache-Control"] == "no-store"


@pytest.mark.parametrize("path", FORMS)
def test_a_form_is_taken_from_nobody_without_the_token(stranger: Operator, path: str):
    assert stranger.post(path, {"key": "x"}).status == 401


def test_every_answer_keeps_out_of_caches_frames_indexes_and_other_sites(operator: Operator):
    for answer in (operator.send("GET", ""), operator.send("GET", "feeds/7"), operator.log_in("wrong")):
        assert answer.headers["Cache-Control"] == "no-store"
        assert answer.headers["Referrer-Policy"] == "same-origin"
        assert answer.headers["X-Robots-Tag"] == "noindex, nofollow"
        policy = answer.headers["Content-Security-Policy"]
        assert "default-src 'none'" in policy
        assert "form-action 'self'" in policy
        assert "frame-ancestors 'none'" in policy


def test_a_cookie_is_for_this_host_and_no_script(stranger: Operator):
    secret = stranger.log_in(Origin="https://news.example", Host="news.example").headers["Set-Cookie"]
    assert re.fullmatch(r"__Host-operator=[\w-]{43}; HttpOnly; Path=/; SameSite=Strict; Secure", secret)
    here = Operator(stranger.port).log_in().headers["Set-Cookie"]
    assert re.fullmatch(r"operator=[\w-]{43}; HttpOnly; Path=/; SameSite=Strict", here)


def test_the_token_itself_stands_in_no_answer_and_no_log(
    stranger: Operator, caplog: pytest.LogCaptureFixture
):
    caplog.set_level("DEBUG")
    inside = stranger.log_in()
    stranger.log_in("wrong-" * 5)
    pages = [stranger.send("GET", path).body.decode() for path in ("", "add", "failures")]
    assert TOKEN not in "".join([*map(str, inside.headers.values()), *pages, caplog.text])
    assert "wrong-" not in caplog.text
    assert "operator_logged_in from=127.0.0.1" in caplog.text
    assert "operator_refused from=127.0.0.1" in caplog.text


def test_wrong_tokens_are_refused_and_then_have_to_wait(stranger: Operator):
    guesses = ("", "x" * 40, f"{TOKEN}x", TOKEN[:-1], "トークン")
    assert [stranger.log_in(guess).status for guess in guesses] == [401] * (TRIES - 1) + [429]
    late = stranger.log_in()
    assert (late.status, 0 < int(late.headers["Retry-After"]) <= 600) == (429, True)
    bearer = stranger.send("GET", "", Authorization=f"Bearer {TOKEN}")
    assert bearer.status == 429


def test_a_script_needs_no_log_in(stranger: Operator, site: FeedServer, config: Config):
    bearer = {"Authorization": f"Bearer {TOKEN}"}
    assert stranger.send("GET", "failures", **bearer).status == 200
    done = stranger.post("add", {"url": site.url("/feed.xml")}, Origin="", **bearer)
    kept = stranger.post(done.body.decode().strip(), {"category": "News"}, **bearer)
    assert kept.status == 200, kept.body.decode()
    assert [each.category for each in opml.parse(config.opml.read_bytes())] == ["News"]
    wrong = stranger.post("feeds/1/pause", {}, Authorization=f"Bearer {TOKEN}x")
    assert wrong.status == 401


# --- other sites, other ways in -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
        {"Origin": ""},
        {"Origin": "https://news.example.evil.example"},
        {"Sec_Fetch_Site": "cross-site"},
        {"Sec_Fetch_Site": "same-site"},
        {"Origin": "https://evil.example", "Host": "news.example", "X_Forwarded_Host": "evil.example"},
    ],
)
def test_a_form_of_another_site_changes_nothing(
    operator: Operator, headers: dict[str, str], config: Config, site: FeedServer
):
    added(operator, site)
    before = config.opml.read_bytes()
    refused = operator.post("feeds/1/pause", {"key": operator.key()}, **headers)
    assert (refused.status, config.opml.read_bytes()) == (403, before)
    assert operator.log_in(**headers).status == 403
    assert "Set-Cookie" not in operator.post("log-out", {}, **headers).headers
    operator.see()


@pytest.mark.parametrize("key", ["", "x", "キー", "\udcff"])
def test_a_form_without_its_sessions_key_changes_nothing(operator: Operator, key: str):
    fields = {"key": key.encode("utf-8", "surrogateescape").decode("latin-1"), "url": "http://x.example/"}
    assert operator.post("add", fields).status == 403


def test_the_key_of_another_session_is_none(operator: Operator):
    other = Operator(operator.port)
    other.log_in()
    assert operator.post("add", {"key": other.key(), "url": "x"}).status == 403


def test_a_session_that_was_chosen_for_the_operator_is_never_used(stranger: Operator):
    stranger.cookies["operator"] = "chosen-by-somebody-else-0123456789abcdefghi"
    assert stranger.send("GET", "").status == 401
    assert stranger.log_in().status == 303
    assert stranger.cookies["operator"] != "chosen-by-somebody-else-0123456789abcdefghi"
    again = Operator(stranger.port, cookies={"operator": "chosen-by-somebody-else-0123456789abcdefghi"})
    assert again.send("GET", "").status == 401


def test_after_the_log_out_a_kept_cookie_is_worth_nothing(operator: Operator):
    kept = dict(operator.cookies)
    assert operator.post("log-out", {}).status == 303
    assert operator.cookies == {}
    assert Operator(operator.port, cookies=kept).send("GET", "").status == 401


def test_another_token_ends_every_session(operator: Operator, config: Config):
    operator.see()
    operator_token.make(config, anew=True)
    assert operator.send("GET", "").status == 401
    assert operator.log_in().status == 401


def test_a_token_that_everybody_may_read_by_now_lets_nobody_in(operator: Operator, config: Config):
    config.operator_token_file.chmod(0o644)
    assert operator.send("GET", "").status == 401
    assert operator.log_in().status == 401


def test_over_plain_http_through_a_proxy_nobody_logs_in(stranger: Operator):
    stranger.headers = {"X-Forwarded-For": "203.0.113.7", "X-Forwarded-Proto": "http"}
    answer = stranger.log_in()
    assert (answer.status, "Set-Cookie" in answer.headers) == (403, False)
    assert "X-Forwarded-Proto" in answer.body.decode()
    assert stranger.send("GET", "", Authorization=f"Bearer {TOKEN}").status == 403
    stranger.headers["X-Forwarded-Proto"] = "https"
    assert stranger.log_in(Origin="https://news.example").status == 303
    assert stranger.send("GET", "").status == 200


def test_a_session_of_this_machine_is_none_over_plain_http_from_elsewhere(operator: Operator):
    assert operator.send("GET", "", X_Forwarded_For="203.0.113.7").status == 403


def test_guesses_count_for_whoever_the_proxy_names_and_nobody_else(stranger: Operator):
    stranger.headers = {"X-Forwarded-Proto": "https", "X-Forwarded-For": "127.0.0.1, 203.0.113.7"}
    for _ in range(TRIES):
        stranger.log_in("wrong" * 8, Origin="https://news.example")
    assert stranger.log_in(Origin="https://news.example").status == 429
    stranger.headers["X-Forwarded-For"] = "203.0.113.7, 198.51.100.1"
    assert stranger.log_in(Origin="https://news.example").status == 303


def test_no_address_in_a_request_leads_anywhere_else(stranger: Operator):
    for path in ("?next=https://evil.example/", "//evil.example", "log-in?next=//evil.example"):
        assert stranger.send("GET", path).headers.get("Location") is None
    inside = stranger.post("log-in", {"token": TOKEN, "next": "https://evil.example/"})
    assert inside.headers["Location"] == "./"
    with socket.create_connection(("127.0.0.1", stranger.port), timeout=10) as line:
        line.sendall(b"GET /operator HTTP/1.1\r\nHost: evil.example\r\nConnection: close\r\n\r\n")
        head = line.makefile("rb").read().decode()
    assert "\r\nLocation: ./operator/\r\n" in head


# --- bodies -------------------------------------------------------------------------------------------------


def _raw(port: int, head: str, body: bytes) -> int:
    with socket.create_connection(("127.0.0.1", port), timeout=30) as line:
        line.sendall(
            f"POST /operator/log-in HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nOrigin: http://127.0.0.1:{port}\r\n"
            f"Content-Type: application/x-www-form-urlencoded\r\nConnection: close\r\n{head}\r\n".encode()
        )
        line.sendall(body)
        return int(line.makefile("rb").readline().split()[1])


def test_a_huge_form_is_refused_however_it_is_announced(stranger: Operator):
    assert _raw(stranger.port, "Content-Length: 20000\r\n", b"token=" + b"x" * 19_994) == 413
    chunk = b"4000\r\n" + b"x" * 0x4000 + b"\r\n"
    assert _raw(stranger.port, "Transfer-Encoding: chunked\r\n", chunk * 2) == 413


def test_a_form_that_never_comes_to_its_end_is_let_go(stranger: Operator, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(visits, "_PATIENCE", 0.3)
    begun = time.monotonic()
    assert _raw(stranger.port, "Content-Length: 100\r\n", b"token=") == 408
    assert time.monotonic() - begun < 5
    assert stranger.log_in().status == 303


@pytest.mark.parametrize(
    ("kind", "body", "status"),
    [
        ("application/json", b'{"token": 1}', 415),
        ("multipart/form-data; boundary=x", b"--x--", 415),
        ("application/x-www-form-urlencoded", b"&".join([b"a=1"] * 50), 400),
        ("application/x-www-form-urlencoded", b"\xff\xfe", 400),
        ("application/x-www-form-urlencoded", b"", 401),
    ],
)
def test_what_is_no_form_is_refused(stranger: Operator, kind: str, body: bytes, status: int):
    headers = {"Content-Type": kind, "Origin": stranger.origin}
    assert stranger.send("POST", "log-in", body, **headers).status == status


# --- feeds --------------------------------------------------------------------------------------------------


def added(operator: Operator, site: FeedServer, path: str = "/feed.xml", **fields: str) -> str:
    """Add a feed as an operator does, and return what is said then."""
    looked = operator.post("add", {"key": operator.key(), "url": site.url(path)})
    assert looked.status == 303, looked.body.decode()
    return operator.do(looked.headers["Location"], **fields)


def test_a_feed_is_looked_at_then_added_with_one_request(
    operator: Operator, site: FeedServer, config: Config
):
    looked = operator.post("add", {"key": operator.key(), "url": site.url("/")})
    shown = operator.see(looked.headers["Location"])
    assert "<h1>Bolt Weekly</h1>" in shown
    assert "Acme ships a router" in shown
    assert f'value="{site.url("/comments.xml")}"' in shown
    assert not config.opml.exists()
    said = operator.do(looked.headers["Location"], category="AI/半導体", rights="titles")
    assert said == "「Bolt Weekly」を購読しました（記事1件）。"
    (feed,) = opml.parse(config.opml.read_bytes())
    assert (feed.url, feed.category, feed.settings.rights) == (site.url("/feed.xml"), "AI/半導体", "titles")
    assert site.paths() == ["/", "/feed.xml"]
    db = open_store(config.store)
    assert [(row["entries"], row["state"]) for row in feeds.overview(db)] == [(1, "ok")]
    db.close()


def test_what_is_no_feed_is_said_and_nothing_is_added(operator: Operator, site: FeedServer, config: Config):
    site.serve("/plain", b"<!doctype html><title>No feed</title>", content_type="text/html")
    answers = {
        site.url("/missing"): 502, site.url("/plain"): 502, "two words": 400, "": 400,
        "javascript:alert(1)": 502, "file:///etc/passwd": 502,
    }  # fmt: skip
    for url, status in answers.items():
        answer = operator.post("add", {"key": operator.key(), "url": url})
        assert (answer.status, "できませんでした" in answer.body.decode()) == (status, True), url
    assert not config.opml.exists()


def test_a_listed_feed_is_not_added_again(operator: Operator, site: FeedServer):
    added(operator, site)
    again = operator.post("add", {"key": operator.key(), "url": site.url("/feed.xml")})
    assert "is listed already (Bolt Weekly)" in again.body.decode()


def test_an_address_that_never_answers_is_let_go(
    operator: Operator, site: FeedServer, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(adding, "PATIENCE", 2.0)
    site.script("/slow", lambda _: time.sleep(6))
    begun = time.monotonic()
    answer = operator.post("add", {"key": operator.key(), "url": site.url("/slow")})
    assert (answer.status, "nothing to show after 2 s" in answer.body.decode()) == (502, True)
    assert time.monotonic() - begun < 5
    monkeypatch.undo()
    assert added(operator, site).startswith("「Bolt Weekly」")


def test_a_feed_is_paused_resumed_tried_moved_and_removed(
    operator: Operator, site: FeedServer, config: Config
):
    added(operator, site)
    kept = config.opml.read_bytes().replace(b"<body>", b"<body><!-- mine -->")
    config.opml.write_bytes(kept)
    assert operator.do("feeds/1/pause") == "取得を停止しました。"
    assert b'paused="true"' in config.opml.read_bytes()
    assert operator.post("feeds/1/retry", {"key": operator.key()}).status == 400
    assert operator.do("feeds/1/resume") == "取得を再開しました。"
    assert config.opml.read_bytes() == kept
    assert operator.do("feeds/1/retry") == "次の巡回ですぐに取得します。"
    assert operator.do("feeds/1/category", category="News") == "分類を変えました。"
    assert [each.category for each in opml.parse(config.opml.read_bytes())] == ["News"]
    assert "feeds.opml</code> から外します" in operator.see("feeds/1/remove")
    assert operator.do("feeds/1/remove") == "「Bolt Weekly」を一覧から外しました。記事は残ります。"
    assert opml.parse(config.opml.read_bytes()) == ()
    assert b"<!-- mine -->" in config.opml.read_bytes()


def test_the_list_shows_what_was_edited_by_hand_and_says_where_it_cannot_be_read(
    operator: Operator, config: Config
):
    config.opml.write_bytes(opml.EMPTY.replace(
        b"<body>", b'<body><outline text="By hand" xmlUrl="https://hand.example/"/>'
    ))  # fmt: skip
    assert "By hand" in operator.see()
    config.opml.write_bytes(b"<opml")
    broken = operator.see()
    assert "By hand" in broken
    assert "feeds.opml, line 1" in broken
    assert operator.post("feeds/1/pause", {"key": operator.key()}).status == 400
    assert config.opml.read_bytes() == b"<opml"


def test_feeds_are_searched_and_sorted_out(operator: Operator, tmp_path: Path):
    room = Newsroom(tmp_path)
    room.feed("alpha", category="AI/半導体", failures=3, failure="404 Not Found")
    room.feed("beta", category="News", settings='{"paused": "true"}')
    for number in range(120):
        room.feed(f"gamma{number}", category="News")
    room.db.close()
    write_list(tmp_path)

    def found(query: str) -> list[str]:
        return re.findall(r'<a href="feeds/\d+">(.*?)</a>', operator.see(f"?{query}"))

    assert found("state=failing") == ["Alpha Wire"]
    assert found("state=paused&category=News") == ["Beta Wire"]
    assert found("category=AI") == ["Alpha Wire"]
    assert found("q=ALPHA+wire") == ["Alpha Wire"]
    assert found("q=nothing") == []
    assert [len(found(f"page={page}")) for page in ("1", "2", "99", "x", "-1")] == [100, 22, 22, 100, 100]
    assert "404 Not Found" in operator.see("failures")


def write_list(folder: Path) -> None:
    """List in feeds.opml what a newsroom's store has, so that taking it up changes nothing."""
    db = open_store(folder / "store.sqlite")
    outlines = opml.EMPTY
    for row in feeds.overview(db):
        settings = feeds.read_settings(row["settings"])
        outlines = opml.add(outlines, opml.Subscription(
            url=row["listed_url"], title=row["title"], category=row["category"], settings=settings,
        ))  # fmt: skip
    (folder / "feeds.opml").write_bytes(outlines)
    db.close()


def test_operators_who_edit_at_the_same_time_lose_nothing(operator: Operator, tmp_path: Path, config: Config):
    room = Newsroom(tmp_path)
    numbers = [room.feed(f"feed{number}") for number in range(8)]
    room.db.close()
    write_list(tmp_path)
    key = operator.key()

    def move(number: int) -> int:
        someone = Operator(operator.port, cookies=dict(operator.cookies))
        return someone.post(f"feeds/{number}/category", {"key": key, "category": f"C{number}"}).status

    with ThreadPoolExecutor(8) as crowd:
        assert set(crowd.map(move, numbers)) == {303}
    moved = {each.category for each in opml.parse(config.opml.read_bytes())}
    assert moved == {f"C{number}" for number in numbers}


def test_a_number_is_no_part_of_a_title_here(operator: Operator, tmp_path: Path):
    room = Newsroom(tmp_path)
    room.feed("route77")
    room.db.close()
    write_list(tmp_path)
    assert operator.send("GET", "feeds/77").status == 400
    assert operator.post("feeds/77/remove", {"key": operator.key()}).status == 400


def test_what_feeds_say_is_text_and_never_markup(operator: Operator, site: FeedServer, tmp_path: Path):
    escaped = EVIL.replace("&", "&amp;").replace("<", "&lt;").replace('"', "&quot;")
    feed = f"""<rss version="2.0"><channel><title>{escaped}</title><link>http://a.example/</link>
      <item><title>{escaped}</title><guid>1</guid></item></channel></rss>"""
    site.serve("/evil.xml", feed.encode())
    looked = operator.post("add", {"key": operator.key(), "url": site.url("/evil.xml")})
    pages = [operator.see(looked.headers["Location"])]
    operator.do(looked.headers["Location"], category=EVIL.replace("/", ""))
    pages += [operator.see(path) for path in ("", "feeds/1", "feeds/1/remove", "entries", "entries/1")]
    pages.append(operator.send("GET", "entries?q=" + "%3Cscript%3E").body.decode())
    pages.append(operator.see("?q=%3Cscript%3Ealert(1)%22%27&category=%22%3E%3Cscript%3E"))
    pages.append(operator.see("add?url=%22%3E%3Cscript%3E"))
    for page in pages:
        assert "<script" not in page
        assert "<img" not in page
        assert "&lt;script&gt;" in page


# --- entries ------------------------------------------------------------------------------------------------


@pytest.fixture
def room(tmp_path: Path, operator: Operator) -> Iterator[Newsroom]:
    assert operator.see()
    room = Newsroom(tmp_path)
    yield room
    room.db.close()


def test_what_only_waits_for_its_translation_is_called_neither_failed_nor_translated(
    room: Newsroom, operator: Operator, tmp_path: Path
):
    room.entry(room.feed(), "1")
    room.publish()
    write_list(tmp_path)
    page = operator.see("failures")
    assert "訳そうとして訳せなかった記事は、最近ありません" in page
    assert "どれも訳せて" not in page


def test_an_entry_is_found_and_says_what_became_of_it(room: Newsroom, operator: Operator, tmp_path: Path):
    entry = room.entry(room.feed(), "1", canonical_url="https://alpha.example/1")
    row = {"entry_id": entry, "language": "ja", "failure": "title: no Japanese", "attempts": 5}
    room.db.table("translations").insert(row)
    room.publish()
    write_list(tmp_path)
    assert "title: no Japanese" in operator.see("entries")
    assert "title: no Japanese" in operator.see("failures")
    to = operator.send("GET", f"entries?q={quote('https://alpha.example/1', '')}").headers["Location"]
    assert to == f"entries/{entry}"
    page = operator.see(to)
    assert "5 attempts, not again by itself" in page
    assert "held since" in page
    assert operator.send("GET", "entries?q=nothing").status == 400
    assert operator.send("GET", "entries/99").status == 400


def test_a_translation_is_asked_for_again_beside_a_running_round(
    room: Newsroom, operator: Operator, config: Config, tmp_path: Path
):
    entry = room.entry(room.feed(), "1")
    room.translate(entry, "見出し")
    room.publish()
    write_list(tmp_path)
    refused = operator.post(f"entries/{entry}/retranslate", {"key": operator.key()})
    assert (refused.status, "engine = none" in refused.body.decode()) == (503, True)
    engine = {"engine": "openai", "openai_url": "http://127.0.0.1:1/v1", "openai_model": "m"}
    with (
        Server(replace(config, **engine)) as server,
        instance_lock(config.store, "aggregator run", timedelta()),
    ):
        operator = Operator(server.port)
        operator.log_in()
        shown = operator.see(f"entries/{entry}/retranslate")
        assert "文字を openai で訳し直します。費用はかかりません。" in shown
        assert operator.do(f"entries/{entry}/retranslate").startswith("次の巡回で訳し直します。")
        none = room.entry(room.feed("beta"), "2")
        assert "訳し直せる訳がまだありません" in operator.see(f"entries/{none}/retranslate")
        assert operator.post(f"entries/{none}/retranslate", {"key": operator.key()}).status == 400
    assert room.db.execute("SELECT redo, title FROM translations").fetchall() == [("asked", "見出し")]
    told = dict(fate.lines(fate.collect(room.db, config, str(entry)), config))
    assert "asked for again" in told["translation"]


def test_an_entry_without_a_translation_has_none_to_make_again(
    room: Newsroom, operator: Operator, tmp_path: Path
):
    entry = room.entry(room.feed(), "1")
    write_list(tmp_path)
    assert "使える翻訳エンジンがない" in operator.see(f"entries/{entry}/retranslate")
    assert operator.post(f"entries/{entry}/retranslate", {"key": operator.key()}).status == 400


# --- the glossary -------------------------------------------------------------------------------------------


def test_a_line_of_the_glossary_is_written_changed_and_taken_out(operator: Operator, config: Config):
    config.glossary.write_text("# mine\nchip\t半導体\n", encoding="utf-8")
    operator.do("glossary", term="Rust", rendering="=", note="the language", was="")
    operator.do("glossary", term="chip", rendering="チップ|半導体", note="", was="chip\t半導体")
    assert config.glossary.read_text("utf-8") == "# mine\nchip\tチップ|半導体\nRust\t=\tthe language\n"
    assert "readonly" in operator.see("glossary?term=Rust")
    said = operator.do("glossary/remove", term="Rust", was="Rust\t=\tthe language")
    assert said == "「Rust」を用語集から外しました。"
    assert config.glossary.read_text("utf-8") == "# mine\nchip\tチップ|半導体\n"
    assert "startup" in operator.see(f"glossary?q={quote('スタートアップ')}")


def test_a_line_that_is_none_or_was_changed_meanwhile_is_not_written(operator: Operator, config: Config):
    config.glossary.write_text("chip\t半導体\n", encoding="utf-8")
    key = operator.key()
    for fields in (
        {"term": "chip", "rendering": "チップ", "was": "chip\t集積回路"},
        {"term": "chip", "rendering": "チップ", "was": ""},
        {"term": "", "rendering": "空"},
        {"term": "#x", "rendering": "空"},
        {"term": "a\tb", "rendering": "空"},
        {"term": "a", "rendering": "x\nRust\t="},
        {"term": "a", "rendering": ""},
    ):
        assert operator.post("glossary", {"key": key, **fields}).status == 400, fields
    assert config.glossary.read_text("utf-8") == "chip\t半導体\n"


def test_without_a_glossary_of_ones_own_the_page_says_what_to_set(config: Config):
    with Server(replace(config, glossary=Path())) as server:
        operator = Operator(server.port)
        operator.log_in()
        assert 'glossary = "glossary.tsv"' in operator.see("glossary")
        answer = operator.post("glossary", {"key": operator.key(), "term": "a", "rendering": "b"})
        assert answer.status == 400


# --- where it lies ------------------------------------------------------------------------------------------


def test_everything_is_said_in_ways_that_hold_beneath_a_folder(operator: Operator, site: FeedServer):
    added(operator, site)
    for path in ("", "feeds/1", "feeds/1/remove", "add", "entries", "entries/1", "glossary", "failures"):
        page = operator.see(path)
        assert re.findall(r'(?:href|action|src)="/', page) == [], path


@pytest.mark.skipif(NGINX is None, reason="nginx is not installed")
def test_behind_the_proxy_of_the_documentation_the_desk_opens_over_tls_alone(config: Config, tmp_path: Path):
    config.output.mkdir()
    browser = {"Host": "news.example", "Origin": "https://news.example"}
    forged = {"X-Forwarded-Proto": "https", "X-Forwarded-For": "127.0.0.1"}
    with Server(config) as server:
        with webservers.nginx(config.output, tmp_path / "plain", server.port) as port:
            clear = Operator(port, headers=forged)
            assert clear.log_in(**browser).status == 403
            assert clear.send("GET", "").status == 403
        with webservers.nginx(config.output, tmp_path / "tls", server.port, "https") as port:
            operator = Operator(port, headers=forged)
            assert operator.log_in(Host="news.example", Origin="http://news.example").status == 403
            assert operator.log_in(**browser).status == 303
            assert list(operator.cookies) == ["__Host-operator"]
            assert operator.send("GET", "", Host="news.example").status == 200
            fields = {"key": operator.key(), "url": "two words"}
            assert operator.post("add", fields, **browser).status == 400
            assert operator.post("add", fields, **browser | {"Origin": "https://evil.example"}).status == 403
