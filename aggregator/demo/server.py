"""Serves the demo's feeds over loopback, each on a host of its own: 127.0.0.1 to 127.0.0.8, one port."""

import contextlib
import functools
import html
import http.server
import itertools
import logging
import socketserver
import sys
import threading
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from email.utils import format_datetime, parsedate_to_datetime
from http import HTTPStatus
from types import TracebackType
from typing import Any, Self

from aggregator.demo.pages import Resource, resources
from aggregator.demo.stories import DemoFeed, load
from aggregator.errors import AggregatorError

log = logging.getLogger(__name__)

PORT = 8731
RIGHTS_NOTE = "written for this demo and part of the program"


def opml(port: int = PORT) -> bytes:
    """Return a feeds.opml that lists the demo's feeds in their categories."""
    by_category = sorted(load(), key=lambda feed: feed.category)
    groups = "".join(
        f"<outline text={_quoted(category)}>\n{''.join(_outline(feed, port) for feed in feeds)}</outline>\n"
        for category, feeds in itertools.groupby(by_category, key=lambda feed: feed.category)
    )
    return f"""<?xml version="1.0" encoding="UTF-8"?>
<opml version="2.0">
<head><title>Demo feeds</title></head>
<body>
{groups}</body>
</opml>
""".encode()


def _outline(feed: DemoFeed, port: int) -> str:
    attributes = {
        "type": "rss",
        "text": feed.title,
        "xmlUrl": feed.url(port),
        "htmlUrl": feed.url(port, "/"),
        "extract": "feed",
        "rights": "full",
        "rights_note": RIGHTS_NOTE,
    }
    return f"<outline {' '.join(f'{name}={_quoted(value)}' for name, value in attributes.items())}/>\n"


def _quoted(text: str) -> str:
    return f'"{html.escape(text)}"'


class DemoServer:
    """Serves while the `with` block runs. `statuses` counts the answers by status: 200, 304, 404.

    Port 0 takes a free one; `port` says which.
    Raises: AggregatorError on entry where the port is taken on one of the hosts.
    """

    def __init__(self, port: int = PORT) -> None:
        self.port = port
        self.statuses: Counter[int] = Counter()
        self._lock = threading.Lock()
        self._resources: dict[str, Resource] = {}
        self._open = contextlib.ExitStack()

    def __enter__(self) -> Self:
        with contextlib.ExitStack() as opening:
            listeners = [opening.enter_context(self._listen(feed.host)) for feed in load()]
            self._resources = resources(self.port)
            opening.enter_context(_serving(listeners))
            self._open = opening.pop_all()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._open.close()

    def find(self, host: str, target: str) -> Resource | None:
        """Return what a host has at a request's target; a query changes nothing."""
        return self._resources.get(f"http://{host}:{self.port}{target.partition('?')[0]}")

    def count(self, status: int) -> None:
        """Count one answer."""
        with self._lock:
            self.statuses[status] += 1

    def _listen(self, host: str) -> "_Listener":
        try:
            listener = _Listener((host, self.port), functools.partial(_Answer, self))
        except OSError as error:
            raise AggregatorError(
                f"demo: cannot listen on {host}:{self.port} ({error.strerror}); another port: --port NUMBER"
            ) from error
        self.port = listener.server_port
        return listener


class _Listener(http.server.ThreadingHTTPServer):
    def server_bind(self) -> None:
        # HTTPServer asks the resolver for the host's name here, which can take seconds and is of no use.
        socketserver.TCPServer.server_bind(self)
        self.server_name, self.server_port = self.server_address[:2]  # type: ignore[assignment]

    def handle_error(self, request: Any, client_address: Any) -> None:  # noqa: ARG002 - the base's signature
        """Keep a client that went away off the terminal."""
        level = logging.DEBUG if isinstance(sys.exception(), OSError) else logging.ERROR
        log.log(level, "demo_request_failed client=%s", client_address, exc_info=True)


@contextlib.contextmanager
def _serving(listeners: list[_Listener]) -> Iterator[None]:
    with ThreadPoolExecutor(2 * len(listeners), thread_name_prefix="demo") as pool:
        for listener in listeners:
            pool.submit(listener.serve_forever, poll_interval=0.1)
        try:
            yield
        finally:
            for listener in listeners:  # side by side: each takes until its next look at the request to stop
                pool.submit(listener.shutdown)


class _Answer(http.server.BaseHTTPRequestHandler):
    """Answers GET and HEAD, conditional or not. HTTP/1.0: no connection outlives its answer."""

    timeout = 10  # seconds a client may take to say what it wants
    server: _Listener

    def __init__(self, demo: DemoServer, *args: Any) -> None:
        self.demo = demo
        super().__init__(*args)

    def do_GET(self) -> None:
        found = self.demo.find(self.server.server_name, self.path)
        if found is None:
            self.send_error(HTTPStatus.NOT_FOUND)
        elif _not_modified(found, self.headers.get("If-None-Match"), self.headers.get("If-Modified-Since")):
            self._head(HTTPStatus.NOT_MODIFIED, found)
        else:
            self._head(HTTPStatus.OK, found)
            if self.command == "GET":
                self.wfile.write(found.body)

    do_HEAD = do_GET  # noqa: N815 - the base calls it so

    def _head(self, status: HTTPStatus, found: Resource) -> None:
        self.send_response(status)
        self.send_header("ETag", found.etag)
        self.send_header("Last-Modified", format_datetime(found.modified_at, usegmt=True))
        if status is HTTPStatus.OK:
            self.send_header("Content-Type", found.media_type)
            self.send_header("Content-Length", str(len(found.body)))
        self.end_headers()

    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:  # noqa: ARG002 - the base's signature
        """Count instead of printing."""
        self.demo.count(int(code))

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the base's signature
        """Keep the terminal quiet."""
        log.debug("demo_request %s", format % args)


def _not_modified(found: Resource, etags: str | None, since: str | None) -> bool:
    """Say whether the client has these bytes.

    Source: RFC 9110 section 13.2.2: If-Modified-Since counts only where there is no If-None-Match.
    """
    if etags is not None:
        known = {etag.strip().removeprefix("W/") for etag in etags.split(",")}
        return found.etag in known or "*" in known
    return since is not None and found.modified_at <= _date(since)


def _date(text: str) -> datetime:
    """Read an HTTP date; one that cannot be read is older than anything.

    Source: RFC 9110 section 13.1.3: an invalid date is ignored.
    """
    try:
        return parsedate_to_datetime(text).astimezone(UTC)
    except ValueError:
        return datetime.min.replace(tzinfo=UTC)
