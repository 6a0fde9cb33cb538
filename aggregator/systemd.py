"""What a service manager is told: that we are up, what we are at, and that we are alive.

Source: sd_notify(3), sd_watchdog_enabled(3): datagrams to a Unix socket that the environment names.
"""

import contextlib
import os
import socket
import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta


@dataclass(slots=True)
class ServiceManager:
    """Who started us as a service and wants to know; says nothing where nobody does."""

    address: str = ""
    watchdog: timedelta | None = None  # in which it expects a sign of life
    _alive_at: float = 0.0

    def ready(self) -> None:
        """Say that we work, from the start or again."""
        self._say("READY=1")

    def reloading(self) -> None:
        """Say that settings are read anew; `ready` ends that."""
        self._say(f"RELOADING=1\nMONOTONIC_USEC={time.monotonic_ns() // 1000}")

    def stopping(self) -> None:
        """Say that we end."""
        self._say("STOPPING=1")

    def status(self, text: str) -> None:
        """Say what we are at, in one line."""
        self._say(f"STATUS={text}")

    def alive(self) -> None:
        """Give a sign of life, where the last one is a while ago."""
        if self.watchdog and time.monotonic() - self._alive_at > self.watchdog.total_seconds() / 10:
            self._alive_at = time.monotonic()
            self._say("WATCHDOG=1")

    def _say(self, text: str) -> None:
        if not self.address:
            return
        # A service manager that restarts, or has no room, is no reason for us to end.
        with (
            contextlib.suppress(OSError),
            socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as sender,
        ):
            sender.settimeout(1)
            sender.sendto(text.encode(), self.address)


def service_manager(environ: Mapping[str, str] = os.environ) -> ServiceManager:
    """Return the service manager that the environment names."""
    named = environ.get("NOTIFY_SOCKET", "")
    address = f"\0{named[1:]}" if named.startswith("@") else named  # of the abstract name space
    is_ours = environ.get("WATCHDOG_PID", str(os.getpid())) == str(os.getpid())
    length = environ.get("WATCHDOG_USEC", "")
    watchdog = timedelta(microseconds=int(length)) if is_ours and length.isdecimal() else None
    return ServiceManager(address, watchdog)
