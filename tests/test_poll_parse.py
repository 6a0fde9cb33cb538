"""Feeds of every format turned into our own types. All companies are invented."""

import json
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aggregator.errors import NotAFeed
from aggregator.model import Enclosure, ParsedEntry, ParsedFeed
from aggregator.poll import clean
from aggregator.poll.parse import parse

URL = "https://feeds.quillon.example/news.xml"
NAMESPACES = " ".join(
    f'xmlns:{prefix}="{name}"'
    for prefix, name in {
        "atom": "http://www.w3.org/2005/Atom",
        "content": "http://purl.org/rss/1.0/modules/content/",
        "dc": "http://purl.org/dc/elements/1.1/",
        "feedburner": "http://rssnamespace.org/feedburner/ext/1.0",
        "media": "http://search.yahoo.com/mrss/",
        "slash": "http://purl.org/rss/1.0/modules/slash/",
        "sy": "http://purl.org/rss/1.0/modules/syndication/",
        "thr": "http://purl.org/syndication/thread/1.0",
        "wfw": "http://wellformedweb.org/CommentAPI/",
    }.items()
)


def _rss(*entries: str, head: str = "") -> bytes:
    body = "".join(f"<item>{entry}</item>" for entry in entries)
    return (
        f'<?xml version="1.0" encoding="UTF-8"?><rss version="2.0" {NAMESPACES}><channel>'
        f"<title>Quillon</title><link>https://quillon.example/</link>{head}{body}</channel></rss>"
    ).encode()


def _atom(*entries: str, head: str = "", attributes: str = "") -> bytes:
    body = "".join(f"<entry>{entry}</entry>" for entry in entries)
    return (
        '<feed xmlns="http://www.w3.org/2005/Atom" xmlns:thr="http://purl.org/syndication/thread/1.0"'
        f" {attributes}>"
        f"<title>Quillon</title>{head}{body}</feed>"
    ).encode()


def _only(feed: ParsedFeed) -> ParsedEntry:
    (entry,) = feed.entries
    return entry


def _one(xml: str) -> ParsedEntry:
    return _only(parse(_rss(xml), "application/rss+xml", URL))


def test_rss_2_is_read_whole():
    feed = parse(
        _rss(
            """<title>Quillon ships its &lt;b&gt;first&lt;/b&gt; chip</title>
            <link>https://quillon.example/chip</link><guid isPermaLink="false">chip-1</guid>
            <description>Short &lt;i&gt;teaser&lt;/i&gt;.</description>
            <content:encoded><![CDATA[<p>Long <a href="/spec">text</a>.</p><script>x()</script>]]>
            </content:encoded>
            <dc:creator>Ada Quill</dc:creator><category>Chips</category><category>Chips</category>
            <pubDate>Mon, 23 Nov 2026 10:00:00 +0900</pubDate>
            <comments>https://quillon.example/chip#talk</comments>
            <wfw:commentRss>https://quillon.example/chip/feed</wfw:commentRss><slash:comments>12</slash:comments>
            <enclosure url="/chip.mp3" type="audio/mpeg" length="1234"/><media:thumbnail url="/chip.png"/>"""
        ),
        "application/rss+xml",
        URL,
    )
    assert (feed.title, feed.site_url) == ("Quillon", "https://quillon.example/")
    entry = _only(feed)
    assert entry == ParsedEntry(
        guid="chip-1",
        permalink="https://quillon.example/chip",
        title="Quillon ships its first chip",
        summary_html="Short <i>teaser</i>.",
        content_html='<p>Long <a href="https://quillon.example/spec" rel="noopener noreferrer">text</a>.</p>',
        authors=("Ada Quill",),
        tags=("Chips",),
        enclosures=(Enclosure(url="https://quillon.example/chip.mp3", media_type="audio/mpeg", length=1234),),
        image_url="https://quillon.example/chip.png",
        comments_url="https://quillon.example/chip#talk",
        comments_feed_url="https://quillon.example/chip/feed",
        comment_count=12,
        published_at=datetime(2026, 11, 23, 1, 0, tzinfo=UTC),
        fingerprint=entry.fingerprint,
    )


