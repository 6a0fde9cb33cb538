"""/metrics: what Prometheus reads, and who may."""

import os
import shutil
import subprocess
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families as parse

from aggregator.config import Config
from aggregator.serve import Server, metrics
from aggregator.store import open_store, stage_runs, usage, verdicts
from aggregator.store.stage_runs import StageRun
from tests.webservers import ask

NOW = datetime(2026, 11, 24, 6, 0, tzinfo=UTC)
TOKEN = "a-token-of-an-operator-0123"
ROWS = """
INSERT INTO feeds (feed_id, listed_url, fetch_url, host, domain, next_poll_at, last_poll_at, failures) VALUES
  (1, 'https://a.example/', 'https://a.example/', 'a', 'a', '2026-11-24T05:59:00Z', '2026-11-24T04:00:00Z', 0),
  (2, 'https://b.example/', 'https://b.example/', 'b', 'b', '2026-11-24T07:00:00Z', '2026-11-24T04:00:00Z', 3);
INSERT INTO polls (feed_id, polled_at, outcome, bytes, seconds, added) VALUES
  (1, '2026-11-24T04:00:00Z', 'changed', 1000, 0.5, 2), (1, '2026-11-24T05:00:00Z', 'not_modified', 0, 0.1, 0),
  (2, '2026-11-24T04:00:00Z', 'failed', 0, 5.0, 0);
INSERT INTO stories (story_id) VALUES (1), (2);
INSERT INTO entries (feed_id, story_id, guid, title, first_seen_at, sort_at, fingerprint) VALUES
  (1, 1, '1', 'One', '2026-11-24T04:00:00Z', '2026-11-24T04:00:00Z', 'f'),
  (1, 2, '2', 'Two', '2026-11-24T04:00:00Z', '2026-11-24T04:00:00Z', 'f');
INSERT INTO publications (public_id, story_id, slug, state, held_at, first_published_at) VALUES
  ('a', 1, 'a', 'translated', '2026-11-24T04:00:00Z', '2026-11-24T04:10:00Z'),
  ('b', 2, 'b', 'held', '2026-11-24T05:30:00Z', NULL)
"""


@pytest.fixture
def config(tmp_path: Path) -> Config:
    config = Config(store=tmp_path / "store.sqlite", output=tmp_path / "output", listen="127.0.0.1:0")
    db = open_store(config.store)
    for statement in ROWS.split(";\n"):
        with db.atomic():
            db.execute(statement)
    with db.atomic():
        verdicts.note(db, [("firefox", 9, 1)], ["2026-11-24T05:58:00Z", "2026-11-20T06:00:00Z"], NOW)
        usage.add(db, "deepl", 1234, 0.5, NOW.date())
    times = {"started_at": NOW, "ended_at": NOW}
    stage_runs.add(
        db,
        [
            StageRun(stage="poll", worked=True, units=3, seconds=1.5, **times),
            StageRun(stage="publish", failure="disk full", **times),
        ],
    )
    db.close()
    return config


def told(config: Config, now: datetime = NOW) -> dict[str, float]:
    """Return every sample by its name and labels."""
    families = parse(metrics.render(config, now).decode())
    return {
        sample.name.removeprefix("aggregator_")
        + "".join(f" {k}={v}" for k, v in sample.labels.items()): sample.value
        for family in families
        for sample in family.samples
    }


def test_feeds_and_polls_are_counted(config: Config):
    found = told(config)
    assert {name: found[f"feeds state={name}"] for name in ("ok", "failing", "gone")} == {
        "ok": 1, "failing": 1, "gone": 0,
    }  # fmt: skip
    assert found["polls_total outcome=not_modified"] == 1
    assert (found["polls_total outcome=gone"], found["poll_bytes_total"]) == (0, 1000)
    assert (found["poll_entries_total"], found["poll_lag_seconds"], found["network_up"]) == (2, 60, 1)


def test_what_waits_and_what_came_out(config: Config):
    found = told(config)
    assert (found["entries"], found["publications state=translated"]) == (2, 1)
    assert (found["translation_waiting"], found["translation_lag_seconds"]) == (1, 1800)
    published = datetime(2026, 11, 24, 4, 10, tzinfo=UTC).timestamp()
    assert found["newest_publication_timestamp_seconds"] == published


def test_waits_for_a_translation_are_a_histogram(config: Config):
    found = told(config)
    buckets = [found[f"translation_wait_seconds_bucket le={bound}"] for bound in ("300.0", "86400.0", "+Inf")]
    assert buckets == [1, 1, 2]
    assert found["translation_wait_seconds_count"] == 2
    assert found["translation_wait_seconds_sum"] == 120 + 4 * 86400


