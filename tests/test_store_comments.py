"""People's comments in the store: read, shown, and gone when their provider shows them no more."""

from datetime import timedelta

import pytest

from aggregator.model import Comment, CommentLook, Discussion, Translation, Untranslated
from aggregator.store import comments, stale_pages
from aggregator.times import to_text
from tests.publishing import NOON, Newsroom

HOUR = timedelta(hours=1)
ALL = ("hackernews", "wordpress", "github")


@pytest.fixture
def room(tmp_path):
    return Newsroom(tmp_path)


def story(room, guid="1", *, age=1.0, provider="hackernews", count=3, feed=None, **thread) -> int:
    """Publish a story that a provider has a thread about."""
    entry = room.entry(feed or room.feed(f"feed{guid}"), guid, age=age)
    room.translate(entry)
    room.publish()
    [(story_id,)] = room.db.execute("SELECT story_id FROM entries WHERE entry_id = ?", [entry]).fetchall()
    discuss(room, story_id, f"t{guid}", provider=provider, count=count, **thread)
    return story_id


def discuss(room, story_id, key, *, provider="hackernews", count=3, gone=0):
    room.db.table("discussions").upsert(
        {"story_id": story_id, "provider": provider, "thread_key": key, "url": f"https://talk.example/{key}",
         "count": count, "gone": gone},
        pk=("story_id", "provider", "thread_key"))  # fmt: skip


def said(key="1", text="Good.\nReally.", author="ada") -> Comment:
    return Comment(key=key, url=f"https://talk.example/{key}", author=author, text=text, written_at=NOON)


def read(room, story_id, *found, provider="hackernews", count=3, after=timedelta()):
    thread = Discussion(provider=provider, key="t", url="https://talk.example/t")
    look = CommentLook(story_id=story_id, discussion=thread, count=count)
    comments.write(room.db, look, None if found == (None,) else found, NOON + after)


def translate(room, text="良い。\n本当に。"):
    for entry in comments.untranslated(room.db, NOON, 100):
        made = Translation(
            entry_id=entry.entry_id, input_fingerprint=entry.input_fingerprint, engine="firefox", model="enja 2.3",
            glossary_version="1", title="", summary=text, story="", verdict="passed 2/2",
        )  # fmt: skip
        comments.write_translation(room.db, made)


def due(room, after=timedelta(), provider="hackernews"):
    return comments.due(room.db, provider, NOON + after)


def shown(room, story_id):
    return comments.shown(room.db, [story_id]).get(story_id, ())


def test_a_thread_with_comments_is_read_once_and_then_when_its_number_changes_or_after_20_hours(room):
    one = story(room)
    [look] = due(room)
    assert (look.story_id, look.discussion.key, look.count) == (one, "t1", 3)
    read(room, one, said())
    assert due(room, HOUR) == []
    assert len(due(room, 20 * HOUR)) == 1
    discuss(room, one, "t1", count=2)
    assert len(due(room, HOUR)) == 1


@pytest.mark.parametrize("thread", [{"count": 0}, {"gone": 1}, {"age": 169.0}])
def test_an_empty_thread_one_that_is_gone_and_an_old_storys_are_not_read(room, thread):
    story(room, **thread)
    assert due(room) == []


def test_of_several_threads_the_largest_is_read(room):
    one = story(room)
    discuss(room, one, "t9", count=30)
    assert [look.discussion.key for look in due(room)] == ["t9"]


def test_a_thread_that_could_not_be_read_is_tried_after_an_hour_and_keeps_its_texts(room):
    one = story(room)
    read(room, one, said())
    translate(room)
    read(room, one, None, after=HOUR)
    assert due(room, HOUR) == []
    assert len(due(room, 2 * HOUR)) == 1
    assert len(shown(room, one)) == 1


def test_a_comment_is_shown_once_it_is_translated(room):
    one = story(room)
    read(room, one, said())
    assert shown(room, one) == ()
    translate(room)
    [comment] = shown(room, one)
    assert (comment.author, comment.text, comment.source) == ("ada", "良い。本当に。", "hackernews")
    assert (comment.engine, comment.url) == ("firefox enja 2.3", "https://talk.example/1")


def test_a_comment_that_its_author_changed_waits_for_its_new_translation(room):
    one = story(room)
    read(room, one, said())
    translate(room)
    read(room, one, said(text="Bad."), after=HOUR)
    assert shown(room, one) == ()
    assert [entry.summary for entry in comments.untranslated(room.db, NOON, 9)] == ["Bad."]


