"""Who is told of trouble, and how often: decisions as values, messages over real processes and sockets."""

import http.server
import json
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import ClassVar

import pytest
from sqlite_utils import Database

from aggregator import alarm, alerts, notify, troubles
from aggregator.config import Config, load
from aggregator.errors import ConfigError
from aggregator.model import Alert, Trouble
from aggregator.store import alerts as store
from aggregator.store import backups, hook_states, network, open_store, stage_runs
from aggregator.store.hook_states import HookState
from aggregator.store.stage_runs import StageRun
from tests.conftest import Aggregator

NOW = datetime(2026, 11, 24, 6, 0, tzinfo=UTC)
MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)
BROKEN = Trouble(key="stage publish", text="publish failed 3 times in a row: disk full")
SLOW = Trouble(key="engine", text="no engine translates", patience=6 * HOUR)


def test_what_lets_one_in_is_sent_to_nobody(config: Config):
    failure = "after_publish failed 3 times in a row: curl: (7) https://me:my-word@host.example/?token=T0ken"
    message = alarm.due(alarm.follow((), [Trouble(key="hook", text=failure)], NOW), NOW)
    assert message
    text = alerts.facts_of(message, config, NOW)["text"]
    assert "host.example" in text
    assert "my-word" not in text
    assert "T0ken" not in text


# --- decisions ----------------------------------------------------------------------------------------------


def told(
    found: list[Trouble], known: tuple[Alert, ...], now: datetime, failure: str = ""
) -> tuple[str, tuple[Alert, ...]]:
    """Let a minute's look pass; return what was told, and the alerts afterwards."""
    known = alarm.follow(known, found, now)
    message = alarm.due(known, now)
    if message is None:
        return "", known
    return f"{message.event} {message.key}", alarm.settle(known, message, failure, now)


def test_a_trouble_is_told_once_and_once_that_it_is_over():
    first, known = told([BROKEN], (), NOW)
    again, known = told([BROKEN], known, NOW + MINUTE)
    over, known = told([], known, NOW + 2 * MINUTE)
    assert (first, again, over, known) == ("trouble stage publish", "", "recovery stage publish", ())


def test_what_may_last_a_while_is_told_when_it_did():
    at_once, known = told([SLOW], (), NOW)
    later, known = told([SLOW], known, NOW + 5 * HOUR)
    at_last, _ = told([SLOW], known, NOW + 6 * HOUR)
    assert (at_once, later, at_last) == ("", "", "trouble engine")


def test_what_a_clock_that_was_ahead_put_off_is_told_as_soon_as_it_was_meant_to():
    _, known = told([SLOW], (), NOW + 300 * 24 * HOUR)
    at_once, known = told([SLOW], known, NOW)
    at_last, known = told([SLOW], known, NOW + 6 * HOUR)
    assert (at_once, at_last) == ("", "trouble engine")
    _, known = told([], known, NOW + 300 * 24 * HOUR, failure="status 500")
    at_once, known = told([], known, NOW + 7 * HOUR)
    assert (at_once, told([], known, NOW + 8 * HOUR)) == ("", ("recovery engine", ()))


def test_what_went_before_anybody_was_told_leaves_no_trace():
    _, known = told([SLOW], (), NOW)
    assert told([], known, NOW + HOUR) == ("", ())


def test_a_message_that_was_not_taken_is_sent_again_later_and_later():
    known: tuple[Alert, ...] = ()
    moments = []
    for minute in range(200):
        said, known = told([BROKEN], known, NOW + minute * MINUTE, failure="status 500")
        if said:
            moments.append(minute)
    assert moments == [0, 1, 6, 21, 81, 141]
    said, known = told([BROKEN], known, NOW + 300 * MINUTE)
    assert (said, known[0].told_at) == ("trouble stage publish", NOW + 300 * MINUTE)


def test_what_comes_back_before_its_end_was_told_has_never_been_away():
    _, known = told([BROKEN], (), NOW)
    said, known = told([], known, NOW + MINUTE, failure="status 500")
    assert said == "recovery stage publish"
    assert told([BROKEN], known, NOW + 9 * MINUTE)[0] == ""


def test_what_comes_back_while_its_end_is_being_told_is_told_once_more():
    _, known = told([BROKEN], (), NOW)
    known = alarm.follow(known, [], NOW + MINUTE)
    message = alarm.due(known, NOW + MINUTE)
    assert message
    known = alarm.follow(known, [BROKEN], NOW + 2 * MINUTE)
    known = alarm.settle(known, message, "", NOW + 3 * MINUTE)
    assert told([BROKEN], known, NOW + 3 * MINUTE)[0] == "trouble stage publish"


