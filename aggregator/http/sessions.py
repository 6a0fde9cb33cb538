"""Connections: whom they may reach, and how a request is written on them."""

import errno
import socket
from typing import Any

import aiohttp

from aggregator.config import Config
from aggregator.http import addresses, unpack
from aggregator.http.curl import REFUSED, user_agent

CONNECT = 5.0  # seconds
_LONGEST_HEADER = 64 * 1024  # some sites send a content-security-policy beyond aiohttp's 8 KiB


def open_session(config: Config) -> aiohttp.ClientSession:
    """Open what requests are made with: no cookies, no proxy, no address that is not allowed."""

    def make_socket(info: tuple[Any, ...]) -> socket.socket:
        # Here and not at the URL: every address passes, literal ones and a name's second, private answer too.
        family, kind, protocol, _, (address, *_) = info
        reason = addresses.refusal(address, allow_private=config.allow_private_hosts)
        if reason:
            raise OSError(errno.EACCES, f"{REFUSED}{address} {reason}")
        return socket.socket(family, kind, protocol)

    return aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(limit=0, socket_factory=make_socket),
        cookie_jar=aiohttp.DummyCookieJar(),
        request_class=_EightBitRequest,
        timeout=aiohttp.ClientTimeout(total=None, sock_connect=CONNECT),
        headers={"User-Agent": user_agent(config), "Accept-Encoding": unpack.ACCEPT_ENCODING},
        auto_decompress=False,
        max_line_size=_LONGEST_HEADER,
        max_field_size=_LONGEST_HEADER,
    )


class _EightBitRequest(aiohttp.ClientRequest):
    """Sends header values as the Latin-1 they were read as; aiohttp would write them as UTF-8."""

    async def send(self, conn: Any) -> aiohttp.ClientResponse:
        if all(value.isascii() for value in self.headers.values()):
            return await super().send(conn)
        protocol = conn.protocol
        plain = protocol.transport
        protocol.transport = recoding = _Latin1Transport(plain)
        try:
            return await super().send(conn)
        finally:
            if protocol.transport is recoding:  # not where the connection was lost meanwhile
                protocol.transport = plain


class _Latin1Transport:
    """Passes everything on; a request without a body is written as its head alone."""

    def __init__(self, plain: Any) -> None:
        self._plain = plain

    def __getattr__(self, name: str) -> Any:
        return getattr(self._plain, name)

    def write(self, data: bytes) -> None:
        self._plain.write(bytes(data).decode("utf-8").encode("latin-1"))
