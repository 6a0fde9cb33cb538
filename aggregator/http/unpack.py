"""Bodies taken out of their content encoding, within limits.

libcurl would unpack by itself, but hides how many bytes came over the wire, so that no ratio can be kept.
"""

import sys
import zlib
from collections.abc import Callable
from typing import Protocol

import brotli

from aggregator.errors import BodyTooLarge, ConnectionFailed

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

FREE = 1024 * 1024  # bytes that may be unpacked at any ratio
RATIO = 10
_STEP = 64 * 1024
_MEMBERS = 1000  # gzip streams one after another; each costs a copy of what follows it
_WINDOW: dict[int, int] = {zstd.DecompressionParameter.window_log_max: 23}  # 8 MiB (RFC 9659)
_CORRUPT = (zlib.error, brotli.error, zstd.ZstdError)


class _Stream(Protocol):
    """What unpacks; it holds back what goes beyond `max_length` and gives it when called again."""

    @property
    def eof(self) -> bool: ...
    @property
    def unused_data(self) -> bytes: ...
    def decompress(self, data: bytes, max_length: int, /) -> bytes: ...


class _Zlib:
    def __init__(self, window: int) -> None:
        self._stream = zlib.decompressobj(window)

    @property
    def eof(self) -> bool:
        return self._stream.eof

    @property
    def unused_data(self) -> bytes:
        return self._stream.unused_data

    def decompress(self, data: bytes, max_length: int, /) -> bytes:
        return self._stream.decompress(self._stream.unconsumed_tail + data, max_length)


class _Brotli:
    unused_data = b""  # what follows a complete stream is an error

    def __init__(self) -> None:
        self._stream = brotli.Decompressor()

    @property
    def eof(self) -> bool:
        return bool(self._stream.is_finished())

    def decompress(self, data: bytes, max_length: int, /) -> bytes:
        return bytes(self._stream.process(data, output_buffer_limit=max_length))


def _gzip(_: bytes) -> _Stream:
    return _Zlib(16 + zlib.MAX_WBITS)


def _deflate(start: bytes) -> _Stream:
    # RFC 9110 section 8.4.1.2 means the zlib format; some servers send it bare, as browsers accept.
    has_zlib_header = bool(start) and start[0] & 0x0F == zlib.DEFLATED
    return _Zlib(zlib.MAX_WBITS if has_zlib_header else -zlib.MAX_WBITS)


def _br(_: bytes) -> _Stream:
    return _Brotli()


def _zstd(_: bytes) -> _Stream:
    return zstd.ZstdDecompressor(options=_WINDOW)


_OPENERS: dict[str, Callable[[bytes], _Stream]] = {
    "gzip": _gzip,
    "x-gzip": _gzip,
    "deflate": _deflate,
    "br": _br,
    "zstd": _zstd,
}
# How another stream starts after a complete one; what else follows gzip is padding, as gzip(1) takes it.
_NEXT = {"gzip": b"\x1f", "x-gzip": b"\x1f", "zstd": b""}


class Unpacker:
    """Takes a body chunk by chunk and gives it back whole.

    Raises: BodyTooLarge beyond `max_bytes` on the wire or unpacked, or beyond ten times the wire's bytes once
    1 MiB is unpacked; ConnectionFailed where the body is corrupt, cut off or in an encoding nobody asked for.
    """

    def __init__(self, url: str, encoding: str, max_bytes: int) -> None:
        self.url, self.max_bytes, self.wire_bytes = url, max_bytes, 0
        self._unpacked = bytearray()
        self._stream: _Stream | None = None
        self._members = 0
        name = encoding.strip().lower()
        self._open, self._next = _OPENERS.get(name), _NEXT.get(name)
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
        except _CORRUPT as error:
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
            piece = stream.decompress(data, _STEP)
            while piece:
                self._keep(piece)
                piece = b"" if stream.eof else stream.decompress(b"", _STEP)
            data = stream.unused_data if stream.eof else b""

    def _stream_for(self, data: bytes) -> _Stream | None:
        """Return what reads these bytes: a new stream at the start and after each complete member."""
        if self._stream is not None and not self._stream.eof:
            return self._stream
        if self._stream is not None and (self._next is None or not data.startswith(self._next)):
            return None
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
