"""When a group of stages has its turn: every so often, or at the times of a line of cron. Pure decisions."""

import re
import zoneinfo
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta

from apscheduler.triggers.cron import CronTrigger

from aggregator.times import parse_duration

EXPECTED = "expected a duration of 1s to 7d such as 30s, or a line such as cron 0 7 * * * Asia/Tokyo"
_LEAST, _MOST = timedelta(seconds=1), timedelta(days=7)
_TICK = timedelta(microseconds=1)
_ANY = datetime(2024, 1, 1, tzinfo=UTC)
_DAYS = ("sun", "mon", "tue", "wed", "thu", "fri", "sat", "sun")  # as crontab(5) numbers them, 7 is 0 again
_NUMBERED = re.compile(r"(?:(\*)|([0-7])(?:-([0-7]))?)(?:/([1-7]))?")
_DAILY = re.compile(r"cron\s+(\d{1,2})\s+(\d{1,2})\s+\*\s+\*\s+\*(?:\s+(\S+))?")


@dataclass(frozen=True, slots=True)
class Every:
    """So long after the last time."""

    length: timedelta

    def after(self, now: datetime) -> datetime:
        """Return the next time."""
        return now + self.length


@dataclass(frozen=True, slots=True)
class Cron:
    """At times of the clock on the wall in a zone."""

    trigger: CronTrigger  # of wall-clock times, which it is told are UTC
    zone: zoneinfo.ZoneInfo

    def after(self, now: datetime) -> datetime:
        """Return the next time.

        A time that a change of the clock leaves out comes an hour later, one that comes twice comes twice.
        """
        # CronTrigger never gets past an hour that comes twice (3.11.3): it sees times without such hours.
        moment = self._with(self._offset(now), now)
        later = self._offset(moment)
        if later == self._offset(now):
            return moment
        other = self._with(later, now)
        return other if self._offset(other) == later else moment

    def _offset(self, moment: datetime) -> timedelta:
        return moment.astimezone(self.zone).utcoffset() or timedelta()

    def _with(self, offset: timedelta, now: datetime) -> datetime:
        found: datetime | None = self.trigger.get_next_fire_time(None, now.astimezone(UTC) + offset + _TICK)
        if found is None:
            raise ValueError("its time never comes")
        return found - offset


Schedule = Every | Cron


def read(text: str, zone: zoneinfo.ZoneInfo) -> Schedule:
    """Return the schedule that a setting names; `zone` holds where a line of cron names none.

    Raises: ValueError saying what is wrong.
    """
    if not text.startswith("cron "):
        length = parse_duration(text)
        if not _LEAST <= length <= _MOST:
            raise ValueError(f"{text} is not from 1s to 7d")
        return Every(length)
    words = text.split()[1:]
    if len(words) not in {5, 6}:
        raise ValueError("five fields (minute, hour, day, month, weekday) and a zone, which may be left out")
    line = " ".join([*words[:4], _weekdays(words[4])])
    cron = Cron(CronTrigger.from_crontab(line, timezone=UTC), _zone(words[5]) if words[5:] else zone)
    cron.after(_ANY)  # or a 31st of February would be noticed by nobody
    return cron


def daily(text: str, timezone: str) -> time:
    """Return the time of day of a line of cron that comes once a day in the zone that is set.

    Raises: ValueError saying what is wrong.
    """
    match = _DAILY.fullmatch(text.strip())
    if not match:
        raise ValueError("one time a day: cron MINUTE HOUR * * *")
    if match[3] not in {None, timezone}:
        raise ValueError(f"the zone of its days, timezone = {timezone}, or none")
    return time(int(match[2]), int(match[1]))


def _zone(name: str) -> zoneinfo.ZoneInfo:
    try:
        return zoneinfo.ZoneInfo(name)
    except (OSError, zoneinfo.ZoneInfoNotFoundError) as error:  # OSError: a zone that is a folder
        raise ValueError(f"{name} is no time zone") from error


def _weekdays(field: str) -> str:
    """Name weekdays that are numbered: APScheduler counts from Monday, crontab(5) from Sunday."""
    return ",".join(_named(part) for part in field.split(","))


def _named(part: str) -> str:
    match = _NUMBERED.fullmatch(part)
    if not match or part == "*":
        return part
    first = 0 if match[1] else int(match[2])
    last = 6 if match[1] or (match[4] and not match[3]) else int(match[3] or match[2])
    days = _DAYS[first : last + 1 : int(match[4] or 1)]
    if not days:
        raise ValueError(f"{part} runs backwards")
    return ",".join(days)
