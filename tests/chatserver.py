"""A stand-in for services that translate, on loopback: chat completions as OpenAI's API has them, and DeepL's."""

import json
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self


@dataclass(frozen=True)
class Raw:
    """An answer that is no translation."""

    status: int = 200
    body: bytes = b""
    headers: dict[str, str] = field(default_factory=dict)
    wait: float = 0.0


Translate = Callable[[str], "str | Raw"]


class ChatServer:
    """Answers each segment with what `translate` makes of it, and records what it was asked."""

    def __init__(self, translate: Translate) -> None:
        self.translate = translate
        self.requests: list[dict[str, Any]] = []
        self.headers: list[dict[str, str]] = []
        self.segments: list[str] = []
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), type("Handler", (_Handler,), {"owner": self}))
        self._server.daemon_threads = True
        self.port = self._server.server_address[1]
        self.url = f"http://127.0.0.1:{self.port}/v1"

    def __enter__(self) -> Self:
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()

    def answer(self, path: str, request: dict[str, Any]) -> Raw:
        """Return what the service says to one request."""
        self.requests.append(request)
        if path == "/v2/translate":
            return self._deepl(request)
        if path != "/v1/chat/completions":
            return Raw(404)
        segment = json.loads(request["messages"][-1]["content"])
        self.segments.append(segment)
        text = self.translate(segment)
        if isinstance(text, Raw):
            return text
        choice = {"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": text}}
        return Raw(body=json.dumps({"object": "chat.completion", "choices": [choice]}).encode())

    def _deepl(self, request: dict[str, Any]) -> Raw:
        self.segments += request["text"]
        answers = [self.translate(segment) for segment in request["text"]]
        for answer in answers:
            if isinstance(answer, Raw):
                return answer
        texts = [{"detected_source_language": "EN", "text": text} for text in answers]
        return Raw(body=json.dumps({"translations": texts}).encode())


class _Handler(BaseHTTPRequestHandler):
    owner: ChatServer

    def do_POST(self) -> None:
        self.owner.headers.append({name.lower(): value for name, value in self.headers.items()})
        body = self.rfile.read(int(self.headers["Content-Length"]))
        answer = self.owner.answer(self.path, json.loads(body))
        time.sleep(answer.wait)
        try:
            self.send_response(answer.status)
            for name, value in {"Content-Length": str(len(answer.body)), **answer.headers}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(answer.body)
        except (BrokenPipeError, ConnectionResetError):
            self.close_connection = True  # the client has waited long enough

    def log_message(self, *_: object) -> None:
        """Keep quiet; requests are recorded."""
