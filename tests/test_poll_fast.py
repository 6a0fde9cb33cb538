"""The fast path reads what it takes as feedparser reads it: generated documents, field by field."""

import html
from datetime import datetime

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from aggregator.errors import NotAFeed
from aggregator.model import ParsedFeed
from aggregator.poll import fast, lenient, xmlfeed
from aggregator.poll.fast import dates

URL = "https://feeds.quillon.example/news.xml"
PREFIXES = {
    "atom": "http://www.w3.org/2005/Atom",
    "content": "http://purl.org/rss/1.0/modules/content/",
    "dc": "http://purl.org/dc/elements/1.1/",
    "dcterms": "http://purl.org/dc/terms/",
    "feedburner": "http://rssnamespace.org/feedburner/ext/1.0",
    "itunes": "http://www.itunes.com/dtds/podcast-1.0.dtd",
    "media": "http://search.yahoo.com/mrss/",
    "rdf": "http://www.w3.org/1999/02/22-rdf-syntax-ns#",
    "slash": "http://purl.org/rss/1.0/modules/slash/",
    "sy": "http://purl.org/rss/1.0/modules/syndication/",
    "thr": "http://purl.org/syndication/thread/1.0",
    "wfw": "http://wellformedweb.org/CommentAPI/",
    "x": "urn:unknown",
}
NAMESPACES = " ".join(f'xmlns:{prefix}="{uri}"' for prefix, uri in PREFIXES.items())
# What documents hold, and what they might: repeated, empty, in the wrong place, in capitals.
USUAL = """title link guid pubDate description content:encoded dc:creator category comments slash:comments
    wfw:commentRss author enclosure dc:date media:thumbnail media:content atom:link feedburner:origLink""".split()
ATOM = "id title link updated published summary content author category thr:total contributor source".split()
RARE = """atom:updated atom:id dc:title dc:subject dc:language language media:group media:title media:description
    media:credit media:keywords media:category itunes:author itunes:summary itunes:image itunes:keywords itunes:owner
    itunes:subtitle dcterms:modified dcterms:created issued modified created lastBuildDate keywords image textInput
    source body fullitem tags authors x:title x:other other TITLE pubdate rights name email url ttl sy:updatePeriod
    sy:updateFrequency managingEditor webMaster generator skipHours cloud abstract info dc:description dc:contributor
    atom:content atom:summary atom:author contributor rdf:li items newlocation published updated id""".split()
HEAD = """title link language ttl sy:updatePeriod sy:updateFrequency atom:link managingEditor pubDate generator""".split()
PERSONS = ["name", "email", "uri", "x:image", "url"]
TEXTS = [
    "", " ", "text", "Two  words\n", "1", "12", "true", "https://q.example/1", "https:////q.example/2?a=1&b=2",
    "/relative", "guid-1", "Ada Quill", "ada@q.example (Ada Quill)", "Ada <ada@q.example>", "Mon, 23 Nov 2026 10:00:00 +0900",
    "2026-11-20T09:00:00Z", "2026-11-20", "Wed Nov 25 10:00:00 2026", "soon", "<p>Some <b>bold</b> &amp; text</p>", "a &lt;b&gt; c",
    "日本語", "caf\u00c3\u00a9", "naïve “x”", "\u00a0x\u00a0", "https://q.example/?a=1&copy;=2&amp;d=3", "en", "ja_JP", "hourly",
]  # fmt: skip
ATTRIBUTES = [
    'isPermaLink="false"', 'isPermaLink="true"', 'isPermaLink="False"', 'href="https://q.example/3"', 'href="/r"', 'href=""',
    'url="https://q.example/a.mp3"', 'rel="alternate"', 'rel="enclosure"', 'rel="SELF"', 'rel="hub"', 'rel="replies"', 'rel="edit"',
    'type="text/html"', 'type="html"', 'type="text"', 'type="xhtml"', 'type="image/png"', 'type="application/atom+xml"',
    'type="text/plain"', 'length="12"', 'medium="image"', 'term="t"', 'label="l"', 'domain="d"', 'scheme="s"', 'xml:lang="fr"',
    'lang="de"', 'xml:lang=""', 'thr:count="3"', 'x:href="u"', 'rdf:about="https://q.example/about"', 'mode="base64"',
    'xml:base="https://base.example/"', 'src="https://q.example/src"', 'text="Tech"', 'lastmod="2026-11-20"',
]  # fmt: skip

