"""HTTP server over output/: what a static host would do, on this machine; and the address hubs call back."""

import asyncio
import contextlib
import os
import threading
from typing import Self

from aiohttp import web

from aggregator.config import Config
from aggregator.errors import AggregatorError
from aggregator.health import Patience, beside_cron
from aggregator.lock import serving_lock
from aggregator.serve import desk, documents, health, hubs, metrics, searches, tokens
from aggregator.websub import protocol

_GRACE = 10.0  # seconds that requests under way are given to finish


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
        self._heard = contextlib.ExitStack()
        self.port = 0

    def __enter__(self) -> Self:
        tokens.read(self._config)
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
        app = application(self._config, self._patience)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=_GRACE)
        await self._runner.setup()
        site = web.TCPSite(self._runner, *self._address, reuse_address=True)
        await site.start()
        self.port = self._runner.addresses[0][1]

    async def _stop(self) -> None:
        if self._runner is None:
            return
        server = self._runner.server
        transports = [each.transport for each in server.connections if each.transport] if server else []
        await self._runner.cleanup()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_GRACE):  # handlers are done; what they wrote may still be on its way
                while any(each.get_write_buffer_size() for each in transports):
                    await asyncio.sleep(0.02)
