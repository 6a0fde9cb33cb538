"""Loopback hosts that are as slow as a seed says: lognormal, with a Pareto tail.

python bench/slowhosts.py PORT FOLDER [--again] [--seed 7 --median 0.2 --sigma 0.8 --tail 0.02]

Serves FOLDER/old/N.xml at /N.xml of any address in 127/8. With --again requests that name an ETag get 304,
but for one in 8, whose server knows of none, and for those with a FOLDER/new/N.xml. Without it none waits.
"""

import argparse
import asyncio
import contextlib
import random
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.request import urlopen

PLAIN = 8  # each how many-th feed comes whole, and the same, whatever is asked


@dataclass(frozen=True, slots=True, kw_only=True)
class Latency:
    """How long an answer takes, in seconds."""

    seed: int = 7
    median: float = 0.2
    sigma: float = 0.8  # of the logarithm
    tail: float = 0.02  # share of answers that come from the tail
    tail_from: float = 2.0  # where it begins
    tail_alpha: float = 1.5  # Pareto's exponent
    most: float = 30.0  # a fetch is given up then

    def draw(self, chance: random.Random) -> float:
        """Return one answer's time."""
        if chance.random() < self.tail:
            return min(self.tail_from * chance.paretovariate(self.tail_alpha), self.most)
        return min(chance.lognormvariate(0.0, self.sigma) * self.median, self.most)

    def of(self, number: int) -> float:
        """Return the time of the answer for one feed, the same at each call."""
        return self.draw(random.Random(f"{self.seed} {number}"))

    def flags(self) -> list[str]:
        """Return what tells a server of it."""
        names = ("seed", "median", "sigma", "tail", "tail_from", "tail_alpha")
        return [f"--{name}={getattr(self, name)}" for name in names]


def answer_of(number: int, folder: Path) -> str:
    """Say what the second poll of a feed brings: 304, same or new."""
    if (folder / "new" / f"{number}.xml").exists():
        return "new"
    return "same" if number % PLAIN == 1 else "304"


@contextlib.contextmanager
def serving(folder: Path, port: int, latency: Latency | None = None) -> Iterator[int]:
    """Serve in a process of its own, and yield its id; with a latency as at the second poll."""
    flags = ["--again", *latency.flags()] if latency else []
    command = [sys.executable, __file__, str(port), str(folder), *flags]
    with subprocess.Popen(command) as process:
        _wait_for(port)
        try:
            yield process.pid
        finally:
            process.terminate()


def _wait_for(port: int) -> None:
    for _ in range(200):
        with contextlib.suppress(OSError), urlopen(f"http://127.0.0.1:{port}/ready", timeout=1):
            return
        time.sleep(0.05)
    raise SystemExit("the slow hosts do not answer")


class _Hosts:
    def __init__(self, folder: Path, latency: Latency | None) -> None:
        self.folder, self.latency = folder, latency

    async def answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError):
            while True:
                head = (await reader.readuntil(b"\r\n\r\n")).lower()
                number = head.split(b" ", 2)[1].strip(b"/").removesuffix(b".xml").decode()
                writer.write(await self._response(int(number), head) if number.isdigit() else _whole(b""))
                await writer.drain()
        writer.close()

    async def _response(self, number: int, head: bytes) -> bytes:
        if self.latency is None:
            return _whole((self.folder / "old" / f"{number}.xml").read_bytes(), f'"{number}"')
        await asyncio.sleep(self.latency.of(number))
        kind = answer_of(number, self.folder)
        if kind == "304" and b"if-none-match" in head:
            return b'HTTP/1.1 304 Not Modified\r\nETag: "%d"\r\n\r\n' % number
        place = "new" if kind == "new" else "old"
        return _whole((self.folder / place / f"{number}.xml").read_bytes(), f'"{number}-{kind}"')


def _whole(body: bytes, etag: str = '"-"') -> bytes:
    head = f"HTTP/1.1 200 OK\r\nContent-Type: application/xml\r\nETag: {etag}\r\nContent-Length: {len(body)}"
    return f"{head}\r\n\r\n".encode() + body


async def _serve(hosts: _Hosts, port: int) -> None:
    server = await asyncio.start_server(hosts.answer, "0.0.0.0", port, backlog=4096)
    async with server:
        await server.serve_forever()


def main() -> None:
    """Serve until it is ended."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("port", type=int)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--again", action="store_true")
    for name in ("seed", "median", "sigma", "tail", "tail_from", "tail_alpha"):
        default = getattr(Latency(), name)
        parser.add_argument(f"--{name}", type=type(default), default=default)
    options = vars(parser.parse_args())
    port, folder, again = (options.pop(name) for name in ("port", "folder", "again"))
    asyncio.run(_serve(_Hosts(folder, Latency(**options) if again else None), port))


if __name__ == "__main__":
    main()