FITTING = {
    "link": ['href="https://q.example/3"', 'rel="replies"', 'rel="alternate"', 'type="text/html"', 'thr:count="3"'],
    "atom:link": ['href="https://q.example/3"', 'rel="hub"', 'rel="enclosure"', 'length="12"', 'type="image/png"'],
    "guid": ATTRIBUTES[:3], "category": ['term="t"', 'label="l"', 'domain="d"', 'scheme="s"'],
    "enclosure": ['url="https://q.example/a.mp3"', 'type="image/png"', 'length="12"'],
    "media:content": ['url="/i.png"', 'medium="image"'], "media:thumbnail": ['url="/t.png"'],
    "content": ['xml:base="https://entry.example/1/"', 'type="html"', 'type="text"'], "summary": ['type="html"'], "title": ['type="html"', 'xml:lang="fr"'],
    "itunes:image": ['href="/i.png"'],
}  # fmt: skip


def _written(name: str, attributes: list[str], text: str, inside: str, *, cdata: bool) -> str:
    said = {attribute.partition("=")[0]: attribute for attribute in attributes}
    content = f"<![CDATA[{text}]]>" if cdata else html.escape(text, quote=False)
    return f"<{' '.join([name, *said.values()])}>{content}{inside}</{name}>"


def _seldom(draw: st.DrawFn) -> bool:
    return draw(st.integers(0, 9)) == 9


@st.composite
def _elements(draw: st.DrawFn, names: list[str]) -> str:
    name = draw(st.sampled_from(names))
    pool = st.sampled_from(FITTING.get(name, [])) if name in FITTING else st.nothing()
    attributes = draw(st.lists(pool, max_size=3)) if name in FITTING else []
    attributes += draw(st.lists(st.sampled_from(ATTRIBUTES), max_size=2)) if _seldom(draw) else []
    inside = ""
    if name.endswith(
        (
            "author",
            "contributor",
            "owner",
            "group",
            "media:content",
            "source",
            "image",
            "textInput",
            "x:other",
        )
    ):
        within = PERSONS if name.endswith(("author", "contributor")) else [*USUAL, *PERSONS, "media:title"]
        inside = "".join(
            draw(st.lists(_elements([n for n in within if n not in {"author", "source"}]), max_size=3))
        )
    text = draw(st.sampled_from(TEXTS)) if not inside or draw(st.integers(0, 9)) == 0 else ""
    return _written(name, attributes, text, inside, cdata=draw(st.booleans()))


def _many(draw: st.DrawFn, usual: list[str]) -> str:
    some = draw(st.lists(_elements(usual), max_size=6, unique_by=lambda element: element[:6]))
    return "".join(
        [*some, *(draw(st.lists(_elements([*RARE, *usual]), max_size=2)) if _seldom(draw) else [])]
    )


@st.composite
def _documents(draw: st.DrawFn) -> str:
    kind = draw(st.sampled_from(["rss", "atom", "rdf"]))
    usual = ATOM if kind == "atom" else USUAL
    entry = "entry" if kind == "atom" else "item"
    entries = ""
    for _ in range(draw(st.integers(1, 3))):
        attribute = draw(st.sampled_from(ATTRIBUTES)) if _seldom(draw) else ""
        entries += f"<{entry} {attribute}>{_many(draw, usual)}</{entry}>"
    head = _many(draw, HEAD)
    base = draw(st.sampled_from(["", "", "", 'xml:base="https://base.example/"', 'xml:base="relative"']))
    lang = base + draw(st.sampled_from(["", ' xml:lang="en-US"', ' xml:lang="en_GB"', ' lang="fr"']))
    match kind:
        case "atom":
            return f'<feed xmlns="{PREFIXES["atom"]}" {NAMESPACES} {lang}>{head}{entries}</feed>'
        case "rss":
            return f'<rss version="2.0" {NAMESPACES} {lang}><channel>{head}{entries}</channel></rss>'
    return f'<rdf:RDF xmlns="http://purl.org/rss/1.0/" {NAMESPACES} {lang}><channel>{head}</channel>{entries}</rdf:RDF>'


