"""When stories become public and when frozen texts change."""

import uuid
import zoneinfo
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from aggregator.publish.edition import Facts, Publication
from aggregator.publish.promote import Candidate, hold, promote, republish
from tests.test_publish_edition import FACTS, JAPANESE, ROW, T

TOKYO = zoneinfo.ZoneInfo("Asia/Tokyo")
HOUR = timedelta(hours=1)
HELD = replace(
    FACTS, publication=Publication(public_id="urn:uuid:1", story_id=1, slug="s", state="held", held_at=T)
)
CANDIDATE = Candidate(
    story_id=7, entry_id=70, listed_url="https://a.example/feed", guid="g", published_at=T, sort_at=T
)


def decide(facts: Facts, now: datetime = T, *, publish: bool = False) -> Publication | None:
    return promote(facts, now, 6 * HOUR, publish_untranslated=publish)


def published(facts: Facts, now: datetime = T, *, publish: bool = False) -> Facts:
    row = decide(facts, now, publish=publish)
    assert row is not None
    return replace(facts, publication=row)


def test_the_id_is_made_of_listed_url_and_guid_alone():
    [held] = hold([CANDIDATE], TOKYO)
    expected = uuid.uuid5(uuid.NAMESPACE_URL, "https://a.example/feed\ng")
    assert held.public_id == f"urn:uuid:{expected}"
    assert held.slugs[0] == f"2026/11/{expected.hex[:8]}"
    assert hold([replace(CANDIDATE, story_id=1, entry_id=2)], TOKYO)[0].public_id == held.public_id


def test_where_its_id_is_anothers_the_id_is_made_of_the_permalink_too():
    [held] = hold([replace(CANDIDATE, permalink="https://a.example/1")], TOKYO)
    names = [
        "https://a.example/feed\ng\nhttps://a.example/1",
        "https://a.example/feed\ng\nhttps://a.example/1\n70",
    ]
    expected = [uuid.uuid5(uuid.NAMESPACE_URL, name) for name in names]
    assert [other.public_id for other in held.others] == [identity.urn for identity in expected]
    assert [other.slugs[2] for other in held.others] == [f"2026/11/{identity.hex}" for identity in expected]


def test_the_month_of_the_path_is_that_of_the_zone():
    late = datetime(2026, 11, 30, 15, 0, tzinfo=UTC)  # midnight of 1 December in Tokyo
    candidate = replace(CANDIDATE, published_at=late, sort_at=late)
    assert hold([candidate], TOKYO)[0].slugs[0].startswith("2026/12/")
    assert hold([candidate], zoneinfo.ZoneInfo("America/Los_Angeles"))[0].slugs[0].startswith("2026/11/")


def test_a_store_rebuilt_gives_the_same_path():
    first = datetime(2026, 10, 31, 14, 50, tzinfo=UTC)  # published in October, seen in November
    seen = replace(CANDIDATE, published_at=first, sort_at=first + HOUR)
    rebuilt = replace(CANDIDATE, published_at=first, sort_at=first)
    assert hold([seen], TOKYO)[0].slugs == hold([rebuilt], TOKYO)[0].slugs


def test_a_date_in_the_future_does_not_name_the_path():
    dated = replace(CANDIDATE, published_at=T + timedelta(days=400))
    assert hold([dated], TOKYO)[0].slugs[0].startswith("2026/11/")


def test_the_earliest_entry_leads_a_story():
    later = replace(CANDIDATE, entry_id=60, published_at=T + HOUR, sort_at=T + HOUR)
    assert [held.lead_entry_id for held in hold([later, CANDIDATE], TOKYO)] == [70]


def test_entries_of_one_moment_are_led_by_url_and_never_by_row_number():
    other = replace(CANDIDATE, entry_id=1, listed_url="https://b.example/feed")
    assert [held.lead_entry_id for held in hold([other, CANDIDATE], TOKYO)] == [70]


def test_a_held_story_without_translation_waits():
    assert decide(replace(HELD, translated=None), T + 5 * HOUR) is None


def test_a_translated_story_is_published_now():
    row = decide(HELD, T + HOUR)
    assert row is not None
    assert (row.state, row.title) == ("translated", "見出し")
    assert row.first_published_at == row.updated_at == T + HOUR
    assert row.body.startswith("<blockquote")


def test_after_the_hold_time_it_is_shown_untranslated():
    row = decide(replace(HELD, translated=None), T + 6 * HOUR)
    assert row is not None
    assert (row.state, row.title) == ("untranslated", "【未訳】Title")


