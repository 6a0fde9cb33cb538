"""The address that searches: each request goes to aggregator.search, off the loop."""

import asyncio
from collections.abc import Awaitable, Callable

from aiohttp import web

from aggregator import search
from aggregator.config import Config
from aggregator.serve import answer


def add_routes(app: web.Application, config: Config) -> None:
    """Answer searches, of a private site beneath its path."""
    if config.search:
        folder = "/{folder}" if config.visibility == "private" else ""
        app.router.add_get(f"{folder}/search", _handler(config))


def _handler(config: Config) -> Callable[[web.Request], Awaitable[web.Response]]:
    fixed = answer.headers(config.visibility)

    async def answer_search(request: web.Request) -> web.Response:
        folder, accept = request.match_info.get("folder", ""), request.headers.get("Accept", "")
        said = await asyncio.to_thread(search.answer, config, folder, request.query, accept)
        described = {"Content-Type": f"{said.media_type}; charset=utf-8", "Vary": "Accept"}
        return web.Response(status=said.status, body=said.body, headers={**fixed, **described})

    return answer_search
