"""Markup made safe, prose taken out of it, titles made one line."""

import time
from html import unescape

import nh3
import pytest
from hypothesis import given
from hypothesis import strategies as st
from lxml import etree

from aggregator.markup import letters, plain, sanitise, source, to_text, unturned, xml_legal

BASE = "https://news.example/2026/entry.html"


@pytest.mark.parametrize(
    "html",
    [
        "<script>alert(1)</script>",
        "<style>p{color:red}</style>",
        "<iframe src='https://ads.example'>inside</iframe>",
        "<form action='https://x.example'><input name=q></form>",
        "<svg><script>alert(1)</script></svg>",
        "<img src='https://t.example/p.gif' width='1' height='1'>",
        "<img src='https://t.example/p.gif' height=0 width='1px'>",
        "<img alt='no address'>",
        "<!-- comment -->",
    ],
)
def test_what_is_active_or_spies_is_gone_with_its_content(html: str):
    assert sanitise(f"a{html}b", BASE) == "ab"


def test_handlers_styles_and_foreign_schemes_are_gone_and_the_text_stays():
    html = '<a href="javascript:x()" onclick="y()">one</a><b style="position:fixed" id="q">two</b>'
    assert sanitise(html, BASE) == '<a rel="noopener noreferrer">one</a><b>two</b>'


def test_links_and_images_become_absolute():
    clean = sanitise(
        '<a href="../about">a</a><img src="//cdn.example/i.png" alt="i"><a href="#n">n</a>', BASE
    )
    assert 'href="https://news.example/about"' in clean
    assert '<img src="https://cdn.example/i.png" alt="i">' in clean
    assert f'href="{BASE}#n"' in clean


@pytest.mark.parametrize(
    "base", ["", "nonsense", "mailto:a@b.example", "http://", "https://[bad/", "http://127.0.0.</4/"]
)
def test_a_relative_link_without_a_base_is_dropped(base: str):
    assert sanitise('<a href="x">a</a>', base) == '<a rel="noopener noreferrer">a</a>'


def test_a_wide_image_one_pixel_high_is_a_picture():
    assert "line.png" in sanitise('<img src="https://e.example/line.png" width="600" height="1">', BASE)


def test_nesting_that_would_cost_seconds_is_reduced_to_text():
    started = time.process_time()
    assert "<div>" not in sanitise("<div>" * 100_000 + "deep", BASE)
    assert sanitise("<div>" * 900 + "deep", BASE).startswith("<div>")
    assert time.process_time() - started < 2


@pytest.mark.parametrize("piece", ["<div></p>", "<b></i>", "<div><!-- </div> -->", '<div title="</div>">'])
def test_end_tags_that_close_nothing_hide_no_depth(piece: str):
    started = time.process_time()
    sanitise(piece * 100_000, BASE)
    assert time.process_time() - started < 4


def test_prose_is_paragraphs_separated_by_a_blank_line():
    html = "<h2>Head</h2><p>One\n  two.</p><div>Three <em>four</em>.<blockquote>Five.</blockquote></div>"
    assert to_text(html) == "Head\n\nOne two.\n\nThree four.\n\nFive."


def test_a_list_item_is_a_paragraph():
    assert to_text("<ul><li>One<li>Two <b>bold</b></ul>after") == "One\n\nTwo bold\n\nafter"


def test_one_line_break_is_a_space_and_two_are_a_paragraph():
    assert to_text("one<br>two<br/>\n<br>three") == "one two\n\nthree"


def test_inline_code_and_keys_stand_in_backticks():
    assert (
        to_text("Run <code>ls <b>-l</b></code> and press <kbd>Esc</kbd>.") == "Run `ls -l` and press `Esc`."
    )


def test_what_is_no_prose_is_left_out_and_parts_the_text():
    figure = "<figure><img src=x><figcaption>Photo</figcaption></figure>"
    html = f"Before<pre>code()</pre>{figure}<table><tr><td>1</table>after"
    assert to_text(html) == "Before\n\nafter"


def test_links_are_their_text_and_entities_are_characters():
    assert (
        to_text('AT&amp;T &mdash; <a href="https://x.example">the&nbsp;link</a> 1 &lt; 2')
        == "AT&T — the link 1 < 2"
    )


def test_plain_text_with_an_angle_bracket_survives():
    assert to_text("if a < b & c") == "if a < b & c"


def test_text_behind_a_closed_body_is_kept():
    assert to_text("<html><body>one</body></html>two") == "onetwo"


def test_sanitising_does_not_change_the_prose():
    html = "<p>One <a href=x>two</a></p><pre>no</pre><ul><li>three</ul>"
    assert to_text(sanitise(html, BASE)) == to_text(html) == "One two\n\nthree"


@given(st.text(alphabet=st.characters() | st.sampled_from("<>&;/\"'= \ud800\x00")))
def test_any_string_is_taken(text: str):
    etree.fromstring(f"<t>{to_text(text).replace('&', '').replace('<', '')}</t>")  # legal in XML
    sanitise(text, BASE)
    assert "\n" not in plain(text)


