"""The demo's feeds as a reader meets them: fetched over loopback and parsed."""

import http.client
import io
import ipaddress
import json
import re
import socket
import urllib.error
import urllib.request
import wave
from collections import Counter
from datetime import UTC, datetime

import feedparser
import pytest
from lxml import etree

from aggregator.demo.feeds import render
from aggregator.demo.server import DemoServer, opml
from aggregator.demo.stories import load
from aggregator.errors import AggregatorError

FEEDS = {feed.key: feed for feed in load()}
ENGLISH = [feed for feed in load() if feed.language == "en"]


@pytest.fixture(scope="module")
def demo():
    with DemoServer(0) as server:
        yield server


def fetch(url, method="GET", **headers):
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    try:
        with urllib.request.urlopen(
            urllib.request.Request(url, method=method, headers=named), timeout=5
        ) as answer:
            return answer.status, answer.headers, answer.read()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.headers, error.read()


def parsed(demo, key):
    status, _, body = fetch(FEEDS[key].url(demo.port))
    assert status == 200
    return feedparser.parse(as_utf8(body))


def as_utf8(body):
    """Decode as a careful reader does where a feed says Shift_JIS."""
    if b'encoding="Shift_JIS"' not in body:
        return body
    return body.decode("cp932").replace('encoding="Shift_JIS"', 'encoding="utf-8"').encode()


def moment(entry, field="published_parsed"):
    return datetime(*entry[field][:6], tzinfo=UTC)


def words(story):
    lines = (line for block in story.body for line in ([block] if isinstance(block, str) else block))
    return len(re.sub(r"<[^>]+>", "", " ".join(lines)).split())


@pytest.mark.parametrize(
    ("key", "version", "title", "first", "count"),
    [
        (
            "ringzero",
            "rss091u",
            "Ring Zero Ledger",
            "A One-Line Scheduler Fix Saves Northquay 11 Megawatts",
            3,
        ),
        ("dieshot", "rss10", "Die Shot", "AI Chip War Heats Up: Orrery Raises $2.5 Billion", 3),
        ("runtime", "rss20", "Runtime Hour", "Quillstone's Browser Will Ask Before It Lets", 3),
        ("harbour", "atom10", "Harbour Watch", "Lockhaven's Update Server Signed Malware for Nine Days", 3),
        ("shiomi", "rss20", "汐見テック通信", "汐見電機、消費電力を4割減らした推論チップ「凪」を発表", 3),
        (
            "margin",
            "rss20",
            "Margin & Uptime",
            "Ferrovolt's Iron Battery Ran a Data Centre for 100 Hours & Nob",
            3,
        ),
        ("lattice", "rss20", "Lattice Commons", "AI Chip War Heats Up: Orrery Raises $2.5 Billion", 3),
    ],
)
def test_a_feed_parses_to_its_entries(demo, key, version, title, first, count):
    feed = parsed(demo, key)
    assert (feed.version, feed.feed.title, len(feed.entries)) == (version, title, count)
    assert feed.entries[0].title.startswith(first)


def test_the_json_feed_is_version_1_1_and_complete(demo):
    _, headers, body = fetch(FEEDS["tablespace"].url(demo.port))
    feed = json.loads(body)
    assert headers["Content-Type"] == "application/feed+json"
    assert (feed["version"], feed["title"]) == ("https://jsonfeed.org/version/1.1", "Tablespace")
    assert feed["feed_url"] == f"http://127.0.0.5:{demo.port}/feed.json"
    assert [entry["date_published"] for entry in feed["items"]] == [
        "2026-11-19T07:45:00Z", "2026-11-10T20:00:00Z", "2026-11-03T08:30:00Z",
    ]  # fmt: skip
    assert feed["items"][1]["title"] == "Fellstone 12.1.3 Fixes a Rare Index Corruption"
    assert feed["items"][0]["authors"] == [{"name": "Wren Halloway"}]
    assert "<code>ebbline-carry</code>" in feed["items"][0]["content_html"]


