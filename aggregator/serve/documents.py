"""The files of output/ over HTTP: which one a path means, in which form, and its bytes on the way."""

import asyncio
import errno
import logging
import os
import re
import stat
from collections.abc import Awaitable, Callable, Iterable, Mapping
from pathlib import Path
from typing import BinaryIO
from urllib.parse import quote

from aiohttp import web

from aggregator.config import Config
from aggregator.errors import StoreError
from aggregator.serve import answer
from aggregator.serve.answer import Answer, Form
from aggregator.store import reading, retention

_CHUNK = 1 << 18
_FEED_VARIES = "Accept, Sec-Fetch-Dest, Accept-Encoding"
_ENTRY = re.compile(
    r"(?P<folder>(?:.*/)?)entries/(?P<slug>\d{4}/\d\d/[0-9a-f]{8,32})(?:\.html|/comments\.xml)"
)
_STALL = 60.0  # seconds a client may take for a chunk: nobody holds a connection for ever

log = logging.getLogger(__name__)


def handler(config: Config) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
    """Return what serves the files of output/."""
    root, fixed = config.output.resolve(), answer.headers(config.visibility)

    async def serve_document(request: web.Request) -> web.StreamResponse:
        path = request.match_info["path"]
        file = find(root, path)
        if file is None:
            return await _absent(config, root, path, fixed)
        varying = {"Vary": _FEED_VARIES if answer.is_feed(file.name) else "Accept-Encoding"}
        if answer.is_feed(file.name) and answer.is_navigation(request.headers):
            file = _page_for(root, file) or file
        try:
            body, form = open_form(file, answer.encodings(request.headers.get("Accept-Encoding", "")))
        except OSError as error:  # gone a moment ago, or not ours to read
            log.warning("unreadable path=%s error=%s", file, error.strerror)
            return web.Response(status=404, text="404\n", headers=fixed)
        with body:
            given = answer.answer(file.name, form, request.headers)
            return await _send(request, body, given, {**fixed, **varying, **given.headers})

    return serve_document


def find(root: Path, path: str) -> Path | None:
    """Return the file that a decoded path means: never one outside `root`, hidden, or a copy of another."""
    *folders, name = path.split("/")
    parts = [*folders, name or "index.html"]
    if any(not part or part.startswith(".") for part in parts) or name.endswith((".gz", ".br")):
        return None
    try:
        file = root.joinpath(*parts).resolve()
        is_file = stat.S_ISREG(file.stat().st_mode)
    except (OSError, ValueError):  # none there, too long, or with characters no name has
        return None
    within = file.is_relative_to(root) and "/." not in str(file)[len(str(root)) :]
    return file if is_file and within else None


def _page_for(root: Path, file: Path) -> Path | None:
    """Return the page about feeds that lies beside a feed or in the nearest folder above it."""
    folders = (folder for folder in file.parents if folder.is_relative_to(root))
    pages = (find(root, str(folder.relative_to(root) / answer.PAGE)) for folder in folders)
    return next(filter(None, pages), None)


async def _absent(config: Config, root: Path, path: str, fixed: Mapping[str, str]) -> web.Response:
    """Answer 404 or 410, or lead to a folder whose index is there: its links count from the final slash."""
    name = path.rpartition("/")[2]
    if name and find(root, f"{path}/"):
        return web.Response(status=301, headers={**fixed, "Location": f"./{quote(name)}/"})
    status = 410 if await asyncio.to_thread(_is_gone, config, root, path) else 404
    return web.Response(status=status, text=f"{status}\n", headers=fixed)


def _is_gone(config: Config, root: Path, path: str) -> bool:
    """Tell whether there was an entry's page once; on a private site to those alone who know its path."""
    entry = _ENTRY.fullmatch(path)
    if entry is None or find(root, entry["folder"]) is None:
        return False
    try:
        with reading(config.store) as db:
            return retention.is_gone(db, entry["slug"])
    except StoreError:
        return False


def open_form(file: Path, encodings: Iterable[str]) -> tuple[BinaryIO, Form]:
    """Open the best form of a file that is there and as new as the file itself; opened, it stays as it is.

    Raises: OSError.
    """
    body, form = _open(file, "")
    for encoding in encodings:
        try:
            copy, packed = _open(file.with_name(file.name + answer.ENCODINGS[encoding]), encoding)
        except OSError:
            continue
        if packed.modified_ns == form.modified_ns:
            body.close()
            return copy, packed
        copy.close()
    return body, form


def _open(file: Path, encoding: str) -> tuple[BinaryIO, Form]:
    # Links were followed before, by find(); one that is here now, or a pipe, is not what was asked for.
    descriptor = os.open(file, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    found = os.fstat(descriptor)
    if not stat.S_ISREG(found.st_mode):
        os.close(descriptor)
        raise IsADirectoryError(errno.EISDIR, "no regular file", str(file))
    body = os.fdopen(descriptor, "rb")
    return body, Form(size=found.st_size, modified_ns=found.st_mtime_ns, encoding=encoding)


async def _send(
    request: web.Request, body: BinaryIO, given: Answer, headers: Mapping[str, str]
) -> web.StreamResponse:
    body.seek(given.start)
    if given.length <= _CHUNK and request.method == "GET":
        return web.Response(status=given.status, headers=headers, body=body.read(given.length))
    response = web.StreamResponse(status=given.status, headers=headers)
    response.content_length = given.length
    left = given.length if request.method == "GET" else 0
    try:
        await response.prepare(request)
        while left > 0 and (chunk := body.read(min(left, _CHUNK))):
            left -= len(chunk)
            async with asyncio.timeout(_STALL):
                await response.write(chunk)
    except ConnectionResetError:
        log.debug("client_gone path=%s", request.path)
    except TimeoutError:
        log.info("stalled path=%s", request.path)
        if request.transport:
            request.transport.abort()
    return response
