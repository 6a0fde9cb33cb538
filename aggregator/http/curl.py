"""Transfers by libcurl inside the event loop: a fifth of the work of a client written in Python.

Source: curl.se/libcurl/c/libcurl-multi.html, "multi_socket": libcurl says which sockets to watch and when to
be called again; the loop watches.
"""

import asyncio
import re
import ssl
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from types import TracebackType
from typing import Self
from urllib.parse import quote, urlsplit

import pycurl

from aggregator import __version__, urls
from aggregator.config import Config
from aggregator.http.names import Names
from aggregator.http.response import ConnectionLost, Response, TransferFailed

CONNECT = 5_000  # milliseconds
_ENCODINGS = "gzip, deflate, br, zstd"  # what unpack.py takes a body out of
_RESERVED = "%/:?#[]@!$&'()*+,;=~"  # RFC 3986 section 2.2; quoted already is quoted enough


def open_session(config: Config) -> "Session":
    """Open what requests are made with: no cookies, no proxy, no address that is not allowed."""
    return Session(config, {"User-Agent": user_agent(config), "Accept-Encoding": _ENCODINGS})


def user_agent(config: Config) -> str:
    """Say who asks and where to complain."""
    contact = "".join(char for char in config.contact if " " <= char <= "~").strip()
    return f"aggregator/{__version__} (+{contact})" if contact else f"aggregator/{__version__} (feed reader)"


