"""Serves a world of feeds on loopback addresses, and keeps account of every request."""

import asyncio
import contextlib
import socket
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from email.utils import format_datetime
from typing import Self

import newsworld
from fastclock import Simulation
from newsworld import Source

_DRIP = 0.25  # seconds between two bytes
_SLOW = 2.0  # seconds before a slow answer
_LONGEST = 60.0  # seconds that silence lasts; nobody waits so long


@dataclass(slots=True)
class Visit:
    """One request and what it was answered. Times are simulated seconds since the start."""

    host: str
    path: str
    arrived: float
    source: int | None = None  # whose feed was asked for; None: a page, or anything else
    answered: float = 0.0  # just before the last byte was sent
    kind: str = ""  # ok, same, redirect, gone, none (no answer), body (of no use), or a status that says no
    status: int | None = None
    max_age: float | None = None
    ttl: float | None = None  # seconds, of the body that came
    retry_after: float | None = None
    entries: tuple[str, ...] = ()  # offered in a body that came whole


@dataclass(slots=True)
class _Answer:
    status: int
    kind: str
    body: bytes = b""
    headers: dict[str, str] = field(default_factory=dict)
    entries: tuple[str, ...] = ()
    ttl: float | None = None
    retry_after: float | None = None
    length: int | None = None  # that is announced, where it is another than the body's


