"""A real browser, driven over its DevTools pipe: what it asks for, complains of, shows and lets one do.

Source: https://chromedevtools.github.io/devtools-protocol/
"""

import base64
import contextlib
import json
import os
import select
import shutil
import signal
import subprocess
import time
from pathlib import Path
from typing import Any, Self

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
_FLAGS = (
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--hide-scrollbars",
    "--disable-background-networking", "--disable-component-update", "--disable-sync", "--disable-dev-shm-usage",
    "--remote-debugging-pipe", "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
)  # fmt: skip
_PATIENCE = 30.0  # seconds for an answer, on a busy machine


class Browser:
    """One tab of a headless Chromium that reaches this machine alone."""

    def __init__(self, folder: Path) -> None:
        assert CHROMIUM
        # The browser reads commands from descriptor 3 and writes answers to 4.
        command = 'exec "$@" 3<&0 4>&1 </dev/null >/dev/null'
        self._process = subprocess.Popen(
            ["sh", "-c", command, "sh", CHROMIUM, *_FLAGS, f"--user-data-dir={folder}"],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, start_new_session=True,
        )  # fmt: skip
        assert self._process.stdin
        assert self._process.stdout
        self._to, self._from, self._left = self._process.stdin, self._process.stdout, b""
        self._session, self._number = "", 0
        self.events: list[dict[str, Any]] = []
        target = self.call("Target.createTarget", url="about:blank")["targetId"]
        self._session = self.call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for domain in ("Page", "Network", "Runtime", "Log"):
            self.call(f"{domain}.enable")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()
        self._to.close()
        self._from.close()

    def call(self, method: str, **parameters: object) -> dict[str, Any]:
        """Do what the protocol names, and return what it says to that."""
        self._number += 1
        asked: dict[str, object] = {"id": self._number, "method": method, "params": parameters}
        if self._session:
            asked["sessionId"] = self._session
        self._to.write(json.dumps(asked).encode() + b"\0")
        self._to.flush()
        while (answer := self._read()).get("id") != self._number:
            self.events.append(answer)
        assert "error" not in answer, (method, answer["error"])
        result: dict[str, Any] = answer["result"]
        return result

    def _read(self) -> dict[str, Any]:
        until = time.monotonic() + _PATIENCE
        while b"\0" not in self._left:
            ready, _, _ = select.select([self._from], [], [], max(0.0, until - time.monotonic()))
            assert ready, "the browser does not answer"
            some = os.read(self._from.fileno(), 1 << 20)
            assert some, "the browser ended"
            self._left += some
        message, _, self._left = self._left.partition(b"\0")
        answer: dict[str, Any] = json.loads(message)
        return answer

    def _wait_for(self, method: str, since: int) -> None:
        until = time.monotonic() + _PATIENCE
        while not any(event.get("method") == method for event in self.events[since:]):
            assert time.monotonic() < until, f"no {method}"
            self.events.append(self._read())

    def open(self, url: str) -> None:
        """Go to an address and wait until it is there."""
        since = len(self.events)
        self.call("Page.navigate", url=url)
        self._wait_for("Page.loadEventFired", since)

    def look_like(self, width: int, scheme: str) -> None:
        """Be a screen of this width that prefers light or dark."""
        self.call(
            "Emulation.setDeviceMetricsOverride",
            width=width,
            height=800,
            deviceScaleFactor=1,
            mobile=width < 600,
        )
        self.call("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": scheme}])

    def evaluate(self, expression: str) -> Any:
        """Return the value of a JavaScript expression, once a promise of it is kept."""
        found = self.call("Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True)
        assert "exceptionDetails" not in found, found
        return found["result"].get("value")

    def click(self, selector: str) -> None:
        """Press the mouse on the first element of this kind, and wait for the page it leads to."""
        box = self.evaluate(f"""(() => {{
            const element = document.querySelector({json.dumps(selector)});
            element.scrollIntoView({{block: "center"}});
            const box = element.getClientRects()[0];
            return [box.x + box.width / 2, box.y + box.height / 2];
        }})()""")
        since = len(self.events)
        for kind in ("mousePressed", "mouseReleased"):
            self.call("Input.dispatchMouseEvent", type=kind, x=box[0], y=box[1], button="left", clickCount=1)
        self._wait_for("Page.loadEventFired", since)

    def type(self, selector: str, text: str) -> None:
        """Write into a field and press Enter, and wait for the page it leads to."""
        self.evaluate(f"document.querySelector({json.dumps(selector)}).focus()")
        self.call("Input.insertText", text=text)
        since = len(self.events)
        for kind in ("keyDown", "keyUp"):
            self.call(
                "Input.dispatchKeyEvent",
                type=kind,
                key="Enter",
                code="Enter",
                text="\r",
                windowsVirtualKeyCode=13,
            )
        self._wait_for("Page.loadEventFired", since)

    def press(self, key: str) -> None:
        """Press one key."""
        for kind in ("keyDown", "keyUp"):
            self.call("Input.dispatchKeyEvent", type=kind, key=key, code=key, windowsVirtualKeyCode=9)

    def picture(self, path: Path, height: int | None = None) -> None:
        """Save what the page looks like, down to a height or to its end."""
        size = self.call("Page.getLayoutMetrics")["cssContentSize"]
        clip = {"x": 0, "y": 0, "width": size["width"], "height": height or size["height"], "scale": 1}
        found = self.call("Page.captureScreenshot", clip=clip, captureBeyondViewport=True)
        path.write_bytes(base64.b64decode(found["data"]))

    @property
    def requests(self) -> list[str]:
        """List every address that was asked for."""
        return [event["params"]["request"]["url"] for event in self._of("Network.requestWillBeSent")]

    @property
    def complaints(self) -> list[str]:
        """List what the console holds against the pages."""
        logged = [event["params"]["entry"] for event in self._of("Log.entryAdded")]
        said = [event["params"] for event in self._of("Runtime.consoleAPICalled")]
        thrown = [json.dumps(event["params"]) for event in self._of("Runtime.exceptionThrown")]
        return [
            *(f"{each['text']} {each.get('url', '')}" for each in logged if each["level"] in {"error", "warning"}),
            *(json.dumps(each["args"]) for each in said if each["type"] in {"error", "warning"}), *thrown,
        ]  # fmt: skip

    def _of(self, method: str) -> list[dict[str, Any]]:
        return [event for event in self.events if event.get("method") == method]
