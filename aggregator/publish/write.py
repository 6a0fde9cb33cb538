"""Writing output/: each document whole or not at all, and only where its bytes differ."""

import logging
import shutil
from collections.abc import Iterable
from pathlib import Path

from aggregator import files
from aggregator.errors import PublishError
from aggregator.model import Document

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
                files.replace(path, document.body)
                written.append(document.path)
        except OSError as error:
            raise PublishError(f"{path}: cannot be written ({error.strerror})") from error
    return written


def _holds(path: Path, body: bytes) -> bool:
    try:
        return path.stat().st_size == len(body) and path.read_bytes() == body
    except FileNotFoundError:
        return False


def sweep(folder: Path, documents: Iterable[Document]) -> None:
    """Remove what a killed run left half written beside these documents.

    Raises: PublishError.
    """
    for parent in {(folder / document.path).parent for document in documents}:
        for stale in parent.glob(".*.tmp"):
            log.info("swept path=%s", stale)
            _remove(stale)


def remove(folder: Path, names: Iterable[str]) -> None:
    """Remove files or whole folders beneath `folder`; those that are not there are no matter.

    Raises: PublishError.
    """
    for name in names:
        _remove(folder / name)


def _remove(path: Path) -> None:
    try:
        if path.is_dir():
            shutil.rmtree(path)
        else:
            path.unlink(missing_ok=True)
    except OSError as error:
        raise PublishError(f"{path}: cannot be removed ({error.strerror})") from error