def test_atom_is_read_whole():
    feed = parse(
        _atom(
            """<id>tag:quillon.example,2026:1</id><title type="html">Tools &amp;amp; chips</title>
            <link href="2026/tools"/><link rel="replies" type="text/html" href="2026/tools#r" thr:count="3"/>
            <link rel="replies" type="application/atom+xml" href="2026/tools.atom"/>
            <link rel="enclosure" href="a.zip" type="application/zip" length="5"/>
            <category term="x" label="Tools"/>
            <published>2026-11-20T09:00:00+09:00</published><updated>2026-11-21T00:00:00Z</updated>
            <content type="xhtml"><div xmlns="http://www.w3.org/1999/xhtml"><p>Hi <a href="b">b</a></p></div>
            </content>""",
            head='<link href="/"/><author><name>Ada Quill</name></author>',
            attributes='xml:lang="en" xml:base="https://quillon.example/blog/"',
        ),
        "application/atom+xml",
        URL,
    )
    assert (feed.site_url, feed.language) == ("https://quillon.example/", "en")
    entry = _only(feed)
    assert (entry.guid, entry.permalink) == (
        "tag:quillon.example,2026:1",
        "https://quillon.example/blog/2026/tools",
    )
    assert entry.title == "Tools & chips"
    assert (entry.summary_html, entry.authors, entry.tags) == ("", ("Ada Quill",), ("Tools",))
    assert 'href="https://quillon.example/blog/b"' in entry.content_html
    assert entry.enclosures == (
        Enclosure(url="https://quillon.example/blog/a.zip", media_type="application/zip", length=5),
    )
    assert entry.comments_url == "https://quillon.example/blog/2026/tools#r"
    assert entry.comments_feed_url == "https://quillon.example/blog/2026/tools.atom"
    assert entry.comment_count == 3
    assert entry.published_at == datetime(2026, 11, 20, tzinfo=UTC)
    assert entry.updated_at == datetime(2026, 11, 21, tzinfo=UTC)
    assert entry.language is None  # the feed's own


def _numbered(count: int, dates: Callable[[int], str]) -> bytes:
    return _rss(
        "</item><item>".join(
            f"<title>News {n}</title><guid isPermaLink='false'>{n}</guid><description>Text {n}.</description>"
            f"{dates(n)}"
            for n in range(count)
        )
    )


def test_entries_beyond_the_newest_so_many_are_known_by_name_only():
    body = _numbered(4, lambda n: f"<pubDate>Mon, {20 + n} Nov 2026 10:00:00 GMT</pubDate>")
    found = parse(body, "application/rss+xml", URL, newest=2).entries
    assert [(entry.title, entry.content_html or entry.summary_html) for entry in found] == [
        ("News 0", ""),
        ("News 1", ""),
        ("News 2", "Text 2."),
        ("News 3", "Text 3."),
    ]
    assert [bool(entry.fingerprint) for entry in found] == [False, False, True, True]
    assert found[2:] == parse(body, "application/rss+xml", URL).entries[2:]


def test_without_dates_the_first_of_the_document_are_the_newest():
    found = parse(_numbered(3, lambda _: ""), "application/rss+xml", URL, newest=1).entries
    assert [bool(entry.fingerprint) for entry in found] == [True, False, False]


def test_an_old_entry_that_only_its_text_tells_apart_is_read_whole():
    body = _rss(
        "<title>News</title><guid isPermaLink='false'>1</guid></item><item><description>Note.</description>"
    )
    found = parse(body, "application/rss+xml", URL, newest=1).entries
    assert [entry.title for entry in found] == ["News", "Note."]
    assert all(entry.fingerprint for entry in found)


def test_an_old_entry_whose_title_is_markup_alone_is_read_whole():
    note = (
        "<title>&lt;b&gt;&lt;/b&gt;</title><guid isPermaLink='false'>1</guid><description>Note.</description>"
    )
    (_, found) = parse(_rss("<title>News</title>", note), "application/rss+xml", URL, newest=1).entries
    assert (found.title, bool(found.fingerprint)) == ("Note.", True)


def test_json_feed_leaves_out_the_texts_of_old_entries_too():
    items = [
        {
            "id": str(n),
            "title": f"News {n}",
            "content_text": "Text.",
            "date_published": f"2026-11-2{n}T00:00:00Z",
        }
        for n in range(3)
    ]
    body = json.dumps({"version": "https://jsonfeed.org/version/1.1", "title": "Q", "items": items}).encode()
    found = parse(body, "application/feed+json", URL, newest=1).entries
    assert [entry.content_html for entry in found] == ["", "", "<p>Text.</p>"]