@pytest.mark.parametrize(
    ("feed_says", "title"),
    [
        ("  Two\n lines ", "Two lines"),
        ("A <b>bold</b> claim", "A bold claim"),
        ("AT&amp;amp;T wins", "AT&T wins"),
        ("&lt;b&gt;Bold&lt;/b&gt; claim", "Bold claim"),
        ("Why I avoid <b>", "Why I avoid <b>"),
        ("vector<int> is fast", "vector<int> is fast"),
        ("5 < 6 > 4", "5 < 6 > 4"),
        ("First<br>second", "First second"),
        ('<a href="https://x.example">Linked</a>', "Linked"),
    ],
)
def test_a_title_is_one_line_of_plain_text(feed_says: str, title: str):
    assert plain(feed_says) == title


def test_characters_illegal_in_xml_are_out():
    assert xml_legal("a\x00b\x0bc\ud800d\ufffee\tf\n😀") == "abcde\tf\n😀"


@given(st.text(alphabet=st.characters(codec=None)))
def test_legal_text_can_stand_in_a_document(text: str):
    element = etree.Element("t")
    element.text = xml_legal(text)
    assert etree.tostring(element)


def test_what_needs_no_cleaning_is_what_cleaning_would_leave():
    for text in ["plain words", "“curly” – 日本語\n\tand a tab", "it's 5\" wide; a = b"]:
        assert sanitise(text, BASE) == nh3.clean(text) == text


@pytest.mark.parametrize("reference", ["&#1;", "&#x0b;", "&#xD800;", "&#0;", "&#xFFFE;"])
def test_markup_cannot_smuggle_in_characters_that_xml_cannot_hold(reference: str):
    clean = sanitise(f"<p>a{reference}b</p>", BASE)
    assert xml_legal(clean) == clean


@pytest.mark.parametrize(
    "address",
    ["x", "./x", "../x", "../../x/", "/x?a=1&amp;b=2", "?q", "#n", "", ".", "..", "/", "x:y", "a b", "é", "//cdn.example/i",
     "/..", "../../../../../..", "./?q", "page?x#y", "https://other.example/a/../b"],
)  # fmt: skip
@pytest.mark.parametrize(
    "base",
    [BASE, "https://news.example/", "https://news.example/a/b/?q=1&r=2", 'https://news.example/x"<b>/y'],
)
def test_addresses_are_joined_as_the_cleaner_joins_them(address: str, base: str):
    joined = nh3.clean(f'<a href="{address}">a</a>', url_relative=("rewrite_with_base", base))
    assert unescape(sanitise(f'<a href="{address}">a</a>', base)) == unescape(joined)


def test_a_page_with_a_port_is_a_base_too():
    assert 'href="http://127.0.0.1:8080/x"' in sanitise('<a href="/x">a</a>', "http://127.0.0.1:8080/a/b")


def test_letters_are_the_text_without_tags_and_spaces():
    html = '<p title="a > b">One <a href="https://e.example/?a>b<c">two</a></p>\n<br>3 &lt; 4'
    assert letters(sanitise(html, BASE)) == "Onetwo3&lt;4"
    assert letters("") == ""


@pytest.mark.parametrize(
    ("once_too_often", "meant"),
    [
        ("&lt;p&gt;One.&lt;/p&gt;&lt;p&gt;Two.&lt;/p&gt;", "One.\n\nTwo."),
        ("&lt;P class=&quot;x&quot;&gt;One.&lt;/P&gt;", "One."),
        (
            "One &lt;a href=&quot;https://e.example&quot;&gt;link&lt;/a&gt; and more.&lt;br /&gt;",
            "One link and more.",
        ),
        ("&lt;p&gt;AT&amp;amp;T &lt;script&gt;alert(1)&lt;/script&gt;wins.&lt;/p&gt;", "AT&T\n\nwins."),
    ],
)
def test_markup_that_was_escaped_once_too_often_is_read_as_it_was_meant(once_too_often: str, meant: str):
    assert to_text(source(once_too_often)) == meant


@pytest.mark.parametrize(
    "prose",
    [
        "Write &lt;p&gt; and close it with &lt;/p&gt; where you can.",
        "&lt;p&gt; opens a paragraph",
        "<p>&lt;p&gt;One.&lt;/p&gt;</p>",
        "&lt;T&gt; and &lt;/T&gt;",
        "1 &lt; 2",
        "One &amp; two",
        "",
    ],
)
def test_prose_that_speaks_of_tags_stays_as_it_is(prose: str):
    assert source(prose) == prose


@given(st.text(alphabet=st.sampled_from("&lt;gp/ab<> ")))
def test_any_text_may_be_asked_whether_it_is_source(text: str):
    to_text(source(text))


def test_characters_that_turn_the_direction_are_out_and_others_stay():
    turning = "".join(map(chr, (*range(0x202A, 0x202F), *range(0x2066, 0x206A))))
    assert unturned(f"safe{turning} name.exe\u200f é") == "safe name.exe\u200f é"
    assert to_text(f"<p>One{turning} two.</p>") == "One two."
