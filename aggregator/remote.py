"""The worker's side of a cluster: one call of ours at a time, of the same version as who gave it."""

import contextlib
import hashlib
import importlib.metadata
import os
import pickle
import platform
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future
from dataclasses import replace
from pathlib import Path
from typing import Any

from aggregator import __version__
from aggregator.config import Config, local
from aggregator.errors import VersionMismatch

_PROTOCOL = 5
_one_at_a_time = threading.Lock()  # engines and limits of time count on it
_in_hand: list[str] = []  # whose call this process is at


def _version() -> str:
    """Return what must be equal on both sides, for values to be read and rows to be the same."""
    sources = hashlib.sha256()
    package = Path(__file__).parent
    for path in sorted(each for each in package.rglob("*") if each.is_file() and each.suffix != ".pyc"):
        sources.update(path.relative_to(package).as_posix().encode() + b"\0" + path.read_bytes())
    python = ".".join(platform.python_version_tuple()[:2])
    dask = importlib.metadata.version("distributed")
    return f"aggregator {__version__} ({sources.hexdigest()[:8]}), Python {python}, distributed {dask}"


VERSION = _version()  # of what was loaded, whatever becomes of the files


def packed(fn: Callable[..., Any], args: tuple[Any, ...]) -> bytes:
    """Return a call as `run` takes it."""
    return pickle.dumps((fn, args), _PROTOCOL)


def run(version: str, owner: str, call: bytes) -> bytes:
    """Do a call and return what came of it as `settle` takes it.

    Raises: VersionMismatch, before anything is unpickled.
    """
    if version != VERSION:
        raise VersionMismatch(f"a worker on {platform.node()} has {VERSION}; jobs are given by {version}")
    with _one_at_a_time, _noted(owner):
        fn, args = pickle.loads(call)  # noqa: S301 - who may give jobs here may run anything
        return pickle.dumps(_came_of(fn, [_here(each, owner) for each in args]), _PROTOCOL)


@contextlib.contextmanager
def _noted(owner: str) -> Iterator[None]:
    _in_hand.append(owner)
    try:
        yield
    finally:
        _in_hand.clear()


def _here(value: Any, owner: str) -> Any:
    """Return settings as they hold here, and anything else as it is.

    Shape: a store, which is not here, goes by its owner: what a process keeps for it is no other's whose path
    is the same.
    """
    return replace(local(value), store=Path(owner)) if isinstance(value, Config) else value


def _came_of(fn: Callable[..., Any], args: Sequence[Any]) -> tuple[Any, BaseException | None]:
    try:
        return fn(*args), None
    except BaseException as error:  # noqa: BLE001 - a future carries whatever was raised, as the stdlib's do
        return None, error


def settle(future: Future[Any], answer: bytes) -> None:
    """Have a future give what came of its call."""
    try:
        value, error = pickle.loads(answer)  # noqa: S301 - from a worker of ours
    except BaseException as unreadable:  # noqa: BLE001 - a future that is never settled would be waited for
        value, error = None, unreadable
    if error is None:
        future.set_result(value)
    else:
        future.set_exception(error)


def is_at_work_for(owner: str) -> bool:
    """Return whether this process has a call of the owner's in hand."""
    return owner in _in_hand


def drop(owner: str) -> None:
    """End this process, if a call of the owner's is in hand: a thread cannot be ended otherwise.

    Shape: a nanny or a service manager starts another one.
    """
    if is_at_work_for(owner):
        os._exit(1)