def test_rss_091_has_neither_dates_nor_guids():
    body = b"""<?xml version="1.0"?><rss version="0.91"><channel><title>Old</title><link>http://old.example/</link>
    <item><title>One</title><link>http://old.example/1</link><description>Text &amp; more</description></item>
    </channel></rss>"""
    entry = _only(parse(body, None, URL))
    assert (entry.guid, entry.permalink, entry.title) == (
        "http://old.example/1",
        "http://old.example/1",
        "One",
    )
    assert (entry.published_at, entry.updated_at) == (None, None)


def test_rss_1_dates_are_updates():
    body = b"""<?xml version="1.0"?><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"
    xmlns="http://purl.org/rss/1.0/" xmlns:dc="http://purl.org/dc/elements/1.1/">
    <channel rdf:about="http://rdf.example/"><title>Rdf</title><link>http://rdf.example/</link></channel>
    <item rdf:about="http://rdf.example/1"><title>One</title><link>http://rdf.example/1</link>
    <dc:date>2026-11-20T12:00:00+09:00</dc:date><dc:creator>Ben Quill</dc:creator></item></rdf:RDF>"""
    entry = _only(parse(body, "application/rdf+xml", URL))
    assert (entry.guid, entry.authors) == ("http://rdf.example/1", ("Ben Quill",))
    assert (entry.published_at, entry.updated_at) == (None, datetime(2026, 11, 20, 3, tzinfo=UTC))


def test_json_feed_is_read_whole():
    body = {
        "version": "https://jsonfeed.org/version/1.1",
        "title": "Quillon",
        "home_page_url": "https://quillon.example/",
        "feed_url": "https://quillon.example/feed.json",
        "language": "en",
        "hubs": [{"type": "WebSub", "url": "https://hub.example/"}],
        "authors": [{"name": "Ada Quill"}],
        "items": [
            {
                "id": 7,
                "url": "/seven",
                "title": "Lists < arrays & maps",
                "summary": "Short.",
                "content_html": '<p>Long <img src="i.png"></p>',
                "image": "/seven.png",
                "tags": ["data", "data"],
                "date_published": "2026-11-20T09:00:00+09:00",
                "date_modified": "2026-11-21T00:00:00Z",
                "attachments": [{"url": "a.mp3", "mime_type": "audio/mpeg", "size_in_bytes": 9}, {"url": ""}],
            },
            {
                "id": "8",
                "content_text": "A note & more\n\nSecond",
                "author": {"name": "Ben Quill"},
                "language": "de",
            },
            "no entry",
        ],
    }
    feed = parse(b"\xef\xbb\xbf" + json.dumps(body).encode(), "application/feed+json", URL)
    assert (feed.title, feed.site_url, feed.language) == ("Quillon", "https://quillon.example/", "en")
    assert (feed.hub_url, feed.self_url) == ("https://hub.example/", "https://quillon.example/feed.json")
    seven, note = feed.entries
    assert (seven.guid, seven.permalink) == ("7", "https://quillon.example/seven")
    assert (seven.title, seven.authors, seven.tags) == ("Lists < arrays & maps", ("Ada Quill",), ("data",))
    assert seven.summary_html == "<p>Short.</p>"
    assert seven.content_html == '<p>Long <img src="https://quillon.example/i.png"></p>'
    assert seven.image_url == "https://quillon.example/seven.png"
    assert seven.enclosures == (
        Enclosure(url="https://quillon.example/a.mp3", media_type="audio/mpeg", length=9),
    )
    assert (seven.published_at, seven.updated_at) == (
        datetime(2026, 11, 20, tzinfo=UTC),
        datetime(2026, 11, 21, tzinfo=UTC),
    )
    assert (note.title, note.content_html) == ("A note & more", "<p>A note &amp; more</p><p>Second</p>")
    assert (note.authors, note.language, note.permalink) == (("Ben Quill",), "de", None)


@pytest.mark.parametrize("content_type", ["application/xml; charset=Shift_JIS", "text/xml", None])
def test_shift_jis_is_read_as_cp932(content_type: str | None):
    xml = _rss("<title>①新型チップ～発表</title><link>https://q.example/1</link>").decode()
    body = xml.replace("UTF-8", "Shift_JIS").encode("cp932")
    assert _only(parse(body, content_type, URL)).title == "①新型チップ～発表"


