"""THE SOCKETS: one conditional GET within limits, redirects followed; or one POST, which follows none."""

import asyncio
import re
import time
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager, nullcontext
from dataclasses import dataclass, field
from datetime import UTC, datetime
from urllib.parse import urldefrag, urlsplit

from aggregator import urls
from aggregator.config import Config
from aggregator.errors import (
    BadStatus,
    BodyTooLarge,
    ConnectionFailed,
    FetchError,
    FetchTimeout,
    HostForbidden,
)
from aggregator.http import headers
from aggregator.http.curl import Session, open_session
from aggregator.http.response import REFUSED, Response
from aggregator.http.turns import TimeIsUp, TurnTaken
from aggregator.model import Failure, Fetched, NotModified, Request

TOTAL = 30.0  # seconds for the whole fetch, redirects included: a drip never ends by itself
REDIRECTS = 5
# How whole feeds end, for bodies whose end is marked by the connection's alone.
_ENDS = (b"</rss>", b"</feed>", b"RDF>", b"}")
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")  # could not be sent back
_LONGEST_VALIDATOR = 2048  # echoing more would earn a 431

Answer = Fetched | NotModified | Failure
Turn = Callable[[str], AbstractAsyncContextManager[None]]  # what a URL waits for before it is asked


def fetch_one(config: Config, request: Request) -> Answer:
    """Make one request from code that is not asynchronous."""

    async def alone() -> Answer:
        async with open_session(config) as session:
            return await fetch(session, request)

    return asyncio.run(alone())


@dataclass(slots=True)
class _Trip:
    """One request on its way through redirects."""

    request: Request
    url: str
    started: float = field(default_factory=time.monotonic)
    hops: int = 0
    permanent: bool = True
    status: int | None = None
    headers: dict[str, str] = field(default_factory=dict)

    @property
    def moved_to(self) -> str | None:
        return self.url if self.hops and self.permanent else None

    @property
    def seconds(self) -> float:
        return time.monotonic() - self.started


def _at_once(_: str) -> AbstractAsyncContextManager[None]:
    return nullcontext()


async def fetch(session: Session, request: Request, turn: Turn = _at_once) -> Answer:
    """Make one request, a GET following redirects; what goes wrong comes back as a Failure.

    A Failure with status 200 is a body that was no use: cut off, too large or too slow. One of kind "Skipped"
    was not made: its turn did not come. One of kind "Left" was not even begun in the time that the turns had.
    """
    trip = _Trip(request, urldefrag(request.url).url)
    try:
        return await _follow(session, trip, turn)
    except FetchError as error:
        return _failure(trip, error)
    except TurnTaken as no:
        # Left to the next job, whom a redirect sent to a crowded place would be asked again by each.
        kind = "Left" if isinstance(no, TimeIsUp) and not trip.hops else "Skipped"
        return Failure(kind=kind, detail=no.detail, url=trip.url, retry_after=no.retry_after)
    except TimeoutError:
        return _failure(trip, FetchTimeout(trip.url, f"no complete answer after {trip.seconds:.0f} s"))
    except (OSError, ValueError) as error:
        return _failure(trip, _connection_error(trip.url, error))


def _connection_error(url: str, error: Exception) -> FetchError:
    if isinstance(error, ValueError):
        return HostForbidden(url, "is no URL that can be fetched")
    text = " ".join(str(error).split()) or type(error).__name__
    if REFUSED in text:
        return HostForbidden(url, text)
    return ConnectionFailed(url, text[:300])


def _failure(trip: _Trip, error: FetchError) -> Failure:
    bad = trip.status is not None and trip.status >= 400
    return Failure(
        kind=type(error).__name__,
        detail=error.message.encode("utf-8", "replace").decode(),  # a reason phrase may hold lone surrogates
        url=error.url,
        status=trip.status,
        retry_after=headers.retry_after(trip.headers, datetime.now(UTC)) if bad else None,
        seconds=trip.seconds,
    )


async def _follow(session: Session, trip: _Trip, turn: Turn) -> Fetched | NotModified:
    while True:
        if urlsplit(trip.url).scheme.lower() not in {"http", "https"}:
            raise HostForbidden(trip.url, "only http and https are fetched")
        before = time.monotonic()
        async with turn(trip.url):
            trip.started += time.monotonic() - before  # nobody answers later because we waited
            answer = await _ask(session, trip)
        if answer:
            return answer
        _redirect(trip)


