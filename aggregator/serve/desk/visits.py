"""Who stands at the operator's desk, what they sent, and how they are answered."""

import asyncio
import contextlib
import hmac
import logging
from collections.abc import Awaitable, Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from urllib.parse import parse_qsl

from aiohttp import web
from sqlite_utils import Database

from aggregator.backup.opening import open_kept
from aggregator.config import Config
from aggregator.errors import AggregatorError, EngineUnavailable, FetchError, NotAFeed, StoreError
from aggregator.serve import answer, tokens
from aggregator.serve.callers import is_own_form
from aggregator.serve.desk import pages
from aggregator.serve.sessions import Session
from aggregator.store import store_errors

_PATIENCE = 15.0  # seconds for a form to arrive
_LONGEST = 16_384  # bytes of a form
_FORM = "application/x-www-form-urlencoded"
_MOST_FIELDS = 20
# With no-referrer a browser sends `Origin: null` with a form (Fetch, section 3.2): whose is it then?.
_HEADERS = answer.headers("private") | {"Cache-Control": "no-store", "Referrer-Policy": "same-origin"}
_STATUS: dict[type[AggregatorError], int] = {
    StoreError: 503, EngineUnavailable: 503, FetchError: 502, NotAFeed: 502,
}  # fmt: skip

log = logging.getLogger(__name__)

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Visit:
    """One request of an operator."""

    config: Config
    now: datetime
    place: Mapping[str, str] = field(default_factory=dict)  # what the path names
    asked: Mapping[str, str] = field(default_factory=dict)  # the query, or a form's fields

    @contextlib.contextmanager
    def store(self) -> Iterator[Database]:
        """Hold the store open as a command does; what is written waits its turn beside a running round."""
        with store_errors(self.config.store):
            db = open_kept(self.config, self.now)
            try:
                yield db
            finally:
                db.close()


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """A page to look at."""

    template: str
    values: Mapping[str, object] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Sent:
    """What was done, and where to go on beneath /operator/."""

    to: str
    notice: str = ""


View = Callable[[Visit], Shown | Sent]


def page(config: Config, view: View) -> Handler:
    """Return what answers a GET, off the loop, for operators alone."""

    async def answer_page(request: web.Request) -> web.StreamResponse:
        session = tokens.session_of(request, config)
        if session is None and not tokens.has_bearer(request, config):
            return door(request, config)
        return await _answered(request, config, view, dict(request.query), session)

    return answer_page


def form(config: Config, view: View) -> Handler:
    """Return what answers a form, off the loop: of an operator's own page, or a script with the token."""

    async def answer_form(request: web.Request) -> web.StreamResponse:
        has_bearer = tokens.has_bearer(request, config)
        session = None if has_bearer else tokens.session_of(request, config)
        if session is None and not has_bearer:
            return door(request, config)
        fields = await read_form(request)
        if isinstance(fields, int):
            return said(request, config, fields, "フォームを読み取れませんでした。", session)
        if session and not _is_theirs(request, config, fields, session):
            log.warning("operator_form_refused from=%s", tokens.caller_of(request).network)
            return said(request, config, 403, "このページから送られたフォームではありません。", session)
        return await _answered(request, config, view, fields, session)

    return answer_form


def door(
    request: web.Request, config: Config, status: int = 401, *, is_wrong: bool = False
) -> web.StreamResponse:
    """Return the page to log in at, or what keeps one from doing so."""
    is_safe, seconds = tokens.caller_of(request).is_safe, tokens.wait(request)
    values = {"is_safe": is_safe, "minutes": -(-seconds // 60), "is_wrong": is_wrong}
    status = 403 if not is_safe else 429 if seconds else status
    more = {"Retry-After": str(seconds)} if seconds else {"WWW-Authenticate": "Bearer"}
    return _html(request, config, "door.html", values, None, status, more)


def said(
    request: web.Request, config: Config, status: int, text: str, session: Session | None
) -> web.StreamResponse:
    """Return a page that says why something was not done."""
    if session is None:
        return web.Response(status=status, text=f"{text}\n", headers=_HEADERS)
    return _html(request, config, "said.html", {"text": text}, session, status)


async def read_form(request: web.Request) -> dict[str, str] | int:
    """Return a form's fields, or the status that refuses it: too large, too slow, no form."""
    if request.content_type != _FORM:
        return 415
    body = bytearray()
    try:
        async with asyncio.timeout(_PATIENCE):
            async for chunk in request.content.iter_any():
                body += chunk
                if len(body) > _LONGEST:
                    return 413
        pairs = parse_qsl(body.decode(), keep_blank_values=True, max_num_fields=_MOST_FIELDS)
    except TimeoutError:
        return 408
    except ValueError:  # too many fields, or no UTF-8
        return 400
    return dict(pairs)


def follow(request: web.Request, to: str) -> web.Response:
    """Return a redirect to another page beneath /operator/, by a relative address."""
    return web.Response(status=303, headers=_HEADERS | {"Location": f"{_root(request)}{to}" or "./"})


def _is_theirs(request: web.Request, config: Config, fields: Mapping[str, str], session: Session) -> bool:
    given = fields.get("key", "").encode("utf-8", "surrogateescape")
    is_known = hmac.compare_digest(given, session.form_key.encode())
    return is_known and is_own_form(request.headers, config.site_url)


async def _answered(
    request: web.Request, config: Config, view: View, asked: Mapping[str, str], session: Session | None
) -> web.StreamResponse:
    place = dict(request.match_info)
    visit = Visit(config=config, now=datetime.now(UTC), place=place, asked=asked)
    try:
        outcome = await asyncio.to_thread(view, visit)
    except AggregatorError as error:
        kinds = (status for kind, status in _STATUS.items() if isinstance(error, kind))
        return said(request, config, next(kinds, 400), str(error), session)
    if isinstance(outcome, Shown):
        return _html(request, config, outcome.template, outcome.values, session)
    if outcome.notice:
        log.info("operator_did path=%s", request.path)
    if session is None:
        return web.Response(text=f"{outcome.notice or outcome.to}\n", headers=_HEADERS)
    session.notice = outcome.notice
    return follow(request, outcome.to)


def _html(
    request: web.Request,
    config: Config,
    template: str,
    values: Mapping[str, object],
    session: Session | None,
    status: int = 200,
    more: Mapping[str, str] | None = None,
) -> web.Response:
    notice = session.notice if session else ""
    if session:
        session.notice = ""
    key = session.form_key if session else ""
    desk = pages.Desk(root=_root(request), form_key=key, notice=notice, is_in=session is not None)
    text = pages.render(template, config, desk, values)
    return web.Response(
        status=status, text=text, content_type="text/html", headers=_HEADERS | dict(more or {})
    )


def _root(request: web.Request) -> str:
    """Return how /operator/ is called from the page that was asked for: it may lie beneath any folder."""
    return "../" * (request.path.count("/") - 2)