class NewsServer:
    """Serves while the `with` block runs."""

    def __init__(self, sources: Sequence[Source], simulation: Simulation, pages: int = 0) -> None:
        """`pages`: of each how many-th feed the pages of entries are asked for, whatever the settings say."""
        self._pages = pages
        self.sources, self.simulation = sources, simulation
        self.visits: list[Visit] = []
        self.still_at: float | None = None  # from then on all are well and nothing new comes out
        self.port = free_port()
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="news", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        asyncio.run_coroutine_threadsafe(self._listen(), self._loop).result()
        return self

    def __exit__(self, *_: object) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()

    def url(self, source: Source) -> str:
        """Return the address of a feed."""
        return f"{self.address(source)}{source.path}"

    def address(self, source: Source) -> str:
        """Return the address of a feed's site."""
        return f"http://{source.host}:{self.port}"

    def opml(self) -> str:
        """Return a feeds.opml that lists all feeds, in ten categories."""
        groups = "".join(
            f'<outline text="c{number}">{"".join(map(self._outline, self.sources[number::10]))}</outline>\n'
            for number in range(10)
        )
        return f'<?xml version="1.0"?><opml version="2.0"><head/><body>\n{groups}</body></opml>'

    def _outline(self, source: Source) -> str:
        pages = ' extract="page"' if self._pages and source.number % self._pages == 0 else ""
        return f'<outline type="rss" text="Feed {source.number}" xmlUrl="{self.url(source)}"{pages}/>\n'

    async def _listen(self) -> None:
        hosts = sorted({source.host for source in self.sources})
        await asyncio.start_server(self._serve, hosts, self.port, backlog=256)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError, asyncio.IncompleteReadError, TimeoutError):
            head = await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), _LONGEST)
            arrived = self.simulation.seconds()
            line, *fields = head.decode("latin-1").split("\r\n")
            asked = {name.lower(): value.strip() for name, _, value in (f.partition(":") for f in fields)}
            host = writer.get_extra_info("sockname")[0]
            visit = Visit(host=host, path=line.split(" ")[1], arrived=arrived)
            self.visits.append(visit)
            await self._answer(visit, asked, writer)
        writer.close()

    async def _answer(self, visit: Visit, asked: Mapping[str, str], writer: asyncio.StreamWriter) -> None:
        parts = visit.path.strip("/").split("/")
        at = visit.arrived if self.still_at is None else self.still_at
        if parts[0] == "page":
            source = self.sources[int(parts[1])]
            body = newsworld.page(source, int(parts[2]), at)
            await self._send(visit, _Answer(200, "page", body, {"Content-Type": "text/html"}), writer)
        elif parts[0] in {"feed", "moved"}:
            await self._answer_feed(visit, self.sources[int(parts[1])], at, parts[0], asked, writer)
        else:
            await self._send(visit, _Answer(404, "404"), writer)

    async def _answer_feed(
        self,
        visit: Visit,
        source: Source,
        at: float,
        place: str,
        asked: Mapping[str, str],
        writer: asyncio.StreamWriter,
    ) -> None:
        visit.source = source.number
        trouble = None if self.still_at is not None else source.trouble(at)
        if place == "feed" and source.moved_at is not None and at >= source.moved_at:
            await self._send(visit, _redirect(301, f"/moved/{source.number}"), writer)
        elif source.gone_at is not None and at >= source.gone_at:
            await self._send(visit, _Answer(410, "gone"), writer)
        elif trouble in {"silence", "reset"}:
            await self._say_nothing(visit, trouble, writer)
        elif trouble == "away" and place == "feed":
            await self._send(visit, _redirect(302, f"/moved/{source.number}"), writer)
        elif trouble == "loop":
            await self._send(visit, _redirect(302, source.path), writer)
        else:
            answer = self._refusal(source, trouble, at) or self._document(source, at, asked)
            if trouble in {"html", "cut", "drip"}:
                answer = _spoilt(answer, trouble)
            if trouble == "slow":
                await asyncio.sleep(_SLOW)
            await self._send(visit, answer, writer, drips=trouble == "drip")

    async def _say_nothing(self, visit: Visit, trouble: str, writer: asyncio.StreamWriter) -> None:
        visit.kind = "reset" if trouble == "reset" else "none"
        visit.answered = self.simulation.seconds()
        if trouble == "reset":
            writer.transport.abort()
        else:
            await asyncio.sleep(_LONGEST)

    def _refusal(self, source: Source, trouble: str | None, at: float) -> _Answer | None:
        status = (trouble or "").split(" ")[0]
        if status not in {"404", "500", "503", "429"}:
            return None
        answer = _Answer(int(status), status, b"no")
        if status in {"503", "429"}:
            answer.retry_after = wait = float(int(source.retry_after(at)))
            until = self.simulation.now().replace(microsecond=0) + timedelta(seconds=wait)
            is_date = trouble == "503 date"
            answer.headers["Retry-After"] = format_datetime(until, usegmt=True) if is_date else f"{wait:.0f}"
        return answer

    def _document(self, source: Source, at: float, asked: Mapping[str, str]) -> _Answer:
        made = newsworld.document(source, at, self.simulation.at(0), f"http://{source.host}:{self.port}")
        etag, date = made.headers.get("ETag"), made.headers.get("Last-Modified")
        if (etag and asked.get("if-none-match") == etag) or (
            not etag and date and asked.get("if-modified-since") == date
        ):
            return _Answer(304, "same", b"", dict(made.headers))
        ttl = 60.0 * source.ttl if source.form == "rss" and source.ttl else 0.0
        return _Answer(200, "ok", made.body, dict(made.headers), made.entries, ttl)

    async def _send(
        self, visit: Visit, answer: _Answer, writer: asyncio.StreamWriter, *, drips: bool = False
    ) -> None:
        visit.status, visit.retry_after, visit.ttl = answer.status, answer.retry_after, answer.ttl
        if "Cache-Control" in answer.headers:
            visit.max_age = float(answer.headers["Cache-Control"].partition("=")[2])
        stated = {
            "Date": format_datetime(self.simulation.now(), usegmt=True),
            "Content-Length": str(len(answer.body) if answer.length is None else answer.length),
            "Connection": "close",
        }
        head = "".join(f"{name}: {value}\r\n" for name, value in (answer.headers | stated).items())
        writer.write(f"HTTP/1.1 {answer.status} Said\r\n{head}\r\n".encode())
        visit.kind, visit.answered = answer.kind, self.simulation.seconds()
        if drips:
            await self._drip(visit, answer.body, writer)
            return
        writer.write(answer.body)
        await writer.drain()
        visit.entries = answer.entries

    async def _drip(self, visit: Visit, body: bytes, writer: asyncio.StreamWriter) -> None:
        for byte in body:
            writer.write(bytes([byte]))
            await writer.drain()
            await asyncio.sleep(_DRIP)
            visit.answered = self.simulation.seconds()


def _redirect(status: int, path: str) -> _Answer:
    return _Answer(status, "redirect", b"", {"Location": path})


def _spoilt(answer: _Answer, trouble: str) -> _Answer:
    """Make a body one that is of no use; nothing can be wrong with one that is not sent."""
    if answer.status == 304:
        return answer
    bodies = {"html": b"<!DOCTYPE html><html><head><title>Sorry</title></head><body>Later.</body></html>"}
    body = bodies.get(trouble, answer.body)
    spoilt = _Answer(
        200, "body", body, {"Content-Type": "text/html"} if trouble == "html" else answer.headers
    )
    if trouble == "cut":
        spoilt.body, spoilt.length = answer.body[: len(answer.body) // 3], len(answer.body)
    return spoilt


def free_port() -> int:
    """Return a port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
