"""Digests in the store: what was frozen, beside what holds for their entries now."""

from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from aggregator.model import Digest, DigestEntry, DigestKind
from aggregator.store import digests
from tests.publishing import NOON, Newsroom

HOUR = timedelta(hours=1)


@pytest.fixture
def room(tmp_path: Path) -> Newsroom:
    room = Newsroom(tmp_path)
    feed = room.feed()
    for number in range(3):
        room.translate(room.entry(feed, str(number), age=number), f"見出し{number}")
    room.publish()
    return room


def made(name: str = "2026-11-24", *stories: int, kind: str = "daily", hours: float = 0) -> Digest:
    entries = tuple(
        DigestEntry(
            story_id=story,
            title=f"題{story}",
            line="一行。",
            feed_title="Wire",
            more=1,
            url=None,
            comments=story,
        )
        for story in stories
    )
    return Digest(
        kind=kind, name=name, public_id=f"urn:{kind}:{name}", title=f"まとめ {name}", body="<ol></ol>",
        published_at=NOON + hours * HOUR, among=30, entries=entries,
    )  # fmt: skip


def test_a_digest_reads_back_as_it_was_written_with_what_holds_now(room: Newsroom):
    digest = made("2026-11-24", 2, 1)
    digests.add(room.db, digest)
    [found] = digests.newest(room.db, ["daily"])
    slugs = {row["story_id"]: row["slug"] for row in room.rows()}
    assert found == replace(
        digest, entries=tuple(replace(each, slug=slugs[each.story_id]) for each in digest.entries)
    )
    assert digests.is_made(room.db, "daily", "2026-11-24")
    assert not digests.is_made(room.db, "weekly", "2026-11-24")


def test_present_rights_and_states_stand_beside_what_was_said(room: Newsroom):
    digests.add(room.db, made("2026-11-24", 1, 2))
    room.db.execute("UPDATE publications SET state = 'withdrawn' WHERE story_id = 2")
    room.db.execute("""UPDATE feeds SET settings = '{"rights": "titles"}'""")
    [found] = digests.newest(room.db, ["daily"])
    assert [(each.state, each.rights) for each in found.entries] == [
        ("translated", "titles"),
        ("withdrawn", "titles"),
    ]


def test_each_names_the_one_before_it_of_its_kind(room: Newsroom):
    for hours, name in enumerate(("2026-11-23", "2026-11-24", "2026-11-25")):
        digests.add(room.db, made(name, hours=hours))
    digests.add(room.db, made("2026-W48", kind="weekly", hours=3))
    found = digests.newest(room.db, ["daily", "weekly"])
    assert [(each.name, each.previous) for each in found] == [
        ("2026-W48", ""), ("2026-11-25", "2026-11-24"), ("2026-11-24", "2026-11-23"), ("2026-11-23", ""),
    ]  # fmt: skip
    assert [each.name for each in digests.newest(room.db, ["daily"], NOON + HOUR)] == [
        "2026-11-25",
        "2026-11-24",
    ]
    assert [each.name for each in digests.newest(room.db, ["daily"], most=1)] == ["2026-11-25"]


def among(room: Newsroom, since: datetime, until: datetime, kind: DigestKind = "daily", news: float = 24):
    return digests.candidates(room.db, kind, since, until, NOON - news * HOUR)


def test_candidates_are_what_was_published_in_time_and_stood_in_none_of_the_kind(room: Newsroom):
    digests.add(room.db, made("2026-11-24", 1))
    assert among(room, NOON - HOUR, NOON) == [2, 3]
    assert among(room, NOON - HOUR, NOON, "morning") == [1, 2, 3]
    assert among(room, NOON, NOON + HOUR) == []
    assert among(room, NOON - 2 * HOUR, NOON - HOUR) == []


def test_untranslated_entries_and_old_ones_of_a_new_feed_are_no_candidates(room: Newsroom):
    room.db.execute("UPDATE publications SET state = 'untranslated' WHERE story_id = 3")
    assert among(room, NOON - HOUR, NOON) == [1, 2]
    assert among(room, NOON - HOUR, NOON, news=1) == [1]  # the other one is an hour old
    room.db.execute("UPDATE entries SET published_at = NULL")
    assert among(room, NOON - HOUR, NOON, news=0) == [1, 2]


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE publications SET state = 'withdrawn' WHERE story_id = 2",
        "UPDATE publications SET fingerprint = 'titles - -' WHERE story_id = 2",
        """UPDATE feeds SET settings = '{"rights": "titles"}'""",
    ],
)
def test_a_page_is_in_no_form_any_more_when_what_it_says_may_be_taken_back(room: Newsroom, change: str):
    for name, story in (("2026-11-23", 1), ("2026-11-24", 2)):
        digests.add(room.db, made(name, story))
    digests.paged(room.db, digests.newest(room.db, ["daily"]), "form")
    room.db.execute("UPDATE publications SET title = 'x'")
    assert digests.unpaged(room.db, "form", 9) == []
    room.db.execute(change)
    names = {each.name for each in digests.unpaged(room.db, "form", 9)}
    assert names == ({"2026-11-24"} if "WHERE" in change else {"2026-11-23", "2026-11-24"})


def test_the_list_of_all_names_the_first_headline_that_may_be_shown_and_no_morning(room: Newsroom):
    digests.add(room.db, made("2026-11-24", 2, 1))
    digests.add(room.db, made("2026-11-24", 3, kind="morning", hours=1))
    assert [(each.name, each.top) for each in digests.listed(room.db, 9)] == [("2026-11-24", "題2")]
    room.db.execute("UPDATE publications SET state = 'withdrawn' WHERE story_id = 2")
    assert [each.top for each in digests.listed(room.db, 9)] == ["題1"]
