"""A clock that was wrong: what it put off by years waits no longer than it was meant to."""

import logging
import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlite_utils import Database

from aggregator import stages
from aggregator.config import Config
from aggregator.session import Session, take_up_opml
from aggregator.store import open_store, waits
from aggregator.times import from_text, to_text
from tests.feedserver import Answer, FeedServer
from tests.test_subscribe import RSS

NOW = datetime(2026, 11, 24, 6, tzinfo=UTC)
WRONG = datetime(2099, 1, 1, tzinfo=UTC)
HOUR, DAY = timedelta(hours=1), timedelta(days=1)


@pytest.fixture
def session(tmp_path: Path) -> Iterator[Session]:
    config = Config(
        opml=tmp_path / "feeds.opml", store=tmp_path / "store.sqlite", output=tmp_path / "output", engine="none", extract="feed",
        allow_private_hosts=True, host_spacing=timedelta(), executor_poll="inline:",
    )  # fmt: skip
    db = open_store(config.store)
    yield Session(db=db, config=config, clock=lambda: WRONG)
    db.close()


def _poll(session: Session, now: datetime) -> None:
    session.clock = lambda: now
    stages.poll(session)


def _times(db: Database, url: str) -> tuple[datetime, datetime]:
    sql = "SELECT last_poll_at, next_poll_at FROM feeds WHERE listed_url = ?"
    last, again = db.execute(sql, [url]).fetchone()
    return from_text(last), from_text(again)


def test_feeds_polled_by_a_clock_of_2099_are_polled_again_when_they_would_have_been(
    session: Session, caplog: pytest.LogCaptureFixture
):
    with FeedServer() as server:
        usual = server.serve("/usual", RSS)
        busy = server.script("/busy", Answer(status=503, headers={"Retry-After": "7200"}))
        outlines = "".join(f'<outline text="x" xmlUrl="{url}"/>' for url in (usual, busy))
        session.config.opml.write_text(f'<opml version="2.0"><body>{outlines}</body></opml>')
        take_up_opml(session.db, session.config, lambda: WRONG)
        _poll(session, WRONG)
        _, wanted = _times(session.db, usual)
        with caplog.at_level(logging.WARNING):
            _poll(session, NOW)
        assert [len(server.asked(path)) for path in ("/usual", "/busy")] == [1, 1]  # as was decided
        assert _times(session.db, usual) == (NOW, NOW + (wanted - WRONG))
        assert _times(session.db, busy)[1] >= NOW + 2 * HOUR
        assert "clock_was_ahead rows=" in caplog.text
        _poll(session, NOW + 2 * HOUR)
        assert len(server.asked("/usual")) == 2
        _poll(session, NOW + DAY)
        assert len(server.asked("/busy")) == 2


def test_a_clock_that_is_right_moves_nothing(session: Session, caplog: pytest.LogCaptureFixture):
    with FeedServer() as server:
        url = server.serve("/feed", RSS)
        session.config.opml.write_text(f'<opml version="2.0"><body><outline xmlUrl="{url}"/></body></opml>')
        take_up_opml(session.db, session.config, lambda: NOW)
        _poll(session, NOW)
        before = _times(session.db, url)
        assert waits.recover(session.db, NOW - HOUR) == 0  # set back a little
        assert _times(session.db, url) == before
    assert "clock_was_ahead" not in caplog.text


def test_what_else_waits_is_brought_back_too_and_dates_that_readers_know_stay(session: Session):
    db, now, far = session.db, to_text(NOW), to_text(WRONG)
    db.execute("INSERT INTO feeds (feed_id, listed_url, fetch_url, host, domain, next_poll_at, last_poll_at)"
               " VALUES (1, 'u', 'u', 'h', 'd', ?, ?)", [far, far])  # fmt: skip
    db.execute("INSERT INTO polls (feed_id, polled_at, outcome) VALUES (1, ?, 'failed')", [far])
    db.execute("INSERT INTO hosts (domain, retry_after_at) VALUES ('d', ?)", [far])
    db.execute("INSERT INTO engine_states (engine, rest_until) VALUES ('deepl', ?), ('openai', ?)",
               [far, to_text(NOW + DAY)])  # fmt: skip
    db.execute("INSERT INTO stories (story_id) VALUES (1)")
    db.execute("INSERT INTO publications (public_id, story_id, slug, state, held_at, first_published_at)"
               " VALUES ('p', 1, 's', 'translated', ?, ?)", [far, far])  # fmt: skip
    db.execute("INSERT INTO hub_pings (path, due_at) VALUES ('u', ?)", [far])
    assert waits.recover(db, NOW) == 4
    assert db.execute("SELECT retry_after_at FROM hosts").fetchone() == (now,)
    assert db.execute("SELECT rest_until FROM engine_states ORDER BY engine").fetchall() == [
        (now,), (to_text(NOW + DAY),),
    ]  # fmt: skip
    assert db.execute("SELECT due_at FROM hub_pings").fetchone() == (now,)
    assert db.execute("SELECT first_published_at FROM publications").fetchone() == (far,)
    assert waits.recover(db, NOW) == 0


def test_nothing_that_waits_for_a_time_is_forgotten(session: Session):
    names = {
        (table.name, column.name)
        for table in session.db.tables
        for column in table.columns
        if re.fullmatch(r"next_\w+_at|due_at|ask_at|retry(_after)?_at|rest_until", column.name)
    }
    assert names == {(table, column) for table, column, _ in waits._WAITS}
