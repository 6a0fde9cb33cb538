"""A scripted HTTP server on loopback that records every request.

with FeedServer() as server:
    server.serve("/feed", body=RSS, etag='"1"')          # one answer, for ever; 304 by itself
    server.script("/busy", Answer(status=503), Answer(body=RSS))   # in turn, the last one repeated
    server.script("/drip", lambda write: ...)             # writes raw bytes itself, status line included
    server.url("/feed"), server.requests
"""

import os
import socket
import socketserver
import ssl
import struct
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler
from typing import Any, Self

Write = Callable[[bytes], None]
Raw = Callable[[Write], None]


def reset(write: Write) -> None:
    """Break off the connection a writer writes to, as a crashing server does: a reset, no end of stream."""
    connection = write.__self__._sock  # type: ignore[attr-defined]
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    os.close(connection.detach())


@dataclass(frozen=True)
class Answer:
    """One answer; with an etag or last_modified it turns into a 304 where the request names it."""

    body: bytes = b""
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    content_type: str = "application/rss+xml"
    etag: str | None = None
    last_modified: str | None = None
    wait: float = 0.0  # seconds before the first byte


@dataclass(frozen=True)
class Recorded:
    """One request as it arrived; header names in lower case, values as Latin-1."""

    method: str
    path: str
    headers: dict[str, str]
    host: str  # the address it was sent to
    at: float  # monotonic seconds
    body: bytes = b""  # of a POST


class FeedServer:
    """Serves on 127.0.0.1 and, with `hosts`, on 127.0.0.2 and so on, all on one free port."""

    def __init__(self, hosts: int = 1, tls: ssl.SSLContext | None = None) -> None:
        self.tls = tls
        self.requests: list[Recorded] = []
        self.busiest = 0  # requests that were in the works at once
        self._busy = 0
        self._lock = threading.Lock()
        self._scripts: dict[str, list[Answer | Raw]] = {}
        first = _Listener(("127.0.0.1", 0), _Handler, self)
        self.port = first.server_address[1]
        others = (_Listener((f"127.0.0.{n}", self.port), _Handler, self) for n in range(2, hosts + 1))
        self._listeners = [first, *others]

    def __enter__(self) -> Self:
        for listener in self._listeners:
            threading.Thread(target=listener.serve_forever, args=(0.02,), daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        for listener in self._listeners:
            listener.shutdown()
            listener.server_close()

    def url(self, path: str = "/", host: int = 1) -> str:
        """Return the address of a path on 127.0.0.<host>."""
        return f"{'https' if self.tls else 'http'}://127.0.0.{host}:{self.port}{path}"

    def serve(self, path: str, body: bytes = b"", **answer: Any) -> str:
        """Answer a path the same way for ever and return its URL on the first host."""
        return self.script(path, Answer(body=body, **answer))

    def script(self, path: str, *answers: Answer | Raw) -> str:
        """Answer a path in turn, the last answer for ever, and return its URL on the first host."""
        with self._lock:
            self._scripts[path] = list(answers)
        return self.url(path)

    def paths(self) -> list[str]:
        """List the paths that were asked for, in order."""
        return [request.path for request in self.requests]

    def asked(self, path: str) -> list[Recorded]:
        """List the requests for one path, in order."""
        return [request for request in self.requests if request.path == path]

    def next_answer(self, request: Recorded) -> Answer | Raw:
        """Record a request and return what the script says to it."""
        with self._lock:
            self.requests.append(request)
            answers = self._scripts.get(request.path) or [Answer(status=404)]
            return answers.pop(0) if len(answers) > 1 else answers[0]

    def begin(self) -> None:
        """Count a request in."""
        with self._lock:
            self._busy += 1
            self.busiest = max(self.busiest, self._busy)

    def end(self) -> None:
        """Count a request out."""
        with self._lock:
            self._busy -= 1


class _Listener(socketserver.ThreadingTCPServer):
    allow_reuse_address = True
    daemon_threads = True
    block_on_close = False
    request_queue_size = 256

    def __init__(self, address: tuple[str, int], handler: type, owner: FeedServer) -> None:
        super().__init__(address, handler)
        if owner.tls:
            self.socket = owner.tls.wrap_socket(self.socket, server_side=True)
        self.owner = owner


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: _Listener

    def do_GET(self) -> None:
        owner = self.server.owner
        owner.begin()
        try:
            self._answer(owner)
        except (BrokenPipeError, ConnectionResetError):
            self.close_connection = True  # the client has heard enough
        finally:
            owner.end()

    def do_POST(self) -> None:
        self.do_GET()

    def _answer(self, owner: FeedServer) -> None:
        headers = {name.lower(): value for name, value in self.headers.items()}
        host = self.connection.getsockname()[0]
        sent = self.rfile.read(int(headers.get("content-length", 0)))
        answer = owner.next_answer(Recorded(self.command, self.path, headers, host, time.monotonic(), sent))
        self.close_connection = True
        if not isinstance(answer, Answer):
            answer(self.wfile.write)
            return
        time.sleep(answer.wait)
        self._send(answer, headers)

    def _send(self, answer: Answer, asked: dict[str, str]) -> None:
        known = answer.status == 200 and _is_known(answer, asked)
        body = b"" if known else answer.body
        validators = {"ETag": answer.etag, "Last-Modified": answer.last_modified}
        headers = {
            "Date": self.date_time_string(),
            "Content-Type": answer.content_type,
            "Content-Length": str(len(body)),
            **{name: value for name, value in validators.items() if value},
            **answer.headers,
            "Connection": "close",
        }
        self.send_response_only(304 if known else answer.status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Keep quiet; requests are recorded."""


def _is_known(answer: Answer, asked: dict[str, str]) -> bool:
    if answer.etag and "if-none-match" in asked:  # RFC 9110 section 13.1.3: it outranks the date
        return asked["if-none-match"] == answer.etag
    return bool(answer.last_modified) and asked.get("if-modified-since") == answer.last_modified
