"""Writing output/: each document whole or not at all, and only where its bytes differ.

Beside a document that is worth it lie compressed copies for web servers: who takes gzip is sent `x.xml.gz`. A
copy older than its document would be served all the same, so it goes first and comes last.
"""

import contextlib
import errno
import gzip
import logging
import os
import shutil
import stat
from collections.abc import Callable, Collection, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

import brotli

from aggregator import files
from aggregator.errors import PublishError
from aggregator.model import Document
from aggregator.publish import changed

_HANDS = 4  # threads
_SMALLEST = 8192  # what is shorter is sent in a few packets anyway
_PACKED = frozenset({".gif", ".jpg", ".png", ".webp"})  # no smaller for being packed again
# The middle of what they can: at their best they take ten times as long for a twentieth less.
_COPIES: dict[str, Callable[[bytes], bytes]] = {
    ".gz": lambda body: gzip.compress(body, 6, mtime=0),  # no time in it: the same bytes at each run
    ".br": lambda body: brotli.compress(body, quality=4),
}

_Halves = dict[Path, Path]  # where each file is to be, and what is to take its place

log = logging.getLogger(__name__)


def write(folder: Path, documents: Iterable[Document]) -> list[str]:
    """Write the documents in their order; return the paths of those whose bytes differed.

    Shape: all of them lie whole on the disk before the first takes its place.
    Raises: PublishError naming the path; what stood there stands, and later documents are untouched.
    """
    with ThreadPoolExecutor(_HANDS) as hands:  # a disk makes many files safe in the time of a few
        work = [(each, hands.submit(_prepare, folder, each)) for each in documents]
    made, failed = _settled(folder, work)
    try:
        if failed:
            raise failed
        for path, halves in made.items():
            with _named(path):
                _put(path, halves)
    except PublishError:
        _drop(half for halves in made.values() for half in halves.values())
        raise
    return [each.path for each, _ in work if folder / each.path in made[folder / each.path]]


def _settled(
    folder: Path, work: Iterable[tuple[Document, "Future[_Halves]"]]
) -> tuple[dict[Path, _Halves], PublishError | None]:
    """Return what was prepared, and the first error there was."""
    made: dict[Path, _Halves] = {}
    failed = None
    for document, prepared in work:
        path = folder / document.path
        try:
            with _named(path):
                made[path] = prepared.result()
        except PublishError as error:
            failed = failed or error
    return made, failed


@contextlib.contextmanager
def _named(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise PublishError(f"{path}: cannot be written ({error.strerror})") from error


def _prepare(folder: Path, document: Document) -> _Halves:
    """Write beside the document what is to replace it and its copies, as far as they do not stand."""
    path = folder / document.path
    try:
        return _halves(path, document.body)
    except (NotADirectoryError, FileExistsError, IsADirectoryError):
        _clear_way(folder, path)
        return _halves(path, document.body)


def _clear_way(folder: Path, path: Path) -> None:
    """Remove a file where a folder beneath `folder` is to be, and a folder where the document is to be."""
    for parent in path.relative_to(folder).parents[:-1]:
        if (folder / parent).is_file():
            (folder / parent).unlink(missing_ok=True)
            log.warning("removed_file path=%s reason='a folder is to be there'", folder / parent)
    if path.is_dir():
        shutil.rmtree(path)
        log.warning("removed_folder path=%s reason='a document is to be there'", path)


def _halves(path: Path, body: bytes) -> _Halves:
    halves = {} if _holds(path, body) else {path: files.beside(path, body)}
    try:
        for ending, compress in _COPIES.items() if _is_worth_it(path, body) else ():
            copy = path.with_name(path.name + ending)
            if path in halves or not _is_copy(copy, path):
                halves[copy] = files.beside(copy, compress(body))
    except OSError:
        _drop(halves.values())
        raise
    return halves


def _is_worth_it(path: Path, body: bytes) -> bool:
    return len(body) >= _SMALLEST and path.suffix not in _PACKED


def _drop(halves: Iterable[Path]) -> None:
    for half in halves:
        with contextlib.suppress(OSError):  # of a disk that failed; the next run takes it away
            half.unlink()


def _put(path: Path, halves: _Halves) -> None:
    """Put a document and its copies into their places; the copies are as old: all have one Last-Modified."""
    if path in halves:
        _remove_copies(path)
        halves[path].replace(path.resolve())
        changed.note(path)
    times = path.stat()
    for copy, half in halves.items():
        if copy != path:
            os.utime(half, ns=(times.st_atime_ns, times.st_mtime_ns))
            half.replace(copy)
            changed.note(copy)


def _is_copy(copy: Path, path: Path) -> bool:
    return copy.exists() and copy.stat().st_mtime_ns == path.stat().st_mtime_ns


def _holds(path: Path, body: bytes) -> bool:
    try:
        found = path.stat()
        if stat.S_ISDIR(found.st_mode):
            raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), path)
        return found.st_size == len(body) and path.read_bytes() == body
    except FileNotFoundError:
        return False


def _remove_copies(path: Path) -> None:
    for ending in _COPIES:
        copy = path.with_name(path.name + ending)
        with contextlib.suppress(FileNotFoundError):
            copy.unlink()
            changed.note(copy)


def sweep(folder: Path, documents: Iterable[Document]) -> None:
    """Remove what a killed run left half written of these documents; no folder is listed, for it may be long.

    Raises: PublishError.
    """
    for document in documents:
        for ending in ("", *_COPIES):
            half = files.partial(folder / (document.path + ending))
            # Asked first: removing what is not there takes the folder's lock all the same.
            if os.path.lexists(half):
                _remove(half)


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
        is_there = os.path.lexists(path)
        if path.is_dir():
            shutil.rmtree(path)
        else:
            _remove_copies(path)
            path.unlink(missing_ok=True)
        if is_there:
            changed.note(path)
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