def _slow(text: bytes) -> ParsedFeed | None:
    try:
        return xmlfeed.read(lenient.tree(text, URL), text, URL)
    except NotAFeed:
        return None


taken = []


@settings(max_examples=300, deadline=None)
@given(_documents())
@example(f"<rss {NAMESPACES}><channel><item><title>T</title></item></channel></rss>")
def test_a_document_is_read_as_feedparser_reads_it(document: str):
    text = document.encode()
    tree = fast.tree(text)
    taken.append(tree is not None)
    if tree is not None:
        assert xmlfeed.read(tree, text, URL) == _slow(text)


def test_the_generator_makes_documents_that_the_fast_path_takes():
    assert len(taken) < 100 or sum(taken) > len(taken) / 5


@pytest.mark.parametrize(
    "text",
    [
        "<rss><channel><item><title>Q & A</title></item></channel></rss>",
        '<!DOCTYPE rss [<!ENTITY a "b">]><rss><channel/></rss>',
        '<rss xml:base="relative/"><channel/></rss>',
        '<rss><channel><item><comments xml:base="https://q.example/">x</comments></item></channel></rss>',
        "<rss><channel><item><title>a&#150;b</title></item></channel></rss>",
        '<feed xmlns="http://purl.org/atom/ns#"><entry/></feed>',
        "<rss><channel><item>" + "<a>" * 300 + "</a>" * 300 + "</item></channel></rss>",
        "<html/>",
        "no markup",
    ],
)
def test_what_is_not_sure_is_left_to_feedparser(text: str):
    assert fast.tree(text.encode()) is None


@pytest.mark.parametrize(
    "text",
    [
        "Mon, 23 Nov 2026 10:00:00 +0900", "23 Nov 2026 10:00:00 GMT", "Tue, 3 Feb 2026 23:59:59 -0330",
        "Mon, 23 Nov 2026 10:00:00 EST", "Sun, 30 Feb 2026 10:00:00 GMT", "Mon, 23 Nov 2026 10:00:60 GMT",
        "Mon, 23 Nov 2026 24:00:00 GMT", "Sat, 01 Jan 0001 00:00:00 +0100", "mon, 23 nov 2026 10:00:00 z",
        "2026-11-24T06:30:00Z", "2026-11-24T06:30:00.999999+09:00", "2026-11-24T06:30:00-03:30", "2026-11-24",
        "0001-01-01T00:00:00+01:00", "2026-11-24 06:30:00", "2026-13-01T00:00:00Z", "2026-11-24T06:30:00+0900",
        "yesterday", "", "9999-12-31T23:59:59-01:00", "Mon, 23 Nov 2026 10:00:00 +9999",
    ],
)  # fmt: skip
def test_dates_are_read_as_feedparser_reads_them(text: str):
    _assert_same_date(text)


@given(
    st.datetimes(), st.sampled_from(["%a, %d %b %Y %H:%M:%S ", "%d %b %Y %H:%M:%S ", "%Y-%m-%dT%H:%M:%S", "%Y-%m-%dT%H:%M:%S.%f"]),
    st.sampled_from(["Z", "GMT", "UTC", "UT", "+0000", "-0000", "+0930", "-12:00", "+00:59", "-00:30", "PDT", "", "+1", "-9999"]),
)  # fmt: skip
def test_generated_dates_are_read_as_feedparser_reads_them(moment: datetime, form: str, zone: str):
    _assert_same_date(moment.strftime(form) + zone)


def _assert_same_date(text: str) -> None:
    theirs = lenient.parse_date(text)
    ours = dates.parse(text)
    assert (ours and tuple(ours)[:6]) == (theirs and tuple(theirs)[:6])