def test_of_several_the_one_that_waits_longest_comes_first():
    known = alarm.follow((), [replace(BROKEN, key="z")], NOW)
    known = alarm.follow(known, [replace(BROKEN, key="z"), replace(BROKEN, key="a")], NOW + MINUTE)
    message = alarm.due(known, NOW + MINUTE)
    assert message
    assert message.key == "z"


# --- what is wrong ------------------------------------------------------------------------------------------


@pytest.fixture
def config(tmp_path: Path) -> Config:
    return Config(store=tmp_path / "store.sqlite", output=tmp_path / "output", engine="none", alert_after=3)


@pytest.fixture
def db(config: Config) -> Iterator[Database]:
    opened = open_store(config.store)
    yield opened
    opened.close()


def fail(db: Database, times: int, stage: str = "publish") -> None:
    run = StageRun(stage=stage, started_at=NOW, ended_at=NOW, failure="disk full")
    stage_runs.add(db, [run] * times)


def keys(db: Database, config: Config, now: datetime = NOW) -> list[str]:
    return [trouble.key for trouble in troubles.found(db, config, now)]


def feed(db: Database, number: int, **columns: object) -> None:
    usual = {"feed_id": number, "host": "h", "domain": "h", "next_poll_at": "x", "last_poll_at": "x"}
    db.table("feeds").insert({**usual, "listed_url": f"u{number}", "fetch_url": "u", **columns})


def test_in_a_new_store_nothing_is_wrong(db: Database, config: Config):
    assert keys(db, config) == []


def test_a_stage_is_in_trouble_when_it_failed_so_often_in_a_row(db: Database, config: Config):
    fail(db, 2)
    assert keys(db, config) == []
    fail(db, 1)
    (trouble,) = troubles.found(db, config, NOW)
    assert (trouble.key, trouble.text) == ("stage publish", "publish failed 3 times in a row: disk full")


def test_what_failed_once_is_said_to_have_failed_once(db: Database, config: Config):
    once = replace(config, alert_after=1, after_publish="false")
    fail(db, 1)
    hook_states.write(db, {"after_publish": HookState(failures=1, failure="exit code 1")})
    assert [trouble.text for trouble in troubles.found(db, once, NOW)] == [
        "publish failed once: disk full", "after_publish failed once: exit code 1",
    ]  # fmt: skip


def test_a_round_is_in_trouble_where_none_of_its_stages_is(db: Database, config: Config):
    fail(db, 3, "round")
    assert keys(db, config) == ["stage round"]
    fail(db, 3)
    assert keys(db, config) == ["stage publish"]


def test_all_feeds_failing_is_a_trouble_and_one_that_is_well_is_none(db: Database, config: Config):
    feed(db, 1, failures=2)
    assert keys(db, config) == []
    feed(db, 2, failures=1)
    assert keys(db, config) == ["feeds"]
    feed(db, 3)
    assert keys(db, config) == []


def test_our_own_network_is_named_when_it_is_that(db: Database, config: Config):
    feed(db, 1, failures=2)
    feed(db, 2, failures=1)
    network.note(db, NOW - HOUR)
    (trouble,) = troubles.found(db, config, NOW)
    assert (trouble.key, "60 min" in trouble.text or "1 h" in trouble.text) == ("network", True)


def test_no_engine_that_is_ready_is_one(db: Database, config: Config, tmp_path: Path):
    assert keys(db, replace(config, engine="firefox", models=tmp_path)) == ["engine"]


