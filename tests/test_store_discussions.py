"""Table discussions: turns at providers, threads, and the numbers that come of them."""

from datetime import timedelta

import pytest

from aggregator.model import (
    Counted,
    CountJob,
    CountOutcome,
    CountTurn,
    Discussion,
    Failure,
    ThreadCount,
    Used,
)
from aggregator.publish.promote import Hold
from aggregator.store import counts, discussions, links, providers, publications
from aggregator.times import maybe_time, to_text
from tests.publishing import NOON, Newsroom

MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
REFUSED = Failure(kind="BadStatus", detail="answered 429", url="https://hn.example/", status=429)


@pytest.fixture
def room(tmp_path):
    room = Newsroom(tmp_path)
    yield room
    room.db.conn.close()


def story_of(room, entry):
    return room.db.execute("SELECT story_id FROM entries WHERE entry_id = ?", [entry]).fetchone()[0]


def published(room, guid="1", age=0.0, **columns):
    """Return a story that came out `age` hours before NOON and has a publication."""
    return publish(room, room.entry(room.feed(f"feed{guid}"), guid, age=age, **columns))


def publish(room, entry):
    """Publish the story that an entry leads, and return it."""
    story = story_of(room, entry)
    name = f"{story:032x}"
    hold = Hold(story_id=story, lead_entry_id=entry, public_id=f"urn:uuid:{name}", slugs=(name,))
    publications.hold(room.db, hold, NOON)
    columns = {"state": "translated", "first_published_at": to_text(NOON)}
    room.db.table("publications").update(hold.public_id, columns)
    return story


def opened(room, guid="1", age=0.0, *wanted):
    story = published(room, guid, age)
    with room.db.atomic():
        discussions.open_turns(room.db, wanted or ("hackernews",), NOON)
    return story


def thread(key, provider="hackernews"):
    return Discussion(provider=provider, key=key, url=f"https://{provider}.example/{key}")


def record(
    room, at, found=(), *, provider="hackernews", stories=(), asked=None, requests=1, failure=None, named=()
):
    """Record a job about stories: `found` says story, key and number of threads."""
    stories = stories or tuple({story for story, _, _ in found})
    turns = tuple(CountTurn(story_id=story, urls=(), threads=(), age=timedelta()) for story in stories)
    seen = tuple(ThreadCount(story_id=s, discussion=thread(k, provider), count=c) for s, k, c in found)
    counted = Counted(counts=seen, asked=frozenset(stories if asked is None else asked), named=tuple(named))
    outcome = CountOutcome(counted=counted, requests=requests, failure=failure)
    with room.db.atomic():
        discussions.record(room.db, CountJob(provider=provider, turns=turns, requests=1, now=at), outcome, at)


def next_at(room, story, provider="hackernews"):
    sql = "SELECT next_count_at FROM discussions WHERE story_id = ? AND provider = ? AND thread_key = ''"
    return maybe_time(room.db.execute(sql, [story, provider]).fetchone()[0])


def numbers(room):
    return {
        row[0]: row[1:]
        for row in room.db.execute("SELECT source, count, url FROM comment_counts ORDER BY source")
    }


def due(room, at, provider="hackernews", limit=100):
    return [turn.story_id for turn in discussions.due(room.db, provider, at, limit)]


def test_a_story_gets_a_turn_at_each_provider_once(room):
    story = published(room)
    with room.db.atomic():
        assert discussions.open_turns(room.db, ("hackernews", "hatena"), NOON) == 2
        assert discussions.open_turns(room.db, ("hackernews", "hatena", "reddit"), NOON) == 1
        assert discussions.open_turns(room.db, (), NOON) == 0
    assert next_at(room, story, "reddit") == NOON + 15 * MINUTE


def test_a_story_waits_for_its_publication(room):
    room.entry(room.feed())
    assert discussions.open_turns(room.db, ("hackernews",), NOON) == 0


def test_what_came_out_long_ago_and_was_published_now_is_counted_once(room):
    story = opened(room, age=24 * 300)
    assert due(room, NOON) == [story]
    record(room, NOON, stories=[story])
    assert next_at(room, story) is None


def test_what_was_published_more_than_a_week_ago_gets_no_turn(room):
    published(room)
    assert discussions.open_turns(room.db, ("hackernews",), NOON + 8 * DAY) == 0


def test_a_withdrawn_story_gets_no_turn_and_has_none_any_more(room):
    story = opened(room)
    room.db.execute("UPDATE publications SET state = 'withdrawn' WHERE story_id = ?", [story])
    assert discussions.open_turns(room.db, ("hatena",), NOON) == 0
    assert due(room, NOON + DAY) == []
    assert discussions.count_due(room.db, ("hackernews",), NOON + DAY) == 0