@pytest.mark.parametrize(
    ("key", "index", "published"),
    [
        ("runtime", 1, datetime(2026, 11, 13, 6, 0, tzinfo=UTC)),
        ("harbour", 0, datetime(2026, 11, 16, 17, 30, tzinfo=UTC)),
        ("shiomi", 0, datetime(2026, 11, 19, 1, 0, tzinfo=UTC)),
        ("margin", 2, datetime(2026, 11, 8, 14, 40, tzinfo=UTC)),
        ("lattice", 2, datetime(2026, 11, 9, 21, 50, tzinfo=UTC)),
    ],
)
def test_dates_are_the_storys_own(demo, key, index, published):
    assert moment(parsed(demo, key).entries[index]) == published


def test_rss_1_0_dates_its_entries_with_dc_date_alone(demo):
    entry = parsed(demo, "dieshot").entries[0]
    assert "published" not in entry
    assert moment(entry, "updated_parsed") == datetime(2026, 11, 20, 14, 0, tzinfo=UTC)


def test_a_corrected_atom_entry_says_when_it_was_updated(demo):
    corrected, untouched, _ = parsed(demo, "harbour").entries
    assert moment(corrected, "updated_parsed") == datetime(2026, 11, 19, 9, 10, tzinfo=UTC)
    assert moment(untouched, "updated_parsed") == moment(untouched)


def test_rss_0_91_entries_carry_neither_date_nor_guid(demo):
    for entry in parsed(demo, "ringzero").entries:
        assert "published_parsed" not in entry
        assert "id" not in entry


def test_the_podcast_entry_has_a_recording_of_the_length_it_says(demo):
    entries = parsed(demo, "runtime").entries
    assert [len(entry.enclosures) for entry in entries] == [0, 1, 0]
    (enclosure,) = entries[1].enclosures
    status, headers, body = fetch(enclosure.href)
    assert (status, headers["Content-Type"], enclosure.type) == (200, "audio/x-wav", "audio/x-wav")
    assert int(enclosure.length) == len(body)
    with wave.open(io.BytesIO(body)) as recording:
        assert recording.getnframes() / recording.getframerate() == pytest.approx(1.2)


def test_slash_comments_and_links_to_the_threads_are_there(demo):
    entries = parsed(demo, "lattice").entries
    assert [entry.slash_comments for entry in entries] == ["214", "389", "96"]
    assert entries[2].comments == f"http://127.0.0.8:{demo.port}/comments/ask-small-project"


def test_atom_counts_replies_down_to_none(demo):
    assert [entry.thr_total for entry in parsed(demo, "harbour").entries] == ["57", "0", "132"]


def test_one_story_stands_in_two_feeds_under_different_tracking_parameters(demo):
    in_chips, in_commons = (parsed(demo, key).entries[0].link for key in ("dieshot", "lattice"))
    story = f"http://127.0.0.2:{demo.port}/2026/11/orrery-raises-2-5-billion"
    assert in_chips == f"{story}?utm_source=rss&utm_medium=feed"
    assert in_commons == f"{story}?utm_source=lattice&utm_campaign=frontpage"


def test_atom_content_is_xhtml_with_code_and_a_list(demo):
    content = parsed(demo, "harbour").entries[0].content[0]
    assert content.type == "application/xhtml+xml"
    assert "<code>~/.config/credentials</code>" in content.value
    assert content.value.count("<li>") == 3


def test_a_link_from_one_story_to_another_leads_to_its_page(demo):
    text = parsed(demo, "dieshot").entries[1].content[0].value
    assert f'href="http://127.0.0.2:{demo.port}/2026/11/orrery-raises-2-5-billion"' in text


def test_the_japanese_feed_says_shift_jis_and_needs_code_page_932(demo):
    _, headers, body = fetch(FEEDS["shiomi"].url(demo.port))
    assert headers["Content-Type"] == "text/xml; charset=Shift_JIS"
    assert body.startswith(b'<?xml version="1.0" encoding="Shift_JIS"?>')
    text = body.decode("cp932")
    assert "①病院の画像診断、②工場の外観検査" in text
    assert "㈱汐見電機" in text
    assert "2\N{FULLWIDTH TILDE}3時間" in text
    with pytest.raises(UnicodeDecodeError):
        body.decode("shift_jis")


def test_only_the_broken_feed_is_not_well_formed(demo):
    for feed in load():
        _, _, body = fetch(feed.url(demo.port))
        if feed.form == "broken":
            with pytest.raises(etree.XMLSyntaxError):
                etree.fromstring(body)
        elif feed.form != "json":
            etree.fromstring(as_utf8(body))


