"""Log lines: text and JSON, for a terminal, a file and the journal, and without secrets."""

import io
import json
import logging
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from aggregator import logs
from aggregator.errors import ConfigError
from tests.conftest import Aggregator

log = logging.getLogger("aggregator.poll.stage")


@pytest.fixture(autouse=True)
def _as_before() -> Iterator[None]:
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    for handler in root.handlers:
        if handler not in handlers:
            handler.close()
    root.handlers[:], root.level = handlers, level
    root.setLevel(level)


@pytest.fixture
def written() -> io.StringIO:
    return io.StringIO()


def _json(stream: io.StringIO) -> list[dict[str, object]]:
    return [json.loads(line) for line in stream.getvalue().splitlines()]


def test_an_event_is_a_json_object_of_its_own_with_values_as_they_are(written: io.StringIO):
    logs.start(logging.INFO, "json", None, written)
    log.info("stage name=%s units=%d crashes=%d seconds=%.1f", "poll", 12, 0, 1.23456)
    log.warning("every_poll_failed hint='is the network up? see: aggregator status'")
    first, second = _json(written)
    assert list(first) == ["time", "level", "logger", "event", "fields"]
    assert first["time"].endswith("Z")  # type: ignore[attr-defined]
    assert (first["level"], first["logger"], first["event"]) == ("info", "aggregator.poll.stage", "stage")
    assert first["fields"] == {"name": "poll", "units": 12, "crashes": 0, "seconds": 1.235}
    assert second["fields"] == {"hint": "is the network up? see: aggregator status"}


def test_a_value_of_several_words_or_lines_is_one_field(written: io.StringIO):
    logs.start(logging.INFO, "json", None, written)
    log.error("crash stage=%s error=%s\n%s", "poll", "KeyError: a b=c", "Traceback\n  line")
    log.info("opml_taken_up %s", ("added", 1))
    log.info("clock_set_back by='%s'", "1 d")
    assert [line["fields"] for line in _json(written)] == [
        {"stage": "poll", "error": "KeyError: a b=c", "traceback": "Traceback\n  line"},
        {"detail": "('added', 1)"},
        {"by": "1 d"},
    ]


def test_what_others_log_is_json_too(written: io.StringIO):
    logs.start(logging.INFO, "json", None, written)
    try:
        raise ValueError("no")
    except ValueError:
        logging.getLogger("asyncio").exception("Task exception was never retrieved: %s", "x")
    (line,) = _json(written)
    assert line["event"] is None
    fields = line["fields"]
    assert isinstance(fields, dict)
    assert fields["message"] == "Task exception was never retrieved: x"
    assert fields["traceback"].endswith("ValueError: no")


@pytest.mark.parametrize("form", ["text", "json"])
def test_no_line_holds_what_lets_one_in(written: io.StringIO, form: logs.Format):
    logs.start(logging.INFO, form, None, written)
    log.warning("poll_failed url=%s", "https://me:hunter2@feeds.example/rss?user=7&api_key=hunter2&n=1#x")
    log.warning(
        "poll_failed url=%s failure=%s", "http://hunter2@h.example/", "see <http://h.example/?Token=hunter2>"
    )
    said = written.getvalue()
    assert "hunter2" not in said
    assert "feeds.example/rss?user=7&api_key=…&n=1#x" in said


def test_a_feed_can_neither_write_lines_nor_paint_a_terminal(written: io.StringIO):
    logs.start(logging.INFO, "text", None, written)
    log.warning("poll_failed failure=%s", "x\n2026-11-24 ERROR fake \x1b[31mred\r")
    assert written.getvalue().endswith("failure=x\\n2026-11-24 ERROR fake \\x1b[31mred\\x0d\n")


def test_a_json_line_is_one_line_whatever_reads_it_and_paints_no_terminal(written: io.StringIO):
    logs.start(logging.INFO, "json", None, written)
    title = 'A\u2028{"event": "forged"}\x85B\x9b31m\ud800'
    logging.getLogger("x").warning("poll_failed title=%s", title)
    [line] = written.getvalue().splitlines()
    assert json.loads(line)["fields"] == {"title": title}
    assert "\x9b" not in line
    assert line.encode()


def test_where_something_broke_stands_on_lines_of_its_own(written: io.StringIO):
    logs.start(logging.INFO, "text", None, written)
    log.error("crash error=%s\n%s", "x", "Traceback\n  line")
    assert written.getvalue().endswith("crash error=x\nTraceback\n  line\n")


def test_the_journal_is_told_priorities_and_no_times(tmp_path: Path):
    path = tmp_path / "journal"
    with path.open("w", encoding="utf-8") as stream:
        there = os.fstat(stream.fileno())
        logs.start(logging.INFO, "text", None, stream, {"JOURNAL_STREAM": f"{there.st_dev}:{there.st_ino}"})
        log.error("crash error=%s\n%s", "x", "Traceback")
        logs.start(logging.INFO, "json", None, stream, {"JOURNAL_STREAM": f"{there.st_dev}:{there.st_ino}"})
        log.info("started")
        logs.start(logging.INFO, "text", None, stream, {"JOURNAL_STREAM": "1:2"})
        log.info("started")
    lines = path.read_text().splitlines()
    assert lines[:2] == ["<3>ERROR aggregator.poll.stage crash error=x", "<3>Traceback"]
    assert lines[2].startswith('<6>{"time": ')
    assert lines[3].startswith("20")


def test_a_log_file_stays_small(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(logs, "FILE_BYTES", 1000)
    logs.start(logging.INFO, "text", tmp_path / "log", io.StringIO())
    for number in range(200):
        log.info("stage number=%d", number)
    files = sorted(path.name for path in tmp_path.iterdir())
    assert files == ["log", "log.1", "log.2", "log.3"]
    assert all(path.stat().st_size <= 1000 for path in tmp_path.iterdir())
    assert "number=199" in (tmp_path / "log").read_text()


def test_a_log_file_that_cannot_be_written_is_one_clear_line(tmp_path: Path):
    with pytest.raises(ConfigError, match=r"--log-file .*: cannot be written \(No such file or directory\)"):
        logs.start(logging.INFO, "text", tmp_path / "none" / "log", io.StringIO())


def test_a_command_logs_as_it_is_told(aggregator: Aggregator, environment: dict[str, str], tmp_path: Path):
    url = "http://me:hunter2@127.0.0.1:1/feed"
    outlines = f'<outline text="x" xmlUrl="{url}"/>'
    Path(environment["AGGREGATOR_OPML"]).write_text(f'<opml version="2.0"><body>{outlines}</body></opml>')
    done = aggregator("--verbose", "--log-format", "json", "poll")
    (failed,) = [
        line for line in map(json.loads, done.stderr.splitlines()[:-1]) if line["event"] == "poll_failed"
    ]
    assert failed["fields"]["url"] == "http://…@127.0.0.1:1/feed"
    done = aggregator("--log-file", str(tmp_path / "log"), "poll", "--all")
    assert "poll_failed" not in done.stderr
    assert (
        "WARNING aggregator.poll.stage poll_failed url=http://…@127.0.0.1:1/feed"
        in (tmp_path / "log").read_text()
    )
