"""Jobs of due feeds: every feed in one, domains whole, sizes even, slow hosts together."""

from datetime import timedelta

from hypothesis import given, settings
from hypothesis import strategies as st

from aggregator.model import DueFeed, HostBatch
from aggregator.poll.shards import PER_DOMAIN, SHARD, batch, by_domain, lasts, shards

SECOND = timedelta(seconds=1)


def feed(number: int, domain: str, seconds: float = 0.0) -> DueFeed:
    url = f"https://{domain}/{number}"
    return DueFeed(feed_id=number, listed_url=url, fetch_url=url, domain=domain, seconds=seconds)


def host(
    name: str, feeds: int = 1, *, seconds: float = 0.0, spacing: float = 0.0, wait: float = 0.0
) -> HostBatch:
    return HostBatch(
        domain=name,
        feeds=tuple(feed(number, name, seconds) for number in range(feeds)),
        spacing=timedelta(seconds=spacing),
        wait=timedelta(seconds=wait),
    )


def names(jobs: list[tuple[HostBatch, ...]]) -> list[list[str]]:
    return [[each.domain for each in job] for job in jobs]


def sizes(jobs: list[tuple[HostBatch, ...]]) -> list[int]:
    return [sum(len(each.feeds) for each in job) for job in jobs]


def test_feeds_of_a_domain_stand_together_where_its_first_one_stood():
    feeds = [feed(1, "a.example"), feed(2, "b.example"), feed(3, "a.example")]
    assert {name: [each.feed_id for each in found] for name, found in by_domain(feeds).items()} == {
        "a.example": [1, 3],
        "b.example": [2],
    }


def test_a_turn_is_as_long_as_a_job_may_wait_for_a_domain():
    feeds = [feed(number, "a.example") for number in range(30)]
    turns = [batch("a.example", feeds, timedelta(), apart * SECOND) for apart in (0, 1, 4, 6, 60)]
    assert [len(turn.feeds) for turn in turns] == [20, 20, 5, 3, 1]
    assert [turn.feeds[0].feed_id for turn in turns] == [0] * 5
    large = batch("medium.com", feeds, timedelta(), SECOND)
    assert (large.spacing, len(large.feeds)) == (5 * SECOND, 4)


def test_a_domain_is_waited_for_no_longer_than_two_requests_are_apart():
    waits = [
        batch("a.example", [feed(1, "a.example")], free * SECOND, 5 * SECOND).wait for free in (-3, 2, 9)
    ]
    assert waits == [0 * SECOND, 2 * SECOND, 5 * SECOND]


def test_what_fits_in_one_job_is_one_job():
    assert names(shards([host("quick.example"), host("slow.example", seconds=29)])) == [
        ["slow.example", "quick.example"]
    ]
    assert shards([]) == []


def test_no_job_is_much_smaller_than_the_others():
    assert sizes(shards([host(f"{n}.example") for n in range(401)])) == [134, 134, 133]


def test_hosts_that_took_long_the_last_time_share_a_job():
    hosts = [host(f"{n}.example", seconds=25 if n % 40 == 0 else 0.2) for n in range(400)]
    first, second = names(shards(hosts))
    assert first[:10] == [f"{n}.example" for n in range(0, 400, 40)]
    assert [int(name.partition(".")[0]) % 40 == 0 for name in second] == [False] * 200
    assert second == sorted(second, key=lambda name: int(name.partition(".")[0]))


def test_a_turn_lasts_as_long_as_its_waits_and_its_fetches():
    assert lasts(host("a.example", 3, seconds=2.9, spacing=5, wait=2)) == 18 * SECOND
    assert lasts(host("a.example", 20, spacing=1, seconds=0.9)) == 19 * SECOND


def test_milliseconds_move_no_feed():
    hosts = [host(f"{n}.example", seconds=n / 401) for n in range(400)]
    assert names(shards(hosts)) == names(shards([host(f"{n}.example") for n in range(400)]))


HOSTS = st.lists(
    st.tuples(
        st.integers(1, PER_DOMAIN), st.sampled_from([0.0, 0.3, 12.0, 30.0]), st.sampled_from([0, 1, 5])
    ),
    max_size=60,
).map(
    lambda drawn: [
        host(f"{n}.example", count, seconds=seconds, spacing=spacing)
        for n, (count, seconds, spacing) in enumerate(drawn)
    ]
)


@given(HOSTS)
@settings(deadline=None)
def test_each_host_is_in_one_job_and_whole(hosts: list[HostBatch]):
    found = [each for job in shards(hosts) for each in job]
    assert sorted(found, key=lambda each: int(each.domain.partition(".")[0])) == hosts


@given(HOSTS)
@settings(deadline=None)
def test_jobs_are_as_few_as_can_be_and_of_one_size(hosts: list[HostBatch]):
    found = sizes(shards(hosts))
    total = sum(found)
    assert len(found) == -(-total // SHARD)
    largest = max((len(each.feeds) for each in hosts), default=0)
    assert all(abs(size - total / len(found)) < largest for size in found)


@given(HOSTS)
@settings(deadline=None)
def test_the_slow_come_first_and_else_the_order_stays(hosts: list[HostBatch]):
    found = [each for job in shards(hosts) for each in job]
    steps = [lasts(each) // (2 * SECOND) for each in found]
    assert steps == sorted(steps, reverse=True)
    for step in set(steps):
        alike = [each.domain for each in found if lasts(each) // (2 * SECOND) == step]
        assert alike == [each.domain for each in hosts if lasts(each) // (2 * SECOND) == step]
