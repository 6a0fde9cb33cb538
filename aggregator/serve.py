"""HTTP server over output/: what a static host would do, on this machine; and the address hubs call back."""

import asyncio
import contextlib
import logging
import mimetypes
import os
import threading
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Self

from aiohttp import web

from aggregator.config import Config
from aggregator.errors import AggregatorError, StoreError
from aggregator.lock import serving_lock
from aggregator.websub import callback, protocol

# What readers need to see; a name decides before its ending.
_MEDIA_TYPES = {
    "rss.xml": "application/rss+xml; charset=utf-8",
    ".rss.xml": "application/rss+xml; charset=utf-8",
    ".xml": "application/atom+xml; charset=utf-8",
    ".json": "application/feed+json; charset=utf-8",
    ".html": "text/html; charset=utf-8",
    ".css": "text/css; charset=utf-8",
}
_DELIVERY = 30.0  # seconds a hub may take to send a body
_HEADERS = {"X-Content-Type-Options": "nosniff", "Cache-Control": "no-cache"}
# Pages say so themselves; feeds cannot, and the path is the secret.
_PRIVATE = {"X-Robots-Tag": "noindex, nofollow", "Referrer-Policy": "no-referrer"}

log = logging.getLogger(__name__)

_Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


def application(config: Config) -> web.Application:
    """Return the application that serves the files of output/ and answers hubs."""
    app = web.Application()
    app.router.add_get("/healthz", _health)  # add_get answers HEAD too
    if protocol.is_possible(config):
        for method, answer in (("GET", _on_get), ("POST", _on_post)):
            app.router.add_route(method, f"/{protocol.PATH}{{token}}", _hub_handler(config, answer))
    headers = _HEADERS | (_PRIVATE if config.visibility == "private" else {})
    app.router.add_get("/{path:.*}", _file_handler(config.output.resolve(), headers))
    return app


async def _health(_: web.Request) -> web.Response:
    return web.Response(text="ok\n")


_HubAnswer = Callable[[Config, str, web.Request], Awaitable[callback.Reply]]


def _hub_handler(config: Config, answer: _HubAnswer) -> _Handler:
    async def answer_hub(request: web.Request) -> web.Response:
        try:
            reply = await answer(config, request.match_info["token"], request)
        except (StoreError, OSError, web.RequestPayloadError) as error:  # the hub tries again
            log.warning("hub_unanswered method=%s error=%s", request.method, error)
            reply = callback.Reply(status=503)
        # WebSub section 8.2: the echoed challenge must be nothing a browser would run.
        headers = {**_HEADERS, "Content-Type": "application/octet-stream"}
        return web.Response(status=reply.status, body=reply.text.encode(), headers=headers)

    return answer_hub


async def _on_get(config: Config, token: str, request: web.Request) -> callback.Reply:
    return await asyncio.to_thread(callback.on_get, config, token, request.query)


async def _on_post(config: Config, token: str, request: web.Request) -> callback.Reply:
    known = await asyncio.to_thread(callback.lease, config, token)
    if known is None:
        return callback.GONE
    refused = callback.refusal(known, request.headers)
    if refused:
        return refused
    try:
        async with asyncio.timeout(_DELIVERY):
            body = await _read(request)
    except TimeoutError:
        return callback.Reply(status=408)
    if body is None:
        return callback.Reply(status=413)
    return await asyncio.to_thread(callback.on_post, config, known, request.headers, body)


async def _read(request: web.Request) -> bytes | None:
    """Return the body, or None where it is too large."""
    body = bytearray()
    async for chunk in request.content.iter_any():
        body += chunk
        if len(body) > callback.MAX_BODY:
            return None
    return bytes(body)


def _file_handler(root: Path, headers: dict[str, str]) -> _Handler:
    async def serve_file(request: web.Request) -> web.StreamResponse:
        file = _file_for(root, request.match_info["path"])
        if file is None:
            return web.Response(status=404, text="404\n", headers=headers)
        return web.FileResponse(file, headers={**headers, "Content-Type": media_type(file.name)})

    return serve_file


def _file_for(root: Path, path: str) -> Path | None:
    """Return the file a request path means, never one outside `root` or hidden in it."""
    if "\0" in path or any(part.startswith(".") for part in path.split("/") if part):
        return None
    file = (root / path.lstrip("/")).resolve()
    if not file.is_relative_to(root):
        return None
    if file.is_dir():
        file /= "index.html"
    return file if file.is_file() else None


def media_type(name: str) -> str:
    """Return the Content-Type of a file of output/."""
    for ending, kind in _MEDIA_TYPES.items():
        if name.endswith(ending):
            return kind
    return mimetypes.guess_type(name)[0] or "application/octet-stream"


class Server:
    """The server in a thread of its own; a context manager.

    Raises: AggregatorError on entry where the address cannot be listened on.
    """

    def __init__(self, config: Config) -> None:
        self._config, self._address = config, config.address
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="serve", daemon=True)
        self._runner: web.AppRunner | None = None
        self._heard = contextlib.ExitStack()
        self.port = 0

    def __enter__(self) -> Self:
        if protocol.is_possible(self._config):
            self._heard.enter_context(serving_lock(self._config.store))
        self._thread.start()
        try:
            asyncio.run_coroutine_threadsafe(self._start(), self._loop).result()
        except OSError as error:
            self.__exit__()
            raise AggregatorError(self._cannot_listen(error)) from error
        return self

    def __exit__(self, *_: object) -> None:
        self._heard.close()
        asyncio.run_coroutine_threadsafe(self._stop(), self._loop).result()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def _cannot_listen(self, error: OSError) -> str:
        host, port = self._address
        reason = (
            os.strerror(error.errno) if error.errno and error.errno > 0 else str(error)
        )  # aiohttp words it twice
        return f"cannot listen on {host}:{port} ({reason}); another address: --set listen=127.0.0.1:PORT"

    async def _start(self) -> None:
        self._runner = web.AppRunner(application(self._config), access_log=None)
        await self._runner.setup()
        site = web.TCPSite(self._runner, *self._address, reuse_address=True)
        await site.start()
        self.port = self._runner.addresses[0][1]

    async def _stop(self) -> None:
        if self._runner is not None:
            await self._runner.cleanup()
