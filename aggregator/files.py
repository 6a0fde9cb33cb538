"""Replacing a file whole."""

import contextlib
import os
import tempfile
from pathlib import Path


def replace(path: Path, body: bytes, *, alone: bool = False) -> None:
    """Write a file so that a reader, a kill or a full disk only ever leaves the old or the new one whole.

    Shape: `alone` where nobody else writes it; what a kill leaves is then always named `partial(path)`.
    Raises: OSError; the old file then stands and nothing is left beside it.
    """
    path = path.resolve()  # a link stays a link
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor, half = _beside(path, alone=alone)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(body)
            file.flush()
            os.fsync(file.fileno())
        mode = path.stat().st_mode & 0o777 if path.exists() else 0o644
        half.chmod(mode)
        half.replace(path)
    except BaseException:
        with contextlib.suppress(FileNotFoundError):
            half.unlink()
        raise


def partial(path: Path) -> Path:
    """Return where a file is written that only one program writes, until it is whole."""
    return path.with_name(f".{path.name}.tmp")


def _beside(path: Path, *, alone: bool) -> tuple[int, Path]:
    if alone:
        return os.open(partial(path), os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), partial(path)
    descriptor, name = tempfile.mkstemp(prefix=f".{path.name}.", suffix=".tmp", dir=path.parent)
    return descriptor, Path(name)
