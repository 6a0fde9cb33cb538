"""Which troubles an operator is told of, and when: each once, and once that it is over. Pure."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from aggregator.model import Alert, Event, Message, Trouble

# After the 1st, 2nd … attempt to tell that failed, and then always the last.
_AGAIN = tuple(timedelta(minutes=minutes) for minutes in (1, 5, 15, 60))


def follow(alerts: Sequence[Alert], found: Sequence[Trouble], now: datetime) -> tuple[Alert, ...]:
    """Return the alerts as they are once these troubles were found and no others.

    Shape: what went before anybody was told of it leaves no trace; what comes back before anybody was told
    that it was over has never been away.
    """
    troubles = {trouble.key: trouble for trouble in found}
    known = {alert.key for alert in alerts}
    kept = (_followed(alert, troubles.get(alert.key), now) for alert in alerts)
    new = (
        Alert(key=trouble.key, text=trouble.text, since=now, tell_at=now + trouble.patience)
        for trouble in found
        if trouble.key not in known
    )
    return (*filter(None, kept), *new)


def _followed(alert: Alert, trouble: Trouble | None, now: datetime) -> Alert | None:
    if trouble is None:
        if alert.told_at is None:
            return None
        return _soon(alert, now) if alert.over_at else replace(alert, over_at=now, tell_at=now, attempts=0)
    if alert.over_at:
        return replace(alert, text=trouble.text, over_at=None, attempts=0)
    return _soon(replace(alert, text=trouble.text), now, trouble.patience)


def _soon(alert: Alert, now: datetime, patience: timedelta = _AGAIN[-1]) -> Alert:
    """Return the alert told no later than it was meant to be, whatever a clock that was ahead wrote."""
    return replace(alert, tell_at=min(alert.tell_at, now + max(patience, _AGAIN[-1])))


def due(alerts: Sequence[Alert], now: datetime) -> Message | None:
    """Return what is to be told now, what lasts longest first; None where nothing is."""
    waiting = [alert for alert in alerts if _is_untold(alert) and alert.tell_at <= now]
    if not waiting:
        return None
    alert = min(waiting, key=lambda each: (each.tell_at, each.key))
    event: Event = "recovery" if alert.over_at else "trouble"
    return Message(event=event, key=alert.key, text=alert.text, since=alert.since)


def _is_untold(alert: Alert) -> bool:
    return alert.told_at is None or alert.over_at is not None


def settle(alerts: Sequence[Alert], message: Message, failure: str, now: datetime) -> tuple[Alert, ...]:
    """Return the alerts as they are once a message was sent, or could not be sent."""
    settled = (
        _settled(alert, message, failure, now) if alert.key == message.key else alert for alert in alerts
    )
    return tuple(filter(None, settled))


def _settled(alert: Alert, message: Message, failure: str, now: datetime) -> Alert | None:
    if failure:
        wait = _AGAIN[min(alert.attempts, len(_AGAIN) - 1)]
        return replace(alert, tell_at=now + wait, attempts=alert.attempts + 1)
    if message.event == "recovery":
        # It may have come back while that was on its way: then it is told of once more.
        return None if alert.over_at else replace(alert, told_at=None, tell_at=now)
    return replace(alert, told_at=now, attempts=0)
