"""What paid engines may send of each batch: taken off the budget before, settled afterwards."""

from collections.abc import Iterable, Iterator
from dataclasses import replace
from datetime import date, datetime

from sqlite_utils import Database

from aggregator.config import Config
from aggregator.errors import EngineUnavailable
from aggregator.model import EngineChoice, TranslateEntry
from aggregator.store import usage
from aggregator.translate import budget, writer
from aggregator.translate import engines as known
from aggregator.translate.engines import services


def today(config: Config, now: datetime) -> date:
    """Return the day that budgets count."""
    return now.astimezone(config.zone).date()


def left(db: Database, config: Config, engine: str, now: datetime) -> int:
    """Return how many characters a paid engine may still be sent today."""
    used = usage.used(db, engine, today(config, now))
    return budget.allowance(services.monthly(engine, config), used.month, used.today)


def reserved(
    db: Database,
    config: Config,
    engines: Iterable[EngineChoice],
    batch: Iterable[TranslateEntry],
    now: datetime,
) -> tuple[EngineChoice, ...]:
    """Return the engines a batch goes to, the paid ones with their allowance, those without budget left out.

    What a batch may use counts as used from now on, so that a kill in the middle forgets nothing.
    """
    entries = tuple(batch)
    size = sum(len(entry.title) + len(entry.summary) + len(entry.story) for entry in entries)
    written = writer.size(entries, headline=config.headline == "write")
    return tuple(_reserved(db, config, engines, size, written, now))


def _reserved(
    db: Database, config: Config, engines: Iterable[EngineChoice], size: int, written: int, now: datetime
) -> Iterator[EngineChoice]:
    for choice in engines:
        if not choice.paid:
            yield choice
            continue
        room = left(db, config, choice.name, now)
        # Where the budget is too small to have it write as well it still translates.
        whole = budget.reserve(room, size + written) if choice.writes else 0
        if amount := whole or budget.reserve(room, size):
            book(db, config, choice.name, amount, now)
            yield replace(choice, allowance=amount, writes=bool(whole))


def sample(db: Database, config: Config, name: str, now: datetime) -> known.Sample:
    """Translate one sentence with a paid engine, within its budget and counted in it.

    Raises: EngineUnavailable where it is not ready, does not answer, or its budget is spent.
    """
    if reason := known.obstacle(name, config):
        raise EngineUnavailable(reason)
    amount = budget.reserve(left(db, config, name, now), len(known.SAMPLE))
    if not amount:
        raise EngineUnavailable(f"{name}: {budget.SPENT}; see: aggregator status")
    book(db, config, name, amount, now)  # before it is sent; where it fails nobody knows what was billed
    made = known.sample(name, config, allowance=amount)
    book(db, config, name, (made.sent or 0) - amount, now)
    return made


def settle(
    db: Database,
    config: Config,
    engines: Iterable[EngineChoice],
    used: Iterable[tuple[str, int]],
    now: datetime,
) -> None:
    """Write what a job's engines were sent in the place of what was reserved for it."""
    sent = dict(used)
    for choice in engines:
        characters = sent.get(choice.name, 0) - (choice.allowance or 0)
        if characters:
            book(db, config, choice.name, characters, now)


def book(db: Database, config: Config, engine: str, characters: int, now: datetime) -> None:
    """Add characters to an engine's account, with what they cost."""
    cost = budget.cost(characters, services.price(engine, config))
    with db.atomic():
        usage.add(db, engine, characters, cost, today(config, now))