def test_turns_are_due_when_their_time_has_come_the_most_urgent_first(room):
    old, young, rising = (opened(room, guid, age) for guid, age in (("1", 48), ("2", 1), ("3", 24)))
    [lead] = room.db.execute("SELECT lead_entry_id FROM stories WHERE story_id = ?", [rising]).fetchone()
    for hours, count in ((2, 0), (0, 400)):
        counts.write(room.db, lead, "hatena", count, None, NOON - hours * HOUR)
    assert due(room, NOON) == [rising, young, old]
    assert due(room, NOON - MINUTE) == []
    assert due(room, NOON, limit=2) == [rising, young]
    assert discussions.count_due(room.db, ("hackernews", "hatena"), NOON) == 3
    turn = discussions.due(room.db, "hackernews", NOON, 3)[0]
    assert (turn.rise, turn.came_out_at, turn.failures) == (200, NOON - DAY, 0)


def test_what_the_main_feed_carries_goes_before_what_nobody_sees_yet(room):
    carried, held = opened(room, "1", 3), opened(room, "2", 2)
    assert due(room, NOON + HOUR) == [held, carried]
    unseen = "UPDATE publications SET state = 'held', first_published_at = NULL WHERE story_id = ?"
    room.db.execute(unseen, [held])
    assert due(room, NOON + HOUR) == [carried, held]


def test_the_links_of_a_story_are_those_of_all_its_entries_the_leads_first(room):
    first = room.entry(room.feed("a"), "urn:1", permalink="https://a.example/x")
    story = publish(room, first)
    room.entry(room.feed("b"), "https://b.example/?p=7", story=story, permalink="https://a.example/x?y",
               comments_url="https://news.example/item?id=1")  # fmt: skip
    found = links.of_stories(room.db, [story])[story]
    assert found.urls == ("https://a.example/x", "https://a.example/x?y")
    assert found.named == ("https://a.example/x", "https://news.example/item?id=1", "https://a.example/x?y",
                           "https://b.example/?p=7")  # fmt: skip
    assert (found.known, found.gone) == ((), ())


def test_threads_are_known_until_they_are_gone(room):
    story = opened(room)
    record(room, NOON, [(story, "1", 5), (story, "2", 6)])
    record(room, NOON + HOUR, [(story, "1", None)])
    found = links.of_stories(room.db, [story])[story]
    assert found.known == (thread("2"),)
    assert found.gone == (thread("1"),)


def test_a_feed_of_comments_is_named_as_long_as_the_entrys_own_feed_says_no_number(room):
    story = publish(room, room.entry(room.feed("a"), "urn:1", permalink="https://a.example/x",
                                     comments_feed_url="https://A.example/x/feed"))  # fmt: skip
    [named] = links.of_stories(room.db, [story])[story].feeds
    assert (named.provider, named.key, named.url) == (
        "comment-feeds", "https://a.example/x/feed", "https://a.example/x"
    )  # fmt: skip
    [(entry,)] = room.db.execute("SELECT entry_id FROM entries").fetchall()
    with room.db.atomic():
        counts.write(room.db, entry, "feed", 0, None, NOON)
    assert links.of_stories(room.db, [story])[story].feeds == ()


def test_the_number_of_a_page_at_its_site_is_a_link_of_the_story(room):
    entry = room.entry(room.feed("a"), "urn:1", permalink="https://a.example/x")
    story = publish(room, entry)
    look = {"entry_id": entry, "fingerprint": "f", "url": "https://a.example/x", "host": "a.example",
            "domain": "a.example", "wanted": 1, "queued_at": to_text(NOON), "shortlink": "https://a.example/?p=7"}  # fmt: skip
    with room.db.atomic():
        room.db.table("pages").insert(look)
    assert "https://a.example/?p=7" in links.of_stories(room.db, [story])[story].named


def test_threads_are_summed_and_the_largest_is_linked(room):
    story = opened(room)
    record(room, NOON, [(story, "1", 5), (story, "2", 60), (story, "3", 0)])
    assert numbers(room) == {"hackernews": (65, "https://hackernews.example/2")}


def test_of_bookmark_pages_the_largest_counts(room):
    story = opened(room, "1", 0, "hatena")
    record(room, NOON, [(story, "http://a", 5), (story, "https://a", 41)], provider="hatena")
    assert numbers(room) == {"hatena": (41, "https://hatena.example/https://a")}


def test_an_answer_about_one_thread_keeps_what_is_known_of_the_others(room):
    story = opened(room)
    record(room, NOON, [(story, "1", 5), (story, "2", 60)])
    record(room, NOON + HOUR, [(story, "1", 70)])
    assert numbers(room) == {"hackernews": (130, "https://hackernews.example/1")}


def test_a_deleted_thread_takes_its_comments_along(room):
    story = opened(room)
    record(room, NOON, [(story, "1", 5), (story, "2", 60)])
    record(room, NOON + HOUR, [(story, "2", None)])
    assert numbers(room) == {"hackernews": (5, "https://hackernews.example/1")}
    record(room, NOON + 2 * HOUR, [(story, "1", None)])
    assert numbers(room) == {}


