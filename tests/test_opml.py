"""feeds.opml read, and edited without touching what an edit does not mean."""

import contextlib
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aggregator import opml
from aggregator.errors import OpmlError
from aggregator.model import FeedSettings, Subscription

FILE = b"""<?xml version="1.0" encoding="UTF-8"?>
<!-- kept -->
<opml version="2.0">
  <head><title>Feeds</title></head>
  <body>
    <outline text="News">
      <outline type="rss" text="Alpha" xmlUrl="https://alpha.example/feed" htmlUrl="https://alpha.example/"
               rights="full" rights_note="CC BY 4.0" x-mine='a "quoted" > value'/>
      <!-- between -->
      <outline text="Deep">
        <outline type="rss" title="Beta" xmlUrl="https://beta.example/rss" paused="true" language="ja"/>
      </outline>
    </outline>
    <outline text="Gamma &amp; Co" xmlUrl="https://gamma.example/atom"/>
  </body>
</opml>
"""
ALPHA = "https://alpha.example/feed"
NEW = Subscription(url="https://new.example/feed?a=1&b=2", title='New "News" <1>', category="News")


def _opml(body: str) -> bytes:
    return f'<?xml version="1.0"?>\n<opml version="2.0">\n<body>\n{body}\n</body>\n</opml>\n'.encode()


def test_feeds_are_read_with_their_categories_and_settings():
    alpha, beta, gamma = opml.parse(FILE)
    assert alpha == Subscription(
        url=ALPHA,
        title="Alpha",
        site_url="https://alpha.example/",
        category="News",
        settings=FeedSettings(rights="full", rights_note="CC BY 4.0"),
    )
    assert (beta.title, beta.category, beta.settings) == (
        "Beta",
        "News/Deep",
        FeedSettings(paused=True, language="ja"),
    )
    assert (gamma.title, gamma.category, gamma.site_url) == ("Gamma & Co", "", None)


def test_of_a_feed_listed_twice_the_first_outline_counts():
    twice = '<outline text="A" xmlUrl="https://a.example/f"/><outline text="B" xmlUrl="HTTPS://A.example:443/f#x"/>'
    assert [feed.title for feed in opml.parse(_opml(twice))] == ["A"]


@pytest.mark.parametrize(
    ("body", "line", "expected"),
    [
        ('\n<outline text="A" xmlUrl="https://a.example/" rights="all"/>', 5, "titles | excerpt | full"),
        ('<outline text="A" xmlUrl="https://a.example/" paused="maybe"/>', 4, "true or false"),
        ('<outline text="A" xmlUrl="https://a.example/" identity="link"/>', 4, "guid | permalink | title"),
        ('<outline text="A" xmlUrl="https://a.example/" retry_scope="ip"/>', 4, "url | host | domain"),
        ('<outline text="A" xmlUrl="https://a.example/" merge="no"/>', 4, "all | address"),
        ('<outline type="rss" text="A"/>', 4, "feed's address"),
        ("<outline/>", 4, "expected a feed's address or a category's name"),
        ('<outline text="A" xmlUrl="ftp://a.example/"/>', 4, "http or https"),
        ('<outline text="A">', 5, "XML"),
        ("\n\n<outline text=A/>", 6, "XML"),
    ],
)
def test_an_error_names_file_line_and_what_was_expected(body: str, line: int, expected: str):
    with pytest.raises(OpmlError, match=re.escape(f"my.opml, line {line}: ")) as caught:
        opml.parse(_opml(body), "my.opml")
    assert expected in str(caught.value)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"feeds: none",
        b"<html><body/></html>",
        b"<opml/>",
        b'<?xml version="1.0" encoding="no-such"?><opml><body/></opml>',
        b"<opml><body>\xff</body></opml>",
        b'<!DOCTYPE opml [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;">]><opml><body/></opml>',
        b'<!DOCTYPE opml [<!ENTITY x SYSTEM "file:///etc/hostname">]><opml><body>&x;</body></opml>',
        b"<opml><body>" + b'<outline text="d">' * 5000 + b"</outline>" * 5000 + b"</body></opml>",
    ],
)
def test_what_is_no_opml_is_refused(data: bytes):
    with pytest.raises(OpmlError):
        opml.parse(data)


def test_the_file_to_start_from_has_no_feeds():
    assert opml.parse(opml.EMPTY) == ()


