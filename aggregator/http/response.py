"""The answer to a request as libcurl hands it over: its head, and its body as it comes over the wire."""

import asyncio
import collections
import socket
from collections.abc import AsyncIterator
from typing import Any

import pycurl

from aggregator.config import Config
from aggregator.http import addresses

REFUSED = "refused to connect: "  # how the text of such an error starts


class TransferFailed(OSError):
    """What libcurl says went wrong."""


class ConnectionLost(TransferFailed):
    """A connection that ended before an answer's head had come."""


class Response:
    """The head of an answer, and its body as it comes over the wire."""

    def __init__(self, config: Config) -> None:
        self.status = 0
        self.reason = ""
        self.raw_headers: list[tuple[bytes, bytes]] = []
        self.refused = ""  # why an address was not connected to
        self._config = config
        self._chunks: collections.deque[bytes] = collections.deque()
        self._has_head = self._ended = False
        self._error: Exception | None = None
        self._news: asyncio.Future[None] | None = None
        self._opened: list[socket.socket] = []

    async def head(self) -> None:
        """Wait until status and headers are known.

        Raises: TransferFailed, TimeoutError.
        """
        while not (self._has_head or self._ended):
            await self._wait()
        if not self._has_head:
            raise self._error or ConnectionLost("connection closed before the answer's head was complete")

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

    def close(self) -> None:
        """Close our ends of the sockets; libcurl works on copies of its own."""
        for opened in self._opened:
            opened.close()

    async def _wait(self) -> None:
        self._news = asyncio.get_running_loop().create_future()
        await self._news

    def _tell(self) -> None:
        if self._news and not self._news.done():
            self._news.set_result(None)

    # libcurl calls these three.

    def take_header(self, line: bytes) -> None:
        """Take one line of a head; interim ones (1xx) are followed by another."""
        if line.startswith(b"HTTP/"):
            status, _, reason = line.partition(b" ")[2].partition(b" ")
            self.status = int(status) if status.strip().isdigit() else 0
            self.reason = reason.strip().decode("utf-8", "surrogateescape")
            self.raw_headers = []
        elif line.strip():
            name, _, value = line.partition(b":")
            self.raw_headers.append((name.strip(), value.strip()))
        elif self.status >= 200:
            self._has_head = True
            self._tell()

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
