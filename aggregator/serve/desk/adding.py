"""Adding a feed at the operator's desk: an address, a look at what is there, and the subscription."""

import secrets
import threading
from collections import OrderedDict
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from aggregator import finding, subscribe
from aggregator.errors import AggregatorError, FetchTimeout
from aggregator.executors import call_apart
from aggregator.serve.desk.visits import Sent, Shown, View, Visit
from aggregator.store import categories

PATIENCE = 75.0  # seconds for a page, the feed that it names, and reading both
_KEPT = 2  # feeds that were looked at, each with its body
_KEPT_FOR = timedelta(minutes=15)
_NEWEST = 8  # titles that are shown
_ONE = "add/{found:[A-Za-z0-9_-]{1,40}}"


@dataclass(slots=True)
class Desk:
    """What was looked at and waits for a yes: the answer there counts as the feed's first poll."""

    _kept: OrderedDict[str, tuple[datetime, finding.Found]] = field(default_factory=OrderedDict)
    _turn: threading.Lock = field(default_factory=threading.Lock)

    @property
    def pages(self) -> tuple[tuple[str, View], ...]:
        """Name the pages by their paths."""
        return (("add", _address), (_ONE, self._found))

    @property
    def forms(self) -> tuple[tuple[str, View], ...]:
        """Name the forms by their paths."""
        return (("add", self._look), (_ONE, self._take))

    def _look(self, visit: Visit) -> Sent:
        """Look at an address in a process of its own: what is there may be anything."""
        address = visit.asked.get("url", "").strip()
        with visit.store() as db:
            known = subscribe.known_addresses(db, visit.config, visit.now)
        if not self._turn.acquire(blocking=False):
            raise AggregatorError("another address is being looked at; try again in a moment")
        try:
            found: finding.Found = call_apart(PATIENCE, finding.find, visit.config, address, known)
        except TimeoutError as error:
            raise FetchTimeout(address, f"nothing to show after {PATIENCE:.0f} s") from error
        finally:
            self._turn.release()
        return Sent(to=f"add/{self._keep(found, visit.now)}")

    def _keep(self, found: finding.Found, now: datetime) -> str:
        key = secrets.token_urlsafe(9)
        self._kept[key] = (now, found)
        while len(self._kept) > _KEPT:
            self._kept.popitem(last=False)
        return key

    def _of(self, visit: Visit) -> finding.Found:
        for key in [key for key, (at, _) in self._kept.items() if visit.now - at > _KEPT_FOR]:
            self._kept.pop(key, None)
        kept = self._kept.get(visit.place["found"])
        if kept is None:
            raise AggregatorError("what was found there is not kept any more; look at the address again")
        return kept[1]

    def _found(self, visit: Visit) -> Shown:
        found = self._of(visit)
        with visit.store() as db:
            known = list(categories.members(db))
        return Shown(template="found.html", values={
            "place": visit.place["found"], "found": found, "categories": known,
            "newest": found.feed.entries[:_NEWEST],
        })  # fmt: skip

    def _take(self, visit: Visit) -> Sent:
        found, asked = self._of(visit), visit.asked
        settings = subscribe.settings(asked.get("rights", "excerpt"), asked.get("rights_note", ""))
        with visit.store() as db:
            added = subscribe.take(
                db, visit.config, found,
                category=asked.get("category", "").strip(), settings=settings, now=visit.now,
            )  # fmt: skip
        self._kept.pop(visit.place["found"], None)
        return Sent(to="", notice=f"「{added.title}」を購読しました（記事{added.entries}件）。")


def _address(visit: Visit) -> Shown:
    return Shown(template="add.html", values={"url": visit.asked.get("url", "")})
