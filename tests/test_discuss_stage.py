"""Stage count over loopback: who is asked when, what is booked, and what the store holds after it."""

import itertools
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from aggregator.config import Config
from aggregator.discuss import access, stage, work
from aggregator.discuss.providers import KINDS
from aggregator.discuss.stage import COUNT
from aggregator.executors import open_workers
from aggregator.model import CountJob
from aggregator.pipeline import StageReport, run_stage
from aggregator.publish.promote import Hold
from aggregator.store import network, polls, providers, publications
from aggregator.times import from_text, to_text
from tests.feedserver import Answer
from tests.providers import Providers, Thread
from tests.publishing import NOON, Newsroom

MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)
ALL = "hackernews,lobsters,reddit,hatena,wordpress,github"


class Desk(Newsroom):
    """A store with published stories, the stand-in of all providers, and a clock moved by hand."""

    def __init__(self, folder: Path, web: Providers, counts: str = "hatena") -> None:
        super().__init__(folder)
        self.web = web
        self.config = replace(web.config, counts=counts, store=self.config.store, output=self.config.output)
        self.feed_id = self.feed()

    def publish(self, name: str, guid: str = "", **columns: Any) -> int:
        """Add a story that comes out at NOON and return it."""
        page = {"permalink": f"https://alpha.example/{name}"}
        entry = self.entry(self.feed_id, guid or name, age=0, **page | columns)
        [(story,)] = self.db.execute("SELECT story_id FROM entries WHERE entry_id = ?", [entry]).fetchall()
        name = f"{story:032x}"
        hold = Hold(story_id=story, lead_entry_id=entry, public_id=f"urn:uuid:{name}", slugs=(name,))
        with self.db.atomic():
            publications.hold(self.db, hold, NOON)
            out = {"state": "translated", "first_published_at": to_text(NOON)}
            self.db.table("publications").update(hold.public_id, out)
        return int(story)

    def count(self, after: timedelta = timedelta(), **settings: Any) -> StageReport:
        """Let time pass and run the stage."""
        self.now += after
        config = replace(self.config, **settings)
        workers = open_workers("inline:")
        return run_stage(COUNT, self.db, config, workers, lambda: self.now, budget=timedelta(seconds=30))

    def numbers(self) -> dict[str, int]:
        return dict(self.db.execute("SELECT source, count FROM comment_counts").fetchall())

    def turn(self, story: int, provider: str = "hatena") -> tuple[timedelta | None, int]:
        """Return after how long from NOON a story's turn at a provider is, and its failures."""
        sql = """SELECT next_count_at, failures FROM discussions
          WHERE story_id = ? AND provider = ? AND thread_key = ''"""
        at, failures = self.db.execute(sql, [story, provider]).fetchone()
        return (from_text(at) - NOON if at else None), failures

    def used(self, provider: Any) -> int:
        return providers.used(self.db, provider, self.now).hour


@pytest.fixture
def web(monkeypatch: pytest.MonkeyPatch) -> Iterator[Providers]:
    monkeypatch.setenv(access.REDDIT, "client-1:secret-2")
    monkeypatch.delenv(access.GITHUB, raising=False)
    with Providers() as running:
        yield running


@pytest.fixture
def desk(tmp_path: Path, web: Providers) -> Iterator[Desk]:
    made = Desk(tmp_path, web)
    yield made
    made.db.conn.close()


def test_a_story_is_counted_after_fifteen_minutes_then_ever_less_often_for_a_week(desk: Desk, web: Providers):
    story = desk.publish("1")
    desk.count()
    assert web.requests == []
    asked = []
    for _ in range(8 * 24 * 12):
        before = len(web.requests)
        desk.count(5 * MINUTE)
        if len(web.requests) > before:
            asked.append((desk.now - NOON) / HOUR)
    assert asked == [0.25, 1, 3, 6, 12, 24, 48, 72, 168]
    assert desk.turn(story) == (None, 0)


def test_a_number_is_written_and_later_ones_replace_it(desk: Desk, web: Providers):
    desk.publish("1")
    desk.count()
    web.hatena["https://alpha.example/1"] = 41
    desk.count(15 * MINUTE)
    assert desk.numbers() == {"hatena": 41}
    web.hatena["https://alpha.example/1"] = 39
    desk.count(HOUR)
    assert desk.numbers() == {"hatena": 39}
    assert [row[0] for row in desk.db.execute("SELECT count FROM count_history ORDER BY counted_at")] == [
        41,
        39,
    ]


