"""What engines that are services share: the key, requests made again where that helps, what they cost.

A key is read where the request is made, from the environment or a file nobody else can read; it is part of no
job, no setting and no log line.
"""

import json
import threading
import time
from collections.abc import Callable, Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any

from aggregator import keys
from aggregator.errors import BadTranslation, ConfigError, EngineUnavailable, FetchError
from aggregator.http.post import Reply, post_json
from aggregator.translate.budget import SPENT

BUSY = frozenset({429, 500, 502, 503, 504, 529})
_PAUSES = (1.0, 4.0)  # seconds before the second and the third attempt
_LONGEST_PAUSE = 30.0  # a service that wants to be left alone for longer is down, as far as this batch goes
_SHOWN = 120  # characters of what a service says of an error


def read_key(variable: str, file: Path) -> str:
    """Return the key from the environment, else from the file; "" where neither is there.

    Raises: EngineUnavailable where the file cannot be read, or others can read it too.
    """
    try:
        return keys.read(variable, file)
    except ConfigError as error:
        raise EngineUnavailable(str(error)) from error


class Meter:
    """Counts the characters sent, before they are sent, and stops what goes beyond the allowance."""

    def __init__(self, allowance: int | None) -> None:
        self.spent = 0
        self._allowance = allowance  # None: no end to it
        self._lock = threading.Lock()

    def allows(self, characters: int) -> bool:
        """Return whether characters may still be sent."""
        return self._allowance is None or self.spent + characters <= self._allowance

    def spend(self, characters: int) -> None:
        """Count characters that are about to be sent.

        Raises: EngineUnavailable where they exceed the allowance; they are not counted then.
        """
        with self._lock:
            if not self.allows(characters):
                raise EngineUnavailable(SPENT)
            self.spent += characters


class Service:
    """A service's address, with the headers that let us in."""

    def __init__(
        self,
        name: str,
        url: str,
        headers: Mapping[str, str],
        patience: timedelta,
        meter: Meter,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self.name, self.url, self.meter = name, url, meter
        self._headers, self._patience, self._sleep = headers, patience, sleep

    def ask(self, document: Mapping[str, object], characters: int) -> Reply:
        """Return the answer to a document; a busy service is asked three times, with pauses.

        Raises: EngineUnavailable where no answer comes, the service stays busy or the budget is spent.
        """
        reply = self._post(document, characters)
        for pause in _PAUSES:
            if reply.status not in BUSY or reply.retry_after > _LONGEST_PAUSE:
                break
            if not self.meter.allows(characters):
                break  # it is the service that fails, not the budget
            self._sleep(max(pause, reply.retry_after))
            reply = self._post(document, characters)
        return reply

    def read(self, reply: Reply) -> Any:
        """Return the JSON of a good answer.

        Raises: EngineUnavailable for any other status, BadTranslation where it is no JSON.
        """
        if reply.status != 200:
            raise EngineUnavailable(f"answered {reply.status} {self._said(reply.body)}".rstrip())
        try:
            return json.loads(reply.body)
        except ValueError as error:
            raise BadTranslation("the answer is no JSON") from error

    def _post(self, document: Mapping[str, object], characters: int) -> Reply:
        self.meter.spend(characters)
        try:
            return post_json(self.url, document, self._headers, self._patience)
        except FetchError as error:
            raise EngineUnavailable(error.message) from error

    def _said(self, body: bytes) -> str:
        """Return the beginning of an error's text, without our key, should the service repeat it."""
        text = body.decode("utf-8", "replace")
        for value in self._headers.values():
            text = text.replace(value.rpartition(" ")[2], "…")
        return "".join(filter(str.isprintable, " ".join(text.split())))[:_SHOWN]