def test_stages_say_when_they_last_went_well(config: Config):
    found = told(config)
    assert found["stage_last_success_timestamp_seconds stage=poll"] == NOW.timestamp()
    assert "stage_last_success_timestamp_seconds stage=publish" not in found
    assert (found["stage_failures stage=publish"], found["stage_units_total stage=poll"]) == (1, 3)
    assert found["stage_seconds_total stage=poll"] == 1.5


def test_engines_are_told_by_what_the_checks_said_and_what_they_were_sent(config: Config):
    found = told(config)
    assert found["engine_segments_total engine=firefox verdict=passed"] == 9
    assert found["engine_segments_total engine=firefox verdict=refused"] == 1
    assert found["engine_characters_total engine=deepl"] == 1234


def test_room_is_told(config: Config):
    found = told(config)
    assert found["store_bytes"] == config.store.stat().st_size
    disk = os.statvfs(config.store.parent)
    assert found["disk_free_bytes place=output"] == pytest.approx(disk.f_bavail * disk.f_frsize, rel=0.1)


def test_a_store_without_a_single_row_is_told_too(tmp_path: Path):
    config = Config(store=tmp_path / "empty.sqlite")
    open_store(config.store).close()
    found = told(config)
    assert (found["feeds state=ok"], found["translation_wait_seconds_count"]) == (0, 0)


PROMTOOL = shutil.which("promtool")


@pytest.mark.skipif(not PROMTOOL, reason="promtool comes with Prometheus")
def test_the_text_is_as_prometheus_wants_it(config: Config):
    assert PROMTOOL
    checked = subprocess.run(
        [PROMTOOL, "check", "metrics"], input=metrics.render(config, NOW), capture_output=True, check=False
    )
    assert (checked.returncode, checked.stdout, checked.stderr) == (0, b"", b"")


def test_this_machine_is_told(config: Config):
    with Server(config) as server:
        answer = ask(server.port, "/metrics", Host=f"localhost:{server.port}")
    assert (answer.status, answer.headers["Content-Type"].split(";")[0]) == (200, "text/plain")
    assert b"aggregator_build_info" in answer.body


@pytest.mark.parametrize(
    "headers",
    [
        {"X_Forwarded_For": "203.0.113.9"},
        {"Forwarded": "for=203.0.113.9"},
        {"Via": "1.1 proxy"},
        {"Host": "rebound.example:8080"},
        {"Host": "["},
    ],
)
def test_nobody_else_is_told(config: Config, headers: dict[str, str]):
    with Server(config) as server:
        answer = ask(server.port, "/metrics", **{"Host": "localhost", **headers})
    assert (answer.status, answer.body) == (403, b"403\n")


def test_a_proxy_that_adds_no_header_speaks_http_1_0(config: Config):
    import socket

    with Server(config) as server, socket.create_connection(("127.0.0.1", server.port), timeout=10) as client:
        client.sendall(b"GET /metrics HTTP/1.0\r\nHost: 127.0.0.1\r\n\r\n")
        assert client.recv(12, socket.MSG_WAITALL) == b"HTTP/1.0 403"


def test_the_operators_token_opens_it_from_elsewhere(config: Config, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("AGGREGATOR_OPERATOR_TOKEN", TOKEN)
    proxied = {"Host": "news.example", "X_Forwarded_For": "203.0.113.9", "X_Forwarded_Proto": "https"}
    with Server(config) as server:
        right, wrong = (
            ask(server.port, "/metrics", Authorization=f"Bearer {token}", **proxied).status
            for token in (TOKEN, TOKEN[::-1])
        )
    assert (right, wrong) == (200, 403)


def test_while_the_store_is_not_there_it_says_so(config: Config, tmp_path: Path):
    with Server(replace(config, store=tmp_path / "none.sqlite")) as server:
        assert ask(server.port, "/metrics", Host="localhost").status == 503
    assert not (tmp_path / "none.sqlite").exists()


def test_scrapers_at_once_cost_one_look(config: Config):
    with Server(config) as server:
        first = ask(server.port, "/metrics", Host="localhost").body
        db = open_store(config.store)
        db.execute("DELETE FROM polls")
        stage_runs.add(db, [StageRun(stage="poll", started_at=NOW, ended_at=NOW + timedelta(seconds=1))])
        db.close()
        assert ask(server.port, "/metrics", Host="localhost").body == first
