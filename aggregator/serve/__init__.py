"""HTTP server over output/: what a static host would do, on this machine; and the address hubs call back."""

import asyncio
import contextlib
import os
import socket
import threading
from typing import Self

from aiohttp import web

from aggregator import operator_token
from aggregator.config import Config
from aggregator.errors import AggregatorError
from aggregator.health import Patience, beside_cron
from aggregator.lock import serving_lock
from aggregator.serve import desk, documents, health, hubs, metrics, searches, tokens
from aggregator.websub import protocol

_GRACE = 10.0  # seconds that requests under way are given to finish
_SETTLING = 0.5  # and those who connected already, to ask


def application(config: Config, patience: Patience | None = None) -> web.Application:
    """Return the application that serves the files of output/, answers hubs and tells how things are.

    Shape: `patience` is what health is judged by, without it that with rounds that cron starts.
    """
    app = web.Application()
    tokens.prepare(app)
    health.add_routes(app, config, patience or beside_cron(config))
    metrics.add_routes(app, config)
    hubs.add_routes(app, config)
    searches.add_routes(app, config)
    desk.add_routes(app, config)
    app.router.add_get("/{path:.*}", documents.handler(config))
    return app


class Server:
    """The server in a thread of its own; a context manager.

    Raises: AggregatorError on entry where the address cannot be listened on; ConfigError where the operator's
    token cannot be used.
    """

    def __init__(self, config: Config, patience: Patience | None = None) -> None:
        self._config, self._address, self._patience = config, config.address, patience
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="serve", daemon=True)
        self._runner: web.AppRunner | None = None
        self._bound: list[socket.socket] = []
        self._listening: list[socket.socket] = []  # of those, what the application is asked by now
        self._heard = contextlib.ExitStack()
        self.port = 0

    def __enter__(self) -> Self:
        operator_token.read(self._config)
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

    def adopt(self, config: Config, patience: Patience | None = None) -> None:
        """Answer by other settings from now on, at the same address; requests under way are finished.

        Raises: ConfigError where the operator's token cannot be used; the old settings then stay.
        """
        operator_token.read(config)
        self._config, self._patience = config, patience
        self._heard.close()
        if protocol.is_possible(config):
            self._heard.enter_context(serving_lock(config.store))
        asyncio.run_coroutine_threadsafe(self._serve(), self._loop).result()

    def _cannot_listen(self, error: OSError) -> str:
        host, port = self._address
        reason = (
            os.strerror(error.errno) if error.errno and error.errno > 0 else str(error)
        )  # aiohttp words it twice
        return f"cannot listen on {host}:{port} ({reason}); another address: --set listen=127.0.0.1:PORT"

    async def _start(self) -> None:
        loop = asyncio.get_running_loop()
        bound = await loop.create_server(
            asyncio.Protocol, *self._address, reuse_address=True, start_serving=False
        )
        self._bound = [each.dup() for each in bound.sockets]
        bound.close()
        await self._serve()
        self.port = self._bound[0].getsockname()[1]

    async def _serve(self) -> None:
        """Listen to the sockets that are bound before those who did so far end: nobody is turned away."""
        before, app = self._runner, application(self._config, self._patience)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=_GRACE)
        await self._runner.setup()
        others, self._listening = self._listening, [each.dup() for each in self._bound]
        for each in self._listening:
            await web.SockSite(self._runner, each).start()
        for each in others:  # or who connects while they are closed is never answered (asyncio in 3.11)
            asyncio.get_running_loop().remove_reader(each)
        await asyncio.sleep(_SETTLING if others else 0)
        await _end(before)

    async def _stop(self) -> None:
        for each in self._bound:
            each.close()
        await _end(self._runner)


async def _end(runner: web.AppRunner | None) -> None:
    if runner is None:
        return
    server = runner.server
    transports = [each.transport for each in server.connections if each.transport] if server else []
    await runner.cleanup()
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(_GRACE):  # handlers are done; what they wrote may still be on its way
            while any(each.get_write_buffer_size() for each in transports):
                await asyncio.sleep(0.02)
