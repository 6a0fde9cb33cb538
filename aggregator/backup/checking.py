"""Backups tried: all bytes compared with what they were, and the store within looked through."""

from pathlib import Path

from aggregator import resources
from aggregator.backup import bundle
from aggregator.backup.bundle import Manifest, Progress, quiet
from aggregator.backup.making import LEFT, staged
from aggregator.errors import StoreError
from aggregator.store import snapshot


def verify(path: Path, work: Path, progress: Progress = quiet) -> Manifest:
    """Restore a backup into a folder beneath `work`, look through it, and return what it says of itself.

    Raises: StoreError naming what is not as it was when the backup was made, or that there is no room.
    """
    try:
        need, free = bundle.manifest_of(path).unpacked + LEFT, resources.free_disk(work)
        if need > free:
            raise StoreError(
                f"{work}: trying {path.name} needs {need / 1e6:.0f} MB, {free / 1e6:.0f} are free"
            )
        with staged(work) as folder:
            manifest = bundle.unpack(path, folder, progress)
            look_through(path, folder / bundle.STORE, manifest)
    except OSError as error:
        raise StoreError(f"{error.filename or path}: {error.strerror or error}") from error
    return manifest


def look_through(path: Path, store: Path, manifest: Manifest) -> None:
    """Compare the store of a backup with what the backup says of it.

    Raises: StoreError.
    """
    if fault := snapshot.complaint(store, whole=True):
        raise StoreError(f"{path}: the store in it is damaged ({fault})")
    held = snapshot.kind(store)
    if (held.schema, held.migration, held.rows) != (manifest.schema, manifest.migration, manifest.rows):
        raise StoreError(f"{path}: the store in it holds {held.rows}, where {manifest.rows} were copied")