def test_utf_8_under_the_name_of_shift_jis_stays_utf_8():
    body = _rss("<title>新型①</title><link>https://q.example/1</link>")
    assert _only(parse(body, "text/xml; charset=shift_jis", URL)).title == "新型①"


def test_a_bare_ampersand_and_an_unclosed_element_cost_nothing():
    feed = parse(
        _rss(
            "<title>Q & A</title><link>https://q.example/1</link><description>AT&T <b>bold</description>",
            "<title>Second</title><link>https://q.example/2</link>",
        ),
        None,
        URL,
    )
    assert [entry.title for entry in feed.entries] == ["Q & A", "Second"]


@pytest.mark.parametrize(
    ("body", "looks_like"),
    [
        (b"", "is empty"),
        (b" \n\t", "is empty"),
        (b"<!DOCTYPE html><html><title>x</title></html>", "an HTML page"),
        (b"\n<!-- x --><HTML><body>x</body></HTML>", "an HTML page"),
        (b"<div><html>x</html></div>", "an HTML page"),
        (b'<?xml version="1.0"?><svg xmlns="http://www.w3.org/2000/svg"/>', "<svg>"),
        (b"Not found", "text that starts with 'Not found'"),
        (b"\x89PNG\r\n\x1a\n\x00\x00", "binary data"),
        (b'{"status": 404}', "no JSON Feed"),
        (b"[1, 2]", "no JSON Feed"),
        (b'{"version": ', "broken JSON"),
        (b"[" * 100_000, "broken JSON"),
        (b'<rss version="2.0"><channel><title>cut of', "before its first entry"),
    ],
)
def test_what_is_no_feed_is_named(body: bytes, looks_like: str):
    with pytest.raises(NotAFeed) as caught:
        parse(body, "text/html", URL)
    assert str(caught.value).startswith(f"{URL}: ")
    assert looks_like in str(caught.value)


def test_a_feed_without_entries_is_a_feed():
    assert parse(_rss(), "text/xml", URL) == ParsedFeed(
        title="Quillon", site_url="https://quillon.example/", language=None, entries=()
    )


def test_what_a_feed_says_of_its_rhythm():
    feed = parse(
        _rss(
            head="""<language>en-us</language><ttl>90</ttl><sy:updatePeriod> hourly </sy:updatePeriod>
            <sy:updateFrequency>2</sy:updateFrequency>
            <skipHours><hour>23</hour><hour>0</hour><hour>24</hour></skipHours>
            <skipDays><day>Sunday</day><day>monday</day><day>Nonday</day></skipDays>
            <atom:link rel="hub" href="https://hub.example/"/><atom:link rel="self" href="https://quillon.example/rss"/>"""
        ),
        None,
        URL,
    )
    assert (feed.language, feed.ttl, feed.update_every) == (
        "en-us",
        timedelta(minutes=90),
        timedelta(minutes=30),
    )
    assert (feed.skip_hours, feed.skip_days) == ((0, 23), (0, 6))
    assert (feed.hub_url, feed.self_url) == ("https://hub.example/", "https://quillon.example/rss")


@pytest.mark.parametrize(
    "head", ["<ttl>soon</ttl>", "<ttl>-5</ttl>", "<ttl>0</ttl>", "<skipHours><hour>x</hour></skipHours>"]
)
def test_a_rhythm_that_makes_no_sense_is_none(head: str):
    feed = parse(_rss(head=head), None, URL)
    assert (feed.ttl, feed.update_every, feed.skip_hours) == (None, None, ())


def test_a_guid_that_is_no_address_makes_no_permalink_and_does_not_depend_on_where_the_feed_is():
    for url in (URL, "https://moved.example/feed"):
        entry = _only(parse(_rss("<title>T</title><guid>1234</guid>"), None, url))
        assert (entry.guid, entry.permalink) == ("1234", None)


def test_a_guid_that_is_an_address_is_the_permalink():
    assert _one("<title>T</title><guid>https://q.example/9</guid>").permalink == "https://q.example/9"


def test_feedburners_original_link_wins():
    entry = _one(
        "<title>T</title><link>https://feedproxy.example/~r/9</link>"
        "<feedburner:origLink>https://q.example/9</feedburner:origLink>"
    )
    assert entry.permalink == "https://q.example/9"