def test_a_comment_that_was_deleted_at_the_source_goes_with_the_next_look(room):
    one = story(room)
    read(room, one, said("1"), said("2"))
    translate(room)
    read(room, one, said("2"), after=20 * HOUR)
    assert [comment.url for comment in shown(room, one)] == ["https://talk.example/2"]
    read(room, one, after=21 * HOUR)
    assert shown(room, one) == ()


def test_what_was_not_seen_for_a_day_goes_though_the_provider_is_silent(room):
    one = story(room)
    read(room, one, said())
    read(room, one, None, after=20 * HOUR)
    assert comments.forget(room.db, ALL, NOON + 21 * HOUR) == 0
    assert comments.forget(room.db, ALL, NOON + 22 * HOUR) == 1
    assert room.db["comments"].count == 0


def test_the_comments_of_a_thread_that_is_gone_go_at_once(room):
    one = story(room)
    read(room, one, said())
    discuss(room, one, "t1", gone=1, count=None)
    assert comments.forget(room.db, ALL, NOON) == 1


def test_texts_are_kept_for_a_week_at_most_and_only_of_the_providers_that_are_wanted(room):
    one = story(room)
    read(room, one, said(), after=160 * HOUR)
    assert comments.forget(room.db, ALL, NOON + 160 * HOUR) == 0
    assert comments.forget(room.db, ("github",), NOON + 160 * HOUR) == 1
    read(room, one, said(), after=166 * HOUR)
    assert comments.forget(room.db, ALL, NOON + 168 * HOUR) == 1


def test_a_site_that_objects_to_the_use_of_its_text_has_its_comments_left_alone(room):
    one = story(room, provider="wordpress")
    assert len(due(room, provider="wordpress")) == 1
    read(room, one, said(), provider="wordpress")
    room.db.execute(
        """INSERT INTO pages (entry_id, fingerprint, url, host, domain, wanted, queued_at, effect)
        SELECT entry_id, '', '', '', '', 0, ?, 'titles' FROM entries""", [to_text(NOON)])  # fmt: skip
    assert due(room, 24 * HOUR, provider="wordpress") == []
    assert comments.forget(room.db, ALL, NOON) == 1


def test_a_page_is_written_again_for_what_changed_on_it_and_for_nothing_else(room):
    one = story(room)
    read(room, one, said())
    translate(room)
    assert list(stale_pages.newest(room.db, 9)) == [one]
    stale_pages.done(room.db, stale_pages.newest(room.db, 9))
    read(room, one, said(), after=HOUR)
    assert stale_pages.newest(room.db, 9) == {}
    comments.forget(room.db, (), NOON)
    assert list(stale_pages.newest(room.db, 9)) == [one]


def test_a_page_shows_five_comments_of_all_providers_together_each_ones_first_ones_first(room):
    one = story(room)
    discuss(room, one, "i", provider="github")
    read(room, one, *(said(str(n)) for n in range(5)))
    read(room, one, *(said(str(n)) for n in range(5)), provider="github")
    translate(room)
    assert [(c.source, c.url[-1]) for c in shown(room, one)] == [
        ("github", "0"), ("hackernews", "0"), ("github", "1"), ("hackernews", "1"), ("github", "2"),
    ]  # fmt: skip


def test_a_comment_that_cannot_be_translated_is_tried_again_later_and_given_up_after_five_times(room):
    one = story(room)
    read(room, one, said())
    [entry] = comments.untranslated(room.db, NOON, 9)
    failed = Untranslated(entry_id=entry.entry_id, input_fingerprint=entry.input_fingerprint, failure="no")
    comments.write_failure(room.db, failed, NOON)
    assert comments.untranslated(room.db, NOON, 9) == []
    [again] = comments.untranslated(room.db, NOON + HOUR, 9)
    assert again.attempts == 1
    for n in range(4):
        comments.write_failure(room.db, failed, NOON + n * HOUR)
    assert comments.count_untranslated(room.db, NOON + 900 * HOUR) == 0


def test_one_thread_may_be_about_two_stories(room):
    one, two = story(room), story(room, "2")
    read(room, one, said())
    read(room, two, said())
    translate(room)
    assert len(shown(room, one)) == len(shown(room, two)) == 1
