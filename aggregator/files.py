"""Replacing a file whole, and whom it belongs to then."""

import contextlib
import os
import tempfile
from pathlib import Path


def replace(path: Path, body: bytes, *, secret: bool = False) -> None:
    """Write a file so that a reader, a kill or a full disk only ever leaves the old or the new one whole.

    A secret one nobody else can read.
    Raises: OSError; the old file then stands and nothing is left beside it.
    """
    path = path.resolve()  # a link stays a link
    make_folder(path.parent)
    descriptor, name = tempfile.mkstemp(prefix=f".{path.name}.", suffix=".tmp", dir=path.parent)
    _fill(descriptor, Path(name), body, path, secret=secret)
    Path(name).replace(path)


def beside(path: Path, body: bytes) -> Path:
    """Write what is to replace a file that nobody else writes, and return where it lies: `partial(path)`.

    Shape: safe on the disk; `replace` on the path that comes back does the rest.
    Raises: OSError; nothing is then left beside the file.
    """
    path = path.resolve()
    make_folder(path.parent)
    half = partial(path)
    _fill(os.open(half, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), half, body, path)
    return half


def make_folder(path: Path) -> None:
    """Make a folder where it is not there yet, and those around it.

    Raises: OSError.
    """
    if not path.is_dir():
        make_folder(path.parent)
        path.mkdir(exist_ok=True)
        hand_over(path, path.parent)


def hand_over(made: Path | int, to: Path) -> None:
    """Let what root made belong to whoever has `to`: under sudo a service could not write its files again.

    Shape: a path or a descriptor; of a link, the link.
    """
    if os.geteuid() == 0:
        owner, is_open = to.stat(), isinstance(made, int)
        # A disk may know no owners or be another machine's, and a container may know none but root.
        with contextlib.suppress(OSError):
            os.chown(made, owner.st_uid, owner.st_gid, follow_symlinks=is_open)


def companion(path: Path, ending: str) -> Path:
    """Return where a file lies that belongs to another one, whichever link that is named by."""
    file = path.resolve() if path.is_symlink() else path
    return file.with_name(f"{file.name}.{ending}")


def partial(path: Path) -> Path:
    """Return where a file is written that only one program writes, until it is whole."""
    return path.with_name(f".{path.name}.tmp")


def _fill(descriptor: int, half: Path, body: bytes, path: Path, *, secret: bool = False) -> None:
    try:
        with os.fdopen(descriptor, "wb") as file:
            hand_over(file.fileno(), path if path.exists() else path.parent)
            file.write(body)
            file.flush()
            os.fsync(file.fileno())
        usual = path.stat().st_mode & 0o777 if path.exists() else 0o644
        half.chmod(0o600 if secret else usual)
    except BaseException:
        with contextlib.suppress(FileNotFoundError):
            half.unlink()
        raise
