"""The soak and the small server: their judges by values written by hand, and both in a short form."""

import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import feedparser
import pytest

BENCH = Path(__file__).parent.parent / "bench"
sys.path.append(str(BENCH))

import newsworld  # noqa: E402 - scripts beside each other
import vitals  # noqa: E402
from judge import Loss, Verdict, judge, polls_of  # noqa: E402
from newsserver import Visit  # noqa: E402
from newsworld import Shape  # noqa: E402

MINUTE, HOUR = 60.0, 3600.0
NOW = datetime(2026, 11, 24, 6, tzinfo=UTC)


def _visit(
    at: float, kind: str = "ok", source: int | None = 1, host: str = "127.0.1.1", **more: object
) -> Visit:
    path = "/page/1/1" if source is None else f"/feed/{source}"
    return Visit(host=host, path=path, arrived=at, answered=at + 0.5, kind=kind, source=source, **more)


def _judged(*visits: Visit, losses: tuple[Loss, ...] = (), was_down: bool = False) -> Verdict:
    return judge(visits, losses, spacing=1.0, speed=8.0, network_was_down=was_down)


def _rules(verdict: Verdict) -> list[str]:
    return [each.rule for each in verdict.early]


def test_a_poll_within_a_quarter_of_an_hour_is_early():
    assert _rules(_judged(_visit(0), _visit(14 * MINUTE))) == ["floor"]
    assert not _judged(_visit(0), _visit(15 * MINUTE + 1)).early


@pytest.mark.parametrize(
    ("said", "rule", "wait"),
    [
        ({"max_age": 2 * HOUR}, "max-age", 2 * HOUR),
        ({"ttl": 1 * HOUR}, "ttl", 1 * HOUR),
        ({"max_age": 90 * HOUR}, "max-age", 24 * HOUR),
    ],
)
def test_what_the_answer_says_of_its_freshness_is_kept(said, rule, wait):
    assert _rules(_judged(_visit(0, **said), _visit(wait - 1))) == [rule]
    assert not _judged(_visit(0, **said), _visit(wait + 1)).early


def test_a_ttl_holds_until_another_body_comes():
    still_new = _visit(1 * HOUR + 1, "same"), _visit(1 * HOUR + 20 * MINUTE)
    assert _rules(_judged(_visit(0, ttl=1 * HOUR), *still_new)) == ["ttl"]


def test_failures_in_a_row_double_the_wait_and_a_good_answer_ends_the_row():
    first, second = _visit(0, "500"), _visit(1 * HOUR + 1, "500")
    assert _rules(_judged(first, _visit(59 * MINUTE))) == ["backoff"]
    assert _rules(_judged(first, second, _visit(second.arrived + 1.9 * HOUR))) == ["backoff"]
    well = _visit(second.arrived + 2 * HOUR + 1)
    assert not _judged(first, second, well, _visit(well.arrived + 16 * MINUTE)).early


def test_a_retry_after_outlasts_the_backoff_and_holds_for_the_whole_host():
    busy = _visit(0, "503", retry_after=2 * HOUR)
    assert _rules(_judged(busy, _visit(1.5 * HOUR))) == ["retry-after", "rest"]
    assert _rules(_judged(busy, _visit(1.5 * HOUR, source=2))) == ["rest"]
    assert not _judged(busy, _visit(1.5 * HOUR, source=2, host="127.0.1.2")).early


def test_a_feed_that_was_gone_twice_is_never_asked_again():
    gone = _visit(0, "gone"), _visit(1 * HOUR + 1, "gone")
    assert not _judged(*gone).early
    assert _rules(_judged(*gone, _visit(1000 * HOUR))) == ["gone"]


def test_silence_is_no_failure_while_our_own_network_is_down():
    silent = _visit(0, "none"), _visit(16 * MINUTE)
    assert _rules(_judged(*silent)) == ["backoff"]
    assert not _judged(*silent, was_down=True).early


