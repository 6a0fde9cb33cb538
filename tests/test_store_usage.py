"""Tables engine_usage, engine_days and engine_states."""

from datetime import UTC, date, datetime, timedelta

import pytest

from aggregator.store import open_store, usage
from aggregator.store.usage import Used

DAY = date(2026, 11, 24)
NOW = datetime(2026, 11, 24, 6, tzinfo=UTC)


@pytest.fixture
def db(tmp_path):
    db = open_store(tmp_path / "store.sqlite")
    yield db
    db.conn.close()


def test_characters_and_cost_add_up_by_day_and_month(db):
    usage.add(db, "deepl", 100, 0.25, DAY)
    usage.add(db, "deepl", 50, 0.125, DAY + timedelta(days=1))
    usage.add(db, "deepl", 7, 0, date(2026, 12, 1))
    assert usage.used(db, "deepl", DAY) == Used(today=100, month=150)
    assert usage.used(db, "openai", DAY) == Used(today=0, month=0)
    assert db.execute("SELECT month, characters, cost FROM engine_usage").fetchall() == [
        ("2026-11", 150, 0.375), ("2026-12", 7, 0),
    ]  # fmt: skip
    assert usage.engines(db) == ["deepl"]


def test_a_refund_takes_away_and_never_below_zero(db):
    usage.add(db, "deepl", 100, 1, DAY)
    usage.add(db, "deepl", -40, -0.5, DAY)
    assert usage.used(db, "deepl", DAY) == Used(today=60, month=60)
    usage.add(db, "deepl", -100, -1, DAY)
    assert usage.used(db, "deepl", DAY) == Used(today=0, month=0)


def test_days_without_use_count_once_there_was_any(db):
    usage.add(db, "deepl", 100, 0, DAY - timedelta(days=2))
    usage.add(db, "deepl", 30, 0, DAY)
    assert usage.days(db, "deepl", DAY, 7) == [30, 0, 100]
    assert usage.days(db, "openai", DAY, 7) == [0]


def test_the_first_time_an_engine_was_ready_stays(db):
    usage.note_configured(db, ["deepl"], NOW)
    usage.note_configured(db, ["deepl", "openai"], NOW + timedelta(days=1))
    assert usage.configured(db) == {"deepl": "2026-11-24T06:00:00Z", "openai": "2026-11-25T06:00:00Z"}


def test_an_engine_rests_until_its_time_is_over_and_stays_configured(db):
    usage.note_configured(db, ["deepl"], NOW)
    usage.rest(db, "deepl", NOW + timedelta(minutes=15), "answered 503")
    assert usage.resting(db, NOW) == {"deepl": "answered 503"}
    assert usage.resting(db, NOW + timedelta(minutes=15)) == {}
    assert list(usage.configured(db)) == ["deepl"]
