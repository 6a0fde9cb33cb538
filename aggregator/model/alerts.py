"""What an operator is told of: trouble that lasts, and that it is over."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

Event = Literal["trouble", "recovery", "test"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Trouble:
    """Something that does not go as it should."""

    key: str  # what it is, the same however often it is found
    text: str
    patience: timedelta = timedelta()  # so long it may last before anybody is told


@dataclass(frozen=True, slots=True, kw_only=True)
class Alert:
    """A trouble that was found, and what was told of it."""

    key: str
    text: str
    since: datetime
    tell_at: datetime  # or later: sooner nobody is told
    told_at: datetime | None = None
    over_at: datetime | None = None
    attempts: int = 0  # to tell what is to be told now


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """What is told of an alert."""

    event: Event
    key: str
    text: str
    since: datetime
