"""Keeps an operator told: looks for trouble now and then, and has messages sent beside the work."""

import contextlib
import logging
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from sqlite_utils import Database

from aggregator import alarm, notify, troubles
from aggregator.config import Config
from aggregator.errors import StoreError
from aggregator.logs import redacted
from aggregator.model import Alert, Message, Trouble
from aggregator.store import alerts as store
from aggregator.store import store_errors
from aggregator.times import to_text

EVERY = timedelta(minutes=1)  # between two looks: some ask the disk, and models' files
_WORDS = {"trouble": "trouble", "recovery": "over", "test": "test"}

log = logging.getLogger(__name__)


@dataclass(slots=True)
class Watch:
    """What is known of troubles, and the one message that is on its way.

    Where the store takes nothing it is kept here alone, and written when it does again.
    """

    alerts: tuple[Alert, ...] | None = None
    is_written: bool = True
    looked_at: datetime | None = None
    sent: tuple[Message, "Future[str]"] | None = None
    sender: ThreadPoolExecutor = field(default_factory=lambda: ThreadPoolExecutor(1, "alert"))

    def look(self, db: Database, config: Config, now: datetime, *, wait: bool = False) -> None:
        """Find out what is wrong or over, and tell one thing of it.

        Shape: the message is sent meanwhile; `wait` until it is, as a command does that ends.
        """
        if not config.alert or not (wait or self._is_time(now)):
            return
        self._settle(now)
        self._follow(db, config, now)
        while self.sent is None and (message := alarm.due(self.alerts or (), now)):
            self._send(config, message, now)
            if not wait:
                break
            self._settle(now, wait=True)
        self._write(db, config)

    def close(self) -> None:
        """Let go of the thread; a message on its way arrives or is told again after the next start."""
        self.sender.shutdown(wait=False)

    def _is_time(self, now: datetime) -> bool:
        return self.looked_at is None or abs(now - self.looked_at) >= EVERY

    def _follow(self, db: Database, config: Config, now: datetime) -> None:
        self.looked_at = now
        try:
            with store_errors(config.store):
                if self.alerts is None:
                    self.alerts = store.all_of(db)
                found = troubles.found(db, config, now)
        except StoreError as error:
            self._follow_store(error, now)
        else:
            self._note(alarm.follow(self.alerts, found, now))

    def _follow_store(self, error: StoreError, now: datetime) -> None:
        """Add the store itself to what is wrong; whether the rest is over cannot be known."""
        known = self.alerts or ()
        rest = [Trouble(key=alert.key, text=alert.text) for alert in known if not alert.over_at]
        trouble = Trouble(key="store", text=str(error))
        self._note(alarm.follow(known, [*(each for each in rest if each.key != "store"), trouble], now))

    def _send(self, config: Config, message: Message, now: datetime) -> None:
        log.warning("alert event=%s key=%s text=%s", message.event, message.key, message.text)
        facts = facts_of(message, config, now)
        self.sent = message, self.sender.submit(notify.tell, config.alert, facts)

    def _settle(self, now: datetime, *, wait: bool = False) -> None:
        if self.sent is None or not (wait or self.sent[1].done()):
            return
        message, future = self.sent
        self.sent = None
        self._note(alarm.settle(self.alerts or (), message, future.result(), now))

    def _note(self, alerts: tuple[Alert, ...]) -> None:
        self.is_written = self.is_written and alerts == self.alerts
        self.alerts = alerts

    def _write(self, db: Database, config: Config) -> None:
        if self.is_written or self.alerts is None:
            return
        with contextlib.suppress(StoreError), store_errors(config.store):
            store.replace(db, self.alerts)
            self.is_written = True


def facts_of(message: Message, config: Config, now: datetime) -> dict[str, str]:
    """Return what a command or an address is given.

    Shape: `text` holds all that people need, for services that show that alone, and nothing that lets one in:
    a failure may name an address with a password.
    """
    return {
        "event": message.event,
        "key": message.key,
        "text": f"{config.site_title}: {_WORDS[message.event]}: {redacted(message.text)}",
        "since": to_text(message.since),
        "at": to_text(now),
        "site": config.site_url,
    }


def test(config: Config, now: datetime) -> str:
    """Send a message that nothing is wrong, and return why it could not be sent, "" where it was."""
    text = "a test; nothing is wrong, or that is told otherwise"
    message = Message(event="test", key="test", text=text, since=now)
    return notify.tell(config.alert, facts_of(message, config, now))