def test_the_broken_feed_has_a_bare_ampersand_and_unclosed_paragraphs(demo):
    _, _, body = fetch(FEEDS["margin"].url(demo.port))
    assert b"<title>Margin & Uptime</title>" in body
    assert b"<p>" in body
    assert b"</p>" not in body
    feed = feedparser.parse(body)
    assert feed.bozo
    assert feed.entries[1].title == "Brightmoor & Northquay End Fees for Moving Data Between Their Clouds"
    assert "<code>nq verify</code>" in feed.entries[1].summary
    assert feed.entries[1].summary.count("<p>") == 6


def test_there_are_twenty_entries_or_more_and_most_are_whole_articles():
    assert sum(len(feed.stories) for feed in load()) >= 20
    articles = {story.key: words(story) for feed in ENGLISH for story in feed.stories if story.body}
    assert len(articles) >= 12
    assert all(250 <= count <= 450 for count in articles.values()), articles


def test_some_entries_carry_no_more_than_a_summary():
    assert Counter(bool(story.body) for feed in ENGLISH for story in feed.stories)[False] >= 4


def test_every_article_is_well_formed_markup():
    for feed in load():
        for story in feed.stories:
            root = etree.fromstring(f"<div>{story.text_html(8731)}</div>")
            assert {element.tag for element in root.iter()} <= {
                "div",
                "p",
                "ul",
                "li",
                "a",
                "code",
                "em",
                "strong",
            }


def test_each_feed_lives_on_a_loopback_host_of_its_own():
    hosts = [feed.host for feed in load()]
    assert len(set(hosts)) == len(hosts) == 8
    assert all(ipaddress.ip_address(host).is_loopback for host in hosts)


def test_no_feed_names_a_host_beyond_loopback():
    namespaces = {"www.w3.org", "purl.org", "jsonfeed.org"}
    for feed in load():
        text = render(feed, 8731).decode("cp932" if feed.form == "shift_jis" else "utf-8")
        hosts = set(re.findall(r"https?://([^/:\s\"']+)", text))
        assert feed.host in hosts
        assert hosts - namespaces <= {other.host for other in load()}


@pytest.mark.parametrize("feed", load(), ids=lambda feed: feed.key)
def test_a_second_look_with_validators_is_answered_304(demo, feed):
    _, headers, _ = fetch(feed.url(demo.port))
    status, again, body = fetch(feed.url(demo.port), If_None_Match=headers["ETag"])
    assert (status, body, again["ETag"]) == (304, b"", headers["ETag"])
    assert fetch(feed.url(demo.port), If_Modified_Since=headers["Last-Modified"])[0] == 304


def test_last_modified_is_the_newest_change_and_not_the_clock(demo):
    _, headers, _ = fetch(FEEDS["harbour"].url(demo.port))
    assert headers["Last-Modified"] == "Thu, 19 Nov 2026 09:10:00 GMT"


@pytest.mark.parametrize(
    ("validators", "status"),
    [
        ({"If_None_Match": '"another"'}, 200),
        ({"If_None_Match": '"another"', "If_Modified_Since": "Thu, 19 Nov 2026 09:10:00 GMT"}, 200),
        ({"If_None_Match": "*"}, 304),
        ({"If_Modified_Since": "Thu, 19 Nov 2026 09:09:59 GMT"}, 200),
        ({"If_Modified_Since": "yesterday"}, 200),
    ],
)
def test_validators_follow_rfc_9110(demo, validators, status):
    assert fetch(FEEDS["harbour"].url(demo.port), **validators)[0] == status


def test_a_weak_form_of_the_etag_in_a_list_matches(demo):
    url = FEEDS["harbour"].url(demo.port)
    _, headers, _ = fetch(url)
    assert fetch(url, If_None_Match=f'"another", W/{headers["ETag"]}')[0] == 304


def test_etags_differ_between_feeds_and_stay_between_servers(demo):
    etags = {fetch(feed.url(demo.port))[1]["ETag"] for feed in load()}
    assert len(etags) == 8
    assert all(re.fullmatch(r'"[0-9a-f]{32}"', etag) for etag in etags)


