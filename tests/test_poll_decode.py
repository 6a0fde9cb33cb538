"""Bodies in every encoding, told rightly and wrongly, as UTF-8."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aggregator.poll.decode import to_utf8

JAPANESE = "日本語の題名、カタカナ"
CURLY = "“Curly” € – naïve"


def _document(text: str, declared: str) -> str:
    prolog = f'<?xml version="1.0" encoding="{declared}"?>' if declared else '<?xml version="1.0"?>'
    return f"{prolog}<rss>{text}</rss>"


def _text(body: bytes, content_type: str | None) -> str:
    return to_utf8(body, content_type).decode().removeprefix("<rss>").removesuffix("</rss>")


HEADERS = [
    None,
    "text/xml",
    "application/rss+xml",
    "text/html; charset=utf-8",
    "text/plain; charset=iso-8859-1",
    "application/xml; charset=nonsense",
    'text/xml; charset="windows-1252"',
    "text/xml; charset=zip",
]


@pytest.mark.parametrize("content_type", HEADERS)
@pytest.mark.parametrize("encoding", ["utf-8", "euc-jp", "iso-2022-jp", "shift_jis"])
def test_a_declared_encoding_holds_against_a_header_that_does_not_fit(
    encoding: str, content_type: str | None
):
    body = _document(JAPANESE, encoding).encode(encoding)
    assert _text(body, content_type) == JAPANESE


@pytest.mark.parametrize("encoding", ["utf-8", "euc-jp", "iso-2022-jp", "shift_jis"])
@pytest.mark.parametrize("declared", ["", "utf-8", "iso-8859-1"])
def test_the_header_holds_against_a_declaration_that_does_not_fit(encoding: str, declared: str):
    body = _document(JAPANESE, declared).encode(encoding)
    assert _text(body, f"text/xml; charset={encoding}") == JAPANESE


@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16-be", "utf-32-le", "utf-32-be"])
@pytest.mark.parametrize("declared", ["", "utf-16", "UTF-16LE", "utf-8"])
@pytest.mark.parametrize("mark", ["", "\ufeff"])
def test_wide_encodings_are_known_by_their_mark_or_their_first_characters(
    encoding: str, declared: str, mark: str
):
    body = (mark + _document(JAPANESE, declared)).encode(encoding)
    assert _text(body, "text/xml; charset=utf-8") == JAPANESE


@pytest.mark.parametrize(
    "declared", ["", "windows-1252", "iso-8859-1", "us-ascii", "utf-8", "unicode_escape"]
)
@pytest.mark.parametrize("content_type", [None, "text/xml; charset=utf-8"])
def test_western_bytes_are_windows_1252_whatever_they_are_called(declared: str, content_type: str | None):
    assert _text(_document(CURLY, declared).encode("cp1252"), content_type) == CURLY


@pytest.mark.parametrize("declared", ["iso-8859-1", "shift_jis", "utf-16", "rot13", "idna", "gb2312"])
@pytest.mark.parametrize("mark", ["", "\ufeff"])
def test_what_is_utf_8_is_utf_8_whatever_it_is_called(declared: str, mark: str):
    assert _text((mark + _document(JAPANESE, declared)).encode(), f"text/xml; charset={declared}") == JAPANESE


@pytest.mark.parametrize(
    ("declared", "encoding", "text"),
    [
        ("Shift_JIS", "cp932", "①新型～"),
        ("gb2312", "gb18030", "中文標題"),
        ("euc-kr", "cp949", "한글 똠방"),
        ("big5", "big5", "中文"),
        ("koi8-r", "koi8-r", "привет"),
        ("iso-8859-9", "cp1254", "ığdır “x”"),
    ],
)
def test_a_name_is_read_as_what_programs_mean_by_it(declared: str, encoding: str, text: str):
    assert _text(_document(text, declared).encode(encoding), None) == text


def test_one_broken_byte_does_not_turn_utf_8_into_something_else():
    body = _document(f"{JAPANESE}!", "utf-8").encode().replace(b"!", b"\xff")
    assert _text(body, "text/xml; charset=iso-8859-1") == f"{JAPANESE}\N{REPLACEMENT CHARACTER}"


def test_characters_that_xml_cannot_hold_are_out():
    assert _text(_document("a\x00b\x08c\td\x1b\ufffee\uffff", "utf-8").encode(), None) == "abc\tde"


@pytest.mark.parametrize("number", ["xD800", "xdfff", "55296", "0", "x0B", "xFFFE", "x110000", "9" * 100_000])
def test_a_reference_to_no_character_is_a_replacement_character(number: str):
    assert _text(_document(f"a&#{number};b&#8217;", "").encode(), None) == "a&#xFFFD;b&#8217;"


@given(st.binary(max_size=200), st.sampled_from([*HEADERS, "x; charset=cp037", "x; charset=utf-7"]))
def test_any_bytes_become_utf_8(body: bytes, content_type: str | None):
    to_utf8(body, content_type).decode()
    to_utf8(b'<?xml version="1.0" encoding="hz"?>' + body, content_type).decode()
