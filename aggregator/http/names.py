"""Look-ups of host names that a deadline can end.

libcurl's own cannot be cut off: a session would end no sooner than the last of them, and twenty that hang
hold up all others.
"""

import asyncio
import contextlib
import functools
import math
import socket
import threading
import time
from urllib.parse import SplitResult, urlsplit

from aggregator.http.response import TransferFailed

LONGEST = 5.0  # seconds
_PORTS = {"http": 80, "https": 443}


def look_up(name: str, port: int) -> list[str]:
    """Return the addresses of a host, in the order in which they are to be tried.

    Raises: OSError.
    """
    found = socket.getaddrinfo(name.encode(), port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(address[0]) for *_, address in found))


@functools.lru_cache(maxsize=4096)
def place(scheme: str, netloc: str) -> tuple[str, int]:
    """Return host and port that a URL names.

    Raises: ValueError where it names no host, or no port that there can be.
    """
    parts = SplitResult(scheme, netloc, "", "", "")
    if not parts.hostname:
        raise ValueError(f"{netloc!r} names no host")
    return parts.hostname.rstrip("."), parts.port or _PORTS.get(scheme, 0)


class Names:
    """What was found in one session; to be used inside one event loop."""

    def __init__(self) -> None:
        self._found: dict[tuple[str, int], asyncio.Future[list[str] | OSError]] = {}

    async def pinned(self, url: str, until: float = math.inf) -> list[str]:
        """Return what CURLOPT_RESOLVE wants to know of a URL's host; nothing for a literal address.

        Units: `until` as time.monotonic().

        Raises: TransferFailed where no address of the host is found in time.
        """
        parts = urlsplit(url)
        name, port = place(parts.scheme, parts.netloc)
        if ":" in name or name.rpartition(".")[2].isdigit():
            return []
        try:
            patience = min(LONGEST, until - time.monotonic())
            found = await asyncio.wait_for(asyncio.shield(self._asked(name, port)), patience)
        except TimeoutError as error:
            raise TransferFailed(f"Could not resolve host: {name} (no answer in time)") from error
        if isinstance(found, OSError):
            raise TransferFailed(f"Could not resolve host: {name} ({found.strerror or found})") from found
        # Of a link-local address, which is refused anyway, libcurl would not take the zone.
        written = [f"[{address}]" if ":" in address else address for address in found if "%" not in address]
        return [f"{name}:{port}:{','.join(written)}"] if written else []

    def _asked(self, name: str, port: int) -> "asyncio.Future[list[str] | OSError]":
        if (name, port) not in self._found:
            loop = asyncio.get_running_loop()
            found = self._found[name, port] = loop.create_future()
            # Not in a pool, which would be waited for: this thread ends when the resolver gives up.
            threading.Thread(target=_tell, args=(loop, found, name, port), daemon=True).start()
        return self._found[name, port]


def _tell(
    loop: asyncio.AbstractEventLoop, found: "asyncio.Future[list[str] | OSError]", name: str, port: int
) -> None:
    result: list[str] | OSError
    try:
        result = look_up(name, port)
    except OSError as error:
        result = error
    except ValueError as error:  # a name that cannot be asked for
        result = OSError(str(error))
    with contextlib.suppress(RuntimeError):  # the session is over, and its loop with it
        loop.call_soon_threadsafe(found.set_result, result)
