"""Keys of entries, other spellings of them, and the policy that a feed's entries show."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aggregator.model import IdentityPolicy, ParsedEntry
from aggregator.poll import identity
from aggregator.poll.identity import Stored, told_apart

DATE = datetime(2026, 11, 24, tzinfo=UTC)


def entry(number: int, **fields: object) -> ParsedEntry:
    found = ParsedEntry(
        guid=f"g{number}",
        permalink=f"https://q.example/{number}",
        title=f"Story {number}",
        summary_html="",
        content_html="",
        published_at=DATE,
        fingerprint=f"f{number}",
    )
    return replace(found, **fields)


def stored(found: ParsedEntry, entry_id: int = 1) -> Stored:
    return Stored(
        entry_id=entry_id,
        guid=found.guid,
        permalink=found.permalink,
        title=found.title,
        published_at=found.published_at,
        fingerprint=found.fingerprint,
    )


@pytest.mark.parametrize(
    ("policy", "fields", "expected"),
    [
        ("guid", {}, "g1"),
        (
            "permalink",
            {"permalink": "http://www.q.example/1/?utm_source=rss"},
            "permalink:https://q.example/1",
        ),
        ("permalink", {"permalink": None}, "g1"),
        ("permalink", {"permalink": "mailto:a@q.example"}, "g1"),
        ("title", {"title": "  Story\tOne "}, "title:story one"),
        ("title", {"title": ""}, "g1"),
    ],
)
def test_keys(policy: IdentityPolicy, fields: dict[str, object], expected: str):
    found = entry(1, **fields)
    assert identity.key(policy, found.guid, found.permalink, found.title) == expected


def test_spellings_of_an_address():
    found = identity.spellings(entry(1, guid="http://www.q.example/1/"))
    assert {guid for guid in found if "#" not in guid} == {
        "http://www.q.example/1",
        "http://q.example/1/",
        "http://q.example/1",
        "https://www.q.example/1/",
        "https://www.q.example/1",
        "https://q.example/1/",
        "https://q.example/1",
    }


def test_a_guid_that_is_no_address_has_one_other_spelling_where_the_document_repeats_it():
    (other,) = identity.spellings(entry(1, guid="tag:1"))
    first, _ = told_apart([entry(1, guid="tag:1"), entry(2, guid="tag:1")])
    assert other == first.guid
    assert identity.spellings(first) == {"tag:1"}


def test_a_shared_guid_is_the_entrys_own_only_where_title_and_link_are():
    mine, other = told_apart([entry(1, guid="x"), entry(2, guid="x")])
    known = {"x": stored(entry(1, guid="x"))}
    assert identity.recognise([other, mine], known) == {mine.guid: known["x"]}
    assert identity.is_narrowed(mine.guid, known["x"])


def test_a_stored_entry_is_recognised_once():
    known = {"https://q.example/a": stored(entry(1, guid="https://q.example/a"))}
    found = [entry(2, guid="http://q.example/a"), entry(3, guid="http://q.example/a/")]
    assert identity.recognise(found, known) == {"http://q.example/a": known["https://q.example/a"]}


@pytest.mark.parametrize(
    ("stable", "churned", "policy"),
    [(0, 3, "permalink"), (0, 2, "guid"), (1, 4, "permalink"), (1, 3, "guid"), (2, 8, "permalink")],
)
def test_four_of_five_known_entries_under_new_guids_are_the_symptom(stable: int, churned: int, policy: str):
    """New entries beside them are neither."""
    was = [entry(number) for number in range(stable + churned)]
    now = [*was[:stable], *(replace(each, guid=f"new {each.guid}") for each in was[stable:])]
    news = [entry(number) for number in range(100, 105)]
    strangers = {each.guid for each in [*now[stable:], *news]}
    assert identity.may_churn(len(now) + len(news), len(strangers)) or policy == "guid"
    assert identity.choose([*news, *now], strangers, [stored(each) for each in was]) == policy


def test_in_a_short_document_all_entries_have_to_show_it():
    was = [entry(1), entry(2)]
    now = [replace(each, guid=f"new {each.guid}") for each in was]
    assert identity.choose(now, {each.guid for each in now}, list(map(stored, was))) == "permalink"
    assert identity.choose(now, {each.guid for each in now}, [stored(was[0])]) == "guid"


def test_titles_that_are_all_the_same_tell_nothing():
    was = [entry(number, permalink=None, title="Notice") for number in range(4)]
    now = [replace(each, guid=f"new {each.guid}") for each in was]
    assert identity.choose(now, {each.guid for each in now}, list(map(stored, was))) == "guid"


def test_a_title_used_again_for_another_text_and_day_is_news():
    was = [entry(number, permalink=None) for number in range(4)]
    later = [replace(each, guid=f"n{each.guid}", fingerprint="other", published_at=None) for each in was]
    assert identity.choose(later, {each.guid for each in later}, list(map(stored, was))) == "guid"


@pytest.mark.parametrize(
    ("entries", "strangers", "expected"), [(5, 4, True), (5, 3, False), (1, 1, True), (3, 0, False)]
)
def test_few_strangers_are_not_looked_into(entries: int, strangers: int, *, expected: bool):
    assert identity.may_churn(entries, strangers) is expected


def test_of_rows_with_the_same_key_the_first_has_it():
    twins = [stored(entry(1, guid="a"), 1), stored(entry(1, guid="b"), 2), stored(entry(2), 3)]
    assert identity.rekeyed(twins, [], "guid", "permalink") == {
        1: "permalink:https://q.example/1",
        3: "permalink:https://q.example/2",
    }


policies = st.sampled_from(["guid", "permalink", "title"])
documents = st.lists(
    st.builds(
        entry,
        st.integers(0, 30),
        permalink=st.none() | st.integers(0, 5).map("https://q.example/{}".format),
        title=st.sampled_from(["", "A", "B", "C", "D"]),
    ),
    max_size=8,
).map(told_apart)


@given(documents, policies, policies)
def test_no_entry_of_a_document_is_new_after_a_change_of_policy(
    document: tuple[ParsedEntry, ...], old: IdentityPolicy, new: IdentityPolicy
):
    rows = [stored(each, number) for number, each in enumerate(identity.keyed(document, old))]
    changed = identity.rekeyed(rows, document, old, new)
    keys = {changed.get(row.entry_id, row.guid) for row in rows}
    assert len(keys) == len(rows)  # the store holds a key once
    if len(identity.keyed(document, old)) == len(identity.keyed(document, new)) == len(document):
        assert {each.guid for each in identity.keyed(document, new)} <= keys
