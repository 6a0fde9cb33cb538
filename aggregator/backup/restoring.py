"""A backup put back: nothing of the present one is lost by it, and readers are shown nothing twice.

All is made ready in a folder beside the store, what is there is backed up, and then file after file takes its
place, the store last. A kill leaves the old store or the new one, and the same command again ends the work.
"""

import logging
import os
import shutil
from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path

from aggregator import deny_list, files, resources, takedown
from aggregator.backup import bundle, checking, making, recalling, settings
from aggregator.backup.bundle import Manifest, Progress, quiet
from aggregator.config import Config
from aggregator.errors import StoreDamaged, StoreError, StoreTooNew
from aggregator.store import carrying, meta, open_store, recalls, snapshot, store_errors
from aggregator.store.carrying import Carried
from aggregator.store.schema import migrations

_OUTRANKED = frozenset({"denied", "settings.toml"})  # by the file that is there: it may be newer, and holds
_BESIDE = ("-wal", "-shm")

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Restored:
    """What was put back, and what became of what was there."""

    manifest: Manifest
    kept: Path | None  # where what was there is now; None where nothing was
    carried: Carried | None  # None where what was there cannot be read
    recalled: int  # entries that output/ alone knew of
    put: tuple[str, ...]  # beside the store
    settings: tuple[str, ...]  # of the backup that are others now


def restore(
    config: Config,
    path: Path,
    now: datetime,
    settings_file: Path | None = None,
    progress: Progress = quiet,
    *,
    alone: bool = False,
) -> Restored:
    """Put a backup in the place of what is there. The caller holds the instance lock.

    Shape: settings are written where there are none; of those that are there nothing changes. `alone` is the
    store without what belongs to it.

    Raises: StoreError where the backup is damaged, or too new, or there is no room; nothing has changed then.
    """
    refuse_newer(path, bundle.manifest_of(path))
    try:
        with making.staged(config.store.parent) as folder:
            manifest = _unpacked(path, folder, progress)
            kept, carried = _made_ready(config, folder / bundle.STORE, now, progress)
            recalled = 0
            if not alone:
                if carried is None:
                    recalled = _recall(config, folder / bundle.STORE)
                _take_down(config, folder, now)
            carrying.begin_anew(folder / bundle.STORE)
            carrying.let_go(folder / bundle.STORE)
            others = settings.others(folder / "settings.toml", config)
            _settle(config.store)  # where another program has it open nothing is put in any place
            put = () if alone else tuple(_put_beside(_homes(config, settings_file), folder))
            _put_store(config.store, folder / bundle.STORE)
    except OSError as error:
        raise StoreError(f"{error.filename or path}: {error.strerror or error}") from error
    return Restored(
        manifest=manifest, kept=kept, carried=carried, recalled=recalled, put=put, settings=others
    )


def before_migration(config: Config) -> Path:
    """Return the backup that was made before the store was last brought forward.

    Raises: StoreError where none is there that is older than the present store.
    """
    schema = snapshot.kind(config.store).schema
    found = [
        (manifest.schema, path) for path, manifest in making.there(config)
        if manifest and manifest.kind == making.MIGRATION and manifest.schema < schema
    ]  # fmt: skip
    if found:
        return max(found)[1]  # dates may be those of a wrong clock
    raise StoreError(f"{config.backups_folder}: holds no backup made before a migration of {config.store}")


def refuse_newer(path: Path, manifest: Manifest) -> None:
    """Refuse a backup that this version cannot read.

    Raises: StoreTooNew naming the version that can.
    """
    if manifest.migration not in {migration.name for migration in migrations._migrations}:  # noqa: SLF001 - no public list of all
        raise StoreTooNew(
            f"{path}: was made by version {manifest.version}, which reads it; this one is older"
        )


