"""What two titles have to share to tell one event."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aggregator.poll.retold import same, telling


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Brindle buys Oakfen for $2.5 billion", "Brindle acquires Oakfen for $2.5bn"),
        ("Dunlin fined 90 million euros in Norway", "Dunlin fined €90M in Norway"),
        ("Gorse raises fees to 30 percent", "Gorse raises fees to 30%"),
        ("Kestrel v4.0 released", "Kestrel 4 is out"),
        ("Kestrel 4.1 is now available", "Announcing Kestrel 4.1"),
        ("Teasel lays off 600 in Norway", "Teasel is cutting 600 jobs in Norway"),
        ("Gorse announces Loam G5 Pro", "Gorse unveils its Loam G5 Pro"),
        ("Hexley to stop supporting Kestrel 10 today", "Hexley ends support for Kestrel 10"),
        ("Teasel hires three founders of Hexley", "Teasel hires 3 founders of Hexley"),
        ("Exclusive: Brindle's Oakfen deal collapses", "Brindle’s Oakfen Deal Collapses"),
    ],
)
def test_one_event_in_two_spellings_is_one(one: str, other: str):
    assert same(one, other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Kestrel 4.1 released by Hexley", "Kestrel 4.10 released by Hexley"),
        ("Kestrel 4.0.1 released by Hexley", "Kestrel 4.1 released by Hexley"),
        ("Dunlin fined €90 million in Norway", "Dunlin fined $90 million in Norway"),
        ("Brindle buys Oakfen", "Oakfen bought by Brindle"),
        ("Brindle moves from Gorse to Hexley", "Brindle moves to Gorse from Hexley"),
        ("Dunlin doesn't leave Norway", "Dunlin does leave Norway"),
        ("Ashgrove raises $12M Series A", "Ashgrove raises $12M Series B"),
        ("Brindle buys Oakfen", "Brindle buys Oakfen division"),
        ("Gorse announces Steamhouse", "Gorse announces Steamhouse price"),
        ("Nimbrel outage hits Gorse and Hexley", "Nimbrel outage that hit Gorse and Hexley is over"),
        ("Larkspur fixes its password manager", "Larkspur fixes its download manager"),
    ],
)
def test_a_number_a_version_a_direction_or_a_negation_makes_another_event(one: str, other: str):
    assert not same(one, other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Wayfarth recalls Robotaxis after crash", "Wayfarth Robotaxis crash after recall"),
        ("Kestrel 44 beta is out", "Kestrel 44 is out of beta"),
        ("Hexley update breaks patch for Windows", "Hexley patch breaks update for Windows"),
        (
            "Researchers teach a robot to fold the laundry of a family",
            "A robot to fold the laundry of a family: researchers teach",
        ),
    ],
)
def test_the_same_words_in_another_order_may_tell_another_event(one: str, other: str):
    assert not same(one, other)


@pytest.mark.parametrize(
    ("long", "same_too"),
    [
        ("Kestrel maintainers remove popular Hexley plugin", True),
        ("Kestrel maintainers remove Hexley plugin silently", False),
        ("Yesterday Kestrel maintainers remove Hexley plugin", False),
        ("Kestrel maintainers remove Hexley plugin for parents", False),
    ],
)
def test_a_title_may_have_a_word_more_within_but_not_as_its_first_or_last(long: str, *, same_too: bool):
    assert same("Kestrel maintainers remove Hexley plugin", long) == same_too


def test_a_short_title_may_have_no_word_more():
    assert not same("Brindle fixes Oakfen", "Brindle fixes slow Oakfen")
    assert not same("Vantelle shows Teldra Ridge", "Vantelle shows slow Teldra Ridge")


@pytest.mark.parametrize(
    "title",
    [
        "Weekly update",
        "v1.4.2",
        "Security update",
        "Orrery launches new model",
        "Hexley 5 review",
        "Links",
        "We raised $10 million for Norway",
        "Gorse Fire Stick 4K deal",
        "Nimbrel outage: what happened",
        "Degraded performance of webhooks in Norway",
        "",
    ],
)
def test_a_title_that_many_may_have_is_nobodys(title: str):
    assert not same(title, title)


def test_without_a_name_all_of_seven_words_have_to_be_the_same():
    title = "Robot folds the laundry of a family faster than two people"
    assert same(title, title.title())
    assert not same(title, title.replace("faster", "slower"))


@given(st.lists(st.integers(0, 10**6), min_size=4, max_size=4))
def test_two_titles_with_numbers_tell_one_event_where_these_are_equal(numbers: list[int]):
    sold, cost, other_sold, other_cost = numbers
    one = f"Brindle sells {sold} phones in Norway for {cost} dollars"
    other = f"Brindle sells {other_sold:,} phones in Norway for ${other_cost}"
    assert same(one, other) == ((sold, cost) == (other_sold, other_cost))
    assert same(one, one.replace(" dollars", "").replace("for ", "for $"))


def test_a_title_longer_than_any_is_not_looked_at():
    assert telling("Brindle buys Oakfen " * 16) is None


@given(st.text(max_size=300), st.text(max_size=300))
def test_any_two_texts_can_be_compared(one: str, other: str):
    assert same(one, other) == same(other, one)
