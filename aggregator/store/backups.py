"""A row of `meta`: when the last backup was made and tried, and what came of it."""

import json
from dataclasses import asdict, dataclass

from sqlite_utils import Database

from aggregator.store import meta

_KEY = "backups"


@dataclass(frozen=True, slots=True, kw_only=True)
class State:
    """The last daily backup and the last trial of one; empty strings before the first."""

    day: str = ""  # the day that has been looked after
    made_at: str = ""
    path: str = ""
    bytes: int = 0
    failure: str = ""  # of the last one that could not be made
    tried_at: str = ""
    tried: str = ""  # its path
    trial_failure: str = ""


def state(db: Database) -> State:
    """Read what `note` wrote."""
    known = meta.value(db, _KEY)
    return State(**json.loads(known)) if known else State()


def note(db: Database, known: State) -> None:
    """Write what `state` reads."""
    meta.note(db, _KEY, json.dumps(asdict(known)))
