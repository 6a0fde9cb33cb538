"""A stand-in hub on loopback: takes requests, verifies intent, delivers signed bodies; real HTTP both ways.

with Hub() as hub:
    hub.url                              # what a feed names
    hub.verify()                         # asks back for each request taken so far; returns the statuses
    hub.deliver(body)                    # posts to every verified callback
    hub.lease_seconds, hub.answer = 3600, 202
"""

import hashlib
import hmac
import http.client
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self
from urllib.parse import parse_qsl, urlencode, urlsplit


class Hub:
    def __init__(self) -> None:
        self.asked: list[dict[str, str]] = []  # every request's fields
        self.answer = 202
        self.location = ""
        self.says = b""
        self.lease_seconds = 864000
        self.at_once = False  # verify before the request is answered
        self.verified: dict[str, dict[str, str]] = {}  # callback -> the request's fields
        self._unverified: list[dict[str, str]] = []
        hub = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                length = int(self.headers["Content-Length"])
                status = hub.take(dict(parse_qsl(self.rfile.read(length).decode())))
                self.send_response(status)
                if hub.location:
                    self.send_header("Location", hub.location)
                self.end_headers()
                self.wfile.write(hub.says)

            def log_message(self, *_: object) -> None:
                """Keep quiet."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_port}/hub"

    def __enter__(self) -> Self:
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()

    def take(self, fields: dict[str, str]) -> int:
        self.asked.append(fields)
        if self.answer == 202:
            self._unverified.append(fields)
            if self.at_once:
                self.verify()
        return self.answer

    def verify(self) -> list[int]:
        """Ask each callback whether it meant it, and return what they answered."""
        statuses = []
        waiting, self._unverified = self._unverified, []
        for fields in waiting:
            status, body = self.ask(fields, **{"hub.mode": fields["hub.mode"], "hub.challenge": "ch-42"})
            statuses.append(status)
            if status == 200 and body == b"ch-42":
                if fields["hub.mode"] == "subscribe":
                    self.verified[fields["hub.callback"]] = fields
                else:
                    self.verified.pop(fields["hub.callback"], None)
        return statuses

    def deny(self, fields: dict[str, str], reason: str) -> int:
        return self.ask(fields, **{"hub.mode": "denied", "hub.reason": reason})[0]

    def ask(self, fields: dict[str, str], **query: str) -> tuple[int, bytes]:
        full = {"hub.topic": fields["hub.topic"], "hub.lease_seconds": str(self.lease_seconds)} | query
        return call("GET", f"{fields['hub.callback']}?{urlencode(full)}")

    def deliver(self, body: bytes, method: str = "sha256", **headers: str) -> list[int]:
        """Post a body to every verified callback."""
        return [
            call("POST", callback, body, signed(fields["hub.secret"], body, method) | headers)[0]
            for callback, fields in self.verified.items()
        ]


def signed(secret: str, body: bytes, method: str = "sha256") -> dict[str, str]:
    digest = hmac.new(secret.encode(), body, getattr(hashlib, method)).hexdigest()
    return {"X-Hub-Signature": f"{method}={digest}", "Content-Type": "application/rss+xml"}


def call(
    method: str, url: str, body: bytes = b"", headers: dict[str, Any] | None = None
) -> tuple[int, bytes]:
    parts = urlsplit(url)
    connection = http.client.HTTPConnection(parts.netloc, timeout=10)
    try:
        connection.request(method, f"{parts.path}?{parts.query}", body or None, headers or {})
        answer = connection.getresponse()
        return answer.status, answer.read()
    finally:
        connection.close()
