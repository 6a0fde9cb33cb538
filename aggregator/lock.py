"""Locks that die with the process that holds them: one instance per store, the sign of a server, folders."""

import contextlib
import fcntl
import os
import time
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

from aggregator.errors import StoreError, StoreLocked, StoreTooNew
from aggregator.files import companion, hand_over, make_folder

_RETRY = 0.1  # seconds between two looks at a lock somebody else holds


@contextlib.contextmanager
def instance_lock(store: Path, command: str, wait: timedelta = timedelta()) -> Iterator[bool]:
    """Hold the right to run stages over `store` while the block runs.

    Shape: yields whether the last holder ended well. One that was killed, or met an error of the store,
    leaves its name in the lock: who comes next looks at the store before it writes.
    Raises: StoreLocked naming the holder where it is not free within `wait`; StoreError where the lock
    cannot be written.
    """
    path = companion(store, "lock")
    descriptor = _opened(path)
    try:
        _acquire(descriptor, path, wait)
        ended_well = not os.pread(descriptor, 1, 0)
        _sign(descriptor, path, command)
        with _unsigned(descriptor, ended_well=ended_well):
            yield ended_well
    finally:
        os.close(descriptor)


@contextlib.contextmanager
def serving_lock(store: Path) -> Iterator[None]:
    """Say that a server runs beside `store` while the block does; several may.

    Raises: StoreError where that cannot be written.
    """
    with _held(_opened(_serving(store)), fcntl.LOCK_SH):
        yield


def is_served(store: Path) -> bool:
    """Tell whether a server runs beside `store`.

    Raises: StoreError.
    """
    if not _serving(store).exists():
        return False
    try:
        return is_held(_serving(store))
    except OSError as error:
        raise StoreError(f"{_serving(store)}: {error.strerror}") from error


@contextlib.contextmanager
def folder_lock(folder: Path) -> Iterator[None]:
    """Hold a folder while the block runs, once nobody else does.

    Raises: OSError.
    """
    with _held(os.open(folder, os.O_RDONLY | os.O_CLOEXEC), fcntl.LOCK_EX):
        yield


@contextlib.contextmanager
def _held(descriptor: int, kind: int) -> Iterator[None]:
    try:
        fcntl.flock(descriptor, kind)
        yield
    finally:
        os.close(descriptor)


def is_held(path: Path) -> bool:
    """Tell whether somebody holds a folder, or a file.

    Raises: OSError.
    """
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    else:
        return False
    finally:
        os.close(descriptor)


def _serving(store: Path) -> Path:
    return companion(store, "served")


def _opened(path: Path) -> int:
    try:
        make_folder(path.parent)
        is_new = not os.path.lexists(path)
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
        if is_new:
            hand_over(descriptor, path.parent)
        return descriptor
    except OSError as error:
        raise StoreError(f"{path}: {error.strerror}") from error


def _sign(descriptor: int, path: Path, command: str) -> None:
    try:
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, f"{command} (process {os.getpid()})".encode(), 0)
        os.fsync(descriptor)  # it has to be there after a power cut
    except OSError as error:
        raise StoreError(f"{path}: {error.strerror}") from error


@contextlib.contextmanager
def _unsigned(descriptor: int, *, ended_well: bool) -> Iterator[None]:
    """Take the name away at the end, unless the store is what went wrong, or a look at it broke off."""
    try:
        yield
    except BaseException as error:
        is_fine = not isinstance(error, StoreError) or isinstance(error, (StoreLocked, StoreTooNew))
        if ended_well and is_fine:
            _unsign(descriptor)
        raise
    _unsign(descriptor)


def _unsign(descriptor: int) -> None:
    # Where that fails the name stays, and the next run looks through the store; what failed first is told.
    with contextlib.suppress(OSError):
        os.ftruncate(descriptor, 0)


def _acquire(descriptor: int, path: Path, wait: timedelta) -> None:
    deadline = time.monotonic() + wait.total_seconds()
    while True:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            if time.monotonic() >= deadline:
                holder = os.pread(descriptor, 200, 0).decode(errors="replace") or "another process"
                raise StoreLocked(f"{path}: held by {holder}") from error
            time.sleep(_RETRY)
        else:
            return
