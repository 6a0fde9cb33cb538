"""`why`: the last answer, each rule's opinion, and what else bears on a feed."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlite_utils import Database

from aggregator import why
from aggregator.errors import AggregatorError
from aggregator.model import FeedSettings, Subscription
from aggregator.poll import filters
from aggregator.store import admission, feeds, open_store, polls
from tests.conftest import Aggregator
from tests.feedserver import Answer, FeedServer

NOW = datetime(2026, 11, 24, 6, 0, tzinfo=UTC)
URL = "https://blog.q.example/rss"
RSS = b"""<?xml version="1.0"?><rss version="2.0"><channel><title>Bolt Weekly</title><ttl>90</ttl>
<skipHours><hour>3</hour></skipHours><item><title>Acme ships a router</title><guid>1</guid></item>
<item><title>Sponsored words</title><guid>2</guid></item></channel></rss>"""


@pytest.fixture
def db(tmp_path: Path) -> Iterator[Database]:
    store = open_store(tmp_path / "store.sqlite")
    feeds.sync(store, [Subscription(url=URL, title="Q", settings=FeedSettings(mute="x", max_per_day=5))], NOW)
    yield store
    store.close()


def shown(db: Database) -> dict[str, str]:
    return {name.strip(): text for name, text in why.lines(why.collect(db, "1"), NOW)}


def note(db: Database, **columns: Any) -> None:
    db.table("feeds").update(1, columns)


def test_a_feed_that_was_never_polled(db: Database):
    said = shown(db)
    assert said["feed"] == "1 Q: new"
    assert said["last poll"] == "never"
    assert said["next poll"] == "due now"
    assert said["filters"] == "1 mute, 0 keep, 5 a day; nothing kept out"
    assert said["identity"] == "guid"


def test_each_rule_and_the_one_that_won(db: Database):
    reasons = [["ttl", 5400], ["base", 3600], ["winner", "ttl"], ["skipped_until", "Tue 09:00 UTC"]]
    note(db, next_poll_reasons=json.dumps(reasons), next_poll_at="2026-11-24T09:00:00Z")
    said = shown(db)
    assert said["next poll"] == "2026-11-24T09:00:00Z, in 3 h"
    assert said["→ ttl"] == "90 min: the feed's <ttl>"
    assert said["base"] == "1 h: poll_every; too few entries to say more"
    assert said["jitter"] == "up to 20% later, so that feeds part company"
    assert said["skipped"] == "until Tue 09:00 UTC, out of skipHours and skipDays"


def test_a_bound_wins_without_an_opinion_of_its_own(db: Database):
    note(db, next_poll_reasons=json.dumps([["max_age", 60], ["winner", "floor"]]))
    said = shown(db)
    assert said["→ floor"] == "no feed is asked more often"
    assert said["max_age"].startswith("1 min: ")


def test_a_rest_that_is_over_is_not_said(db: Database):
    note(db, retry_after_at="2026-11-24T05:59:00Z")
    assert "Retry-After" not in shown(db)


def test_rests_that_servers_asked_for_and_hours_that_feeds_skip(db: Database):
    note(db, hints='{"skip_hours": [3, 14], "skip_days": [6]}', next_poll_at="2026-11-24T06:30:00Z")
    polls.write_host(db, "q.example", NOW + timedelta(minutes=2), NOW + timedelta(hours=2), "Retry-After")
    said = shown(db)
    assert said["skips"] == "hours 03, 14 UTC; Sunday"
    assert said["domain"] == "q.example: free in 2 min (Retry-After)"
    assert said["Retry-After"] == "domain rests until 2026-11-24T08:00:00Z"
    assert said["next poll"] == "2026-11-24T08:00:00Z, in 2 h"


@pytest.mark.parametrize(
    ("columns", "said"), [({"gone": 1}, "none: gone"), ({"settings": '{"paused": "true"}'}, "none: paused")]
)
def test_a_feed_that_is_not_polled_says_so(db: Database, columns: dict[str, Any], said: str):
    note(db, next_poll_reasons='[["backoff", 7200], ["winner", "backoff"]]', **columns)
    assert shown(db)["next poll"] == f"{said}; see aggregator resume"
    assert not [name for name in shown(db) if "backoff" in name]


def test_the_policy_of_identity_and_who_chose_it(db: Database):
    note(db, identity="permalink")
    assert shown(db)["identity"] == "permalink, chosen by its entries"
    note(db, settings='{"identity": "permalink"}')
    assert shown(db)["identity"] == "permalink, stated in feeds.opml"
    note(db, identity="guid")
    assert shown(db)["identity"] == "guid; permalink, as stated in feeds.opml, once the feed changes"


def test_what_filters_kept_out(db: Database):
    admission.take_up(db, filters.of_rules(["a", "b"], ["c"]))
    db.execute("INSERT INTO stories VALUES (1, NULL)")
    for number, reason in enumerate(["mute a", "mute a", "first fill", None]):
        row = {"story_id": 1, "guid": str(number), "title": "t", "first_seen_at": "x", "sort_at": "x"}
        db.table("entries").insert({"feed_id": 1, "fingerprint": "f", "excluded": reason, **row})
    assert shown(db)["filters"] == "3 mute, 1 keep, 5 a day; kept out: 2 by 'mute a', 1 by 'first fill'"


def test_an_unknown_feed_is_an_error(db: Database):
    with pytest.raises(AggregatorError, match="no such feed"):
        why.collect(db, "nothing")


def test_a_real_poll_is_told(aggregator: Aggregator, environment: dict[str, str], tmp_path: Path):
    with FeedServer() as server:
        url = server.serve("/feed", RSS, etag='"1"')
        server.script("/busy", Answer(status=503, headers={"Retry-After": "7200"}))
        outlines = "".join(f'<outline text="{u[-4:]}" xmlUrl="{u}"/>' for u in (url, server.url("/busy")))
        Path(environment["AGGREGATOR_OPML"]).write_text(f'<opml version="2.0"><body>{outlines}</body></opml>')
        (tmp_path / "filters.toml").write_text('mute = ["sponsored"]')
        aggregator("poll")
    done = aggregator("why", "feed")
    assert done.returncode == 0, done.stderr
    pairs = [line.strip().partition("  ") for line in done.stdout.splitlines()]
    said = {name: text.strip() for name, _, text in pairs}
    assert said["feed"] == "1 feed: ok"
    assert said["last poll"].startswith(f"0 s ago: changed, status 200, {len(RSS)} bytes")
    assert said["last poll"].endswith("2 new, 0 revised")
    assert said["→ ttl"] == "90 min: the feed's <ttl>"
    assert said["validators"] == "etag"
    assert said["filters"] == "1 mute, 0 keep; kept out: 1 by 'mute sponsored'"
    busy = aggregator("why", "busy").stdout
    assert "status 503" in busy
    assert "→ retry_after  2 h: as the server asked" in busy
    assert "Retry-After" in busy
    found = json.loads(aggregator("why", "1", "--json").stdout)
    assert found["last_poll"]["outcome"] == "changed"
    assert {"rule": "ttl", "seconds": 5400, "won": True, "meaning": "the feed's <ttl>"} in found["rules"]
