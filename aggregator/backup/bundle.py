"""The file of a backup: a tar of the store and what belongs to it, packed with zstd, its manifest first.

`tar --zstd -xf FILE` opens it without this program. Names are flat: nothing lands outside the folder that is
asked for.
"""

import dataclasses
import hashlib
import io
import json
import os
import sys
import tarfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from aggregator import files
from aggregator.errors import StoreError

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

ENDING = ".tar.zst"
STORE = "store.sqlite"
_MANIFEST = "manifest.json"
_FORMAT = 1
_STEP = 1024 * 1024
_LEVEL = 3  # of 22: the file is a twentieth larger than at 9, in a fifth of the time
_BROKEN = (zstd.ZstdError, tarfile.TarError, EOFError, ValueError, KeyError, TypeError)

Progress = Callable[[str, int, int], None]  # of what, bytes done, bytes in all


@dataclass(frozen=True, slots=True, kw_only=True)
class Member:
    """A file within."""

    name: str
    bytes: int
    sha256: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Manifest:
    """What a backup says of itself."""

    kind: str  # daily, manual, before-migration, before-restore
    at: str
    version: str  # of the program whose store it is
    schema: int  # number of migrations
    migration: str  # the last of them
    rows: dict[str, int]  # of the tables that matter to readers
    members: tuple[Member, ...] = ()
    format: int = _FORMAT

    @property
    def unpacked(self) -> int:
        """Bytes of all that is within."""
        return sum(member.bytes for member in self.members)


def quiet(_: str, __: int, ___: int) -> None:
    """Show nothing."""


def write(
    path: Path, manifest: Manifest, members: Mapping[str, Path], progress: Progress = quiet
) -> Manifest:
    """Write a backup beside its place and then into it, readable by its owner alone.

    Shape: returns the manifest with what the members are; they must not change meanwhile.
    Raises: OSError; nothing is left then.
    """
    files.make_folder(path.parent)
    listed = tuple(_member(name, source) for name, source in members.items())
    manifest = dataclasses.replace(manifest, members=listed)
    half = files.partial(path)
    try:
        with _created(half) as raw:
            with zstd.open(raw, "wb", level=_LEVEL) as packed, tarfile.open(fileobj=packed, mode="w|") as tar:
                said = json.dumps(dataclasses.asdict(manifest), indent=1).encode()
                _add(tar, _MANIFEST, io.BytesIO(said), len(said))
                for member, source in zip(listed, members.values(), strict=True):
                    with source.open("rb") as content:
                        watched = _Watched(content, member, progress)
                        _add(tar, member.name, watched, member.bytes)  # type: ignore[arg-type]  # of it tarfile asks to be read alone
            files.hand_over(raw.fileno(), path.parent)
            raw.flush()
            os.fsync(raw.fileno())
        half.replace(path)
    finally:
        half.unlink(missing_ok=True)
    return manifest


def _created(path: Path) -> IO[bytes]:
    return os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600), "wb")


class _Watched:
    """A file that says how far it was read."""

    def __init__(self, content: IO[bytes], member: Member, progress: Progress) -> None:
        self._content, self._member, self._progress, self._done = content, member, progress, 0

    def read(self, size: int) -> bytes:
        """Return the next bytes."""
        data = self._content.read(size)
        before, self._done = self._done, self._done + len(data)
        if self._done // _STEP != before // _STEP or self._done == self._member.bytes:
            self._progress(self._member.name, self._done, self._member.bytes)
        return data


def _member(name: str, source: Path) -> Member:
    with source.open("rb") as content:
        digest = hashlib.file_digest(content, "sha256")
        return Member(name=name, bytes=content.tell(), sha256=digest.hexdigest())


def _add(tar: tarfile.TarFile, name: str, content: IO[bytes], size: int) -> None:
    info = tarfile.TarInfo(name)
    info.size, info.mode = size, 0o600
    tar.addfile(info, content)


def manifest_of(path: Path) -> Manifest:
    """Return what a backup says of itself; the rest of it is not read.

    Raises: StoreError.
    """
    with _opened(path) as tar:
        return _manifest(path, tar)


def unpack(path: Path, folder: Path | None, progress: Progress = quiet) -> Manifest:
    """Write what is within into a folder, or nowhere, and compare it with what the manifest says.

    Raises: StoreError naming the first member that is not as it was when the backup was made; OSError where
    it cannot be written.
    """
    with _opened(path) as tar:
        manifest = _manifest(path, tar)
        wanted = {member.name: member for member in manifest.members}
        while info := tar.next():
            member = wanted.pop(info.name, None)
            content = tar.extractfile(info)
            if member is None or content is None or "/" in info.name:
                raise StoreError(f"{path}: holds {info.name!r}, which its manifest does not name")
            target = folder / info.name if folder else Path(os.devnull)
            if _copy(content, target, member, progress) != member.sha256:
                raise StoreError(f"{path}: {info.name} is not as it was when the backup was made")
        if wanted:
            raise StoreError(f"{path}: {', '.join(wanted)} is missing in it")
    return manifest


def _copy(content: IO[bytes], target: Path, member: Member, progress: Progress) -> str:
    digest, watched = hashlib.sha256(), _Watched(content, member, progress)
    with _created(target) as out:
        while data := watched.read(_STEP):
            digest.update(data)
            out.write(data)
        if target != Path(os.devnull):
            out.flush()
            os.fsync(out.fileno())
    return digest.hexdigest()


@contextmanager
def _opened(path: Path) -> Iterator[tarfile.TarFile]:
    try:
        with zstd.open(path, "rb") as packed, tarfile.open(fileobj=packed, mode="r|") as tar:
            yield tar
    except FileNotFoundError as error:
        raise StoreError(f"{path}: {error.strerror}") from error
    except _BROKEN as error:
        raise StoreError(f"{path}: is no backup, or a damaged one ({error})") from error


def _manifest(path: Path, tar: tarfile.TarFile) -> Manifest:
    info = tar.next()
    content = tar.extractfile(info) if info and info.name == _MANIFEST else None
    if content is None:
        raise StoreError(f"{path}: is no backup: its manifest is missing")
    said = json.load(content)
    if said["format"] != _FORMAT:
        raise StoreError(f"{path}: written by a newer version ({said['version']}), in another form")
    return Manifest(**said | {"members": tuple(Member(**member) for member in said["members"])})