def test_a_late_translation_enters_the_feeds_by_that_moment():
    shown = published(replace(HELD, translated=None), T + 6 * HOUR)
    row = decide(replace(shown, translated=JAPANESE), T + 9 * HOUR)
    assert row is not None
    assert (row.state, row.first_published_at, row.title) == ("translated", T + 9 * HOUR, "見出し")


def test_where_readers_hold_the_english_version_the_translation_updates_it_in_place():
    shown = published(replace(HELD, translated=None), T + 6 * HOUR, publish=True)
    row = decide(replace(shown, translated=JAPANESE), T + 9 * HOUR, publish=True)
    assert row is not None
    assert (row.first_published_at, row.updated_at) == (T + 6 * HOUR, T + 9 * HOUR)


FROZEN = published(replace(HELD, source_updated_at=T))
BETTER = replace(JAPANESE, title="別の見出し", summary="別。")


def test_a_new_translation_alone_changes_nothing():
    assert decide(replace(FROZEN, translated=BETTER), T + HOUR) is None


def test_a_count_or_another_source_changes_nothing():
    assert decide(replace(FROZEN, sources=FROZEN.sources * 2, comments_url="https://t.example/")) is None


def test_a_new_title_without_a_newer_date_of_its_source_changes_nothing():
    assert decide(replace(FROZEN, title="Title, corrected", translated=BETTER)) is None


def test_a_newer_date_without_a_new_title_or_number_changes_nothing():
    touched = replace(FROZEN, source_updated_at=T + HOUR, summary="One.\nTwo, reworded.", translated=BETTER)
    assert decide(touched) is None


def test_a_correction_by_the_source_is_given_to_readers_once():
    corrected = replace(FROZEN, source_updated_at=T + HOUR, title="Title, corrected", translated=BETTER)
    row = decide(corrected, T + 2 * HOUR)
    assert row is not None
    assert (row.title, row.first_published_at, row.updated_at) == ("別の見出し", T, T + 2 * HOUR)
    assert decide(replace(corrected, publication=row), T + 3 * HOUR) is None


def test_a_corrected_number_counts_as_a_correction():
    corrected = replace(
        FROZEN, source_updated_at=T + HOUR, summary="It cost $3.5 billion.", translated=BETTER
    )
    assert decide(corrected) is not None


def test_a_correction_waits_for_its_own_translation():
    old = replace(JAPANESE, current=False)
    assert decide(replace(FROZEN, source_updated_at=T + HOUR, title="New", translated=old)) is None


def test_narrower_rights_take_text_out_of_the_body_and_are_no_news():
    row = decide(replace(FROZEN, rights="titles"), T + HOUR)
    assert row is not None
    assert "一。" not in row.body
    assert (row.title, row.updated_at) == (FROZEN.publication.title, T)
    assert decide(replace(FROZEN, rights="titles", publication=row), T + 2 * HOUR) is None


def test_what_was_withdrawn_stays_withdrawn():
    assert decide(replace(FACTS, publication=replace(ROW, state="withdrawn"))) is None


def test_a_text_revised_before_its_older_translation_came_out_is_corrected_once():
    """A run that ended between translating and publishing leaves 「500万ドル」 beside "$8 million"."""
    revised = replace(HELD, title="Firm raises $8 million", source_updated_at=T)
    out = published(replace(revised, translated=replace(JAPANESE, current=False, title="500万ドル調達")))
    assert out.publication.title == "500万ドル調達"
    assert decide(out, T + HOUR) is None
    mended = published(replace(out, translated=replace(JAPANESE, title="800万ドル調達")), T + 2 * HOUR)
    assert (mended.publication.title, mended.publication.updated_at) == ("800万ドル調達", T + 2 * HOUR)
    assert mended.publication.first_published_at == T
    assert decide(mended, T + 3 * HOUR) is None


def test_republishing_gives_readers_the_present_text_once_and_moves_updated():
    changed = replace(FROZEN, translated=BETTER)
    row = republish(changed, T + HOUR)
    assert row is not None
    assert (row.title, row.first_published_at, row.updated_at) == ("別の見出し", T, T + HOUR)
    assert "別。" in row.body
    again = replace(changed, publication=row)
    assert republish(again, T + 2 * HOUR) is None
    assert decide(again, T + 2 * HOUR) is None


def test_republishing_leaves_what_readers_have_already():
    assert republish(FROZEN, T + HOUR) is None
    assert republish(replace(FROZEN, comments_url="https://t.example/"), T + HOUR) is None
    assert republish(replace(FROZEN, translated=replace(BETTER, current=False)), T + HOUR) is None
    assert republish(replace(HELD, translated=BETTER), T + HOUR) is None
