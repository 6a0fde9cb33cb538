"""What a site says against our use, and a note that it does not hold, are followed wherever an entry stands."""

import json
from datetime import time
from pathlib import Path

import pytest

from aggregator.executors import open_workers
from aggregator.pipeline import run_stage
from aggregator.publish.source_stage import STAGE as SOURCE
from tests.publishing import SENTENCES, Newsroom

TEXT = SENTENCES[0]
PLACES = (
    "archive/2026-11.xml",
    "digest/2026-11-24.html",
    "source/alpha-wire/atom.xml",
    "category/tech/atom.xml",
)
NOTED = {"rights": "excerpt", "rights_note": "a mail of the publisher's"}


def publish(room: Newsroom, hours: float = 0) -> None:
    room.publish(hours)
    run_stage(SOURCE, room.db, room.config, open_workers("inline:"), lambda: room.now)


@pytest.fixture
def room(tmp_path: Path) -> Newsroom:
    """Return one whose first fifteen entries left the main feed, all by a feed with a note."""
    room = Newsroom(tmp_path, max_entries=25, digest_at=time(12, 30), morning_at=None)
    feed = room.feed(settings=json.dumps(NOTED), category="Tech")
    for number in range(15):
        room.translate(room.entry(feed, f"{number}", age=1 + number / 10), f"見出し{number}")
    publish(room)
    publish(room, 1)
    other = room.feed("gamma")
    for number in range(25):
        room.translate(room.entry(other, f"g{number}", age=-240), f"新しい見出し{number}", "別の文です。")
    publish(room, 240)
    return room


def opt_out(room: Newsroom) -> None:
    """Have the site of the first feed say, as a look finds out, that only titles may be shown."""
    for number in range(1, 16):
        room.opt_out(number)


def settings(room: Newsroom, settings: dict[str, str]) -> None:
    room.db.table("feeds").update(1, {"settings": json.dumps(settings)})


def shown(room: Newsroom) -> list[str]:
    outputs = room.outputs()
    return [name for name in PLACES if TEXT in outputs[name].decode()]


def pages(room: Newsroom) -> int:
    return sum(TEXT in body.decode() for name, body in room.outputs().items() if name.startswith("entries/"))


def test_a_note_that_is_taken_back_is_followed_wherever_an_entry_stands(room: Newsroom):
    opt_out(room)
    publish(room, 1)
    assert (shown(room), pages(room)) == ([*PLACES], 15)
    settings(room, {"rights": "excerpt"})
    publish(room, 1)
    assert (shown(room), pages(room)) == ([], 0)


def test_another_text_of_a_note_writes_nothing_again(room: Newsroom):
    opt_out(room)
    publish(room, 1)
    settings(room, NOTED | {"rights_note": "another mail"})
    assert room.db.execute("SELECT count(*) FROM archives WHERE written IS NULL").fetchone()[0] == 0
    assert room.db.execute("SELECT count(*) FROM digests WHERE page_form = ''").fetchone()[0] == 0


def test_a_site_that_speaks_late_is_followed_wherever_an_entry_stands(room: Newsroom):
    settings(room, {"rights": "excerpt"})
    publish(room, 1)
    assert (shown(room), pages(room)) == ([*PLACES], 15)
    opt_out(room)
    room.translate(room.entry(2, "last", age=-241), "最後の見出し")
    publish(room, 1)
    assert (shown(room), pages(room)) == ([], 1)  # the page of what came last


def test_a_site_that_speaks_before_anything_is_out_has_nothing_written_again(room: Newsroom):
    entry = room.entry(2, "held", age=-241)
    changes = "SELECT sum(changes) FROM source_feeds"
    before = room.db.execute(changes).fetchone()
    room.opt_out(entry)
    assert room.db.execute(changes).fetchone() == before
