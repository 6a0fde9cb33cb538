"""What a table shows on a terminal, and in what progress is counted."""

import io
import sys

import pytest

from aggregator.report import UNITS, show, watch
from aggregator.stages import STAGES

URL = "https://feeds.example.com/a/rather/long/path/to/the/feed.xml"
ROW = {
    "title": "A title of some words in a row " * 3,
    "next_poll_at": "2026-11-24T09:16:00Z",
    "listed_url": URL,
}


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_times_and_addresses_are_never_cut_short(monkeypatch: pytest.MonkeyPatch):
    terminal = Terminal()
    monkeypatch.setattr(sys, "stdout", terminal)
    monkeypatch.setenv("COLUMNS", "80")
    show([ROW], tuple(ROW))
    text = terminal.getvalue()
    assert "2026-11-24T09:16:00Z" in text
    assert "\N{HORIZONTAL ELLIPSIS}" not in text


def test_every_stage_says_what_it_counts():
    assert [stage.name for stage in STAGES if stage.name not in UNITS] == []


def test_one_is_no_plural(capsys: pytest.CaptureFixture[str]):
    for name, done in (("poll", 1), ("translate", 1), ("poll", 2)):
        with watch(name, done) as progress:
            progress(done)
    lines = capsys.readouterr().out.splitlines()
    assert [line.split(" in ")[0] for line in lines] == [
        "poll: 1 feed",
        "translate: 1 entry",
        "poll: 2 feeds",
    ]


def test_a_terminal_breaks_no_word_and_leaves_out_what_it_has_no_room_for(monkeypatch: pytest.MonkeyPatch):
    terminal = Terminal()
    monkeypatch.setattr(sys, "stdout", terminal)
    monkeypatch.setenv("COLUMNS", "60")
    show(
        [{"state": "failing", "failure": "BadStatus: 503", **ROW}],
        ("state", "failure", *ROW),
        wide=("failure",),
    )
    assert "failing" in terminal.getvalue()
    assert "503" not in terminal.getvalue()


def test_what_is_piped_holds_every_column(capsys: pytest.CaptureFixture[str]):
    show([{"state": "failing", "failure": "BadStatus: 503"}], ("state", "failure"), wide=("failure",))
    assert capsys.readouterr().out == "state\tfailure\nfailing\tBadStatus: 503\n"