def test_a_restarted_server_still_answers_304():
    with DemoServer(0) as first:
        _, headers, _ = fetch(FEEDS["runtime"].url(first.port))
    with DemoServer(first.port) as second:
        assert fetch(FEEDS["runtime"].url(second.port), If_None_Match=headers["ETag"])[0] == 304


def test_answers_are_counted_by_status():
    with DemoServer(0) as server:
        url = FEEDS["ringzero"].url(server.port)
        _, headers, _ = fetch(url)
        fetch(url, If_None_Match=headers["ETag"])
        fetch(url, If_None_Match=headers["ETag"])
        fetch(f"http://127.0.0.1:{server.port}/nothing")
        assert server.statuses == {200: 1, 304: 2, 404: 1}


def test_every_link_in_every_feed_is_answered(demo):
    links = set()
    for feed in load():
        for entry in feedparser.parse(as_utf8(fetch(feed.url(demo.port))[2])).entries:
            links |= {entry.link, *(entry[field] for field in ("comments",) if field in entry)}
            links |= {link.href for link in entry.links}
    links |= {entry["url"] for entry in json.loads(fetch(FEEDS["tablespace"].url(demo.port))[2])["items"]}
    assert len(links) >= 24
    assert {link: fetch(link)[0] for link in links} == dict.fromkeys(links, 200)


def test_a_storys_page_holds_the_story_and_names_its_feed(demo):
    page = fetch(f"http://127.0.0.7:{demo.port}/2026/11/brightmoor-northquay-egress")[2].decode()
    assert "<h1>Brightmoor &amp; Northquay End Fees for Moving Data Between Their Clouds</h1>" in page
    assert "which have a combined capacity of 3.2 terabits per second" in page
    assert (
        f'<link rel="alternate" type="application/rss+xml" title="Margin &amp; Uptime"'
        f' href="http://127.0.0.7:{demo.port}/backend.php">' in page
    )


def test_a_story_has_its_page_on_its_own_host_alone(demo):
    path = "/2026/11/orrery-raises-2-5-billion"
    assert fetch(f"http://127.0.0.2:{demo.port}{path}")[0] == 200
    assert fetch(f"http://127.0.0.8:{demo.port}{path}")[0] == 404


def test_a_front_page_lists_its_stories(demo):
    front = fetch(f"http://127.0.0.6:{demo.port}/")[2].decode()
    assert '<html lang="ja">' in front
    assert front.count("<li>") == 3


def test_head_gives_the_length_and_no_body(demo):
    connection = http.client.HTTPConnection("127.0.0.4", demo.port, timeout=5)
    connection.request("HEAD", "/atom.xml")
    answer = connection.getresponse()
    assert (answer.status, answer.read()) == (200, b"")
    assert int(answer.headers["Content-Length"]) == len(render(FEEDS["harbour"], demo.port))
    connection.close()


def test_the_opml_lists_every_feed_with_full_rights_in_a_japanese_category():
    root = etree.fromstring(opml(9000))
    outlines = root.findall("body/outline/outline")
    assert {outline.get("xmlUrl") for outline in outlines} == {feed.url(9000) for feed in load()}
    assert {(outline.get("rights"), outline.get("type")) for outline in outlines} == {("full", "rss")}
    assert all("written for this demo" in outline.get("rights_note") for outline in outlines)
    categories = [outline.get("text") for outline in root.findall("body/outline")]
    assert "セキュリティ" in categories
    assert len(set(categories)) == len(categories) == 8
    assert root.find("body/outline/outline[@text='Margin & Uptime']") is not None


def test_a_busy_port_is_one_clear_line_and_leaves_nothing_open():
    with socket.create_server(("127.0.0.5", 0)) as squatter:
        port = squatter.getsockname()[1]
        with pytest.raises(AggregatorError) as caught, DemoServer(port):
            pass
        assert str(caught.value) == (
            f"demo: cannot listen on 127.0.0.5:{port} (Address already in use); another port: --port NUMBER"
        )
    with DemoServer(port) as server:
        assert fetch(FEEDS["ringzero"].url(server.port))[0] == 200


def test_the_server_prints_nothing_even_where_a_client_leaves(capfd):
    with DemoServer(0) as server:
        fetch(f"http://127.0.0.1:{server.port}/nothing")
        with socket.create_connection(("127.0.0.1", server.port)) as client:
            client.send(b"GET /rss.xml HT")
    assert capfd.readouterr() == ("", "")
