"""What a table shows on a terminal."""

import io
import sys

import pytest

from aggregator.report import show

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