def test_a_thread_without_comments_is_a_number_and_a_link(room):
    record(room, NOON, [(opened(room), "1", 0)])
    assert numbers(room) == {"hackernews": (0, "https://hackernews.example/1")}


def test_a_story_without_threads_gets_no_number(room):
    story = opened(room)
    record(room, NOON, stories=[story])
    assert numbers(room) == {}


def test_a_second_feed_that_joins_a_story_changes_no_number(room):
    story = opened(room)
    record(room, NOON, [(story, "1", 5)])
    joined = room.entry(room.feed("other"), "9", story=story)
    record(room, NOON + HOUR, [(story, "1", 7)])
    lead = room.db.execute("SELECT lead_entry_id FROM stories").fetchone()[0]
    assert lead != joined
    assert room.db.execute("SELECT entry_id, count FROM comment_counts").fetchall() == [(lead, 7)]
    [facts] = publications.facts(room.db, [story], "ja")
    assert [(count.source, count.count) for count in facts.counts] == [("hackernews", 7)]


def test_a_story_that_was_asked_about_goes_on_to_its_next_step(room):
    story = opened(room, age=1)
    record(room, NOON, stories=[story])
    assert next_at(room, story) == NOON + 2 * HOUR


def test_a_story_that_rises_is_counted_again_sooner(room):
    story = opened(room, age=12)
    record(room, NOON, [(story, "1", 10)])
    record(room, NOON + HOUR, [(story, "1", 22)])
    assert next_at(room, story) == NOON + 7 * HOUR
    record(room, NOON + 2 * HOUR, [(story, "1", 200)])
    assert next_at(room, story) == NOON + 5 * HOUR


def test_a_story_that_could_not_be_asked_about_is_tried_again(room):
    story = opened(room, age=1)
    record(room, NOON, stories=[story], asked=[], failure=REFUSED)
    assert next_at(room, story) == NOON + 15 * MINUTE
    record(room, NOON + 15 * MINUTE, stories=[story], asked=[], requests=0)
    assert next_at(room, story) == NOON + 75 * MINUTE
    record(room, NOON + 75 * MINUTE, stories=[story])
    assert discussions.due(room.db, "hackernews", NOON + DAY, 1)[0].failures == 0


def test_an_old_story_that_never_could_be_asked_about_is_given_up(room):
    story, now = opened(room, age=24 * 300), NOON
    for _ in range(4):
        discussions.put_off(room.db, "hackernews", [story], now)
        now = next_at(room, story) or now
    assert next_at(room, story) is None


def test_what_used_up_requests_left_over_is_dropped_to_its_next_step(room):
    asked, left = (opened(room, guid, 1) for guid in ("1", "2"))
    record(room, NOON, stories=[asked, left], asked=[asked], requests=1)
    assert next_at(room, left) == NOON + 2 * HOUR
    [covered] = providers.coverage(room.db, NOON + HOUR)
    assert (covered.counted, covered.dropped) == (1, 1)


def test_what_used_up_requests_left_over_is_tried_again_where_it_was_its_only_turn(room):
    left = opened(room, age=24 * 30)
    record(room, NOON, stories=[left], asked=[], requests=1)
    assert next_at(room, left) == NOON + 15 * MINUTE


def test_dropped_turns_take_their_next_step_and_are_booked(room):
    opened(room, age=6)
    turns = discussions.due(room.db, "hackernews", NOON, 10)
    discussions.drop(room.db, "hackernews", turns, NOON)
    assert next_at(room, turns[0].story_id) == NOON + 6 * HOUR
    assert providers.coverage(room.db, NOON)[0].dropped == 1
    assert providers.used(room.db, "hackernews", NOON) == Used(hour=0, day=0)


def test_a_story_a_provider_can_say_nothing_of_goes_on_and_is_booked_nowhere(room):
    story = opened(room, "1", 6, "wordpress")
    discussions.move_on(room.db, "wordpress", discussions.due(room.db, "wordpress", NOON, 10), NOON)
    assert next_at(room, story, "wordpress") == NOON + 6 * HOUR
    assert providers.coverage(room.db, NOON) == []


def test_a_job_recorded_twice_leaves_the_same_rows(room):
    story = opened(room)
    dumps = []
    for _ in range(2):
        record(room, NOON, [(story, "1", 5), (story, "2", None)])
        dumps.append([
            list(room.db.query(f"SELECT * FROM {table}"))
            for table in ("discussions", "comment_counts", "count_history")
        ])  # fmt: skip
    assert dumps[0] == dumps[1]


def test_what_is_counted_touches_no_publication(room):
    story = opened(room)
    before = room.rows()
    record(room, NOON + HOUR, [(story, "1", 500)])
    assert room.rows() == before


def test_open_turns_looks_at_what_came_out_lately_alone(room):
    published(room)
    plan = room.db.execute(
        f"EXPLAIN QUERY PLAN {discussions._LACKING}", {"providers": "[]", "since": to_text(NOON)}
    ).fetchall()
    assert not [row[3] for row in plan if row[3].startswith("SCAN p")]