def test_requests_to_one_host_are_a_second_apart_pages_too():
    assert _rules(_judged(_visit(0), _visit(1.0, source=None))) == ["spacing"]
    assert not _judged(_visit(0), _visit(1.6, source=None)).early


def test_redirects_and_one_more_request_after_a_reset_are_the_same_poll():
    hops = [_visit(0, "redirect"), _visit(8, "ok")]
    resets = [_visit(2 * HOUR, "reset"), _visit(2 * HOUR + 1, "reset"), _visit(5 * HOUR)]
    assert [len(poll.visits) for poll in polls_of([*hops, *resets], 8.0)] == [2, 2, 1]


def test_a_redirect_is_followed_five_times_at_most_in_one_poll():
    hops = [_visit(10.0 * n, "redirect") for n in range(7)]
    assert [len(poll.visits) for poll in polls_of(hops, 8.0)] == [6, 1]


def test_a_poll_that_a_kill_left_unbooked_may_be_made_again():
    twice = _visit(0), _visit(20)
    unbooked, booked = Loss(at=5, booked={}), Loss(at=5, booked={1: 0.0})
    assert _judged(*twice, losses=(unbooked,)).unbooked == 1
    assert not _judged(*twice, losses=(unbooked,)).early
    assert _rules(_judged(*twice, losses=(booked,))) == ["floor"]


def test_a_slope_is_what_most_pairs_say_whatever_single_peaks_do():
    line = [(float(n), 100 + 2.0 * n) for n in range(50)]
    assert vitals.slope(line) == pytest.approx(2.0)
    line[10] = line[30] = (20.0, 900.0)
    assert vitals.slope(line) == pytest.approx(2.0, abs=0.1)
    assert vitals.slope([]) == 0.0


def test_a_script_says_the_same_each_time_and_lists_what_has_come_out():
    shape = Shape(feeds=20, length=24 * HOUR, entries_a_day=200)
    sources = newsworld.make(shape, 7)
    assert sources == newsworld.make(shape, 7)
    assert sources != newsworld.make(shape, 8)
    busy = max(sources, key=lambda source: len(source.released))
    early, late = (newsworld.document(busy, at, NOW, "http://a.example") for at in (0.0, 20 * HOUR))
    assert early == newsworld.document(busy, 0.0, NOW, "http://a.example")
    assert early.entries != late.entries


@pytest.mark.parametrize("form", ["rss", "atom"])
def test_a_document_holds_the_entries_that_the_account_says(form):
    shape = Shape(feeds=20, length=24 * HOUR, entries_a_day=200)
    source = next(each for each in newsworld.make(shape, 7) if each.form == form)
    made = newsworld.document(source, 0.0, NOW, "http://a.example")
    read = feedparser.parse(made.body)
    assert not read.bozo
    assert [entry.id for entry in read.entries] == list(reversed(made.entries))


def _run(script: str, *options: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(BENCH / script), *options]
    return subprocess.run(command, capture_output=True, text=True, timeout=280, check=False)


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_a_short_soak_loses_nothing_asks_nobody_early_and_grows_nowhere(tmp_path: Path):
    form = (
        "--feeds",
        "60",
        "--minutes",
        "1",
        "--speed",
        "60",
        "--restarts",
        "2",
        "--patience",
        "3",
        "--pages",
        "0",
    )
    ended = _run("soak.py", *form, "--keep", str(tmp_path))
    assert ended.returncode == 0, ended.stdout + ended.stderr
    assert "| polls came too early | 0 | ok |" in ended.stdout


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_a_day_on_a_small_server_stays_within_its_memory_and_its_disk(tmp_path: Path):
    form = ("--days", "1", "--minutes", "1", "--entries", "200", "--first", "3")
    ended = _run("vps.py", *form, "--keep", str(tmp_path))
    assert ended.returncode == 0, ended.stdout + ended.stderr