def _unpacked(path: Path, folder: Path, progress: Progress) -> Manifest:
    manifest = bundle.manifest_of(path)
    need, free = 2 * manifest.unpacked + making.LEFT, resources.free_disk(folder)
    if need > free:
        raise StoreError(f"{folder.parent}: restoring needs {need / 1e6:.0f} MB, {free / 1e6:.0f} are free")
    bundle.unpack(path, folder, progress)
    checking.look_through(path, folder / bundle.STORE, manifest)
    return manifest


def _made_ready(
    config: Config, store: Path, now: datetime, progress: Progress
) -> tuple[Path | None, Carried | None]:
    """Back up what is there, and carry over into the staged store what readers were given since."""
    kept, carried = None, None
    if config.store.exists():
        given = store.with_name("present.sqlite")
        try:
            kept = making.make(config, now, making.RESTORE, progress=progress).path
            snapshot.copy(config.store, given)
            carried = carrying.carry(store, given) or Carried()
        except StoreDamaged as error:
            log.warning("store_not_carried_over error=%s", error)
            kept = kept or _set_aside(config, now)
    return kept, carried


def _take_down(config: Config, folder: Path, now: datetime) -> None:
    """Take what is denied by now out of the staged store and list, before anybody sees them."""
    store = folder / bundle.STORE
    listed = deny_list.path(config.store)
    source = listed if listed.exists() else folder / "denied"
    if not source.exists():
        return
    shutil.copyfile(source, deny_list.path(store))
    with store_errors(store), closing(open_store(store)) as db:
        takedown.enforce(db, replace(config, store=store, opml=folder / "feeds.opml"), now)


def _recall(config: Config, store: Path) -> int:
    """Write into the staged store what readers have by output/, and return how many entries that is."""
    folder = recalling.root(config.output)
    if folder is None:
        return 0
    with store_errors(store), closing(open_store(store)) as db, db.atomic():
        count = recalls.recall(db, recalling.given(folder), config.language)
        recalls.recall_digests(db, recalling.digests(folder))
        if config.visibility == "private" and folder != config.output:
            meta.note(db, "private_path", folder.name)
        return count


def _set_aside(config: Config, now: datetime) -> Path:
    """Copy the files of a damaged store as they are."""
    files.make_folder(config.backups_folder)
    kept = config.backups_folder / f"{now:%Y%m%dT%H%M%SZ}-damaged.sqlite"
    place = config.store.resolve()
    for ending in ("", *_BESIDE[:1]):
        source, copy = place.with_name(place.name + ending), kept.with_name(kept.name + ending)
        if source.exists():
            copy.touch(mode=0o600)
            files.hand_over(copy, copy.parent)
            shutil.copyfile(source, copy)
    return kept


def _homes(config: Config, settings_file: Path | None) -> dict[str, Path]:
    """Return where the files of a backup go."""
    homes = {"glossary.tsv": config.opml.with_name("glossary.tsv")} | making.places(config)
    return homes | {"settings.toml": settings_file} if settings_file else homes


def _put_beside(homes: Mapping[str, Path], folder: Path) -> list[str]:
    """Put the files that belong to the store in their places."""
    put = []
    for name, place in homes.items():
        source = folder / name
        if source.exists() and not (name in _OUTRANKED and place.exists()):
            files.replace(place, source.read_bytes())
            put.append(str(place))
    return put


def _settle(place: Path) -> None:
    """Write the log of the store that is there into its file.

    Raises: StoreLocked where another program has it open.
    """
    if place.exists():
        try:
            carrying.let_go(place)
        except StoreDamaged as error:
            log.warning("store_set_aside error=%s", error)


def _put_store(place: Path, store: Path) -> None:
    """Put the store in its place, with nothing left beside it that belongs to the old one."""
    place = place.resolve()  # what belongs to it lies beside the file itself, not beside a link to it
    for ending in _BESIDE:
        place.with_name(place.name + ending).unlink(missing_ok=True)
    files.hand_over(store, place if place.exists() else place.parent)
    if place.exists():
        store.chmod(place.stat().st_mode & 0o777)
    store.replace(place)
    folder = os.open(place.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
