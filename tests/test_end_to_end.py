"""The whole path over the demo's feeds: the command line in processes of its own, over real sockets."""

import json
import sqlite3
from pathlib import Path

import feedparser
import pytest

from aggregator.demo.server import DemoServer
from tests.conftest import Aggregator

POLLING = {
    "etag", "last_modified", "body_fingerprint", "next_poll_at", "next_poll_reasons", "last_poll_at", "retry_after_at",
    "last_change_at", "failures", "failure", "moved_to", "moved_seen", "gone_seen", "seconds",
}  # fmt: skip
UNDONE = {"polls", "poll_days", "feeds", "hosts", "stage_runs"}  # what a poll without news may write


def _rows(store: Path) -> dict[str, list[dict[str, object]]]:
    db = sqlite3.connect(store)
    db.row_factory = sqlite3.Row
    tables = [row[0] for row in db.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
    rows = {table: [dict(row) for row in db.execute(f"SELECT * FROM {table}")] for table in tables}
    db.close()
    return rows


def _files(output: Path) -> dict[str, tuple[int, bytes]]:
    return {
        str(path.relative_to(output)): (path.stat().st_mtime_ns, path.read_bytes())
        for path in sorted(output.rglob("*")) if path.is_file()
    }  # fmt: skip


def test_once_publishes_what_it_polled(demo_feeds: DemoServer, aggregator: Aggregator, tmp_path: Path):
    done = aggregator("once")
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    assert demo_feeds.statuses == {200: 8}
    rows = _rows(tmp_path / "store.sqlite")
    assert len(rows["feeds"]) == 8
    assert len(rows["entries"]) >= 20
    feed = feedparser.parse((tmp_path / "output" / "atom.xml").read_bytes())
    japanese = [row for row in rows["entries"] if row["language"] == "ja"]
    assert {entry.title for entry in feed.entries} == {row["title"] for row in japanese}
    assert len(japanese) >= 2


def test_untranslated_entries_come_after_the_hold_time_in_all_alone(
    demo_feeds: DemoServer, aggregator: Aggregator, tmp_path: Path
):
    assert demo_feeds.port
    assert aggregator("once").returncode == 0
    main = (tmp_path / "output" / "atom.xml").read_bytes()
    assert aggregator("publish", AGGREGATOR_NOW="2026-11-24T12:00:01Z").returncode == 0
    everything = feedparser.parse((tmp_path / "output" / "all.xml").read_bytes())
    marked = [entry for entry in everything.entries if "【未訳】" in entry.title]
    assert len(marked) >= 15
    assert (tmp_path / "output" / "atom.xml").read_bytes() == main


def test_a_second_run_gets_304s_and_writes_nothing_but_polls(
    demo_feeds: DemoServer, aggregator: Aggregator, tmp_path: Path
):
    assert aggregator("once").returncode == 0
    files, before = _files(tmp_path / "output"), _rows(tmp_path / "store.sqlite")
    demo_feeds.statuses.clear()
    again = aggregator("once", "--all")
    assert again.returncode == 0, again.stderr
    assert demo_feeds.statuses == {304: 8}
    after = _rows(tmp_path / "store.sqlite")
    assert _files(tmp_path / "output") == files
    assert {t for t in after if t not in UNDONE and after[t] != before[t]} == set()
    for old, new in zip(before["feeds"], after["feeds"], strict=True):
        assert {name for name in new if new[name] != old[name]} <= POLLING
    assert len(after["polls"]) == len(before["polls"]) + 8

    demo_feeds.statuses.clear()
    assert aggregator("once").returncode == 0
    assert demo_feeds.statuses == {}
    assert _files(tmp_path / "output") == files


def test_a_store_built_anew_gives_the_same_ids_and_bytes_in_any_zone(
    demo_feeds: DemoServer, aggregator: Aggregator, tmp_path: Path
):
    assert demo_feeds.port
    results = []
    for zone in ("UTC", "Asia/Tokyo", "America/Los_Angeles"):
        folder = tmp_path / zone.replace("/", "-")
        done = aggregator(
            "once",
            TZ=zone,
            AGGREGATOR_STORE=str(folder / "s.sqlite"),
            AGGREGATOR_OUTPUT=str(folder / "output"),
        )
        assert done.returncode == 0, done.stderr
        results.append({name: body for name, (_, body) in _files(folder / "output").items()})
    assert results[0] == results[1] == results[2]
    assert any(name.startswith("entries/2026/11/") for name in results[0])


def test_status_and_list_say_what_there_is(demo_feeds: DemoServer, aggregator: Aggregator):
    assert demo_feeds.port
    aggregator("once")
    status = json.loads(aggregator("status", "--json").stdout)
    assert status["feeds"] == "8 (8 ok)"
    assert status["waiting for translation"] >= 15
    assert status["troubled"] == []
    listed = json.loads(aggregator("list", "--json").stdout)
    assert len(listed) == 8
    assert all(row["entries"] > 0 for row in listed)
    assert aggregator("list").stdout.splitlines()[0].startswith("feed_id\tstate\ttitle")


def test_the_list_is_shown_before_anything_was_polled(demo_feeds: DemoServer, aggregator: Aggregator):
    assert len(json.loads(aggregator("list", "--json").stdout)) == 8
    assert json.loads(aggregator("status", "--json").stdout)["feeds"] == "8 (8 new)"
    assert demo_feeds.statuses == {}


def test_a_list_that_cannot_be_read_is_said_beside_what_is_known(
    demo_feeds: DemoServer, aggregator: Aggregator, environment: dict[str, str]
):
    assert demo_feeds.port
    aggregator("list")
    Path(environment["AGGREGATOR_OPML"]).write_text("<opml>")
    for command in ("list", "status"):
        done = aggregator(command, "--json")
        assert done.returncode == 0
        assert "expected XML" in done.stderr
        assert json.loads(done.stdout)


@pytest.mark.parametrize(
    ("wrong", "code", "said"),
    [
        ({"AGGREGATOR_ENGINE": "magic"}, 2, "expected auto | firefox | llamacpp | openai | deepl | none"),
        ({"AGGREGATOR_COLOUR": "red"}, 2, "colour is no setting"),
        ({"AGGREGATOR_NOW": "today"}, 2, "AGGREGATOR_NOW"),
        ({"AGGREGATOR_OPML": "/nowhere/feeds.opml"}, 2, "/nowhere/feeds.opml: cannot be read"),
    ],
)
def test_wrong_settings_are_one_line_and_exit_code_2(
    aggregator: Aggregator, wrong: dict[str, str], code: int, said: str
):
    done = aggregator("once", **wrong)
    assert done.returncode == code
    assert said in done.stderr
    assert len(done.stderr.splitlines()) == 1


def test_a_list_that_is_not_xml_stops_nobody_who_is_known_already(
    demo_feeds: DemoServer, aggregator: Aggregator, environment: dict[str, str]
):
    aggregator("once")
    Path(environment["AGGREGATOR_OPML"]).write_text("feeds: none of this is XML")
    demo_feeds.statuses.clear()
    done = aggregator("once", "--all")
    assert done.returncode == 2
    assert len(done.stderr.splitlines()) == 1
    assert "feeds.opml" in done.stderr
    assert demo_feeds.statuses == {304: 8}


def test_a_store_from_a_newer_version_is_refused(
    demo_feeds: DemoServer, aggregator: Aggregator, environment: dict[str, str]
):
    assert demo_feeds.port
    aggregator("once")
    db = sqlite3.connect(environment["AGGREGATOR_STORE"])
    db.execute(
        "INSERT INTO _sqlite_migrations (migration_set, name, applied_at) VALUES ('aggregator', 'from_the_future', '')"
    )
    db.commit()
    db.close()
    done = aggregator("once")
    assert done.returncode == 4
    assert "written by a newer version" in done.stderr
    assert len(done.stderr.splitlines()) == 1


def test_when_every_poll_fails_the_exit_code_says_so(
    demo_feeds: DemoServer, aggregator: Aggregator, environment: dict[str, str]
):
    opml = Path(environment["AGGREGATOR_OPML"])
    opml.write_text(opml.read_text().replace(f":{demo_feeds.port}/", ":1/"))
    done = aggregator("once")
    assert done.returncode == 6
    assert "every poll failed" in done.stderr


def test_private_output_lies_under_an_unguessable_path_that_can_be_changed(
    demo_feeds: DemoServer, aggregator: Aggregator, tmp_path: Path
):
    assert demo_feeds.port
    private = {"AGGREGATOR_VISIBILITY": "private"}
    assert aggregator("once", **private).returncode == 0
    first = aggregator("url", **private).stdout.splitlines()[0]
    token = first.removeprefix("http://127.0.0.1:8080/").rstrip("/")
    assert len(token) >= 20
    assert (tmp_path / "output" / token / "atom.xml").exists()
    assert not (tmp_path / "output" / "atom.xml").exists()
    second = aggregator("url", "--rotate", **private).stdout.splitlines()[0]
    assert second != first
    assert not (tmp_path / "output" / token).exists()
    assert (
        tmp_path / "output" / second.removeprefix("http://127.0.0.1:8080/").rstrip("/") / "atom.xml"
    ).exists()
