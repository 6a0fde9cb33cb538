"""What a run needs of its machine, looked at."""

import socket
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from aggregator import dask_scheduler, surroundings
from aggregator.config import Config
from aggregator.http import reach
from aggregator.store import open_store
from aggregator.times import to_text

NOW = datetime(2026, 11, 24, 6, tzinfo=UTC)


def config(folder: Path, *ports: int, **settings: object) -> Config:
    listed = "".join(
        f'<outline type="rss" text="{n}" xmlUrl="http://127.0.0.{n}:{port}/feed"/>'
        for n, port in enumerate(ports, start=1)
    )
    (folder / "feeds.opml").write_text(f'<opml version="2.0"><head/><body>{listed}</body></opml>')
    return Config(
        opml=folder / "feeds.opml", store=folder / "data" / "s.sqlite", allow_private_hosts=True, **settings
    )


@pytest.fixture
def port() -> "socket.socket":
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1]


@pytest.fixture
def closed() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        return int(server.getsockname()[1])


def test_hosts_that_answer_are_counted_and_others_named_with_the_reason(
    tmp_path: Path, port: int, closed: int
):
    [finding] = surroundings.network(config(tmp_path, port, closed), NOW)
    assert finding.ok
    assert finding.text.startswith("network: 1 of 2 hosts of feeds answer; 127.0.0.2: no connection (")


def test_where_no_host_answers_the_network_is_looked_at(tmp_path: Path, closed: int):
    [finding] = surroundings.network(config(tmp_path, closed), NOW)
    assert (finding.ok, finding.serious) == (False, True)
    assert "name servers" in finding.next_step


def test_nothing_is_said_of_the_network_where_no_feed_is_listed(tmp_path: Path):
    assert list(surroundings.network(Config(opml=tmp_path / "none"), NOW)) == []


def test_what_a_poll_would_refuse_is_not_connected_to(port: int):
    url = f"http://127.0.0.1:{port}/"
    assert reach.obstacles([url], allow_private=True) == {url: ""}
    assert "refused" in reach.obstacles([url], allow_private=False)[url]
    assert (
        "name is not found"
        in reach.obstacles(["http://no-such-host.invalid/"], allow_private=True).popitem()[1]
    )


@pytest.mark.parametrize(
    ("seen", "ok"), [(NOW - timedelta(hours=1), True), (NOW + timedelta(days=400), False)]
)
def test_a_store_from_the_future_shows_a_clock_that_is_or_was_wrong(tmp_path: Path, seen: datetime, ok: bool):
    here = config(tmp_path, 80)
    db = open_store(here.store)
    db.table("feeds").insert({
        "listed_url": "u", "fetch_url": "u", "host": "h", "domain": "d", "next_poll_at": "",
        "last_poll_at": to_text(seen),
    })  # fmt: skip
    db.close()
    [finding] = surroundings.clock(here, NOW)
    assert finding.ok is ok
    assert ("which is later" in finding.text) is not ok


def test_a_clock_that_was_never_set_is_serious(tmp_path: Path):
    [finding] = surroundings.clock(config(tmp_path, 80), datetime(1970, 1, 1, tzinfo=UTC))
    assert (finding.ok, finding.serious) == (False, True)


def test_a_key_that_others_can_read_is_named_without_its_text(tmp_path: Path):
    key = tmp_path / "deepl.key"
    key.write_text("very-secret")
    key.chmod(0o644)
    [finding] = surroundings.secrets(config(tmp_path, 80, deepl_key_file=key), NOW)
    assert finding.next_step == f"chmod 600 {key}"
    assert "very-secret" not in finding.text
    key.chmod(0o600)
    assert list(surroundings.secrets(config(tmp_path, 80, deepl_key_file=key), NOW)) == []


def test_a_store_that_holds_a_private_path_is_kept_from_others(tmp_path: Path):
    here = config(tmp_path, 80, visibility="private")
    open_store(here.store).close()
    here.store.chmod(0o644)
    here.store.parent.chmod(0o755)
    [finding] = surroundings.secrets(here, NOW)
    assert finding.next_step == f"chmod 700 {here.store.parent}"
    here.store.parent.chmod(0o700)
    assert list(surroundings.secrets(here, NOW)) == []


def test_a_cluster_that_does_not_answer_is_found_with_what_to_do(
    monkeypatch: pytest.MonkeyPatch, closed: int
):
    monkeypatch.setattr(dask_scheduler, "CONNECT", 0.2)
    spec = f"dask:tcp://127.0.0.1:{closed}"
    [finding] = surroundings.clusters(Config(executor_poll=spec, executor_translate=spec), NOW)
    assert (finding.ok, finding.serious) == (False, True)
    assert f"tcp://127.0.0.1:{closed}: no scheduler answers" in finding.text
    assert finding.next_step == "docs/scaling.md says how"


def test_nothing_is_said_of_clusters_where_none_is_named():
    assert list(surroundings.clusters(Config(), NOW)) == []
