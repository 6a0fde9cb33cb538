"""The addresses that say whether the work goes on (/healthz), and how things are (/status)."""

import hmac
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime

from aiohttp import web

from aggregator import condition, health
from aggregator.config import Config
from aggregator.errors import StoreError
from aggregator.serve import answer
from aggregator.serve.memory import Remembered

_SECONDS = 1.0
_PAGE_SECONDS = 5.0

_Handler = Callable[[web.Request], Awaitable[web.Response]]


def add_routes(app: web.Application, config: Config, patience: health.Patience) -> None:
    """Answer watchers, and people; of a private site people beneath its path."""
    started = datetime.now(UTC)
    folder = "/{folder}" if config.visibility == "private" else ""
    app.router.add_get("/healthz", _health(config, patience, started))  # add_get answers HEAD too
    app.router.add_get(f"{folder}/status", _status(config, patience, started))


def _health(config: Config, patience: health.Patience, started: datetime) -> _Handler:
    known = Remembered(lambda: health.trouble(config, patience, started, datetime.now(UTC)), _SECONDS)
    headers = {**answer.headers("local"), "Cache-Control": "no-store"}

    async def answer_health(_: web.Request) -> web.Response:
        trouble = await known.value()
        return web.Response(status=503 if trouble else 200, text=f"{trouble or 'ok'}\n", headers=headers)

    return answer_health


def _status(config: Config, patience: health.Patience, started: datetime) -> _Handler:
    known = Remembered(lambda: condition.page(config, patience, started, datetime.now(UTC)), _PAGE_SECONDS)
    headers = answer.headers(config.visibility)

    async def answer_status(request: web.Request) -> web.Response:
        try:
            root, page = await known.value()
        except StoreError:
            return web.Response(status=503, text="503\n", headers=headers)
        if not hmac.compare_digest(request.match_info.get("folder", "").encode(), root.encode()):
            return web.Response(status=404, text="404\n", headers=headers)
        described = {"Content-Type": "text/html; charset=utf-8"}
        return web.Response(body=page, headers={**headers, **described})

    return answer_status
