"""What changes while it is rendered is written once more: a limit made at that moment holds too."""

from collections.abc import Callable
from datetime import time, timedelta
from pathlib import Path

import pytest

from aggregator.pipeline import Stage
from aggregator.publish import source_stage
from aggregator.publish.archiving import Archive
from aggregator.publish.dated import DayPages
from aggregator.publish.digests import DigestPages
from aggregator.publish.rendering import Pages
from aggregator.publish.stage import STAGE
from aggregator.store import stale_pages
from tests.publishing import SENTENCES, Newsroom

TEXT = SENTENCES[0]


@pytest.fixture
def room(tmp_path: Path) -> Newsroom:
    """Return one whose first fifteen entries were published, put into a digest, and left the main feed."""
    room = Newsroom(tmp_path, max_entries=5, digest_at=time(12, 30), morning_at=None)
    feed = room.feed()
    for number in range(15):
        room.translate(room.entry(feed, f"{number}", age=1 + number / 10), f"見出し{number}")
    room.publish()
    room.publish(1)
    other = room.feed("gamma")
    for number in range(20):
        room.translate(room.entry(other, f"g{number}", age=-240), f"新しい見出し{number}", "別の文です。")
    room.now += timedelta(days=10)
    return room


def narrow(room: Newsroom) -> None:
    with room.db.atomic():
        room.db.execute("""UPDATE feeds SET settings = '{"rights": "titles"}' WHERE feed_id = 1""")


def retitle(room: Newsroom) -> None:
    with room.db.atomic():
        room.db.execute("UPDATE publications SET title = '直した見出し' WHERE title = '見出し3'")


def run(
    room: Newsroom,
    stage: Stage = STAGE,
    kind: type | None = None,
    change: Callable[[Newsroom], None] = narrow,
) -> int:
    """Run the stage; when the first job of this kind was rendered, change something. Return how many were."""
    seen = 0
    while job := next(iter(stage.pending(room.db, room.config, room.now)), None):
        made = stage.work(room.config, job)
        if kind and isinstance(job, kind):
            seen += 1
            if seen == 1:
                change(room)
        with room.db.atomic():
            stage.record(room.db, room.config, job, made, room.now)
    return seen


def text(room: Newsroom, start: str) -> str:
    found = [body.decode() for name, body in room.outputs().items() if name.startswith(start)]
    assert found
    return "".join(found)


def test_rights_that_are_cut_while_an_archive_is_rendered_hold_in_it(room: Newsroom):
    run(room, kind=Archive)
    assert "見出し3" in text(room, "archive/2026-11")
    assert TEXT not in text(room, "archive/")


def test_rights_that_are_cut_while_a_digest_is_rendered_hold_in_it(room: Newsroom):
    run(room)
    room.db.execute("UPDATE digests SET page_form = ''")
    assert TEXT in text(room, "digest/2026-11-24")
    run(room, kind=DigestPages)
    assert TEXT not in text(room, "digest/")


def test_rights_that_are_cut_while_a_source_s_feed_is_rendered_hold_in_it(room: Newsroom):
    run(room)
    assert run(room, source_stage.STAGE, source_stage.Job) == 2
    assert "見出し3" in text(room, "source/alpha-wire/atom.xml")
    assert TEXT not in text(room, "source/")


def test_what_changes_while_a_page_is_rendered_is_on_it(room: Newsroom):
    run(room)
    [slug] = [str(row["slug"]) for row in room.rows() if row["title"] == "見出し3"]
    [story] = [int(str(row["story_id"])) for row in room.rows() if row["title"] == "見出し3"]

    def translated_anew(room: Newsroom) -> None:
        with room.db.atomic():
            room.translate(4, "別の訳の見出し")
            stale_pages.note(room.db, [story])

    stale_pages.note(room.db, [story])
    assert run(room, kind=Pages, change=translated_anew) == 2
    assert "別の訳の見出し" in text(room, f"entries/{slug}")


def test_what_changes_while_a_day_is_rendered_is_on_its_page(room: Newsroom):
    run(room)
    room.db.execute("INSERT INTO day_changes (minute) VALUES ('2026-11-24T03:00')")
    assert run(room, kind=DayPages, change=retitle) == 2
    assert "直した見出し" in text(room, "days/2026-11-24")


def test_what_does_not_change_is_rendered_once(room: Newsroom):
    run(room)
    stale_pages.note(room.db, [1, 2])
    room.db.execute("INSERT INTO day_changes (minute) VALUES ('2026-11-24T03:00')")
    room.db.execute("UPDATE digests SET page_form = ''")
    room.db.execute("UPDATE archives SET written = NULL WHERE archive_id = 1")
    for kind in (DigestPages, Pages, DayPages, Archive):
        assert run(room, kind=kind, change=lambda _: None) <= 1
    assert not list(STAGE.pending(room.db, room.config, room.now))
