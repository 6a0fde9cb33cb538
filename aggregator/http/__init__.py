"""THE SOCKETS: conditional GET within limits, a domain's feeds one after another, hosts side by side."""

import asyncio
import re
import time
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, datetime
from urllib.parse import urldefrag, urlsplit

import aiohttp

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
from aggregator.http import headers, unpack
from aggregator.http.sessions import REFUSED, open_session
from aggregator.model import DueFeed, Failure, Fetched, HostBatch, NotModified, PollOutcome, Request, Shard

TOTAL = 30.0  # seconds for the whole fetch, redirects included: a drip never ends by itself
REDIRECTS = 5
SIDE_BY_SIDE = 64
FEED_TYPES = (
    "application/atom+xml, application/rss+xml, application/feed+json, application/rdf+xml;q=0.9, "
    "application/xml;q=0.8, text/xml;q=0.8, application/json;q=0.7, */*;q=0.5"
)
_CHUNK = 64 * 1024
_HELD = 32 * 1024 * 1024
# How whole feeds end, for bodies whose end is marked by the connection's alone.
_ENDS = (b"</rss>", b"</feed>", b"RDF>", b"}")
_LONGEST_VALIDATOR = 2048  # echoing more would earn a 431

Answer = Fetched | NotModified | Failure
Read = Callable[[DueFeed, Answer], PollOutcome]


def fetch_shard(config: Config, shard: Shard, read: Read) -> tuple[PollOutcome, ...]:
    """Fetch every feed of a shard and return what `read` makes of each answer, in the shard's order.

    Bodies are read once all have come, lest a slow `read` let others time out; beyond 32 MiB at once. After a
    429 or 503 the other feeds of that domain are not fetched: they get a Failure of kind "Skipped".
    """
    shelf = _Shelf(read)
    asyncio.run(_fetch_shard(config, shard, shelf))
    return tuple(shelf.outcome(feed) for batch in shard.batches for feed in batch.feeds)


def fetch_one(config: Config, request: Request) -> Answer:
    """Make one request from code that is not asynchronous."""

    async def alone() -> Answer:
        async with open_session(config) as session:
            return await fetch(session, request)

    return asyncio.run(alone())


class _Shelf:
    """Answers that wait to be read, up to a weight."""

    def __init__(self, read: Read) -> None:
        self._read = read
        self._weight = 0
        self._answers: dict[int, Answer | PollOutcome] = {}

    def put(self, feed: DueFeed, answer: Answer) -> None:
        weight = len(answer.body) if isinstance(answer, Fetched) else 0
        fits = self._weight + weight <= _HELD
        self._weight += weight if fits else 0
        self._answers[feed.feed_id] = answer if fits else self._read(feed, answer)

    def outcome(self, feed: DueFeed) -> PollOutcome:
        answer = self._answers.pop(feed.feed_id)
        return answer if isinstance(answer, PollOutcome) else self._read(feed, answer)


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


async def fetch(session: aiohttp.ClientSession, request: Request) -> Answer:
    """Make one conditional GET, following redirects; what goes wrong comes back as a Failure.

    A Failure with status 200 is a body that was no use: cut off, too large or too slow.
    """
    trip = _Trip(request, urldefrag(request.url).url)
    try:
        async with asyncio.timeout(TOTAL):
            return await _follow(session, trip)
    except FetchError as error:
        return _failure(trip, error)
    except TimeoutError:
        return _failure(trip, FetchTimeout(trip.url, f"no complete answer after {trip.seconds:.0f} s"))
    except (aiohttp.ClientError, OSError, ValueError) as error:
        return _failure(trip, _connection_error(trip.url, error))


def _connection_error(url: str, error: Exception) -> FetchError:
    if isinstance(error, aiohttp.InvalidURL):  # 127.1 and 2130706433 too, which it reads as addresses
        return HostForbidden(url, "is no URL that can be fetched")
    text = " ".join(str(error).replace(" ssl:default", "").split()) or type(error).__name__
    if REFUSED in text:
        return HostForbidden(url, text[text.index(REFUSED) :].rstrip("]"))
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


