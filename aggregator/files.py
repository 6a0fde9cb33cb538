"""Replacing a file whole."""

import contextlib
import os
import tempfile
from pathlib import Path


def replace(path: Path, body: bytes) -> None:
    """Write a file so that a reader, a kill or a full disk only ever leaves the old or the new one whole.

    Raises: OSError; the old file then stands and nothing is left beside it.
    """
    path = path.resolve()  # a link stays a link
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor, name = tempfile.mkstemp(prefix=f".{path.name}.", suffix=".tmp", dir=path.parent)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(body)
            file.flush()
            os.fsync(file.fileno())
        mode = path.stat().st_mode & 0o777 if path.exists() else 0o644
        Path(name).chmod(mode)
        Path(name).replace(path)
    except BaseException:
        with contextlib.suppress(FileNotFoundError):
            Path(name).unlink()
        raise
