"""The address that hubs call back: each request goes to websub.callback, off the loop."""

import asyncio
import logging
from collections.abc import Awaitable, Callable

from aiohttp import web

from aggregator.config import Config
from aggregator.errors import StoreError
from aggregator.websub import callback, protocol

_DELIVERY = 30.0  # seconds a hub may take to send a body
# WebSub section 8.2: the echoed challenge must be nothing a browser would run.
_HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "Cache-Control": "no-cache",
    "Content-Type": "application/octet-stream",
}

log = logging.getLogger(__name__)

_Answer = Callable[[Config, str, web.Request], Awaitable[callback.Reply]]


def add_routes(app: web.Application, config: Config) -> None:
    """Answer hubs where they could reach us."""
    if protocol.is_possible(config):
        for method, answer in (("GET", _on_get), ("POST", _on_post)):
            app.router.add_route(method, f"/{protocol.PATH}{{token}}", _handler(config, answer))


def _handler(config: Config, answer: _Answer) -> Callable[[web.Request], Awaitable[web.Response]]:
    async def answer_hub(request: web.Request) -> web.Response:
        try:
            reply = await answer(config, request.match_info["token"], request)
        except (StoreError, OSError, web.RequestPayloadError) as error:  # the hub tries again
            log.warning("hub_unanswered method=%s error=%s", request.method, error)
            reply = callback.Reply(status=503)
        return web.Response(status=reply.status, body=reply.text.encode(), headers=_HEADERS)

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
