"""Who is logged in, and who tried too often: in memory, so that a restart ends it all."""

import hashlib
import secrets
from collections import OrderedDict, deque
from dataclasses import dataclass, field
from datetime import datetime, timedelta

IDLE = timedelta(minutes=30)
LONGEST = timedelta(hours=12)
MOST = 16  # sessions; one more ends the one that was used longest ago

WITHIN = timedelta(minutes=10)
TRIES = 5  # wrong tokens from one network within that time
ALL_TRIES = 100  # from everywhere: a token of 128 bits is never guessed, but logs and minds fill
NETWORKS = 1024  # that are remembered


@dataclass(slots=True, kw_only=True)
class Session:
    """One log-in."""

    mark: bytes  # of the token it was begun with: another token ends it
    begun_at: datetime
    used_at: datetime
    form_key: str = field(default_factory=lambda: secrets.token_urlsafe(16))  # each form sends it back
    notice: str = ""  # what the next page says first

    def is_over(self, mark: bytes, now: datetime) -> bool:
        """Tell whether it ended by itself."""
        return self.mark != mark or now - self.used_at > IDLE or now - self.begun_at > LONGEST


@dataclass(slots=True)
class Sessions:
    """The log-ins there are, by the digest of their secret."""

    _known: OrderedDict[bytes, Session] = field(default_factory=OrderedDict)

    def begin(self, mark: bytes, now: datetime) -> str:
        """Return the secret of a new session; what a browser had before is never taken over."""
        secret = secrets.token_urlsafe(32)
        self._known[_digest(secret)] = Session(mark=mark, begun_at=now, used_at=now)
        if len(self._known) > MOST:
            self._known.popitem(last=False)
        return secret

    def find(self, secret: str, mark: bytes, now: datetime) -> Session | None:
        """Return the session with this secret, used now; None where there is none or it is over."""
        key = _digest(secret)
        session = self._known.get(key)
        if session is None:
            return None
        if session.is_over(mark, now):
            del self._known[key]
            return None
        session.used_at = now
        self._known.move_to_end(key)
        return session

    def end(self, secret: str) -> None:
        """Forget a session."""
        self._known.pop(_digest(secret), None)


def _digest(secret: str) -> bytes:
    return hashlib.sha256(secret.encode("utf-8", "surrogateescape")).digest()


@dataclass(slots=True)
class Attempts:
    """Wrong tokens of late."""

    _all: deque[datetime] = field(default_factory=lambda: deque(maxlen=ALL_TRIES))
    _by_network: OrderedDict[str, deque[datetime]] = field(default_factory=OrderedDict)

    def wait(self, network: str, now: datetime) -> timedelta:
        """Return how long nobody there may try; zero: at once."""
        own = self._by_network.get(network, deque())
        waits = [_until_free(own, TRIES, now), _until_free(self._all, ALL_TRIES, now)]
        return max(waits)

    def failed(self, network: str, now: datetime) -> None:
        """Note a wrong token."""
        self._all.append(now)
        self._by_network.setdefault(network, deque(maxlen=TRIES)).append(now)
        self._by_network.move_to_end(network)
        if len(self._by_network) > NETWORKS:
            self._by_network.popitem(last=False)

    def forget(self, network: str) -> None:
        """Forget the wrong tokens of who had the right one."""
        self._by_network.pop(network, None)


def _until_free(tries: deque[datetime], most: int, now: datetime) -> timedelta:
    if len(tries) < most:
        return timedelta()
    return max(timedelta(), tries[0] + WITHIN - now)