def test_an_entry_without_guid_and_link_is_known_by_its_fingerprint():
    one, two = parse(
        _rss("<description>First.</description>", "<description>Second.</description>"), None, URL
    ).entries
    assert (one.guid, two.guid) == (one.fingerprint, two.fingerprint)
    assert one.guid != two.guid
    assert one.title == "First."


def test_repeated_guids_are_told_apart_the_same_way_each_time_and_an_exact_repeat_is_one_entry():
    a = "<guid isPermaLink='false'>g</guid><title>A</title><link>https://q.example/a</link>"
    b = "<guid isPermaLink='false'>g</guid><title>B</title><link>https://q.example/b</link>"
    first = parse(_rss(a, b, a), None, URL).entries
    assert [entry.title for entry in first] == ["A", "B"]
    assert first[0].guid.startswith("g#")
    assert first[0].guid != first[1].guid
    assert {entry.guid for entry in parse(_rss(b, a), None, URL).entries} == {entry.guid for entry in first}


def test_an_entry_with_nothing_in_it_is_none():
    assert parse(_rss("", "<pubDate>Mon, 23 Nov 2026 10:00:00 GMT</pubDate>"), None, URL).entries == ()


def test_a_note_without_a_title_gets_its_own_first_words():
    text = "word " * 40
    title = _one(f"<guid>https://q.example/n</guid><description>{text}</description>").title
    assert title == " ".join(["word"] * 16) + " …"


def test_an_entry_keeps_a_language_of_its_own_only():
    feed = parse(
        _atom(
            "<id>urn:1</id><title>One</title>",
            "<id>urn:2</id><title xml:lang='ja'>二つ目</title>",
            attributes="xml:lang='en'",
        ),
        None,
        URL,
    )
    assert [entry.language for entry in feed.entries] == [None, "ja"]


@pytest.mark.parametrize(
    ("said", "name"),
    [
        ("ada@q.example (Ada Quill)", ("Ada Quill",)),
        ("Ada Quill &lt;ada@q.example&gt;", ("Ada Quill",)),
        ("ada@q.example", ()),
        ("(Ada Quill)", ("Ada Quill",)),
        ("Ada Quill (Example Wire)", ("Ada Quill (Example Wire)",)),
    ],
)
def test_mail_addresses_of_authors_are_not_kept(said: str, name: tuple[str, ...]):
    assert _one(f"<title>T</title><author>{said}</author>").authors == name


@pytest.mark.parametrize(
    ("xml", "count"),
    [
        ("<slash:comments>0</slash:comments>", 0),
        ("<thr:total>7</thr:total>", 7),
        ("<slash:comments>many</slash:comments>", None),
        ("<slash:comments>-1</slash:comments>", None),
        ("", None),
    ],
)
def test_the_feeds_own_comment_count(xml: str, count: int | None):
    assert _one(f"<title>T</title>{xml}").comment_count == count


@pytest.mark.parametrize("date", ["Mon, 32 Nov 2026 25:00:00", "0000-00-00", "soon"])
def test_a_date_that_cannot_be_read_is_none(date: str):
    assert _one(f"<title>T</title><pubDate>{date}</pubDate>").published_at is None


@pytest.mark.parametrize("date", ["0001-01-01T00:00:00Z", "1066-10-14T00:00:00Z", "9999-12-31T23:59:59Z"])
def test_a_date_that_stands_for_none_is_none(date: str):
    """Some time zones have no such day: one entry would keep every page from being written."""
    entry = _one(f"<title>T</title><pubDate>{date}</pubDate><atom:updated>{date}</atom:updated>")
    assert (entry.published_at, entry.updated_at) == (None, None)


def test_a_date_in_the_future_is_left_as_it_is():
    entry = _one("<title>T</title><pubDate>Fri, 01 Jan 2038 00:00:00 GMT</pubDate>")
    assert entry.published_at == datetime(2038, 1, 1, tzinfo=UTC)


@pytest.mark.parametrize(
    "link", ["javascript:alert(1)", "http://[bad", "mailto:a@q.example", "https://" + "x" * 5000]
)
def test_only_web_addresses_are_links(link: str):
    assert _one(f"<title>T</title><guid isPermaLink='false'>1</guid><link>{link}</link>").permalink is None


