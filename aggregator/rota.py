"""Whose turn it is among groups of stages that share one thread. Pure decisions; `now` is the machine's."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from aggregator.schedule import Every, Schedule


@dataclass(slots=True)
class Rota:
    """The groups that wait for their turn, longest first, and when each of them comes again."""

    schedules: Mapping[str, Schedule]
    next_at: dict[str, datetime] = field(default_factory=dict)
    waiting: list[str] = field(default_factory=list)
    seen_at: datetime | None = None

    def start(self, now: datetime) -> None:
        """Begin anew: what comes every so often comes at once, what has its hour waits for it."""
        self.next_at = {name: schedule.after(now) for name, schedule in self.schedules.items()}
        self.call(name for name, schedule in self.schedules.items() if isinstance(schedule, Every))
        self.seen_at = now

    def look(self, now: datetime) -> timedelta | None:
        """Call the groups whose time has come, once however often it did meanwhile.

        A clock that was set back would keep all of them waiting until it is where it was: their times are
        chosen anew, and by how much it was set back comes back.
        """
        back = self.seen_at - now if self.seen_at and now < self.seen_at else None
        if back:
            self.next_at = {
                name: min(at, self.schedules[name].after(now)) for name, at in self.next_at.items()
            }
        self.seen_at = now
        come = [name for name, at in self.next_at.items() if at <= now]
        self.call(come)
        self.next_at |= {name: self.schedules[name].after(now) for name in come}
        return back

    def call(self, names: Iterable[str]) -> None:
        """Let groups wait for their turn, behind those that do."""
        self.waiting += [name for name in names if name not in self.waiting]

    def turn(self) -> str | None:
        """Return the group whose turn it is, None where none waits."""
        return self.waiting.pop(0) if self.waiting else None

    def idle(self, now: datetime) -> timedelta:
        """Return how long no group's time comes."""
        return max(min(self.next_at.values()) - now, timedelta())
