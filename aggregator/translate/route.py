"""Which engines an entry goes to: what is ready, less what rests and what would cost more than was agreed."""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from aggregator.model import ASKED, EngineChoice, TranslateEntry
from aggregator.translate.budget import SPENT


@dataclass(frozen=True, slots=True)
class Route:
    """The engines of a job."""

    engines: tuple[EngineChoice, ...]
    missed: str = ""  # the engine that would have come first, had it not been resting after a failure
    anew: bool = False  # the operator asked for it again: the memory's answers are what is to be replaced
    setup: str = ""  # as in TranslateJob


@dataclass(frozen=True, slots=True, kw_only=True)
class Board:
    """How the engines are now."""

    resting: frozenset[str] = frozenset()  # failed a while ago, and are left alone
    configured: Mapping[str, str] = field(default_factory=dict)  # paid engine -> when it was first ready
    glossary: str = ""  # its version


def route(entry: TranslateEntry, ready: Sequence[EngineChoice], board: Board) -> Route:
    """Return an entry's engines, best first.

    A paid engine gets what was first seen after it was configured, or what the operator asks for: a backlog
    would spend months of budget on yesterday's news.
    """
    anew = entry.redo == ASKED
    meant = [
        choice
        for choice in ready
        if not choice.paid or anew or entry.first_seen_at >= board.configured.get(choice.name, "")
    ]
    awake = tuple(choice for choice in meant if choice.name not in board.resting)
    missed = meant[0].name if meant and meant[0].name in board.resting else ""
    whole = setup(ready, board.glossary) if len(awake) == len(meant) else ""
    return Route(awake, missed, anew, whole)


def setup(ready: Sequence[EngineChoice], glossary: str) -> str:
    """Return all that a translation depends on beside its text, "" without an engine."""
    parts = [(choice.name, choice.model, choice.version) for choice in ready]
    return json.dumps([glossary, *parts]) if parts else ""


def grouped(routed: Iterable[tuple[Route, TranslateEntry]]) -> dict[Route, list[TranslateEntry]]:
    """Put entries of one route together, in their order."""
    groups: dict[Route, list[TranslateEntry]] = {}
    for way, entry in routed:
        groups.setdefault(way, []).append(entry)
    return groups


def out_of_order(way_missed: str, engines: Sequence[EngineChoice], trouble: Iterable[str]) -> str:
    """Return the engine that should have translated a job and was out, or ""."""
    first = engines[0].name if engines else ""
    return way_missed or (first if first in set(failed(trouble)) else "")


def failed(trouble: Iterable[str]) -> dict[str, str]:
    """Return the engines that failed, each with the reason; one whose budget is spent did not fail."""
    lines = (line.partition(": ") for line in trouble)
    return {engine: reason for engine, _, reason in lines if reason != SPENT}