class Session:
    """Connections kept between requests; to be used inside one event loop."""

    def __init__(self, config: Config, headers: Mapping[str, str]) -> None:
        self._config, self._headers = config, dict(headers)
        self._names = Names()
        self._free: list[pycurl.Curl] = []
        self._active: dict[pycurl.Curl, Response] = {}
        self._watched: dict[int, int] = {}  # descriptor -> what for
        self._timer: asyncio.Handle | None = None
        self._trust = (
            ssl.get_default_verify_paths()
        )  # heeds SSL_CERT_FILE; a wheel's libcurl may know no path
        self._multi = pycurl.CurlMulti()
        self._multi.setopt(pycurl.M_SOCKETFUNCTION, self._watch)
        self._multi.setopt(pycurl.M_TIMERFUNCTION, self._call_later)

    async def __aenter__(self) -> Self:
        self._loop = asyncio.get_running_loop()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._timer:
            self._timer.cancel()
        for handle in self._free:
            handle.close()
        self._multi.close()

    @asynccontextmanager
    async def get(self, url: str, headers: Mapping[str, str]) -> AsyncIterator[Response]:
        """Ask for a URL; the head is there on entry, what is left of the body is dropped on leaving.

        Raises: TransferFailed, TimeoutError, ValueError where the URL is none.
        """
        async with self._handle(url, headers) as handle:
            handle.setopt(pycurl.HTTPGET, 1)
            try:
                response = await self._answer(handle)
            except ConnectionLost:
                # RFC 9110 section 9.2.2: once more, the server may have closed a connection that it kept.
                self._drop(handle)
                response = await self._answer(handle)
            yield response

    @asynccontextmanager
    async def post(
        self, url: str, body: bytes, headers: Mapping[str, str] | None = None
    ) -> AsyncIterator[Response]:
        """Send a body, a form where no header says otherwise; else as `get`, but once only."""
        async with self._handle(url, headers or {}) as handle:
            handle.setopt(pycurl.POSTFIELDS, body)
            yield await self._answer(handle)

    @asynccontextmanager
    async def _handle(self, url: str, headers: Mapping[str, str]) -> AsyncIterator[pycurl.Curl]:
        wire = _on_the_wire(url)
        known = await self._names.pinned(wire)
        handle = self._free.pop() if self._free else self._new_handle()
        handle.setopt(pycurl.URL, wire)
        handle.setopt(pycurl.RESOLVE, known)
        fields = (self._headers | dict(headers)).items()
        handle.setopt(pycurl.HTTPHEADER, [f"{name}: {value}".encode("latin-1") for name, value in fields])
        try:
            yield handle
        finally:
            self._drop(handle)
            self._free.append(handle)

    def _drop(self, handle: pycurl.Curl) -> None:
        self._multi.remove_handle(handle)
        self._active.pop(handle).close()

    async def _answer(self, handle: pycurl.Curl) -> Response:
        response = self._active[handle] = Response(self._config)
        handle.setopt(pycurl.HEADERFUNCTION, response.take_header)
        handle.setopt(pycurl.WRITEFUNCTION, response.take_chunk)
        handle.setopt(pycurl.OPENSOCKETFUNCTION, response.open_socket)
        self._multi.add_handle(handle)
        await response.head()
        return response

    def _new_handle(self) -> pycurl.Curl:
        handle = pycurl.Curl()
        handle.setopt(pycurl.NOSIGNAL, 1)
        handle.setopt(pycurl.PROTOCOLS, pycurl.PROTO_HTTP | pycurl.PROTO_HTTPS)
        handle.setopt(pycurl.PROXY, "")
        handle.setopt(pycurl.HTTP_VERSION, pycurl.CURL_HTTP_VERSION_1_1)
        handle.setopt(pycurl.CONNECTTIMEOUT_MS, CONNECT)
        handle.setopt(pycurl.HTTP_CONTENT_DECODING, 0)
        if self._trust.cafile:
            handle.setopt(pycurl.CAINFO, self._trust.cafile)
        if self._trust.capath:
            handle.setopt(pycurl.CAPATH, self._trust.capath)
        return handle

    # --- the event loop's part ---

    def _watch(self, event: int, descriptor: int, *_: object) -> None:
        before = self._watched.pop(descriptor, 0)
        after = 0 if event == pycurl.POLL_REMOVE else event
        if after:
            self._watched[descriptor] = after
        ended, begun = before & ~after, after & ~before
        if ended & pycurl.POLL_IN:
            self._loop.remove_reader(descriptor)
        if ended & pycurl.POLL_OUT:
            self._loop.remove_writer(descriptor)
        if begun & pycurl.POLL_IN:
            self._loop.add_reader(descriptor, self._act, descriptor, pycurl.CSELECT_IN)
        if begun & pycurl.POLL_OUT:
            self._loop.add_writer(descriptor, self._act, descriptor, pycurl.CSELECT_OUT)

    def _call_later(self, milliseconds: int) -> None:
        if self._timer:
            self._timer.cancel()
            self._timer = None
        if milliseconds == 0:
            self._timer = self._loop.call_soon(self._act, pycurl.SOCKET_TIMEOUT, 0)
        elif milliseconds > 0:
            self._timer = self._loop.call_later(milliseconds / 1000, self._act, pycurl.SOCKET_TIMEOUT, 0)

    def _act(self, descriptor: int, what: int) -> None:
        self._multi.socket_action(descriptor, what)
        left = True
        while left:
            left, done, failed = self._multi.info_read()
            for handle in done:
                self._active[handle].end(None)
            for handle, code, text in failed:
                response = self._active[handle]
                response.end(TransferFailed(response.refused) if response.refused else _error(code, text))


_UNKNOWN = re.compile(r"issuer|self.signed")  # OpenSSL's words for an authority it does not know
_KINDS: dict[int, type[Exception]] = {
    pycurl.E_OPERATION_TIMEDOUT: TimeoutError,
    pycurl.E_URL_MALFORMAT: ValueError,
    pycurl.E_GOT_NOTHING: ConnectionLost,
    pycurl.E_RECV_ERROR: ConnectionLost,
    pycurl.E_SEND_ERROR: ConnectionLost,
}


def _error(code: int, text: str) -> Exception:
    if code == pycurl.E_PEER_FAILED_VERIFICATION and _UNKNOWN.search(text):
        text = f"{text}; SSL_CERT_FILE can name authorities of your own"
    return _KINDS.get(code, TransferFailed)(text)


def _on_the_wire(url: str) -> str:
    """Write a URL as a request carries it.

    Raises: ValueError where it is none.
    """
    parts = urlsplit(url)
    if not parts.hostname:
        raise ValueError(f"{url!r} names no host")
    parts.port  # noqa: B018 - raises where the port is no number
    return (
        url
        if url.isascii() and url.isprintable() and " " not in url
        else quote(urls.normalise(url), _RESERVED)
    )
