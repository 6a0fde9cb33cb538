"""One document posted to a service the operator named, and its answer, by libcurl without an event loop.

No redirect is followed: the request carries a key. Private addresses are allowed, since a service on the same
machine or network is meant as often as not; the environment's proxy settings hold.
"""

import io
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from urllib.parse import urlencode

import pycurl

from aggregator.errors import BodyTooLarge, ConnectionFailed, FetchTimeout, HostForbidden

_CONNECT = 5_000  # milliseconds
_MOST = 1024 * 1024  # bytes of an answer


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """What a service answered, whatever its status."""

    status: int
    body: bytes = field(repr=False)
    retry_after: float = 0.0  # seconds; 0 where the service says none


def post_json(url: str, document: object, headers: Mapping[str, str], patience: timedelta) -> Reply:
    """Post a document as JSON and return the answer.

    Raises: FetchTimeout where it is not complete in time, BodyTooLarge beyond 1 MiB, ConnectionFailed,
    HostForbidden where the URL is none.
    """
    return _post(url, json.dumps(document), {"Content-Type": "application/json", **headers}, patience)


def post_form(url: str, fields: Mapping[str, str], headers: Mapping[str, str], patience: timedelta) -> Reply:
    """Post a form and return the answer.

    Raises: as `post_json`.
    """
    return _post(url, urlencode(fields), headers, patience)  # libcurl says what it is


def _post(url: str, text: str, headers: Mapping[str, str], patience: timedelta) -> Reply:
    body, received, size = io.BytesIO(), dict[str, str](), 0

    def take(chunk: bytes) -> int:
        nonlocal size
        size += len(chunk)
        return body.write(chunk) if size <= _MOST else 0  # fewer than were given ends the transfer

    transfer = pycurl.Curl()
    try:
        _prepare(transfer, url, text, headers, patience)
        transfer.setopt(pycurl.WRITEFUNCTION, take)
        transfer.setopt(pycurl.HEADERFUNCTION, lambda line: _take_header(received, line))
        transfer.perform()
        status = int(transfer.getinfo(pycurl.RESPONSE_CODE))
    except pycurl.error as error:
        if size > _MOST:
            raise BodyTooLarge(url, f"more than {_MOST} bytes") from error
        raise _failure(url, error, patience) from error
    finally:
        transfer.close()
    return Reply(status=status, body=body.getvalue(), retry_after=_seconds(received.get("retry-after", "")))


def _prepare(
    transfer: pycurl.Curl, url: str, text: str, headers: Mapping[str, str], patience: timedelta
) -> None:
    lines = {"Expect": "", **headers}
    transfer.setopt(pycurl.URL, url.encode())
    transfer.setopt(pycurl.PROTOCOLS, pycurl.PROTO_HTTP | pycurl.PROTO_HTTPS)
    transfer.setopt(pycurl.NOSIGNAL, 1)
    transfer.setopt(pycurl.CONNECTTIMEOUT_MS, _CONNECT)
    transfer.setopt(pycurl.TIMEOUT_MS, max(1, int(patience.total_seconds() * 1000)))
    transfer.setopt(pycurl.POSTFIELDS, text.encode())
    transfer.setopt(pycurl.HTTPHEADER, [f"{name}: {value}" for name, value in lines.items()])


def _take_header(received: dict[str, str], line: bytes) -> None:
    name, _, value = line.decode("latin-1").partition(":")
    received[name.strip().lower()] = value.strip()


def _seconds(text: str) -> float:
    """Read a Retry-After in seconds; services that translate write no dates there."""
    return float(text[:9]) if text.isascii() and text.isdigit() else 0.0


def _failure(
    url: str, error: pycurl.error, patience: timedelta
) -> FetchTimeout | HostForbidden | ConnectionFailed:
    code, text = error.args[0], str(error.args[1])
    if code == pycurl.E_OPERATION_TIMEDOUT:
        return FetchTimeout(url, f"no complete answer after {patience.total_seconds():.0f} s")
    if code in {pycurl.E_UNSUPPORTED_PROTOCOL, pycurl.E_URL_MALFORMAT}:
        return HostForbidden(url, text)
    return ConnectionFailed(url, text)