async def _follow(session: aiohttp.ClientSession, trip: _Trip) -> Fetched | NotModified:
    while True:
        if urlsplit(trip.url).scheme.lower() not in {"http", "https"}:
            raise HostForbidden(trip.url, "only http and https are fetched")
        trip.status, trip.headers = None, {}
        async with session.get(trip.url, headers=_asked(trip.request), allow_redirects=False) as response:
            trip.status = response.status
            trip.headers = _texts(response.raw_headers)
            if response.status not in {301, 302, 303, 307, 308}:
                return await _answer(trip, response)
        _redirect(trip)


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


async def _answer(trip: _Trip, response: aiohttp.ClientResponse) -> Fetched | NotModified:
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


async def _body(trip: _Trip, response: aiohttp.ClientResponse) -> Fetched:
    limit = trip.request.max_bytes
    if (response.content_length or 0) > limit:
        raise BodyTooLarge(trip.url, f"announces more than {limit} bytes")
    unpacker = unpack.Unpacker(trip.url, trip.headers.get("content-encoding", ""), limit)
    async for chunk in response.content.iter_chunked(_CHUNK):
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


def _has_an_end(trip: _Trip) -> bool:
    """Tell whether a body that was cut off would have been noticed (RFC 9112 section 6.3)."""
    return not trip.headers.keys().isdisjoint({"content-length", "transfer-encoding", "content-encoding"})


def _asked(request: Request) -> dict[str, str]:
    asked = {
        "Accept": request.accept,
        "If-None-Match": request.etag,
        "If-Modified-Since": request.last_modified,
    }
    return {name: value for name, value in asked.items() if value}


def _texts(raw: tuple[tuple[bytes, bytes], ...]) -> dict[str, str]:
    # Latin-1 keeps every byte, so that a validator can be echoed as it came; the first of a name counts.
    texts = {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in reversed(raw)}
    # But hub and self link often come as a header each, and RFC 9110 section 5.3 lets a list be joined.
    links = [value.decode("latin-1") for name, value in raw if name.lower() == b"link"]
    return texts | {"link": ", ".join(links)} if links else texts


def _utf8(value: str) -> str:
    try:
        return value.encode("latin-1").decode("utf-8")
    except UnicodeDecodeError:
        return value


def _validator(trip: _Trip, name: str) -> str | None:
    value = trip.headers.get(name, "")
    # Control characters could not be sent back.
    can_be_sent = 0 < len(value) <= _LONGEST_VALIDATOR and not re.search(r"[\x00-\x1f\x7f]", value)
    return value if can_be_sent else None


async def _fetch_shard(config: Config, shard: Shard, shelf: _Shelf) -> None:
    # Looking names up takes a thread each; a name server that does not answer must not hold the others up.
    asyncio.get_running_loop().set_default_executor(ThreadPoolExecutor(SIDE_BY_SIDE))
    gate = asyncio.Semaphore(SIDE_BY_SIDE)
    async with open_session(config) as session, asyncio.TaskGroup() as group:

        async def polite(request: Request) -> Answer:
            async with gate:
                return await fetch(session, request)

        for batch in shard.batches:
            group.create_task(_fetch_batch(polite, batch, shelf))


async def _fetch_batch(
    polite: Callable[[Request], Awaitable[Answer]], batch: HostBatch, shelf: _Shelf
) -> None:
    pause, refused = batch.wait, None
    for feed in batch.feeds:
        if refused:
            shelf.put(feed, _skipped(feed, refused))
            continue
        await asyncio.sleep(pause.total_seconds())
        answer = await polite(_feed_request(feed))
        pause = batch.spacing
        if isinstance(answer, Failure) and (answer.status in {429, 503} or answer.retry_after):
            refused = answer
        shelf.put(feed, answer)


def _feed_request(feed: DueFeed) -> Request:
    return Request(url=feed.fetch_url, etag=feed.etag, last_modified=feed.last_modified, accept=FEED_TYPES)


def _skipped(feed: DueFeed, cause: Failure) -> Failure:
    detail = f"{feed.domain} answered {cause.status} to another feed"
    return Failure(kind="Skipped", detail=detail, url=feed.fetch_url, retry_after=cause.retry_after)
