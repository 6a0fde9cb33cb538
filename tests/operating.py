"""An operator with a browser of its own making: what it sends is what a test says."""

import contextlib
import http.client
import re
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlencode

from aggregator.config import Config
from tests.webservers import Answer

TOKEN = "Kq8-" * 10


def with_token(folder: Path) -> Path:
    """Write the token where nobody else can read it, and return where."""
    path = folder / "operator.token"
    path.touch(mode=0o600)
    path.write_text(f"{TOKEN}\n")
    return path


def settings(folder: Path, **more: object) -> Config:
    """Return settings with a token, a store and a list of a test's own."""
    return Config(
        store=folder / "store.sqlite", output=folder / "output", opml=folder / "feeds.opml",
        listen="127.0.0.1:0", base_url="https://news.example/",
        operator_token_file=with_token(folder), allow_private_hosts=True, engine="none", **more,
    )  # fmt: skip


@dataclass
class Operator:
    """Somebody who asks a server, with the cookies it was given."""

    port: int
    cookies: dict[str, str] = field(default_factory=dict)
    headers: dict[str, str] = field(default_factory=dict)  # sent with everything

    @property
    def origin(self) -> str:
        """Return where its pages come from."""
        return f"http://127.0.0.1:{self.port}"

    def send(self, method: str, path: str, body: bytes = b"", **headers: str) -> Answer:
        """Ask beneath /operator/ and keep the cookies."""
        given = self.headers | {name.replace("_", "-"): value for name, value in headers.items()}
        if self.cookies:
            given["Cookie"] = "; ".join(f"{name}={value}" for name, value in self.cookies.items())
        with contextlib.closing(http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)) as line:
            line.request(method, f"/operator/{path}", body or None, given)
            answer = line.getresponse()
            for text in answer.headers.get_all("Set-Cookie", []):
                name, _, value = text.partition(";")[0].partition("=")
                self.cookies[name] = value.strip('"')
                if not self.cookies[name]:
                    del self.cookies[name]
            return Answer(answer.status, answer.headers, answer.read())

    def see(self, path: str = "") -> str:
        """Return the text of a page that is there."""
        answer = self.send("GET", path)
        assert answer.status == 200, (path, answer.status)
        return answer.body.decode()

    def post(self, path: str, fields: dict[str, str], **headers: str) -> Answer:
        """Send a form as a browser does from a page of the server itself, unless told otherwise."""
        kind = {"Content-Type": "application/x-www-form-urlencoded", "Origin": self.origin}
        return self.send("POST", path, urlencode(fields).encode(), **kind | headers)

    def log_in(self, token: str = TOKEN, **headers: str) -> Answer:
        """Send the token."""
        return self.post("log-in", {"token": token}, **headers)

    def key(self) -> str:
        """Return what a page has its forms send back."""
        found = re.search(r'name="key" value="([^"]+)"', self.see("add"))
        assert found
        return found[1]

    def do(self, path: str, **fields: str) -> str:
        """Send a form from a page, and return what the next page says first."""
        answer = self.post(path, {"key": self.key(), **fields})
        assert answer.status == 303, (answer.status, answer.body.decode())
        place = f"/operator/{path}".rpartition("/")[0]
        to = answer.headers["Location"]
        while to.startswith("../"):
            place, to = place.rpartition("/")[0], to[3:]
        page = self.see(f"{place}/{to}".removeprefix("/operator/").removeprefix("./"))
        said = re.search(r'<p class="note" role="status">(.*?)</p>', page)
        return said[1] if said else page
