"""One `aggregator run` after the other over the same store, under a fast clock, and a reader beside it."""

import contextlib
import http.client
import os
import signal
import sqlite3
import subprocess
import sys
import threading
import time
import xml.etree.ElementTree as ET
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

import vitals
from fastclock import ROOT, Simulation

from aggregator.config import Config
from aggregator.translate import models
from tests.smallmodel import model_folder, real_manifest

_ID = "{http://www.w3.org/2005/Atom}id"
_ENTRY = "{http://www.w3.org/2005/Atom}entry"


def small_model(folder: Path) -> str:
    """Put the small English–Portuguese model where the firefox engine finds it; return its manifest."""
    manifest = real_manifest(folder / "manifest.json")
    config = Config(models=folder / "models", language="pt", models_url=str(model_folder()))
    models.pull("firefox", config, manifest=manifest)
    return str(manifest)


def quickened(speed: float) -> dict[str, str]:
    """Return settings under which turns come as often and last as long as a real clock would let them.

    Shape: at least a second apart, and two seconds long: below that a turn is all beginning and end.
    """
    apart, long = f"{max(30 / speed, 1):.1f}s", f"{max(60 / speed, 2):.1f}s"
    groups = ("POLL", "TRANSLATE", "PUBLISH", "COUNT", "CARE")
    budgets = ("BUDGET_POLL", "BUDGET_PUBLISH", "PUBLISH_EVERY")
    return {f"SCHEDULE_{group}": apart for group in groups} | dict.fromkeys(budgets, long)


@dataclass(slots=True)
class Daemon:
    """The process that is on, and how often one was started."""

    folder: Path
    simulation: Simulation
    settings: Mapping[str, object]
    cores: int = 0  # that it may use; 0: all
    process: subprocess.Popen[bytes] | None = None
    started: int = 0

    @property
    def store(self) -> Path:
        """The database."""
        return self.folder / "store.sqlite"

    @property
    def log(self) -> str:
        """What all of them have logged so far."""
        return (self.folder / "log.txt").read_text(encoding="utf-8", errors="replace")

    @property
    def pid(self) -> int:
        """The number of the process that is on."""
        assert self.process
        return self.process.pid

    def start(self) -> None:
        """Start one."""
        self.process = self._command("run")
        self.started += 1
        if self.cores:  # what it starts has no more
            os.sched_setaffinity(self.pid, sorted(os.sched_getaffinity(0))[-self.cores :])

    def finish(self, patience: float = 300.0) -> int:
        """Do what is left to do, once none is on, and return how that ended."""
        return self._command("once").wait(patience)

    def _command(self, name: str) -> subprocess.Popen[bytes]:
        named = {
            "OPML": self.folder / "feeds.opml", "STORE": self.store, "OUTPUT": self.folder / "output",
            "MODELS": self.folder / "models", "ALLOW_PRIVATE_HOSTS": 1, "LANGUAGE": "pt", "ENGINE": "firefox",
        }  # fmt: skip
        kept = {each: value for each, value in os.environ.items() if not each.startswith("AGGREGATOR_")}
        own = {f"AGGREGATOR_{key}": str(value) for key, value in (named | dict(self.settings)).items()}
        environment = kept | own | self.simulation.environment | {"PYTHONPATH": str(ROOT)}
        command = [sys.executable, str(Path(__file__).with_name("fastclock.py")), "-v", name]
        with (self.folder / "log.txt").open("ab") as log:
            return subprocess.Popen(command, env=environment, cwd=self.folder, stdout=log, stderr=log)

    def end(self, number: signal.Signals, patience: float = 90.0) -> int:
        """Send a signal and return how it ended; a process that it leaves behind ends the bench."""
        family = vitals.children(self.pid)
        assert self.process
        self.process.send_signal(number)
        status = self.process.wait(patience)
        deadline = time.monotonic() + 15
        while left := [pid for pid in family if vitals.megabytes(pid, "Pss")]:
            if time.monotonic() > deadline:
                sys.exit(f"{number.name} left {len(left)} processes behind")
            time.sleep(0.05)
        return status

    def ask(self, sql: str, *values: object) -> list[tuple[Any, ...]]:
        """Return what the store says; nothing while its tables are being made."""
        if not self.store.exists():
            return []
        with contextlib.closing(sqlite3.connect(f"file:{self.store}?mode=ro", uri=True, timeout=30)) as db:
            try:
                return db.execute(sql, values).fetchall()
            except sqlite3.OperationalError:
                return []

    def booked(self) -> dict[str, float]:
        """Return when the last poll of each feed was written down, in seconds since the start."""
        sql = "SELECT listed_url, max(polled_at) FROM polls JOIN feeds USING (feed_id) GROUP BY feed_id"
        return {url: self.simulation.since(at) for url, at in self.ask(sql)}


@dataclass(slots=True)
class Reader:
    """Somebody who looks at the feed all the while."""

    port: int
    every: float = 1.0
    ids: set[str] = field(default_factory=set)
    answers: Counter[str] = field(default_factory=Counter)
    broken: list[str] = field(default_factory=list)
    away: float = 0.0  # the longest time without an answer
    _ended: threading.Event = field(default_factory=threading.Event)
    _etag: str = ""
    _thread: threading.Thread | None = None

    def __enter__(self) -> Self:
        self._thread = threading.Thread(target=self._read, name="reader", daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        assert self._thread
        self._thread.join()

    def _read(self) -> None:
        heard = time.monotonic()
        while not self._ended.wait(self.every):
            try:
                self._look()
                heard = time.monotonic()
            except (OSError, http.client.HTTPException):
                self.answers["away"] += 1
                self.away = max(self.away, time.monotonic() - heard)

    def _look(self) -> None:
        status, body = self._ask("/atom.xml", {"If-None-Match": self._etag} if self._etag else {})
        self.answers[f"atom.xml {status}"] += 1
        if status == 200:
            self._parse(body)
        health, _ = self._ask("/healthz", {})
        self.answers[f"healthz {health}"] += 1

    def _parse(self, body: bytes) -> None:
        try:
            found = [entry.findtext(_ID) or "" for entry in ET.fromstring(body).iter(_ENTRY)]
        except ET.ParseError as error:
            self.broken.append(str(error))
            return
        if self.ids and not found:
            self.broken.append("the feed is empty")
        self.ids.update(found)

    def _ask(self, path: str, headers: Mapping[str, str]) -> tuple[int, bytes]:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=20)
        try:
            connection.request("GET", path, headers=dict(headers))
            answer = connection.getresponse()
            if path == "/atom.xml" and answer.status == 200:
                self._etag = answer.headers.get("ETag", "")
            return answer.status, answer.read()
        finally:
            connection.close()