@pytest.mark.parametrize(
    ("encoding", "bom"),
    [("shift_jis", b""), ("euc-jp", b""), ("iso-8859-1", b""), ("utf-16", b""), ("utf-8", b"\xef\xbb\xbf")],
)
def test_an_edit_keeps_the_files_encoding_and_bom(encoding: str, bom: bytes):
    name = "Älpha" if encoding == "iso-8859-1" else "技術"
    data = bom + FILE.decode().replace("UTF-8", encoding).replace("Alpha", name).encode(encoding)
    added = opml.add(data, NEW)
    assert opml.parse(added)[0].title == name
    assert opml.remove(added, NEW.url) == data


def test_a_character_the_encoding_lacks_is_written_as_a_reference():
    data = FILE.replace(b"UTF-8", b"iso-8859-1")
    added = opml.add(data, Subscription(url="https://x.example/", title="日本", category="分類"))
    assert opml.parse(added)[-1] == Subscription(url="https://x.example/", title="日本", category="分類")


def test_a_feed_is_added_after_its_categorys_last_outline_with_its_indentation():
    added = opml.add(FILE, NEW).decode()
    tag = '<outline type="rss" text="New &quot;News&quot; &lt;1&gt;" xmlUrl="https://new.example/feed?a=1&amp;b=2"/>'
    before, line, after = added.partition(f"\n      {tag}")
    assert line
    assert (before + after).encode() == FILE
    assert before.endswith("      </outline>")
    assert after.startswith("\n    </outline>")


def test_missing_categories_are_made_inside_the_ones_that_exist():
    feed = Subscription(url="https://new.example/", title="N", category="News/Deep/Deeper/Deepest")
    added = opml.add(FILE, feed)
    assert opml.parse(added)[2] == feed
    assert (
        b'\n        <outline text="Deeper">\n          <outline text="Deepest">\n            <outline type'
        in added
    )


@pytest.mark.parametrize(
    "body", ["<body/>", "<body></body>", "<body>\n  </body>", '<body><outline text="C"/></body>']
)
def test_a_feed_can_be_added_to_an_empty_file(body: str):
    feed = Subscription(url="https://new.example/", title="N", category="C")
    assert opml.parse(opml.add(f"<opml>\n  {body}\n</opml>".encode(), feed)) == (feed,)


def test_line_ends_of_windows_stay():
    data = FILE.replace(b"\n", b"\r\n")
    added = opml.add(data, NEW)
    assert added.count(b"\n") == added.count(b"\r\n") == data.count(b"\n") + 1


def test_a_listed_feed_is_not_added_again():
    with pytest.raises(OpmlError, match=r"line 7: .* is listed already"):
        opml.add(FILE, Subscription(url="https://ALPHA.example/feed"))


def test_removing_takes_the_outlines_line_and_nothing_else():
    removed = opml.remove(FILE, "https://gamma.example/atom")
    gone = b'    <outline text="Gamma &amp; Co" xmlUrl="https://gamma.example/atom"/>\n'
    assert removed == FILE.replace(gone, b"")


def test_removing_takes_every_duplicate():
    body = '<outline text="A" xmlUrl="https://a.example/"/><outline text="B" xmlUrl="https://a.example"/>'
    assert opml.parse(opml.remove(_opml(body), "https://a.example/")) == ()


def test_outlines_inside_a_removed_feed_stay():
    body = '<outline text="A" xmlUrl="https://a.example/"><outline text="B" xmlUrl="https://b.example/"/></outline>'
    assert [feed.title for feed in opml.parse(opml.remove(_opml(body), "https://a.example/"))] == ["B"]


def test_a_feed_moves_to_another_category_as_it_is_written():
    moved = opml.categorise(FILE, ALPHA, "News/Deep")
    outline = FILE[FILE.index(b'<outline type="rss" text="Alpha"') :]
    outline = outline[: outline.index(b"/>") + 2]
    without = FILE.replace(b"      " + outline + b"\n", b"")
    beta = b'paused="true" language="ja"/>\n'
    assert moved == without.replace(beta, beta + b"        " + outline + b"\n")
    assert opml.categorise(moved, ALPHA, " News / Deep ") == moved
    back = opml.categorise(moved, ALPHA, "")
    assert {each.url: each.category for each in opml.parse(back)}[ALPHA] == ""
    assert outline in back


def test_a_category_that_is_missing_is_made_for_a_feed_that_moves():
    moved = opml.categorise(FILE, ALPHA, "AI & <半導体>/News")
    assert b'<outline text="AI &amp; &lt;' in moved
    assert opml.parse(moved)[-1].category == "AI & <半導体>/News"
    assert len(opml.parse(moved)) == len(opml.parse(FILE))


