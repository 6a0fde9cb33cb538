"""Values that are pickled in a shorter way come back as they were."""

import pickle
from dataclasses import FrozenInstanceError
from datetime import UTC, datetime, timedelta

import pytest

from aggregator.model import DueFeed, FeedSettings, Hints, NotModified, Unchanged

HOUR = timedelta(hours=1)
URL = "https://a.example/feed"
FEED = DueFeed(
    feed_id=7,
    listed_url=URL,
    fetch_url=f"{URL}/2",
    domain="a.example",
    settings=FeedSettings(mute="deals", max_per_day=3),
    etag='"caf\xe9"',
    entry_marks=b"\0\xff",
    first_fill=10,
    last_change_at=datetime(2026, 11, 24, tzinfo=UTC),
    hints=Hints(ttl=HOUR, skip_days=(6,)),
    identity="title",
)
ANSWERED = {"etag": None, "last_modified": "then", "fresh_for": HOUR, "moved_to": None, "seconds": 0.5}


@pytest.mark.parametrize(
    "value",
    [
        FEED,
        NotModified(url=URL, **ANSWERED),
        Unchanged(fetched_url=URL, wire_bytes=9, **ANSWERED),
    ],
)
def test_a_value_comes_back_as_it_was_and_frozen(value: object):
    back = pickle.loads(pickle.dumps(value))
    assert back == value
    with pytest.raises(FrozenInstanceError):
        back.etag = "x"