async def _ask(session: Session, trip: _Trip) -> Fetched | NotModified | None:
    """Make one request; None comes back for a redirect."""
    trip.status, trip.headers = None, {}
    body, asked, until = trip.request.body, _asked(trip), trip.started + TOTAL
    asking = session.post(trip.url, body, asked, until) if body else session.get(trip.url, asked, until)
    with await asking as response:
        trip.status, trip.headers = response.status, response.headers
        # What is posted goes nowhere else: it may be for one receiver's eyes.
        if response.status in {301, 302, 303, 307, 308} and not body:
            return None
        return await _answer(trip, response)


def _redirect(trip: _Trip) -> None:
    location = _utf8(trip.headers.get("location", ""))
    status = trip.status or 0
    if not location:
        raise BadStatus(trip.url, f"{status} without a location", status)
    if trip.hops == REDIRECTS:
        raise BadStatus(trip.url, f"more than {REDIRECTS} redirects", status)
    trip.url = urldefrag(urls.absolute(trip.url, location)).url
    trip.hops += 1
    trip.permanent = trip.permanent and status in {301, 308}


async def _answer(trip: _Trip, response: Response) -> Fetched | NotModified:
    conditional = trip.request.etag or trip.request.last_modified
    if response.status == 304 and conditional:
        return NotModified(
            url=trip.url,
            etag=_validator(trip, "etag") or trip.request.etag,
            last_modified=_validator(trip, "last-modified") or trip.request.last_modified,
            fresh_for=headers.fresh_for(trip.headers),
            moved_to=trip.moved_to,
            seconds=trip.seconds,
        )
    if response.status not in {200, 203}:
        reason = response.reason or "no reason given"
        if response.status == 304:
            reason = "though no validator was sent"
        raise BadStatus(trip.url, f"{response.status} {reason}", response.status)
    return await _body(trip, response)


async def _body(trip: _Trip, response: Response) -> Fetched:
    from aggregator.http import unpack  # most answers bring no body

    limit = trip.request.max_bytes
    if _announced(trip) > limit:
        raise BodyTooLarge(trip.url, f"announces more than {limit} bytes")
    unpacker = unpack.Unpacker(trip.url, trip.headers.get("content-encoding", ""), limit)
    async for chunk in response.chunks():
        unpacker.add(chunk)
    body = unpacker.finish()
    vouched = _has_an_end(trip) or body.rstrip().endswith(_ENDS)
    return Fetched(
        url=trip.url,
        body=body,
        content_type=trip.headers.get("content-type"),
        etag=_validator(trip, "etag") if vouched else None,
        last_modified=_validator(trip, "last-modified") if vouched else None,
        fresh_for=headers.fresh_for(trip.headers),
        moved_to=trip.moved_to,
        wire_bytes=unpacker.wire_bytes,
        seconds=trip.seconds,
        status=response.status,
        headers=tuple(trip.headers.items()),
    )


def _announced(trip: _Trip) -> int:
    length = trip.headers.get("content-length", "")
    return int(length) if re.fullmatch(r"[0-9]{1,18}", length) else 0


def _has_an_end(trip: _Trip) -> bool:
    """Tell whether a body that was cut off would have been noticed (RFC 9112 section 6.3)."""
    return not trip.headers.keys().isdisjoint({"content-length", "transfer-encoding", "content-encoding"})


def _asked(trip: _Trip) -> dict[str, str]:
    request = trip.request
    asked = {
        "Accept": request.accept,
        "If-None-Match": request.etag,
        "If-Modified-Since": request.last_modified,
    }
    # What lets us in somewhere is nobody else's business, wherever a redirect leads.
    is_theirs = request.headers and _origin(trip.url) == _origin(request.url)
    return {name: value for name, value in asked.items() if value} | dict(
        request.headers if is_theirs else ()
    )


def _origin(url: str) -> tuple[str, str]:
    parts = urlsplit(url)
    return parts.scheme.lower(), parts.netloc.lower()


def _utf8(value: str) -> str:
    try:
        return value.encode("latin-1").decode("utf-8")
    except UnicodeDecodeError:
        return value


def _validator(trip: _Trip, name: str) -> str | None:
    value = trip.headers.get(name, "")
    can_be_sent = 0 < len(value) <= _LONGEST_VALIDATOR and not _CONTROL.search(value)
    return value if can_be_sent else None