@pytest.mark.parametrize("category", ["Ne\x00ws", "\x1bNews", "News\ud800", " \x01 News"])
def test_characters_that_xml_cannot_hold_make_no_second_category(category: str):
    data = _opml('<outline text="News"><outline text="A" xmlUrl="https://a.example/"/></outline>')
    data = opml.add(data, Subscription(url="https://b.example/", title="B", category=category))
    assert data.count(b'text="News"') == 1
    assert {each.category for each in opml.parse(data)} == {"News"}
    assert opml.categorise(data, "https://a.example/", category) == data


def test_a_feed_that_is_alone_in_its_category_moves_into_one_inside_it():
    data = _opml('<outline text="News">\n<outline text="A" xmlUrl="https://a.example/"/>\n</outline>')
    moved = opml.categorise(data, "https://a.example/", "News/Deep")
    assert [each.category for each in opml.parse(moved)] == ["News/Deep"]


def test_outlines_inside_a_feed_that_moves_stay_where_they_are():
    data = _opml(
        '<outline text="A" xmlUrl="https://a.example/"><outline text="B" xmlUrl="https://b.example/"/></outline>'
    )
    moved = opml.parse(opml.categorise(data, "https://a.example/", "New"))
    assert {each.url: each.category for each in moved} == {
        "https://a.example/": "New", "https://b.example/": "",
    }  # fmt: skip


@pytest.mark.parametrize("encoding", ["utf-16", "shift_jis", "utf-8-sig"])
def test_a_feed_moves_in_any_encoding(encoding: str):
    body = '<outline text="技術"><outline text="表示" xmlUrl="https://a.example/"/></outline>'
    named = "utf-8" if encoding == "utf-8-sig" else encoding
    data = f'<?xml version="1.0" encoding="{named}"?><opml><body>{body}</body></opml>'.encode(encoding)
    (moved,) = opml.parse(opml.categorise(data, "https://a.example/", "半導体"))
    assert (moved.title, moved.category) == ("表示", "半導体")


def test_setting_an_attribute_changes_its_value_alone():
    assert opml.set_attribute(FILE, ALPHA, "rights", "titles") == FILE.replace(
        b'rights="full"', b'rights="titles"'
    )


def test_a_new_attribute_stands_after_the_last():
    changed = opml.set_attribute(FILE, "https://gamma.example/atom", "paused", "true")
    assert changed == FILE.replace(b'gamma.example/atom"/>', b'gamma.example/atom" paused="true"/>')


def test_removing_an_attribute_leaves_the_others():
    changed = opml.set_attribute(FILE, "https://beta.example/rss", "paused", None)
    assert changed == FILE.replace(b' paused="true"', b"")
    assert opml.set_attribute(changed, "https://beta.example/rss", "paused", None) == changed


@pytest.mark.parametrize(
    "edit", [opml.remove, lambda data, url: opml.set_attribute(data, url, "rights", "full")]
)
def test_a_feed_that_is_not_listed_cannot_be_edited(edit):
    with pytest.raises(OpmlError, match=r"https://no\.example/ is not listed"):
        edit(FILE, "https://no.example/")


TEXTS = st.text(
    st.characters(codec="utf-8", exclude_categories=["Cc", "Cs", "Cn"]), min_size=1, max_size=30
).map(lambda text: " ".join(text.split()) or "x")


@given(
    title=TEXTS,
    category=st.lists(TEXTS.map(lambda text: text.replace("/", "-")), max_size=3).map("/".join),
    settings=st.builds(
        FeedSettings,
        rights=st.sampled_from(["titles", "excerpt", "full"]),
        rights_note=TEXTS | st.just(""),
        paused=st.booleans(),
        identity=st.sampled_from([None, "guid", "permalink", "title"]),
        retry_scope=st.sampled_from([None, "url", "host", "domain"]),
        merge=st.sampled_from([None, "all", "address"]),
        language=st.sampled_from([None, "ja", "en-US"]),
    ),
)
def test_what_is_added_is_read_back_and_removed_again(title: str, category: str, settings: FeedSettings):
    feed = Subscription(
        url="https://new.example/?q=1&r=2",
        title=title,
        site_url="https://new.example/",
        category=category,
        settings=settings,
    )
    added = opml.add(FILE, feed)
    assert set(opml.parse(added)) == {*opml.parse(FILE), feed}
    assert opml.parse(opml.remove(added, feed.url)) == opml.parse(FILE)