def test_texts_are_bounded_by_whole_characters():
    entry = _one(f"<title>{'題' * 3000}</title><description>{'本' * 300_000}</description>")
    assert entry.title == "題" * 1000
    assert entry.summary_html == "本" * (500_000 // 3)


@pytest.mark.parametrize("reference", ["&#xD800;", "&#55296;", "&#0;", "&#11;", "&#xFFFFFFFF;", "&#x1;"])
def test_references_to_characters_that_do_not_exist_cost_no_entry(reference: str):
    entry = _one(f"<title>a{reference}b</title><link>https://q.example/1</link>")
    assert entry.title in {"a\N{REPLACEMENT CHARACTER}b", "ab"}


def test_an_entity_bomb_is_not_expanded():
    levels = "".join(f'<!ENTITY e{n} "{f"&e{n - 1};" * 10}">' for n in range(1, 12))
    body = _rss("<title>&e11;</title><link>https://q.example/1</link>").decode()
    bomb = body.replace("<rss", f'<!DOCTYPE rss [<!ENTITY e0 "boom">{levels}]><rss').encode()
    started = time.process_time()
    try:
        assert all(len(entry.title) <= 1000 for entry in parse(bomb, None, URL).entries)
    except NotAFeed as error:
        assert URL in str(error)  # noqa: PT017 - either answer is right
    assert time.process_time() - started < 2


def test_external_entities_are_not_read(tmp_path):
    secret = tmp_path / "secret"
    secret.write_text("hidden")
    body = _rss("<title>a&x;</title><link>https://q.example/1</link>").decode()
    xxe = body.replace("<rss", f'<!DOCTYPE rss [<!ENTITY x SYSTEM "file://{secret}">]><rss').encode()
    assert "hidden" not in str(parse(xxe, None, URL))


def test_a_thousand_entries_are_all_taken():
    body = _rss(*(f"<title>T{n}</title><link>https://q.example/{n}</link>" for n in range(1200)))
    assert len(parse(body, None, URL).entries) == 1200


@given(st.binary(max_size=300) | st.text(alphabet='<>/="& itemrsfdchanl{}[]:', max_size=300).map(str.encode))
def test_any_bytes_are_a_feed_or_refused(body: bytes):
    try:
        assert isinstance(parse(body, None, URL), ParsedFeed)
    except NotAFeed as error:
        assert URL in str(error)  # noqa: PT017 - either answer is right


JSON = st.recursive(
    st.none() | st.booleans() | st.floats() | st.integers() | st.text(st.characters(codec=None), max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=6,
)
KEYS = [
    "id",
    "url",
    "title",
    "summary",
    "content_html",
    "content_text",
    "authors",
    "tags",
    "attachments",
    "date_published",
]


@given(st.lists(st.dictionaries(st.sampled_from(KEYS), JSON)) | JSON, JSON)
def test_json_feeds_of_any_shape_are_read(entries: object, title: object):
    body = {
        "version": "https://jsonfeed.org/version/1",
        "title": title,
        "items": entries,
        "home_page_url": title,
    }
    for entry in parse(json.dumps(body).encode(), None, URL).entries:
        assert entry.guid
        assert entry.guid.encode()


def _refused(body: bytes) -> str:
    started = time.process_time()
    with pytest.raises(NotAFeed) as caught:
        parse(body, None, URL)
    assert time.process_time() - started < 3
    return str(caught.value)


def test_a_million_open_elements_are_refused_before_they_cost_anything():
    assert "nests more than 100000 elements" in _refused(b"<rss><channel>" + b"<a>" * 1_000_000)
    assert "nests more than 100000 elements" in _refused(b"<rss><channel>" + b"<a b='" * 1_000_000)


@pytest.mark.parametrize("end", [b"/>", b">", b"/>&"])
def test_an_element_of_a_hundred_thousand_attributes_is_refused_before_it_costs_anything(end: bytes):
    attributes = b" ".join(b'a%d="1"' % n for n in range(100_000))
    body = b"<rss><channel><item " + attributes + end + b"</channel></rss>"
    assert "more than 1000 attributes" in _refused(body)


def test_hostile_markup_inside_an_entry_costs_only_the_markup():
    attributes = " ".join(f'a{n}="1"' for n in range(100_000))
    deep = "<div>" * 300_000
    feed = parse(
        _rss(
            f"<title>A</title><description><![CDATA[<a {attributes}>x</a>]]></description>",
            f"<title>B</title><description><![CDATA[{deep}y]]></description>",
        ),
        None,
        URL,
    )
    assert [(entry.title, len(entry.summary_html) < 100) for entry in feed.entries] == [
        ("A", True),
        ("B", True),
    ]


def test_ten_thousand_entries_and_titles_of_five_megabytes_are_read():
    entries = (f"<title>T{n}</title><link>https://q.example/{n}</link>" for n in range(10_000))
    assert len(parse(_rss(*entries), None, URL).entries) == 10_000
    assert len(_one(f"<title>{'word ' * 1_000_000}</title>").title) <= 1000


def test_a_prolog_of_comments_costs_no_more_than_its_length():
    _refused(b"<!-- x -->" * 300_000 + b"<rss>")


@pytest.mark.parametrize(
    ("body", "content_type"),
    [
        (
            b"""<?xml version="1.0"?><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"
            xmlns="http://my.netscape.com/rdf/simple/0.9/"><channel><title>Old</title><link>https://q.example/</link>
            </channel><item><title>One</title><link>https://q.example/1</link></item></rdf:RDF>""",
            "text/xml",
        ),
        (
            b"""<feed version="0.3" xmlns="http://purl.org/atom/ns#"><title>Old</title><entry><title>One</title>
            <link rel="alternate" type="text/html" href="https://q.example/1"/><id>tag:1</id></entry></feed>""",
            "application/atom+xml",
        ),
        (
            b"""<channel href="https://q.example/"><title>Old</title><item href="https://q.example/1"><title>One</title>
            </item></channel>""",
            "application/cdf+xml",
        ),
        (
            b"""{"version": "https://jsonfeed.org/version/1", "title": "Old", "author": {"name": "Ada"},
            "items": [{"id": "1", "title": "One", "url": "https://q.example/1"}]}""",
            "application/json",
        ),
    ],
    ids=["rss 0.90", "atom 0.3", "cdf", "json feed 1.0"],
)
def test_formats_that_are_seldom_met_are_read(body: bytes, content_type: str):
    feed = parse(body, content_type, URL)
    assert (feed.title, _only(feed).title, _only(feed).permalink) == ("Old", "One", "https://q.example/1")


def test_a_podcast_is_read():
    body = _rss(
        """<title>Episode</title><guid isPermaLink="false">e1</guid><itunes:author>Ada Quill</itunes:author>
        <itunes:summary>About chips.</itunes:summary><itunes:image href="https://q.example/e1.jpg"/>
        <enclosure url="https://q.example/e1.mp3" type="audio/mpeg" length="99"/>"""
    ).replace(b"<rss ", b'<rss xmlns:itunes="http://www.itunes.com/dtds/podcast-1.0.dtd" ')
    entry = _only(parse(body, "application/rss+xml", URL))
    assert (entry.authors, entry.image_url) == (("Ada Quill",), "https://q.example/e1.jpg")
    assert entry.summary_html == "<p>About chips.</p>"
    assert entry.enclosures == (
        Enclosure(url="https://q.example/e1.mp3", media_type="audio/mpeg", length=99),
    )


def test_where_no_timer_ends_a_parse_only_small_bodies_are_mended():
    broken = "<title>Q & A</title><link>https://q.example/1</link>"
    assert _only(parse(_rss(broken), None, URL, is_timed=False)).title == "Q & A"
    padding = f"<description>{'x' * 40_000}</description>"
    with pytest.raises(NotAFeed, match="no timer"):
        parse(_rss(broken + padding), None, URL, is_timed=False)
    well_formed = _rss("<title>Q &amp; A</title><link>https://q.example/1</link>" + padding)
    assert _only(parse(well_formed, None, URL, is_timed=False)).title == "Q & A"


def test_a_line_break_inside_an_address_counts_for_nothing():
    """WHATWG URL: tabs and line breaks are taken out of an address before it is read."""
    assert clean.web_url("https://a.example/", "h\n\nttp://b.example/\tx") == "http://b.example/x"


def test_a_backslash_in_an_entity_is_no_crash():
    declared = b'<!DOCTYPE rss [\n<!ENTITY id "a\\ud800">\n]>'
    body = declared + b'<rss version="2.0"><channel><item><guid>&id;</guid></item></channel></rss>'
    with pytest.raises(NotAFeed, match="breaks the parser"):
        parse(body, "application/rss+xml", URL)
