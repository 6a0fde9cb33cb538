"""The bytes of one large file: fetched with resume, unpacked, or copied from a folder.

Nothing here is trusted: models.py checks the sum of what arrives before it is used.
"""

import gzip
import http.client
import queue
import shutil
import threading
import time
import urllib.error
import urllib.request
import zlib
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

from aggregator import __version__
from aggregator.errors import BadStatus, BodyTooLarge, ConnectionFailed, FetchTimeout

Step = Callable[[int, int], None]  # so many of so many, in any unit

_ATTEMPTS = 5  # at one address, each going on where the last one broke off
_STALL = 30.0  # seconds without a byte
_SLOWEST = 2048  # bytes a second on average, after the first _STALL seconds
_CHUNK = 1 << 18


def download(url: str, part: Path, limit: int, first_byte: timedelta, step: Step) -> None:
    """Fetch a URL into a file, going on from what the file holds.

    Raises: FetchError.
    """
    if not url.startswith(("http://", "https://")):
        raise ConnectionFailed(url, "is no http or https address")
    for attempt in range(1, _ATTEMPTS + 1):
        before = _size(part)
        try:
            _go_on(url, part, limit, first_byte, step)
        except (ConnectionFailed, FetchTimeout):
            if attempt == _ATTEMPTS or _size(part) == before:
                raise
        else:
            return


def download_gzip(url: str, part: Path, limit: int, first_byte: timedelta, step: Step) -> None:
    """Fetch a gzipped file and leave it unpacked, never longer than `limit`.

    Raises: FetchError.
    """
    packed = part.with_name(part.name + ".gz")
    download(url, packed, limit + _CHUNK, first_byte, step)
    try:
        with gzip.open(packed) as source, part.open("wb") as target:
            while chunk := source.read(_CHUNK):
                target.write(chunk)
                if target.tell() > limit:
                    raise BodyTooLarge(url, f"unpacks to more than {limit} bytes")
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise ConnectionFailed(url, f"is not the gzipped file it should be ({error})") from error
    finally:
        packed.unlink()


def _go_on(url: str, part: Path, limit: int, first_byte: timedelta, step: Step) -> None:
    have = _size(part)
    headers = {"User-Agent": f"aggregator/{__version__}", "Accept-Encoding": "identity"}
    if have:
        headers["Range"] = f"bytes={have}-"
    try:
        request = urllib.request.Request(url, headers=headers)  # noqa: S310 - download() took http(s) only
        with _open(request, first_byte) as answer:
            begins_at = answer.headers.get("Content-Range", "").partition("-")[0]
            resumed = answer.status == 206 and begins_at == f"bytes {have}"
            _copy(url, answer, part, have if resumed else 0, limit, step)
    except urllib.error.HTTPError as error:
        error.close()
        _refused(url, part, have, error)
    except TimeoutError as error:
        raise FetchTimeout(url, f"no answer in time ({error})") from error
    except (OSError, http.client.HTTPException) as error:
        raise ConnectionFailed(url, str(getattr(error, "reason", error))) from error


def _refused(url: str, part: Path, have: int, error: urllib.error.HTTPError) -> None:
    """416 means that the file is complete, or is not the one that was begun (RFC 9110, 15.5.17)."""
    if error.code != 416 or not have:
        raise BadStatus(url, f"answered {error.code}", error.code) from error
    if error.headers.get("Content-Range") == f"bytes */{have}":
        return
    part.unlink()
    raise ConnectionFailed(url, "holds another file than the one begun") from error


def _copy(url: str, answer: Any, part: Path, have: int, limit: int, step: Step) -> None:
    whole = None if answer.length is None else have + answer.length
    started = time.monotonic()
    with part.open("ab" if have else "wb") as file:
        received = have
        while chunk := answer.read1(_CHUNK):
            received += file.write(chunk)
            if received > limit:
                file.truncate(0)  # nothing to go on from
                raise BodyTooLarge(url, f"is longer than {limit} bytes")
            if time.monotonic() - started > _STALL + (received - have) / _SLOWEST:
                raise FetchTimeout(url, f"comes slower than {_SLOWEST} bytes a second")
            step(received, whole or limit)
    if whole is not None and received < whole:
        raise ConnectionFailed(url, f"broke off after {received} of {whole} bytes")


def _open(request: urllib.request.Request, first_byte: timedelta) -> Any:
    """Open a request within a time that covers name look-up, every address, TLS and the headers.

    urllib's own time-out counts for each address anew and not at all for the look-up; a thread that is left
    behind ends with the process.
    """
    box: queue.SimpleQueue[Any] = queue.SimpleQueue()

    def attempt() -> None:
        try:
            box.put(urllib.request.urlopen(request, timeout=_STALL))  # noqa: S310 - download() took http(s) only
        except (OSError, http.client.HTTPException) as error:
            box.put(error)

    threading.Thread(target=attempt, name="open-url", daemon=True).start()
    try:
        answer = box.get(timeout=first_byte.total_seconds())
    except queue.Empty:
        raise TimeoutError(f"{first_byte.total_seconds():.0f} s") from None
    if isinstance(answer, Exception):
        raise answer
    return answer


def copy_file(source: Path, part: Path, limit: int, step: Step) -> None:
    """Copy a file of a local folder.

    Raises: FetchError.
    """
    try:
        size = source.stat().st_size
        if size > limit:
            raise BodyTooLarge(str(source), f"is longer than {limit} bytes")
        shutil.copyfile(source, part)
    except OSError as error:
        raise ConnectionFailed(str(source), error.strerror or str(error)) from error
    step(size, size)


def _size(file: Path) -> int:
    return file.stat().st_size if file.exists() else 0
