"""Quotas hold in a simulated week in which 2,000 entries come out."""

from datetime import timedelta
from pathlib import Path

import pytest

from aggregator.discuss.access import REDDIT
from aggregator.discuss.providers import KINDS
from tests.countweek import ASKED, DAY, HOUR, WEEK, Ledger, simulate, table

ENTRIES = 2000


@pytest.fixture(autouse=True)
def credentials(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(REDDIT, "acme:secret")


def assert_quotas_hold(ledger: Ledger) -> None:
    for provider in ASKED:
        quota = KINDS[provider].quota
        assert 0 < ledger.busiest(provider, HOUR) <= quota.hourly, provider
        assert ledger.busiest(provider, DAY) <= quota.daily, provider


def test_what_a_quota_does_not_hold_is_dropped(tmp_path: Path):
    ledger = simulate(tmp_path, ENTRIES, over=HOUR, length=2 * HOUR, host_spacing=timedelta())
    assert_quotas_hold(ledger)
    assert ledger.busiest("github", HOUR) == 40
    # 1 entry in 10 is an issue, looked at after a quarter of an hour and after an hour: 400 turns.
    assert ledger.counted["github"] == 80
    assert 400 - 80 - 20 <= ledger.dropped["github"] <= 400 - 80


@pytest.mark.slow
def test_quotas_hold_for_a_week_after_entries_came_out_within_an_hour(tmp_path: Path):
    ledger = simulate(tmp_path, ENTRIES, over=HOUR, length=WEEK)
    assert_quotas_hold(ledger)
    assert all(ledger.counted.values())
    assert sum(ledger.waiting.values()) < ENTRIES / 100
    assert len(list(table(ledger, ENTRIES, HOUR))) == 18
