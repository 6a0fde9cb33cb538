"""Builds shim.c and says what it is told by."""

import errno
import os
import shutil
import subprocess
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

SOURCE = Path(__file__).with_name("shim.c")
COMPILER = shutil.which("gcc") or shutil.which("cc")
WRITES = ("open", "write", "sync", "truncate", "rename", "unlink", "mkdir")
ERRORS = {"ENOSPC": errno.ENOSPC, "EIO": errno.EIO, "EROFS": errno.EROFS}


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """Which calls on which files fail, and how."""

    error: str  # a name of ERRORS, or short, kill, tear
    paths: tuple[str, ...] = ("/store.sqlite", "/output")  # parts of them
    calls: Collection[str] = WRITES
    after: int = -1  # calls that pass; -1: all, until the stage that is named
    times: int = 1  # calls that fail then; 0: all
    stage: str = ""  # whose calls are counted; none: those of the whole run

    def environment(self, shim: Path, log: Path) -> dict[str, str]:
        """Return what the shim and command.py read."""
        return {
            "LD_PRELOAD": str(shim),
            "FAULT_PATHS": ":".join(self.paths),
            "FAULT_CALLS": ",".join(self.calls),
            "FAULT_ERROR": str(ERRORS.get(self.error, self.error)),
            "FAULT_AFTER": str(-1 if self.stage else self.after),
            "FAULT_TIMES": str(self.times),
            "FAULT_LOG": str(log),
            "CRASH_ARM": f"{self.stage}:{self.after}" if self.stage else "",
        }


def build(folder: Path) -> Path:
    """Compile the shim into a folder and return where it lies.

    Shape: another machine's architecture or a missing compiler ends in CalledProcessError or an assertion.
    """
    assert COMPILER, "a C compiler is what this needs: gcc or cc"
    made = folder / "shim.so"
    flags = ["-std=gnu11", "-Wall", "-Wextra", "-Werror", "-O1", "-shared", "-fPIC"]
    subprocess.run(
        [COMPILER, *flags, "-o", str(made), str(SOURCE), "-ldl"], check=True, env=os.environ | {"LC_ALL": "C"}
    )
    return made
