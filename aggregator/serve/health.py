"""The address that watchers ask whether the work goes on: 200, or 503 and one line that says why not."""

from datetime import UTC, datetime

from aiohttp import web

from aggregator import health
from aggregator.config import Config
from aggregator.serve import answer
from aggregator.serve.memory import Remembered

_SECONDS = 1.0


def add_routes(app: web.Application, config: Config, patience: health.Patience) -> None:
    """Answer whether polling and publishing went well lately."""
    started = datetime.now(UTC)
    known = Remembered(lambda: health.trouble(config, patience, started, datetime.now(UTC)), _SECONDS)
    headers = {**answer.headers("local"), "Cache-Control": "no-store"}

    async def answer_health(_: web.Request) -> web.Response:
        trouble = await known.value()
        return web.Response(status=503 if trouble else 200, text=f"{trouble or 'ok'}\n", headers=headers)

    app.router.add_get("/healthz", answer_health)  # add_get answers HEAD too
