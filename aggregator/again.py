"""What `aggregator retranslate` and `--republish` would do, and what engines cost."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlite_utils import Database

from aggregator.config import Config
from aggregator.errors import EngineUnavailable
from aggregator.publish import promote
from aggregator.publish.edition import Publication
from aggregator.publish.lists import carried
from aggregator.store import publications, remakes, usage
from aggregator.translate import allowance, budget, engines, glossary, touched, writer
from aggregator.translate.engines import services
from aggregator.translate.engines.services import SERVICES

WEEK = 7
COLUMNS = ("engine", "days", "characters", "yen", "month", "budget", "yen_a_month")


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """Which translations to make again: all conditions together."""

    glossary_changed: bool = False
    engine: str | None = None
    feed_id: int | None = None
    entry: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What would be made again, and what for."""

    entry_ids: tuple[int, ...]
    characters: int
    engine: str  # the one that comes first, or "" where none is ready
    yen: float  # at most: were all of it that engine's, and refused once

    def sentence(self) -> str:
        """Write it as one line for the operator."""
        cost = f"up to {self.yen:,.0f} yen" if self.yen else "no cost"
        by = f" by {self.engine}" if self.engine else ""
        return f"{len(self.entry_ids)} entries, {self.characters:,} characters{by}, {cost}"


def plan(db: Database, config: Config, wanted: Wanted) -> Plan:
    """Return what would be made again, newest first."""
    found = remakes.made(
        db, config.language, engine=wanted.engine, feed_id=wanted.feed_id, entry=wanted.entry,
        refused=not wanted.glossary_changed,
    )  # fmt: skip
    if wanted.glossary_changed:
        found = _touched(db, config, found)
    ready = engines.ready(config)
    first = next((choice.name for choice in ready), "")
    writes = config.headline == "write" and writer.writer_of(ready, config.language)
    characters = sum(len(each.text) + (each.headline if writes else 0) for each in found)
    return Plan(
        entry_ids=tuple(each.entry_id for each in found), characters=characters, engine=first,
        yen=budget.cost(2 * characters, services.price(first, config)),
    )  # fmt: skip


def ask(db: Database, config: Config, wanted: Plan) -> None:
    """Have translations made again, by this round or the next; they stay until a new one passes.

    Raises: EngineUnavailable where nothing could make them.
    """
    refuse_without_engine(config)
    with db.atomic():
        remakes.ask_again(db, config.language, wanted.entry_ids)


def refuse_without_engine(config: Config) -> None:
    """Let whoever has an engine that is ready go on.

    Raises: EngineUnavailable.
    """
    if not engines.ready(config):
        raise EngineUnavailable("; ".join(engines.why_not(config)) or "engine = none: nothing translates")


def _touched(db: Database, config: Config, found: list[remakes.Made]) -> list[remakes.Made]:
    """Leave those whose text has a term in it that is another now; all of a glossary that nobody noted."""
    present = glossary.merged(config.glossary)
    now, known = touched.terms(present), remakes.glossaries(db)
    changed = {version: touched.changed(before, now) for version, before in known.items()}
    return [
        each
        for each in found
        if each.glossary_version != present.version and _mentions(each, changed.get(each.glossary_version))
    ]


def _mentions(each: remakes.Made, changed: set[str] | None) -> bool:
    return changed is None or touched.mentions(each.text, changed)


def republished(
    db: Database, config: Config, now: datetime, entry_ids: Iterable[int] | None = None
) -> tuple[Publication, ...]:
    """Return what shows readers, once more, the entries in the feeds whose title or summary is another now.

    `entry_ids` leave out the others.
    """
    stories = None if entry_ids is None else publications.led_by(db, entry_ids)
    rows = (
        promote.republish(facts, now)
        for facts in carried(db, config)
        if stories is None or facts.publication.story_id in stories
    )
    return tuple(row for row in rows if row)


def count_carried(db: Database, config: Config, entry_ids: Iterable[int]) -> int:
    """Count those of the entries that the main feeds carry."""
    stories = publications.led_by(db, entry_ids)
    return sum(facts.publication.story_id in stories for facts in carried(db, config))


def costs(db: Database, config: Config, now: datetime) -> list[dict[str, Any]]:
    """Return a row for each engine that was used: the last 7 days, this month, and what a month will cost."""
    return [_row(db, config, name, now) for name in usage.engines(db)]


def _row(db: Database, config: Config, name: str, now: datetime) -> dict[str, Any]:
    day = allowance.today(config, now)
    daily = usage.days(db, name, day, WEEK)
    paid = name in SERVICES and services.is_paid(name, config)
    limit = services.monthly(name, config) if paid else None
    price = services.price(name, config)
    return {
        "engine": name,
        "days": len(daily),
        "characters": sum(daily),
        "yen": round(budget.cost(sum(daily), price)),
        "month": usage.used(db, name, day).month,
        "budget": limit,
        "yen_a_month": round(budget.forecast(daily, price, limit)) if limit is not None else 0,
    }
