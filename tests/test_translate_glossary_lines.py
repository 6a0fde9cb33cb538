"""A glossary edited line by line."""

import codecs
import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aggregator.errors import ConfigError
from aggregator.translate import glossary, glossary_lines
from aggregator.translate.glossary_lines import Line

FILE = "# ours\nstartup\tスタートアップ|新興企業\tnot 起業\n\nRust\t=|ラスト\nchip\t半導体\n".encode()
NAME = "glossary.tsv"


def put(data: bytes, term: str, rendering: str, note: str = "") -> bytes:
    return glossary_lines.put(data, Line(term=term, rendering=rendering, note=note), NAME)


def test_lines_are_read_with_renderings_and_notes_as_they_stand():
    assert glossary_lines.lines(FILE, NAME) == (
        Line(term="startup", rendering="スタートアップ|新興企業", note="not 起業"),
        Line(term="Rust", rendering="=|ラスト"),
        Line(term="chip", rendering="半導体"),
    )


def test_a_changed_line_leaves_every_other_byte():
    assert put(FILE, "Rust", "=", "the language") == FILE.replace("=|ラスト".encode(), b"=\tthe language")


def test_a_new_term_stands_at_the_end_after_a_line_that_is_whole():
    added = "chipmaker\t半導体メーカー\n".encode()
    assert put(FILE, "chipmaker", "半導体メーカー") == FILE + added
    assert put(FILE.rstrip(), "chipmaker", "半導体メーカー") == FILE + added
    assert put(b"", "chipmaker", "半導体メーカー") == added


def test_marks_and_line_ends_of_windows_stay():
    data = codecs.BOM_UTF8 + FILE.replace(b"\n", b"\r\n")
    assert put(data, "chip", "チップ") == data.replace("半導体".encode(), "チップ".encode())
    assert put(data, "new", "新") == data + "new\t新\r\n".encode()


def test_of_a_term_that_stands_there_twice_the_one_that_counts_is_changed_and_both_go():
    twice = FILE + "chip\t集積回路\n".encode()
    assert put(twice, "chip", "チップ") == FILE + "chip\tチップ\n".encode()
    assert glossary_lines.drop(twice, "chip", NAME) == FILE.replace("chip\t半導体\n".encode(), b"")


def test_a_term_that_is_not_there_cannot_be_taken_out():
    with pytest.raises(ConfigError, match="no line for 'Chip'"):
        glossary_lines.drop(FILE, "Chip", NAME)


@pytest.mark.parametrize(
    ("term", "rendering", "note"),
    [
        ("", "空", ""), ("chip", "", ""), ("chip", "|", ""), ("chip", "半導体|", ""), ("#chip", "半導体", ""),
        ("chip\tset", "半導体", ""), ("chip", "半導体\nRust\t=", ""), ("chip", "半導体", "a\u2028b\tc"),
        ("chip", "半\0導体", ""), ("c" * 201, "半導体", ""), (" ", "半導体", ""), ("chip", "半導体", "\udcff"),
    ],
)  # fmt: skip
def test_what_the_reader_would_not_take_is_not_written(term: str, rendering: str, note: str):
    with pytest.raises(ConfigError, match=r"glossary\.tsv"):
        put(FILE, term, rendering, note)


def test_a_file_that_is_no_glossary_is_not_touched():
    with pytest.raises(ConfigError, match="line 1"):
        put(b"chip\n", "Rust", "=")
    with pytest.raises(ConfigError, match="cannot be read"):
        put(b"\xff\xfe", "Rust", "=")


@given(st.text(max_size=30), st.text(max_size=30), st.text(max_size=30))
def test_what_is_written_is_read_back_and_taken_out_again(term: str, rendering: str, note: str):
    with contextlib.suppress(ConfigError):
        written = put(FILE, term, rendering, note)
        assert glossary.read(written.decode(), NAME)[term.strip()] == tuple(
            form.strip() for form in rendering.split("|")
        )
        if term.strip() not in {"startup", "Rust", "chip"}:
            assert glossary_lines.drop(written, term.strip(), NAME) == FILE
