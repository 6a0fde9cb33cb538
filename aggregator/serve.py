"""HTTP server over output/: what a static host would do, on this machine."""

import asyncio
import mimetypes
import os
import threading
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Self

from aiohttp import web

from aggregator.config import Config
from aggregator.errors import AggregatorError

# What readers need to see; a name decides before its ending.
_MEDIA_TYPES = {
    "rss.xml": "application/rss+xml; charset=utf-8",
    ".rss.xml": "application/rss+xml; charset=utf-8",
    ".xml": "application/atom+xml; charset=utf-8",
    ".json": "application/feed+json; charset=utf-8",
    ".html": "text/html; charset=utf-8",
    ".css": "text/css; charset=utf-8",
}
_HEADERS = {"X-Content-Type-Options": "nosniff", "Cache-Control": "no-cache"}

_Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


def application(output: Path) -> web.Application:
    """Return the application that serves the files of `output`."""
    app = web.Application()
    app.router.add_get("/healthz", _health)  # add_get answers HEAD too
    app.router.add_get("/{path:.*}", _file_handler(output.resolve()))
    return app


async def _health(_: web.Request) -> web.Response:
    return web.Response(text="ok\n")


def _file_handler(root: Path) -> _Handler:
    async def serve_file(request: web.Request) -> web.StreamResponse:
        file = _file_for(root, request.match_info["path"])
        if file is None:
            return web.Response(status=404, text="404\n", headers=_HEADERS)
        return web.FileResponse(file, headers={**_HEADERS, "Content-Type": media_type(file.name)})

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
        self._output, self._address = config.output, config.address
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="serve", daemon=True)
        self._runner: web.AppRunner | None = None
        self.port = 0

    def __enter__(self) -> Self:
        self._thread.start()
        try:
            asyncio.run_coroutine_threadsafe(self._start(), self._loop).result()
        except OSError as error:
            self.__exit__()
            raise AggregatorError(self._cannot_listen(error)) from error
        return self

    def __exit__(self, *_: object) -> None:
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
        self._runner = web.AppRunner(application(self._output), access_log=None)
        await self._runner.setup()
        site = web.TCPSite(self._runner, *self._address, reuse_address=True)
        await site.start()
        self.port = self._runner.addresses[0][1]

    async def _stop(self) -> None:
        if self._runner is not None:
            await self._runner.cleanup()
