"""Bodies taken out of their content encoding, within limits.

aiohttp would unpack by itself, but hides how many bytes came over the wire, so that no ratio can be kept, and
lets a gzip body that was cut off pass as whole.
"""

import zlib
from collections.abc import Callable
from typing import Protocol

from aggregator.errors import BodyTooLarge, ConnectionFailed

ACCEPT_ENCODING = "gzip, deflate"
FREE = 1024 * 1024  # bytes that may be unpacked at any ratio
RATIO = 10
_STEP = 64 * 1024
_MEMBERS = 1000  # gzip streams one after another; each costs a copy of what follows it


class _Decompressor(Protocol):
    @property
    def eof(self) -> bool: ...
    @property
    def unconsumed_tail(self) -> bytes: ...
    @property
    def unused_data(self) -> bytes: ...
    def decompress(self, data: bytes, max_length: int = ..., /) -> bytes: ...


def _gzip(_: bytes) -> _Decompressor:
    return zlib.decompressobj(16 + zlib.MAX_WBITS)


def _deflate(start: bytes) -> _Decompressor:
    # RFC 9110 section 8.4.1.2 means the zlib format; some servers send it bare, as browsers accept.
    has_zlib_header = bool(start) and start[0] & 0x0F == zlib.DEFLATED
    return zlib.decompressobj(zlib.MAX_WBITS if has_zlib_header else -zlib.MAX_WBITS)


_OPENERS: dict[str, Callable[[bytes], _Decompressor]] = {"gzip": _gzip, "x-gzip": _gzip, "deflate": _deflate}


class Unpacker:
    """Takes a body chunk by chunk and gives it back whole.

    Raises: BodyTooLarge beyond `max_bytes` on the wire or unpacked, or beyond ten times the wire's bytes once
    1 MiB is unpacked; ConnectionFailed where the body is corrupt, cut off or in an encoding nobody asked for.
    """

    def __init__(self, url: str, encoding: str, max_bytes: int) -> None:
        self.url, self.max_bytes, self.wire_bytes = url, max_bytes, 0
        self._unpacked = bytearray()
        self._stream: _Decompressor | None = None
        self._members = 0
        name = encoding.strip().lower()
        self._open = _OPENERS.get(name)
        if self._open is None and name not in {"", "identity"}:
            raise ConnectionFailed(url, f"content-encoding {name!r} was not asked for")

    def add(self, chunk: bytes) -> None:
        """Take the next bytes of the wire."""
        self.wire_bytes += len(chunk)
        if self.wire_bytes > self.max_bytes:
            raise BodyTooLarge(self.url, f"more than {self.max_bytes} bytes")
        if self._open is None:
            self._unpacked += chunk
            return
        try:
            self._inflate(chunk)
        except zlib.error as error:
            raise ConnectionFailed(self.url, f"compressed body is corrupt ({error})") from error

    def finish(self) -> bytes:
        """Return the whole body."""
        if self._stream is not None and not self._stream.eof:
            raise ConnectionFailed(self.url, "compressed body was cut off")
        return bytes(self._unpacked)

    def _inflate(self, data: bytes) -> None:
        while data:
            stream = self._stream_for(data)
            if stream is None:
                return
            while piece := stream.decompress(data, _STEP):
                self._keep(piece)
                data = stream.unconsumed_tail
            data = stream.unused_data if stream.eof else b""

    def _stream_for(self, data: bytes) -> _Decompressor | None:
        """Return what reads these bytes: a new stream at the start and after each complete member."""
        if self._stream is not None and not self._stream.eof:
            return self._stream
        if self._stream is not None and not data.startswith(b"\x1f"):
            return None  # padding after a complete stream: gzip(1) ignores it, too
        self._members += 1
        if self._open is None or self._members > _MEMBERS:
            raise ConnectionFailed(self.url, f"compressed body has more than {_MEMBERS} members")
        self._stream = self._open(data)
        return self._stream

    def _keep(self, piece: bytes) -> None:
        self._unpacked += piece
        size = len(self._unpacked)
        if size > self.max_bytes:
            raise BodyTooLarge(self.url, f"more than {self.max_bytes} bytes unpacked")
        if size > FREE and size > RATIO * self.wire_bytes:
            raise BodyTooLarge(self.url, f"unpacks to more than {RATIO} times its size")
