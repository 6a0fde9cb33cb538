"""The answer to a request as libcurl hands it over: its head, and its body as it comes over the wire."""

import asyncio
import collections
import socket
from collections.abc import AsyncIterator, Callable
from typing import Any, Self

import pycurl

from aggregator.config import Config
from aggregator.http import addresses

REFUSED = "refused to connect: "  # how the text of such an error starts
# Hub and self link often come as a header each, and RFC 9110 section 5.3 lets a list be joined.
_JOINED = frozenset({"link", "x-robots-tag"})


class TransferFailed(OSError):
    """What libcurl says went wrong."""


class ConnectionLost(TransferFailed):
    """A connection that ended before an answer's head had come."""


class Response:
    """The head of an answer, and its body as it comes over the wire; to be closed."""

    def __init__(self, config: Config, release: Callable[[], None]) -> None:
        self.status = 0
        self.reason = ""
        self.headers: dict[str, str] = {}  # lower-case names; Latin-1, which keeps every byte
        self.refused = ""  # why an address was not connected to
        self._config, self._release = config, release
        self._head: list[bytes] = []  # lines, those of interim heads (1xx) and of trailers among them
        self._chunks: collections.deque[bytes] = collections.deque()
        self._ended = False
        self._error: Exception | None = None
        self._news: asyncio.Future[None] | None = None
        self._opened: list[socket.socket] = []
        self.take_header = self._head.append  # libcurl calls it for each line

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Drop what is left of the body and close our ends of sockets; libcurl works on copies of its own."""
        self._release()
        for opened in self._opened:
            opened.close()

    async def head(self) -> None:
        """Wait until status and headers are known, which is when a body begins or there is none.

        Raises: TransferFailed, TimeoutError.
        """
        while not (self._chunks or self._ended):
            await self._wait()
        if not self._read_head():
            raise self._error or ConnectionLost("connection closed before the answer's head was complete")

    def _read_head(self) -> bool:
        lines = self._head
        first = max((at for at, line in enumerate(lines) if line.startswith(b"HTTP/")), default=len(lines))
        end = next((at for at in range(first, len(lines)) if not lines[at].strip()), None)
        if end is None:
            return False
        status, _, reason = lines[first].partition(b" ")[2].partition(b" ")
        self.status = int(status) if status.strip().isdigit() else 0
        self.reason = reason.strip().decode("utf-8", "surrogateescape")
        self.headers = _fields(b"".join(lines[first + 1 : end]).decode("latin-1"))
        return self.status >= 200

    async def chunks(self) -> AsyncIterator[bytes]:
        """Yield the body as it comes.

        Raises: TransferFailed where it is cut off, TimeoutError.
        """
        while self._chunks or not self._ended:
            if self._chunks:
                yield self._chunks.popleft()
            else:
                await self._wait()
        if self._error:
            raise self._error

    async def beginning(self, size: int) -> bytes:
        """Return the first bytes of the body, or what of them came before it broke off."""
        while not self._ended and sum(map(len, self._chunks)) < size:
            await self._wait()
        return b"".join(self._chunks)[:size]

    def end(self, error: Exception | None) -> None:
        """Note that nothing more comes."""
        self._ended, self._error = True, error
        self._tell()

    async def _wait(self) -> None:
        self._news = asyncio.get_running_loop().create_future()
        await self._news

    def _tell(self) -> None:
        if self._news and not self._news.done():
            self._news.set_result(None)

    # libcurl calls these two.

    def take_chunk(self, chunk: bytes) -> None:
        """Take some of the body."""
        self._chunks.append(chunk)
        self._tell()

    def open_socket(self, _: int, wanted: Any) -> socket.socket | int:
        """Open a socket unless its address is one that must not be reached.

        Here and not at the URL: every address passes, literal ones and a name's second, private answer too.
        """
        reason = addresses.refusal(wanted.addr[0], allow_private=self._config.allow_private_hosts)
        if reason:
            self.refused = f"{REFUSED}{wanted.addr[0]} {reason}"
            return int(pycurl.SOCKET_BAD)
        opened = socket.socket(wanted.family, wanted.socktype, wanted.protocol)
        self._opened.append(opened)
        return opened


def _fields(head: str) -> dict[str, str]:
    """Read header fields; the first of a name counts."""
    fields: dict[str, str] = {}
    for line in head.split("\n"):
        name, _, value = line.partition(":")
        name, value = name.strip().lower(), value.strip()
        if name not in fields:
            fields[name] = value
        elif name in _JOINED:
            fields[name] += f", {value}"
    return fields
