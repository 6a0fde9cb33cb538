"""The operator's desk, /operator/: what commands do, in a browser, for whoever has the token."""

from collections.abc import Iterable

from aiohttp import web

from aggregator import operator_token
from aggregator.config import Config
from aggregator.serve import answer, tokens
from aggregator.serve.callers import is_own_form
from aggregator.serve.desk import adding, entries, feeds, pages, terms
from aggregator.serve.desk.visits import Handler, View, door, follow, form, page, read_form

_ROOT = "/operator/"


def add_routes(app: web.Application, config: Config) -> None:
    """Answer operators where a token is set."""
    if not operator_token.is_set(config):
        return
    app.router.add_get(_ROOT.rstrip("/"), _folder)
    app.router.add_post(f"{_ROOT}log-in", _log_in(config))
    app.router.add_post(f"{_ROOT}log-out", _log_out(config))
    for name in pages.files():
        app.router.add_get(f"{_ROOT}{name}", _file)
    _add(
        app,
        config,
        (*feeds.PAGES, *entries.PAGES, *terms.PAGES),
        (*feeds.FORMS, *entries.FORMS, *terms.FORMS),
    )
    found = adding.Desk()
    _add(app, config, found.pages, found.forms)


def _add(
    app: web.Application,
    config: Config,
    shown: Iterable[tuple[str, View]],
    sent: Iterable[tuple[str, View]],
) -> None:
    for path, view in shown:
        app.router.add_get(f"{_ROOT}{path}", page(config, view))
    for path, view in sent:
        app.router.add_post(f"{_ROOT}{path}", form(config, view))


async def _folder(_: web.Request) -> web.Response:
    return web.Response(status=301, headers=answer.headers("private") | {"Location": "./operator/"})


async def _file(request: web.Request) -> web.Response:
    kind, body = pages.files()[request.path.rpartition("/")[2]]
    headers = answer.headers("private") | {"Content-Type": f"{kind}; charset=utf-8"}
    return web.Response(body=body, headers=headers)


def _log_in(config: Config) -> Handler:
    async def log_in(request: web.Request) -> web.StreamResponse:
        if not tokens.caller_of(request).is_safe or tokens.wait(request):
            return door(request, config)
        if not is_own_form(request.headers, config.site_url):
            return door(request, config, 403)
        fields = await read_form(request)
        if isinstance(fields, int):
            return door(request, config, fields)
        inside = follow(request, "")
        if tokens.log_in(request, config, fields.get("token", "").strip(), inside):
            return inside
        return door(request, config, is_wrong=True)

    return log_in


def _log_out(config: Config) -> Handler:
    async def log_out(request: web.Request) -> web.StreamResponse:
        # No key is asked for: a page of another site could do no more than end a log-in, and cannot do that.
        outside = follow(request, "")
        if is_own_form(request.headers, config.site_url):
            tokens.log_out(request, outside)
        return outside

    return log_out
