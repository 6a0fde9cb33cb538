"""Backups made: what goes into one, where it lies, which go when, and how much room one takes."""

import logging
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from aggregator import __version__, deny_list, files, resources
from aggregator.backup import bundle, settings
from aggregator.backup.bundle import Manifest, Progress, quiet
from aggregator.config import Config
from aggregator.errors import StoreDamaged, StoreError
from aggregator.lock import folder_lock, is_held
from aggregator.store import snapshot
from aggregator.translate import glossary

DAILY, MANUAL, MIGRATION, RESTORE = "daily", "manual", "before-migration", "before-restore"
LEFT = 200_000_000  # bytes that a backup leaves free on its disk
_KINDS = (DAILY, MIGRATION, RESTORE)  # of each so many are kept; what was asked for by hand stays
_FEWEST = 1  # of a migration or a restore, though daily ones are switched off

_STAGED = ".aggregator-"
_TOLERANCE = timedelta(hours=1)  # by which clocks are set

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Made:
    """A backup that was made."""

    path: Path
    manifest: Manifest
    bytes: int


def make(
    config: Config, now: datetime, kind: str = MANUAL, path: Path | None = None, progress: Progress = quiet
) -> Made:
    """Write a backup of the store as it is now, whoever writes it meanwhile, and let old ones go.

    Raises: StoreDamaged (older backups then stay), StoreError where there is no room.
    """
    home = path.parent if path else config.backups_folder
    _find_room(config, home)
    try:
        with staged(home) as folder:
            store = folder / bundle.STORE
            snapshot.copy(config.store, store, lambda done, all_: progress("copying the store", done, all_))
            if fault := snapshot.complaint(store, whole=False):
                raise StoreDamaged(f"{config.store}: is damaged ({fault}); no backup was made of it")
            manifest = _manifest(store, kind, now)
            target = path or home / _name(manifest, now)
            manifest = bundle.write(target, manifest, _members(config, store, folder), progress)
    except OSError as error:
        raise StoreError(f"{path or home}: cannot be written ({error.strerror})") from error
    size = target.stat().st_size
    _let_go(config, now)
    return Made(path=target, manifest=manifest, bytes=size)


@contextmanager
def staged(folder: Path) -> Iterator[Path]:
    """Hold a folder that is gone afterwards, on the disk of `folder`; what a kill left there goes too."""
    files.make_folder(folder)
    with ExitStack() as held:
        with folder_lock(folder):  # or one would be taken for a leftover that is made and not held yet
            name = held.enter_context(tempfile.TemporaryDirectory(prefix=_STAGED, dir=folder))
            held.enter_context(folder_lock(Path(name)))
            for left in folder.glob(f"{_STAGED}*"):
                if not is_held(left):
                    shutil.rmtree(left)
        yield Path(name)


def _name(manifest: Manifest, now: datetime) -> str:
    since = f"-{manifest.schema}" if manifest.kind == MIGRATION else ""
    return f"{_moment(now)}-{manifest.kind}{since}{bundle.ENDING}"


def _moment(now: datetime) -> str:
    return f"{now:%Y%m%dT%H%M%SZ}"


def _find_room(config: Config, home: Path) -> None:
    """Say where a backup will not fit.

    Raises: StoreError.
    """
    if not config.store.exists():
        raise StoreError(f"{config.store}: is not there, so there is nothing to back up")
    size = sum(path.stat().st_size for path in (config.store, _beside(config.store, "-wal")) if path.exists())
    need, free = 2 * size + LEFT, resources.free_disk(home)
    if need > free:
        raise StoreError(f"{home}: a backup needs {need / 1e6:.0f} MB free, {free / 1e6:.0f} are")


def _beside(store: Path, ending: str) -> Path:
    return store.with_name(store.name + ending)


def _manifest(store: Path, kind: str, now: datetime) -> Manifest:
    what = snapshot.kind(store)
    return Manifest(
        kind=kind, at=f"{now:%Y-%m-%dT%H:%M:%SZ}", version=__version__, schema=what.schema,
        migration=what.migration, rows=what.rows,
    )  # fmt: skip


def _members(config: Config, store: Path, folder: Path) -> dict[str, Path]:
    """Return what goes in, by name: copies, for they may be edited while they are packed."""
    found = {bundle.STORE: store}
    for name, path in places(config).items():
        if path.is_file():
            found[name] = folder / name
            files.replace(found[name], path.read_bytes())
    found["settings.toml"] = folder / "settings.toml"
    files.replace(found["settings.toml"], settings.written(config))
    return found


def places(config: Config) -> dict[str, Path]:
    """Return where the files lie that belong to the store, by their names in a backup."""
    own = {
        "feeds.opml": config.opml,
        "filters.toml": config.filters,
        "denied": deny_list.path(config.store),
    }
    return own if config.glossary == glossary.NONE else own | {"glossary.tsv": config.glossary}


def there(config: Config) -> list[tuple[Path, Manifest | None]]:
    """List the backups in the folder, the newest first; None where one cannot be read."""
    return [(path, _maybe_manifest(path)) for path in sorted(_paths(config), reverse=True)]


def _paths(config: Config) -> list[Path]:
    return [*config.backups_folder.glob(f"[0-9]*-*{bundle.ENDING}")]


def _maybe_manifest(path: Path) -> Manifest | None:
    try:
        return bundle.manifest_of(path)
    except StoreError as error:
        log.warning("backup_unreadable error=%s", error)
        return None


def newest(config: Config, now: datetime) -> Path | None:
    """Return the newest backup by its name; None where none is.

    Shape: one of the future, which a clock that was ahead dated, only where no other is there.
    """
    return max(_paths(config), key=_age(now + _TOLERANCE), default=None)


def _age(now: datetime) -> Callable[[Path], tuple[bool, str]]:
    """Return what sorts backups by their age: those of the future first."""
    present = _moment(now)
    return lambda path: (path.name[: len(present)] <= present, path.name)


def _kind(path: Path) -> str:
    """Return a backup's kind by its name: what stands between the moment and, of a migration, its number."""
    return path.name.partition("-")[2].removesuffix(bundle.ENDING).rstrip("-0123456789")


def _let_go(config: Config, now: datetime) -> None:
    """Remove what is beyond the newest so many of each kind."""
    age = _age(now)  # those of the future go first: they would outlast all others
    for kind in _KINDS:
        found = sorted((path for path in _paths(config) if _kind(path) == kind), key=age)
        kept = config.backup_keep if kind == DAILY else max(config.backup_keep, _FEWEST)
        for path in found[: max(0, len(found) - kept)]:
            path.unlink(missing_ok=True)
            log.info("backup_removed path=%s", path)
