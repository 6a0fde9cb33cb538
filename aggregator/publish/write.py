"""Writing output/: each document whole or not at all, and only where its bytes differ.

Beside a document that is worth it lie compressed copies for web servers: who takes gzip is sent `x.xml.gz`. A
copy older than its document would be served all the same, so it goes first and comes last.
"""

import gzip
import logging
import os
import shutil
from collections.abc import Callable, Collection, Iterable
from pathlib import Path

import brotli

from aggregator import files
from aggregator.errors import PublishError
from aggregator.model import Document

_SMALLEST = 8192  # what is shorter is sent in a few packets anyway
# The middle of what they can: at their best they take ten times as long for a twentieth less.
_COPIES: dict[str, Callable[[bytes], bytes]] = {
    ".gz": lambda body: gzip.compress(body, 6, mtime=0),  # no time in it: the same bytes at each run
    ".br": lambda body: brotli.compress(body, quality=5),
}

log = logging.getLogger(__name__)


def write(folder: Path, documents: Iterable[Document]) -> list[str]:
    """Write the documents in their order; return the paths of those whose bytes differed.

    Raises: PublishError naming the path; what stood there stands, and later documents are untouched.
    """
    written = []
    for document in documents:
        path = folder / document.path
        try:
            if not _holds(path, document.body):
                _remove_copies(path)
                files.replace(path, document.body, alone=True)
                written.append(document.path)
            _write_copies(path, document.body)
        except OSError as error:
            raise PublishError(f"{path}: cannot be written ({error.strerror})") from error
    return written


def _holds(path: Path, body: bytes) -> bool:
    try:
        return path.stat().st_size == len(body) and path.read_bytes() == body
    except FileNotFoundError:
        return False


def _write_copies(path: Path, body: bytes) -> None:
    """Write the copies that are not there, as old as the document: all forms have one Last-Modified."""
    if len(body) < _SMALLEST:
        return
    times = path.stat()
    for ending, compress in _COPIES.items():
        copy = path.with_name(path.name + ending)
        if not copy.exists() or copy.stat().st_mtime_ns != times.st_mtime_ns:
            files.replace(copy, compress(body), alone=True)
            os.utime(copy, ns=(times.st_atime_ns, times.st_mtime_ns))


def _remove_copies(path: Path) -> None:
    for ending in _COPIES:
        path.with_name(path.name + ending).unlink(missing_ok=True)


def sweep(folder: Path, documents: Iterable[Document]) -> None:
    """Remove what a killed run left half written of these documents; no folder is listed, for it may be long.

    Raises: PublishError.
    """
    for document in documents:
        _remove(files.partial(folder / document.path))


def remove(folder: Path, names: Iterable[str]) -> None:
    """Remove files or whole folders beneath `folder`, and the folders that are empty then.

    Shape: those that are not there are no matter.
    Raises: PublishError.
    """
    for name in names:
        _remove(folder / name)
        _remove_empty(folder, folder / name)


def keep_folders(folder: Path, names: Collection[str]) -> None:
    """Remove the folders in `folder` that have none of these names.

    Raises: PublishError.
    """
    if folder.is_dir():
        remove(folder, sorted(path.name for path in folder.iterdir() if path.name not in names))


def _remove(path: Path) -> None:
    try:
        if path.is_dir():
            shutil.rmtree(path)
        else:
            _remove_copies(path)
            path.unlink(missing_ok=True)
    except OSError as error:
        raise PublishError(f"{path}: cannot be removed ({error.strerror})") from error


def _remove_empty(folder: Path, removed: Path) -> None:
    for parent in removed.parents:
        if parent == folder:
            return
        try:
            parent.rmdir()
        except OSError:  # it holds something, or is not there itself
            return
