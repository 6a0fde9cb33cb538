"""Transfers by libcurl inside the event loop: a fifth of the work of a client written in Python.

Source: curl.se/libcurl/c/libcurl-multi.html, "multi_socket": libcurl says which sockets to watch and when to
be called again; the loop watches.
"""

import asyncio
import math
import re
import selectors
import ssl
import time
from collections.abc import Mapping
from types import TracebackType
from typing import Self
from urllib.parse import quote, urlsplit

import pycurl

from aggregator import __version__, urls
from aggregator.config import Config
from aggregator.http.names import Names, place
from aggregator.http.response import ConnectionLost, Response, TransferFailed

CONNECT = 5_000  # milliseconds
_ENCODINGS = "gzip, deflate, br, zstd"  # what unpack.py takes a body out of


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
        self._sockets = selectors.DefaultSelector()  # watched by the loop as one descriptor
        self._watched: set[int] = set()
        self._timer: asyncio.TimerHandle | None = None
        self._wanted_at = math.inf  # when libcurl wants to be called, by the loop's clock
        self._trust = (
            ssl.get_default_verify_paths()
        )  # heeds SSL_CERT_FILE; a wheel's libcurl may know no path
        self._multi = pycurl.CurlMulti()
        self._multi.setopt(pycurl.M_SOCKETFUNCTION, self._watch)
        self._multi.setopt(pycurl.M_TIMERFUNCTION, self._call_later)

    async def __aenter__(self) -> Self:
        self._loop = asyncio.get_running_loop()
        self._loop.add_reader(self._sockets, self._heed_sockets)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._timer:
            self._timer.cancel()
        self._loop.remove_reader(self._sockets)
        for handle in self._free:
            handle.close()
        self._multi.close()
        self._sockets.close()

    async def get(self, url: str, headers: Mapping[str, str], until: float = math.inf) -> Response:
        """Ask for a URL and return the answer once its head is there; to be closed.

        Units: `until` as time.monotonic().
        Raises: TransferFailed, TimeoutError, ValueError where the URL is none.
        """
        try:
            return await self._asked(url, headers, until)
        except ConnectionLost:
            # RFC 9110 section 9.2.2: once more, the server may have closed a connection that it kept.
            return await self._asked(url, headers, until)

    async def post(
        self, url: str, body: bytes, headers: Mapping[str, str] | None = None, until: float = math.inf
    ) -> Response:
        """Send a body, a form where no header says otherwise; else as `get`, but once only."""
        return await self._asked(url, headers or {}, until, body)

    async def _asked(
        self, url: str, headers: Mapping[str, str], until: float, body: bytes | None = None
    ) -> Response:
        wire = _on_the_wire(url)
        known = await self._names.pinned(wire, until)
        handle = self._free.pop() if self._free else self._new_handle()
        handle.setopt(pycurl.URL, wire)
        handle.setopt(pycurl.RESOLVE, known)
        fields = (self._headers | dict(headers)).items()
        handle.setopt(pycurl.HTTPHEADER, [f"{name}: {value}".encode("latin-1") for name, value in fields])
        if body is None:
            handle.setopt(pycurl.HTTPGET, 1)
        else:
            handle.setopt(pycurl.POSTFIELDS, body)
        left = until - time.monotonic()
        handle.setopt(pycurl.TIMEOUT_MS, 0 if left == math.inf else max(1, int(left * 1000)))
        return await self._answer(handle)

    async def _answer(self, handle: pycurl.Curl) -> Response:
        response = Response(self._config, lambda: self._drop(handle))
        handle.setopt(pycurl.HEADERFUNCTION, response.take_header)
        handle.setopt(pycurl.WRITEFUNCTION, response.take_chunk)
        handle.setopt(pycurl.OPENSOCKETFUNCTION, response.open_socket)
        self._active[handle] = response
        self._multi.add_handle(handle)
        try:
            await response.head()
        except BaseException:
            response.close()
            raise
        return response

    def _drop(self, handle: pycurl.Curl) -> None:
        self._multi.remove_handle(handle)
        del self._active[handle]
        self._free.append(handle)

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

    # --- the event loop's part; POLL_IN, CSELECT_IN and EVENT_READ are the same bit, and so the others ---

    def _watch(self, event: int, descriptor: int, *_: object) -> None:
        if event == pycurl.POLL_REMOVE:
            self._watched.discard(descriptor)
            self._sockets.unregister(descriptor)
        elif descriptor in self._watched:
            self._sockets.modify(descriptor, event)
        else:
            self._watched.add(descriptor)
            self._sockets.register(descriptor, event)

    def _heed_sockets(self) -> None:
        for key, events in self._sockets.select(0):
            self._multi.socket_action(key.fd, events)
        self._heed_ends()

    def _call_later(self, milliseconds: int) -> None:
        self._wanted_at = self._loop.time() + milliseconds / 1000 if milliseconds >= 0 else math.inf
        # One that goes off too early is wound again then: seldom, as most are for answers that never come.
        if self._timer is None or self._timer.when() > self._wanted_at:
            self._wind()

    def _wind(self) -> None:
        if self._timer:
            self._timer.cancel()
        is_wanted = self._wanted_at < math.inf
        self._timer = self._loop.call_at(self._wanted_at, self._heed_time) if is_wanted else None

    def _heed_time(self) -> None:
        self._timer = None
        if self._loop.time() < self._wanted_at:
            self._wind()
            return
        self._multi.socket_action(pycurl.SOCKET_TIMEOUT, 0)
        self._heed_ends()

    def _heed_ends(self) -> None:
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
    place(parts.scheme, parts.netloc)  # raises where there is none
    return (
        url
        if url.isascii() and url.isprintable() and " " not in url
        else quote(urls.normalise(url), urls.RESERVED)
    )
