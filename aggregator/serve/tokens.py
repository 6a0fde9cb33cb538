"""Who has the operator's token, and log-ins with it."""

import hashlib
import hmac
import logging
import math
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from aiohttp import web

from aggregator.config import Config
from aggregator.errors import ConfigError
from aggregator.operator_token import read
from aggregator.serve.callers import Caller, caller, is_secure
from aggregator.serve.sessions import Attempts, Session, Sessions

_COOKIES = {True: "__Host-operator", False: "operator"}  # by whether the page came over https

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Gate:
    """What a server remembers of those who came."""

    sessions: Sessions = field(default_factory=Sessions)
    attempts: Attempts = field(default_factory=Attempts)


GATE = web.AppKey("gate", Gate)


def prepare(app: web.Application) -> None:
    """Let an application know operators."""
    app[GATE] = Gate()


def is_operator(request: web.Request, config: Config) -> bool:
    """Tell whether who asks has the token, as `Authorization: Bearer` or by a log-in of its own.

    Shape: never over plain http from another machine.
    """
    return session_of(request, config) is not None or has_bearer(request, config)


def session_of(request: web.Request, config: Config) -> Session | None:
    """Return the session of who asks, used now; None where there is none."""
    token = _token(config)
    if not token or not caller_of(request).is_safe:
        return None
    gate, now = request.app[GATE], datetime.now(UTC)
    given = (request.cookies.get(name) for name in _COOKIES.values())
    found = (gate.sessions.find(secret, _mark(token), now) for secret in given if secret)
    return next(filter(None, found), None)


def has_bearer(request: web.Request, config: Config) -> bool:
    """Tell whether a request carries the token itself."""
    scheme, _, given = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not caller_of(request).is_safe or wait(request):
        return False
    return _is_right(request, config, given.strip())


def wait(request: web.Request) -> int:
    """Return for how many seconds who asks may not try a token; 0: at once."""
    left = request.app[GATE].attempts.wait(caller_of(request).network, datetime.now(UTC))
    return math.ceil(left / timedelta(seconds=1))


def log_in(request: web.Request, config: Config, given: str, answer: web.StreamResponse) -> bool:
    """Begin a session where the token is right, and have the answer carry its cookie."""
    if not _is_right(request, config, given):
        return False
    log.info("operator_logged_in from=%s", caller_of(request).network)
    secret = request.app[GATE].sessions.begin(_mark(_token(config)), datetime.now(UTC))
    is_https = is_secure(request.headers)
    answer.set_cookie(_COOKIES[is_https], secret, path="/", httponly=True, samesite="Strict", secure=is_https)
    return True


def log_out(request: web.Request, answer: web.StreamResponse) -> None:
    """End the session of who asks."""
    for is_https, name in _COOKIES.items():
        if secret := request.cookies.get(name):
            request.app[GATE].sessions.end(secret)
            answer.del_cookie(name, path="/", httponly=True, samesite="Strict", secure=is_https)


def caller_of(request: web.Request) -> Caller:
    """Return where a request came from."""
    return caller(request.remote, request.headers)


def _is_right(request: web.Request, config: Config, given: str) -> bool:
    token, who = _token(config), caller_of(request)
    attempts = request.app[GATE].attempts
    if token and hmac.compare_digest(_mark(given), _mark(token)):
        attempts.forget(who.network)
        return True
    attempts.failed(who.network, datetime.now(UTC))
    log.warning("operator_refused from=%s", who.network)
    return False


def _token(config: Config) -> str:
    """Return the token as it is now; "" where it can no longer be used, which lets nobody in."""
    try:
        return read(config)
    except ConfigError as error:
        log.error("operator_token_unusable error=%s", error)
        return ""


def _mark(token: str) -> bytes:
    """Return a digest: of one length, so that comparing tells nothing of the token's."""
    return hashlib.sha256(token.encode("utf-8", "surrogateescape")).digest()