def test_a_disk_that_is_nearly_full_is_one(db: Database, config: Config, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(troubles, "ROOM", 10**18)
    assert keys(db, config) == ["disk store", "disk output"]


def waits(db: Database, number: int, state: str, held_at: str, published_at: str | None = None) -> None:
    db.execute("INSERT INTO stories (story_id) VALUES (?)", [number])
    names = {"public_id": str(number), "slug": str(number), "story_id": number}
    db.table("publications").insert(
        names | {"state": state, "held_at": held_at, "first_published_at": published_at}
    )


def test_an_engine_that_brings_nothing_is_one_though_untranslated_stories_come_out(
    db: Database, config: Config, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(troubles.engines, "ready", lambda _: ("firefox",))
    config = replace(config, engine="firefox")
    waits(db, 1, "untranslated", "2026-11-20T06:00:00Z", "2026-11-20T12:00:00Z")  # never to be translated
    waits(db, 2, "translated", "2026-11-23T23:00:00Z", "2026-11-23T23:30:00Z")
    waits(db, 3, "untranslated", "2026-11-23T23:45:00Z", "2026-11-24T05:45:00Z")
    waits(db, 4, "held", "2026-11-24T01:00:00Z")
    assert keys(db, config) == []
    waits(db, 5, "held", "2026-11-24T05:00:00Z")
    (trouble,) = troubles.found(db, config, NOW)
    assert trouble.text == "nothing was translated for 6 h, and 3 stories wait for it"
    assert keys(db, replace(config, engine="none")) == []
    waits(db, 6, "translated", "2026-11-24T05:30:00Z", "2026-11-24T05:58:00Z")
    assert keys(db, config) == []


def test_a_backup_that_failed_or_cannot_be_restored_is_one(db: Database, config: Config):
    backups.note(db, backups.State(failure="disk full", trial_failure="bytes differ"))
    assert keys(db, config) == ["backup", "backup trial"]


def test_a_hook_that_keeps_failing_is_one_while_it_is_set(db: Database, config: Config):
    hook_states.write(db, {"after_publish": HookState(failures=3, failure="exit code 1")})
    assert keys(db, config) == []
    assert keys(db, replace(config, after_publish="rsync")) == ["hook after_publish"]


# --- messages -----------------------------------------------------------------------------------------------


SCRIPT = """
import json, os, sys
given = json.load(sys.stdin)
with open(sys.argv[1], "a") as file:
    print(given["event"], os.environ["ALERT_KEY"], given["text"], sep="|", file=file)
print("taken down by hand", file=sys.stderr)
sys.exit(int(os.environ.get("CODE", "0")) or "AGGREGATOR_DEEPL_KEY" in os.environ)
"""


@pytest.fixture
def heard(tmp_path: Path) -> Path:
    return tmp_path / "heard"


@pytest.fixture
def command(tmp_path: Path, heard: Path) -> str:
    (tmp_path / "tell.py").write_text(SCRIPT)
    return f"{sys.executable} '{tmp_path / 'tell.py'}' '{heard}'"


class Hook(http.server.BaseHTTPRequestHandler):
    statuses: ClassVar[list[int]] = []
    bodies: ClassVar[list[dict[str, str]]] = []

    def do_POST(self) -> None:
        self.bodies.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
        self.send_response(self.statuses.pop(0) if self.statuses else 200)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def url() -> Iterator[str]:
    Hook.statuses, Hook.bodies = [], []
    with http.server.HTTPServer(("127.0.0.1", 0), Hook) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/hook?key=secret"
        server.shutdown()


FACTS = {"event": "trouble", "key": "network", "text": "down"}


def test_a_command_gets_the_facts_and_none_of_our_keys(
    command: str, heard: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("AGGREGATOR_DEEPL_KEY", "secret")
    assert notify.tell(command, FACTS) == ""
    assert heard.read_text() == "trouble|network|down\n"


def test_a_command_that_fails_says_why(command: str, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("CODE", "3")
    assert notify.tell(command, FACTS) == "exit code 3: taken down by hand"
    assert notify.tell("/nowhere/at-all", FACTS) == "cannot be started (No such file or directory)"


def test_a_command_that_never_ends_is_ended_with_what_it_started(tmp_path: Path):
    (tmp_path / "hang.sh").write_text("sleep 600 & wait")
    started = time.monotonic()
    assert (
        notify.tell(f"sh {tmp_path}/hang.sh", FACTS, timedelta(seconds=0.3))
        == "took longer than 0.3 s and was ended"
    )
    assert time.monotonic() - started < 5


def test_what_a_command_leaves_running_is_not_waited_for(tmp_path: Path):
    (tmp_path / "leave.sh").write_text("sleep 5 & exit 0")
    started = time.monotonic()
    assert notify.tell(f"sh {tmp_path}/leave.sh", FACTS) == ""
    assert time.monotonic() - started < 3


def test_an_address_gets_json_and_is_named_by_its_host_alone(url: str):
    Hook.statuses = [200, 503]
    assert [notify.tell(url, FACTS) for _ in range(2)] == ["", "127.0.0.1: status 503"]
    assert Hook.bodies[0] == FACTS


def test_an_address_nobody_listens_at_says_so():
    assert notify.tell("http://127.0.0.1:1/hook", FACTS) == "127.0.0.1: ConnectionFailed"


# --- all together -------------------------------------------------------------------------------------------


def settled(watch: alerts.Watch, db: Database, config: Config, now: datetime) -> None:
    """Look until the message on its way has arrived."""
    watch.look(db, config, now)
    while watch.sent:
        watch.sent[1].result(timeout=10)
        watch.looked_at = None
        watch.look(db, config, now)


def test_trouble_is_told_beside_the_work_and_remembered_over_a_restart(
    db: Database, config: Config, command: str, heard: Path
):
    config = replace(config, alert=command)
    fail(db, 3)
    watch = alerts.Watch()
    settled(watch, db, config, NOW)
    watch.close()
    after_restart = alerts.Watch()
    settled(after_restart, db, config, NOW + HOUR)
    stage_runs.add(db, [StageRun(stage="publish", started_at=NOW, ended_at=NOW)])
    settled(after_restart, db, config, NOW + 2 * HOUR)
    after_restart.close()
    assert heard.read_text().splitlines() == [
        "trouble|stage publish|テックニュース日本語版: trouble: publish failed 3 times in a row: disk full",
        "recovery|stage publish|テックニュース日本語版: over: publish failed 3 times in a row: disk full",
    ]
    assert store.all_of(db) == ()


def test_a_slow_message_keeps_no_round_waiting(db: Database, config: Config):
    fail(db, 3)
    watch = alerts.Watch()
    started = time.monotonic()
    watch.look(db, replace(config, alert="sleep 2"), NOW)
    assert time.monotonic() - started < 1
    assert watch.sent
    assert watch.sent[1].result(timeout=10) == ""
    watch.close()


def test_a_store_that_takes_nothing_is_told_of_once(db: Database, config: Config, command: str, heard: Path):
    config = replace(config, alert=command)
    watch = alerts.Watch()
    settled(watch, db, config, NOW)
    db.execute("ALTER TABLE stage_runs RENAME TO elsewhere")
    for minutes in (2, 4):
        settled(watch, db, config, NOW + minutes * MINUTE)
    db.execute("ALTER TABLE elsewhere RENAME TO stage_runs")
    settled(watch, db, config, NOW + 6 * MINUTE)
    watch.close()
    assert [line[: line.index("|テ")] for line in heard.read_text().splitlines()] == [
        "trouble|store",
        "recovery|store",
    ]


def test_a_command_that_ends_waits_until_all_is_told(db: Database, config: Config, command: str, heard: Path):
    fail(db, 3)
    fail(db, 4, "count")
    alerts.Watch().look(db, replace(config, alert=command), NOW, wait=True)
    assert [line.split("|")[1] for line in heard.read_text().splitlines()] == ["stage count", "stage publish"]


def test_nobody_is_told_while_the_setting_is_empty(db: Database, config: Config):
    fail(db, 3)
    alerts.Watch().look(db, config, NOW)
    assert store.all_of(db) == ()


@pytest.mark.parametrize(
    ("setting", "said"),
    [
        ("alert=ftp://host/hook", "flag: alert: expected a command, or an http or https URL"),
        ("alert=https:///", "flag: alert: expected a command, or an http or https URL"),
        (
            "alert=mail 'root",
            "flag: alert: expected a command as a shell reads it; a quotation mark is not closed",
        ),
        ("alert_after=0", "flag: alert_after = 0: expected a whole number of 1 or more"),
    ],
)
def test_settings_that_cannot_work_are_refused_without_showing_a_key(setting: str, said: str):
    key, _, value = setting.partition("=")
    with pytest.raises(ConfigError) as caught:
        load(environ={}, flags={key: value})
    assert str(caught.value) == said


def test_alert_test_sends_a_message_and_says_where_it_failed(
    aggregator: Aggregator, command: str, heard: Path
):
    sent = aggregator("alert", "test", AGGREGATOR_ALERT=command)
    assert (sent.returncode, sent.stdout) == (0, "sent\n")
    assert heard.read_text().startswith("test|test|テックニュース日本語版: test: ")
    refused = aggregator("alert", "test", AGGREGATOR_ALERT="http://127.0.0.1:1/hook?key=secret")
    assert (refused.returncode, refused.stderr.splitlines()[-1]) == (
        1,
        "aggregator: alert: 127.0.0.1: ConnectionFailed",
    )
    unset = aggregator("alert", "test")
    assert unset.returncode == 2


def test_cron_is_told_after_so_many_runs_that_could_not_publish(
    demo_feeds: object, aggregator: Aggregator, tmp_path: Path, command: str, heard: Path
):
    (tmp_path / "output").write_text("no folder")
    settings = {"AGGREGATOR_ALERT": command, "AGGREGATOR_ALERT_AFTER": "2"}
    assert [aggregator("once", **settings).returncode for _ in range(3)] == [5, 5, 5]
    (tmp_path / "output").unlink()
    assert aggregator("once", **settings).returncode == 0
    said = [line.split("|")[:2] for line in heard.read_text().splitlines()]
    assert said == [["trouble", "stage publish"], ["recovery", "stage publish"]]
    opened = open_store(tmp_path / "store.sqlite")
    known = stage_runs.all_of(opened)
    assert (known["round"].failures, known["round"].runs) == (0, 4)
    opened.close()
