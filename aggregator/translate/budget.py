"""How much a paid engine may still send, and what that costs.

Units: characters of the source, as services bill them; yen.
"""

from collections.abc import Iterable

DAYS = 30  # a month's budget is spread over so many days
MILLION = 1_000_000
SPENT = "its budget for now is spent"  # why an engine stopped in the middle of a batch
LEAST = 500  # characters; with less left hardly an entry fits


def monthly(text: str, price: int) -> int:
    """Return a month's budget in characters, from `1000000` or, at a price for a million, `3000 yen`."""
    number, _, unit = text.partition(" ")
    if not unit:
        return int(number)
    return int(number) * MILLION // price if price else 0


def allowance(budget: int, used_this_month: int, used_today: int) -> int:
    """Return how many characters may still be sent today: a thirtieth of the month's, while that lasts."""
    return max(0, min(budget // DAYS - used_today, budget - used_this_month))


def reserve(left: int, batch: int) -> int:
    """Return what a batch of so many characters may use: twice itself, less at the end, 0 if it cannot fit.

    A sentence that lost a placeholder is sent again, and so is all that a busy service did not answer.
    """
    return min(left, 2 * batch) if batch <= left else 0


def sentence(budget: int, used_this_month: int, used_today: int) -> str:
    """Say how far a budget is used."""
    said = (
        f"{used_today:,} of {budget // DAYS:,} characters today, {used_this_month:,} of {budget:,} this month"
    )
    if allowance(budget, used_this_month, used_today) >= LEAST:
        return said
    until = "the month ends" if budget - used_this_month < LEAST else "tomorrow"
    return f"{said}; spent: the engines after it translate until {until}"


def cost(characters: float, price: int) -> float:
    """Return what characters cost at a price for a million."""
    return characters * price / MILLION


def forecast(daily: Iterable[int], price: int, budget: int) -> float:
    """Return what a month costs when its days are like these, never more than the budget allows."""
    days = list(daily)
    characters = min(sum(days) / len(days) * DAYS, budget) if days else 0
    return cost(characters, price)
