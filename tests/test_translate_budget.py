"""What a paid engine may send, and which entries it gets."""

import pytest

from aggregator.model import ASKED, EngineChoice, TranslateEntry
from aggregator.translate.budget import SPENT, allowance, cost, forecast, monthly, reserve, sentence
from aggregator.translate.route import Board, failed, out_of_order, route

PAID = EngineChoice(name="deepl", model="m", paid=True)
FREE = EngineChoice(name="firefox", model="m")
BOARD = Board(configured={"deepl": "2026-11-24T06:00:00Z"})


def entry(seen="2026-11-24T07:00:00Z", redo=None):
    return TranslateEntry(
        entry_id=1, input_fingerprint="f", language="en", title="t", summary="", story="", first_seen_at=seen,
        redo=redo,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("text", "price", "characters"),
    [("600000", 0, 600_000), ("3000 yen", 2500, 1_200_000), ("3000 yen", 0, 0)],
)
def test_a_budget_is_characters_or_yen(text, price, characters):
    assert monthly(text, price) == characters


def test_a_day_gets_a_thirtieth_of_the_month_and_never_more_than_is_left_of_it():
    assert allowance(30_000, 0, 0) == 1000
    assert allowance(30_000, 5000, 400) == 600
    assert allowance(30_000, 29_800, 0) == 200
    assert allowance(30_000, 30_500, 0) == 0
    assert allowance(30_000, 5000, 1200) == 0


def test_a_batch_may_use_twice_itself_while_that_is_left_and_nothing_where_it_does_not_fit():
    assert [reserve(left, 100) for left in (1000, 150, 100, 99, 0)] == [200, 150, 100, 0, 0]


def test_a_spent_budget_says_until_when():
    assert sentence(30_000, 5000, 400) == "400 of 1,000 characters today, 5,000 of 30,000 this month"
    assert sentence(30_000, 5000, 600).endswith("; spent: the engines after it translate until tomorrow")
    assert sentence(30_000, 29_600, 0).endswith(
        "; spent: the engines after it translate until the month ends"
    )


def test_a_forecast_takes_the_days_for_a_month_up_to_the_budget():
    assert cost(1_000_000, 2500) == 2500
    assert forecast([10_000] * 7, 2500, 1_000_000) == 750
    assert forecast([10_000, 0], 2500, 1_000_000) == 375
    assert forecast([100_000] * 7, 2500, 500_000) == 1250
    assert forecast([], 2500, 500_000) == 0


def test_a_paid_engine_gets_only_what_was_first_seen_after_it_was_configured():
    assert route(entry(), [PAID, FREE], BOARD).engines == (PAID, FREE)
    assert route(entry("2026-11-24T06:00:00Z"), [PAID, FREE], BOARD).engines == (PAID, FREE)
    assert route(entry("2026-11-24T05:59:59Z"), [PAID, FREE], BOARD).engines == (FREE,)
    assert route(entry("2026-11-24T05:59:59Z", ASKED), [PAID, FREE], BOARD).engines == (PAID, FREE)


def test_an_engine_that_rests_is_left_out_and_named_where_it_would_have_come_first():
    board = Board(resting=frozenset({"deepl"}))
    assert route(entry(), [PAID, FREE], board).engines == (FREE,)
    assert route(entry(), [PAID, FREE], board).missed == "deepl"
    assert route(entry(), [FREE, PAID], board).missed == ""


def test_the_engine_that_was_out_is_the_first_alone():
    trouble = ("deepl: answered 503: busy", "llamacpp: gone")
    assert failed(trouble) == {"deepl": "answered 503: busy", "llamacpp": "gone"}
    assert out_of_order("", (PAID, FREE), trouble) == "deepl"
    assert out_of_order("", (FREE, PAID), trouble) == ""
    assert out_of_order("openai", (FREE,), ()) == "openai"


def test_an_engine_whose_budget_is_spent_did_not_fail():
    assert failed((f"deepl: {SPENT}",)) == {}
    assert out_of_order("", (PAID, FREE), (f"deepl: {SPENT}",)) == ""