def test_nothing_is_asked_without_a_contact_or_with_counts_off(desk: Desk, web: Providers):
    desk.publish("1")
    for settings in ({"counts": "auto", "contact": ""}, {"counts": "none"}):
        assert desk.count(HOUR, **settings).jobs == 0
        assert COUNT.backlog(desk.db, replace(desk.config, **settings), desk.now) == 0
    assert web.requests == []
    assert desk.db.execute("SELECT count(*) FROM discussions").fetchone() == (0,)


def test_auto_asks_those_that_anybody_may(desk: Desk, web: Providers):
    desk.publish("1", guid="https://alpha.example/?p=5")
    desk.publish("2", comments_url="https://github.com/acme/router/issues/7")
    desk.count()
    desk.count(15 * MINUTE, counts="auto")
    desk.count(15 * MINUTE, counts="auto")
    assert set(web.hosts()) == {
        "hn.algolia.com", "bookmark.hatenaapis.com", "api.github.com", "alpha.example"
    }  # fmt: skip


def test_reddit_is_not_asked_without_credentials(desk: Desk, web: Providers, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.delenv(access.REDDIT)
    desk.publish("1")
    desk.count(HOUR, counts="reddit")
    assert web.requests == []


def test_our_own_network_being_down_is_no_providers_failure(desk: Desk, web: Providers):
    story = desk.publish("1")
    desk.count()
    with desk.db.atomic():
        network.note(desk.db, NOON)
    desk.count(HOUR)
    assert web.requests == []
    assert desk.turn(story) == (15 * MINUTE, 0)


def test_a_provider_is_asked_in_one_job_and_not_again_for_minutes(desk: Desk, web: Providers):
    for guid in range(30):
        desk.publish(str(guid))
    desk.count()
    assert desk.count(15 * MINUTE).jobs == 1
    asked = len(web.requests)
    assert asked == 2  # 30 stories, http and https of each, 50 addresses a request
    desk.publish("31")
    desk.count(4 * MINUTE)
    assert len(web.requests) == asked
    desk.count(MINUTE)
    assert len(web.requests) == asked + 1


def test_requests_that_were_not_made_are_given_back(desk: Desk):
    desk.publish("1")
    desk.count()
    desk.count(15 * MINUTE)
    assert desk.used("hatena") == 1


def test_a_refusal_rests_the_provider_for_as_long_as_it_says(desk: Desk, web: Providers):
    story = desk.publish("1")
    desk.count()
    web.trouble["bookmark.hatenaapis.com"] = Answer(b"", 429, {"Retry-After": "7200"})
    desk.count(15 * MINUTE)
    assert providers.resting(desk.db, desk.now) == {"hatena": "429 Too Many Requests"}
    assert desk.turn(story) == (30 * MINUTE, 1)
    web.trouble.clear()
    desk.count(119 * MINUTE)
    assert len(web.requests) == 1
    desk.count(MINUTE)
    assert len(web.requests) == 2
    assert desk.turn(story) == (3 * HOUR, 0)
    rests = {(rest.scope, rest.place) for rest in polls.rests(desk.db, NOON + HOUR)}
    assert rests == {("host", "bookmark.hatenaapis.com")}, "who else would ask it keeps away too"


def test_refusals_in_a_row_rest_it_ever_longer_and_an_answer_ends_that(desk: Desk, web: Providers):
    desk.publish("1")
    desk.count()
    web.trouble["bookmark.hatenaapis.com"] = Answer(b"", 503)
    asked = []
    for _ in range(12 * 30):
        before = len(web.requests)
        desk.count(5 * MINUTE)
        asked += [desk.now] if len(web.requests) > before else []
    gaps = [later - earlier for earlier, later in itertools.pairwise(asked)]
    assert gaps[:4] == [15 * MINUTE, HOUR, 4 * HOUR, 24 * HOUR]
    web.trouble.clear()
    desk.count(25 * HOUR)
    assert providers.failures(desk.db, "hatena") == 0


def test_one_providers_refusal_is_no_others(desk: Desk, web: Providers):
    desk.publish("1")
    desk.count(counts=ALL)
    web.trouble["hn.algolia.com"] = Answer(b"", 429)
    web.hatena["https://alpha.example/1"] = 41
    desk.count(HOUR, counts=ALL)
    assert desk.numbers() == {"hatena": 41}
    assert list(providers.resting(desk.db, desk.now)) == ["hackernews"]


def test_what_the_quota_does_not_hold_gets_its_next_step_and_is_booked_as_dropped(desk: Desk, web: Providers):
    stories = [desk.publish(str(guid)) for guid in range(3)]
    desk.count()
    with desk.db.atomic():
        providers.reserve(desk.db, "hatena", KINDS["hatena"].quota.hourly, desk.now)
    assert desk.count(15 * MINUTE).jobs == 0
    assert web.requests == []
    assert {desk.turn(story) for story in stories} == {(HOUR, 0)}
    [covered] = providers.coverage(desk.db, desk.now)
    assert (covered.counted, covered.dropped) == (0, 3)


def test_what_one_job_does_not_hold_stays_due(desk: Desk, web: Providers, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(stage, "REQUESTS", 1)
    stories = [desk.publish(f"{guid:02}") for guid in range(KINDS["hatena"].stories + 5)]
    desk.count()
    desk.count(15 * MINUTE)
    assert (
        sorted(desk.turn(story)[0] for story in stories)
        == [15 * MINUTE] * 5 + [HOUR] * KINDS["hatena"].stories
    )
    desk.count(5 * MINUTE)
    assert {desk.turn(story)[0] for story in stories} == {HOUR}


def test_a_keys_quota_holds_where_there_is_a_key(desk: Desk, monkeypatch: pytest.MonkeyPatch):
    kind = KINDS["github"]
    assert stage.left_of(desk.db, desk.config, kind, NOON) == kind.quota.hourly
    monkeypatch.setenv(access.GITHUB, "ghp-3")
    assert stage.left_of(desk.db, desk.config, kind, NOON) == kind.keyed.hourly


def test_a_job_holds_no_more_than_spacing_lets_through_in_twenty_seconds():
    usual = Config()
    assert {name: stage.most_of(usual, KINDS[name]) for name in KINDS} == {
        "hackernews": 20, "lobsters": 10, "reddit": 4, "hatena": 6, "wordpress": 10, "github": 4,
        "github-discussions": 4, "github-releases": 4, "comment-feeds": 10,
    }  # fmt: skip


def test_wordpress_and_github_are_asked_about_stories_of_theirs_alone(desk: Desk, web: Providers):
    other = desk.publish("1")
    desk.publish("2", guid="https://alpha.example/?p=5")
    desk.publish("3", comments_url="https://github.com/acme/router/issues/7")
    web.wordpress["alpha.example/5"] = Thread(count=5)
    web.github["acme/router/issues/7"] = Thread(count=7)
    desk.count(counts="wordpress,github")
    desk.count(15 * MINUTE, counts="wordpress,github")
    assert desk.numbers() == {"wordpress": 5, "github": 7}
    assert sorted(request.path.partition("?")[0] for request in web.requests) == [
        "/alpha.example/robots.txt", "/alpha.example/wp-json/wp/v2/comments",
        "/api.github.com/repos/acme/router/issues/7",
    ]  # fmt: skip
    assert desk.turn(other, "wordpress") == desk.turn(other, "github") == (HOUR, 0)
    assert {each.provider: each.counted for each in providers.coverage(desk.db, desk.now)} == {
        "wordpress": 1, "github": 1
    }  # fmt: skip


def test_a_site_whose_robots_txt_forbids_it_is_asked_for_no_number_and_then_left_alone(
    desk: Desk, web: Providers
):
    desk.publish("2", guid="https://alpha.example/?p=5")
    web.robots["alpha.example"] = "User-agent: *\nDisallow: /wp-json/\n"
    web.wordpress["alpha.example/5"] = Thread(count=5)
    for _ in range(3):
        desk.count(HOUR, counts="wordpress")
    assert [request.path for request in web.requests] == ["/alpha.example/robots.txt"]
    assert desk.numbers() == {}


def test_a_feed_of_comments_is_fetched_but_not_one_of_a_thread_at_another_provider(
    desk: Desk, web: Providers
):
    desk.publish("1", comments_feed_url="https://talk.example/1/feed")
    desk.publish("2", comments_feed_url="https://www.reddit.com/r/tech/comments/abc/title/.rss")
    web.comment_feeds["talk.example/1/feed"] = Thread(count=4)
    desk.count(counts="comment-feeds")
    desk.count(15 * MINUTE, counts="comment-feeds")
    assert desk.numbers() == {"comment-feeds": 4}
    assert [request.path for request in web.requests] == ["/talk.example/robots.txt", "/talk.example/1/feed"]


def test_a_host_that_wants_to_be_left_alone_is_not_asked_for_numbers(desk: Desk, web: Providers):
    story = desk.publish("2", guid="https://alpha.example/?p=5")
    desk.count(counts="wordpress")
    with desk.db.atomic():
        polls.write_rest(desk.db, "alpha.example", NOON + HOUR)
    desk.count(30 * MINUTE, counts="wordpress")
    assert web.requests == []
    assert desk.turn(story, "wordpress") == (15 * MINUTE, 0)
    desk.count(31 * MINUTE, counts="wordpress")
    assert len(web.requests) == 2


def test_a_domain_is_not_asked_before_its_turn_and_has_its_next_one_after_that(desk: Desk):
    desk.publish("1")
    desk.count()
    usual = replace(desk.config, host_spacing=timedelta(seconds=1))
    with desk.db.atomic():
        polls.write_host(desk.db, "hatenaapis.com", NOON + 15 * MINUTE + timedelta(seconds=7), None, None)
    [job] = COUNT.pending(desk.db, usual, NOON + 15 * MINUTE)
    assert job.wait == timedelta(seconds=7)
    with desk.db.atomic():
        COUNT.record(
            desk.db, usual, job, work.count(desk.config, replace(job, wait=timedelta())), NOON + HOUR
        )
    assert polls.next_fetches(desk.db, ["hatenaapis.com"]) == {
        "hatenaapis.com": NOON + HOUR + timedelta(seconds=3)
    }
    with desk.db.atomic():
        polls.write_host(desk.db, "hatenaapis.com", NOON + 3 * HOUR, None, None)
    assert list(COUNT.pending(desk.db, usual, NOON + 2 * HOUR)) == []


def test_a_job_that_crashes_is_put_off_with_its_stories(desk: Desk):
    story = desk.publish("1")
    desk.count()

    def broken(_: Any, __: Any) -> Any:
        raise RuntimeError("no such luck")

    desk.now += 15 * MINUTE
    crashing = replace(COUNT, work=broken)
    report = run_stage(crashing, desk.db, desk.config, open_workers("inline:"), lambda: desk.now)
    assert report.crashes == 1
    assert desk.turn(story) == (30 * MINUTE, 1)
    desk.count(15 * MINUTE)
    assert desk.turn(story) == (HOUR, 0)


def test_a_job_that_is_killed_is_due_again_and_its_requests_stay_booked(desk: Desk):
    story = desk.publish("1")
    desk.count()
    [job] = COUNT.pending(desk.db, desk.config, NOON + 15 * MINUTE)
    assert isinstance(job, CountJob)
    assert desk.turn(story) == (15 * MINUTE, 0)
    assert providers.used(desk.db, "hatena", NOON + 15 * MINUTE).hour == job.requests == 3
    assert list(COUNT.pending(desk.db, desk.config, NOON + 19 * MINUTE)) == []
    assert len(list(COUNT.pending(desk.db, desk.config, NOON + 20 * MINUTE))) == 1


def test_who_was_asked_the_longest_ago_comes_first(desk: Desk):
    desk.publish("1")
    with desk.db.atomic():
        providers.reserve(desk.db, "hackernews", 0, NOON)
        providers.reserve(desk.db, "hatena", 0, NOON - HOUR)
    config = replace(desk.config, counts="hackernews,hatena,lobsters")
    list(COUNT.pending(desk.db, config, NOON))
    jobs = [job.provider for job in COUNT.pending(desk.db, config, NOON + HOUR)]
    assert jobs == ["lobsters", "hatena", "hackernews"]


def test_history_is_thinned_once_a_day(desk: Desk):
    desk.publish("1")
    desk.count()
    row = {"entry_id": 1, "source": "feed", "count": 1}
    for minute in (0, 1):
        at = to_text(NOON - timedelta(days=9, minutes=minute))
        desk.db.table("count_history").insert(row | {"counted_at": at})
    desk.count(15 * MINUTE)
    assert desk.db.execute("SELECT count(*) FROM count_history WHERE source = 'feed'").fetchone() == (1,)


def test_the_backlog_counts_the_turns_of_those_that_may_be_asked(desk: Desk):
    desk.publish("1")
    desk.publish("2")
    desk.count()
    assert COUNT.backlog(desk.db, desk.config, NOON) == 0
    assert COUNT.backlog(desk.db, desk.config, NOON + HOUR) == 2
    with desk.db.atomic():
        providers.rest(desk.db, "hatena", NOON + 2 * HOUR, "429")
    assert COUNT.backlog(desk.db, desk.config, NOON + HOUR) == 0
