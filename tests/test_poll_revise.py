"""New, revised or same; and which entries of a new feed are taken up."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from aggregator.model import Enclosure, ParsedEntry, ParsedFeed
from aggregator.poll import revise
from aggregator.poll.clean import fingerprint
from aggregator.poll.revise import StoredEntry, compare

NOW = datetime(2026, 11, 24, 6, 0, tzinfo=UTC)
DAY = timedelta(days=1)
ENTRY = ParsedEntry(
    guid="1",
    permalink="https://quillon.example/chip?utm_source=rss",
    title="Quillon ships a chip",
    summary_html="<p>Short.</p>",
    content_html='<p>Long <a href="https://quillon.example/a">text</a>.</p>',
    authors=("Ada Quill",),
    tags=("Chips",),
    enclosures=(Enclosure(url="https://quillon.example/a.mp3", length=5),),
    published_at=NOW - DAY,
    updated_at=NOW - DAY,
)
ENTRY = replace(ENTRY, fingerprint=fingerprint(ENTRY))
STORED = StoredEntry(
    entry_id=1, fingerprint=ENTRY.fingerprint, revisions=0, published_at=NOW - DAY, updated_at=NOW - DAY
)


@pytest.mark.parametrize(
    "change",
    [
        {"title": "Quillon ships two chips"},
        {"summary_html": "<p>Shorter.</p>"},
        {"content_html": "<p>Long texts.</p>"},
        {"permalink": "https://quillon.example/chips"},
        {"authors": ("Ben Quill",)},
        {"tags": ()},
        {"enclosures": (Enclosure(url="https://quillon.example/b.mp3"),)},
    ],
)
def test_content_changes_the_fingerprint(change: dict[str, object]):
    assert fingerprint(replace(ENTRY, **change)) != fingerprint(ENTRY)


@pytest.mark.parametrize(
    "change",
    [
        {"comment_count": 9},
        {"published_at": NOW, "updated_at": NOW},
        {"permalink": "http://www.quillon.example/chip/?utm_source=mail&utm_medium=x"},
        {"summary_html": "<div>Short.</div><img src='https://t.example/p.gif'>"},
        {"content_html": "<p>Long <b>text</b>.</p>"},
        {"image_url": "https://quillon.example/i.png"},
        {"guid": "2"},
        {"fingerprint": "x"},
        {"enclosures": (Enclosure(url="https://quillon.example/a.mp3?utm_source=rss", length=6),)},
    ],
)
def test_counts_dates_markup_and_tracking_leave_the_fingerprint(change: dict[str, object]):
    assert fingerprint(replace(ENTRY, **change)) == fingerprint(ENTRY)


def test_text_that_moves_from_summary_to_content_is_another_content():
    one, other = (
        replace(ENTRY, summary_html=a, content_html=b) for a, b in (("<p>x</p>", ""), ("", "<p>x</p>"))
    )
    assert fingerprint(one) != fingerprint(other)


def changed_to(**change: object) -> ParsedEntry:
    entry = replace(ENTRY, **change)
    return replace(entry, fingerprint=fingerprint(entry))


def test_an_unknown_entry_is_new_and_a_known_one_the_same():
    assert compare(ENTRY, None, now=NOW).fate == "new"
    assert compare(ENTRY, STORED, now=NOW).fate == "same"


def test_changed_content_is_a_revision_and_counted():
    write = compare(changed_to(title="Other"), STORED, now=NOW)
    assert (write.fate, write.revisions) == ("revised", 1)


def test_revisions_without_a_newer_updated_stop_at_24():
    changed = changed_to(title="Other")
    assert compare(changed, replace(STORED, revisions=23), now=NOW).fate == "revised"
    assert compare(changed, replace(STORED, revisions=24), now=NOW).fate == "same"
    assert compare(replace(changed, updated_at=None), replace(STORED, revisions=24), now=NOW).fate == "same"


def test_a_newer_updated_is_always_a_revision():
    worn = replace(STORED, revisions=24)
    changed = changed_to(title="Other", updated_at=NOW)
    assert compare(changed, worn, now=NOW).fate == "revised"
    assert compare(changed, replace(worn, updated_at=None), now=NOW).fate == "revised"
    assert compare(replace(ENTRY, updated_at=NOW), worn, now=NOW).fate == "same"  # the content is as it was


def test_an_entry_known_by_name_only_is_the_same_whatever_its_text():
    unread = replace(ENTRY, content_html="", summary_html="", fingerprint="")
    assert compare(unread, STORED, now=NOW).fate == "same"
    assert (
        compare(changed_to(title="Other", updated_at=NOW), replace(STORED, fingerprint=""), now=NOW).fate
        == "same"
    )
    assert compare(unread, None, now=NOW).fate == "new"


def test_on_the_first_poll_entries_are_sorted_by_publication_but_never_in_the_future():
    assert compare(ENTRY, None, now=NOW, first_poll=True).sort_at == NOW - DAY
    assert compare(replace(ENTRY, published_at=NOW + DAY), None, now=NOW, first_poll=True).sort_at == NOW
    undated = replace(ENTRY, published_at=None, updated_at=None)
    assert compare(undated, None, now=NOW, first_poll=True).sort_at == NOW


def test_afterwards_entries_are_sorted_by_when_they_were_seen():
    assert compare(ENTRY, None, now=NOW).sort_at == NOW


def test_updated_counts_as_published_at_first_sight_only():
    unpublished = replace(ENTRY, published_at=None)
    assert compare(unpublished, None, now=NOW).published_at == NOW - DAY
    later = replace(unpublished, title="Other", updated_at=NOW)
    assert compare(later, STORED, now=NOW).published_at == NOW - DAY


def _dated(*days: int | None) -> list[ParsedEntry]:
    return [
        replace(ENTRY, guid=str(n), published_at=None if day is None else NOW - day * DAY, updated_at=None)
        for n, day in enumerate(days)
    ]


def test_a_first_fill_takes_the_ten_newest_by_date():
    assert revise.beyond(_dated(*range(12, 0, -1)), 10) == {"0", "1"}


def test_a_first_fill_without_dates_takes_the_first_ten_of_the_document():
    assert revise.beyond(_dated(*[None] * 12), 10) == {"10", "11"}
    assert revise.beyond(_dated(*[None, *range(12, 1, -1)]), 10) == {"10", "11"}


def test_a_small_feed_is_taken_whole():
    assert revise.beyond(_dated(*range(10)), 10) == set()


def _canonical(*links: str | None, site_url: str | None = None) -> list[str | None]:
    entries = tuple(replace(ENTRY, guid=str(n), permalink=link) for n, link in enumerate(links))
    feed = ParsedFeed(title="", site_url=site_url, language=None, entries=entries)
    return list(revise.canonical_urls(feed).values())


def test_a_permalink_names_its_story_without_tracking_parameters():
    assert _canonical("http://www.q.example/a/?utm_source=rss", None) == ["https://q.example/a", None]


def test_a_link_that_entries_share_names_no_story():
    links = ("https://q.example/", "https://q.example/?utm_source=a", "https://q.example/b")
    assert _canonical(*links) == [None, None, "https://q.example/b"]


def test_the_front_page_names_no_story():
    assert _canonical("https://q.example", site_url="https://q.example/") == [None]
