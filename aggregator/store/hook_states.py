"""What commands after a publish or a backup have still to be told, and how they fared: a row of meta."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, replace
from datetime import datetime, timedelta

from sqlite_utils import Database

from aggregator.store import meta
from aggregator.times import from_text, to_text

EVERYTHING = "."  # in the place of paths
MOST = 5000  # paths that wait; more are everything
RETRY = timedelta(minutes=5)  # after a failure, whatever changes meanwhile
_KEY = "hooks"


@dataclass(frozen=True, slots=True, kw_only=True)
class HookState:
    """How a command fared last, and what it has still to be told."""

    command: str = ""
    folder: str = ""  # that paths are in
    waiting: tuple[str, ...] = ()  # paths, kept until a run went well
    is_open: bool = False  # a process is at it; one that was killed may not have noted all
    ran_at: str = ""
    seconds: float = 0.0
    failures: int = 0  # in a row
    failure: str = ""

    def is_due(self, now: datetime) -> bool:
        """Tell whether it has something to be told, and rested after a failure."""
        rested = not self.failures or abs(now - from_text(self.ran_at)) >= RETRY
        return bool(self.waiting) and rested

    def telling(self, paths: Iterable[str]) -> "HookState":
        """Return the state when more is to be told."""
        waiting = tuple(dict.fromkeys((*self.waiting, *paths)))
        is_all = EVERYTHING in waiting or len(waiting) > MOST
        return replace(self, waiting=(EVERYTHING,) if is_all else waiting)

    def ended(self, failure: str, seconds: float, left: Iterable[str], now: datetime) -> "HookState":
        """Return the state after a run, `left` being what changed during it."""
        waiting = self.waiting if failure else tuple(dict.fromkeys(left))
        failures = self.failures + 1 if failure else 0
        return replace(
            self, waiting=waiting, ran_at=to_text(now), seconds=round(seconds, 1), failures=failures,
            failure=failure,
        )  # fmt: skip


def read(db: Database) -> dict[str, HookState]:
    """Return the state of each command that ever ran, by the setting that names it."""
    found = json.loads(meta.value(db, _KEY) or "{}")
    return {name: HookState(**{**each, "waiting": tuple(each["waiting"])}) for name, each in found.items()}


def write(db: Database, states: Mapping[str, HookState]) -> None:
    """Write what `read` returns."""
    value = json.dumps({name: asdict(state) for name, state in states.items()}, ensure_ascii=False)
    with db.atomic():
        meta.note(db, _KEY, value)
