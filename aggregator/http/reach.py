"""Whether hosts can be reached at all: a look-up and a connection, and no request, which would be a poll."""

import contextlib
import socket
import threading
from collections.abc import Iterable
from urllib.parse import urlsplit

from aggregator.http.addresses import refusal
from aggregator.http.names import look_up, place

PATIENCE = 5.0  # seconds for look-up and connection together


def obstacles(urls: Iterable[str], *, allow_private: bool) -> dict[str, str]:
    """Return by URL why its host cannot be connected to, "" where it can; all are tried side by side."""
    found = dict.fromkeys(urls, "no answer in time")

    def look(url: str) -> None:
        found[url] = _obstacle(url, allow_private=allow_private)

    # Not in a pool, which would wait for a resolver that hangs.
    threads = [threading.Thread(target=look, args=(url,), daemon=True) for url in found]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(PATIENCE * 2)
    return dict(found)


def _obstacle(url: str, *, allow_private: bool) -> str:
    parts = urlsplit(url)
    try:
        name, port = place(parts.scheme, parts.netloc)
        addresses = look_up(name, port)
    except (OSError, ValueError) as error:
        return f"its name is not found ({getattr(error, 'strerror', None) or error})"
    allowed = [each for each in addresses if not refusal(each, allow_private=allow_private)]
    if not allowed:
        return "its address is refused (see allow_private_hosts)"
    reason = ""
    for address in allowed[:2]:
        try:
            with contextlib.closing(socket.create_connection((address, port), PATIENCE / 2)):
                return ""
        except OSError as error:
            reason = f"no connection ({error.strerror or error})"
    return reason
