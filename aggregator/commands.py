"""Commands of the operator's own: without a shell, without our secrets, and not for ever."""

import contextlib
import logging
import os
import shlex
import signal
import subprocess
import tempfile
import time
from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import IO

from aggregator.config import NOT_SETTINGS, PREFIX

log = logging.getLogger(__name__)

_GRACE = 5.0  # seconds between asking a command to end and ending it
_LOOK = 0.05  # seconds between two looks whether it has ended
_SAID = 2000  # bytes of what it printed last
_MOST = 10_000_000  # bytes of it on the disk
_KNOWN = {f"{PREFIX}CONFIG", f"{PREFIX}NOW"}  # of what is no setting; the rest are keys and tokens
_OURS = {"NOTIFY_SOCKET", "WATCHDOG_USEC", "WATCHDOG_PID"}  # between the service manager and us


def run(
    command: str,
    lines: tuple[str, ...],
    extra: Mapping[str, str],
    timeout: timedelta,
    stop: Callable[[], bool] = lambda: False,
) -> str:
    """Run a command to its end and return what went wrong, or "".

    Shape: it reads `lines` from its input, and from the file that HOOK_PATHS names. It has a process group
    of its own, which is ended with it after `timeout`, or when `stop` says so. The log has what it prints.
    """
    try:
        with tempfile.NamedTemporaryFile(prefix="aggregator-hook-") as told, tempfile.TemporaryFile() as said:
            told.write("".join(f"{line}\n" for line in lines).encode())
            told.seek(0)
            process = subprocess.Popen(  # noqa: S603 - the operator's own words, and no shell reads them
                shlex.split(command) or ["/"], stdin=told, stdout=said, stderr=subprocess.STDOUT,
                env={**environment_of(os.environ), **extra, "HOOK_PATHS": told.name}, start_new_session=True,
            )  # fmt: skip
            return _report(command, _ended(process, timeout, stop, said), said)
    except OSError as error:
        return f"cannot be started ({error.strerror})"
    except ValueError as error:  # what it is told cannot be given to any command
        return f"cannot be started ({error})"


def environment_of(ours: Mapping[str, str]) -> dict[str, str]:
    """Return the environment of this process without its keys and tokens."""
    hidden = (NOT_SETTINGS - _KNOWN) | _OURS | {f"{PREFIX}ALERT"}  # whose address may be a key
    return {name: value for name, value in ours.items() if name not in hidden}


def _ended(
    process: subprocess.Popen[bytes], timeout: timedelta, stop: Callable[[], bool], said: IO[bytes]
) -> str:
    """Wait for a process and return why it did not do well, or ""."""
    deadline = time.monotonic() + timeout.total_seconds()
    while process.poll() is None:
        if stop():
            _end(process)
            return "was ended with us"
        if time.monotonic() >= deadline:
            _end(process)
            return f"took longer than {timeout.total_seconds():g} s and was ended"
        _shorten(said)
        time.sleep(_LOOK)
    if process.returncode < 0:
        return f"was ended by {_name(-process.returncode)}"
    return f"exit code {process.returncode}" if process.returncode else ""


def _shorten(said: IO[bytes]) -> None:
    """Give back the room of what was printed: the command writes on behind it, and the rest is a hole."""
    if os.fstat(said.fileno()).st_blocks * 512 > _MOST:
        os.ftruncate(said.fileno(), 0)


def _name(number: int) -> str:
    known = {each.value: each.name for each in signal.Signals}
    return known.get(number, f"signal {number}")  # most real-time signals have no name


def _end(process: subprocess.Popen[bytes]) -> None:
    """End a process and all it started."""
    _signal(process.pid, signal.SIGTERM)
    with contextlib.suppress(subprocess.TimeoutExpired):
        process.wait(_GRACE)
    _signal(process.pid, signal.SIGKILL)
    process.wait()


def _signal(group: int, number: signal.Signals) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.killpg(group, number)


def _report(command: str, failure: str, said: IO[bytes]) -> str:
    """Log what a command printed last, and return its failure with the last line."""
    said.seek(max(0, said.seek(0, os.SEEK_END) - _SAID))
    lines = said.read().lstrip(b"\0").decode(errors="replace").splitlines()
    for line in lines:
        log.log(logging.WARNING if failure else logging.INFO, "hook_said command=%r line=%r", command, line)
    return ": ".join([failure, *lines[-1:]]) if failure else ""