@given(value=TEXTS, name=st.sampled_from(["x-new", "rights_note", "text"]))
def test_an_attribute_that_is_set_back_leaves_the_file_as_it_was(value: str, name: str):
    old = {"x-new": None, "rights_note": "CC BY 4.0", "text": "Alpha"}[name]
    changed = opml.set_attribute(FILE, ALPHA, name, value)
    assert len(opml.parse(changed)) == 3
    assert opml.set_attribute(changed, ALPHA, name, old) == FILE


@given(
    st.binary(max_size=200)
    | st.text(alphabet="<>/=\"'& outlineopmlbodyxmlUrl\n", max_size=300).map(str.encode)
)
def test_any_bytes_are_read_or_refused(data: bytes):
    with contextlib.suppress(OpmlError):
        assert isinstance(opml.parse(data), tuple)


@pytest.mark.parametrize("codec", ["utf-16-le", "utf-16-be", "utf-32-le"])
def test_a_wide_encoding_without_its_mark_is_refused_before_an_edit_goes_astray(codec: str):
    with pytest.raises(OpmlError, match="byte order mark"):
        opml.parse('<opml><body><outline text="A" xmlUrl="https://a.example/"/></body></opml>'.encode(codec))


# --- feeds that moved, and everything wrong at once ---------------------------------------------------------


def test_a_feed_that_moved_is_known_by_its_first_address():
    moved = opml.move(FILE, "https://gamma.example/atom", "https://gamma.example/new?a=1&b=2")
    assert moved == FILE.replace(
        b'xmlUrl="https://gamma.example/atom"',
        b'xmlUrl="https://gamma.example/new?a=1&amp;b=2" first_url="https://gamma.example/atom"',
    )
    before = {each.title: each for each in opml.parse(FILE)}
    for each in opml.parse(moved):
        assert each.url == before[each.title].url
        if each.url == "https://gamma.example/atom":
            assert each.address == "https://gamma.example/new?a=1&b=2"


def test_the_first_address_outlives_a_second_move():
    once = opml.move(FILE, "https://gamma.example/atom", "https://b.example/")
    twice = opml.move(once, "https://gamma.example/atom", "https://c.example/")
    assert twice == once.replace(b"https://b.example/", b"https://c.example/")
    assert opml.move(twice, "https://c.example/", "https://b.example/") == once


def test_both_addresses_of_a_feed_that_moved_are_listed():
    moved = opml.move(FILE, "https://gamma.example/atom", "https://b.example/")
    for url in ("https://gamma.example/atom", "https://b.example/"):
        with pytest.raises(OpmlError, match="is listed already"):
            opml.add(moved, Subscription(url=url))


def test_everything_wrong_is_told_and_what_can_be_read_is_returned():
    text = b"""<opml version="2.0"><body>
<outline text="A" xmlUrl="https://a.example/"/>
<outline text="B" xmlUrl="b.example"/>
<outline text="A" xmlUrl="https://A.example"/>
<outline text="C" xmlUrl="https://[c"/>
</body></opml>"""
    found, problems = opml.examine(text, "f")
    assert [each.url for each in found] == ["https://a.example/"]
    assert [(problem.text, problem.serious) for problem in problems] == [
        ("f, line 3: xmlUrl 'b.example'; expected an http or https address", True),
        ("f, line 4: https://A.example is listed in line 2 already", False),
        ("f, line 5: xmlUrl 'https://[c'; expected an http or https address", True),
    ]


def test_several_feeds_are_added_in_their_categories_in_order():
    new = [
        Subscription(url=f"https://n{number}.example/", title=f"N{number}", category=category)
        for number, category in enumerate(["X/Y", "", "X/Y", "X"])
    ]
    assert (
        opml.add(opml.EMPTY, *new).decode().partition("<body>")[2]
        == """
    <outline text="X">
      <outline text="Y">
        <outline type="rss" text="N0" xmlUrl="https://n0.example/"/>
        <outline type="rss" text="N2" xmlUrl="https://n2.example/"/>
      </outline>
      <outline type="rss" text="N3" xmlUrl="https://n3.example/"/>
    </outline>
    <outline type="rss" text="N1" xmlUrl="https://n1.example/"/>
  </body>
</opml>
"""
    )


def test_a_feed_says_whether_its_summaries_are_written():
    text = '<opml version="2.0"><body><outline text="A" xmlUrl="https://a.example/f" summary="{}"/></body></opml>'
    [subscription] = opml.parse(text.format("llm").encode())
    assert subscription.settings.summary == "llm"
    assert opml.parse(opml.add(opml.EMPTY, subscription)) == (subscription,)
    with pytest.raises(OpmlError, match=r"summary 'both'; expected extract \| llm"):
        opml.parse(text.format("both").encode())
